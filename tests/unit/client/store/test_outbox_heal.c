// A restored server: what goes again, under which keys, what it becomes then; and what is forgotten
// when.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/client/store/home.h"

#define DAY_MS (24LL * 3600 * 1000)

static const Lx__Reason reason = {
    .base = PROTOBUF_C_MESSAGE_INIT(&lx__reason__descriptor), .has_reason = 1, .reason = 211};

// Stored up to op_to; those in `refused` (0 ends the list) are refused.
static void settle(struct home *home, struct uuid stream, uint64_t op_to, const uint64_t *refused,
                   int64_t now_ms) {
    Lx__RefusedOperation messages[8];
    Lx__RefusedOperation *list[8];
    Lx__PushedGroup group = LX__PUSHED_GROUP__INIT;
    for (; refused && refused[group.n_refused]; group.n_refused++) {
        Lx__RefusedOperation *one = &messages[group.n_refused];
        lx__refused_operation__init(one);
        one->has_op_seq = 1;
        one->op_seq = refused[group.n_refused];
        one->reason = (Lx__Reason *)&reason;
        list[group.n_refused] = one;
    }
    group.stream = (ProtobufCBinaryData){UUID_SIZE, stream.bytes};
    group.op_to = op_to;
    group.seq = op_to;
    group.refused = list;
    assert_int_equal(store_begin(home->store), STATUS_OK);
    assert_int_equal(store_outbox_settle(home->store, &group, 1, now_ms), STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
}

static bool heal(struct home *home, struct uuid stream, uint64_t server_next) {
    return home_heal(home, stream, server_next).any;
}

static enum outbox_state state_of(struct home *home, int64_t id) {
    struct outbox_entry entry;
    assert_int_equal(store_outbox_get(home->store, id, home->arena, &entry), STATUS_OK);
    return entry.state;
}

static void heal_epoch(struct home *home) {
    assert_int_equal(store_begin(home->store), STATUS_OK);
    assert_int_equal(store_outbox_heal_epoch(home->store), STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
}

// Five operations under keys 1 to 5: stored, stored, refused, put away, stored.
static void make_history(struct home *home, struct uuid stream, int64_t out_ids[5]) {
    static const uint64_t refused[] = {3, 4, 0};
    home_open(home);
    home_scope(home, 1, &stream);
    for (uint64_t i = 0; i < 5; i++)
        out_ids[i] = home_add(home, stream, home_fact(home, home_id(10 + i), home_id(2), "t.plan"));
    assert_int_equal(home_seal(home, stream, HOME_MAX_OPS).count, 5);
    settle(home, stream, 5, refused, HOME_NOW_MS);
    assert_int_equal(store_outbox_drop(home->store, out_ids[3]), STATUS_OK);
}

// The same, written under epoch 900.
static void make_healed_history(struct home *home, struct uuid stream, int64_t out_ids[5]) {
    make_history(home, stream, out_ids);
    home_set_epoch(home, 900);
    heal_epoch(home);
}

static void test_what_was_lost_goes_again_as_it_was(void **state) {
    static const uint64_t refused[] = {3, 4, 0};
    struct home home;
    struct uuid stream = home_id(1);
    int64_t ids[5];
    (void)state;
    make_history(&home, stream, ids);
    assert_false(heal(&home, stream, 6)); // nothing is missing
    assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).count, 0);
    assert_true(heal(&home, stream, 2));
    struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 4); // the refused ones, too: their keys must be filled
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(again.entries[i].op_seq, i + 2);
        assert_int_equal(again.entries[i].id, ids[i + 1]);
    }
    assert_int_equal(home_count(&home, STORE_KIND_FACT), 3); // not those that were refused
    settle(&home, stream, 5, refused, HOME_NOW_MS);
    assert_int_equal(state_of(&home, ids[1]), OUTBOX_ACKED);
    assert_int_equal(state_of(&home, ids[2]), OUTBOX_REFUSED);
    assert_int_equal(state_of(&home, ids[3]), OUTBOX_ARCHIVED); // stays put away
    assert_int_equal(state_of(&home, ids[4]), OUTBOX_ACKED);
    home_close(&home);
}

