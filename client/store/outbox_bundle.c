// Bundles of this home: which operations each one names. See outbox_bundle.h.
#include "client/store/outbox_bundle.h"

#include <string.h>

#include "client/store/db.h"

// ---- what goes ----

static enum status seal_streams(struct store *store, size_t max_ops, size_t max_bytes) {
    size_t count = 0;
    struct uuid *streams;
    struct arena *arena = arena_new(0);
    enum status status =
        arena ? outbox_waiting_streams(store, arena, &count, &streams) : STATUS_NO_MEMORY;
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = outbox_seal_rest(store, streams[i], max_ops, max_bytes);
    arena_free(&arena);
    return status;
}

struct listing {
    struct outbox_groups *groups;
    struct view *operations; // room for the rest
    int64_t batch;
    size_t max_ops;
};

// The next operation goes on with the last group, or begins another.
static enum status list_one(struct listing *listing, sqlite3_stmt *statement, struct arena *arena) {
    struct outbox_groups *all = listing->groups;
    struct outbox_group *group = all->count > 0 ? &all->groups[all->count - 1] : NULL;
    struct uuid stream = db_column_id(statement, 0);
    uint64_t op_seq = (uint64_t)sqlite3_column_int64(statement, 1);
    int64_t batch = sqlite3_column_int64(statement, 2);
    bool goes_on = group && batch == listing->batch && uuid_equal(stream, group->stream) &&
                   op_seq == group->first_op_seq + group->count && group->count < listing->max_ops;
    if (!goes_on) {
        group = &all->groups[all->count++];
        *group = (struct outbox_group){stream, op_seq, listing->operations, 0, 0};
    }
    TRY(db_copy(statement, 3, arena, listing->operations++));
    group->bytes += group->operations[group->count++].size;
    listing->batch = batch;
    return STATUS_OK;
}

static enum status list_groups(struct store *store, size_t max_ops, struct arena *arena,
                               struct outbox_groups *out_groups) {
    int64_t count = 0;
    TRY(db_int(store, &count, "select count(*) from outbox where state = 1 and op_seq > 0", ""));
    *out_groups = (struct outbox_groups){
        .groups = arena_array(arena, (size_t)count + 1, sizeof *out_groups->groups),
    };
    struct listing listing = {
        .groups = out_groups,
        .operations = arena_array(arena, (size_t)count + 1, sizeof(struct view)),
        .max_ops = max_ops,
    };
    if (!out_groups->groups || !listing.operations)
        return STATUS_NO_MEMORY;
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement,
                "select stream, op_seq, batch, operation from outbox"
                " where state = 1 and op_seq > 0 order by stream, op_seq",
                ""));
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (status = db_step(store, statement)) == STATUS_OK)
        status = list_one(&listing, statement, arena);
    db_close(store, &statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status store_outbox_seal_all(struct store *store, size_t max_ops, size_t max_bytes,
                                  struct arena *arena, struct outbox_groups *out_groups,
                                  uint64_t *out_left) {
    int64_t left = 0;
    TRY(seal_streams(store, max_ops, max_bytes));
    TRY(list_groups(store, max_ops, arena, out_groups));
    TRY(db_int(store, &left, "select count(*) from outbox where state = 1 and op_seq = 0", ""));
    *out_left = (uint64_t)left;
    return STATUS_OK;
}

// ---- what went ----

enum status store_bundle_add(struct store *store, struct uuid id,
                             const uint8_t key[OUTBOX_RECEIPT_KEY_SIZE], int64_t now_ms) {
    return db_run(store, "insert into bundle (id, receipt_key, created_ms) values (?1, ?2, ?3)",
                  "ubi", &id, view_from(key, OUTBOX_RECEIPT_KEY_SIZE), now_ms);
}

enum status store_bundle_add_group(struct store *store, struct uuid id, uint32_t part,
                                   const struct outbox_group *group) {
    return db_run(store,
                  "insert into bundle_group (bundle, part, stream, op_from, op_to)"
                  " values (?1, ?2, ?3, ?4, ?5)",
                  "uiuii", &id, (int64_t)part, &group->stream, (int64_t)group->first_op_seq,
                  (int64_t)(group->first_op_seq + group->count - 1));
}

enum status store_bundle_get(struct store *store, struct uuid id, struct store_bundle *out_bundle) {
    sqlite3_stmt *statement;
    TRY(db_open(
        store, &statement,
        "select created_ms, receipt_key,"
        " (select coalesce(sum(op_to - op_from + 1), 0) from bundle_group where bundle = ?1),"
        " (select count(*) from bundle_group g join outbox o on o.stream = g.stream"
        "  and o.op_seq between g.op_from and g.op_to and o.state = 1 where g.bundle = ?1)"
        " from bundle where id = ?1",
        "u", &id));
    enum status status = db_step(store, statement);
    if (status == STATUS_OK) {
        struct view key = db_view(statement, 1);
        *out_bundle = (struct store_bundle){
            .created_ms = sqlite3_column_int64(statement, 0),
            .operations = (uint64_t)sqlite3_column_int64(statement, 2),
            .waiting = (uint64_t)sqlite3_column_int64(statement, 3),
        };
        if (key.size == OUTBOX_RECEIPT_KEY_SIZE)
            memcpy(out_bundle->receipt_key, key.data, OUTBOX_RECEIPT_KEY_SIZE);
        else
            status = STATUS_CORRUPT;
    }
    db_close(store, &statement);
    return status;
}

enum status store_bundle_has_group(struct store *store, struct uuid id, uint32_t part,
                                   struct uuid stream, const uint64_t range[2]) {
    int64_t one;
    return db_int(store, &one,
                  "select 1 from bundle_group where bundle = ?1 and part = ?2 and stream = ?3"
                  " and op_from = ?4 and op_to = ?5",
                  "uiuii", &id, (int64_t)part, &stream, (int64_t)range[0], (int64_t)range[1]);
}
