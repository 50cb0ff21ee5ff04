// The sync engine against a server in memory: whatever is cut, repeated or answered in another
// order, client and server end in the same state, each operation once.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/core/sync.h"
#include "common/wire/reason.h"
#include "tests/unit/client/core/fake_server.h"

#define IN_FLIGHT (SYNC_MAX_IN_FLIGHT + 1)

struct flight {
    uint32_t token;
    const ProtobufCMessage *answer;
};

struct world {
    struct home home;
    struct fake_server server;
    struct sync *sync;
    struct flight flights[IN_FLIGHT];
    size_t n_flights;
    uint64_t random; // 0: everything in order, nothing lost
    int cut_percent;
    int64_t now_ms;
};

static void world_open(struct world *world, bool watch, uint32_t pull_limit) {
    struct sync_options options = {.watch = watch, .pull_limit = pull_limit};
    memset(world, 0, sizeof *world);
    home_open(&world->home);
    fake_open(&world->server);
    world->now_ms = HOME_NOW_MS;
    world->sync = sync_new(world->home.store, &options);
    assert_non_null(world->sync);
}

static void world_close(struct world *world) {
    assert_int_equal(world->server.hash_clashes, 0);
    assert_int_equal(world->server.stored_twice, 0);
    sync_free(&world->sync);
    fake_close(&world->server);
    home_close(&world->home);
}

static uint64_t roll(struct world *world, uint64_t sides) {
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return world->random % sides;
}

static bool chance(struct world *world, int percent) {
    return world->random != 0 && roll(world, 100) < (uint64_t)percent;
}

static void cut(struct world *world) {
    world->n_flights = 0;
    sync_disconnected(world->sync);
    sync_connected(world->sync);
}

// Requests out. A cut before the server has seen it, or after.
static bool send_all(struct world *world) {
    struct sync_request request;
    bool sent = false;
    while (sync_next(world->sync, world->now_ms, &request)) {
        assert_true(world->n_flights < IN_FLIGHT);
        if (chance(world, world->cut_percent)) {
            cut(world);
            return true;
        }
        const ProtobufCMessage *answer =
            fake_answer(&world->server, request.method, request.message);
        world->flights[world->n_flights++] = (struct flight){request.token, answer};
        sent = true;
    }
    return sent;
}

static void receive_one(struct world *world) {
    size_t i = world->random ? roll(world, world->n_flights) : 0;
    struct flight flight = world->flights[i];
    world->flights[i] = world->flights[--world->n_flights];
    if (chance(world, world->cut_percent)) {
        cut(world);
        return;
    }
    sync_on_reply(world->sync, flight.token, flight.answer, world->now_ms);
    if (chance(world, 10)) // an answer that was already taken changes nothing
        sync_on_reply(world->sync, flight.token, flight.answer, world->now_ms);
}

static void run_round(struct world *world) {
    sync_connected(world->sync);
    for (int i = 0; i < 5000; i++) {
        bool sent = send_all(world);
        if (world->n_flights > 0)
            receive_one(world);
        else if (!sent)
            break;
    }
    if (sync_phase(world->sync) == SYNC_PHASE_FAILED)
        fail_msg("sync failed: %s", sync_failure_text(world->sync));
}

static void assert_same_state(struct world *world) {
    for (size_t i = 0; i < FAKE_STREAMS; i++) {
        const struct fake_stream *theirs = &world->server.streams[i];
        struct store_stream ours;
        uint64_t digest = 0;
        if (!theirs->in_scope)
            continue;
        assert_int_equal(store_stream_get(world->home.store, theirs->id, &ours), STATUS_OK);
        assert_int_equal(ours.live_count, fake_live_count(theirs, &digest));
        assert_true(ours.digest == digest);
        assert_true(ours.whole);
        assert_int_equal(ours.cursor, theirs->head);
    }
}

static struct outbox_counts counts(struct world *world) {
    struct outbox_counts result;
    assert_int_equal(store_outbox_counts(world->home.store, &result), STATUS_OK);
    return result;
}

static void record(struct world *world, size_t stream, const char *item) {
    struct uuid id = home_new_id(&world->home);
    home_add(&world->home, home_id(stream + 1), home_fact(&world->home, id, home_id(500), item));
}

static void test_round_with_nothing(void **state) {
    struct world world;
    (void)state;
    world_open(&world, false, 0);
    run_round(&world);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_DONE);
    assert_same_state(&world);
    world_close(&world);
}