// What a person is told: how many records, and how old the backup is at least.
static void test_what_was_lost_is_counted(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    int64_t ids[5];
    (void)state;
    make_history(&home, stream, ids);
    struct outbox_lost lost = home_heal(&home, stream, 3); // a refused one, one put away, one
    assert_true(lost.any);
    assert_int_equal(lost.records, 1);
    assert_int_equal(lost.before_ms, HOME_NOW_MS);
    lost = home_heal(&home, stream, 3); // told once: they are under way
    assert_false(lost.any);
    assert_int_equal(lost.records, 0);
    assert_int_equal(lost.before_ms, 0);
    home_close(&home);
}

static size_t facts_here(struct home *home) {
    return home_count(home, STORE_KIND_FACT);
}

// The new database is far behind the place at which this home had pulled: what it acknowledges
// now lies below that place, and is still not in the replica.
static void test_what_goes_again_is_seen_until_the_replica_is_whole(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    struct store_stream stored;
    int64_t ids[5];
    (void)state;
    make_history(&home, stream, ids);
    home_pull(&home, stream, 0, NULL, 90); // without the rows: the replica is to begin anew
    assert_int_equal(facts_here(&home), 0);
    assert_true(heal(&home, stream, 1));
    assert_int_equal(store_stream_get(home.store, stream, &stored), STATUS_OK);
    assert_false(stored.whole); // whatever its head says by chance
    assert_int_equal(facts_here(&home), 3);
    settle(&home, stream, 5, (const uint64_t[]){3, 4, 0}, HOME_NOW_MS);
    assert_int_equal(facts_here(&home), 3);
    home_pull(&home, stream, 0, NULL, 5);
    assert_int_equal(facts_here(&home), 0); // it is for the replica to show them
    home_close(&home);
}

static void test_another_answer_is_shown(void **state) {
    static const uint64_t refused[] = {2, 0};
    struct home home;
    struct uuid stream = home_id(1);
    int64_t ids[5];
    (void)state;
    make_history(&home, stream, ids);
    assert_true(heal(&home, stream, 1));
    settle(&home, stream, 5, refused, HOME_NOW_MS);
    assert_int_equal(state_of(&home, ids[1]), OUTBOX_REFUSED); // was stored
    assert_int_equal(state_of(&home, ids[2]), OUTBOX_ACKED);   // was refused
    assert_int_equal(state_of(&home, ids[3]), OUTBOX_ACKED);   // was put away
    home_close(&home);
}

static uint32_t reason_of(struct home *home, int64_t id) {
    struct outbox_entry entry;
    assert_int_equal(store_outbox_get(home->store, id, home->arena, &entry), STATUS_OK);
    return entry.reason != NULL ? entry.reason->reason : 0;
}

static void test_keys_that_are_taken_back_leave_answers_alone(void **state) {
    Lx__Reason why_not = reason; // the group is not taken
    struct home home;
    struct uuid stream = home_id(1);
    int64_t ids[5];
    (void)state;
    make_history(&home, stream, ids);
    assert_true(heal(&home, stream, 2));
    assert_int_equal(store_begin(home.store), STATUS_OK);
    why_not.reason = 36;
    assert_int_equal(store_outbox_hold(home.store, stream, &why_not), STATUS_OK);
    assert_int_equal(reason_of(&home, ids[2]), 36); // while it waits
    assert_int_equal(store_outbox_unseal(home.store, stream, 2, &why_not), STATUS_OK);
    assert_int_equal(store_commit(home.store), STATUS_OK);
    assert_int_equal(reason_of(&home, ids[1]), 36);
    assert_int_equal(reason_of(&home, ids[2]), 211); // the refusal's own
    assert_int_equal(reason_of(&home, ids[3]), 211);
    assert_int_equal(state_of(&home, ids[1]), OUTBOX_WAITING);
    assert_int_equal(state_of(&home, ids[2]), OUTBOX_REFUSED);
    assert_int_equal(state_of(&home, ids[3]), OUTBOX_ARCHIVED);
    struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 2);
    assert_int_equal(again.entries[0].op_seq, 2);
    assert_int_equal(again.entries[1].id, ids[4]);
    assert_int_equal(again.entries[1].op_seq, 3);
    home_close(&home);
}

