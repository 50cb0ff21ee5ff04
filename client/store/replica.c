// Reading the local view: own operations first, then what the server sent. See replica.h.
#include "client/store/replica.h"

#include "client/store/db.h"
#include "common/wire/unpack.h"

// A local row shows the version that the next change must name: that of the server's row, and one
// more for each own change of a roster row that is on its way.
#define ROW_COLUMNS                                                                                \
    "select kind, stream, id, case when layer > 0 then version else coalesce((select r.version"    \
    " from row r where r.id = row.id and r.layer > 0 order by r.layer, r.version desc limit 1), "  \
    "0)"                                                                                           \
    " + (select count(*) from outbox o"                                                            \
    " where o.record = row.id and o.roster = 1 and o.shown = 1 and o.state in (1, 2)) end,"        \
    " layer, body from row"
#define ROW_ORDER " order by id, layer, version desc"

static enum status read_row(sqlite3_stmt *statement, struct arena *arena, struct store_row *out) {
    struct view body = db_view(statement, 5);
    ProtobufCAllocator allocator = unpack_allocator(arena);
    *out = (struct store_row){
        .kind = (enum store_kind)sqlite3_column_int(statement, 0),
        .stream = db_column_id(statement, 1),
        .id = db_column_id(statement, 2),
        .version = (uint64_t)sqlite3_column_int64(statement, 3),
        .local = sqlite3_column_int(statement, 4) == DB_LAYER_LOCAL,
        .former = sqlite3_column_int(statement, 4) == DB_LAYER_FORMER,
        .row = lx__row__unpack(&allocator, body.size, body.data),
    };
    return out->row ? STATUS_OK : STATUS_CORRUPT;
}

// The four shapes of a query that have an index of their own; the rest is filtered.
static enum status open_query(struct store *store, const struct store_query *query,
                              sqlite3_stmt **out_statement) {
    if (query->id)
        return db_open(store, out_statement, ROW_COLUMNS " where id = ?1" ROW_ORDER, "u",
                       query->id);
    if (query->subject)
        return db_open(store, out_statement, ROW_COLUMNS " where subject = ?1" ROW_ORDER, "u",
                       query->subject);
    if (query->kind != STORE_KIND_ANY)
        return db_open(store, out_statement, ROW_COLUMNS " where kind = ?1" ROW_ORDER, "i",
                       (int64_t)query->kind);
    if (query->stream)
        return db_open(store, out_statement, ROW_COLUMNS " where stream = ?1" ROW_ORDER, "u",
                       query->stream);
    return db_open(store, out_statement, ROW_COLUMNS ROW_ORDER, "");
}

static bool wanted(const struct store_query *query, sqlite3_stmt *statement) {
    if (query->kind != STORE_KIND_ANY && (int)query->kind != sqlite3_column_int(statement, 0))
        return false;
    return !query->stream || uuid_equal(*query->stream, db_column_id(statement, 1));
}

// One row out of those with the same id, in ROW_ORDER: the first.
struct walk {
    struct uuid last;
    bool started;
};

static bool walk_repeats(struct walk *walk, sqlite3_stmt *statement) {
    struct uuid id = db_column_id(statement, 2);
    bool repeats = walk->started && uuid_equal(walk->last, id);
    walk->last = id;
    walk->started = true;
    return repeats;
}

enum status store_each(struct store *store, const struct store_query *query, store_row_fn fn,
                       void *user) {
    struct arena *arena = arena_new(0);
    if (!arena)
        return STATUS_NO_MEMORY;
    sqlite3_stmt *statement = NULL;
    struct walk walk = {.started = false};
    enum status status = open_query(store, query, &statement);
    while (status == STATUS_OK && (status = db_step(store, statement)) == STATUS_OK) {
        struct store_row row;
        if (!wanted(query, statement) || walk_repeats(&walk, statement))
            continue;
        status = read_row(statement, arena, &row);
        if (status == STATUS_OK)
            status = fn(user, &row);
        arena_reset(arena);
    }
    // Not the callback's STATUS_NOT_FOUND, which leaves the statement in the middle.
    bool ended = status == STATUS_NOT_FOUND && statement && !sqlite3_stmt_busy(statement);
    db_close(store, &statement);
    arena_free(&arena);
    return ended ? STATUS_OK : status;
}

static enum status rows_add(struct store_rows *rows, size_t *capacity, struct arena *arena,
                            const struct store_row *row) {
    if (rows->count == *capacity) {
        size_t larger = *capacity ? *capacity * 2 : 16;
        struct store_row *grown = arena_array(arena, larger, sizeof *grown);
        if (!grown)
            return STATUS_NO_MEMORY;
        for (size_t i = 0; i < rows->count; i++)
            grown[i] = rows->rows[i];
        rows->rows = grown;
        *capacity = larger;
    }
    rows->rows[rows->count++] = *row;
    return STATUS_OK;
}

