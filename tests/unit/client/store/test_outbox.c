// The outbox: keys, groups, answers, refused entries and what hangs on them.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/store/db.h"
#include "client/store/outbox_bundle.h"
#include "tests/unit/client/store/home.h"

static void settle(struct home *home, struct uuid stream, uint64_t op_to, uint64_t refused_op) {
    Lx__Reason reason = LX__REASON__INIT;
    Lx__RefusedOperation refused = LX__REFUSED_OPERATION__INIT;
    Lx__RefusedOperation *list[] = {&refused};
    reason.has_reason = 1;
    reason.reason = 7;
    refused.has_op_seq = 1;
    refused.op_seq = refused_op;
    refused.reason = &reason;
    assert_int_equal(store_begin(home->store), STATUS_OK);
    Lx__PushedGroup group = LX__PUSHED_GROUP__INIT;
    group.stream = (ProtobufCBinaryData){UUID_SIZE, stream.bytes};
    group.op_to = op_to;
    group.seq = 5;
    group.n_refused = refused_op > 0 ? 1 : 0;
    group.refused = list;
    assert_int_equal(store_outbox_settle(home->store, &group, 1, HOME_NOW_MS), STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
}

static struct outbox_entry entry(struct home *home, int64_t id) {
    struct outbox_entry found;
    assert_int_equal(store_outbox_get(home->store, id, home->arena, &found), STATUS_OK);
    return found;
}

static uint64_t blocked(struct home *home) {
    uint64_t n = 0;
    assert_int_equal(store_outbox_blocked(home->store, &n), STATUS_OK);
    return n;
}

static void test_group_is_sent_again_as_it_was(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    (void)state;
    home_open(&home);
    for (uint64_t i = 0; i < 3; i++)
        home_add(&home, stream, home_fact(&home, home_id(10 + i), home_id(2), "t.plan"));
    struct outbox_entries first = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(first.count, 3);
    assert_int_equal(first.entries[0].op_seq, 1);
    assert_int_equal(first.entries[2].op_seq, 3);
    home_add(&home, stream, home_fact(&home, home_id(13), home_id(2), "t.plan"));
    home_reopen(&home); // the answer was lost
    struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(again.entries[i].op_seq, first.entries[i].op_seq);
        assert_true(view_equal(again.entries[i].bytes, first.entries[i].bytes));
    }
    settle(&home, stream, 3, 0);
    struct outbox_entries next = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(next.count, 1);
    assert_int_equal(next.entries[0].op_seq, 4);
    home_close(&home);
}

static void test_facts_and_roster_do_not_mix(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    (void)state;
    home_open(&home);
    home_add(&home, stream, home_person(&home, home_id(2), "王芳", 0));
    home_add(&home, stream, home_fact(&home, home_id(10), home_id(2), "t.plan"));
    assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).count, 1);
    // The fact is about the person: it goes once he is stored.
    settle(&home, stream, 1, 0);
    assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).count, 1);
    home_close(&home);
}

static void test_bytes_and_operations_are_limited(void **state) {
    struct home home;
    struct outbox_entries entries;
    struct uuid stream = home_id(1);
    (void)state;
    home_open(&home);
    for (uint64_t i = 0; i < 5; i++)
        home_add(&home, stream, home_fact(&home, home_id(10 + i), home_id(2), "t.plan"));
    assert_int_equal(store_outbox_seal(home.store, stream, 500, 1, home.arena, &entries),
                     STATUS_OK);
    assert_int_equal(entries.count, 1); // at least one
    settle(&home, stream, 1, 0);
    assert_int_equal(home_seal(&home, stream, 2).count, 2);
    home_close(&home);
}