static void test_new_epoch_sends_what_scope_is_silent_about(void **state) {
    struct home home;
    struct uuid streams[] = {home_id(1), home_id(3)};
    struct store_stream stored;
    (void)state;
    home_open(&home);
    home_scope(&home, 2, streams);
    home_set_epoch(&home, 900);
    heal_epoch(&home); // the first epoch heals nothing
    for (size_t i = 0; i < 2; i++) {
        home_add(&home, streams[i], home_fact(&home, home_id(10 + i), home_id(2), "t.plan"));
        assert_int_equal(home_seal(&home, streams[i], HOME_MAX_OPS).count, 1);
        settle(&home, streams[i], 1, NULL, HOME_NOW_MS);
    }
    home_scope(&home, 1, streams); // the second stream was left
    assert_int_equal(store_begin(home.store), STATUS_OK);
    assert_int_equal(store_stream_set_proved(home.store, streams[0]), STATUS_OK);
    assert_int_equal(store_commit(home.store), STATUS_OK);
    heal_epoch(&home);
    assert_int_equal(home_seal(&home, streams[1], HOME_MAX_OPS).count, 0);
    home_set_epoch(&home, 901);
    heal_epoch(&home);
    assert_int_equal(home_seal(&home, streams[0], HOME_MAX_OPS).count, 0); // Scope tells
    assert_int_equal(home_seal(&home, streams[1], HOME_MAX_OPS).count, 1);
    assert_int_equal(store_stream_get(home.store, streams[0], &stored), STATUS_OK);
    assert_false(stored.whole);
    settle(&home, streams[1], 1, NULL, HOME_NOW_MS);
    heal_epoch(&home); // once
    assert_int_equal(home_seal(&home, streams[1], HOME_MAX_OPS).count, 0);
    home_close(&home);
}

// A row that was changed again after a restore has its former version with another content, which
// head, count and digest do not show: no row of before is kept.
static void test_new_epoch_begins_replicas_anew(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    struct store_stream stored;
    (void)state;
    home_open(&home);
    home_scope(&home, 1, &stream);
    home_set_epoch(&home, 900);
    heal_epoch(&home);
    Lx__Row *row = home_row(&home, 7, home_id(10), 2, home_person(&home, home_id(10), "Lost", 1));
    home_pull(&home, stream, 1, &row, 7);
    heal_epoch(&home); // the same epoch
    assert_int_equal(store_stream_get(home.store, stream, &stored), STATUS_OK);
    assert_int_equal(stored.cursor, 7);
    home_set_epoch(&home, 901);
    heal_epoch(&home);
    assert_int_equal(store_stream_get(home.store, stream, &stored), STATUS_OK);
    assert_int_equal(stored.cursor, 0);
    assert_int_equal(stored.live_count, 0);
    home_close(&home);
}

// A stream that was left and is refused: it is not known what of it is there, so no key goes to
// another operation.
static void test_refused_without_knowledge_keeps_keys(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    int64_t ids[5];
    (void)state;
    make_history(&home, stream, ids);
    assert_true(heal(&home, stream, 2));
    int64_t later = home_add(&home, stream, home_fact(&home, home_id(20), home_id(2), "t.plan"));
    assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).count, 4);
    assert_int_equal(store_begin(home.store), STATUS_OK);
    assert_int_equal(store_outbox_hold(home.store, stream, &reason), STATUS_OK);
    assert_int_equal(store_commit(home.store), STATUS_OK);
    struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 4);
    assert_int_equal(again.entries[0].op_seq, 2);
    assert_int_equal(again.entries[0].reason->reason, 211);
    assert_int_equal(state_of(&home, later), OUTBOX_WAITING);
    home_close(&home);
}

// The server was restored to a time before this device enrolled: a new one, and all goes again.
static void test_new_device_under_a_new_epoch(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    int64_t ids[5];
    (void)state;
    make_healed_history(&home, stream, ids);
    home_pull(&home, stream, 0, NULL, 5);
    home_set_epoch(&home, 901);
    assert_int_equal(store_begin(home.store), STATUS_OK);
    assert_int_equal(store_outbox_new_device(home.store), STATUS_OK);
    assert_int_equal(store_commit(home.store), STATUS_OK);
    struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 3);
    assert_int_equal(again.entries[0].op_seq, 1);
    assert_int_equal(again.entries[2].id, ids[4]);
    assert_int_equal(state_of(&home, ids[2]), OUTBOX_REFUSED);
    assert_int_equal(facts_here(&home), 3); // the replica may have them no more
    struct store_stream stored;
    assert_int_equal(store_stream_get(home.store, stream, &stored), STATUS_OK);
    assert_int_equal(stored.cursor, 0); // it begins anew: its rows may be of the lost history
    home_close(&home);
}

