// libFuzzer: a server that says anything. The client's sync engine over a real home gets answers,
// errors and nudges of the input's making, each as the link takes it (scan, unpack). Nothing that a
// server says may crash the client, or make it ask for ever, or touch what a person has recorded.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/core/sync.h"
#include "client/store/outbox.h"
#include "common/wire/method.h"
#include "common/wire/unpack.h"
#include "tests/fuzz/mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#define NOW_MS 1637200000000
#define MAX_STEPS 64
#define MAX_REQUESTS 1000 // of one step: more is a loop
#define HEAD 3            // of a step: what, length

// A step: what (below), length of its message (2 bytes), the message.
enum step { STEP_REPLY, STEP_ERROR, STEP_NUDGE, STEP_LOST, STEP_OUTBOX, STEP_WAIT, STEPS };

static struct {
    char folder[64];
    struct store *store;
    struct sync *sync;
    struct {
        uint32_t token;
        uint16_t method;
    } waiting[SYNC_MAX_IN_FLIGHT + 1];
    size_t n_waiting;
    int64_t now_ms;
} client;

static void check(bool holds) {
    if (!holds)
        abort();
}

static void remove_home(void) {
    char path[400];
    DIR *listing = opendir(client.folder);
    for (struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", client.folder, entry->d_name);
        if (entry->d_type == DT_REG)
            unlink(path);
    }
    if (listing != NULL)
        closedir(listing);
    rmdir(client.folder);
}

static void make_id(uint8_t number, uint8_t id[16]) {
    static const uint8_t start[16] = {0x01, 0x99, 0xc0, 0xde, 0, 0, 0x70, 0, 0x80};
    memcpy(id, start, sizeof start);
    id[15] = number;
}

static void record_hours(uint8_t number) {
    uint8_t id[16], subject[16], stream_bytes[16];
    struct uuid stream;
    Lx__Operation operation = LX__OPERATION__INIT;
    Lx__Fact fact = LX__FACT__INIT;
    make_id(number, id);
    make_id(0x11, subject);
    make_id(4, stream_bytes);
    memcpy(stream.bytes, stream_bytes, sizeof stream.bytes);
    operation.fact = &fact;
    fact.has_id = fact.has_subject = fact.has_kind = fact.has_programme = true;
    fact.id = (ProtobufCBinaryData){16, id};
    fact.subject = (ProtobufCBinaryData){16, subject};
    fact.kind = LX__FACT_KIND__CREDIT_HOURS;
    fact.programme = 1;
    fact.item = (char *)(uintptr_t) "school";
    int64_t entry = 0;
    check(store_begin(client.store) == STATUS_OK &&
          store_add_operation(client.store, stream, &operation, NOW_MS, &entry) == STATUS_OK &&
          store_commit(client.store) == STATUS_OK);
}

static void open_home(void) {
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    const struct sync_options options = {.watch = true};
    memset(&client, 0, sizeof client);
    client.now_ms = NOW_MS;
    snprintf(client.folder, sizeof client.folder, "%s/lx-fuzz-XXXXXX", parent);
    check(mkdtemp(client.folder) != NULL &&
          store_open(client.folder, "fuzz", NULL, &client.store) == STATUS_OK);
    check(store_begin(client.store) == STATUS_OK &&
          store_config_set(client.store, STORE_CONFIG_DB_EPOCH, VIEW_LITERAL("sixteen bytes...")) ==
              STATUS_OK &&
          store_commit(client.store) == STATUS_OK);
    record_hours(0x40);
    record_hours(0x41);
    client.sync = sync_new(client.store, &options);
    check(client.sync != NULL);
    sync_connected(client.sync, NULL);
}

static void close_home(void) {
    struct outbox_counts counts;
    check(store_outbox_counts(client.store, &counts) == STATUS_OK);
    check(counts.waiting + counts.refused + counts.acked + counts.archived >= 2); // nothing is lost
    sync_free(&client.sync);
    store_close(&client.store);
    remove_home();
}

static void collect_requests(void) {
    struct sync_request request;
    for (int i = 0; sync_next(client.sync, client.now_ms, &request); i++) {
        check(i < MAX_REQUESTS && client.n_waiting <= SYNC_MAX_IN_FLIGHT);
        client.waiting[client.n_waiting].token = request.token;
        client.waiting[client.n_waiting++].method = request.method;
    }
}

