// The database floor against a private PostgreSQL: values both ways, the pool's order, errors that
// stay in their segment, settings that end with it, a server that goes away and comes back.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "common/base/clock.h"
#include "common/base/embedded.h"
#include "server/db/db.h"
#include "server/db/internal.h"
#include "server/db/sync.h"

static const struct embedded_text STATEMENTS[] = {
    {"backend", "select pg_backend_pid()", 0},
    {"bad", "select no_such_column from pg_class", 0},
    {"divide", "select 100 / $1::int4", 0},
    {"echo", "select $1::int8", 0},
    {"insert", "insert into lx_test(id) values ($1::int8)", 0},
    {"scope",
     "select current_setting('lianxiao.districts', true), current_setting('lianxiao.person', true)",
     0},
    {"sleep", "select pg_sleep($1::float8)", 0},
};

static char folder[] = "/tmp/lx-db-XXXXXX";
static char dsn[256];
static struct arena *arena;
static struct event_base *base;

static void cluster(const char *verb, const char *options) {
    char command[256];
    snprintf(command, sizeof command, "deploy/cluster %s %s %s > /dev/null", verb, folder, options);
    assert_int_equal(system(command), 0);
}

static int setup(void **state) {
    (void)state;
    char command[128];
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "deploy/cluster start %s --test", folder);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    assert_non_null(fgets(dsn, sizeof dsn - 32, out));
    assert_int_equal(pclose(out), 0);
    dsn[strcspn(dsn, "\n")] = '\0';
    strcat(dsn, " user=postgres");
    statement_use(STATEMENTS, sizeof STATEMENTS / sizeof STATEMENTS[0]);
    arena = arena_new(0);
    base = event_base_new();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    char command[128];
    event_base_free(base);
    arena_free(&arena);
    cluster("stop", "");
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static struct db_sync *open_sync(void) {
    struct db_sync *db = NULL;
    char error[256] = "";
    if (db_sync_open(dsn, "test", &db, error, sizeof error) != STATUS_OK)
        fail_msg("%s", error);
    return db;
}

// ---- values ----

static void test_scalars(void **state) {
    (void)state;
    struct db_sync *db = open_sync();
    struct db_params *params = db_params_new(arena);
    const struct uuid id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    db_param_bool(params, true);
    db_param_int2(params, -2);
    db_param_int4(params, INT32_MIN);
    db_param_int8(params, INT64_MIN);
    db_param_float8(params, -1.5);
    db_param_string(params, "合肥");
    db_param_bytea(params, VIEW_LITERAL("\0\xff"));
    db_param_uuid(params, id);
    db_param_timestamptz(params, 1632960000123);
    db_param_timestamptz(params, -1);
    db_param_timestamptz(params, INT64_MAX);
    db_param_date(params, 18993); // 2022-01-01
    db_param_text(params, view_from(NULL, 0));
    struct db_result *r = NULL;
    assert_int_equal(
        db_sync_sql(
            db,
            "select $1::bool, $2::int2, $3::int4, $4::int8, $5::float8, $6::text, $7::bytea, "
            "$8::uuid, $9::timestamptz, $10::timestamptz, $11::timestamptz, $12::date, "
            "$13::text, $8::uuid::text, ($9::timestamptz at time zone 'utc')::text, "
            "$12::date::text, date 'infinity', date '-infinity'",
            params, &r),
        STATUS_OK);
    assert_int_equal(db_rows(r), 1);
    assert_int_equal(db_columns(r), 18);
    assert_true(db_bool(r, 0, 0));
    assert_int_equal(db_int8(r, 0, 1), -2);
    assert_int_equal(db_int8(r, 0, 2), INT32_MIN);
    assert_true(db_int8(r, 0, 3) == INT64_MIN);
    assert_true(db_float8(r, 0, 4) == -1.5);
    assert_true(view_equal(db_text(r, 0, 5), view_from_string("合肥")));
    assert_true(view_equal(db_bytea(r, 0, 6), VIEW_LITERAL("\0\xff")));
    assert_true(uuid_equal(db_uuid(r, 0, 7), id));
    assert_true(db_timestamptz_ms(r, 0, 8) == 1632960000123);
    assert_true(db_timestamptz_ms(r, 0, 9) == -1);
    assert_true(db_timestamptz_ms(r, 0, 10) == INT64_MAX); // infinity
    assert_int_equal(db_date(r, 0, 11), 18993);
    assert_true(db_is_null(r, 0, 12));
    assert_null(db_text(r, 0, 12).data);
    assert_true(
        view_equal(db_text(r, 0, 13), view_from_string("01020304-0506-0708-090a-0b0c0d0e0f10")));
    assert_true(view_equal(db_text(r, 0, 14), view_from_string("2021-09-30 00:00:00.123")));
    assert_true(view_equal(db_text(r, 0, 15), view_from_string("2022-01-01")));
    assert_int_equal(db_date(r, 0, 16), INT32_MAX); // found by the handlers' fuzz target
    assert_int_equal(db_date(r, 0, 17), INT32_MIN);
    db_sync_free_result(&r);
    db_sync_close(&db);
}

