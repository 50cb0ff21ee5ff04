// What a sync does to what a person sees: wherever it is cut off, nothing goes out of sight that is
// still there for him.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/reason.h"
#include "tests/unit/client/core/sync_world.h"

#define PERSON 500 // whom world_record is about
#define FACTS 4    // of the person, one of them recorded here

static void put_person(struct world *world, size_t stream, const struct uuid *facts) {
    fake_put(&world->server, stream, home_person(&world->home, home_id(PERSON), "王芳", 0));
    for (size_t i = 0; i < FACTS; i++)
        fake_put(&world->server, stream,
                 home_fact(&world->home, facts[i], home_id(PERSON), "t.plan"));
}

// The person's rows are pulled, but for the record of this home, which is only acknowledged.
static void make_person(struct world *world, struct uuid *facts) {
    struct store_query query = {.kind = STORE_KIND_FACT};
    struct store_rows rows;
    world_record(world, 0, "t.plan");
    assert_int_equal(store_find(world->home.store, &query, world->home.arena, &rows), STATUS_OK);
    facts[FACTS - 1] = rows.rows[0].id;
    fake_put(&world->server, 0, home_person(&world->home, home_id(PERSON), "王芳", 0));
    for (size_t i = 0; i < FACTS - 1; i++) {
        facts[i] = home_new_id(&world->home);
        fake_put(&world->server, 0, home_fact(&world->home, facts[i], home_id(PERSON), "t.plan"));
    }
    world->server.streams[0].refuse_groups = true;
    world_run_round(world);
    world->server.streams[0].refuse_groups = false;
    sync_connected(world->sync, NULL);
    while (world_counts(world).acked == 0 && world_send_all(world))
        world_receive_one(world);
    assert_int_equal(world_counts(world).acked, 1);
    world_cut(world);
}

static void assert_all_in_sight(struct world *world) {
    assert_int_equal(home_count(&world->home, STORE_KIND_FACT), FACTS);
    assert_int_equal(home_count(&world->home, STORE_KIND_PERSON), 1);
}

// Pages of one row in any order, cut once: the person goes to another stream, or comes back into
// the same one.
static void run_move(size_t to, uint64_t seed) {
    struct world world;
    struct uuid facts[FACTS];
    world_open(&world, false, 1);
    make_person(&world, facts);
    fake_leave(&world.server, 0, home_id(PERSON));
    put_person(&world, to, facts);
    world.random = seed;
    for (uint64_t step = 0; world_send_all(&world) || world.n_flights > 0; step++) {
        world_receive_one(&world);
        assert_all_in_sight(&world);
        if (step == seed)
            world_cut(&world);
    }
    world.random = 0;
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_DONE);
    world_assert_same_state(&world);
    assert_all_in_sight(&world);
    struct store_row row;
    assert_int_equal(
        store_find_id(world.home.store, STORE_KIND_FACT, facts[FACTS - 1], world.home.arena, &row),
        STATUS_OK);
    assert_true(uuid_equal(row.stream, home_id(to + 1)));
    assert_false(row.former || row.local);
    world_close(&world);
}

static void test_who_moves_stays_in_sight(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        run_move(0, seed);
        run_move(1, seed);
    }
}

// Whose rows come with a stream that cannot be pulled yet.
static void test_who_went_to_a_unit_under_way_stays_in_sight(void **state) {
    struct world world;
    struct uuid facts[FACTS];
    (void)state;
    world_open(&world, false, 1);
    make_person(&world, facts);
    fake_leave(&world.server, 0, home_id(PERSON));
    put_person(&world, 1, facts);
    world.server.streams[1].moving = true;
    for (int round = 0; round < 2; round++) {
        world_run_round(&world);
        assert_int_equal(sync_phase(world.sync), SYNC_PHASE_DONE);
        assert_int_equal(sync_progress(world.sync)->streams_moving, 1);
        assert_all_in_sight(&world);
    }
    world.server.streams[1].moving = false;
    world_run_round(&world);
    world_assert_same_state(&world);
    assert_all_in_sight(&world);
    world_close(&world);
}

static void test_who_left_goes_with_the_end_of_the_sync(void **state) {
    struct world world;
    struct uuid facts[FACTS];
    (void)state;
    world_open(&world, false, 1);
    make_person(&world, facts);
    fake_leave(&world.server, 0, home_id(PERSON));
    world_run_round(&world);
    world_assert_same_state(&world);
    assert_int_equal(home_count(&world.home, STORE_KIND_ANY), 0);
    world_close(&world);
}

// A copy of this home came first after a restore. This one is frozen with its first push, and what
// the lost history had acknowledged is not there to be pulled: it shows until the next device
// brings it.
static void test_a_frozen_copy_sees_what_was_acknowledged_before_a_restore(void **state) {
    struct world world;
    (void)state;
    world_open(&world, false, 0);
    world_set_epoch(&world, 900);
    for (int i = 0; i < 3; i++)
        world_record(&world, 0, "t.plan");
    world_run_round(&world);
    assert_int_equal(world_counts(&world).acked, 3);
    world_set_epoch(&world, 901);
    struct fake_stream *stream = &world.server.streams[0];
    stream->n_rows = stream->head = 0;
    stream->ops[2].hash[0] ^= 1; // the copy's
    sync_connected(world.sync, NULL);
    world_settle_down(&world);
    assert_int_equal(home_count(&world.home, STORE_KIND_FACT), 3);
    assert_int_equal(sync_phase(world.sync), SYNC_PHASE_FAILED);
    assert_int_equal(sync_failure(world.sync)->reason, REASON_DEVICE_CLONED);
    world.server.hash_clashes = 0; // that was the point
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_moves_stays_in_sight),
        cmocka_unit_test(test_who_went_to_a_unit_under_way_stays_in_sight),
        cmocka_unit_test(test_who_left_goes_with_the_end_of_the_sync),
        cmocka_unit_test(test_a_frozen_copy_sees_what_was_acknowledged_before_a_restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