static void test_push_pull_and_refused(void **state) {
    struct world world;
    (void)state;
    world_open(&world, false, 2);
    for (size_t i = 0; i < 5; i++) {
        record(&world, 0, i == 2 ? "bad" : "t.plan");
        record(&world, 1, "t.plan");
        fake_put(&world.server, 2,
                 home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
    }
    run_round(&world);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_DONE);
    assert_int_equal(counts(&world).acked, 9);
    assert_int_equal(counts(&world).refused, 1);
    assert_int_equal(sync_progress(world.sync)->pushed, 9);
    assert_int_equal(sync_progress(world.sync)->refused, 1);
    assert_int_equal(sync_progress(world.sync)->pulled, 14);
    assert_int_equal(world.server.pushes, 1); // both streams in one request
    assert_same_state(&world);
    assert_int_equal(home_count(&world.home, STORE_KIND_FACT), 14);
    unsigned pulls = world.server.pulls;
    run_round(&world);
    assert_int_equal(world.server.pulls, pulls); // nothing has moved: nothing is asked
    world_close(&world);
}

// The property: any cut and repetition ends in the same state.
static void run_seed(uint64_t seed) {
    struct world world;
    world_open(&world, false, 3);
    world.random = seed * 2654435761u | 1;
    world.cut_percent = 12;
    for (int i = 0; i < 30; i++) {
        record(&world, roll(&world, FAKE_STREAMS), chance(&world, 15) ? "bad" : "t.plan");
        if (chance(&world, 50))
            fake_put(&world.server, roll(&world, FAKE_STREAMS),
                     home_fact(&world.home, home_new_id(&world.home),
                               home_id(600 + roll(&world, 3)), "t.plan"));
        if (chance(&world, 30))
            fake_put(&world.server, 1,
                     home_person(&world.home, home_id(700 + roll(&world, 3)), "王芳", 0));
        if (chance(&world, 10))
            fake_leave(&world.server, roll(&world, FAKE_STREAMS), home_id(600 + roll(&world, 3)));
        if (chance(&world, 30))
            run_round(&world);
    }
    world.cut_percent = 0;
    run_round(&world);
    run_round(&world);
    assert_int_equal(sync_progress(world.sync)->restarts, 0); // no mend by pulling all again
    assert_int_equal(counts(&world).waiting, 0);
    assert_int_equal(counts(&world).acked + counts(&world).refused, 30);
    assert_same_state(&world);
    assert_int_equal(world.server.hash_clashes, 0);
    world_close(&world);
}

static void test_any_cut_ends_in_the_same_state(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        run_seed(seed);
}

static void test_damaged_replica_starts_afresh_once(void **state) {
    struct world world;
    (void)state;
    world_open(&world, false, 0);
    for (size_t i = 0; i < 5; i++)
        fake_put(&world.server, 0,
                 home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
    world.server.streams[0].wrong_digest = 1;
    world.server.streams[0].wrong_times = 1;
    run_round(&world);
    assert_int_equal(world.server.pulls, FAKE_STREAMS + 1);
    assert_int_equal(sync_progress(world.sync)->streams_broken, 0);
    assert_same_state(&world);
    // A server whose digest is wrong for good is told, not asked for ever.
    fake_put(&world.server, 0,
             home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
    world.server.streams[0].wrong_times = 1000;
    run_round(&world);
    assert_int_equal(world.server.pulls, FAKE_STREAMS + 3);
    assert_int_equal(sync_progress(world.sync)->streams_broken, 1);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_DONE);
    world_close(&world);
}

static void test_refused_group_waits_and_others_go(void **state) {
    struct world world;
    (void)state;
    world_open(&world, false, 0);
    world.server.streams[0].refuse_groups = true;
    record(&world, 0, "t.plan");
    record(&world, 1, "t.plan");
    run_round(&world);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_DONE);
    assert_int_equal(counts(&world).waiting, 1);
    assert_int_equal(counts(&world).acked, 1);
    assert_int_equal(sync_progress(world.sync)->streams_held, 1);
    world.server.streams[0].refuse_groups = false;
    run_round(&world);
    assert_int_equal(counts(&world).acked, 2);
    assert_same_state(&world);
    world_close(&world);
}

static void test_server_that_lost_operations_gets_them_again(void **state) {
    struct world world;
    (void)state;
    world_open(&world, false, 0);
    for (int i = 0; i < 4; i++)
        record(&world, 0, "t.plan");
    run_round(&world);
    // Restored to a state before the last two.
    struct fake_stream *stream = &world.server.streams[0];
    stream->n_ops = 2;
    stream->n_rows = 2;
    stream->head = 2;
    record(&world, 0, "t.plan");
    run_round(&world);
    assert_int_equal(counts(&world).acked, 5);
    assert_int_equal(stream->n_ops, 5);
    assert_same_state(&world);
    world_close(&world);
}

