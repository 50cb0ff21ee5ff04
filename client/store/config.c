// Small values by name, whose answers count, and the grants of the login. See store.h.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/store/db.h"

enum status store_config_get(struct store *store, const char *name, struct arena *arena,
                             struct view *out_value) {
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement, "select value from config where name = ?1", "t",
                view_from_string(name)));
    enum status status = db_step(store, statement);
    if (status == STATUS_OK)
        status = db_copy(statement, 0, arena, out_value);
    db_close(store, &statement);
    return status;
}

enum status store_config_get_int(struct store *store, const char *name, int64_t absent,
                                 int64_t *out_value) {
    // Kept as text, so that a person who looks into the database reads it.
    enum status status = db_int(
        store, out_value, "select cast(cast(value as text) as integer) from config where name = ?1",
        "t", view_from_string(name));
    if (status == STATUS_NOT_FOUND)
        *out_value = absent;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status store_config_set(struct store *store, const char *name, struct view value) {
    if (value.size == 0)
        return db_run(store, "delete from config where name = ?1", "t", view_from_string(name));
    return db_run(store,
                  "insert into config (name, value) values (?1, ?2)"
                  " on conflict (name) do update set value = excluded.value",
                  "tb", view_from_string(name), value);
}

enum status store_config_set_int(struct store *store, const char *name, int64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    return store_config_set(store, name, view_from_string(text));
}

// ---- whose answers count ----

static enum status get_bytes(struct store *store, const char *name, uint8_t *out_bytes,
                             size_t size) {
    sqlite3_stmt *statement;
    memset(out_bytes, 0, size);
    TRY(db_open(store, &statement, "select value from config where name = ?1", "t",
                view_from_string(name)));
    enum status status = db_step(store, statement);
    if (status == STATUS_OK) {
        struct view value = db_view(statement, 0);
        memcpy(out_bytes, value.data, value.size < size ? value.size : size);
    }
    db_close(store, &statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status store_history_get(struct store *store, struct store_history *out_history) {
    TRY(get_bytes(store, STORE_CONFIG_DEVICE, out_history->device, sizeof out_history->device));
    return get_bytes(store, STORE_CONFIG_DB_EPOCH, out_history->db_epoch,
                     sizeof out_history->db_epoch);
}

enum status store_begin_in(struct store *store, const struct store_history *history) {
    struct store_history now;
    TRY(store_begin(store));
    enum status status = store_history_get(store, &now);
    if (status == STATUS_OK && memcmp(&now, history, sizeof now) != 0)
        status = db_error(store, STATUS_CONFLICT,
                          "another program has heard of a restored server, or enrolled anew");
    if (status != STATUS_OK)
        store_rollback(store);
    return status;
}

// ---- grants ----

static void read_grant(sqlite3_stmt *statement, struct store_grant *out_grant) {
    *out_grant = (struct store_grant){
        .id = db_column_id(statement, 0),
        .role = (uint32_t)sqlite3_column_int64(statement, 1),
        .unit = db_column_id(statement, 2),
        .from_ms = sqlite3_column_int64(statement, 3),
        .until_ms = sqlite3_column_int64(statement, 4),
    };
}

enum status store_grants(struct store *store, struct arena *arena, size_t *out_count,
                         struct store_grant **out_grants) {
    int64_t count = 0;
    TRY(db_int(store, &count, "select count(*) from role_grant", ""));
    *out_grants = arena_array(arena, (size_t)count + 1, sizeof **out_grants);
    *out_count = 0;
    if (!*out_grants)
        return STATUS_NO_MEMORY;
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement,
                "select id, role, unit, from_ms, until_ms from role_grant order by id", ""));
    enum status status = STATUS_OK;
    while (*out_count < (size_t)count && (status = db_step(store, statement)) == STATUS_OK)
        read_grant(statement, &(*out_grants)[(*out_count)++]);
    db_close(store, &statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