static enum status collect(struct store *store, sqlite3_stmt *statement,
                           const struct store_query *query, struct arena *arena,
                           struct store_rows *out_rows) {
    size_t capacity = 0;
    struct walk walk = {.started = false};
    enum status status;
    while ((status = db_step(store, statement)) == STATUS_OK) {
        struct store_row row;
        if (!wanted(query, statement) || walk_repeats(&walk, statement))
            continue;
        TRY(read_row(statement, arena, &row));
        TRY(rows_add(out_rows, &capacity, arena, &row));
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status store_find(struct store *store, const struct store_query *query, struct arena *arena,
                       struct store_rows *out_rows) {
    *out_rows = (struct store_rows){NULL, 0};
    sqlite3_stmt *statement;
    TRY(open_query(store, query, &statement));
    enum status status = collect(store, statement, query, arena, out_rows);
    db_close(store, &statement);
    return status;
}

enum status store_find_id(struct store *store, enum store_kind kind, struct uuid id,
                          struct arena *arena, struct store_row *out_row) {
    struct store_query query = {.kind = kind, .id = &id};
    struct store_rows rows;
    TRY(store_find(store, &query, arena, &rows));
    if (rows.count == 0)
        return STATUS_NOT_FOUND;
    *out_row = rows.rows[0];
    return STATUS_OK;
}

static const char *const key_sql[] = {
    [STORE_KEY_ACCOUNT] = ROW_COLUMNS " where account = ?1" ROW_ORDER,
    [STORE_KEY_TEACHER_NO] = ROW_COLUMNS " where teacher_no = ?1" ROW_ORDER,
    [STORE_KEY_NAME] = ROW_COLUMNS " where name = ?1" ROW_ORDER,
    [STORE_KEY_CODE] = ROW_COLUMNS " where code = ?1" ROW_ORDER,
};

// A person whose account was changed here still has a replica row with the old one: only rows that
// the view shows count.
static enum status keep_current(struct store *store, struct arena *arena, struct store_rows *rows) {
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        struct store_row current;
        TRY(store_find_id(store, rows->rows[i].kind, rows->rows[i].id, arena, &current));
        if (current.local == rows->rows[i].local && current.former == rows->rows[i].former)
            rows->rows[kept++] = rows->rows[i];
    }
    rows->count = kept;
    return STATUS_OK;
}

enum status store_find_key(struct store *store, enum store_key key, struct view value,
                           struct arena *arena, struct store_rows *out_rows) {
    static const struct store_query all = {.kind = STORE_KIND_ANY};
    *out_rows = (struct store_rows){NULL, 0};
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement, key_sql[key], "t", value));
    enum status status = collect(store, statement, &all, arena, out_rows);
    db_close(store, &statement);
    return status == STATUS_OK ? keep_current(store, arena, out_rows) : status;
}

enum status store_has_source_key(struct store *store, const uint8_t key[32], bool *out_has) {
    int64_t one = 0;
    enum status status = db_int(store, &one, "select 1 from row where source_key = ?1 limit 1", "b",
                                view_from(key, 32));
    *out_has = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status store_home_stream(struct store *store, struct uuid subject, struct uuid *out_stream) {
    sqlite3_stmt *statement;
    // A unit's stream has its id. A person's row from the server beats the local one: it is where
    // the server has put him; of two (a move under way) the newer.
    TRY(db_open(store, &statement,
                "select case kind when 4 then id else stream end from row"
                " where id = ?1 and kind in (2, 4) order by layer = 0, layer, version desc, seq "
                "desc limit 1",
                "u", &subject));
    enum status status = db_step(store, statement);
    if (status == STATUS_OK)
        *out_stream = db_column_id(statement, 0);
    db_close(store, &statement);
    return status;
}

enum status store_programme(struct store *store, uint32_t number, struct arena *arena,
                            const Lx__Programme **out_programme) {
    struct store_query query = {.kind = STORE_KIND_PROGRAMME};
    struct store_rows rows;
    *out_programme = NULL;
    TRY(store_find(store, &query, arena, &rows));
    for (size_t i = 0; i < rows.count; i++) {
        const Lx__Programme *programme = rows.rows[i].row->programme;
        bool newer =
            !*out_programme || programme->scheme_version > (*out_programme)->scheme_version;
        if (programme->number == number && newer)
            *out_programme = programme;
    }
    return *out_programme ? STATUS_OK : STATUS_NOT_FOUND;
}
