// See db.h: statements are prepared once for each connection and found again by the address of
// their text. A statement that is in use (a walk whose callback asks again) gets a second copy.
#include "client/store/db.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum status db_error(struct store *store, enum status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(store->error, sizeof store->error, format, arguments);
    va_end(arguments);
    return status;
}

enum status db_fail(struct store *store, int code, const char *what) {
    snprintf(store->error, sizeof store->error, "%s: %s", what, sqlite3_errmsg(store->db));
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return STATUS_NO_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STATUS_AGAIN;
    case SQLITE_CONSTRAINT:
        return STATUS_EXISTS;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return STATUS_CORRUPT;
    case SQLITE_FULL:
        return STATUS_LIMIT;
    default:
        return STATUS_IO;
    }
}

static struct db_cached *cache_find(struct store *store, const char *sql) {
    for (size_t i = 0; i < store->n_cached; i++)
        if (store->cache[i].sql == sql)
            return &store->cache[i];
    return NULL;
}

bool db_roll_back(struct store *store) {
    if (sqlite3_get_autocommit(store->db)) // some errors have rolled back already
        return true;
    (void)sqlite3_step(store->rollback);
    (void)sqlite3_reset(store->rollback);
    return sqlite3_get_autocommit(store->db);
}

static enum status statement_get(struct store *store, const char *sql, sqlite3_stmt **out) {
    if (!store->transaction && !db_roll_back(store)) // else its rows would be taken for stored
        return db_error(store, STATUS_NO_MEMORY, "a transaction could not be rolled back");
    struct db_cached *cached = cache_find(store, sql);
    if (cached && !sqlite3_stmt_busy(cached->statement)) {
        *out = cached->statement;
        return STATUS_OK;
    }
    int code = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (code != SQLITE_OK)
        return db_fail(store, code, "preparing a statement");
    if (!cached && store->n_cached < DB_CACHE_SIZE)
        store->cache[store->n_cached++] = (struct db_cached){sql, *out};
    return STATUS_OK;
}

static int bind_view(sqlite3_stmt *statement, int place, struct view value, bool text) {
    if (value.size == 0)
        return sqlite3_bind_null(statement, place);
    if (text)
        return sqlite3_bind_text64(statement, place, (const char *)value.data, value.size,
                                   SQLITE_TRANSIENT, SQLITE_UTF8);
    return sqlite3_bind_blob64(statement, place, value.data, value.size, SQLITE_TRANSIENT);
}

static int bind_one(sqlite3_stmt *statement, int place, char type, va_list *arguments) {
    if (type == 'i')
        return sqlite3_bind_int64(statement, place, va_arg(*arguments, int64_t));
    if (type == 'u') {
        const struct uuid *id = va_arg(*arguments, const struct uuid *);
        return bind_view(statement, place, view_from(id->bytes, UUID_SIZE), false);
    }
    if (type == 'n')
        return sqlite3_bind_null(statement, place);
    return bind_view(statement, place, va_arg(*arguments, struct view), type == 't');
}

static enum status open_v(struct store *store, sqlite3_stmt **out_statement, const char *sql,
                          const char *types, va_list *arguments) {
    *out_statement = NULL;
    TRY(statement_get(store, sql, out_statement));
    for (int i = 0; types[i]; i++) {
        int code = bind_one(*out_statement, i + 1, types[i], arguments);
        if (code != SQLITE_OK) {
            db_close(store, out_statement);
            return db_fail(store, code, "binding a value");
        }
    }
    return STATUS_OK;
}

enum status db_open(struct store *store, sqlite3_stmt **out_statement, const char *sql,
                    const char *types, ...) {
    va_list arguments;
    va_start(arguments, types);
    enum status status = open_v(store, out_statement, sql, types, &arguments);
    va_end(arguments);
    return status;
}

void db_close(struct store *store, sqlite3_stmt **statement) {
    if (!*statement)
        return;
    bool cached = false;
    for (size_t i = 0; i < store->n_cached && !cached; i++)
        cached = store->cache[i].statement == *statement;
    if (cached) {
        sqlite3_reset(*statement);
        sqlite3_clear_bindings(*statement);
    } else {
        sqlite3_finalize(*statement);
    }
    *statement = NULL;
}

enum status db_step(struct store *store, sqlite3_stmt *statement) {
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return STATUS_OK;
    if (code == SQLITE_DONE)
        return STATUS_NOT_FOUND;
    return db_fail(store, code, "database of the home");
}

enum status db_run(struct store *store, const char *sql, const char *types, ...) {
    sqlite3_stmt *statement;
    va_list arguments;
    va_start(arguments, types);
    enum status status = open_v(store, &statement, sql, types, &arguments);
    va_end(arguments);
    TRY(status);
    while ((status = db_step(store, statement)) == STATUS_OK)
        ;
    db_close(store, &statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status db_int(struct store *store, int64_t *out_value, const char *sql, const char *types,
                   ...) {
    sqlite3_stmt *statement;
    va_list arguments;
    va_start(arguments, types);
    enum status status = open_v(store, &statement, sql, types, &arguments);
    va_end(arguments);
    TRY(status);
    status = db_step(store, statement);
    if (status == STATUS_OK) {
        if (sqlite3_column_type(statement, 0) == SQLITE_NULL)
            status = STATUS_NOT_FOUND;
        else
            *out_value = sqlite3_column_int64(statement, 0);
    }
    db_close(store, &statement);
    return status;
}

struct view db_view(sqlite3_stmt *statement, int column) {
    const void *data = sqlite3_column_blob(statement, column);
    return view_from(data, data ? (size_t)sqlite3_column_bytes(statement, column) : 0);
}

struct uuid db_column_id(sqlite3_stmt *statement, int column) {
    struct uuid id = {{0}};
    struct view bytes = db_view(statement, column);
    if (bytes.size == UUID_SIZE)
        memcpy(id.bytes, bytes.data, UUID_SIZE);
    return id;
}

enum status db_copy(sqlite3_stmt *statement, int column, struct arena *arena,
                    struct view *out_copy) {
    struct view value = db_view(statement, column);
    uint8_t *copy = arena_alloc(arena, value.size + 1);
    if (!copy)
        return STATUS_NO_MEMORY;
    if (value.size > 0)
        memcpy(copy, value.data, value.size);
    *out_copy = view_from(copy, value.size);
    return STATUS_OK;
}
