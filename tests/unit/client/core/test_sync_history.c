// Two programs on one home. What a server said to the one is read when the other has heard of a
// restore, or has enrolled the home anew: it speaks of a history that is no longer the home's.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/client/core/sync_world.h"

// A request of the first program whose answer is still on its way, and the second one.
struct late {
    struct world world;
    struct store *other; // owns
    struct sync *sync;   // owns; the other's
    uint32_t token;
    const ProtobufCMessage *answer;
};

static void open_late(struct late *late) {
    const struct sync_options options = {0};
    world_open(&late->world, false, 0);
    world_set_epoch(&late->world, 900);
    assert_int_equal(store_open(late->world.home.path, "other", NULL, &late->other), STATUS_OK);
    late->sync = sync_new(late->other, &options);
    assert_non_null(late->sync);
}

static void close_late(struct late *late) {
    sync_free(&late->sync);
    store_close(&late->other);
    world_close(&late->world);
}

static void ask(struct late *late, uint16_t method) {
    struct world *world = &late->world;
    struct sync_request request = world_come_to(world, method);
    late->token = request.token;
    late->answer = fake_answer(&world->server, request.method, request.message);
}

// Everything that was written to the first stream.
static void lose_all(struct world *world) {
    struct fake_stream *stream = &world->server.streams[0];
    stream->n_ops = stream->n_rows = stream->head = 0;
}

static void set_by_other(struct late *late, const char *name, struct uuid value) {
    assert_int_equal(
        store_config_set(late->other, name, view_from(value.bytes, sizeof value.bytes)), STATUS_OK);
}

// The other program's next request, answered at once; false: it has none.
static bool step_other(struct late *late) {
    struct world *world = &late->world;
    struct sync_request request;
    if (!sync_next(late->sync, world->now_ms, &request))
        return false;
    sync_on_reply(late->sync, request.token,
                  fake_answer(&world->server, request.method, request.message), world->now_ms);
    return true;
}

static void other_hears_of_the_restore(struct late *late) {
    assert_int_equal(store_begin(late->other), STATUS_OK);
    set_by_other(late, STORE_CONFIG_DB_EPOCH, home_id(901));
    assert_int_equal(store_commit(late->other), STATUS_OK);
    sync_connected(late->sync, NULL);
    assert_true(step_other(late)); // Scope, with which it heals
}

static void other_ends(struct late *late) {
    while (step_other(late))
        ;
    assert_int_equal(sync_phase(late->sync), SYNC_PHASE_DONE);
}

static void read_late(struct late *late) {
    struct world *world = &late->world;
    sync_on_reply(world->sync, late->token, late->answer, world->now_ms);
    assert_int_equal(sync_phase(world->sync), SYNC_PHASE_FAILED);
    assert_true(sync_is_outdated(world->sync));
    assert_false(store_in_transaction(world->home.store));
}

static void test_a_lost_history_acknowledges_nothing(void **state) {
    struct late late;
    (void)state;
    open_late(&late);
    for (int i = 0; i < 2; i++)
        world_record(&late.world, 0, "t.plan");
    world_run_round(&late.world);
    world_record(&late.world, 0, "t.plan");
    ask(&late, LX__METHOD__PUSH);
    lose_all(&late.world);
    other_hears_of_the_restore(&late);
    assert_int_equal(world_counts(&late.world).waiting, 3);
    read_late(&late);
    assert_int_equal(world_counts(&late.world).waiting, 3);
    other_ends(&late);
    assert_int_equal(late.world.server.streams[0].n_ops, 3);
    assert_int_equal(world_counts(&late.world).acked, 3);
    world_run_round(&late.world); // with a connection of its own time
    assert_false(sync_is_outdated(late.world.sync));
    world_assert_same_state(&late.world);
    close_late(&late);
}

static void test_rows_of_a_lost_history_are_not_shown(void **state) {
    struct late late;
    struct store_stream stored;
    (void)state;
    open_late(&late);
    for (uint64_t i = 0; i < 2; i++)
        fake_put(&late.world.server, 0,
                 home_fact(&late.world.home, home_id(700 + i), home_id(501), "t.plan"));
    ask(&late, LX__METHOD__PULL);
    lose_all(&late.world);
    other_hears_of_the_restore(&late);
    read_late(&late);
    assert_int_equal(store_stream_get(late.world.home.store, home_id(1), &stored), STATUS_OK);
    assert_int_equal(stored.cursor, 0);
    assert_int_equal(home_count(&late.world.home, STORE_KIND_FACT), 0);
    other_ends(&late);
    world_assert_same_state(&late.world);
    close_late(&late);
}

static void test_rights_of_a_lost_history_are_not_taken(void **state) {
    struct late late;
    int64_t version;
    (void)state;
    open_late(&late);
    ask(&late, LX__METHOD__SCOPE);
    late.world.server.scope_version = 7;
    other_hears_of_the_restore(&late);
    read_late(&late);
    assert_int_equal(
        store_config_get_int(late.world.home.store, STORE_CONFIG_SCOPE_VERSION, 0, &version),
        STATUS_OK);
    assert_int_equal(version, 7);
    close_late(&late);
}

// The same keys are the next device's now.
static void test_a_former_devices_answers_settle_nothing(void **state) {
    struct late late;
    struct outbox_entries entries;
    (void)state;
    open_late(&late);
    for (int i = 0; i < 2; i++)
        world_record(&late.world, 0, "t.plan");
    ask(&late, LX__METHOD__PUSH);
    assert_int_equal(store_begin(late.other), STATUS_OK);
    set_by_other(&late, STORE_CONFIG_DEVICE, home_id(800));
    assert_int_equal(store_outbox_new_device(late.other), STATUS_OK);
    assert_int_equal(store_commit(late.other), STATUS_OK);
    assert_int_equal(
        store_outbox_seal(late.other, home_id(1), 500, 9000, late.world.home.arena, &entries),
        STATUS_OK);
    assert_int_equal(entries.count, 2);
    read_late(&late);
    assert_int_equal(world_counts(&late.world).waiting, 2);
    close_late(&late);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lost_history_acknowledges_nothing),
        cmocka_unit_test(test_rows_of_a_lost_history_are_not_shown),
        cmocka_unit_test(test_rights_of_a_lost_history_are_not_taken),
        cmocka_unit_test(test_a_former_devices_answers_settle_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
