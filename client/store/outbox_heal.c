// What a restored server makes necessary: operations that it has lost go again under their keys, as
// the same bytes; and what is kept for that, and for how long. See outbox.h.
#include "client/store/db.h"
#include "client/store/outbox.h"
#include "client/store/replica.h"

#define KEEP_MS (35LL * 24 * 3600 * 1000) // as long as the server takes late operations
#define PRUNE_AT_ONCE 2000

// ---- keys ----

// Back to what they were before they were put under way again, if that was an answer that a person
// has seen; their keys stay readable as negative numbers.
#define TAKE_KEYS_BACK                                                                             \
    "update outbox set op_seq = case when again > 2 then -op_seq else 0 end, batch = 0,"           \
    " reason = case when again > 2 then coalesce(refusal, reason) else reason end,"                \
    " state = case when again > 2 then again else 1 end, again = 0 where state = 1"

enum status outbox_take_keys_back(struct store *store, struct uuid stream, int64_t from) {
    return db_run(store, TAKE_KEYS_BACK " and stream = ?1 and op_seq >= ?2", "ui", &stream, from);
}

// The local rows of all records that a statement names, which is closed.
static enum status refresh_each(struct store *store, sqlite3_stmt *statement) {
    enum status status;
    while ((status = db_step(store, statement)) == STATUS_OK) {
        status = outbox_refresh_local(store, db_column_id(statement, 0));
        if (status != STATUS_OK)
            break;
    }
    db_close(store, &statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status refresh_waiting(struct store *store, struct uuid stream, int64_t from) {
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement,
                "select record from outbox where stream = ?1 and state = 1 and again = 2 and"
                " (op_seq >= ?2 or op_seq = 0)",
                "ui", &stream, from));
    return refresh_each(store, statement);
}

// A key that is missing was forgotten after its time: the server's history is older than what is
// kept. The rest gets keys anew; that they were others once, the server does not know. But bundles
// do: what stands in one may still arrive, and its receipt speaks of keys.
static enum status close_hole(struct store *store, struct uuid stream, int64_t expected) {
    int64_t bundled = 0;
    TRY(db_int(store, &bundled,
               "select exists (select 1 from bundle_group where stream = ?1 and op_to >= ?2)", "ui",
               &stream, expected));
    if (bundled)
        return STATUS_NOT_FOUND;
    TRY(db_run(store,
               "update outbox set again = 0 where stream = ?1 and op_seq >= ?2 and state = 1"
               " and again = 2",
               "ui", &stream, expected));
    TRY(outbox_take_keys_back(store, stream, expected));
    return outbox_set_next_key(store, stream, expected);
}

// What was refused, or put away after that, fills its key; it is not in the local view.
// From `expected` on the server has nothing; what lies before it is only asked for and keeps its
// place (ack_seq).
static enum status go_again(struct store *store, struct uuid stream, int64_t from,
                            int64_t expected) {
    TRY(db_run(store,
               "update outbox set again = state, state = 1,"
               " ack_seq = case when op_seq < ?3 then ack_seq else 0 end,"
               " shown = state = 2, reason = case state when 2 then null else reason end,"
               " refusal = case state when 2 then null else reason end"
               " where stream = ?1 and op_seq >= ?2 and state in (2, 3, 4)",
               "uii", &stream, from, expected));
    TRY(refresh_waiting(store, stream, from));
    return db_run(store, "update stream set whole = 0 where stream = ?1", "u", &stream);
}

static enum status rewind_from(struct store *store, struct uuid stream, int64_t from,
                               int64_t expected) {
    int64_t held = 0;
    int64_t last = 0;
    TRY(db_int(store, &last, "select max(op_seq) from outbox where stream = ?1 and op_seq >= ?2",
               "ui", &stream, expected));
    TRY(db_int(store, &held, "select count(*) from outbox where stream = ?1 and op_seq >= ?2", "ui",
               &stream, expected));
    TRY(go_again(store, stream, from, expected));
    return held == last - expected + 1 ? STATUS_OK : close_hole(store, stream, expected);
}

enum status store_outbox_rewind(struct store *store, struct uuid stream, uint64_t expected) {
    return rewind_from(store, stream, (int64_t)expected, (int64_t)expected);
}

// ---- what the server has lost ----