static void test_arrays(void **state) {
    (void)state;
    struct db_sync *db = open_sync();
    struct db_params *params = db_params_new(arena);
    const bool nulls[] = {false, true, false};
    const int32_t ints[] = {1, 2, -3};
    const int16_t shorts[] = {7, 8, 9};
    const int64_t longs[] = {INT64_MAX, 0, INT64_MIN + 1};
    const struct uuid ids[] = {{{1}}, {{2}}, {{3}}};
    const struct view texts[] = {VIEW_LITERAL("a"), {NULL, 0}, VIEW_LITERAL("")};
    const bool bools[] = {true, false, false};
    db_param_int4_array(params, 3, ints, nulls);
    db_param_int2_array(params, 3, shorts, NULL);
    db_param_int8_array(params, 3, longs, NULL);
    db_param_uuid_array(params, 3, ids, nulls);
    db_param_text_array(params, 3, texts);
    db_param_bytea_array(params, 3, texts);
    db_param_timestamptz_array(params, 3, (int64_t[]){0, 1, 2}, nulls);
    db_param_date_array(params, 3, ints, NULL);
    db_param_bool_array(params, 3, bools, nulls);
    db_param_int8_array(params, 0, NULL, NULL);
    struct db_result *r = NULL;
    assert_int_equal(
        db_sync_sql(
            db,
            "select $1::int4[], $1::int4[]::text, $2::int2[]::text, $3::int8[], $4::uuid[], "
            "$5::text[], $6::bytea[]::text, array_to_string($7::timestamptz[], ',') is null, "
            "$8::date[]::text, $9::bool[]::text, $10::int8[], cardinality($10::int8[])",
            params, &r),
        STATUS_OK);
    int64_t *numbers;
    size_t n;
    assert_int_equal(db_int8_array(r, 0, 0, arena, &numbers, &n), STATUS_OK);
    assert_int_equal(n, 3);
    assert_int_equal(numbers[2], -3);
    assert_true(view_equal(db_text(r, 0, 1), view_from_string("{1,NULL,-3}")));
    assert_true(view_equal(db_text(r, 0, 2), view_from_string("{7,8,9}")));
    assert_int_equal(db_int8_array(r, 0, 3, arena, &numbers, &n), STATUS_OK);
    assert_true(numbers[0] == INT64_MAX && numbers[2] == INT64_MIN + 1);
    struct uuid *uuids;
    assert_int_equal(db_uuid_array(r, 0, 4, arena, &uuids, &n), STATUS_OK);
    assert_true(uuid_equal(uuids[2], ids[2]) && uuid_is_nil(uuids[1]));
    struct view *views;
    assert_int_equal(db_view_array(r, 0, 5, arena, &views, &n), STATUS_OK);
    assert_true(view_equal(views[0], VIEW_LITERAL("a")) && views[1].data == NULL);
    assert_true(views[2].data != NULL && views[2].size == 0);
    assert_true(view_equal(db_text(r, 0, 9), view_from_string("{t,NULL,f}")));
    assert_int_equal(db_int8_array(r, 0, 10, arena, &numbers, &n), STATUS_OK);
    assert_int_equal(n, 0);
    assert_int_equal(db_int8(r, 0, 11), 0);
    db_sync_free_result(&r);
    db_sync_close(&db);
}

