// The sync engine against a server in memory: whatever is cut, repeated or answered in another
// order, client and server end in the same state, each operation once.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/reason.h"
#include "tests/unit/client/core/sync_world.h"

static void test_round_with_nothing(void **state) {
    struct world world;
    (void)state;
    world_open(&world, false, 0);
    world_run_round(&world);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_DONE);
    world_assert_same_state(&world);
    world_close(&world);
}

static void test_push_pull_and_refused(void **state) {
    struct world world;
    (void)state;
    world_open(&world, false, 2);
    for (size_t i = 0; i < 5; i++) {
        world_record(&world, 0, i == 2 ? "bad" : "t.plan");
        world_record(&world, 1, "t.plan");
        fake_put(&world.server, 2,
                 home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
    }
    world_run_round(&world);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_DONE);
    assert_int_equal(world_counts(&world).acked, 9);
    assert_int_equal(world_counts(&world).refused, 1);
    assert_int_equal(sync_progress(world.sync)->pushed, 9);
    assert_int_equal(sync_progress(world.sync)->refused, 1);
    assert_int_equal(sync_progress(world.sync)->pulled, 14);
    assert_int_equal(world.server.pushes, 1); // both streams in one request
    world_assert_same_state(&world);
    assert_int_equal(home_count(&world.home, STORE_KIND_FACT), 14);
    unsigned pulls = world.server.pulls;
    world_run_round(&world);
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
        world_record(&world, world_roll(&world, FAKE_STREAMS),
                     world_chance(&world, 15) ? "bad" : "t.plan");
        if (world_chance(&world, 50))
            fake_put(&world.server, world_roll(&world, FAKE_STREAMS),
                     home_fact(&world.home, home_new_id(&world.home),
                               home_id(600 + world_roll(&world, 3)), "t.plan"));
        if (world_chance(&world, 30))
            fake_put(&world.server, 1,
                     home_person(&world.home, home_id(700 + world_roll(&world, 3)), "王芳", 0));
        if (world_chance(&world, 10))
            fake_leave(&world.server, world_roll(&world, FAKE_STREAMS),
                       home_id(600 + world_roll(&world, 3)));
        if (world_chance(&world, 30))
            world_run_round(&world);
    }
    world.cut_percent = 0;
    world_run_round(&world);
    world_run_round(&world);
    assert_int_equal(sync_progress(world.sync)->restarts, 0); // no mend by pulling all again
    assert_int_equal(world_counts(&world).waiting, 0);
    assert_int_equal(world_counts(&world).acked + world_counts(&world).refused, 30);
    world_assert_same_state(&world);
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
    world_run_round(&world);
    assert_int_equal(world.server.pulls, FAKE_STREAMS + 1);
    assert_int_equal(sync_progress(world.sync)->streams_broken, 0);
    world_assert_same_state(&world);
    // A server whose digest is wrong for good is told, not asked for ever.
    fake_put(&world.server, 0,
             home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
    world.server.streams[0].wrong_times = 1000;
    world_run_round(&world);
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
    world_record(&world, 0, "t.plan");
    world_record(&world, 1, "t.plan");
    world_run_round(&world);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_DONE);
    assert_int_equal(world_counts(&world).waiting, 1);
    assert_int_equal(world_counts(&world).acked, 1);
    assert_int_equal(sync_progress(world.sync)->streams_held, 1);
    world.server.streams[0].refuse_groups = false;
    world_run_round(&world);
    assert_int_equal(world_counts(&world).acked, 2);
    world_assert_same_state(&world);
    world_close(&world);
}

static uint64_t first_waiting_key(struct world *world) {
    struct outbox_entries entries;
    assert_int_equal(store_outbox(world->home.store, OUTBOX_WAITING, world->home.arena, &entries),
                     STATUS_OK);
    return entries.entries[0].op_seq;
}

// It may have what it has not answered: another operation under the same key would be a copy's.
static void test_keys_for_a_unit_under_way_are_kept(void **state) {
    struct world world;
    (void)state;
    world_open(&world, false, 0);
    world.server.streams[0].refuse_groups = true;
    for (int moving = 0; moving < 2; moving++) {
        world.server.streams[0].reason = moving ? REASON_UNIT_MOVING : REASON_STREAM_UNKNOWN;
        world_record(&world, 0, "t.plan");
        world_run_round(&world);
        assert_int_equal(first_waiting_key(&world), moving);
    }
    world.server.streams[0].refuse_groups = false;
    world_run_round(&world);
    assert_int_equal(world_counts(&world).acked, 2);
    world_close(&world);
}

