// The outbox's way to the server: keys before sending, the server's answers after. See outbox.h.
#include "client/store/db.h"
#include "client/store/outbox.h"
#include "client/store/outbox_bundle.h"
#include "common/wire/unpack.h"

// ---- keys ----

static enum status next_key(struct store *store, struct uuid stream, int64_t *out_next) {
    enum status status =
        db_int(store, out_next, "select next_op_seq from counter where stream = ?1", "u", &stream);
    if (status != STATUS_NOT_FOUND)
        return status;
    *out_next = 1;
    return STATUS_OK;
}

enum status outbox_set_next_key(struct store *store, struct uuid stream, int64_t next) {
    return db_run(store,
                  "insert into counter (stream, next_op_seq) values (?1, ?2)"
                  " on conflict (stream) do update set next_op_seq = excluded.next_op_seq",
                  "ui", &stream, next);
}

struct seal {
    struct store *store;
    struct uuid stream;
    size_t max_ops, max_bytes, bytes;
    int64_t first_op_seq, batch;
    bool roster, full;
    struct arena *arena;
    struct outbox_entries *entries;
};

static enum status seal_add(struct seal *seal, int64_t id, bool roster) {
    struct outbox_entry *entry = &seal->entries->entries[seal->entries->count];
    bool ready;
    TRY(outbox_read(seal->store, id, seal->arena, entry));
    TRY(outbox_is_ready(seal->store, entry, seal->entries, &ready));
    if (!ready)
        return STATUS_OK;
    size_t count = seal->entries->count;
    bool other_kind = count > 0 && roster != seal->roster;
    bool too_much = count > 0 && seal->bytes + entry->bytes.size > seal->max_bytes;
    if (other_kind || too_much) {
        seal->full = true;
        return STATUS_OK;
    }
    if (count == 0)
        seal->batch = id;
    seal->roster = roster;
    seal->bytes += entry->bytes.size;
    entry->op_seq = (uint64_t)(seal->first_op_seq + (int64_t)count);
    entry->batch = (uint64_t)seal->batch;
    seal->entries->count++;
    return STATUS_OK;
}