static void new_device(struct home *home) {
    assert_int_equal(store_begin(home->store), STATUS_OK);
    assert_int_equal(store_outbox_new_device(home->store), STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
}

// A copy of this home, or a bundle, came first after the restore and filled keys that the server
// had lost: all that is kept goes again, so that hashes and answers tell.
static void test_in_a_new_epoch_all_that_is_kept_goes_again(void **state) {
    static const uint64_t cases[] = {6, 9, 4, 1}; // what the server expects
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct home home;
        struct uuid stream = home_id(1);
        int64_t ids[5];
        make_healed_history(&home, stream, ids);
        assert_false(heal(&home, stream, 6)); // the same epoch: nothing to prove
        assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).count, 0);
        home_set_epoch(&home, 901);
        assert_int_equal(heal(&home, stream, cases[i]), cases[i] < 6);
        heal_epoch(&home);
        struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
        assert_int_equal(again.count, 5);
        assert_int_equal(again.entries[0].op_seq, 1);
        settle(&home, stream, 5, (const uint64_t[]){3, 4, 0}, HOME_NOW_MS + 1);
        heal(&home, stream, 6);
        assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).count, 0); // once
        home_close(&home);
    }
}

// The copy's operations were the same, and this server has refused them.
static void test_what_somebody_else_brought_back_and_was_refused_is_known(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    int64_t ids[5];
    (void)state;
    make_healed_history(&home, stream, ids);
    home_set_epoch(&home, 901);
    heal(&home, stream, 6);
    heal_epoch(&home);
    struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
    settle(&home, stream, again.entries[again.count - 1].op_seq, (const uint64_t[]){1, 2, 3, 4, 0},
           HOME_NOW_MS + 1);
    assert_int_equal(state_of(&home, ids[0]), OUTBOX_REFUSED);
    assert_int_equal(state_of(&home, ids[1]), OUTBOX_REFUSED);
    assert_int_equal(state_of(&home, ids[4]), OUTBOX_ACKED);
    assert_int_equal(home_count(&home, STORE_KIND_FACT), 1);
    home_close(&home);
}

static void prune(struct home *home, int64_t now_ms, int64_t seen_ms) {
    assert_int_equal(store_begin(home->store), STATUS_OK);
    assert_int_equal(store_config_set_int(home->store, STORE_CONFIG_SERVER_TIME, seen_ms),
                     STATUS_OK);
    assert_int_equal(store_outbox_prune(home->store, now_ms), STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
}

// Refused ones are kept for ever, stored ones before and behind them are not: a group has no hole.
static void test_what_is_kept_goes_again_around_a_hole(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    int64_t ids[5];
    const int64_t later = HOME_NOW_MS + 36 * DAY_MS;
    (void)state;
    make_healed_history(&home, stream, ids);
    home_pull(&home, stream, 0, NULL, 5);
    prune(&home, later, later); // 3 and 4 are left
    for (uint64_t i = 0; i < 2; i++)
        home_add(&home, stream, home_fact(&home, home_id(20 + i), home_id(2), "t.plan"));
    assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).entries[0].op_seq, 6);
    settle(&home, stream, 7, NULL, later);
    home_set_epoch(&home, 901);
    heal(&home, stream, 8);
    heal_epoch(&home);
    struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 2);
    assert_int_equal(again.entries[0].id, ids[2]);
    settle(&home, stream, 4, (const uint64_t[]){3, 4, 0}, later);
    assert_int_equal(state_of(&home, ids[2]), OUTBOX_REFUSED);
    assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).entries[0].op_seq, 6);
    home_close(&home);
}