static enum status has_new_epoch(struct store *store, bool *out_new) {
    int64_t differs = 0;
    *out_new = false;
    enum status status = db_int(store, &differs,
                                "select now.value <> coalesce(then_.value, now.value)"
                                " from config now left join config then_ on then_.name = ?2"
                                " where now.name = ?1",
                                "tt", view_from_string(STORE_CONFIG_DB_EPOCH),
                                view_from_string(STORE_CONFIG_HEALED_EPOCH));
    *out_new = differs != 0;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

// In a new epoch somebody else may have come first and filled keys that the restore had freed: a
// copy of this home with other operations, or a copy or a bundle with the same ones, which this
// server may have refused. So all that is kept below what the server expects goes again, from the
// first key on: hashes show a copy, the answers what is refused now. 0: nothing, or no new epoch.
static enum status find_kept(struct store *store, struct uuid stream, int64_t server_next,
                             int64_t *out_key) {
    bool is_new;
    *out_key = 0;
    TRY(has_new_epoch(store, &is_new));
    if (!is_new)
        return STATUS_OK;
    return db_int(store, out_key,
                  "select coalesce(min(op_seq), 0) from outbox where stream = ?1"
                  " and op_seq between 1 and ?2 - 1 and state in (2, 3, 4)",
                  "ui", &stream, server_next);
}

static enum status find_lost(struct store *store, struct uuid stream, int64_t server_next,
                             struct outbox_lost *out_lost) {
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement,
                "select count(*), coalesce(sum(state = 2), 0),"
                " coalesce(min(case state when 2 then acked_ms end), 0) from outbox"
                " where stream = ?1 and op_seq >= ?2 and state in (2, 3, 4)",
                "ui", &stream, server_next));
    enum status status = db_step(store, statement);
    *out_lost = (struct outbox_lost){
        .any = sqlite3_column_int64(statement, 0) > 0,
        .records = (uint64_t)sqlite3_column_int64(statement, 1),
        .before_ms = sqlite3_column_int64(statement, 2),
    };
    db_close(store, &statement);
    return status;
}

enum status store_outbox_heal(struct store *store, struct uuid stream, uint64_t server_next,
                              struct outbox_lost *out_lost) {
    int64_t kept = 0;
    TRY(find_lost(store, stream, (int64_t)server_next, out_lost));
    TRY(find_kept(store, stream, (int64_t)server_next, &kept));
    if (out_lost->any) {
        enum status status = rewind_from(store, stream, kept > 0 ? kept : (int64_t)server_next,
                                         (int64_t)server_next);
        return status == STATUS_NOT_FOUND ? STATUS_OK : status; // the push will meet the gap
    }
    return kept > 0 ? go_again(store, stream, kept, (int64_t)server_next) : STATUS_OK;
}

// Streams that the login no longer has: nobody tells what the server holds of them, so all that is
// kept goes again; what is there is answered as before. A hole stays one: where the server's own
// end lies only its answers say.
static enum status rewind_foreign(struct store *store) {
    for (;;) {
        sqlite3_stmt *statement;
        struct uuid stream = {{0}};
        int64_t first = 0;
        TRY(db_open(store, &statement,
                    "select stream, min(op_seq) from outbox where op_seq > 0 and state = 2"
                    " and stream not in (select stream from stream) group by stream limit 1",
                    ""));
        enum status status = db_step(store, statement);
        if (status == STATUS_OK) {
            stream = db_column_id(statement, 0);
            first = sqlite3_column_int64(statement, 1);
        }
        db_close(store, &statement);
        if (status != STATUS_OK)
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        TRY(go_again(store, stream, first, first));
    }
}

// Stored under keys of a former device of this home: as this device's, with the same record ids.
// Only what was acknowledged up to then (REISSUE_ALL: ever); of a roster row the newest change.
#define REISSUE_ALL INT64_MAX
static enum status reissue_former(struct store *store, int64_t acked_until_ms) {
    sqlite3_stmt *statement;
    TRY(db_run(store,
               "update outbox set state = 1, op_seq = 0, batch = 0, acked_ms = 0, ack_seq = 0,"
               " shown = 1 where state = 2 and op_seq < 0 and acked_ms <= ?1 and not exists"
               " (select 1 from outbox l where l.record = outbox.record and l.id > outbox.id"
               "  and l.state in (1, 2))",
               "i", acked_until_ms));
    TRY(db_open(store, &statement, "select record from outbox where state = 1 and op_seq = 0", ""));
    return refresh_each(store, statement);
}

