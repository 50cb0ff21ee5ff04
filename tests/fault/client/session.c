// See session.h: the steps. What is checked is in session_check.c.
#include "tests/fault/client/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/core/client.h"
#include "client/core/sync.h"
#include "tests/fault/client/session_internal.h"

#define COURSES "平台账号,教师编号,姓名,学校,课程,开始时间,结束时间,记录号\n"
#define ROSTER "学校,工作坊,姓名,教师编号,平台账号,角色,职称,离开日期\n"

static const char file_1[] =
    COURSES "t01,,,,p01,2021-07-05 19:00:00,2021-07-05 19:40:00,1\n"
            "t02,,,,p01,2021-07-05 19:00:00,2021-07-05 19:40:00,2\n"
            "t99,,,,p01,2021-07-05 19:00:00,2021-07-05 19:40:00,3\n" // nobody
            "t03,,,,p01,2021-07-06 19:00:00,2021-07-06 19:20:00,4\n";
static const char file_2[] = COURSES "t01,,,,p01,2021-07-05 19:00:00,2021-07-05 19:40:00,1\n"
                                     "t02,,,,p01,2021-07-05 19:00:00,2021-07-05 19:50:00,2\n"
                                     "t03,,,,p01,2021-07-07 19:00:00,2021-07-07 19:20:00,5\n";
static const char roster[] = ROSTER "3401030002,语文工作坊,夏然,340103000220210001,t01,,,\n"
                                    "3401030002,语文工作坊,钟子涵,340103000220210002,t02,,,\n"
                                    "3401030002,数学工作坊,朱婷,,t03,教师+坊主,,\n"
                                    "3401030002,语文工作坊,新人,340103000220210020,t20,,,\n";

static int64_t now_ms(const struct session *session) {
    int64_t move = session->n_moves ? session->moves[session->step % session->n_moves] : 0;
    return client_right_time_ms(session->world.now_ms + move, session->world.now_ms);
}

// What the test itself needs never fails for want of memory (tests/lib/alloc.h, where it is used).
void alloc_spare(bool on) __attribute__((weak));

static void spare(bool on) {
    if (alloc_spare)
        alloc_spare(on);
}

static struct uuid record_id(int number) {
    return home_id(2000 + (uint64_t)number);
}

// ---- what a person does ----

struct identity_text {
    char device[33], key[40], certificate[40], ca[40];
};

static struct identity_text identity_of(int device) {
    struct identity_text text;
    memset(text.device, device, sizeof text.device - 1);
    text.device[sizeof text.device - 1] = '\0';
    snprintf(text.key, sizeof text.key, "key of %c", device);
    snprintf(text.certificate, sizeof text.certificate, "certificate of %c", device);
    snprintf(text.ca, sizeof text.ca, "CA of %c", device);
    return text;
}

// As client_enrol stores it.
static enum status enrol(struct session *session, int device) {
    struct store *store = session->world.home.store;
    const struct identity_text text = identity_of(device);
    const struct store_identity identity = {
        .device = view_from_string(text.device),
        .key = view_from_string(text.key),
        .certificate = view_from_string(text.certificate),
        .ca = view_from_string(text.ca),
    };
    int present;
    TRY(session_device(session, &present));
    if (present == device)
        return STATUS_OK;
    TRY(store_begin(store));
    TRY(store_identity_put(store, &identity));
    TRY(store_outbox_new_device(store));
    TRY(store_commit(store));
    store_identity_tidy(store);
    return STATUS_OK;
}

static enum status renew(struct session *session, int device) {
    (void)device;
    return store_file_write(session->world.home.store, STORE_FILE_CERTIFICATE,
                            view_from_string("certificate of A, renewed"));
}

static enum status log_in(struct session *session, int unused) {
    (void)unused;
    return import_world_log_in(&session->world);
}

static enum status add(struct session *session, uint64_t stream, const Lx__Operation *operation) {
    struct store *store = session->world.home.store;
    struct store_row row;
    struct uuid id;
    enum store_kind kind = STORE_KIND_FACT;
    TRY(uuid_from_bytes(view_from(operation->fact->id.data, operation->fact->id.len), &id));
    enum status status = store_find_id(store, kind, id, session->world.arena, &row);
    if (status != STATUS_NOT_FOUND)
        return status; // it is there, from before the break
    TRY(store_begin(store));
    TRY(store_add_operation(store, home_id(stream), operation, now_ms(session), NULL));
    return store_commit(store);
}

static enum status record(struct session *session, int number) {
    bool bad = number % 5 == 2;
    uint64_t stream = number % 2 ? WORLD_WORKSHOP : WORLD_SCHOOL;
    spare(true);
    Lx__Operation *operation =
        home_fact(&session->world.home, record_id(number), home_id(101), bad ? "bad" : "t.plan");
    spare(false);
    return add(session, stream, operation);
}

static enum status take_back(struct session *session, int number) {
    struct uuid id = home_id(3000 + (uint64_t)number);
    spare(true);
    Lx__Operation *operation =
        home_accept(&session->world.home, id, home_id(101), record_id(number));
    spare(false);
    operation->fact->kind = LX__FACT_KIND__VOID;
    return add(session, WORLD_WORKSHOP, operation);
}