static void settle_down(struct world *world) {
    while (send_all(world) || world->n_flights > 0)
        if (world->n_flights > 0)
            receive_one(world);
}

static void set_epoch(struct world *world, uint64_t number) {
    struct uuid epoch = home_id(number);
    assert_int_equal(store_begin(world->home.store), STATUS_OK);
    assert_int_equal(store_config_set(world->home.store, STORE_CONFIG_DB_EPOCH,
                                      view_from(epoch.bytes, UUID_SIZE)),
                     STATUS_OK);
    assert_int_equal(store_commit(world->home.store), STATUS_OK);
}

static struct fake_stream *lose(struct world *world, size_t rows, size_t ops) {
    struct fake_stream *stream = &world->server.streams[0];
    stream->n_ops = ops;
    stream->n_rows = stream->head = rows;
    return stream;
}

// The home has nothing new to send and heals the server all the same, without any epoch.
static void test_restored_server_is_healed_by_an_idle_home(void **state) {
    struct world world;
    (void)state;
    world_open(&world, false, 0);
    for (int i = 0; i < 4; i++)
        record(&world, 0, i == 2 ? "bad" : "t.plan");
    run_round(&world);
    struct fake_stream *stream = lose(&world, 1, 1);
    run_round(&world);
    assert_int_equal(sync_progress(world.sync)->streams_healed, 1);
    assert_int_equal(sync_progress(world.sync)->sent_again, 2);
    assert_int_equal(stream->n_ops, 4);
    assert_int_equal(counts(&world).acked, 3);
    assert_int_equal(counts(&world).refused, 1);
    assert_same_state(&world);
    world_close(&world);
}

