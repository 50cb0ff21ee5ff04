// What a person does with the outbox: add, look, retry, put away. See outbox.h.
#include "client/store/outbox.h"

#include <string.h>

#include "client/store/db.h"
#include "common/base/clock.h"
#include "common/wire/unpack.h"

// ---- the local layer ----

static struct view view_of(const ProtobufCBinaryData *bytes) {
    return view_from(bytes->data, bytes->len);
}

// Half of a transfer shows as what it makes: somebody under way, or a membership.
static void show_transfer(const Lx__Transfer *transfer, Lx__Transit *space, Lx__Row *row) {
    if (transfer->membership) {
        row->membership = transfer->membership;
        row->id = transfer->membership->id;
        row->subject = transfer->person;
        return;
    }
    lx__transit__init(space);
    space->has_transfer = space->has_step = space->has_person = 1;
    space->has_unit = space->has_left_ms = 1;
    space->transfer = row->id = row->subject = transfer->id;
    space->step = transfer->step;
    space->person = transfer->person;
    space->unit = transfer->to;
    space->left_ms = transfer->left_ms;
    row->transit = space;
}

// The row that the server will make of an operation, as far as it is known here. `space` is part of
// it.
static Lx__Row local_row(const Lx__Operation *operation, Lx__Transit *space) {
    Lx__Row row = LX__ROW__INIT;
    row.has_state = row.has_id = row.has_subject = row.has_version = 1;
    row.state = LX__ROW_STATE__ROW_LIVE;
    row.fact = operation->fact;
    row.submission = operation->submission;
    row.person = operation->person;
    row.membership = operation->membership;
    if (operation->fact) {
        row.id = operation->fact->id;
        row.subject = operation->fact->subject;
    } else if (operation->person) {
        row.id = row.subject = operation->person->id;
    } else if (operation->membership) {
        row.id = operation->membership->id;
        row.subject = operation->membership->person;
    } else if (operation->transfer) {
        show_transfer(operation->transfer, space, &row);
    }
    return row;
}

static enum status put_local(struct store *store, struct uuid stream, struct view bytes,
                             int64_t created_ms, struct arena *arena) {
    ProtobufCAllocator allocator = unpack_allocator(arena);
    const Lx__Operation *operation = lx__operation__unpack(&allocator, bytes.size, bytes.data);
    if (!operation)
        return db_error(store, STATUS_CORRUPT, "an operation of the outbox cannot be read");
    Lx__Transit space;
    Lx__Row row = local_row(operation, &space);
    struct view actor;
    if (operation->fact &&
        store_config_get(store, STORE_CONFIG_PERSON, arena, &actor) == STATUS_OK) {
        row.has_actor = 1;
        row.actor = (ProtobufCBinaryData){actor.size, (uint8_t *)actor.data};
    }
    row.has_received_at_ms = 1;
    row.received_at_ms = created_ms;
    return replica_put(store, stream, DB_LAYER_LOCAL, &row);
}

enum status outbox_refresh_local(struct store *store, struct uuid record) {
    TRY(db_run(store, "delete from row where id = ?1 and layer = 0", "u", &record));
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement,
                "select stream, operation, created_ms from outbox where record = ?1 and shown = 1"
                " order by id desc limit 1",
                "u", &record));
    struct arena *arena = arena_new(0);
    enum status status = arena ? db_step(store, statement) : STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = put_local(store, db_column_id(statement, 0), db_view(statement, 1),
                           sqlite3_column_int64(statement, 2), arena);
    else if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    arena_free(&arena);
    db_close(store, &statement);
    return status;
}

// ---- adding ----

static enum status add_need(struct store *store, int64_t operation, struct view record) {
    if (record.size != UUID_SIZE)
        return STATUS_OK;
    return db_run(store, "insert or ignore into outbox_need (operation, record) values (?1, ?2)",
                  "ib", operation, record);
}

// Records that must be stored before this one can be: only those that this home has made itself
// ever hold it back.
static enum status add_needs(struct store *store, int64_t id, const Lx__Operation *operation) {
    if (operation->fact) {
        TRY(add_need(store, id, view_of(&operation->fact->subject)));
        return add_need(store, id, view_of(&operation->fact->of));
    }
    if (operation->person)
        return add_need(store, id, view_of(&operation->person->id));
    if (operation->transfer) {
        TRY(add_need(store, id, view_of(&operation->transfer->id)));
        return add_need(store, id, view_of(&operation->transfer->person));
    }
    TRY(add_need(store, id, view_of(&operation->membership->id)));
    return add_need(store, id, view_of(&operation->membership->person));
}