static void test_refused_blocks_only_what_depends(void **state) {
    struct home home;
    struct outbox_counts counts;
    struct uuid stream = home_id(1);
    (void)state;
    home_open(&home);
    int64_t submitted =
        home_add(&home, stream, home_fact(&home, home_id(10), home_id(2), "t.plan"));
    assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).count, 1);
    int64_t accepted =
        home_add(&home, stream, home_accept(&home, home_id(11), home_id(2), home_id(10)));
    int64_t other = home_add(&home, stream, home_fact(&home, home_id(12), home_id(2), "t.plan"));
    assert_int_equal(home_count(&home, STORE_KIND_FACT), 3);
    settle(&home, stream, 1, 1);
    assert_int_equal(entry(&home, submitted).state, OUTBOX_REFUSED);
    assert_int_equal(entry(&home, submitted).reason->reason, 7);
    assert_int_equal(entry(&home, accepted).blocked_by, submitted);
    assert_int_equal(entry(&home, other).blocked_by, 0);
    assert_int_equal(home_count(&home, STORE_KIND_FACT), 2); // the refused one left the view
    struct outbox_entries next = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(next.count, 1);
    assert_int_equal(next.entries[0].id, other);
    assert_int_equal(next.entries[0].op_seq, 2);
    assert_int_equal(store_outbox_counts(home.store, &counts), STATUS_OK);
    assert_int_equal(blocked(&home), 1);
    assert_int_equal(counts.refused, 1);
    home_close(&home);
}

static void test_retry_frees_what_was_blocked(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    int64_t again = 0;
    (void)state;
    home_open(&home);
    int64_t submitted =
        home_add(&home, stream, home_fact(&home, home_id(10), home_id(2), "t.plan"));
    home_seal(&home, stream, HOME_MAX_OPS);
    settle(&home, stream, 1, 1);
    int64_t accepted =
        home_add(&home, stream, home_accept(&home, home_id(11), home_id(2), home_id(10)));
    assert_int_equal(store_outbox_retry(home.store, submitted, HOME_NOW_MS, &again), STATUS_OK);
    assert_int_equal(store_outbox_retry(home.store, submitted, HOME_NOW_MS, &again),
                     STATUS_CONFLICT);
    assert_int_equal(entry(&home, submitted).state, OUTBOX_ARCHIVED);
    assert_int_equal(entry(&home, again).retry_of, submitted);
    assert_true(uuid_equal(entry(&home, again).record, home_id(10)));
    struct outbox_entries next = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(next.count, 1); // the accept stands before it in the outbox: next turn
    assert_int_equal(next.entries[0].id, again);
    settle(&home, stream, 2, 0);
    next = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(next.count, 1);
    assert_int_equal(next.entries[0].id, accepted);
    home_close(&home);
}

struct chain {
    struct uuid first_stream, last_stream;
    int64_t refused, changed, next, stranger;
};

// Somebody's place was refused; it was changed again, and then he got another place.
static void make_chain(struct home *home, struct chain *out) {
    *out = (struct chain){.first_stream = home_id(1), .last_stream = home_id(3)};
    home_open(home);
    struct uuid place = home_id(30), person = home_id(2);
    out->refused = home_add(home, out->first_stream, home_membership(home, place, person));
    home_seal(home, out->first_stream, HOME_MAX_OPS);
    settle(home, out->first_stream, 1, 1);
    out->changed = home_add(home, out->first_stream, home_membership(home, place, person));
    out->next = home_add(home, out->last_stream, home_membership(home, home_id(31), person));
    out->stranger =
        home_add(home, out->last_stream, home_membership(home, home_id(32), home_id(4)));
}

static void test_what_waits_for_the_blocked_is_blocked(void **state) {
    struct home home;
    struct chain chain;
    (void)state;
    make_chain(&home, &chain);
    assert_int_equal(entry(&home, chain.changed).blocked_by, chain.refused);
    assert_int_equal(entry(&home, chain.next).blocked_by, chain.refused); // what stands at the end
    assert_int_equal(entry(&home, chain.stranger).blocked_by, 0);
    assert_int_equal(blocked(&home), 2);
    struct outbox_entries next = home_seal(&home, chain.last_stream, HOME_MAX_OPS);
    assert_int_equal(next.count, 1);
    assert_int_equal(next.entries[0].id, chain.stranger);
    home_close(&home);
}