// Of a stream outside the scope the server does not tell what it has.
static void test_keys_outside_the_scope_are_kept_once_they_were_sent(void **state) {
    struct world world;
    (void)state;
    world_open(&world, false, 0);
    struct fake_stream *stream = &world.server.streams[0];
    world_record(&world, 0, "t.plan");
    struct sync_request request = world_come_to(&world, LX__METHOD__PUSH);
    fake_answer(&world.server, request.method, request.message); // stored, and the answer is lost
    stream->in_scope = false;
    stream->refuse_groups = true;
    stream->reason = REASON_STREAM_UNKNOWN;
    world.server.scope_version = 2;
    world_run_round(&world);
    assert_int_equal(first_waiting_key(&world), 1);
    stream->in_scope = true;
    stream->refuse_groups = false;
    world.server.scope_version = 3;
    world_record(&world, 0, "t.plan");
    world_run_round(&world);
    assert_int_equal(world_counts(&world).acked, 2);
    // What was never sent before gets another key.
    stream->in_scope = false;
    stream->refuse_groups = true;
    world.server.scope_version = 4;
    world_record(&world, 0, "t.plan");
    world_run_round(&world);
    assert_int_equal(first_waiting_key(&world), 0);
    world_close(&world);
}

static void test_server_that_lost_operations_gets_them_again(void **state) {
    struct world world;
    (void)state;
    world_open(&world, false, 0);
    for (int i = 0; i < 4; i++)
        world_record(&world, 0, "t.plan");
    world_run_round(&world);
    // Restored to a state before the last two.
    struct fake_stream *stream = &world.server.streams[0];
    stream->n_ops = 2;
    stream->n_rows = 2;
    stream->head = 2;
    world_record(&world, 0, "t.plan");
    world_run_round(&world);
    assert_int_equal(world_counts(&world).acked, 5);
    assert_int_equal(stream->n_ops, 5);
    world_assert_same_state(&world);
    world_close(&world);
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
        world_record(&world, 0, i == 2 ? "bad" : "t.plan");
    world_run_round(&world);
    struct fake_stream *stream = lose(&world, 1, 1);
    world_run_round(&world);
    assert_int_equal(sync_progress(world.sync)->streams_healed, 1);
    assert_int_equal(sync_progress(world.sync)->sent_again, 2);
    assert_int_equal(stream->n_ops, 4);
    assert_int_equal(world_counts(&world).acked, 3);
    assert_int_equal(world_counts(&world).refused, 1);
    world_assert_same_state(&world);
    world_close(&world);
}

