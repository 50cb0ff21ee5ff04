// What was typed, sent, answered and delivered, kept outside of all programs: operations by device,
// stream and key, and rows by home. The network tells; the oracle asks at the end.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/store/outbox.h"
#include "common/wire/digest.h"
#include "common/wire/frame.h"
#include "common/wire/unpack.h"
#include "tests/sim/world.h"

struct sent {
    const struct machine *client;
    struct uuid stream;
    uint64_t op_seq;
    struct uuid record;
    bool is_fact;
    bool acknowledged;
    bool refused;
};

struct typed {
    const struct machine *client;
    int64_t entry;
    struct uuid record;
    bool archived; // the person took it back or repeated it
};

struct delivered {
    const struct machine *client;
    struct uuid stream;
    struct uuid row;
    struct uuid subject;
    enum store_kind kind;
    int64_t wall_ms;
};

#define LIST(type, name)                                                                           \
    static struct type *name;                                                                      \
    static size_t n_##name, capacity_##name;                                                       \
    static struct type *add_##name(void) {                                                         \
        if (n_##name == capacity_##name) {                                                         \
            capacity_##name = capacity_##name * 2 + 64;                                            \
            name = realloc(name, capacity_##name * sizeof *name);                                  \
            if (name == NULL)                                                                      \
                abort();                                                                           \
        }                                                                                          \
        memset(&name[n_##name], 0, sizeof *name);                                                  \
        return &name[n_##name++];                                                                  \
    }

LIST(sent, sents)
LIST(typed, typeds)
LIST(delivered, delivereds)

static struct arena *arena; // owns: the message that is being read

static struct uuid id_of(ProtobufCBinaryData bytes) {
    struct uuid id = {{0}};
    if (bytes.len == UUID_SIZE)
        memcpy(id.bytes, bytes.data, UUID_SIZE);
    return id;
}

// ---- the way up ----

static struct sent *find_sent(const struct machine *client, struct uuid stream, uint64_t op_seq) {
    for (size_t i = n_sents; i-- > 0;)
        if (sents[i].client == client && sents[i].op_seq == op_seq &&
            uuid_equal(sents[i].stream, stream))
            return &sents[i];
    return NULL;
}

static void take_operation(const struct machine *client, struct uuid stream, uint64_t op_seq,
                           ProtobufCBinaryData bytes) {
    Lx__Operation *operation = lx__operation__unpack(NULL, bytes.len, bytes.data);
    if (operation == NULL) {
        finding("an operation cannot be read");
        return;
    }
    struct uuid record = operation->fact != NULL     ? id_of(operation->fact->id)
                         : operation->person != NULL ? id_of(operation->person->id)
                                                     : id_of(operation->membership->id);
    struct sent *sent = find_sent(client, stream, op_seq);
    if (sent == NULL)
        sent = add_sents();
    else if (sent->acknowledged && !uuid_equal(sent->record, record))
        finding("key %" PRIu64 " is used twice after it was acknowledged", op_seq);
    sent->client = client;
    sent->stream = stream;
    sent->op_seq = op_seq;
    sent->record = record;
    sent->is_fact = operation->fact != NULL;
    lx__operation__free_unpacked(operation, NULL);
}

static void take_push(const struct machine *client, const Lx__PushRequest *request) {
    for (size_t i = 0; i < request->n_groups; i++) {
        const Lx__PushGroup *group = request->groups[i];
        for (size_t j = 0; j < group->n_operations; j++)
            take_operation(client, id_of(group->stream), group->first_op_seq + j,
                           group->operations[j]);
    }
}

static bool is_refused(const Lx__PushedGroup *group, uint64_t op_seq) {
    for (size_t i = 0; i < group->n_refused; i++)
        if (group->refused[i]->op_seq == op_seq)
            return true;
    return false;
}

static void take_pushed(const struct machine *client, const Lx__PushedGroup *group) {
    if (group->verdict != LX__GROUP_VERDICT__GROUP_DONE &&
        group->verdict != LX__GROUP_VERDICT__GROUP_REPEATED)
        return;
    struct uuid stream = id_of(group->stream);
    for (size_t i = 0; i < n_sents; i++) {
        struct sent *sent = &sents[i];
        if (sent->client != client || sent->acknowledged || sent->op_seq > group->op_to ||
            !uuid_equal(sent->stream, stream))
            continue;
        sent->acknowledged = true;
        sent->refused = is_refused(group, sent->op_seq);
        count(sent->refused ? COUNT_REFUSED : COUNT_ACKNOWLEDGED);
    }
}

// ---- the way down ----

static void take_rows(const struct machine *client, const Lx__PullReply *reply) {
    for (size_t i = 0; i < reply->n_rows; i++) {
        const Lx__Row *row = reply->rows[i];
        if (row->state != LX__ROW_STATE__ROW_LIVE)
            continue;
        struct delivered *delivered = add_delivereds();
        delivered->client = client;
        delivered->stream = id_of(reply->stream);
        delivered->row = id_of(row->id);
        delivered->subject = id_of(row->subject);
        delivered->kind = row->fact != NULL         ? STORE_KIND_FACT
                          : row->person != NULL     ? STORE_KIND_PERSON
                          : row->membership != NULL ? STORE_KIND_MEMBERSHIP
                                                    : STORE_KIND_ANY;
        delivered->wall_ms = sim_wall_ms();
        count(COUNT_ROWS);
    }
}

static const void *read_message(const ProtobufCMessageDescriptor *descriptor, struct view payload,
                                const struct scan_limits *limits) {
    const ProtobufCMessage *message = NULL;
    struct scan_fault fault;
    arena_reset(arena);
    if (unpack_message(descriptor, payload, limits, arena, &message, &fault) != STATUS_OK)
        return NULL;
    return message;
}

static void on_frame(const struct machine *client, uint32_t connection, bool to_server,
                     const struct frame *frame) {
    const void *message = NULL;
    (void)connection;
    uint16_t method = frame->header.method;
    if (to_server && method == LX__METHOD__PUSH) {
        message = read_message(&lx__push_request__descriptor, frame->payload, &SCAN_LIMITS_REQUEST);
        if (message != NULL)
            take_push(client, message);
    } else if (!to_server && frame->header.kind == LX__FRAME_KIND__REPLY) {
        if (method == LX__METHOD__PUSH)
            message = read_message(&lx__push_reply__descriptor, frame->payload, &SCAN_LIMITS_REPLY);
        const Lx__PushReply *pushed = message;
        for (size_t i = 0; pushed != NULL && i < pushed->n_groups; i++)
            take_pushed(client, pushed->groups[i]);
        if (method == LX__METHOD__PULL)
            message = read_message(&lx__pull_reply__descriptor, frame->payload, &SCAN_LIMITS_REPLY);
        if (method == LX__METHOD__PULL && message != NULL)
            take_rows(client, message);
    }
}

// ---- what was typed ----

void history_typed(const struct device *device, int64_t entry, const Lx__Operation *operation) {
    struct typed *typed = add_typeds();
    typed->client = &device->machine;
    typed->entry = entry;
    typed->record = operation->fact != NULL     ? id_of(operation->fact->id)
                    : operation->person != NULL ? id_of(operation->person->id)
                                                : id_of(operation->membership->id);
    count(COUNT_OPERATIONS);
}

void history_archived(const struct device *device, int64_t entry, int64_t new_entry) {
    for (size_t i = 0; i < n_typeds; i++) {
        if (typeds[i].client != &device->machine || typeds[i].entry != entry)
            continue;
        typeds[i].archived = true;
        if (new_entry != 0) {
            struct typed again = typeds[i];
            again.archived = false;
            again.entry = new_entry;
            *add_typeds() = again;
        }
        return;
    }
}

// ---- life ----

void history_begin(void) {
    n_sents = n_typeds = n_delivereds = 0;
    if (arena == NULL)
        arena = arena_new(0);
    net_set_tap(on_frame);
}

void history_end(void) {
    net_set_tap(NULL);
    arena_free(&arena);
    free(sents);
    free(typeds);
    free(delivereds);
    sents = NULL;
    typeds = NULL;
    delivereds = NULL;
    capacity_sents = capacity_typeds = capacity_delivereds = 0;
}

// ---- checks ----

// I1: acknowledged and not refused means that the record is there.
static void check_acknowledged(void) {
    struct uuid *ids = calloc(n_sents + 1, sizeof *ids);
    size_t n = 0;
    if (ids == NULL)
        abort();
    for (size_t i = 0; i < n_sents; i++)
        if (sents[i].acknowledged && !sents[i].refused)
            ids[n++] = sents[i].record;
    struct arena *own = arena_new(0);
    struct db_params *params = db_params_new(own);
    db_param_uuid_array(params, n, ids, NULL);
    struct db_result *result =
        base_ask("select i from unnest($1::uuid[]) i where not exists (select from lx.fact f where "
                 "f.id = i) "
                 "and not exists (select from lx.person p where p.id = i) "
                 "and not exists (select from lx.membership m where m.id = i)",
                 params);
    for (int row = 0; result != NULL && row < db_rows(result); row++) {
        char text[UUID_TEXT_SIZE];
        uuid_format(db_uuid(result, row, 0), text);
        finding("lost: %s was acknowledged and is not in the ledger", text);
    }
    base_free(&result);
    arena_free(&own);
    free(ids);
}

// P5: what was typed is stored, waits, or is refused and visible.
static void check_typed(const struct device *device) {
    struct arena *own = arena_new(0);
    for (size_t i = 0; i < n_typeds; i++) {
        const struct typed *typed = &typeds[i];
        struct outbox_entry entry;
        if (typed->client != &device->machine)
            continue;
        enum status status = store_outbox_get(device->store, typed->entry, own, &entry);
        if (status != STATUS_OK || !uuid_equal(entry.record, typed->record))
            finding("entry %" PRId64 " of %s has gone", typed->entry, device->account);
        else if (entry.state == OUTBOX_ARCHIVED && !typed->archived)
            finding("entry %" PRId64 " of %s was put away by nobody", typed->entry,
                    device->account);
        else if (entry.state == OUTBOX_REFUSED && entry.reason == NULL)
            finding("entry %" PRId64 " of %s is refused without a reason", typed->entry,
                    device->account);
    }
    arena_free(&own);
}

void history_check(void) {
    check_acknowledged();
    for (unsigned i = 0; i < world_device_count; i++)
        if (world_devices[i].store != NULL)
            check_typed(&world_devices[i]);
}
