// A server that was restored to a time from which this home no longer keeps everything, while
// numbers of later records stand in a bundle that may still be on its way.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/store/outbox_bundle.h"
#include "tests/unit/client/core/sync_world.h"

#define LATER_MS (HOME_NOW_MS + 36LL * 24 * 3600 * 1000)
#define FORGOTTEN 3 // operations that were stored, and are no longer kept

static void begin(struct world *world) {
    assert_int_equal(store_begin(world->home.store), STATUS_OK);
}

static void commit(struct world *world) {
    assert_int_equal(store_commit(world->home.store), STATUS_OK);
}

static void open_forgetful(struct world *world) {
    world_open(world, false, 0);
    world_set_epoch(world, 900);
    for (int i = 0; i < FORGOTTEN; i++)
        world_record(world, 0, "t.plan");
    world_run_round(world);
    world->now_ms = LATER_MS;
    begin(world);
    assert_int_equal(store_config_set_int(world->home.store, STORE_CONFIG_SERVER_TIME, LATER_MS),
                     STATUS_OK);
    assert_int_equal(store_outbox_prune(world->home.store, LATER_MS), STATUS_OK);
    commit(world);
    assert_int_equal(world_counts(world).acked, 0);
}

// All that waits.
static void write_bundle(struct world *world) {
    static const uint8_t key[OUTBOX_RECEIPT_KEY_SIZE] = {1};
    struct outbox_groups groups;
    uint64_t left = 0;
    begin(world);
    assert_int_equal(
        store_outbox_seal_all(world->home.store, 500, 900000, world->home.arena, &groups, &left),
        STATUS_OK);
    assert_int_equal(groups.count, 1);
    assert_int_equal(store_bundle_add(world->home.store, home_id(600), key, LATER_MS), STATUS_OK);
    assert_int_equal(store_bundle_add_group(world->home.store, home_id(600), 1, &groups.groups[0]),
                     STATUS_OK);
    commit(world);
}

static struct fake_stream *restore(struct world *world) {
    struct fake_stream *stream = &world->server.streams[0];
    stream->n_ops = stream->n_rows = stream->head = 1;
    world_set_epoch(world, 901);
    return stream;
}

// Every entry waits under the key that the bundle has for it, and says why.
static void assert_held(struct world *world, size_t n) {
    struct outbox_entries entries;
    assert_int_equal(sync_progress(world->sync)->streams_held, 1);
    assert_int_equal(store_outbox(world->home.store, OUTBOX_WAITING, world->home.arena, &entries),
                     STATUS_OK);
    assert_int_equal(entries.count, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(entries.entries[i].op_seq, FORGOTTEN + 1 + i);
        assert_true(entries.entries[i].bundled);
        assert_non_null(entries.entries[i].reason);
        assert_int_equal(entries.entries[i].reason->reason, REASON_KEYS_FORGOTTEN);
    }
}

// The record never came by the network: only the push meets the gap.
static void test_what_is_under_way_in_a_bundle_keeps_its_key(void **state) {
    struct world world;
    (void)state;
    open_forgetful(&world);
    world_record(&world, 0, "t.plan");
    write_bundle(&world);
    struct fake_stream *stream = restore(&world);
    for (int i = 0; i < 2; i++) {
        world_run_round(&world);
        assert_held(&world, 1);
    }
    stream->n_ops = FORGOTTEN; // somebody carried an old bundle once more
    world_record(&world, 0, "t.plan");
    world_run_round(&world);
    assert_int_equal(sync_progress(world.sync)->streams_held, 0);
    assert_int_equal(world_counts(&world).acked, 2);
    assert_int_equal(stream->n_ops, FORGOTTEN + 2);
    world_close(&world);
}

// It was stored as well: the scope tells that it was lost, and the file may be carried once more.
static void test_what_went_in_a_bundle_keeps_its_key(void **state) {
    struct world world;
    (void)state;
    open_forgetful(&world);
    for (int i = 0; i < 2; i++)
        world_record(&world, 0, "t.plan");
    write_bundle(&world);
    world_run_round(&world);
    assert_int_equal(world_counts(&world).acked, 2);
    restore(&world);
    for (int i = 0; i < 2; i++) {
        world_run_round(&world);
        assert_held(&world, 2);
    }
    world_close(&world);
}

static void test_a_new_device_brings_it(void **state) {
    struct world world;
    (void)state;
    open_forgetful(&world);
    world_record(&world, 0, "t.plan");
    write_bundle(&world);
    struct fake_stream *stream = restore(&world);
    world_run_round(&world);
    assert_held(&world, 1);
    begin(&world);
    assert_int_equal(store_outbox_new_device(world.home.store), STATUS_OK);
    commit(&world);
    stream->n_ops = 0;
    world_run_round(&world);
    assert_int_equal(sync_progress(world.sync)->streams_held, 0);
    assert_int_equal(world_counts(&world).acked, 1);
    assert_int_equal(stream->n_ops, 1);
    world_close(&world);
}

// Nothing of this stream is in a bundle: the rest gets keys anew by itself.
static void test_without_a_bundle_the_hole_is_closed(void **state) {
    struct world world;
    (void)state;
    open_forgetful(&world);
    for (int i = 0; i < 2; i++)
        world_record(&world, 0, "t.plan");
    struct fake_stream *stream = restore(&world);
    world_run_round(&world);
    assert_int_equal(sync_progress(world.sync)->streams_held, 0);
    assert_int_equal(world_counts(&world).acked, 2);
    assert_int_equal(stream->n_ops, 3);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_under_way_in_a_bundle_keeps_its_key),
        cmocka_unit_test(test_what_went_in_a_bundle_keeps_its_key),
        cmocka_unit_test(test_a_new_device_brings_it),
        cmocka_unit_test(test_without_a_bundle_the_hole_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