// Others have brought the stream to the very number that this replica stands at.
static void test_epoch_begins_replicas_anew(void **state) {
    struct world world;
    (void)state;
    world_open(&world, false, 0);
    set_epoch(&world, 900);
    for (int i = 0; i < 2; i++)
        fake_put(&world.server, 0,
                 home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
    run_round(&world);
    lose(&world, 1, 0);
    fake_put(&world.server, 0,
             home_fact(&world.home, home_new_id(&world.home), home_id(502), "t.plan"));
    set_epoch(&world, 901);
    run_round(&world);
    assert_int_equal(sync_progress(world.sync)->restarts, 0); // nothing had to go wrong first
    assert_same_state(&world);
    world_close(&world);
}

// The server lost rows between the heads and the pull.
static void test_cursor_ahead_starts_afresh(void **state) {
    struct world world;
    struct sync_request request;
    Lx__Reason reason = LX__REASON__INIT;
    Lx__Error error = LX__ERROR__INIT;
    (void)state;
    world_open(&world, false, 0);
    for (int i = 0; i < 2; i++)
        fake_put(&world.server, 0,
                 home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
    run_round(&world);
    fake_put(&world.server, 0,
             home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
    sync_connected(world.sync);
    while (sync_next(world.sync, world.now_ms, &request) && request.method != LX__METHOD__PULL)
        sync_on_reply(world.sync, request.token,
                      fake_answer(&world.server, request.method, request.message), world.now_ms);
    assert_int_equal(request.method, LX__METHOD__PULL);
    lose(&world, 1, 0);
    reason.has_reason = 1;
    reason.reason = REASON_CURSOR_AHEAD;
    error.code = LX__CODE__OUT_OF_RANGE;
    error.reason = &reason;
    sync_on_error(world.sync, request.token, &error, world.now_ms);
    settle_down(&world);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_DONE);
    assert_same_state(&world);
    world_close(&world);
}

static void put_facts(struct world *world, int n, uint64_t subject) {
    for (int i = 0; i < n; i++)
        fake_put(&world->server, 0,
                 home_fact(&world->home, home_new_id(&world->home), home_id(subject), "t.plan"));
}

// Away so long that the tombstones of who left meanwhile are gone: the stream is begun anew in
// pages, without a mismatch, and nobody is raised from the dead; cut wherever chance wants it.
static void test_an_old_replica_gets_a_snapshot(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed <= 40; seed++) {
        struct world world;
        world_open(&world, false, 3);
        put_facts(&world, 4, 501);
        run_round(&world);
        put_facts(&world, 7, 502);
        fake_leave(&world.server, 0, home_id(501));
        fake_prune(&world.server, 0);
        world.random = seed * 7919; // 0: nothing is cut
        world.cut_percent = 15;
        run_round(&world);
        world.random = 0;
        run_round(&world);
        assert_true(seed == 0 ? world.server.snapshots == 1 : world.server.snapshots >= 1);
        assert_int_equal(sync_progress(world.sync)->restarts, 0);
        assert_same_state(&world);
        world_close(&world);
    }
}

static uint64_t cursor_of(struct world *world, struct uuid stream) {
    struct store_stream stored = {.cursor = 0};
    enum status status = store_stream_get(world->home.store, stream, &stored);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return stored.cursor;
}

// Two programs sync one home at once: their answers come in any mixture.
static void test_two_engines_on_one_home(void **state) {
    struct world world;
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sync_options options = {.pull_limit = 2};
        world_open(&world, false, 2);
        world.random = seed * 88172645463325252u | 1;
        struct sync *engines[] = {world.sync, sync_new(world.home.store, &options)};
        struct flight flights[2] = {{0}};
        for (int i = 0; i < 6; i++) {
            record(&world, 0, "t.plan");
            fake_put(&world.server, 0,
                     home_person(&world.home, home_id(700 + roll(&world, 2)), "王芳", 0));
            fake_put(&world.server, 1,
                     home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
        }
        sync_connected(engines[0]);
        sync_connected(engines[1]);
        for (int i = 0; i < 500; i++) {
            uint64_t who = roll(&world, 2);
            struct sync_request request;
            if (i < 200 && roll(&world, 6) == 0)
                fake_put(&world.server, roll(&world, 2),
                         home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
            if (flights[who].token != 0) {
                uint64_t before = cursor_of(&world, home_id(2));
                sync_on_reply(engines[who], flights[who].token, flights[who].answer, world.now_ms);
                assert_true(cursor_of(&world, home_id(2)) >= before); // nothing goes back
                flights[who].token = 0;
            } else if (sync_next(engines[who], world.now_ms, &request)) {
                flights[who].token = request.token;
                flights[who].answer = fake_answer(&world.server, request.method, request.message);
            }
        }
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(sync_phase(engines[i]), SYNC_PHASE_DONE);
            assert_int_equal(sync_progress(engines[i])->restarts, 0);
            assert_int_equal(sync_progress(engines[i])->streams_held, 0);
        }
        assert_int_equal(counts(&world).acked, 6);
        run_round(&world);
        assert_same_state(&world);
        sync_free(&engines[1]);
        world_close(&world);
    }
}

// The other program took the answer first and sent its next group; the server's last operation is
// of that group, of whose refusals this answer says nothing.
static void test_late_answer_speaks_of_its_own_group(void **state) {
    struct world world;
    struct sync_request request;
    struct outbox_entries entries;
    (void)state;
    world_open(&world, false, 0);
    struct uuid stream = world.server.streams[0].id;
    record(&world, 0, "t.plan");
    sync_connected(world.sync);
    assert_true(sync_next(world.sync, world.now_ms, &request));
    while (request.method != LX__METHOD__PUSH) {
        sync_on_reply(world.sync, request.token,
                      fake_answer(&world.server, request.method, request.message), world.now_ms);
        assert_true(sync_next(world.sync, world.now_ms, &request));
    }
    Lx__PushedGroup first = LX__PUSHED_GROUP__INIT;
    first.stream = (ProtobufCBinaryData){UUID_SIZE, stream.bytes};
    first.verdict = LX__GROUP_VERDICT__GROUP_REPEATED;
    first.op_to = 1;
    assert_int_equal(store_begin(world.home.store), STATUS_OK);
    assert_int_equal(store_outbox_settle(world.home.store, &first, world.now_ms), STATUS_OK);
    assert_int_equal(store_commit(world.home.store), STATUS_OK);
    record(&world, 0, "t.plan");
    struct arena *arena = arena_new(0);
    assert_int_equal(store_outbox_seal(world.home.store, stream, 10, 10000, arena, &entries),
                     STATUS_OK);
    assert_int_equal(entries.count, 1);
    Lx__PushedGroup *groups[] = {&first};
    Lx__PushReply reply = LX__PUSH_REPLY__INIT;
    first.op_to = 2;
    reply.n_groups = 1;
    reply.groups = groups;
    sync_on_reply(world.sync, request.token, &reply.base, world.now_ms);
    assert_int_equal(counts(&world).waiting, 1);
    assert_int_equal(sync_progress(world.sync)->streams_held, 0);
    arena_free(&arena);
    world_close(&world);
}

static void test_scope_that_shrinks_and_grows(void **state) {
    struct world world;
    struct store_stream stored;
    (void)state;
    world_open(&world, false, 0);
    for (size_t i = 0; i < FAKE_STREAMS; i++)
        fake_put(&world.server, i,
                 home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
    run_round(&world);
    world.server.streams[1].in_scope = false;
    world.server.scope_version = 2;
    run_round(&world);
    assert_int_equal(store_stream_get(world.home.store, home_id(2), &stored), STATUS_NOT_FOUND);
    assert_int_equal(home_count(&world.home, STORE_KIND_FACT), 2);
    world.server.streams[1].in_scope = true;
    world.server.scope_version = 3;
    run_round(&world);
    assert_same_state(&world);
    world_close(&world);
}

static void test_watch_is_woken(void **state) {
    struct world world;
    Lx__Nudge nudge = LX__NUDGE__INIT;
    Lx__Nudge changed = LX__NUDGE__INIT;
    struct uuid id = home_id(1);
    (void)state;
    world_open(&world, true, 0);
    changed.has_scope_changed = changed.scope_changed = 1;
    sync_connected(world.sync);
    sync_on_nudge(world.sync, &changed); // before the scope was asked for
    run_round(&world);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_WATCH);
    fake_put(&world.server, 0,
             home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
    nudge.has_stream = nudge.has_head = 1;
    nudge.stream = (ProtobufCBinaryData){UUID_SIZE, id.bytes};
    nudge.head = 1;
    sync_on_nudge(world.sync, &nudge);
    settle_down(&world);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_WATCH);
    assert_same_state(&world);
    unsigned pulls = world.server.pulls;
    sync_on_nudge(world.sync, &nudge); // the same again
    settle_down(&world);
    assert_int_equal(world.server.pulls, pulls);
    record(&world, 1, "t.plan");
    sync_on_outbox(world.sync);
    settle_down(&world);
    assert_int_equal(counts(&world).acked, 1);
    assert_same_state(&world);
    world.server.streams[2].in_scope = false;
    world.server.scope_version = 2;
    sync_on_nudge(world.sync, &changed);
    settle_down(&world);
    assert_int_equal(sync_progress(world.sync)->streams, 2);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_WATCH);
    world_close(&world);
}

