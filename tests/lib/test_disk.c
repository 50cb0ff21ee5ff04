// The made-up disk itself: what a power cut leaves, planned faults, and that SQLite with the right
// settings loses nothing on it while with the wrong ones it does (else it would prove nothing).
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "client/store/store.h"
#include "tests/lib/disk.h"

#define SEEDS 200

static void write_file(const char *path, const char *text, bool sync) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    if (sync)
        assert_int_equal(fsync(fd), 0);
    assert_int_equal(close(fd), 0);
}

static void sync_folder(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fsync(fd), 0);
    assert_int_equal(close(fd), 0);
}

static size_t read_file(const char *path, char *out, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        assert_int_equal(errno, ENOENT);
        return SIZE_MAX;
    }
    ssize_t got = pread(fd, out, size, 0);
    assert_true(got >= 0);
    assert_int_equal(close(fd), 0);
    return (size_t)got;
}

static void test_synced_stays_unsynced_may_go(void **state) {
    bool kept = false;
    bool gone = false;
    bool torn = false;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct disk *disk = disk_new("/disk/a", seed);
        static char page[8192];
        char back[sizeof page];
        memset(page, 'x', sizeof page - 1);
        write_file("/disk/a/synced", "good", true);
        sync_folder("/disk/a");
        write_file("/disk/a/late", page, false);
        sync_folder("/disk/a");
        disk_crash(disk, seed);
        assert_int_equal(read_file("/disk/a/synced", back, sizeof back), 4);
        assert_memory_equal(back, "good", 4);
        size_t size = read_file("/disk/a/late", back, sizeof back);
        bool all = size == sizeof page - 1 && memchr(back, 0, size) == NULL;
        kept |= all;
        gone |= size == 0;
        torn |= size > 0 && !all;
        disk_free(&disk);
    }
    assert_true(kept && gone && torn);
}

static void test_names_need_a_synced_folder(void **state) {
    unsigned lost = 0;
    unsigned renamed = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct disk *disk = disk_new("/disk/a", seed);
        char back[8];
        assert_int_equal(mkdir("/disk/a/home", 0700), 0);
        assert_int_equal(mkdir("/disk/a/home", 0700), -1);
        write_file("/disk/a/home/old", "old", true);
        write_file("/disk/a/home/new", "new", true);
        sync_folder("/disk/a/home");
        assert_int_equal(rename("/disk/a/home/new", "/disk/a/home/old"), 0);
        disk_crash(disk, seed);
        if (!disk_has(disk, "/disk/a/home")) { // the folder itself was never synced for
            assert_false(disk_has(disk, "/disk/a/home/old"));
            lost++;
        } else {
            assert_int_equal(read_file("/disk/a/home/old", back, sizeof back), 3);
            renamed += memcmp(back, "new", 3) == 0;
        }
        disk_free(&disk);
    }
    assert_in_range(lost, 1, SEEDS - 1);
    assert_in_range(renamed, 1, SEEDS - lost - 1);
}

static void test_failed_sync_may_lose_for_good(void **state) {
    unsigned lost = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct disk *disk = disk_new("/disk/a", seed);
        char back[8];
        int fd = open("/disk/a/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        sync_folder("/disk/a");
        assert_int_equal(write(fd, "data", 4), 4);
        disk_fail(disk, DISK_SYNC, 1, EIO, false);
        assert_int_equal(fsync(fd), -1);
        assert_int_equal(errno, EIO);
        assert_int_equal(fsync(fd), 0); // says that all is well, and it is not
        assert_int_equal(read_file("/disk/a/file", back, sizeof back), 4);
        disk_crash(disk, seed);
        lost += read_file("/disk/a/file", back, sizeof back) == 0;
        assert_int_equal(close(fd), 0);
        disk_free(&disk);
    }
    assert_in_range(lost, 1, SEEDS - 1);
}

static void test_cut_and_faults(void **state) {
    struct disk *disk = disk_new("/disk/a", 1);
    char back[8];
    (void)state;
    disk_fail(disk, DISK_WRITE, 2, ENOSPC, true);
    int fd = open("/disk/a/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "data", 4), 4);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(write(fd, "more", 4), -1);
        assert_int_equal(errno, ENOSPC);
    }
    assert_int_equal(disk_failed(disk), 2);
    disk_heal(disk);
    disk_set_room(disk, 6);
    assert_int_equal(pwrite(fd, "data", 4, 0), 4); // no growth
    assert_int_equal(pwrite(fd, "data", 4, 4), -1);
    disk_heal(disk);
    uint64_t changes = disk_changes(disk);
    disk_cut_after(disk, 2);
    assert_int_equal(pwrite(fd, "DATA", 4, 0), 4);
    assert_false(disk_is_off(disk));
    assert_int_equal(fsync(fd), -1);
    assert_true(disk_is_off(disk));
    assert_int_equal(pwrite(fd, "DATA", 4, 0), -1);
    assert_int_equal(open("/disk/a/file", O_RDONLY | O_CLOEXEC), -1);
    assert_int_equal(disk_changes(disk), changes + 2);
    disk_crash(disk, 1);
    assert_int_equal(pwrite(fd, "DATA", 4, 0), -1); // of the time before
    assert_int_equal(close(fd), 0);
    write_file("/disk/a/file", "good", true);
    struct disk *copy = disk_clone(disk, "/disk/b", 2);
    write_file("/disk/a/file", "evil", true);
    assert_in_range(read_file("/disk/b/file", back, sizeof back), 4, sizeof back);
    assert_memory_equal(back, "good", 4);
    disk_free(&copy);
    disk_free(&disk);
    disk_free(&disk);
}