// What was acknowledged until now, another database has said; only what is acknowledged from now on
// this one holds for sure, however its keys stand.
static enum status put_doubtful(struct store *store) {
    int64_t newest_ms = 0;
    TRY(db_int(store, &newest_ms,
               "select coalesce(max(acked_ms), 0) from outbox where state = 2 or again = 2", ""));
    return store_config_set_int(store, STORE_CONFIG_DOUBTFUL, newest_ms);
}

static enum status put_healed(struct store *store) {
    return db_run(store,
                  "insert into config (name, value) select ?2, value from config where name = ?1"
                  " on conflict (name) do update set value = excluded.value",
                  "tt", view_from_string(STORE_CONFIG_DB_EPOCH),
                  view_from_string(STORE_CONFIG_HEALED_EPOCH));
}

// Rows that were changed again after the restore have the version that they had in the history that
// was lost, with another content: neither head nor digest can tell. So every replica begins anew.
static enum status restart_replicas(struct store *store) {
    struct store_stream *streams;
    size_t n = 0;
    struct arena *arena = arena_new(0);
    enum status status =
        arena != NULL ? store_streams(store, arena, &n, &streams) : STATUS_NO_MEMORY;
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        status = store_stream_restart(store, streams[i].stream);
    arena_free(&arena);
    return status;
}

enum status store_outbox_heal_epoch(struct store *store) {
    bool is_new;
    TRY(has_new_epoch(store, &is_new));
    if (is_new) {
        TRY(put_doubtful(store));
        TRY(rewind_foreign(store));
        TRY(reissue_former(store, REISSUE_ALL));
        TRY(restart_replicas(store));
    }
    return put_healed(store);
}

// What was only asked for goes to the next device as reissue_former has it: an older change of a
// roster row would be refused, and all that follows it would wait.
static enum status keep_newest_changes(struct store *store) {
    return db_run(store,
                  "update outbox set state = 2, again = 0, shown = 0 where state = 1 and again = 2"
                  " and ack_seq > 0 and exists (select 1 from outbox l where"
                  "  l.record = outbox.record and l.id > outbox.id and l.state in (1, 2))",
                  "");
}

enum status store_outbox_new_device(struct store *store) {
    bool is_new;
    int64_t doubtful_ms;
    TRY(has_new_epoch(store, &is_new));
    TRY(store_config_get_int(store, STORE_CONFIG_DOUBTFUL, -1, &doubtful_ms));
    TRY(keep_newest_changes(store));
    TRY(db_run(store, TAKE_KEYS_BACK, ""));
    // Keys of the former device stay readable as negative numbers.
    TRY(db_run(store, "update outbox set op_seq = -op_seq where op_seq > 0", ""));
    if (is_new) {
        TRY(restart_replicas(store));
        TRY(put_healed(store));
    }
    if (is_new || doubtful_ms >= 0) // a copy may have filled keys of ours: see find_kept
        TRY(reissue_former(store, is_new ? REISSUE_ALL : doubtful_ms));
    // The former device's: their keys are nobody's now.
    TRY(db_run(store, "delete from bundle", ""));
    TRY(db_run(store, "delete from bundle_group", ""));
    return db_run(store, "delete from counter", "");
}

// ---- forgetting ----

// Both clocks must agree that its time is over: this machine's, and the servers' as far as seen.
#define IS_OVER                                                                                    \
    "select id from outbox where state = 2 and shown = 0 and acked_ms < ?1 and"                    \
    " acked_seen_ms < ?2 order by acked_ms limit ?3"

enum status store_outbox_prune(struct store *store, int64_t now_ms) {
    int64_t seen_ms = 0;
    TRY(store_config_get_int(store, STORE_CONFIG_SERVER_TIME, 0, &seen_ms));
    if (seen_ms == 0) // no server was ever seen
        return STATUS_OK;
    TRY(db_run(store, "delete from outbox_need where operation in (" IS_OVER ")", "iii",
               now_ms - KEEP_MS, seen_ms - KEEP_MS, (int64_t)PRUNE_AT_ONCE));
    return db_run(store, "delete from outbox where id in (" IS_OVER ")", "iii", now_ms - KEEP_MS,
                  seen_ms - KEEP_MS, (int64_t)PRUNE_AT_ONCE);
}
