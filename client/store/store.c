// Opening, closing and the write transaction of a home. See store.h.
#include "client/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/store/db.h"

#define LOCK_FILE "lock"
// The write-ahead log is copied back when it is larger than this: about 1,000 pages, as SQLite's
// own default.
#define LOG_PAGES_BEFORE_CHECKPOINT 1000
#define BUSY_MS 2000 // only foreign programs (a sqlite3 shell) can make us wait here

static char *path_in(const char *home, const char *name) {
    char *path = NULL;
    return asprintf(&path, "%s/%s", home, name) < 0 ? NULL : path;
}

// A new folder is there for good when the one above it is synced: else a power cut could take the
// home away with everything that was synced inside. `path` is changed and restored.
static enum status make_one(char *path) {
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST ? STATUS_OK : STATUS_IO;
    char *slash = strrchr(path, '/');
    if (!slash)
        return files_sync_folder(".");
    *slash = '\0';
    enum status status = files_sync_folder(slash == path ? "/" : path);
    *slash = '/';
    return status;
}

// mkdir -p; every folder made here belongs to its owner alone.
static enum status make_folder(const char *home) {
    enum status status = STATUS_OK;
    char *path = strdup(home);
    if (!path)
        return STATUS_NO_MEMORY;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)!make_one(path); // a failure shows in the last one
        *slash = '/';
    }
    status = make_one(path);
    free(path);
    return status;
}

// SQLite would make the file readable for all; its log and index files take over these rights.
static enum status make_private(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return STATUS_IO;
    enum status status = fchmod(fd, 0600) == 0 ? STATUS_OK : STATUS_IO;
    close(fd);
    return status;
}

static int on_log(void *user, sqlite3 *db, const char *name, int pages) {
    struct store *store = user;
    (void)db;
    (void)name;
    store->log_pages = pages;
    return SQLITE_OK;
}

static enum status open_database(struct store *store) {
    char *path = path_in(store->home, STORE_DATABASE);
    if (!path)
        return STATUS_NO_MEMORY;
    enum status status = make_private(path);
    if (status != STATUS_OK) {
        status = db_error(store, status, "%s: %s", path, strerror(errno));
    } else {
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
        int code = sqlite3_open_v2(path, &store->db, flags, NULL);
        if (code != SQLITE_OK)
            status = db_fail(store, code, path);
    }
    free(path);
    TRY(status);
    int code = sqlite3_prepare_v3(store->db, "rollback", -1, SQLITE_PREPARE_PERSISTENT,
                                  &store->rollback, NULL);
    if (code != SQLITE_OK)
        return db_fail(store, code, "preparing a statement");
    sqlite3_busy_timeout(store->db, BUSY_MS);
    sqlite3_wal_hook(store->db, on_log, store);
    // Else the last one to close would checkpoint outside the lock.
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    TRY(wal_mend(store));
    return schema_open(store);
}

static enum status open_lock(struct store *store) {
    char *path = path_in(store->home, LOCK_FILE);
    if (!path)
        return STATUS_NO_MEMORY;
    enum status status = lock_open(&store->lock, path);
    if (status != STATUS_OK)
        status = db_error(store, status, "%s: %s", path, strerror(errno));
    free(path);
    return status;
}

static enum status open_all(struct store *store, const char *home) {
    enum status status = make_folder(home);
    if (status != STATUS_OK)
        return db_error(store, status, "%s: %s", home, strerror(errno));
    store->home = realpath(home, NULL);
    if (!store->home)
        return db_error(store, STATUS_IO, "%s: %s", home, strerror(errno));
    TRY(open_lock(store));
    return open_database(store);
}

enum status store_open(const char *home, const char *program, char *out_error,
                       struct store **out_store) {
    *out_store = NULL;
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return STATUS_NO_MEMORY;
    store->lock.fd = -1;
    store->lock_wait_ms = STORE_LOCK_WAIT_MS;
    store->max_log_pages = LOG_PAGES_BEFORE_CHECKPOINT;
    store->program = strdup(program);
    enum status status = store->program ? open_all(store, home) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        *out_store = store;
        return STATUS_OK;
    }
    if (out_error)
        snprintf(out_error, DB_ERROR_SIZE, "%s", store->error);
    store_close(&store);
    return status;
}

void store_close(struct store **handle) {
    struct store *store = *handle;
    if (!store)
        return;
    *handle = NULL;
    store_rollback(store);
    for (size_t i = 0; i < store->n_cached; i++)
        sqlite3_finalize(store->cache[i].statement);
    sqlite3_finalize(store->rollback);
    sqlite3_close(store->db);
    lock_close(&store->lock);
    free(store->program);
    free(store->home);
    free(store);
}

const char *store_home(const struct store *store) {
    return store->home;
}

const char *store_error(const struct store *store) {
    return store->error;
}

void store_set_lock_wait_ms(struct store *store, int wait_ms) {
    store->lock_wait_ms = wait_ms;
}

void store_set_log_pages(struct store *store, int pages) {
    store->max_log_pages = pages;
}

bool store_in_transaction(const struct store *store) {
    return store->transaction;
}

static enum status execute(struct store *store, const char *sql) {
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : db_fail(store, code, sql);
}

enum status store_begin(struct store *store) {
    if (store->transaction)
        return db_error(store, STATUS_INVALID, "a transaction is open already");
    char holder[LOCK_HOLDER_SIZE];
    enum status status = lock_take(&store->lock, store->program, store->lock_wait_ms, holder);
    if (status == STATUS_AGAIN)
        return db_error(store, status, "%s", holder);
    if (status != STATUS_OK)
        return db_error(store, status, "locking the home: %s", strerror(errno));
    (void)db_roll_back(store); // what an earlier one could not for want of memory
    status = execute(store, "begin immediate");
    if (status != STATUS_OK)
        lock_release(&store->lock);
    store->transaction = status == STATUS_OK;
    return status;
}

enum status store_commit(struct store *store) {
    if (!store->transaction)
        return db_error(store, STATUS_INVALID, "no transaction is open");
    enum status status = execute(store, "commit");
    if (status != STATUS_OK) {
        wal_doubt(store);
        store_rollback(store);
        return status;
    }
    store->commits++;
    if (store->log_pages >= store->max_log_pages) {
        // Passive: never waits for readers; what it cannot copy now it copies next time.
        (void)sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        store->log_pages = 0;
    }
    store->transaction = false;
    lock_release(&store->lock);
    return STATUS_OK;
}

void store_rollback(struct store *store) {
    if (!store->transaction)
        return;
    (void)db_roll_back(store); // if it cannot: nothing is read or written before it can
    store->transaction = false;
    lock_release(&store->lock);
}

enum status store_change_counter(struct store *store, uint64_t *out_counter) {
    // data_version moves when another connection commits, ours does not count there.
    int64_t others = 0;
    TRY(db_int(store, &others, "pragma data_version", ""));
    *out_counter = ((uint64_t)others << 32) + store->commits;
    return STATUS_OK;
}
