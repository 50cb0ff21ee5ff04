// Heads of the audit chain in a home: the newest of a day and district is kept, a chain that goes
// back is noted for good.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/store/witness.h"
#include "tests/unit/client/store/home.h"

#define DAY_MS INT64_C(86400000)

static void put(struct home *home, uint32_t district, uint64_t number, int64_t day, uint8_t first) {
    uint8_t hash[32] = {first};
    Lx__SealHead head = LX__SEAL_HEAD__INIT;
    head.district = district;
    head.number = number;
    head.algorithm = 1;
    head.sealed_at_ms = HOME_NOW_MS + day * DAY_MS;
    head.hash = (ProtobufCBinaryData){sizeof hash, hash};
    assert_int_equal(store_begin(home->store), STATUS_OK);
    assert_int_equal(store_witness_put(home->store, &head), STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
}

static size_t count(struct home *home, struct store_witness **out_witnesses) {
    size_t n = 0;
    assert_int_equal(store_witnesses(home->store, home->arena, &n, out_witnesses), STATUS_OK);
    return n;
}

static bool went_back(struct home *home) {
    bool back = false;
    assert_int_equal(store_witness_went_back(home->store, &back), STATUS_OK);
    return back;
}

static void test_newest_of_each_day(void **state) {
    (void)state;
    struct home home;
    struct store_witness *witnesses;
    home_open(&home);
    assert_int_equal(count(&home, &witnesses), 0);
    put(&home, 1, 7, 0, 0xab);
    put(&home, 1, 9, 0, 0xcd);
    put(&home, 1, 9, 0, 0xcd); // again
    put(&home, 1, 30, 1, 0xef);
    put(&home, 2, 3, 1, 0x01);
    assert_int_equal(count(&home, &witnesses), 3);
    assert_int_equal(witnesses[0].number, 9);
    assert_string_equal(witnesses[0].line,
                        "head 1 9 sha256 1622000000000 "
                        "cd00000000000000000000000000000000000000000000000000000000000000");
    assert_int_equal(witnesses[1].number, 30);
    assert_int_equal(witnesses[2].district, 2);
    assert_false(went_back(&home));
    home_close(&home);
}

static void test_chain_goes_back(void **state) {
    (void)state;
    struct home home;
    home_open(&home);
    put(&home, 1, 30, 0, 1);
    put(&home, 2, 5, 0, 2); // another chain
    assert_false(went_back(&home));
    put(&home, 1, 29, 1, 3);
    assert_true(went_back(&home));
    home_close(&home);
    home_open(&home);
    put(&home, 1, 30, 0, 1);
    put(&home, 1, 30, 1, 2); // the same seal with another hash
    assert_true(went_back(&home));
    put(&home, 1, 31, 2, 3);
    assert_true(went_back(&home));
    home_close(&home);
}

static void test_broken_heads_are_left_out(void **state) {
    (void)state;
    struct home home;
    struct store_witness *witnesses;
    uint8_t hash[32] = {1};
    home_open(&home);
    for (int broken = 0; broken < 4; broken++) {
        Lx__SealHead head = LX__SEAL_HEAD__INIT;
        head.number = broken == 0 ? 0 : 1;
        head.hash = (ProtobufCBinaryData){broken == 1 ? 31 : 32, hash};
        head.algorithm = broken == 2 ? 3 : 1;
        head.sealed_at_ms = broken == 3 ? INT64_MAX : HOME_NOW_MS;
        assert_int_equal(store_begin(home.store), STATUS_OK);
        assert_int_equal(store_witness_put(home.store, &head), STATUS_OK);
        assert_int_equal(store_commit(home.store), STATUS_OK);
    }
    assert_int_equal(count(&home, &witnesses), 0);
    home_close(&home);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newest_of_each_day),
        cmocka_unit_test(test_chain_goes_back),
        cmocka_unit_test(test_broken_heads_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