static void test_params_out_of_memory(void **state) {
    (void)state;
    struct db_sync *db = open_sync();
    struct arena *small = arena_new(200);
    struct db_params *params = db_params_new(small);
    for (int i = 0; i < 50; i++)
        db_param_int8(params, i);
    assert_int_equal(db_sync_query(db, "echo", params, NULL), STATUS_NO_MEMORY);
    arena_free(&small);
    db_sync_close(&db);
}

static void test_sync_transactions(void **state) {
    (void)state;
    struct db_sync *db = open_sync();
    assert_int_equal(db_sync_script(db, "drop table if exists lx_test; "
                                        "create table lx_test(id int8 primary key);"),
                     STATUS_OK);
    struct db_params *one = db_params_new(arena);
    db_param_int8(one, 1);
    assert_int_equal(db_sync_begin(db), STATUS_OK);
    assert_int_equal(db_sync_query(db, "insert", one, NULL), STATUS_OK);
    struct db_result *r = NULL;
    assert_int_equal(db_sync_query(db, "insert", one, &r), STATUS_EXISTS);
    assert_null(r); // a failure leaves nothing to free
    assert_string_equal(db_sync_sqlstate(db), "23505");
    assert_int_equal(db_sync_commit(db), STATUS_CONFLICT); // it was no commit
    assert_int_equal(db_sync_sql(db, "select count(*) from lx_test", NULL, &r), STATUS_OK);
    assert_int_equal(db_int8(r, 0, 0), 0);
    db_sync_free_result(&r);
    assert_int_equal(db_sync_begin(db), STATUS_OK);
    struct db_scope scope = {.districts = "{1,2}"};
    assert_int_equal(db_sync_scope(db, scope), STATUS_OK);
    assert_int_equal(db_sync_query(db, "scope", NULL, &r), STATUS_OK);
    assert_true(view_equal(db_text(r, 0, 0), view_from_string("{1,2}")));
    db_sync_free_result(&r);
    assert_int_equal(db_sync_commit(db), STATUS_OK);
    assert_int_equal(db_sync_query(db, "no_such_file", NULL, &r), STATUS_NOT_FOUND);
    db_sync_close(&db);
}

// ---- the pool ----

struct answer {
    int calls;
    enum status status;
    int64_t number;
    char state[6];
    char text[64];
    int order; // which callback of all it was
};

static int callbacks;

static void on_answer(void *user, enum status status, const struct db_result *result) {
    struct answer *answer = user;
    answer->calls++;
    answer->status = status;
    answer->order = callbacks++;
    snprintf(answer->state, sizeof answer->state, "%s", db_error_sqlstate(result));
    if (status != STATUS_OK || db_rows(result) == 0)
        return;
    struct view cell = db_text(result, 0, 0);
    if (cell.size == 8 || cell.size == 4)
        answer->number = db_int8(result, 0, 0);
    snprintf(answer->text, sizeof answer->text, "%.*s", (int)cell.size, (const char *)cell.data);
}

static struct db_pool *open_pool(unsigned connections, unsigned depth, unsigned wait_ms) {
    struct db_pool_options options = {dsn, "test pool", connections, depth, wait_ms};
    return db_pool_new(base, &options);
}

// Turns the loop until every answer has come; fails after 20 s.
static void wait_for(const struct answer *answers, size_t n) {
    int64_t deadline_ms = clock_monotonic_ms() + 20000;
    for (size_t i = 0; i < n; i++) {
        while (answers[i].calls == 0) {
            assert_true(clock_monotonic_ms() < deadline_ms);
            struct timeval soon = {0, 50000};
            event_base_loopexit(base, &soon);
            event_base_loop(base, EVLOOP_ONCE);
        }
        assert_int_equal(answers[i].calls, 1);
    }
}