static void test_mending_the_first_frees_the_chain(void **state) {
    (void)state;
    for (int dropped = 0; dropped < 2; dropped++) {
        struct home home;
        struct chain chain;
        int64_t again = 0;
        make_chain(&home, &chain);
        assert_int_equal(dropped
                             ? store_outbox_drop(home.store, chain.refused)
                             : store_outbox_retry(home.store, chain.refused, HOME_NOW_MS, &again),
                         STATUS_OK);
        assert_int_equal(entry(&home, chain.changed).blocked_by, 0);
        assert_int_equal(entry(&home, chain.next).blocked_by, 0);
        assert_int_equal(blocked(&home), 0);
        assert_int_equal(home_seal(&home, chain.first_stream, HOME_MAX_OPS).entries[0].id,
                         chain.changed);
        settle(&home, chain.first_stream, 2, 0);
        assert_int_equal(home_seal(&home, chain.last_stream, HOME_MAX_OPS).entries[0].id,
                         chain.next);
        settle(&home, chain.last_stream, 2, 0);
        assert_int_equal(home_seal(&home, chain.first_stream, HOME_MAX_OPS).count, dropped ? 0 : 1);
        home_close(&home);
    }
}

static void test_putting_away_the_middle_frees_the_last(void **state) {
    struct home home;
    struct chain chain;
    (void)state;
    make_chain(&home, &chain);
    assert_int_equal(store_outbox_drop(home.store, chain.changed), STATUS_OK);
    assert_int_equal(entry(&home, chain.next).blocked_by, 0);
    assert_int_equal(home_seal(&home, chain.last_stream, HOME_MAX_OPS).entries[0].id, chain.next);
    home_close(&home);
}

// Each change waits for all before it: every one of them is looked at once.
static void test_long_chain(void **state) {
    struct home home;
    struct chain chain;
    int64_t last = 0;
    (void)state;
    make_chain(&home, &chain);
    for (uint64_t i = 0; i < 40; i++)
        last = home_add(&home, home_id(5 + i), home_membership(&home, home_id(40 + i), home_id(2)));
    assert_int_equal(entry(&home, last).blocked_by, chain.refused);
    assert_int_equal(blocked(&home), 42);
    home_close(&home);
}

static void test_what_is_about_somebody_put_away_is_blocked(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    (void)state;
    home_open(&home);
    int64_t person = home_add(&home, stream, home_person(&home, home_id(2), "王芳", 0));
    int64_t plan = home_add(&home, stream, home_fact(&home, home_id(10), home_id(2), "t.plan"));
    int64_t accepted =
        home_add(&home, stream, home_accept(&home, home_id(11), home_id(4), home_id(10)));
    assert_int_equal(entry(&home, accepted).blocked_by, 0); // waits, and will go
    assert_int_equal(store_outbox_drop(home.store, person), STATUS_OK);
    assert_int_equal(entry(&home, plan).blocked_by, person);
    assert_int_equal(entry(&home, accepted).blocked_by, person);
    home_close(&home);
}

// The server does not take the group of the first place: not a refusal of the operation itself.
static void test_what_waits_for_a_held_group_is_blocked(void **state) {
    struct home home;
    Lx__Reason reason = LX__REASON__INIT;
    struct uuid stream = home_id(1);
    (void)state;
    reason.has_reason = 1;
    reason.reason = 9;
    home_open(&home);
    int64_t first = home_add(&home, stream, home_membership(&home, home_id(30), home_id(2)));
    int64_t next = home_add(&home, home_id(3), home_membership(&home, home_id(31), home_id(2)));
    home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(entry(&home, next).blocked_by, 0); // it is under way
    assert_int_equal(store_begin(home.store), STATUS_OK);
    assert_int_equal(store_outbox_unseal(home.store, stream, 1, &reason), STATUS_OK);
    assert_int_equal(store_commit(home.store), STATUS_OK);
    assert_int_equal(entry(&home, first).blocked_by, 0);
    assert_int_equal(entry(&home, next).blocked_by, first);
    assert_int_equal(blocked(&home), 1);
    // And so is what comes behind it in its stream, and what waits for that.
    int64_t behind = home_add(&home, stream, home_fact(&home, home_id(32), home_id(2), "t.plan"));
    int64_t after =
        home_add(&home, home_id(3), home_accept(&home, home_id(33), home_id(2), home_id(32)));
    assert_int_equal(entry(&home, behind).blocked_by, first);
    assert_int_equal(entry(&home, after).blocked_by, first);
    assert_int_equal(blocked(&home), 3);
    home_seal(&home, stream, HOME_MAX_OPS); // it goes again
    assert_int_equal(entry(&home, next).blocked_by, 0);
    assert_int_equal(entry(&home, after).blocked_by, 0);
    home_close(&home);
}

