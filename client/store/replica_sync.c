// Writing the replica: what a pull brings, count and digest kept beside it in the same transaction.
// See replica.h.
#include <string.h>

#include "client/store/db.h"
#include "client/store/replica.h"
#include "common/wire/digest.h"
#include "common/wire/unpack.h"

// What is kept in columns of its own, so that an index finds it.
struct row_keys {
    enum store_kind kind;
    struct view source_key, account, teacher_no, name, code;
};

static struct view view_of(const ProtobufCBinaryData *bytes) {
    return view_from(bytes->data, bytes->len);
}

static struct row_keys row_keys(const Lx__Row *row) {
    struct row_keys keys = {.kind = STORE_KIND_ANY};
    if (row->fact) {
        keys.kind = STORE_KIND_FACT;
        if (row->fact->has_source_key)
            keys.source_key = view_of(&row->fact->source_key);
    } else if (row->person) {
        keys.kind = STORE_KIND_PERSON;
        keys.account = view_from_string(row->person->account);
        keys.teacher_no = view_from_string(row->person->teacher_no);
        keys.name = view_from_string(row->person->name);
    } else if (row->membership) {
        keys.kind = STORE_KIND_MEMBERSHIP;
    } else if (row->unit) {
        keys.kind = STORE_KIND_UNIT;
        keys.name = view_from_string(row->unit->name);
        keys.code = view_from_string(row->unit->code);
    } else if (row->programme) {
        keys.kind = STORE_KIND_PROGRAMME;
        keys.code = view_from_string(row->programme->code);
    } else if (row->standing) {
        keys.kind = STORE_KIND_STANDING;
    } else if (row->transit) {
        keys.kind = STORE_KIND_TRANSIT;
        keys.name = view_from_string(row->transit->name);
    }
    return keys;
}

// A row without a subject of its own (a programme) is its own.
static enum status row_ids(const Lx__Row *row, struct uuid *out_id, struct uuid *out_subject) {
    TRY(uuid_from_bytes(view_of(&row->id), out_id));
    if (row->subject.len == 0) {
        *out_subject = *out_id;
        return STATUS_OK;
    }
    return uuid_from_bytes(view_of(&row->subject), out_subject);
}

enum status replica_put(struct store *store, struct uuid stream, enum db_layer layer,
                        const Lx__Row *row) {
    struct uuid id;
    struct uuid subject;
    TRY(row_ids(row, &id, &subject));
    struct row_keys keys = row_keys(row);
    if (keys.kind == STORE_KIND_ANY)
        return db_error(store, STATUS_INVALID, "a row of a kind that this program does not know");
    struct arena *arena = arena_new(0);
    struct view body = {NULL, 0};
    enum status status = arena ? unpack_pack(&row->base, arena, &body) : STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status =
            db_run(store,
                   "insert or replace into row (stream, id, layer, kind, seq, version, subject,"
                   " body, source_key, account, teacher_no, name, code)"
                   " values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                   "uuiiiiubbtttt", &stream, &id, (int64_t)layer, (int64_t)keys.kind,
                   (int64_t)row->seq, (int64_t)row->version, &subject, body, keys.source_key,
                   keys.account, keys.teacher_no, keys.name, keys.code);
    arena_free(&arena);
    return status;
}

// ---- streams ----

#define STREAM_COLUMNS                                                                             \
    "select s.stream, s.cursor, s.live_count, s.digest, s.whole, coalesce((select c.next_op_seq"   \
    " from counter c where c.stream = s.stream), 1) from stream s"

static void read_stream(sqlite3_stmt *statement, struct store_stream *out_stream) {
    *out_stream = (struct store_stream){
        .stream = db_column_id(statement, 0),
        .cursor = (uint64_t)sqlite3_column_int64(statement, 1),
        .live_count = (uint64_t)sqlite3_column_int64(statement, 2),
        .digest = (uint64_t)sqlite3_column_int64(statement, 3),
        .proved = sqlite3_column_int(statement, 4) != 0,
        .whole = sqlite3_column_int(statement, 4) == 1,
        .next_op_seq = (uint64_t)sqlite3_column_int64(statement, 5),
    };
}

enum status store_streams(struct store *store, struct arena *arena, size_t *out_count,
                          struct store_stream **out_streams) {
    int64_t count = 0;
    *out_count = 0;
    TRY(db_int(store, &count, "select count(*) from stream", ""));
    *out_streams = arena_array(arena, (size_t)count + 1, sizeof **out_streams);
    if (!*out_streams)
        return STATUS_NO_MEMORY;
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement, STREAM_COLUMNS " order by s.place", ""));
    enum status status = STATUS_OK;
    while (*out_count < (size_t)count && (status = db_step(store, statement)) == STATUS_OK)
        read_stream(statement, &(*out_streams)[(*out_count)++]);
    db_close(store, &statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status store_stream_get(struct store *store, struct uuid stream,
                             struct store_stream *out_stream) {
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement, STREAM_COLUMNS " where s.stream = ?1", "u", &stream));
    enum status status = db_step(store, statement);
    if (status == STATUS_OK)
        read_stream(statement, out_stream);
    db_close(store, &statement);
    return status;
}

