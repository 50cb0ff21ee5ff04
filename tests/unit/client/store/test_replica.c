// The local view: own operations over the server's rows, moves, count and digest.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/client/store/home.h"

static struct store_row find(struct home *home, struct uuid id) {
    struct store_row row;
    assert_int_equal(store_find_id(home->store, STORE_KIND_ANY, id, home->arena, &row), STATUS_OK);
    return row;
}

static void assert_digest_holds(struct home *home, struct uuid stream, uint64_t expected_count) {
    struct store_stream state;
    uint64_t count = 0;
    uint64_t digest = 0;
    assert_int_equal(store_stream_get(home->store, stream, &state), STATUS_OK);
    assert_int_equal(store_stream_recount(home->store, stream, &count, &digest), STATUS_OK);
    assert_int_equal(count, expected_count);
    assert_int_equal(state.live_count, count);
    assert_true(state.digest == digest);
}

static Lx__Row *gone(struct home *home, uint64_t seq, struct uuid id, Lx__RowState state) {
    Lx__Row *row = home_row(home, seq, id, 1, home_fact(home, id, id, ""));
    row->fact = NULL;
    row->state = state;
    return row;
}

// All that waits is sent; the answer says that the first operation is stored, at this place.
static void acknowledge_first(struct home *home, struct uuid stream, uint64_t seq) {
    struct outbox_entries entries;
    assert_int_equal(store_outbox_seal(home->store, stream, 9, 9999, home->arena, &entries),
                     STATUS_OK);
    assert_int_equal(store_begin(home->store), STATUS_OK);
    Lx__PushedGroup group = LX__PUSHED_GROUP__INIT;
    group.stream = (ProtobufCBinaryData){UUID_SIZE, stream.bytes};
    group.op_to = 1;
    group.seq = seq;
    assert_int_equal(store_outbox_settle(home->store, &group, 1, HOME_NOW_MS), STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
}

static void test_local_row_until_the_server_sends_it(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    bool has = false;
    uint8_t key[32] = {1, 2, 3};
    (void)state;
    home_open(&home);
    home_scope(&home, 1, &stream);
    Lx__Operation *fact = home_fact(&home, home_id(10), home_id(2), "t.plan");
    fact->fact->has_source_key = 1;
    fact->fact->source_key = (ProtobufCBinaryData){32, key};
    home_add(&home, stream, fact);
    assert_true(find(&home, home_id(10)).local);
    assert_int_equal(store_has_source_key(home.store, key, &has), STATUS_OK);
    assert_true(has);
    // Stored at seq 1, not yet pulled: still there.
    acknowledge_first(&home, stream, 1);
    assert_true(find(&home, home_id(10)).local);
    Lx__Row *row = home_row(&home, 1, home_id(10), 1, fact);
    home_pull(&home, stream, 1, &row, 1);
    assert_false(find(&home, home_id(10)).local);
    assert_int_equal(home_count(&home, STORE_KIND_FACT), 1);
    assert_digest_holds(&home, stream, 1);
    home_close(&home);
}

static void test_waiting_change_stands_over_the_replica(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    struct store_rows rows;
    (void)state;
    home_open(&home);
    home_scope(&home, 1, &stream);
    Lx__Row *row = home_row(&home, 1, home_id(2), 4, home_person(&home, home_id(2), "王芳", 0));
    home_pull(&home, stream, 1, &row, 1);
    home_add(&home, stream, home_person(&home, home_id(2), "王方", 4));
    assert_string_equal(find(&home, home_id(2)).row->person->name, "王方");
    assert_int_equal(find(&home, home_id(2)).version, 5); // what the next change must name
    assert_int_equal(
        store_find_key(home.store, STORE_KEY_NAME, view_from_string("王芳"), home.arena, &rows),
        STATUS_OK);
    assert_int_equal(rows.count, 0);
    assert_int_equal(
        store_find_key(home.store, STORE_KEY_NAME, view_from_string("王方"), home.arena, &rows),
        STATUS_OK);
    assert_int_equal(rows.count, 1);
    // Somebody else's change arrives: ours still waits.
    row = home_row(&home, 2, home_id(2), 5, home_person(&home, home_id(2), "王芬", 0));
    home_pull(&home, stream, 1, &row, 2);
    assert_string_equal(find(&home, home_id(2)).row->person->name, "王方");
    assert_digest_holds(&home, stream, 1);
    home_close(&home);
}

static void test_subject_leaves_and_row_goes(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    struct uuid found;
    (void)state;
    home_open(&home);
    home_scope(&home, 1, &stream);
    Lx__Row *rows[] = {
        home_row(&home, 1, home_id(2), 1, home_person(&home, home_id(2), "王芳", 0)),
        home_row(&home, 2, home_id(10), 1, home_fact(&home, home_id(10), home_id(2), "t.plan")),
        home_row(&home, 3, home_id(11), 1, home_fact(&home, home_id(11), home_id(3), "t.plan")),
        home_row(&home, 4, home_id(12), 1, home_fact(&home, home_id(12), home_id(3), "t.plan")),
    };
    home_pull(&home, stream, 4, rows, 4);
    assert_digest_holds(&home, stream, 4);
    assert_int_equal(store_home_stream(home.store, home_id(2), &found), STATUS_OK);
    assert_true(uuid_equal(found, stream));
    Lx__Row *left = gone(&home, 5, home_id(2), LX__ROW_STATE__ROW_LEFT);
    home_pull(&home, stream, 1, &left, 5);
    assert_digest_holds(&home, stream, 2);
    assert_int_equal(home_count(&home, STORE_KIND_PERSON), 0);
    assert_int_equal(store_home_stream(home.store, home_id(2), &found), STATUS_NOT_FOUND);
    Lx__Row *away = gone(&home, 6, home_id(12), LX__ROW_STATE__ROW_GONE);
    home_pull(&home, stream, 1, &away, 6);
    home_pull(&home, stream, 1, &away, 6); // told twice
    assert_digest_holds(&home, stream, 1);
    home_close(&home);
}

static void restart(struct home *home, struct uuid stream) {
    assert_int_equal(store_begin(home->store), STATUS_OK);
    assert_int_equal(store_stream_restart(home->store, stream), STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
}

static void test_rows_come_once_while_a_person_moves(void **state) {
    struct home home;
    struct uuid streams[] = {home_id(1), home_id(3)};
    struct uuid found;
    struct store_rows rows;
    (void)state;
    home_open(&home);
    home_scope(&home, 2, streams);
    Lx__Row *old = home_row(&home, 1, home_id(2), 1, home_person(&home, home_id(2), "王芳", 0));
    Lx__Row *moved = home_row(&home, 9, home_id(2), 2, home_person(&home, home_id(2), "王方", 0));
    home_pull(&home, streams[0], 1, &old, 1);
    home_pull(&home, streams[1], 1, &moved, 9);
    assert_int_equal(home_count(&home, STORE_KIND_PERSON), 1);
    assert_int_equal(find(&home, home_id(2)).version, 2);
    assert_int_equal(store_home_stream(home.store, home_id(2), &found), STATUS_OK);
    assert_true(uuid_equal(found, streams[1]));
    restart(&home, streams[0]); // where he came from begins anew
    assert_int_equal(home_count(&home, STORE_KIND_PERSON), 1);
    assert_int_equal(store_home_stream(home.store, home_id(2), &found), STATUS_OK);
    assert_true(uuid_equal(found, streams[1]));
    assert_int_equal(
        store_find_key(home.store, STORE_KEY_NAME, view_from_string("王芳"), home.arena, &rows),
        STATUS_OK);
    assert_int_equal(rows.count, 0);
    home_close(&home);
}

static void test_stream_out_of_scope_is_forgotten(void **state) {
    struct home home;
    struct uuid streams[] = {home_id(1), home_id(3)};
    struct store_stream stream;
    (void)state;
    home_open(&home);
    home_scope(&home, 2, streams);
    Lx__Row *row =
        home_row(&home, 1, home_id(10), 1, home_fact(&home, home_id(10), home_id(2), "x"));
    home_pull(&home, streams[0], 1, &row, 1);
    home_add(&home, streams[0], home_fact(&home, home_id(11), home_id(2), "x"));
    home_scope(&home, 1, &streams[1]);
    assert_int_equal(store_stream_get(home.store, streams[0], &stream), STATUS_NOT_FOUND);
    assert_int_equal(home_count(&home, STORE_KIND_FACT), 1); // what waits is not lost
    home_scope(&home, 2, streams);
    assert_int_equal(store_stream_get(home.store, streams[0], &stream), STATUS_OK);
    assert_int_equal(stream.cursor, 0);
    home_close(&home);
}

// One page, of which more are to come.
static void pull_page(struct home *home, struct uuid stream, size_t n, Lx__Row *const *rows,
                      uint64_t cursor) {
    assert_int_equal(store_begin(home->store), STATUS_OK);
    assert_int_equal(store_pull_apply(home->store, stream, n, rows, cursor), STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
}

// A replica that begins anew and is cut off in the middle hides nothing that was seen, and what it
// brings shows at once; what the server no longer has goes when the new one is whole.
static void test_a_replica_shows_until_the_new_one_is_whole(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    struct uuid found;
    struct store_rows rows;
    (void)state;
    home_open(&home);
    home_scope(&home, 1, &stream);
    Lx__Row *old[] = {
        home_row(&home, 1, home_id(2), 5, home_person(&home, home_id(2), "王芳", 0)),
        home_row(&home, 2, home_id(10), 1, home_fact(&home, home_id(10), home_id(2), "t.plan")),
        home_row(&home, 3, home_id(11), 1, home_fact(&home, home_id(11), home_id(2), "t.plan")),
        home_row(&home, 4, home_id(3), 2, home_person(&home, home_id(3), "李静", 0)),
    };
    home_pull(&home, stream, 4, old, 4);
    restart(&home, stream);
    assert_digest_holds(&home, stream, 0);
    assert_true(find(&home, home_id(10)).former);
    assert_int_equal(home_count(&home, STORE_KIND_FACT), 2);
    assert_int_equal(store_home_stream(home.store, home_id(2), &found), STATUS_OK);
    // A change names the version that was seen.
    home_add(&home, stream, home_person(&home, home_id(3), "李婧", 2));
    assert_int_equal(find(&home, home_id(3)).version, 3);
    // A server that was restored: the person is at version 3, under the name of then.
    Lx__Row *first[] = {
        home_row(&home, 1, home_id(2), 3, home_person(&home, home_id(2), "王方", 0)),
        home_row(&home, 2, home_id(10), 1, home_fact(&home, home_id(10), home_id(2), "t.plan")),
    };
    pull_page(&home, stream, 2, first, 2);
    assert_digest_holds(&home, stream, 2);
    assert_string_equal(find(&home, home_id(2)).row->person->name, "王方");
    assert_int_equal(find(&home, home_id(2)).version, 3);
    assert_false(find(&home, home_id(10)).former);
    assert_true(find(&home, home_id(11)).former);
    assert_int_equal(
        store_find_key(home.store, STORE_KEY_NAME, view_from_string("王芳"), home.arena, &rows),
        STATUS_OK);
    assert_int_equal(rows.count, 0);
    restart(&home, stream); // and once more from the start: both halves stay
    assert_int_equal(find(&home, home_id(2)).version, 3);
    assert_int_equal(home_count(&home, STORE_KIND_FACT), 2);
    home_pull(&home, stream, 2, first, 2);
    assert_digest_holds(&home, stream, 2);
    assert_int_equal(home_count(&home, STORE_KIND_FACT), 1);
    assert_string_equal(find(&home, home_id(3)).row->person->name, "李婧"); // waits
    home_close(&home);
}

// A subject that left may come back with the next page, or with another stream's: his rows are not
// counted any more, but show, whatever is closed meanwhile, until all is pulled.
static void test_who_left_shows_until_all_is_pulled(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    struct store_stream stored;
    (void)state;
    home_open(&home);
    home_scope(&home, 1, &stream);
    Lx__Row *old[] = {
        home_row(&home, 1, home_id(2), 1, home_person(&home, home_id(2), "王芳", 0)),
        home_row(&home, 2, home_id(10), 1, home_fact(&home, home_id(10), home_id(2), "t.plan")),
        home_row(&home, 3, home_id(11), 1, home_fact(&home, home_id(11), home_id(3), "t.plan")),
    };
    home_pull(&home, stream, 3, old, 3);
    Lx__Row *told[] = {gone(&home, 4, home_id(2), LX__ROW_STATE__ROW_LEFT),
                       gone(&home, 5, home_id(11), LX__ROW_STATE__ROW_GONE)};
    pull_page(&home, stream, 2, told, 5);
    assert_digest_holds(&home, stream, 0);
    assert_int_equal(store_settle(home.store), STATUS_OK); // of what is proved only
    assert_int_equal(home_count(&home, STORE_KIND_ANY), 2);
    restart(&home, stream);
    pull_page(&home, stream, 2, told, 5);
    assert_int_equal(store_begin(home.store), STATUS_OK);
    assert_int_equal(store_stream_set_proved(home.store, stream), STATUS_OK);
    assert_int_equal(store_commit(home.store), STATUS_OK);
    home_reopen(&home);
    assert_true(find(&home, home_id(10)).former);
    assert_int_equal(store_stream_get(home.store, stream, &stored), STATUS_OK);
    assert_true(stored.proved);
    assert_false(stored.whole); // a score would count what is not there
    assert_int_equal(store_settle(home.store), STATUS_OK);
    assert_int_equal(home_count(&home, STORE_KIND_ANY), 0);
    assert_int_equal(store_stream_get(home.store, stream, &stored), STATUS_OK);
    assert_true(stored.whole);
    home_close(&home);
}

// A receipt may be a restored server's, of whose restore the home has not heard: the place that it
// names lies below a cursor of the history that is lost, which has proved nothing of it.
static void test_an_acknowledgement_below_the_cursor_takes_nothing_out_of_sight(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    struct store_stream stored;
    (void)state;
    home_open(&home);
    home_scope(&home, 1, &stream);
    Lx__Operation *person = home_person(&home, home_id(2), "王芳", 0);
    Lx__Row *row = home_row(&home, 3, home_id(2), 1, person);
    home_pull(&home, stream, 1, &row, 3);
    home_add(&home, stream, home_fact(&home, home_id(10), home_id(2), "t.plan"));
    acknowledge_first(&home, stream, 2);
    home_reopen(&home);
    assert_true(find(&home, home_id(10)).local);
    assert_int_equal(store_stream_get(home.store, stream, &stored), STATUS_OK);
    assert_true(stored.proved); // so nothing is pulled again for it
    assert_false(stored.whole);
    assert_int_equal(store_settle(home.store), STATUS_OK); // no restore: it has moved on since
    assert_int_equal(home_count(&home, STORE_KIND_FACT), 0);
    assert_int_equal(store_stream_get(home.store, stream, &stored), STATUS_OK);
    assert_true(stored.whole);
    home_close(&home);
}

static void test_the_scope_takes_former_rows_along(void **state) {
    struct home home;
    struct uuid stream = home_id(1);
    (void)state;
    home_open(&home);
    home_scope(&home, 1, &stream);
    Lx__Row *row =
        home_row(&home, 1, home_id(10), 1, home_fact(&home, home_id(10), home_id(2), "x"));
    home_pull(&home, stream, 1, &row, 1);
    restart(&home, stream);
    assert_int_equal(home_count(&home, STORE_KIND_ANY), 1);
    home_scope(&home, 0, NULL);
    assert_int_equal(home_count(&home, STORE_KIND_ANY), 0);
    home_close(&home);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_local_row_until_the_server_sends_it),
        cmocka_unit_test(test_waiting_change_stands_over_the_replica),
        cmocka_unit_test(test_subject_leaves_and_row_goes),
        cmocka_unit_test(test_rows_come_once_while_a_person_moves),
        cmocka_unit_test(test_stream_out_of_scope_is_forgotten),
        cmocka_unit_test(test_a_replica_shows_until_the_new_one_is_whole),
        cmocka_unit_test(test_who_left_shows_until_all_is_pulled),
        cmocka_unit_test(test_an_acknowledgement_below_the_cursor_takes_nothing_out_of_sight),
        cmocka_unit_test(test_the_scope_takes_former_rows_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