static enum status load(struct session *session) {
    char error[256];
    return local_load(session->world.home.store, session->world.arena, &session->world.local,
                      error);
}

static enum status import(struct session *session, int number) {
    struct import_world *world = &session->world;
    struct evidence_result result;
    TRY(load(session));
    const struct judge_programme *programme = local_programme(world->local, NULL);
    if (!programme)
        return STATUS_CORRUPT;
    const struct evidence_input input = {
        .bytes = view_from_string(number == 1 ? file_1 : file_2),
        .programme = programme->number,
        .scheme = programme->scheme,
        .people = &world->local->people,
        .known = world->local->known,
        .n_known = world->local->n_known,
        .now_ms = now_ms(session),
    };
    TRY(evidence_read(&input, world->arena, &result));
    return import_apply(world->home.store, world->local, now_ms(session), world->arena, &result);
}

static enum status change_roster(struct session *session, int unused) {
    struct import_world *world = &session->world;
    struct roster_result result;
    (void)unused;
    TRY(load(session));
    const struct judge_programme *programme = local_programme(world->local, NULL);
    if (!programme)
        return STATUS_CORRUPT;
    const struct roster_input input = {
        .bytes = view_from_string(roster),
        .local = world->local,
        .programme = programme,
        .from_ms = programme->scheme->whole.from_ms,
        .now_ms = now_ms(session),
    };
    TRY(roster_read(&input, world->arena, &result));
    return roster_apply(world->home.store, &input, world->arena, &result);
}

// The refused entry of a record; STATUS_NOT_FOUND: none, it was put away before the break.
static enum status refused_entry(struct session *session, int number, int64_t *out_id) {
    struct outbox_entries entries;
    TRY(store_outbox(session->world.home.store, OUTBOX_REFUSED, session->world.arena, &entries));
    for (size_t i = 0; i < entries.count; i++)
        if (uuid_equal(entries.entries[i].record, record_id(number))) {
            *out_id = entries.entries[i].id;
            return STATUS_OK;
        }
    return STATUS_NOT_FOUND;
}

static enum status retry(struct session *session, int number) {
    int64_t id = 0;
    enum status status = refused_entry(session, number, &id);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    TRY(status);
    return store_outbox_retry(session->world.home.store, id, now_ms(session), &id);
}

static enum status drop(struct session *session, int number) {
    int64_t id = 0;
    enum status status = refused_entry(session, number, &id);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    TRY(status);
    return store_outbox_drop(session->world.home.store, id);
}

// ---- sync ----

// A new device's operations begin at 1.
static enum status greet(struct session *session) {
    int device = 0;
    TRY(session_device(session, &device));
    if (device != session->server_device)
        for (size_t i = 0; i < session->server->n_streams; i++)
            session->server->streams[i].n_ops = 0;
    session->server_device = device;
    return STATUS_OK;
}

static const ProtobufCMessage *ask(struct session *session, const struct sync_request *request) {
    spare(true);
    const ProtobufCMessage *answer =
        fake_answer(session->server, request->method, request->message);
    spare(false);
    return answer;
}

static enum status pump(struct session *session, struct sync *sync, bool lose_first_push) {
    struct sync_request request;
    sync_connected(sync, NULL);
    for (int i = 0; i < 2000 && sync_next(sync, now_ms(session), &request); i++) {
        const ProtobufCMessage *answer = ask(session, &request);
        if (lose_first_push && request.method == LX__METHOD__PUSH) {
            lose_first_push = false;
            sync_disconnected(sync);
            sync_connected(sync, NULL);
        } else {
            sync_on_reply(sync, request.token, answer, now_ms(session));
        }
    }
    if (sync_phase(sync) == SYNC_PHASE_DONE)
        return STATUS_OK;
    return STATUS_IO; // the store's error says more
}

static enum status synchronise(struct session *session, int lose_first_push) {
    struct sync_options options = {.pull_limit = 4};
    TRY(greet(session));
    struct sync *sync = sync_new(session->world.home.store, &options);
    if (!sync)
        return STATUS_NO_MEMORY;
    enum status status = pump(session, sync, lose_first_push != 0);
    sync_free(&sync);
    return status;
}

// ---- what happens at the server meanwhile: once, whatever breaks here ----

static void happens(struct session *session, int event) {
    struct fake_server *server = session->server;
    struct home *home = &session->world.home;
    if (session->server_done & 1u << event)
        return;
    session->server_done |= 1u << event;
    if (event == 1) {
        for (uint64_t i = 0; i < 6; i++)
            fake_put(server, WORLD_WORKSHOP - 1,
                     home_fact(home, home_id(4000 + i), home_id(102 + i % 2), "t.plan"));
        fake_put(server, WORLD_WORKSHOP - 1, home_person(home, home_id(104), "王芳芳", 1));
        fake_leave(server, WORLD_WORKSHOP - 1, home_id(105));
    } else {
        server->streams[WORLD_WORKSHOP - 1].wrong_digest = 1;
        server->streams[WORLD_WORKSHOP - 1].wrong_times = 1;
        fake_put(server, WORLD_WORKSHOP - 1,
                 home_fact(home, home_id(4100), home_id(102), "t.plan"));
    }
}