// The same hole in what the server has lost: new keys begin there, those that it has stay.
static void test_a_hole_in_what_was_lost_leaves_the_servers_keys(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    int64_t ids[5];
    const int64_t later = HOME_NOW_MS + 36 * DAY_MS;
    (void)state;
    make_healed_history(&home, stream, ids); // keys 3 and 4 have answers that are kept
    home_pull(&home, stream, 0, NULL, 5);
    prune(&home, later, later);
    home_add(&home, stream, home_fact(&home, home_id(20), home_id(2), "t.plan"));
    assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).entries[0].op_seq, 6);
    settle(&home, stream, 6, NULL, later);
    home_set_epoch(&home, 901);
    assert_true(heal(&home, stream, 5));
    heal_epoch(&home);
    struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 2);
    assert_int_equal(again.entries[0].op_seq, 3);
    assert_int_equal(again.entries[0].id, ids[2]);
    assert_int_equal(again.entries[1].id, ids[3]);
    settle(&home, stream, 4, (const uint64_t[]){3, 4, 0}, later);
    again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 1);
    assert_int_equal(again.entries[0].op_seq, 5);
    assert_true(uuid_equal(again.entries[0].record, home_id(20)));
    home_close(&home);
}

// As they were written one by one: facts, then one of the roster, then a fact.
static void test_what_goes_again_goes_in_large_groups(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    (void)state;
    home_open(&home);
    home_scope(&home, 1, &stream);
    home_set_epoch(&home, 900);
    heal_epoch(&home);
    for (uint64_t i = 1; i <= 5; i++) {
        home_add(&home, stream,
                 i == 4 ? home_person(&home, home_id(30), "Somebody", 0)
                        : home_fact(&home, home_id(10 + i), home_id(2), "t.plan"));
        assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).count, 1);
        settle(&home, stream, i, NULL, HOME_NOW_MS);
    }
    home_set_epoch(&home, 901);
    heal(&home, stream, 6);
    heal_epoch(&home);
    struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 3);
    assert_int_equal(store_outbox_seal(home.store, stream, 500, 1, home.arena, &again), STATUS_OK);
    assert_int_equal(again.count, 1); // no room for more
    settle(&home, stream, 3, NULL, HOME_NOW_MS);
    assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).count, 1); // the roster's by itself
    settle(&home, stream, 4, NULL, HOME_NOW_MS);
    assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).entries[0].op_seq, 5);
    home_close(&home);
}

// The device was frozen after that. What another database had acknowledged goes again under the
// next device's keys; what this one has acknowledged does not.
static void test_new_device_after_a_copy_was_noticed(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    int64_t ids[5];
    (void)state;
    make_healed_history(&home, stream, ids);
    new_device(&home);
    assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).count,
                     0); // no restore: all of it is there
    home_set_epoch(&home, 901);
    heal(&home, stream, 1);
    heal_epoch(&home);
    int64_t later = home_add(&home, stream, home_fact(&home, home_id(20), home_id(2), "t.plan"));
    struct outbox_entries again =
        home_seal(&home, stream, HOME_MAX_OPS); // those of the former device
    assert_int_equal(again.count, 4);
    assert_int_equal(again.entries[3].id, later);
    settle(&home, stream, 2, NULL, HOME_NOW_MS + 5); // two are acknowledged by this database
    new_device(&home);
    again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 2);
    assert_int_equal(again.entries[0].id, ids[4]);
    assert_int_equal(again.entries[1].id, later);
    home_close(&home);
}

// Of a roster row's changes that the server seemed to have, the newest; of those that it had lost,
// all.
static void test_new_device_after_changes_of_one_row(void **state) {
    (void)state;
    for (uint64_t server_next = 1; server_next <= 4; server_next++) {
        struct home home;
        struct uuid stream = home_id(1);
        home_open(&home);
        home_scope(&home, 1, &stream);
        home_set_epoch(&home, 900);
        heal_epoch(&home);
        for (uint64_t i = 1; i <= 3; i++) {
            home_add(&home, stream, home_person(&home, home_id(30), i == 1 ? "A" : "B", i - 1));
            assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).count, 1);
            settle(&home, stream, i, NULL, HOME_NOW_MS);
        }
        home_set_epoch(&home, 901);
        heal(&home, stream, server_next);
        heal_epoch(&home);
        new_device(&home);
        struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
        assert_int_equal(again.count, server_next == 4 ? 1 : 4 - server_next);
        assert_int_equal(again.entries[0].op_seq, 1);
        assert_int_equal(home_count(&home, STORE_KIND_PERSON), 1);
        home_close(&home);
    }
}

