// The worker, its connections and the checks of what it says. See world.h.
#include "tests/fuzz/server/world.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/assess/scheme_yaml.h"
#include "common/base/log.h"
#include "common/net/ca.h"
#include "common/wire/frame.h"
#include "common/wire/method.h"
#include "common/wire/reason.h"
#include "common/wire/scan.h"
#include "proto/wire.pb-c.h"
#include "server/conn.h"
#include "server/epoch.h"
#include "server/handlers.h"
#include "server/nudge.h"
#include "server/pile_writer.h"
#include "server/request_internal.h"
#include "server/shared.h"
#include "server/thread_pool.h"
#include "server/wheel.h"
#include "server/worker.h"
#include "tests/fuzz/server/fake_db.h"
#include "tests/fuzz/server/replaced.h"
#include "tests/fuzz/server/spare.h"
#include "tests/fuzz/server/stream.h"

#define SCHEME_FILE "deploy/schemes/hefei-2021.yaml"
#define HOUR_MS 3600000
#define CLEANING_LIMIT 100000 // calls that one input may cause: more is a loop

// What is made once in the life of the process.
static struct {
    struct view scheme;
    struct ca *ca;
    struct event_base *base;
    struct event *again;
    struct scheme_cache *schemes; // lent to every worker until one has learned others
    struct config config;
} constant;

static struct {
    struct world_options options;
    struct config config;
    struct shared shared;
    struct wheel wheel;
    struct worker worker;
    bool is_open; // the worker is kept while it has learned nothing
    struct stream *streams[WORLD_CONNS];
    size_t answers[WORLD_CONNS];
    struct world_answer last[WORLD_CONNS];
} world;

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "world: %s\n", what);
    abort();
}

#define check(holds, what) ((holds) ? (void)0 : fail(what)) // so that the analyser sees its end

// ---- constants ----

struct uuid world_uuid(int number) {
    return (struct uuid){
        {0x01, 0x99, 0xc0, 0xde, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, (uint8_t)number}};
}

struct view world_scheme(void) {
    return constant.scheme;
}

Lx__Role world_role(void) {
    return world.options.role;
}

struct uuid world_unit_of_role(void) {
    switch (world.options.role) {
    case LX__ROLE__CITY_ADMIN:
    case LX__ROLE__EXPERT:
    case LX__ROLE__INSPECTOR:
        return world_uuid(WORLD_CITY);
    case LX__ROLE__DISTRICT_ADMIN:
        return world_uuid(WORLD_DISTRICT);
    case LX__ROLE__SCHOOL_ADMIN:
    case LX__ROLE__LEAD_HEAD:
        return world_uuid(WORLD_SCHOOL);
    case LX__ROLE__ROLE_UNKNOWN:
    case LX__ROLE__TEACHER:
    case LX__ROLE__HEAD:
    case _LX__ROLE_IS_INT_SIZE:
    default:
        return world_uuid(WORLD_WORKSHOP);
    }
}

static void make_scheme(void) {
    static char text[1 << 20];
    FILE *file = fopen(SCHEME_FILE, "rb");
    check(file != NULL, "run from the root of the tree: " SCHEME_FILE " is not there");
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    static struct arena *arena; // lives as long as the program
    arena = arena_new(0);
    const char *error = NULL;
    Lx__Scheme *scheme = NULL;
    check(scheme_yaml_read(view_from(text, size), SCHEME_FILE, arena, &scheme, &error) ==
                  STATUS_OK &&
              scheme_pack(scheme, arena, &constant.scheme) == STATUS_OK,
          "the scheme is not well-formed");
}

static void on_again(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    (void)user;
}

static void make_constants(void) {
    if (constant.base != NULL)
        return;
    struct buf certificate = {0}, key = {0};
    log_open("fuzz", (enum log_level)(LOG_LEVEL_ERROR + 1));
    make_scheme();
    config_set_defaults(&constant.config);
    constant.base = event_base_new();
    constant.again = event_new(constant.base, -1, 0, on_again, NULL);
    check(ca_create("fuzz", WORLD_NOW_MS, &certificate, &key) == STATUS_OK &&
              ca_load(buf_view(&certificate), buf_view(&key), &constant.ca) == STATUS_OK,
          "no CA");
    buf_free(&certificate);
    buf_free(&key);
}

// ---- beginning ----

static void lend_schemes(struct handlers *handlers) {
    if (constant.schemes == NULL) {
        constant.schemes = scheme_cache_new();
        check(scheme_cache_put(constant.schemes, 1, 1, constant.scheme) == STATUS_OK, "scheme");
    }
    scheme_cache_free(&handlers->schemes);
    handlers->schemes = constant.schemes;
}

static void on_epoch(struct worker *worker) {
    (void)worker;
}