static enum status put_grants(struct store *store, const struct store_grant *grants, size_t n) {
    TRY(db_run(store, "delete from role_grant", ""));
    for (size_t i = 0; i < n; i++)
        TRY(db_run(store,
                   "insert or replace into role_grant (id, role, unit, from_ms, until_ms)"
                   " values (?1, ?2, ?3, ?4, ?5)",
                   "uiuii", &grants[i].id, (int64_t)grants[i].role, &grants[i].unit,
                   grants[i].from_ms, grants[i].until_ms));
    return STATUS_OK;
}

// Own operations that are stored but not yet seen in a pull would stay in the local view for ever,
// once their stream is no longer pulled.
static enum status leave_stream(struct store *store, struct uuid stream) {
    TRY(db_run(store, "delete from row where stream = ?1 and layer > 0", "u", &stream));
    TRY(db_run(store,
               "delete from row where stream = ?1 and layer = 0 and not exists"
               " (select 1 from outbox o where o.record = row.id and o.state = 1)",
               "u", &stream));
    TRY(db_run(store, "update outbox set shown = 0 where stream = ?1 and state = 2 and shown = 1",
               "u", &stream));
    return db_run(store, "delete from stream where stream = ?1", "u", &stream);
}

static enum status leave_absent(struct store *store) {
    struct uuid stream;
    for (;;) {
        sqlite3_stmt *statement;
        TRY(db_open(store, &statement, "select stream from stream where place < 0 limit 1", ""));
        enum status status = db_step(store, statement);
        if (status == STATUS_OK)
            stream = db_column_id(statement, 0);
        db_close(store, &statement);
        if (status != STATUS_OK)
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        TRY(leave_stream(store, stream));
    }
}

enum status store_scope_put(struct store *store, const struct store_grant *grants, size_t n_grants,
                            const struct uuid *streams, size_t n_streams) {
    TRY(put_grants(store, grants, n_grants));
    TRY(db_run(store, "update stream set place = -1", ""));
    for (size_t i = 0; i < n_streams; i++)
        TRY(db_run(store,
                   "insert into stream (stream, place) values (?1, ?2)"
                   " on conflict (stream) do update set place = excluded.place",
                   "ui", &streams[i], (int64_t)i));
    return leave_absent(store);
}

enum status store_stream_restart(struct store *store, struct uuid stream) {
    TRY(db_run(store, "update or replace row set layer = 2 where stream = ?1 and layer = 1", "u",
               &stream));
    return db_run(store,
                  "update stream set cursor = 0, live_count = 0, digest = 0, whole = 0"
                  " where stream = ?1",
                  "u", &stream);
}

// ---- one pull answer ----

static enum status forget_row(struct store *store, struct store_stream *state, struct uuid id) {
    int64_t version = 0;
    enum status status = db_int(
        store, &version, "select version from row where id = ?1 and layer = 1 and stream = ?2",
        "uu", &id, &state->stream);
    if (status == STATUS_OK) {
        state->live_count--;
        state->digest ^= digest_row(id, (uint64_t)version);
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    return db_run(store, "delete from row where id = ?1 and layer > 0 and stream = ?2", "uu", &id,
                  &state->stream);
}

// Who left may have come back, or gone to a stream that is pulled later: until store_settle his
// rows are the former replica's.
static enum status forget_subject(struct store *store, struct store_stream *state,
                                  struct uuid subject) {
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement,
                "select id, version from row where stream = ?1 and layer = 1 and subject = ?2",
                "uu", &state->stream, &subject));
    enum status status;
    while ((status = db_step(store, statement)) == STATUS_OK) {
        state->live_count--;
        state->digest ^=
            digest_row(db_column_id(statement, 0), (uint64_t)sqlite3_column_int64(statement, 1));
    }
    db_close(store, &statement);
    if (status != STATUS_NOT_FOUND)
        return status;
    return db_run(store,
                  "update or replace row set layer = 2 where stream = ?1 and layer = 1 and"
                  " subject = ?2",
                  "uu", &state->stream, &subject);
}

static enum status apply_live(struct store *store, struct store_stream *state, const Lx__Row *row) {
    struct uuid id;
    TRY(uuid_from_bytes(view_of(&row->id), &id));
    TRY(forget_row(store, state, id));
    TRY(replica_put(store, state->stream, DB_LAYER_REPLICA, row));
    state->live_count++;
    state->digest ^= digest_row(id, row->version);
    return STATUS_OK;
}