static struct db_params *number_param(int64_t number) {
    struct db_params *params = db_params_new(arena);
    db_param_int8(params, number);
    return params;
}

static struct db_params *int4_param(int32_t number) {
    struct db_params *params = db_params_new(arena);
    db_param_int4(params, number);
    return params;
}

#define MANY 500

// More calls than connections and depth allow: each gets its own answer, in order, none before it
// returns.
static void test_pool_many(void **state) {
    (void)state;
    static struct answer answers[MANY];
    memset(answers, 0, sizeof answers);
    struct db_pool *pool = open_pool(1, 16, 5000);
    callbacks = 0;
    for (int i = 0; i < MANY; i++) {
        db_query(pool, DB_SCOPE_NONE, "echo", number_param(1000 + i), on_answer, &answers[i]);
        assert_int_equal(answers[i].calls, 0);
    }
    wait_for(answers, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(answers[i].status, STATUS_OK);
        assert_int_equal(answers[i].number, 1000 + i);
        assert_int_equal(answers[i].order, i);
    }
    db_pool_free(&pool);
}

// An error ends its own segment and no other; so do settings; a statement that can't be prepared,
// too.
static void test_pool_errors(void **state) {
    (void)state;
    struct answer a[8] = {{0}};
    struct db_pool *pool = open_pool(1, 16, 5000);
    struct db_scope scope = {.districts = "{3}", .person = "me"};
    db_query(pool, DB_SCOPE_NONE, "echo", number_param(1), on_answer, &a[0]);
    db_query(pool, scope, "divide", int4_param(0), on_answer, &a[1]);
    db_query(pool, DB_SCOPE_NONE, "scope", NULL, on_answer, &a[2]);
    db_query(pool, scope, "scope", NULL, on_answer, &a[3]);
    db_query(pool, scope, "bad", NULL, on_answer, &a[4]);
    db_query(pool, DB_SCOPE_NONE, "no_such_file", NULL, on_answer, &a[5]);
    db_query(pool, DB_SCOPE_NONE, "echo", number_param(2), on_answer, &a[6]);
    db_query(pool, DB_SCOPE_NONE, "scope", NULL, on_answer, &a[7]);
    wait_for(a, 8);
    assert_int_equal(a[0].number, 1);
    assert_int_equal(a[1].status, STATUS_INVALID);
    assert_string_equal(a[1].state, "22012");
    assert_string_equal(a[2].text, "");
    assert_string_equal(a[3].text, "{3}");
    assert_int_equal(a[4].status, STATUS_INVALID);
    assert_int_equal(a[5].status, STATUS_NOT_FOUND);
    assert_int_equal(a[6].number, 2);
    assert_string_equal(a[7].text, ""); // nothing of the scope is left behind
    db_pool_free(&pool);
}

static void test_pool_routes(void **state) {
    (void)state;
    struct answer a[6] = {{0}};
    struct db_pool *pool = open_pool(2, 1, 5000);
    for (unsigned i = 0; i < 6; i++)
        db_query_routed(pool, i, DB_SCOPE_NONE, "backend", NULL, on_answer, &a[i]);
    wait_for(a, 6);
    assert_true(a[0].number == a[2].number && a[2].number == a[4].number);
    assert_true(a[1].number == a[3].number && a[3].number == a[5].number);
    assert_true(a[0].number != a[1].number);
    assert_int_equal(db_pool_load(pool, 0), 0);
    db_pool_free(&pool);
}