static void open_worker(void) {
    struct worker *worker = &world.worker;
    *worker = (struct worker){.base = constant.base,
                              .config = &world.config,
                              .shared = &world.shared,
                              .ca = ca_hold(constant.ca),
                              .bundle_keys = world_bundle_keys(),
                              .wheel = &world.wheel,
                              .again_event = constant.again};
    worker->nudge = nudge_new(worker);
    worker->reads = db_pool_new(NULL, NULL);
    worker->auth = db_pool_new(NULL, NULL);
    worker->writers = db_pool_new(NULL, NULL);
    worker->threads = thread_pool_new(NULL, 0, 0);
    check(handlers_open(worker) == STATUS_OK, "handlers");
    worker->epoch = epoch_new(worker, on_epoch, on_epoch);
    check(worker->epoch != NULL, "epoch");
    lend_schemes(worker->handlers);
    while (fake_db_answer()) {
    }
    check(epoch_state(worker->epoch) == EPOCH_OPEN, "the database is open");
    check(handlers_ready(worker), "units and schemes are read");
    fake_db_begin((struct view){NULL, 0});
    world.is_open = true;
}

static void close_worker(bool schemes_too) {
    struct worker *worker = &world.worker;
    thread_pool_free(&worker->threads);
    db_pool_free(&worker->reads);
    db_pool_free(&worker->auth);
    db_pool_free(&worker->writers);
    epoch_free(&worker->epoch);
    worker->handlers->schemes = NULL;
    handlers_close(worker);
    if (schemes_too)
        scheme_cache_free(&constant.schemes);
    request_free_spares(worker);
    nudge_free(&worker->nudge);
    ca_free(&worker->ca);
    world.is_open = false;
}

// The next input finds a worker that knows what it knew at first.
static void forget(void) {
    struct worker *worker = &world.worker;
    unsigned learned = fake_db_learned();
    if ((learned & (FAKE_DB_UNITS | FAKE_DB_SCHEMES)) != 0) {
        close_worker((learned & FAKE_DB_SCHEMES) != 0);
        return;
    }
    if ((learned & FAKE_DB_ROSTERS) != 0) {
        roster_cache_free(&worker->handlers->rosters);
        worker->handlers->rosters = roster_cache_new();
    }
    if ((learned & FAKE_DB_PILE) != 0) {
        pile_carrier_close(&worker->handlers->carrier);
        worker->handlers->carrier = pile_carrier_open(worker);
        check(worker->handlers->carrier != NULL, "pile");
    }
}

void world_begin(const struct world_options *options) {
    make_constants();
    memset(&world.streams, 0, sizeof world.streams);
    memset(&world.answers, 0, sizeof world.answers);
    memset(&world.last, 0, sizeof world.last);
    atomic_store(&world.shared.next, 0); // the ring behind it is only read up to there
    world.options = *options;
    world.shared.assessor_wake = -1;
    replaced_begin(WORLD_NOW_MS);
    wheel_init(&world.wheel, WORLD_NOW_MS);
    world.config = constant.config;
    snprintf(world.config.checks, sizeof world.config.checks, "%s",
             options->checks_off ? "sql_only" : "both");
    fake_db_begin((struct view){NULL, 0}); // the worker's own questions have the usual answers
    if (!world.is_open)
        open_worker();
}

void world_tape(struct view tape) {
    fake_db_begin(tape);
}

// ---- what the server says ----

static void check_payload(const struct frame_header *header, struct view payload) {
    const struct method_info *method = method_find(header->method);
    const ProtobufCMessageDescriptor *descriptor = &lx__error__descriptor;
    if (header->kind != LX__FRAME_KIND__ERROR) {
        check(method != NULL, "an answer of an unknown method");
        descriptor = method->reply;
    }
    struct scan_fault fault;
    enum status status = scan_message(descriptor, payload, &SCAN_LIMITS_REPLY, &fault);
    // A database with numbers of its own in columns that are enumerations is believed.
    check(status == STATUS_OK || fault.reason == REASON_ENUM_UNKNOWN,
          "an answer that a client refuses");
}

static void keep(size_t i, const struct frame_header *header, struct view payload) {
    struct world_answer *last = &world.last[i];
    size_t size = payload.size < sizeof last->payload ? payload.size : sizeof last->payload;
    *last = (struct world_answer){.kind = header->kind, .size = size};
    memcpy(last->payload, payload.data, size);
    if (header->kind != LX__FRAME_KIND__ERROR)
        return;
    Lx__Error *error = lx__error__unpack(NULL, payload.size, payload.data);
    check(error != NULL, "an error that cannot be read");
    last->code = error->code;
    lx__error__free_unpacked(error, NULL);
}

