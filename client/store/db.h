// What the files of client/store share: the store itself and short forms for prepared statements.
// Private to this folder.
#pragma once

#include <sqlite3.h>

#include "client/store/lock.h"
#include "client/store/outbox.h"
#include "client/store/replica.h"
#include "client/store/store.h"

#define DB_CACHE_SIZE 64 // statements; the folder has fewer
#define DB_ERROR_SIZE 256

struct db_cached {
    const char *sql;         // borrows a string literal: its address is the key
    sqlite3_stmt *statement; // owns
};

struct store {
    sqlite3 *db;            // owns
    sqlite3_stmt *rollback; // owns
    char *home;             // owns, absolute
    char *program;          // owns
    struct lock lock;       // owns
    bool transaction;       // open, and the lock is held
    int log_pages;          // length of the write-ahead log after the last commit
    int max_log_pages;
    int lock_wait_ms;
    uint64_t commits; // by this connection
    char error[DB_ERROR_SIZE];
    struct db_cached cache[DB_CACHE_SIZE];
    size_t n_cached;
};

// Remembers what SQLite says (with `what` in front) and maps it to a status.
enum status db_fail(struct store *store, int code, const char *what) MUST_USE;
enum status db_error(struct store *store, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Rolls back what is open, with a statement prepared when the home was opened, so that it needs as
// little memory as can be. False: it could not, and must be tried again before anything else.
bool db_roll_back(struct store *store);

// A statement ready to step, `types` one letter for each parameter: i int64_t, u const struct
// uuid *, b struct view (blob), t struct view (text), n nothing; an empty view of t and b is null.
// `sql` is a string literal. db_close gives it back, and takes NULL.
enum status db_open(struct store *store, sqlite3_stmt **out_statement, const char *sql,
                    const char *types, ...) MUST_USE;
void db_close(struct store *store, sqlite3_stmt **statement);
// STATUS_OK: there is a row. STATUS_NOT_FOUND: no more.
enum status db_step(struct store *store, sqlite3_stmt *statement) MUST_USE;
// Open, run to the end, close.
enum status db_run(struct store *store, const char *sql, const char *types, ...) MUST_USE;
// First column of the first row; STATUS_NOT_FOUND: no row, or null.
enum status db_int(struct store *store, int64_t *out_value, const char *sql, const char *types,
                   ...) MUST_USE;

struct view db_view(sqlite3_stmt *statement, int column); // valid until the next step
struct uuid db_column_id(sqlite3_stmt *statement, int column);
// A copy in the arena; STATUS_NO_MEMORY.
enum status db_copy(sqlite3_stmt *statement, int column, struct arena *arena,
                    struct view *out_copy) MUST_USE;

// files.c: makes what was created, renamed or removed in this folder outlast a power cut.
enum status files_sync_folder(const char *path) MUST_USE;
#define STORE_DATABASE "lianxiao.db"
// wal.c: a commit failed, so the log may have bytes that a power cut takes. Never fails: it is
// called when the disk does.
void wal_doubt(const struct store *store);
// Before the database is read for the first time: what a former program left in doubt is written
// again.
enum status wal_mend(struct store *store) MUST_USE;
// schema.c: creates or upgrades, under the lock.
enum status schema_open(struct store *store) MUST_USE;

// outbox.c: makes the local row of a record from its newest operation that is still shown.
enum status outbox_refresh_local(struct store *store, struct uuid record) MUST_USE;
// replica_sync.c: writes one row of a layer. Of the same record the lowest layer shows.
enum db_layer { DB_LAYER_LOCAL = 0, DB_LAYER_REPLICA = 1, DB_LAYER_FORMER = 2 };
enum status replica_put(struct store *store, struct uuid stream, enum db_layer layer,
                        const Lx__Row *row) MUST_USE;
// Own operations stored at or before `cursor` leave the local layer: the replica has them now.
enum status replica_hide_passed(struct store *store, struct uuid stream, int64_t cursor) MUST_USE;
// A stream that is proved up to `cursor`: whole, or not settled while the view has older rows of it
// or own operations that lie before (store_settle takes both out).
enum status replica_put_proved(struct store *store, struct uuid stream, int64_t cursor) MUST_USE;
// outbox.c: an entry without what only a person asks for (bundled, blocked_by).
enum status outbox_read(struct store *store, int64_t id, struct arena *arena,
                        struct outbox_entry *out_entry) MUST_USE;
// outbox_ready.c: may this entry be sent, together with `sealing` (NULL: nothing)?
enum status outbox_is_ready(struct store *store, const struct outbox_entry *entry,
                            const struct outbox_entries *sealing, bool *out_ready) MUST_USE;
// outbox_entry.blocked_by
enum status outbox_find_blocker(struct store *store, const struct outbox_entry *entry,
                                struct arena *arena, int64_t *out_blocker) MUST_USE;
// outbox_sync.c: streams in which something waits.
enum status outbox_waiting_streams(struct store *store, struct arena *arena, size_t *out_count,
                                   struct uuid **out_streams) MUST_USE;
// Everything of the stream that is ready gets keys, group by group.
enum status outbox_seal_rest(struct store *store, struct uuid stream, size_t max_ops,
                             size_t max_bytes) MUST_USE;
enum status outbox_set_next_key(struct store *store, struct uuid stream, int64_t next) MUST_USE;
// outbox_heal.c: waiting entries of the stream from this key on are to get keys anew.
enum status outbox_take_keys_back(struct store *store, struct uuid stream, int64_t from) MUST_USE;