// An operation that is not ready is passed over, unless it keeps the next ones' order: changes of
// the same kind that depend on it name it in outbox_need and are not ready either.
static enum status seal_choose(struct seal *seal) {
    sqlite3_stmt *statement;
    TRY(db_open(seal->store, &statement,
                "select id, roster from outbox where state = 1 and stream = ?1 and op_seq = 0"
                " order by id",
                "u", &seal->stream));
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !seal->full && seal->entries->count < seal->max_ops &&
           (status = db_step(seal->store, statement)) == STATUS_OK)
        status = seal_add(seal, sqlite3_column_int64(statement, 0),
                          sqlite3_column_int(statement, 1) != 0);
    db_close(seal->store, &statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status seal_new(struct seal *seal) {
    TRY(next_key(seal->store, seal->stream, &seal->first_op_seq));
    TRY(seal_choose(seal));
    for (size_t i = 0; i < seal->entries->count; i++)
        TRY(db_run(seal->store,
                   "update outbox set op_seq = ?2, batch = ?3, reason = null where id = ?1", "iii",
                   seal->entries->entries[i].id, (int64_t)seal->entries->entries[i].op_seq,
                   seal->batch));
    return outbox_set_next_key(seal->store, seal->stream,
                               seal->first_op_seq + (int64_t)seal->entries->count);
}

struct sealed {
    int64_t id, op_seq, batch;
    bool roster, again;
    int64_t bytes;
};

// Is it of the group that is being sent again? What a restored server is asked about once more goes
// in large groups, however small they were.
static bool goes_along(const struct seal *seal, const struct sealed *last,
                       const struct sealed *next) {
    if (next->op_seq != last->op_seq + 1)
        return false;
    if (next->batch == seal->batch)
        return true;
    return last->again && next->again && next->roster == last->roster &&
           seal->bytes + (size_t)next->bytes <= seal->max_bytes;
}

// The oldest group that was sent and not answered.
static enum status seal_again(struct seal *seal) {
    sqlite3_stmt *statement;
    TRY(db_open(seal->store, &statement,
                "select id, op_seq, batch, roster, again, length(operation) from outbox"
                " where state = 1 and stream = ?1 and op_seq > 0 order by op_seq",
                "u", &seal->stream));
    enum status status = STATUS_OK;
    struct sealed last = {0};
    while (status == STATUS_OK && seal->entries->count < seal->max_ops &&
           (status = db_step(seal->store, statement)) == STATUS_OK) {
        const struct sealed next = {
            .id = sqlite3_column_int64(statement, 0),
            .op_seq = sqlite3_column_int64(statement, 1),
            .batch = sqlite3_column_int64(statement, 2),
            .roster = sqlite3_column_int(statement, 3) != 0,
            .again = sqlite3_column_int(statement, 4) != 0,
            .bytes = sqlite3_column_int64(statement, 5),
        };
        if (seal->entries->count == 0)
            seal->batch = next.batch;
        else if (!goes_along(seal, &last, &next))
            break;
        seal->bytes += (size_t)next.bytes;
        last = next;
        status = outbox_read(seal->store, next.id, seal->arena,
                             &seal->entries->entries[seal->entries->count++]);
    }
    db_close(seal->store, &statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status seal_inside(struct seal *seal) {
    TRY(seal_again(seal));
    seal->entries->fresh = seal->entries->count == 0;
    return seal->entries->fresh ? seal_new(seal) : STATUS_OK;
}

static enum status seal_one(struct store *store, struct uuid stream, size_t max_ops,
                            size_t max_bytes, bool *out_any) {
    struct arena *arena = arena_new(0);
    struct outbox_entries entries = {0};
    enum status status = STATUS_NO_MEMORY;
    if (arena)
        entries.entries = arena_array(arena, max_ops + 1, sizeof *entries.entries);
    if (entries.entries) {
        struct seal seal = {
            .store = store,
            .stream = stream,
            .max_ops = max_ops,
            .max_bytes = max_bytes,
            .arena = arena,
            .entries = &entries,
        };
        status = seal_new(&seal);
    }
    *out_any = entries.count > 0;
    arena_free(&arena);
    return status;
}

enum status outbox_seal_rest(struct store *store, struct uuid stream, size_t max_ops,
                             size_t max_bytes) {
    bool any = true;
    while (any)
        TRY(seal_one(store, stream, max_ops, max_bytes, &any));
    return STATUS_OK;
}

enum status store_outbox_seal(struct store *store, struct uuid stream, size_t max_ops,
                              size_t max_bytes, struct arena *arena,
                              struct outbox_entries *out_entries) {
    *out_entries = (struct outbox_entries){
        .entries = arena_array(arena, max_ops + 1, sizeof *out_entries->entries),
    };
    if (!out_entries->entries)
        return STATUS_NO_MEMORY;
    struct seal seal = {
        .store = store,
        .stream = stream,
        .max_ops = max_ops,
        .max_bytes = max_bytes,
        .arena = arena,
        .entries = out_entries,
    };
    TRY(store_begin(store));
    enum status status = seal_inside(&seal);
    if (status == STATUS_OK && out_entries->count > 0)
        return store_commit(store);
    store_rollback(store);
    return status;
}

// ---- streams with work ----

static enum status stream_has_work(struct store *store, struct uuid stream, struct arena *arena,
                                   bool *out_has) {
    struct outbox_entries entries = {
        .entries = arena_array(arena, 2, sizeof *entries.entries),
    };
    if (!entries.entries)
        return STATUS_NO_MEMORY;
    struct seal seal = {
        .store = store,
        .stream = stream,
        .max_ops = 1,
        .max_bytes = 1,
        .arena = arena,
        .entries = &entries,
    };
    TRY(seal_again(&seal));
    if (entries.count == 0)
        TRY(seal_choose(&seal));
    *out_has = entries.count > 0;
    return STATUS_OK;
}

enum status outbox_waiting_streams(struct store *store, struct arena *arena, size_t *out_count,
                                   struct uuid **out_streams) {
    int64_t count = 0;
    *out_count = 0;
    TRY(db_int(store, &count, "select count(distinct stream) from outbox where state = 1", ""));
    *out_streams = arena_array(arena, (size_t)count + 1, sizeof **out_streams);
    if (!*out_streams)
        return STATUS_NO_MEMORY;
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement, "select distinct stream from outbox where state = 1", ""));
    enum status status = STATUS_OK;
    while (*out_count < (size_t)count && (status = db_step(store, statement)) == STATUS_OK)
        (*out_streams)[(*out_count)++] = db_column_id(statement, 0);
    db_close(store, &statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status store_outbox_streams(struct store *store, struct arena *arena, size_t *out_count,
                                 struct uuid **out_streams) {
    size_t waiting = 0;
    *out_count = 0;
    TRY(outbox_waiting_streams(store, arena, &waiting, out_streams));
    for (size_t i = 0; i < waiting; i++) {
        bool has = false;
        TRY(stream_has_work(store, (*out_streams)[i], arena, &has));
        if (has)
            (*out_streams)[(*out_count)++] = (*out_streams)[i];
    }
    return STATUS_OK;
}

// ---- answers ----

static enum status refuse_one(struct store *store, struct uuid stream,
                              const Lx__RefusedOperation *refused) {
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement,
                "select id, record from outbox where stream = ?1 and op_seq = ?2 and state = 1",
                "ui", &stream, (int64_t)refused->op_seq));
    enum status status = db_step(store, statement);
    int64_t id = sqlite3_column_int64(statement, 0);
    struct uuid record = db_column_id(statement, 1);
    db_close(store, &statement);
    if (status != STATUS_OK) // told before
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    struct arena *arena = arena_new(0);
    struct view reason = {NULL, 0};
    status = arena ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK && refused->reason)
        status = unpack_pack(&refused->reason->base, arena, &reason);
    if (status == STATUS_OK)
        status = db_run(store,
                        "update outbox set state = case again when 4 then 4 else 3 end, again = 0,"
                        " shown = 0, reason = ?2 where id = ?1",
                        "ib", id, reason);
    arena_free(&arena);
    return status == STATUS_OK ? outbox_refresh_local(store, record) : status;
}