// The backend dies under a call: that call may or may not have happened; the next ones wait for the
// new connection.
static void test_pool_lost_connection(void **state) {
    (void)state;
    struct answer a[4] = {{0}};
    struct db_pool *pool = open_pool(1, 8, 10000);
    db_query(pool, DB_SCOPE_NONE, "backend", NULL, on_answer, &a[0]);
    wait_for(a, 1);
    struct db_params *long_time = db_params_new(arena);
    db_param_float8(long_time, 60);
    db_query(pool, DB_SCOPE_NONE, "sleep", long_time, on_answer, &a[1]);
    struct db_sync *db = open_sync();
    assert_int_equal(db_sync_sql(db, "select pg_terminate_backend($1::int4)",
                                 int4_param((int32_t)a[0].number), NULL),
                     STATUS_OK);
    wait_for(a + 1, 1);
    assert_int_equal(a[1].status, STATUS_IO);
    db_query(pool, DB_SCOPE_NONE, "backend", NULL, on_answer, &a[2]);
    wait_for(a + 2, 1);
    assert_int_equal(a[2].status, STATUS_OK);
    assert_true(a[2].number != a[0].number);
    db_sync_close(&db);
    db_pool_free(&pool);
}

static void test_pool_server_away(void **state) {
    (void)state;
    struct answer a[4] = {{0}};
    struct db_pool *pool = open_pool(2, 8, 300);
    db_query(pool, DB_SCOPE_NONE, "echo", number_param(1), on_answer, &a[0]);
    wait_for(a, 1);
    cluster("kill", "");
    db_query(pool, DB_SCOPE_NONE, "echo", number_param(2), on_answer, &a[1]);
    wait_for(a + 1, 1);
    assert_true(a[1].status == STATUS_IO || a[1].status == STATUS_AGAIN);
    db_query(pool, DB_SCOPE_NONE, "echo", number_param(3), on_answer, &a[2]);
    wait_for(a + 2, 1);
    assert_true(a[2].status == STATUS_IO || a[2].status == STATUS_AGAIN);
    cluster("start", "--test");
    struct answer back = {0};
    for (int i = 0; i < 60 && !(back.calls == 1 && back.status == STATUS_OK); i++) {
        back = (struct answer){0};
        db_query(pool, DB_SCOPE_NONE, "echo", number_param(4), on_answer, &back);
        wait_for(&back, 1);
    }
    assert_int_equal(back.status, STATUS_OK);
    assert_int_equal(back.number, 4);
    db_pool_free(&pool);
}

// What is in flight or waiting at the end is called back, once.
static void test_pool_freed(void **state) {
    (void)state;
    struct answer a[20] = {{0}};
    struct db_pool *pool = open_pool(1, 4, 5000);
    for (int i = 0; i < 20; i++)
        db_query(pool, DB_SCOPE_NONE, "echo", number_param(i), on_answer, &a[i]);
    db_pool_free(&pool);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(a[i].calls, 1);
        assert_int_equal(a[i].status, STATUS_AGAIN);
    }
}

// Asks the other pool, again and again, as long as it is told that pools end.
struct chain {
    struct db_pool *next[2];
    int calls;
};

static void on_link(void *user, enum status status, const struct db_result *result) {
    struct chain *chain = user;
    assert_int_equal(status, STATUS_AGAIN);
    assert_null(result);
    if (++chain->calls < 6)
        db_query(chain->next[chain->calls % 2], DB_SCOPE_NONE, "echo", number_param(1), on_link,
                 chain);
}

// Callbacks of one pool call others while all of them end: each call is told, and none meets a pool
// that is gone.
static void test_pools_closed(void **state) {
    (void)state;
    struct chain chain = {.next = {open_pool(1, 4, 5000), open_pool(1, 4, 5000)}};
    db_query(chain.next[1], DB_SCOPE_NONE, "echo", number_param(1), on_link, &chain);
    db_pools_close(chain.next, 2);
    assert_int_equal(chain.calls, 6);
    db_pool_free(&chain.next[0]);
    db_pool_free(&chain.next[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_params_out_of_memory),
        cmocka_unit_test(test_sync_transactions),
        cmocka_unit_test(test_pool_many),
        cmocka_unit_test(test_pool_errors),
        cmocka_unit_test(test_pool_routes),
        cmocka_unit_test(test_pool_lost_connection),
        cmocka_unit_test(test_pool_server_away),
        cmocka_unit_test(test_pool_freed),
        cmocka_unit_test(test_pools_closed),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, setup, teardown);
}