// Others have brought the stream to the very number that this replica stands at.
static void test_epoch_begins_replicas_anew(void **state) {
    struct world world;
    (void)state;
    world_open(&world, false, 0);
    world_set_epoch(&world, 900);
    for (int i = 0; i < 2; i++)
        fake_put(&world.server, 0,
                 home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
    world_run_round(&world);
    lose(&world, 1, 0);
    fake_put(&world.server, 0,
             home_fact(&world.home, home_new_id(&world.home), home_id(502), "t.plan"));
    world_set_epoch(&world, 901);
    world_run_round(&world);
    assert_int_equal(sync_progress(world.sync)->restarts, 0); // nothing had to go wrong first
    world_assert_same_state(&world);
    world_close(&world);
}

// The server lost rows between the heads and the pull.
static void test_cursor_ahead_starts_afresh(void **state) {
    struct world world;
    Lx__Reason reason = LX__REASON__INIT;
    Lx__Error error = LX__ERROR__INIT;
    (void)state;
    world_open(&world, false, 0);
    for (int i = 0; i < 2; i++)
        fake_put(&world.server, 0,
                 home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
    world_run_round(&world);
    fake_put(&world.server, 0,
             home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
    struct sync_request request = world_come_to(&world, LX__METHOD__PULL);
    lose(&world, 1, 0);
    reason.has_reason = 1;
    reason.reason = REASON_CURSOR_AHEAD;
    error.code = LX__CODE__OUT_OF_RANGE;
    error.reason = &reason;
    sync_on_error(world.sync, request.token, &error, world.now_ms);
    world_settle_down(&world);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_DONE);
    world_assert_same_state(&world);
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
        world_run_round(&world);
        put_facts(&world, 7, 502);
        fake_leave(&world.server, 0, home_id(501));
        fake_prune(&world.server, 0);
        world.random = seed * 7919; // 0: nothing is cut
        world.cut_percent = 15;
        world_run_round(&world);
        world.random = 0;
        world_run_round(&world);
        assert_true(seed == 0 ? world.server.snapshots == 1 : world.server.snapshots >= 1);
        assert_int_equal(sync_progress(world.sync)->restarts, 0);
        world_assert_same_state(&world);
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
            world_record(&world, 0, "t.plan");
            fake_put(&world.server, 0,
                     home_person(&world.home, home_id(700 + world_roll(&world, 2)), "王芳", 0));
            fake_put(&world.server, 1,
                     home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
        }
        sync_connected(engines[0], NULL);
        sync_connected(engines[1], NULL);
        for (int i = 0; i < 500; i++) {
            uint64_t who = world_roll(&world, 2);
            struct sync_request request;
            if (i < 200 && world_roll(&world, 6) == 0)
                fake_put(&world.server, world_roll(&world, 2),
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
        assert_int_equal(world_counts(&world).acked, 6);
        world_run_round(&world);
        world_assert_same_state(&world);
        sync_free(&engines[1]);
        world_close(&world);
    }
}

// The other program took the answer first and sent its next group; the server's last operation is
// of that group, of whose refusals this answer says nothing.
static void test_late_answer_speaks_of_its_own_group(void **state) {
    struct world world;
    struct outbox_entries entries;
    (void)state;
    world_open(&world, false, 0);
    struct uuid stream = world.server.streams[0].id;
    world_record(&world, 0, "t.plan");
    struct sync_request request = world_come_to(&world, LX__METHOD__PUSH);
    Lx__PushedGroup first = LX__PUSHED_GROUP__INIT;
    first.stream = (ProtobufCBinaryData){UUID_SIZE, stream.bytes};
    first.verdict = LX__GROUP_VERDICT__GROUP_REPEATED;
    first.op_to = 1;
    assert_int_equal(store_begin(world.home.store), STATUS_OK);
    assert_int_equal(store_outbox_settle(world.home.store, &first, 1, world.now_ms), STATUS_OK);
    assert_int_equal(store_commit(world.home.store), STATUS_OK);
    world_record(&world, 0, "t.plan");
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
    assert_int_equal(world_counts(&world).waiting, 1);
    assert_int_equal(sync_progress(world.sync)->streams_held, 0);
    arena_free(&arena);
    world_close(&world);
}

static void answer_group(struct world *world, const struct sync_request *request,
                         struct uuid *stream, Lx__PushedGroup *group) {
    Lx__PushReply reply = LX__PUSH_REPLY__INIT;
    group->stream = (ProtobufCBinaryData){UUID_SIZE, stream->bytes};
    reply.n_groups = 1;
    reply.groups = &group;
    sync_on_reply(world->sync, request->token, &reply.base, world->now_ms);
}

// The other program heard of a restore while this one's group was under way: what lies before it
// is asked for again, and the answer says nothing about it.
static void test_late_answer_says_nothing_of_what_lies_before(void **state) {
    struct world world;
    Lx__PushedGroup late = LX__PUSHED_GROUP__INIT;
    (void)state;
    world_open(&world, false, 0);
    struct uuid stream = world.server.streams[0].id;
    world_record(&world, 0, "t.plan");
    world_record(&world, 0, "t.plan");
    world_run_round(&world);
    assert_int_equal(world_counts(&world).acked, 2);
    world_record(&world, 0, "t.plan");
    struct sync_request request = world_come_to(&world, LX__METHOD__PUSH);
    assert_int_equal(store_begin(world.home.store), STATUS_OK);
    assert_int_equal(store_outbox_rewind(world.home.store, stream, 1), STATUS_OK);
    assert_int_equal(store_commit(world.home.store), STATUS_OK);
    late.verdict = LX__GROUP_VERDICT__GROUP_DONE;
    late.op_to = 3;
    answer_group(&world, &request, &stream, &late);
    assert_int_equal(world_counts(&world).waiting, 2);
    assert_int_equal(world_counts(&world).acked, 1);
    world_close(&world);
}

// A gap where none can be: the same group would go again without end.
static void test_gap_that_is_none_holds_the_stream(void **state) {
    static const uint64_t expected[] = {0, 1, 2, 9};
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct world world;
        Lx__PushedGroup gap = LX__PUSHED_GROUP__INIT;
        world_open(&world, false, 0);
        struct uuid stream = world.server.streams[0].id;
        world_record(&world, 0, "t.plan");
        struct sync_request request = world_come_to(&world, LX__METHOD__PUSH);
        gap.verdict = LX__GROUP_VERDICT__GROUP_GAP;
        gap.expected = expected[i];
        answer_group(&world, &request, &stream, &gap);
        assert_int_equal(sync_progress(world.sync)->streams_held, 1);
        assert_int_equal(world_counts(&world).waiting, 1);
        assert_true(sync_next(world.sync, world.now_ms, &request));
        assert_int_not_equal(request.method, LX__METHOD__PUSH);
        world_close(&world);
    }
}

static void test_scope_that_shrinks_and_grows(void **state) {
    struct world world;
    struct store_stream stored;
    (void)state;
    world_open(&world, false, 0);
    for (size_t i = 0; i < FAKE_STREAMS; i++)
        fake_put(&world.server, i,
                 home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
    world_run_round(&world);
    world.server.streams[1].in_scope = false;
    world.server.scope_version = 2;
    world_run_round(&world);
    assert_int_equal(store_stream_get(world.home.store, home_id(2), &stored), STATUS_NOT_FOUND);
    assert_int_equal(home_count(&world.home, STORE_KIND_FACT), 2);
    world.server.streams[1].in_scope = true;
    world.server.scope_version = 3;
    world_run_round(&world);
    world_assert_same_state(&world);
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
    sync_connected(world.sync, NULL);
    sync_on_nudge(world.sync, &changed); // before the scope was asked for
    world_run_round(&world);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_WATCH);
    fake_put(&world.server, 0,
             home_fact(&world.home, home_new_id(&world.home), home_id(501), "t.plan"));
    nudge.has_stream = nudge.has_head = 1;
    nudge.stream = (ProtobufCBinaryData){UUID_SIZE, id.bytes};
    nudge.head = 1;
    sync_on_nudge(world.sync, &nudge);
    world_settle_down(&world);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_WATCH);
    world_assert_same_state(&world);
    unsigned pulls = world.server.pulls;
    sync_on_nudge(world.sync, &nudge); // the same again
    world_settle_down(&world);
    assert_int_equal(world.server.pulls, pulls);
    world_record(&world, 1, "t.plan");
    sync_on_outbox(world.sync);
    world_settle_down(&world);
    assert_int_equal(world_counts(&world).acked, 1);
    world_assert_same_state(&world);
    world.server.streams[2].in_scope = false;
    world.server.scope_version = 2;
    sync_on_nudge(world.sync, &changed);
    world_settle_down(&world);
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
    sync_connected(world.sync, NULL);
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
    sync_connected(world.sync, NULL);
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
        cmocka_unit_test(test_keys_for_a_unit_under_way_are_kept),
        cmocka_unit_test(test_keys_outside_the_scope_are_kept_once_they_were_sent),
        cmocka_unit_test(test_server_that_lost_operations_gets_them_again),
        cmocka_unit_test(test_restored_server_is_healed_by_an_idle_home),
        cmocka_unit_test(test_epoch_begins_replicas_anew),
        cmocka_unit_test(test_cursor_ahead_starts_afresh),
        cmocka_unit_test(test_an_old_replica_gets_a_snapshot),
        cmocka_unit_test(test_two_engines_on_one_home),
        cmocka_unit_test(test_late_answer_speaks_of_its_own_group),
        cmocka_unit_test(test_late_answer_says_nothing_of_what_lies_before),
        cmocka_unit_test(test_gap_that_is_none_holds_the_stream),
        cmocka_unit_test(test_scope_that_shrinks_and_grows),
        cmocka_unit_test(test_watch_is_woken),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