enum status store_outbox_settle(struct store *store, const Lx__PushedGroup *group, uint64_t from,
                                int64_t now_ms) {
    struct uuid stream;
    struct store_stream state;
    TRY(uuid_from_bytes(view_from(group->stream.data, group->stream.len), &stream));
    for (size_t i = 0; i < group->n_refused; i++)
        if (group->refused[i]->op_seq >= from && group->refused[i]->op_seq <= group->op_to)
            TRY(refuse_one(store, stream, group->refused[i]));
    TRY(db_run(store,
               "update outbox set state = 2, again = 0, acked_ms = ?4, ack_seq = ?3, reason = null,"
               " acked_seen_ms = coalesce((select cast(cast(value as text) as integer) from config"
               " where name = ?5), 0)"
               " where stream = ?1 and state = 1 and op_seq > 0 and op_seq <= ?2 and op_seq >= ?6",
               "uiiiti", &stream, (int64_t)group->op_to, (int64_t)group->seq, now_ms,
               view_from_string(STORE_CONFIG_SERVER_TIME), (int64_t)from));
    enum status status = store_stream_get(store, stream, &state);
    if (status == STATUS_NOT_FOUND) // no longer pulled: nothing will ever replace the local rows
        return replica_hide_passed(store, stream, INT64_MAX);
    TRY(status);
    // Not out of the view yet: a receipt may tell of a restored server of which this home has not
    // heard, and then the cursor is of another history, as one that is not proved may be.
    return state.whole ? replica_put_proved(store, stream, (int64_t)state.cursor) : STATUS_OK;
}

enum status store_outbox_hold(struct store *store, struct uuid stream, const Lx__Reason *reason) {
    struct arena *arena = arena_new(0);
    struct view bytes = {NULL, 0};
    enum status status = arena ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK && reason)
        status = unpack_pack(&reason->base, arena, &bytes);
    if (status == STATUS_OK)
        status = db_run(
            store, "update outbox set reason = ?2 where stream = ?1 and state = 1 and op_seq > 0",
            "ub", &stream, bytes);
    arena_free(&arena);
    return status;
}

enum status store_outbox_unseal(struct store *store, struct uuid stream, uint64_t from,
                                const Lx__Reason *reason) {
    int64_t first = 0;
    TRY(store_outbox_hold(store, stream, reason));
    enum status status = db_int(store, &first,
                                "select min(op_seq) from outbox where stream = ?1 and state = 1"
                                " and op_seq >= ?2 and op_seq >"
                                " (select coalesce(max(op_to), 0) from bundle_group"
                                "  where stream = ?1)",
                                "ui", &stream, (int64_t)from);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    TRY(status);
    TRY(outbox_take_keys_back(store, stream, first));
    return outbox_set_next_key(store, stream, first);
}