static void test_new_device_after_the_answers_of_before(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    int64_t ids[5];
    (void)state;
    make_healed_history(&home, stream, ids);
    home_set_epoch(&home, 901);
    heal(&home, stream, 6); // a copy's: all keys seem to be there
    heal_epoch(&home);
    new_device(&home);
    struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 3);
    assert_int_equal(again.entries[0].id, ids[0]);
    assert_int_equal(again.entries[2].id, ids[4]);
    home_close(&home);
}

static uint64_t stored_count(struct home *home) {
    struct outbox_counts counts;
    assert_int_equal(store_outbox_counts(home->store, &counts), STATUS_OK);
    assert_int_equal(counts.refused + counts.archived, 2); // never forgotten
    return counts.acked;
}

static void test_stored_ones_are_forgotten_after_35_days_by_both_clocks(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    int64_t ids[5];
    const int64_t later = HOME_NOW_MS + 36 * DAY_MS;
    (void)state;
    make_history(&home, stream, ids);
    prune(&home, later, HOME_NOW_MS); // sets what is seen, too
    assert_true(heal(&home, stream, 1));
    settle(&home, stream, 5, (const uint64_t[]){3, 4, 0}, HOME_NOW_MS);
    assert_int_equal(store_outbox_drop(home.store, ids[3]), STATUS_CONFLICT);
    prune(&home, later, later);
    assert_int_equal(stored_count(&home), 3); // their rows have not come back yet
    home_pull(&home, stream, 0, NULL, 5);
    prune(&home, HOME_NOW_MS + 34 * DAY_MS, later); // this machine's clock says no
    assert_int_equal(stored_count(&home), 3);
    prune(&home, later, HOME_NOW_MS + 34 * DAY_MS); // this clock jumped
    assert_int_equal(stored_count(&home), 3);
    prune(&home, later, later);
    assert_int_equal(stored_count(&home), 0);
    // A server older than that: what is left gets keys anew.
    home_add(&home, stream, home_fact(&home, home_id(20), home_id(2), "t.plan"));
    assert_int_equal(home_seal(&home, stream, HOME_MAX_OPS).entries[0].op_seq, 6);
    settle(&home, stream, 6, NULL, later);
    assert_true(heal(&home, stream, 2));
    struct outbox_entries again = home_seal(&home, stream, HOME_MAX_OPS);
    assert_int_equal(again.count, 1);
    assert_int_equal(again.entries[0].op_seq, 2);
    assert_true(uuid_equal(again.entries[0].record, home_id(20)));
    assert_int_equal(stored_count(&home), 0);
    home_close(&home);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_lost_goes_again_as_it_was),
        cmocka_unit_test(test_what_was_lost_is_counted),
        cmocka_unit_test(test_what_goes_again_is_seen_until_the_replica_is_whole),
        cmocka_unit_test(test_another_answer_is_shown),
        cmocka_unit_test(test_keys_that_are_taken_back_leave_answers_alone),
        cmocka_unit_test(test_new_epoch_sends_what_scope_is_silent_about),
        cmocka_unit_test(test_new_epoch_begins_replicas_anew),
        cmocka_unit_test(test_refused_without_knowledge_keeps_keys),
        cmocka_unit_test(test_new_device_under_a_new_epoch),
        cmocka_unit_test(test_in_a_new_epoch_all_that_is_kept_goes_again),
        cmocka_unit_test(test_what_somebody_else_brought_back_and_was_refused_is_known),
        cmocka_unit_test(test_what_is_kept_goes_again_around_a_hole),
        cmocka_unit_test(test_a_hole_in_what_was_lost_leaves_the_servers_keys),
        cmocka_unit_test(test_what_goes_again_goes_in_large_groups),
        cmocka_unit_test(test_new_device_after_a_copy_was_noticed),
        cmocka_unit_test(test_new_device_after_changes_of_one_row),
        cmocka_unit_test(test_new_device_after_the_answers_of_before),
        cmocka_unit_test(test_stored_ones_are_forgotten_after_35_days_by_both_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