static enum status record_id(struct store *store, const Lx__Operation *operation,
                             struct uuid *out_id) {
    int bodies =
        !!operation->fact + !!operation->person + !!operation->membership + !!operation->transfer;
    Lx__Transit space;
    Lx__Row row = local_row(operation, &space);
    struct uuid subject;
    if (bodies != 1 || uuid_from_bytes(view_of(&row.id), out_id) != STATUS_OK ||
        uuid_from_bytes(view_of(&row.subject), &subject) != STATUS_OK)
        return db_error(
            store, STATUS_INVALID,
            "an operation is one fact, person, membership or transfer, with ids of 16 bytes");
    return STATUS_OK;
}

static enum status add_encoded(struct store *store, struct uuid stream,
                               const Lx__Operation *operation, int64_t now_ms, int64_t retry_of,
                               int64_t *out_id) {
    struct uuid record;
    TRY(record_id(store, operation, &record));
    Lx__Operation stamped = *operation;
    int64_t scope_version;
    TRY(store_config_get_int(store, STORE_CONFIG_SCOPE_VERSION, -1, &scope_version));
    if (scope_version >= 0) {
        stamped.has_scope_version = 1;
        stamped.scope_version = (uint64_t)scope_version;
    }
    struct arena *arena = arena_new(0);
    struct view bytes;
    enum status status = arena ? unpack_pack(&stamped.base, arena, &bytes) : STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status =
            db_run(store,
                   "insert into outbox (stream, record, roster, operation, created_ms, retry_of)"
                   " values (?1, ?2, ?3, ?4, ?5, ?6)",
                   "uuibii", &stream, &record, (int64_t)!operation->fact, bytes, now_ms, retry_of);
    *out_id = sqlite3_last_insert_rowid(store->db);
    arena_free(&arena);
    TRY(status);
    TRY(add_needs(store, *out_id, operation));
    return outbox_refresh_local(store, record);
}

enum status store_add_operation(struct store *store, struct uuid stream,
                                const Lx__Operation *operation, int64_t now_ms, int64_t *out_id) {
    if (!store->transaction)
        return db_error(store, STATUS_INVALID, "no transaction is open");
    int64_t id = 0;
    TRY(add_encoded(store, stream, operation, now_ms, 0, &id));
    if (out_id)
        *out_id = id;
    return STATUS_OK;
}

// ---- looking ----

#define ENTRY_COLUMNS                                                                              \
    "select id, stream, op_seq, batch, state, record, created_ms, acked_ms, ack_seq, retry_of,"    \
    " operation, reason from outbox"

static enum status read_messages(sqlite3_stmt *statement, struct arena *arena,
                                 struct outbox_entry *entry) {
    struct view reason;
    TRY(db_copy(statement, 10, arena, &entry->bytes));
    TRY(db_copy(statement, 11, arena, &reason));
    ProtobufCAllocator allocator = unpack_allocator(arena);
    entry->operation = lx__operation__unpack(&allocator, entry->bytes.size, entry->bytes.data);
    if (reason.size > 0)
        entry->reason = lx__reason__unpack(&allocator, reason.size, reason.data);
    return entry->operation ? STATUS_OK : STATUS_CORRUPT;
}

static enum status read_bundled(struct store *store, struct outbox_entry *entry) {
    int64_t one;
    enum status status = db_int(store, &one,
                                "select 1 from bundle_group where stream = ?1 and op_to >= ?2"
                                " and op_from <= ?2 limit 1",
                                "ui", &entry->stream, (int64_t)entry->op_seq);
    entry->bundled = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status read_entry(sqlite3_stmt *statement, struct arena *arena,
                              struct outbox_entry *out_entry) {
    *out_entry = (struct outbox_entry){
        .id = sqlite3_column_int64(statement, 0),
        .stream = db_column_id(statement, 1),
        .op_seq = (uint64_t)sqlite3_column_int64(statement, 2),
        .batch = (uint64_t)sqlite3_column_int64(statement, 3),
        .state = (enum outbox_state)sqlite3_column_int(statement, 4),
        .record = db_column_id(statement, 5),
        .created_ms = sqlite3_column_int64(statement, 6),
        .acked_ms = sqlite3_column_int64(statement, 7),
        .ack_seq = (uint64_t)sqlite3_column_int64(statement, 8),
        .retry_of = sqlite3_column_int64(statement, 9),
    };
    return read_messages(statement, arena, out_entry);
}

// What a person sees of an entry beside its own columns.
static enum status read_look(struct store *store, struct arena *arena, struct outbox_entry *entry) {
    if (entry->state != OUTBOX_WAITING)
        return STATUS_OK;
    if (entry->op_seq > 0)
        return read_bundled(store, entry);
    return outbox_find_blocker(store, entry, arena, &entry->blocked_by);
}

enum status store_outbox(struct store *store, enum outbox_state state, struct arena *arena,
                         struct outbox_entries *out_entries) {
    int64_t count = 0;
    out_entries->count = 0;
    TRY(db_int(store, &count, "select count(*) from outbox where ?1 in (0, state)", "i",
               (int64_t)state));
    out_entries->entries = arena_array(arena, (size_t)count + 1, sizeof *out_entries->entries);
    if (!out_entries->entries)
        return STATUS_NO_MEMORY;
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement, ENTRY_COLUMNS " where ?1 in (0, state) order by id", "i",
                (int64_t)state));
    enum status status = STATUS_OK;
    while (status == STATUS_OK && out_entries->count < (size_t)count &&
           (status = db_step(store, statement)) == STATUS_OK) {
        struct outbox_entry *entry = &out_entries->entries[out_entries->count++];
        status = read_entry(statement, arena, entry);
        if (status == STATUS_OK)
            status = read_look(store, arena, entry);
    }
    db_close(store, &statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status outbox_read(struct store *store, int64_t id, struct arena *arena,
                        struct outbox_entry *out_entry) {
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement, ENTRY_COLUMNS " where id = ?1", "i", id));
    enum status status = db_step(store, statement);
    if (status == STATUS_OK)
        status = read_entry(statement, arena, out_entry);
    db_close(store, &statement);
    return status;
}