static void test_errors(void **state) {
    struct world world;
    struct sync_request request;
    Lx__Error error = LX__ERROR__INIT;
    (void)state;
    world_open(&world, false, 0);
    sync_connected(world.sync);
    assert_true(sync_next(world.sync, world.now_ms, &request));
    error.code = LX__CODE__UNAVAILABLE;
    error.has_retry_after_ms = 1;
    error.retry_after_ms = 700;
    sync_on_error(world.sync, request.token, &error, world.now_ms);
    assert_false(sync_next(world.sync, world.now_ms, &request));
    assert_int_equal(sync_wake_ms(world.sync), world.now_ms + 700);
    assert_true(sync_next(world.sync, world.now_ms + 700, &request));
    assert_int_equal(request.method, LX__METHOD__SCOPE);
    error.has_retry_after_ms = 0;
    error.code = LX__CODE__UNAUTHENTICATED;
    sync_on_error(world.sync, request.token, &error, world.now_ms);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_FAILED);
    assert_true(sync_needs_login(world.sync));
    sync_connected(world.sync);
    assert_false(sync_needs_login(world.sync));
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_with_nothing),
        cmocka_unit_test(test_push_pull_and_refused),
        cmocka_unit_test(test_any_cut_ends_in_the_same_state),
        cmocka_unit_test(test_damaged_replica_starts_afresh_once),
        cmocka_unit_test(test_refused_group_waits_and_others_go),
        cmocka_unit_test(test_server_that_lost_operations_gets_them_again),
        cmocka_unit_test(test_restored_server_is_healed_by_an_idle_home),
        cmocka_unit_test(test_epoch_begins_replicas_anew),
        cmocka_unit_test(test_cursor_ahead_starts_afresh),
        cmocka_unit_test(test_an_old_replica_gets_a_snapshot),
        cmocka_unit_test(test_two_engines_on_one_home),
        cmocka_unit_test(test_late_answer_speaks_of_its_own_group),
        cmocka_unit_test(test_scope_that_shrinks_and_grows),
        cmocka_unit_test(test_watch_is_woken),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