// Two things hold it back: first what comes before it in its stream, then what it is about.
static void test_a_held_group_is_named_before_a_refusal(void **state) {
    struct home home;
    Lx__Reason reason = LX__REASON__INIT;
    struct uuid stream = home_id(1);
    struct uuid other = home_id(3);
    (void)state;
    reason.has_reason = 1;
    reason.reason = 9;
    home_open(&home);
    int64_t person = home_add(&home, other, home_person(&home, home_id(2), "王芳", 0));
    home_seal(&home, other, HOME_MAX_OPS);
    settle(&home, other, 1, 1);
    int64_t held = home_add(&home, stream, home_fact(&home, home_id(30), home_id(5), "t.plan"));
    int64_t behind = home_add(&home, stream, home_fact(&home, home_id(31), home_id(2), "t.plan"));
    home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(store_begin(home.store), STATUS_OK);
    assert_int_equal(store_outbox_unseal(home.store, stream, 1, &reason), STATUS_OK);
    assert_int_equal(store_commit(home.store), STATUS_OK);
    assert_int_equal(entry(&home, behind).blocked_by, held);
    home_seal(&home, stream, HOME_MAX_OPS); // it goes again
    assert_int_equal(entry(&home, behind).blocked_by, person);
    home_close(&home);
}

static void test_drop_archives_and_keeps(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    (void)state;
    home_open(&home);
    int64_t first = home_add(&home, stream, home_fact(&home, home_id(10), home_id(2), "t.plan"));
    int64_t second = home_add(&home, stream, home_fact(&home, home_id(11), home_id(2), "t.plan"));
    assert_int_equal(store_outbox_drop(home.store, first), STATUS_OK);
    assert_int_equal(entry(&home, first).state, OUTBOX_ARCHIVED);
    assert_true(entry(&home, first).bytes.size > 0);
    struct outbox_entries sent = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(sent.count, 1);
    assert_int_equal(sent.entries[0].op_seq, 1);                              // no gap
    assert_int_equal(store_outbox_drop(home.store, second), STATUS_CONFLICT); // it may be stored
    settle(&home, stream, 1, 0);
    assert_int_equal(store_outbox_drop(home.store, second), STATUS_CONFLICT);
    home_close(&home);
}

static void test_group_refused_gives_its_keys_back(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    Lx__Reason reason = LX__REASON__INIT;
    (void)state;
    reason.has_reason = 1;
    reason.reason = 9;
    home_open(&home);
    int64_t first = home_add(&home, stream, home_fact(&home, home_id(10), home_id(2), "t.plan"));
    home_add(&home, stream, home_fact(&home, home_id(11), home_id(2), "t.plan"));
    home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(store_begin(home.store), STATUS_OK);
    assert_int_equal(store_outbox_unseal(home.store, stream, 1, &reason), STATUS_OK);
    assert_int_equal(store_commit(home.store), STATUS_OK);
    assert_int_equal(entry(&home, first).reason->reason, 9);
    assert_int_equal(store_outbox_drop(home.store, first), STATUS_OK);
    struct outbox_entries next = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(next.count, 1);
    assert_int_equal(next.entries[0].op_seq, 1);
    home_close(&home);
}

static void test_rewind_and_new_device(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    (void)state;
    home_open(&home);
    for (uint64_t i = 0; i < 4; i++)
        home_add(&home, stream, home_fact(&home, home_id(10 + i), home_id(2), "t.plan"));
    home_seal(&home, stream, HOME_MAX_OPS);
    settle(&home, stream, 4, 0);
    assert_int_equal(store_begin(home.store), STATUS_OK);
    assert_int_equal(store_outbox_rewind(home.store, stream, 9), STATUS_NOT_FOUND);
    assert_int_equal(store_outbox_rewind(home.store, stream, 3), STATUS_OK);
    assert_int_equal(store_commit(home.store), STATUS_OK);
    struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 2);
    assert_int_equal(again.entries[0].op_seq, 3);
    assert_int_equal(store_begin(home.store), STATUS_OK);
    assert_int_equal(store_outbox_new_device(home.store), STATUS_OK);
    assert_int_equal(store_commit(home.store), STATUS_OK);
    again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 2);
    assert_int_equal(again.entries[0].op_seq, 1);
    assert_true(uuid_equal(again.entries[0].record, home_id(12)));
    home_close(&home);
}