enum status store_outbox_get(struct store *store, int64_t id, struct arena *arena,
                             struct outbox_entry *out_entry) {
    TRY(outbox_read(store, id, arena, out_entry));
    return read_look(store, arena, out_entry);
}

enum status store_outbox_last_ack(struct store *store, struct uuid stream, uint64_t *out_seq) {
    int64_t seq = 0;
    enum status status =
        db_int(store, &seq, "select max(ack_seq) from outbox where state = 2 and stream = ?1", "u",
               &stream);
    *out_seq = (uint64_t)seq;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status store_outbox_counts(struct store *store, struct outbox_counts *out_counts) {
    sqlite3_stmt *statement;
    *out_counts = (struct outbox_counts){0};
    TRY(db_open(store, &statement, "select state, count(*) from outbox group by state", ""));
    enum status status;
    while ((status = db_step(store, statement)) == STATUS_OK) {
        uint64_t count = (uint64_t)sqlite3_column_int64(statement, 1);
        uint64_t *const places[] = {
            [OUTBOX_WAITING] = &out_counts->waiting,
            [OUTBOX_ACKED] = &out_counts->acked,
            [OUTBOX_REFUSED] = &out_counts->refused,
            [OUTBOX_ARCHIVED] = &out_counts->archived,
        };
        *places[sqlite3_column_int(statement, 0)] = count;
    }
    db_close(store, &statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

// ---- retry and drop ----

static enum status archive(struct store *store, const struct outbox_entry *entry) {
    TRY(db_run(store, "update outbox set state = 4, shown = 0 where id = ?1", "i", entry->id));
    return outbox_refresh_local(store, entry->record);
}

static enum status retry_inside(struct store *store, int64_t id, int64_t now_ms,
                                struct arena *arena, int64_t *out_new_id) {
    struct outbox_entry entry;
    TRY(store_outbox_get(store, id, arena, &entry));
    if (entry.state != OUTBOX_REFUSED)
        return db_error(store, STATUS_CONFLICT, "entry %lld was not refused", (long long)id);
    TRY(archive(store, &entry));
    return add_encoded(store, entry.stream, entry.operation, now_ms, entry.id, out_new_id);
}

static enum status drop_inside(struct store *store, int64_t id, struct arena *arena) {
    struct outbox_entry entry;
    TRY(store_outbox_get(store, id, arena, &entry));
    bool unsent = entry.state == OUTBOX_WAITING && entry.op_seq == 0;
    if (entry.state != OUTBOX_REFUSED && !unsent)
        return db_error(store, STATUS_CONFLICT, "entry %lld is stored or under way", (long long)id);
    return archive(store, &entry);
}

static enum status finish(struct store *store, enum status status) {
    if (status == STATUS_OK)
        return store_commit(store);
    store_rollback(store);
    return status;
}

enum status store_outbox_retry(struct store *store, int64_t id, int64_t now_ms,
                               int64_t *out_new_id) {
    struct arena *arena = arena_new(0);
    if (!arena)
        return STATUS_NO_MEMORY;
    enum status status = store_begin(store);
    if (status == STATUS_OK)
        status = finish(store, retry_inside(store, id, now_ms, arena, out_new_id));
    arena_free(&arena);
    return status;
}

enum status store_outbox_drop(struct store *store, int64_t id) {
    struct arena *arena = arena_new(0);
    if (!arena)
        return STATUS_NO_MEMORY;
    enum status status = store_begin(store);
    if (status == STATUS_OK)
        status = finish(store, drop_inside(store, id, arena));
    arena_free(&arena);
    return status;
}