static enum status apply_row(struct store *store, struct store_stream *state, const Lx__Row *row) {
    struct uuid id;
    if (row->state == LX__ROW_STATE__ROW_LIVE)
        return apply_live(store, state, row);
    if (row->state == LX__ROW_STATE__ROW_LEFT) {
        TRY(uuid_from_bytes(view_of(&row->subject), &id));
        return forget_subject(store, state, id);
    }
    if (row->state == LX__ROW_STATE__ROW_GONE) {
        TRY(uuid_from_bytes(view_of(&row->id), &id));
        return forget_row(store, state, id);
    }
    return db_error(store, STATUS_INVALID, "a row in a state that this program does not know");
}

// Own operations that this cursor has passed: the server's rows stand for them now. `replaced`:
// only those whose row is in the stream's replica, not those that have moved on.
static enum status hide_passed(struct store *store, struct uuid stream, int64_t cursor,
                               bool replaced) {
    for (;;) {
        sqlite3_stmt *statement;
        struct uuid record = {{0}};
        int64_t operation = 0;
        TRY(db_open(store, &statement,
                    "select id, record from outbox o where stream = ?1 and state = 2 and shown = 1"
                    " and ack_seq <= ?2 and (?3 = 0 or exists (select 1 from row r where"
                    " r.id = o.record and r.layer = 1 and r.stream = ?1)) limit 1",
                    "uii", &stream, cursor, (int64_t)replaced));
        enum status status = db_step(store, statement);
        if (status == STATUS_OK) {
            operation = sqlite3_column_int64(statement, 0);
            record = db_column_id(statement, 1);
        }
        db_close(store, &statement);
        if (status != STATUS_OK)
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        TRY(db_run(store, "update outbox set shown = 0 where id = ?1", "i", operation));
        TRY(outbox_refresh_local(store, record));
    }
}

enum status replica_hide_passed(struct store *store, struct uuid stream, int64_t cursor) {
    return hide_passed(store, stream, cursor, false);
}

enum status store_pull_apply(struct store *store, struct uuid stream, size_t n_rows,
                             Lx__Row *const *rows, uint64_t cursor) {
    struct store_stream state;
    TRY(store_stream_get(store, stream, &state));
    for (size_t i = 0; i < n_rows; i++)
        TRY(apply_row(store, &state, rows[i]));
    return db_run(store,
                  "update stream set cursor = ?2, live_count = ?3, digest = ?4, whole = 0"
                  " where stream = ?1",
                  "uiii", &stream, (int64_t)cursor, (int64_t)state.live_count,
                  (int64_t)state.digest);
}

enum status replica_put_proved(struct store *store, struct uuid stream, int64_t cursor) {
    return db_run(store,
                  "update stream set whole = case when exists (select 1 from row where"
                  " stream = ?1 and layer = 2) or exists (select 1 from outbox where stream = ?1"
                  " and state = 2 and shown = 1 and ack_seq <= ?2) then 2 else 1 end"
                  " where stream = ?1",
                  "ui", &stream, cursor);
}

enum status store_stream_set_proved(struct store *store, struct uuid stream) {
    struct store_stream state;
    TRY(store_stream_get(store, stream, &state));
    TRY(hide_passed(store, stream, (int64_t)state.cursor, true));
    return replica_put_proved(store, stream, (int64_t)state.cursor);
}

static enum status settle_stream(struct store *store, struct uuid stream, int64_t cursor) {
    TRY(db_run(store, "delete from row where stream = ?1 and layer = 2", "u", &stream));
    TRY(db_run(store, "update stream set whole = 1 where stream = ?1", "u", &stream));
    return replica_hide_passed(store, stream, cursor);
}

#define FIND_PROVED "select stream, cursor from stream where whole = 2 limit 1"

static enum status settle_all(struct store *store) {
    enum status status;
    do {
        sqlite3_stmt *statement;
        TRY(db_open(store, &statement, FIND_PROVED, ""));
        status = db_step(store, statement);
        struct uuid stream = db_column_id(statement, 0);
        int64_t cursor = sqlite3_column_int64(statement, 1);
        db_close(store, &statement);
        if (status == STATUS_OK)
            status = settle_stream(store, stream, cursor);
    } while (status == STATUS_OK);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status store_settle(struct store *store) {
    int64_t any = 0;
    TRY(db_int(store, &any, "select exists (" FIND_PROVED ")", ""));
    if (!any)
        return STATUS_OK;
    TRY(store_begin(store));
    TRY(settle_all(store));
    return store_commit(store);
}

enum status store_stream_recount(struct store *store, struct uuid stream, uint64_t *out_count,
                                 uint64_t *out_digest) {
    sqlite3_stmt *statement;
    *out_count = 0;
    *out_digest = 0;
    TRY(db_open(store, &statement, "select id, version from row where stream = ?1 and layer = 1",
                "u", &stream));
    enum status status;
    while ((status = db_step(store, statement)) == STATUS_OK) {
        (*out_count)++;
        *out_digest ^=
            digest_row(db_column_id(statement, 0), (uint64_t)sqlite3_column_int64(statement, 1));
    }
    db_close(store, &statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