static enum status meet(struct session *session, int event) {
    spare(true);
    happens(session, event);
    spare(false);
    return synchronise(session, 0);
}

static const struct {
    const char *name;
    enum status (*run)(struct session *session, int argument);
    int argument;
} steps[] = {
    {"enrol", enrol, 'A'},
    {"log in", log_in, 0},
    {"first sync", synchronise, 0},
    {"record 1", record, 1},
    {"record 2", record, 2},
    {"record 3", record, 3},
    {"import", import, 1},
    {"sync", synchronise, 0},
    {"roster", change_roster, 0},
    {"import again", import, 2},
    {"record 7", record, 7},
    {"sync, answer lost", synchronise, 1},
    {"retry", retry, 2},
    {"drop", drop, 7},
    {"take back", take_back, 1},
    {"renew", renew, 'A'},
    {"others and sync", meet, 1},
    {"record 9", record, 9},
    {"damage and sync", meet, 2},
    {"record 11", record, 11},
    {"new device", enrol, 'B'},
    {"last sync", synchronise, 0},
    {"nothing to do", synchronise, 0},
};
_Static_assert(sizeof steps / sizeof steps[0] <= SESSION_STEPS, "room for the steps");

// ---- the session ----

static void put_at_server(void *user, uint64_t stream, const Lx__Row *row) {
    fake_put_row(user, stream - 1, row);
}

// The city is made once; every session's server begins as a copy.
static const struct fake_server *new_server(void) {
    static struct fake_server server;
    if (server.arena)
        return &server;
    struct import_world city = {.put = put_at_server, .user = &server};
    fake_open(&server);
    server.n_streams = FAKE_MAX_STREAMS;
    city.arena = arena_new(0);
    import_world_fill(&city, true);
    arena_free(&city.arena);
    return &server;
}

// In one place: it is large. Rows that are there already stay in the first one's arena.
static struct fake_server *copy_server(const struct fake_server *from) {
    static struct fake_server copy;
    copy.n_streams = from->n_streams;
    copy.scope_version = from->scope_version;
    copy.stored_twice = copy.hash_clashes = copy.pulls = copy.pushes = 0;
    for (size_t i = 0; i < from->n_streams; i++) {
        struct fake_stream *stream = &copy.streams[i];
        const struct fake_stream *model = &from->streams[i];
        stream->id = model->id;
        stream->in_scope = true;
        stream->head = model->head;
        stream->n_rows = model->n_rows;
        stream->n_ops = 0;
        stream->wrong_digest = stream->wrong_times = 0;
        stream->refuse_groups = false;
        memcpy(stream->rows, model->rows, model->n_rows * sizeof model->rows[0]);
    }
    return &copy;
}

void session_open(struct session *session, uint64_t seed) {
    memset(session, 0, sizeof *session);
    session->disk = disk_new(SESSION_MOUNT, seed);
    session->server = copy_server(new_server());
    session->server->arena = arena_new(0);
    session->grant = (struct store_grant){.id = home_id(91),
                                          .role = LX__ROLE__SCHOOL_ADMIN,
                                          .unit = home_id(WORLD_SCHOOL),
                                          .from_ms = import_world_time("2021-01-01 00:00")};
    session->server->grant = &session->grant;
    session->world.arena = arena_new(0);
    session->world.now_ms = import_world_time(WORLD_NOW);
    session->world.home.arena = arena_new(0);
}

void session_close(struct session *session) {
    session_drop_home(session);
    arena_free(&session->world.home.arena);
    arena_free(&session->world.arena);
    fake_close(session->server);
    disk_free(&session->disk);
}

void session_drop_home(struct session *session) {
    store_close(&session->world.home.store);
}

enum status session_open_home(struct session *session) {
    struct store **store = &session->world.home.store;
    if (*store)
        return STATUS_OK;
    TRY(store_open(SESSION_HOME, "session", session->error, store));
    store_set_lock_wait_ms(*store, 0); // who else should hold it
    store_set_log_pages(*store, SESSION_LOG_PAGES);
    return STATUS_OK;
}

enum status session_run(struct session *session) {
    session->error[0] = '\0';
    TRY(session_open_home(session));
    for (; session->step < sizeof steps / sizeof steps[0]; session->step++) {
        arena_reset(session->world.arena);
        arena_reset(session->world.home.arena);
        enum status status = steps[session->step].run(session, steps[session->step].argument);
        if (status != STATUS_OK) {
            snprintf(session->error, sizeof session->error, "%s",
                     store_error(session->world.home.store));
            store_rollback(session->world.home.store);
            return status;
        }
        spare(true);
        session_note(session);
        spare(false);
    }
    return STATUS_OK;
}

const char *session_step_name(const struct session *session) {
    return session->step < sizeof steps / sizeof steps[0] ? steps[session->step].name : "the end";
}

const char *session_error(const struct session *session) {
    return session->error;
}