// What the link does with it; NULL: it gives the connection up.
static const ProtobufCMessage *read_message(const ProtobufCMessageDescriptor *descriptor,
                                            struct view bytes, struct arena *arena) {
    const ProtobufCMessage *message = NULL;
    struct scan_fault fault;
    enum status status =
        unpack_message(descriptor, bytes, &SCAN_LIMITS_REPLY, arena, &message, &fault);
    return status == STATUS_OK ? message : NULL;
}

static void lose_connection(void) {
    client.n_waiting = 0;
    sync_disconnected(client.sync);
    sync_connected(client.sync, NULL);
}

static void answer(enum step step, struct view bytes, struct arena *arena) {
    if (client.n_waiting == 0)
        return;
    uint32_t token = client.waiting[0].token;
    const struct method_info *method = method_find(client.waiting[0].method);
    client.n_waiting--;
    memmove(client.waiting, client.waiting + 1, client.n_waiting * sizeof client.waiting[0]);
    const ProtobufCMessage *message =
        read_message(step == STEP_REPLY ? method->reply : &lx__error__descriptor, bytes, arena);
    if (message == NULL)
        lose_connection();
    else if (step == STEP_REPLY)
        sync_on_reply(client.sync, token, message, client.now_ms);
    else
        sync_on_error(client.sync, token, (const Lx__Error *)message, client.now_ms);
}

static void run_step(enum step step, struct view bytes) {
    struct arena *arena = arena_new(0);
    const ProtobufCMessage *nudge = NULL;
    check(arena != NULL);
    switch (step) {
    case STEP_REPLY:
    case STEP_ERROR:
        answer(step, bytes, arena);
        break;
    case STEP_NUDGE:
        nudge = read_message(&lx__nudge__descriptor, bytes, arena);
        if (nudge != NULL)
            sync_on_nudge(client.sync, (const Lx__Nudge *)nudge);
        break;
    case STEP_LOST:
        lose_connection();
        break;
    case STEP_OUTBOX:
        sync_on_outbox(client.sync);
        break;
    case STEP_WAIT:
    case STEPS:
    default:
        client.now_ms += 60000;
    }
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    open_home();
    collect_requests();
    for (int i = 0; i < MAX_STEPS && size >= HEAD; i++) {
        size_t length = (size_t)data[1] << 8 | data[2];
        length = length < size - HEAD ? length : size - HEAD;
        run_step((enum step)(data[0] % STEPS), view_from(data + HEAD, length));
        collect_requests();
        data += HEAD + length;
        size -= HEAD + length;
    }
    close_home();
    return 0;
}

// The order in which an honest client asks, so that mutations know what they change.
static const ProtobufCMessageDescriptor *guess(size_t reply) {
    const ProtobufCMessageDescriptor *const order[] = {
        &lx__scope_reply__descriptor, &lx__push_reply__descriptor, &lx__subscribe_reply__descriptor,
        &lx__pull_reply__descriptor};
    return order[reply < 4 ? reply : 3];
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    static uint8_t message[UINT16_MAX];
    size_t at = 0, reply = 0, chosen = seed / 4 % 6;
    if (seed % 4 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    for (size_t step = 0; size - at >= HEAD; step++) {
        size_t length = (size_t)data[at + 1] << 8 | data[at + 2];
        length = length < size - at - HEAD ? length : size - at - HEAD;
        if (step == chosen && data[at] % STEPS <= STEP_NUDGE) {
            const ProtobufCMessageDescriptor *descriptor =
                data[at] % STEPS == STEP_REPLY   ? guess(reply)
                : data[at] % STEPS == STEP_ERROR ? &lx__error__descriptor
                                                 : &lx__nudge__descriptor;
            size_t body = at + HEAD, rest = size - body - length, room = max_size - body - rest;
            memcpy(message, data + body, length);
            size_t now = mutate_message(descriptor, message, length,
                                        room < sizeof message ? room : sizeof message, seed / 4);
            memmove(data + body + now, data + body + length, rest);
            memcpy(data + body, message, now);
            data[at + 1] = (uint8_t)(now >> 8);
            data[at + 2] = (uint8_t)now;
            return body + now + rest;
        }
        reply += data[at] % STEPS == STEP_REPLY;
        at += HEAD + length;
    }
    return LLVMFuzzerMutate(data, size, max_size);
}