static sqlite3 *open_database(const char *settings) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open("/disk/a/test.db", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, settings, NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static int ask(sqlite3 *db, const char *sql) {
    sqlite3_stmt *statement;
    int answer = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return answer; // damaged beyond reading
    if (sqlite3_step(statement) == SQLITE_ROW)
        answer = strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0
                     ? 0
                     : sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return answer;
}

// Cuts a run of inserts somewhere; how many of those that were said to be there are not.
static int lost_rows(uint64_t seed, const char *settings, int *out_damaged) {
    struct disk *disk = disk_new("/disk/a", seed);
    int said = 0;
    sqlite3 *db = open_database(settings);
    assert_int_equal(sqlite3_exec(db, "create table t (x)", NULL, NULL, NULL), SQLITE_OK);
    disk_cut_after(disk, 1 + seed * 7 % 120);
    while (sqlite3_exec(db, "insert into t values (zeroblob(3000))", NULL, NULL, NULL) == SQLITE_OK)
        said++;
    assert_true(disk_is_off(disk));
    sqlite3_close(db);
    disk_crash(disk, seed);
    db = open_database("select 1");
    int left = ask(db, "select count(*) from t");
    *out_damaged += ask(db, "pragma integrity_check") != 0;
    sqlite3_close(db);
    disk_free(&disk);
    return left < said ? said - (left > 0 ? left : 0) : 0;
}

static void test_sqlite_keeps_what_it_promised(void **state) {
    int damaged = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        assert_int_equal(
            lost_rows(seed, "pragma journal_mode = wal; pragma synchronous = full", &damaged), 0);
        assert_int_equal(lost_rows(seed, "pragma synchronous = extra", &damaged), 0);
    }
    assert_int_equal(damaged, 0);
}

static void test_the_disk_shows_what_is_not_synced(void **state) {
    int lost = 0;
    int damaged = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS / 2; seed++)
        lost += lost_rows(seed, "pragma synchronous = off", &damaged);
    assert_true(lost > 0 && damaged > 0);
    lost = damaged = 0;
    for (uint64_t seed = 1; seed <= SEEDS / 2; seed++)
        lost += lost_rows(seed, "pragma journal_mode = wal; pragma synchronous = normal", &damaged);
    assert_true(lost > 0);
    assert_int_equal(damaged, 0);
}

static void test_connections_exclude_each_other(void **state) {
    struct disk *disk = disk_new("/disk/a", 1);
    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *settings = i ? "pragma journal_mode = wal" : "pragma journal_mode = delete";
        sqlite3 *one = open_database(settings);
        sqlite3 *two = open_database("pragma busy_timeout = 0");
        assert_int_equal(sqlite3_exec(one, "create table if not exists t (x); begin immediate",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_exec(two, "insert into t values (2)", NULL, NULL, NULL),
                         SQLITE_BUSY);
        assert_int_equal(sqlite3_exec(one, "insert into t values (1); commit", NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(ask(two, "select count(*) from t"), 2 * i + 1);
        assert_int_equal(sqlite3_exec(two, "insert into t values (2)", NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(ask(one, "select count(*) from t"), 2 * i + 2);
        sqlite3_close(one);
        sqlite3_close(two);
    }
    disk_free(&disk);
}

static void test_a_home_lies_on_it(void **state) {
    struct disk *disk = disk_new("/disk/a", 1);
    struct store *store = NULL;
    struct store *other = NULL;
    struct arena *arena = arena_new(0);
    struct view value;
    char error[256] = "";
    (void)state;
    if (store_open("/disk/a/home", "test", error, &store) != STATUS_OK)
        fail_msg("%s", error);
    assert_int_equal(store_open("/disk/a/home", "other", error, &other), STATUS_OK);
    store_set_lock_wait_ms(other, 0);
    assert_int_equal(store_begin(store), STATUS_OK);
    assert_int_equal(store_begin(other), STATUS_AGAIN);
    assert_non_null(strstr(store_error(other), "(test)"));
    assert_int_equal(store_config_set(store, STORE_CONFIG_SERVER, view_from_string("here")),
                     STATUS_OK);
    assert_int_equal(store_commit(store), STATUS_OK);
    assert_int_equal(store_file_write(other, STORE_FILE_KEY, view_from_string("key")), STATUS_OK);
    store_close(&store);
    store_close(&other);
    assert_true(disk_has(disk, "/disk/a/home/lianxiao.db-wal"));
    assert_int_equal(access("/disk", F_OK), -1); // nothing of it outside
    disk_stop(disk);
    assert_int_equal(store_open("/disk/a/home", "test", error, &store), STATUS_OK);
    assert_int_equal(store_config_get(store, STORE_CONFIG_SERVER, arena, &value), STATUS_OK);
    assert_true(view_equal(value, view_from_string("here")));
    assert_int_equal(store_file_read(store, STORE_FILE_KEY, arena, &value), STATUS_OK);
    assert_true(view_equal(value, view_from_string("key")));
    store_close(&store);
    arena_free(&arena);
    disk_free(&disk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_synced_stays_unsynced_may_go),
        cmocka_unit_test(test_names_need_a_synced_folder),
        cmocka_unit_test(test_failed_sync_may_lose_for_good),
        cmocka_unit_test(test_cut_and_faults),
        cmocka_unit_test(test_sqlite_keeps_what_it_promised),
        cmocka_unit_test(test_the_disk_shows_what_is_not_synced),
        cmocka_unit_test(test_connections_exclude_each_other),
        cmocka_unit_test(test_a_home_lies_on_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