static void check_sent(size_t i) {
    struct buf *sent = memory_stream_sent(world.streams[i]);
    for (;;) {
        struct view bytes = buf_view(sent);
        struct frame_header header;
        if (bytes.size < FRAME_HEADER_SIZE)
            return;
        frame_decode_header(bytes.data, &header);
        check(header.length <= FRAME_CAP_REPLY && header.flags == 0, "a frame that is none");
        check(header.kind == LX__FRAME_KIND__REPLY || header.kind == LX__FRAME_KIND__ERROR ||
                  header.kind == LX__FRAME_KIND__EVENT,
              "a frame of a kind that no server sends");
        if (bytes.size < FRAME_HEADER_SIZE + header.length)
            return;
        struct view payload = view_from(bytes.data + FRAME_HEADER_SIZE, header.length);
        check_payload(&header, payload);
        keep(i, &header, payload);
        buf_consume(sent, FRAME_HEADER_SIZE + header.length);
        world.answers[i]++;
    }
}

// Everything that follows without anybody else's doing.
static void settle(void) {
    for (bool busy = true; busy;) {
        busy = false;
        worker_end_turn(&world.worker);
        for (size_t i = 0; i < WORLD_CONNS; i++) {
            world_spare(true);
            if (world.streams[i] != NULL)
                check_sent(i);
            world_spare(false);
            if (world.streams[i] != NULL)
                busy = memory_stream_ready(world.streams[i]) || busy;
        }
        busy = busy || world.worker.again != NULL || world.worker.dirty != NULL ||
               world.worker.closed != NULL;
    }
}

bool world_work(size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!fake_db_answer() && !replaced_run_job())
            return false;
        settle();
    }
    return true;
}

// ---- what peers and time do ----

void world_connect(size_t i, bool with_device) {
    if (world.streams[i] != NULL)
        return;
    conn_open(&world.worker, -1, "192.0.2.1", false);
    memory_stream_watch(memory_stream_last(), &world.streams[i]);
    if (with_device)
        memory_stream_show_device(
            world.streams[i], WORLD_NOW_MS + (world.options.device_expired ? -HOUR_MS : HOUR_MS));
    memory_stream_ready(world.streams[i]); // the handshake
    settle();
}

void world_send(size_t i, struct view bytes) {
    if (world.streams[i] == NULL)
        return;
    memory_stream_arrive(world.streams[i], bytes);
    settle();
}

void world_send_frame(size_t i, uint16_t method, uint32_t request, struct view payload) {
    uint8_t bytes[FRAME_HEADER_SIZE];
    const struct frame_header header = {.length = (uint32_t)payload.size,
                                        .method = method,
                                        .kind = LX__FRAME_KIND__REQUEST,
                                        .request_id = request};
    frame_encode_header(&header, bytes);
    if (world.streams[i] == NULL)
        return;
    memory_stream_arrive(world.streams[i], view_from(bytes, sizeof bytes));
    world_send(i, payload);
}

void world_greet(size_t i, bool login) {
    static const uint8_t hello[] = {0x08, 1, 0x22, SESSION_HASH_SIZE}; // protocol, session_token
    uint8_t payload[sizeof hello + SESSION_HASH_SIZE] = {0};
    memcpy(payload, hello, sizeof hello);
    world_send_frame(i, LX__METHOD__HELLO, 0, view_from(payload, login ? sizeof payload : 2));
    check(!world_work(CLEANING_LIMIT) && world.answers[i] == 1, "no answer to Hello");
}

void world_hang_up(size_t i) {
    if (world.streams[i] == NULL)
        return;
    memory_stream_end(world.streams[i]);
    settle();
}

void world_tick(int64_t passed_ms) {
    replaced_pass(passed_ms);
    session_check_all(&world.worker);
    nudge_poll(world.worker.nudge);
    wheel_advance(&world.wheel, WORLD_NOW_MS + passed_ms, conn_deadline, &world.worker);
    settle();
}

bool world_is_open(size_t i) {
    return world.streams[i] != NULL;
}

size_t world_answers(size_t i) {
    return world.answers[i];
}

const struct world_answer *world_last(size_t i) {
    return &world.last[i];
}

// ---- the end ----

void world_end(void) {
    struct worker *worker = &world.worker;
    check(!world_work(CLEANING_LIMIT), "the database is asked for ever");
    for (struct conn *conn = worker->conns; conn != NULL; conn = conn->next)
        check(conn->in_flight == 0 && conn->places == 0, "a request was not answered");
    while (worker->conns != NULL)
        conn_close(worker->conns, "the end");
    worker_end_turn(worker);
    check(!world_work(CLEANING_LIMIT), "the database is asked for ever");
    forget();
    for (size_t i = 0; i < WORLD_CONNS; i++)
        check(world.streams[i] == NULL, "a connection is left over");
}
