// The home's tables. Each step is one transaction that also raises user_version, so a crash leaves
// either the old or the new schema. A released step is never edited: changes are new steps.
#include "client/store/db.h"

#define APPLICATION_ID 0x4c785831 // "LxX1": a database of another program is refused

// layer 0: local, by own operations; 1: replica; 2: former rows (replica.h). body: encoded lx.Row.
// stream.whole: 1 when proved, 2 when proved and not settled.
// outbox.shown: its effect is in the local layer. outbox_need: records that must exist first.
static const char step_1[] =
    "create table config (name text primary key, value blob not null) without rowid;"
    "create table role_grant (id blob primary key, role integer not null, unit blob not null,"
    "  from_ms integer not null, until_ms integer not null) without rowid;"
    "create table stream (stream blob primary key, cursor integer not null default 0,"
    "  live_count integer not null default 0, digest integer not null default 0,"
    "  whole integer not null default 0, place integer not null default 0) without rowid;"
    "create table counter (stream blob primary key, next_op_seq integer not null) without rowid;"
    "create table row (stream blob not null, id blob not null, layer integer not null,"
    "  kind integer not null, seq integer not null, version integer not null,"
    "  subject blob not null, body blob not null, source_key blob, account text,"
    "  teacher_no text, name text, code text);"
    "create unique index row_id on row (id, layer, stream);"
    "create index row_subject on row (subject, kind);"
    "create index row_kind on row (kind, id);"
    "create index row_stream on row (stream, layer, subject);"
    "create index row_source_key on row (source_key) where source_key is not null;"
    "create index row_account on row (account) where account is not null;"
    "create index row_teacher_no on row (teacher_no) where teacher_no is not null;"
    "create index row_name on row (name) where name is not null;"
    "create index row_code on row (code) where code is not null;"
    "create table outbox (id integer primary key autoincrement, stream blob not null,"
    "  op_seq integer not null default 0, batch integer not null default 0,"
    "  state integer not null default 1, shown integer not null default 1,"
    "  roster integer not null, record blob not null, operation blob not null,"
    "  created_ms integer not null, acked_ms integer not null default 0,"
    "  ack_seq integer not null default 0, retry_of integer not null default 0, reason blob);"
    "create unique index outbox_key on outbox (stream, op_seq) where op_seq > 0;"
    "create index outbox_state on outbox (state, stream, id);"
    "create index outbox_shown on outbox (stream, state, ack_seq) where shown = 1;"
    "create index outbox_record on outbox (record, id);"
    "create table outbox_need (operation integer not null, record blob not null,"
    "  primary key (operation, record)) without rowid;";

// again: state before a restored server made it wait once more; 0: it did not. acked_seen_ms:
// newest time seen from a server when it was acknowledged.
static const char step_2[] =
    "alter table outbox add column again integer not null default 0;"
    "alter table outbox add column acked_seen_ms integer not null default 0;"
    "create index outbox_acked on outbox (acked_ms) where state = 2;";

// Files that were written for somebody to carry, and the keys that stand in them.
static const char step_3[] =
    "create table bundle (id blob primary key, receipt_key blob not null,"
    "  created_ms integer not null) without rowid;"
    "create table bundle_group (bundle blob not null, part integer not null, stream blob not null,"
    "  op_from integer not null, op_to integer not null, primary key (bundle, part, stream))"
    "  without rowid;"
    "create index bundle_group_stream on bundle_group (stream, op_to);";

static const char step_4[] =
    "create index outbox_held on outbox (stream) where state = 1 and reason is not null;";

// refusal: the reason it was refused with before it went again; meanwhile `reason` says why it
// waits.
static const char step_5[] = "alter table outbox add column refusal blob;";

static const char *const steps[STORE_SCHEMA_VERSION] = {step_1, step_2, step_3, step_4, step_5};

static enum status run_text(struct store *store, const char *sql, const char *what) {
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : db_fail(store, code, what);
}