static void test_streams_with_work(void **state) {
    struct home home;
    size_t count = 0;
    struct uuid *streams;
    (void)state;
    home_open(&home);
    home_add(&home, home_id(1), home_fact(&home, home_id(10), home_id(2), "t.plan"));
    // Waits for a record of another stream.
    home_add(&home, home_id(3), home_accept(&home, home_id(11), home_id(2), home_id(10)));
    assert_int_equal(store_outbox_streams(home.store, home.arena, &count, &streams), STATUS_OK);
    assert_int_equal(count, 1);
    home_seal(&home, home_id(1), HOME_MAX_OPS);
    settle(&home, home_id(1), 1, 0);
    assert_int_equal(store_outbox_streams(home.store, home.arena, &count, &streams), STATUS_OK);
    assert_int_equal(count, 1);
    assert_true(uuid_equal(streams[0], home_id(3)));
    home_close(&home);
}

// Both halves of a transfer: somebody under way shows at once, and is not taken back before he is
// known to have been sent.
static void test_halves_of_a_transfer(void **state) {
    struct home home;
    struct uuid stream = home_id(1), other = home_id(2);
    struct uuid id = home_id(20), person = home_id(21), district = home_id(22);
    struct uuid membership_id = home_id(23);
    Lx__Operation out = LX__OPERATION__INIT, in = LX__OPERATION__INIT;
    Lx__Transfer sent = LX__TRANSFER__INIT, taken = LX__TRANSFER__INIT;
    Lx__Membership membership = LX__MEMBERSHIP__INIT;
    (void)state;
    home_open(&home);
    sent.has_id = sent.has_person = sent.has_to = sent.has_step = 1;
    sent.id = (ProtobufCBinaryData){UUID_SIZE, id.bytes};
    sent.person = (ProtobufCBinaryData){UUID_SIZE, person.bytes};
    sent.to = (ProtobufCBinaryData){UUID_SIZE, district.bytes};
    sent.step = LX__TRANSFER_STEP__TRANSFER_OUT;
    out.transfer = &sent;
    home_add(&home, stream, &out);
    assert_int_equal(home_count(&home, STORE_KIND_TRANSIT), 1);
    taken = sent;
    taken.has_to = 0;
    taken.step = LX__TRANSFER_STEP__TRANSFER_IN;
    membership.has_id = 1;
    membership.id = (ProtobufCBinaryData){UUID_SIZE, membership_id.bytes};
    taken.membership = &membership;
    in.transfer = &taken;
    int64_t back = home_add(&home, other, &in);
    assert_int_equal(home_count(&home, STORE_KIND_MEMBERSHIP), 1);
    assert_int_equal(home_seal(&home, other, HOME_MAX_OPS).count, 0); // waits for the first half
    assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).count, 1);
    settle(&home, stream, 1, 0);
    assert_int_equal(home_seal(&home, other, HOME_MAX_OPS).entries[0].id, back);
    home_close(&home);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_halves_of_a_transfer),
        cmocka_unit_test(test_group_is_sent_again_as_it_was),
        cmocka_unit_test(test_facts_and_roster_do_not_mix),
        cmocka_unit_test(test_bytes_and_operations_are_limited),
        cmocka_unit_test(test_refused_blocks_only_what_depends),
        cmocka_unit_test(test_retry_frees_what_was_blocked),
        cmocka_unit_test(test_what_waits_for_the_blocked_is_blocked),
        cmocka_unit_test(test_mending_the_first_frees_the_chain),
        cmocka_unit_test(test_putting_away_the_middle_frees_the_last),
        cmocka_unit_test(test_long_chain),
        cmocka_unit_test(test_what_is_about_somebody_put_away_is_blocked),
        cmocka_unit_test(test_what_waits_for_a_held_group_is_blocked),
        cmocka_unit_test(test_a_held_group_is_named_before_a_refusal),
        cmocka_unit_test(test_drop_archives_and_keeps),
        cmocka_unit_test(test_group_refused_gives_its_keys_back),
        cmocka_unit_test(test_rewind_and_new_device),
        cmocka_unit_test(test_streams_with_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
