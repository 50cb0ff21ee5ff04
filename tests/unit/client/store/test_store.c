// The home: rights of its files, schema, transactions, crashes, two processes.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "common/base/clock.h"
#include "tests/unit/client/store/home.h"

static const uint64_t stream_number = 1;

static void test_files_are_private(void **state) {
    struct home home;
    (void)state;
    home_open(&home);
    home_add(&home, home_id(stream_number), home_fact(&home, home_id(7), home_id(8), "t.plan"));
    const char *const names[] = {"lianxiao.db", "lianxiao.db-wal", "lock"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        struct stat info;
        snprintf(path, sizeof path, "%s/%s", home.path, names[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    home_close(&home);
}

static void test_config_and_files(void **state) {
    struct home home;
    struct view value;
    int64_t number = 0;
    (void)state;
    home_open(&home);
    assert_int_equal(store_config_get(home.store, STORE_CONFIG_SERVER, home.arena, &value),
                     STATUS_NOT_FOUND);
    assert_int_equal(store_begin(home.store), STATUS_OK);
    assert_int_equal(
        store_config_set(home.store, STORE_CONFIG_SERVER, view_from_string("localhost:7443")),
        STATUS_OK);
    assert_int_equal(store_config_set_int(home.store, STORE_CONFIG_SKEW, -1500), STATUS_OK);
    assert_int_equal(store_commit(home.store), STATUS_OK);
    assert_int_equal(store_file_write(home.store, STORE_FILE_KEY, view_from_string("secret")),
                     STATUS_OK);
    home_reopen(&home);
    assert_int_equal(store_config_get(home.store, STORE_CONFIG_SERVER, home.arena, &value),
                     STATUS_OK);
    assert_true(view_equal(value, view_from_string("localhost:7443")));
    assert_int_equal(store_config_get_int(home.store, STORE_CONFIG_SKEW, 0, &number), STATUS_OK);
    assert_int_equal(number, -1500);
    assert_int_equal(store_file_read(home.store, STORE_FILE_KEY, home.arena, &value), STATUS_OK);
    assert_true(view_equal(value, view_from_string("secret")));
    home_close(&home);
}

static void run_sql(struct home *home, const char *sql) {
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/lianxiao.db", home->path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

// Expects that opening fails and that the message holds `words`.
static void assert_refused(struct home *home, const char *words) {
    char error[256] = "";
    store_close(&home->store);
    assert_int_equal(store_open(home->path, "test", error, &home->store), STATUS_CORRUPT);
    assert_null(home->store);
    assert_non_null(strstr(error, words));
}

static void test_other_schemas_are_refused(void **state) {
    struct home home;
    (void)state;
    home_open(&home);
    run_sql(&home, "pragma user_version = 99");
    assert_refused(&home, "newer program");
    run_sql(&home, "pragma user_version = 1; pragma application_id = 5");
    assert_refused(&home, "not a Lianxiao home");
    home_close(&home);
}

// Homes as former versions left them, one file a version, by the number in its name.
static void test_old_homes_open(void **state) {
    (void)state;
    for (int version = 1; version <= STORE_SCHEMA_VERSION; version++) {
        struct home home;
        struct outbox_counts counts;
        char file[96];
        char sql[32768];
        home_open(&home);
        store_close(&home.store);
        snprintf(file, sizeof file, "%s/lianxiao.db", home.path);
        assert_int_equal(unlink(file), 0);
        snprintf(file, sizeof file, "tests/golden/store/v%d.sql", version);
        FILE *golden = fopen(file, "re");
        assert_non_null(golden);
        size_t size = fread(sql, 1, sizeof sql - 1, golden);
        assert_true(feof(golden));
        fclose(golden);
        sql[size] = '\0';
        run_sql(&home, sql);
        home_reopen(&home);
        assert_int_equal(store_outbox_counts(home.store, &counts), STATUS_OK);
        assert_int_equal(counts.waiting, 1);
        assert_int_equal(counts.acked, 1);
        assert_int_equal(home_count(&home, STORE_KIND_FACT), 2);
        assert_int_equal(home_count(&home, STORE_KIND_PERSON), 1);
        home_add(&home, home_id(1), home_fact(&home, home_id(77), home_id(2), "t.plan"));
        home_close(&home);
    }
}

// A child that stops dead inside or after a transaction.
static void crash(struct home *home, bool commit) {
    const Lx__Operation *operation = home_fact(home, home_id(7), home_id(8), "t.plan");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store;
        if (store_open(home->path, "child", NULL, &store) != STATUS_OK ||
            store_begin(store) != STATUS_OK ||
            store_add_operation(store, home_id(stream_number), operation, HOME_NOW_MS, NULL) !=
                STATUS_OK ||
            (commit && store_commit(store) != STATUS_OK))
            _exit(1);
        kill(getpid(), 9);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void test_crash_before_and_after_commit(void **state) {
    struct home home;
    struct outbox_counts counts;
    (void)state;
    home_open(&home);
    crash(&home, false);
    home_reopen(&home);
    assert_int_equal(store_outbox_counts(home.store, &counts), STATUS_OK);
    assert_int_equal(counts.waiting, 0);
    assert_int_equal(home_count(&home, STORE_KIND_FACT), 0);
    crash(&home, true);
    assert_int_equal(store_outbox_counts(home.store, &counts), STATUS_OK);
    assert_int_equal(counts.waiting, 1);
    assert_int_equal(home_count(&home, STORE_KIND_FACT), 1);
    home_close(&home);
}

static void test_holder_of_the_lock_is_named(void **state) {
    struct home home;
    int ready[2];
    char byte = 0;
    (void)state;
    home_open(&home);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store *store;
        if (store_open(home.path, "other program", NULL, &store) == STATUS_OK &&
            store_begin(store) == STATUS_OK && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    store_set_lock_wait_ms(home.store, 200);
    int64_t start_ms = clock_monotonic_ms();
    assert_int_equal(store_begin(home.store), STATUS_AGAIN);
    assert_true(clock_monotonic_ms() - start_ms >= 200);
    char expected[64];
    snprintf(expected, sizeof expected, "pid %d (other program)", (int)child);
    assert_non_null(strstr(store_error(home.store), expected));
    kill(child, 9);
    assert_int_equal(waitpid(child, NULL, 0), child);
    // Its lock has gone with it.
    assert_int_equal(store_begin(home.store), STATUS_OK);
    store_rollback(home.store);
    close(ready[0]);
    close(ready[1]);
    home_close(&home);
}

#define WRITERS 3
#define WRITES 20

static void write_many(const char *path, uint64_t first) {
    struct home home = {.store = NULL, .arena = arena_new(0)};
    if (store_open(path, "writer", NULL, &home.store) != STATUS_OK)
        _exit(1);
    for (uint64_t i = 0; i < WRITES; i++) {
        const Lx__Operation *operation = home_fact(&home, home_id(first + i), home_id(8), "t.plan");
        if (store_begin(home.store) != STATUS_OK ||
            store_add_operation(home.store, home_id(1), operation, HOME_NOW_MS, NULL) !=
                STATUS_OK ||
            store_commit(home.store) != STATUS_OK)
            _exit(1);
    }
    store_close(&home.store);
    _exit(0);
}

static void test_programs_write_side_by_side(void **state) {
    struct home home;
    struct outbox_counts counts;
    uint64_t before = 0;
    uint64_t after = 0;
    (void)state;
    home_open(&home);
    assert_int_equal(store_change_counter(home.store, &before), STATUS_OK);
    for (uint64_t i = 0; i < WRITERS; i++)
        if (fork() == 0)
            write_many(home.path, 100 * (i + 1));
    for (int i = 0; i < WRITERS; i++) {
        int status = 0;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(store_change_counter(home.store, &after), STATUS_OK);
    assert_true(before != after);
    assert_int_equal(store_outbox_counts(home.store, &counts), STATUS_OK);
    assert_int_equal(counts.waiting, WRITERS * WRITES);
    home_close(&home);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_private),
        cmocka_unit_test(test_config_and_files),
        cmocka_unit_test(test_other_schemas_are_refused),
        cmocka_unit_test(test_old_homes_open),
        cmocka_unit_test(test_crash_before_and_after_commit),
        cmocka_unit_test(test_holder_of_the_lock_is_named),
        cmocka_unit_test(test_programs_write_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