static bool has_pragma(struct store *store, const char *get, const char *expected) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(store->db, get, -1, &statement, NULL) != SQLITE_OK)
        return false;
    bool same = sqlite3_step(statement) == SQLITE_ROW &&
                sqlite3_stricmp((const char *)sqlite3_column_text(statement, 0), expected) == 0;
    sqlite3_finalize(statement);
    return same;
}

// Pragmas with unknown names or values are accepted in silence, so each is read back.
static enum status set_pragma(struct store *store, const char *set, const char *get,
                              const char *expected) {
    TRY(run_text(store, set, "setting a pragma"));
    if (has_pragma(store, get, expected))
        return STATUS_OK;
    return db_error(store, STATUS_IO, "SQLite does not do \"%s\" (wants %s)", set, expected);
}

static enum status run_step(struct store *store, int64_t step) {
    // Another program may have made this step while we waited for the lock.
    int64_t version = 0;
    TRY(db_int(store, &version, "pragma user_version", ""));
    if (version > step)
        return STATUS_OK;
    char number[96];
    sqlite3_snprintf(sizeof number, number, "pragma user_version = %d; pragma application_id = %d",
                     (int)(step + 1), APPLICATION_ID);
    TRY(run_text(store, steps[step], "making the tables"));
    return run_text(store, number, "setting the schema's version");
}

static enum status upgrade_from(struct store *store, int64_t version) {
    for (int64_t i = version; i < STORE_SCHEMA_VERSION; i++) {
        TRY(store_begin(store));
        enum status status = run_step(store, i);
        if (status != STATUS_OK) {
            store_rollback(store);
            return status;
        }
        TRY(store_commit(store));
    }
    return STATUS_OK;
}

static enum status read_versions(struct store *store, int64_t *out_version, int64_t *out_owner) {
    TRY(db_int(store, out_version, "pragma user_version", ""));
    return db_int(store, out_owner, "pragma application_id", "");
}

static enum status upgrade(struct store *store) {
    int64_t version = 0;
    int64_t owner = 0;
    TRY(read_versions(store, &version, &owner));
    if ((version == 0 && owner != 0) || (version > 0 && owner != APPLICATION_ID))
        return db_error(store, STATUS_CORRUPT, "%s/lianxiao.db is not a Lianxiao home",
                        store->home);
    if (version > STORE_SCHEMA_VERSION)
        return db_error(store, STATUS_CORRUPT,
                        "the home %s was made by a newer program (schema %lld, this one knows %d)",
                        store->home, (long long)version, STORE_SCHEMA_VERSION);
    return version == STORE_SCHEMA_VERSION ? STATUS_OK : upgrade_from(store, version);
}

// The mode stays in the file: only a new home needs it set, which needs the lock. Else opening for
// reading would wait for a writer.
static enum status set_log_mode(struct store *store) {
    char holder[LOCK_HOLDER_SIZE];
    if (has_pragma(store, "pragma journal_mode", "wal"))
        return STATUS_OK;
    enum status status = lock_take(&store->lock, store->program, store->lock_wait_ms, holder);
    if (status != STATUS_OK)
        return db_error(store, status, "%s", holder);
    status = set_pragma(store, "pragma journal_mode = wal", "pragma journal_mode", "wal");
    lock_release(&store->lock);
    return status;
}

enum status schema_open(struct store *store) {
    TRY(set_log_mode(store));
    TRY(set_pragma(store, "pragma synchronous = full", "pragma synchronous", "2"));
    TRY(set_pragma(store, "pragma wal_autocheckpoint = 0", "pragma wal_autocheckpoint", "0"));
    TRY(set_pragma(store, "pragma foreign_keys = on", "pragma foreign_keys", "1"));
    TRY(set_pragma(store, "pragma trusted_schema = off", "pragma trusted_schema", "0"));
    return upgrade(store);
}
