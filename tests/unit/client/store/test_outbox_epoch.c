// What a new epoch makes of the outbox where the server's end is not all that is known: streams
// that were left, restores one after the other, keys that are no longer kept.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/store/db.h"
#include "client/store/outbox_bundle.h"
#include "tests/unit/client/store/home.h"

#define LATER_MS (HOME_NOW_MS + 36LL * 24 * 3600 * 1000)

// A home that sees the stream, in the epoch 900.
static void open_in_epoch(struct home *home, struct uuid stream) {
    home_open(home);
    home_scope(home, 1, &stream);
    home_heal_epoch(home, 900);
}

// The keys in [from, op_to] are stored.
static void settle_from(struct home *home, struct uuid stream, uint64_t from, uint64_t op_to,
                        int64_t now_ms) {
    Lx__PushedGroup group = LX__PUSHED_GROUP__INIT;
    group.stream = (ProtobufCBinaryData){UUID_SIZE, stream.bytes};
    group.op_to = group.seq = op_to;
    assert_int_equal(store_begin(home->store), STATUS_OK);
    assert_int_equal(store_config_set_int(home->store, STORE_CONFIG_SERVER_TIME, now_ms),
                     STATUS_OK);
    assert_int_equal(store_outbox_settle(home->store, &group, from, now_ms), STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
}

static void settle(struct home *home, struct uuid stream, uint64_t op_to) {
    settle_from(home, stream, 1, op_to, HOME_NOW_MS);
}

// Of a stream that was left, an entry between others is forgotten: its time was over first, since a
// clock had been wrong. The others keep their keys, which the server may have.
static void test_a_hole_in_a_left_stream_moves_no_key(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    (void)state;
    open_in_epoch(&home, home_id(3));
    for (uint64_t i = 0; i < 4; i++)
        home_add(&home, stream, home_fact(&home, home_id(10 + i), home_id(2), "t.plan"));
    home_seal(&home, stream, HOME_MAX_OPS);
    settle(&home, stream, 4);
    assert_int_equal(db_run(home.store, "delete from outbox where op_seq = 2", ""), STATUS_OK);
    home_heal_epoch(&home, 901);
    struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 1);
    assert_int_equal(again.entries[0].op_seq, 1);
    settle(&home, stream, 1);
    again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 2);
    assert_int_equal(again.entries[0].op_seq, 3);
    assert_true(uuid_equal(again.entries[0].record, home_id(12)));
    home_close(&home);
}

// A second restore comes while what the first made go again still waits, and more behind it.
static void test_two_restores_ask_for_all(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    struct outbox_groups groups;
    uint64_t left = 0;
    (void)state;
    open_in_epoch(&home, stream);
    for (uint64_t i = 0; i < 4; i++)
        home_add(&home, stream, home_fact(&home, home_id(10 + i), home_id(2), "t.plan"));
    home_seal(&home, stream, HOME_MAX_OPS);
    settle(&home, stream, 4);
    for (uint64_t number = 901; number <= 902; number++) {
        home_set_epoch(&home, number);
        home_heal(&home, stream, 5);
        home_heal_epoch(&home, number);
        struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
        assert_int_equal(again.entries[0].op_seq, 1);
        settle(&home, stream, 2);
        home_add(&home, stream, home_fact(&home, home_id(number), home_id(2), "t.plan"));
        assert_int_equal(store_outbox_seal_all(home.store, HOME_MAX_OPS, HOME_MAX_BYTES, home.arena,
                                               &groups, &left),
                         STATUS_OK); // into a bundle
    }
    home_close(&home);
}

// Five operations went in as many bundles. The receipts of the second and the fourth came at once,
// the others when those were old enough to be forgotten.
static void make_holes(struct home *home, struct uuid stream) {
    open_in_epoch(home, stream);
    for (uint64_t k = 0; k < 5; k++)
        home_add(home, stream, home_fact(home, home_id(10 + k), home_id(2), "t.plan"));
    home_seal(home, stream, HOME_MAX_OPS);
    for (uint64_t key = 2; key <= 4; key += 2)
        settle_from(home, stream, key, key, HOME_NOW_MS);
    home_pull(home, stream, 0, NULL, 5);
    for (uint64_t key = 1; key <= 5; key += 2)
        settle_from(home, stream, key, key, LATER_MS);
    assert_int_equal(store_begin(home->store), STATUS_OK);
    assert_int_equal(store_outbox_prune(home->store, LATER_MS), STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
}

// What is kept below a hole goes again as well, whether the server seems to have all, lacks the
// last, or has more.
static void test_a_restore_asks_for_what_lies_below_a_hole(void **state) {
    static const uint64_t server_next[] = {5, 6, 7};
    (void)state;
    for (size_t i = 0; i < sizeof server_next / sizeof server_next[0]; i++) {
        struct home home;
        struct uuid stream = home_id(1);
        make_holes(&home, stream);
        home_set_epoch(&home, 901);
        home_heal(&home, stream, server_next[i]);
        home_heal_epoch(&home, 901);
        for (uint64_t key = 1; key <= 5; key += 2) {
            struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
            assert_int_equal(again.count, 1); // a group has no hole
            assert_int_equal(again.entries[0].op_seq, key);
            assert_true(uuid_equal(again.entries[0].record, home_id(9 + key)));
            settle(&home, stream, key);
        }
        assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).count, 0);
        home_close(&home);
    }
}

// Nobody tells what the server still has of a stream that was left: of a row's changes all go to
// the next device, in their order. Those that are there are refused then, or repeated; none counts
// as stored that is not.
static void test_new_device_after_changes_in_a_left_stream(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    (void)state;
    open_in_epoch(&home, home_id(3));
    for (uint64_t i = 0; i < 3; i++)
        home_add(&home, stream, home_person(&home, home_id(30), i == 0 ? "A" : "B", i));
    home_seal(&home, stream, HOME_MAX_OPS);
    settle(&home, stream, 3);
    home_heal_epoch(&home, 901);
    assert_int_equal(store_begin(home.store), STATUS_OK);
    assert_int_equal(store_outbox_new_device(home.store), STATUS_OK);
    assert_int_equal(store_commit(home.store), STATUS_OK);
    struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 3); // one group: a refusal of the first keeps none of them back
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(again.entries[i].op_seq, i + 1);
        assert_int_equal(again.entries[i].operation->person_version, i);
    }
    home_close(&home);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hole_in_a_left_stream_moves_no_key),
        cmocka_unit_test(test_two_restores_ask_for_all),
        cmocka_unit_test(test_a_restore_asks_for_what_lies_below_a_hole),
        cmocka_unit_test(test_new_device_after_changes_in_a_left_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
