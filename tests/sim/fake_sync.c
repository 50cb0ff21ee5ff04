// The blocking connection of assessor and verify over the one connection. A transaction is not
// interleaved with others; it may be lost before or after its commit. In the place of
// server/db/sync.
#include "server/db/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/fake_base.h"

struct db_sync {
    char role[32];
    struct machine *machine;
    bool in_transaction;
    bool failed; // in it
    bool broken;
    char sqlstate[6];
    char error[512];
};

static void pause_for(int64_t us) {
    if (fiber_current() != NULL)
        fiber_sleep(us);
}

enum status db_sync_open(const char *dsn, const char *name, struct db_sync **out_db,
                         char *out_error, size_t error_size) {
    (void)name;
    if (out_error != NULL)
        snprintf(out_error, error_size, "no database");
    pause_for(SIM_MS);
    if (machine_current()->dead)
        return STATUS_IO;
    *out_db = calloc(1, sizeof **out_db);
    if (*out_db == NULL)
        return STATUS_NO_MEMORY;
    snprintf((*out_db)->role, sizeof(*out_db)->role, "%s", dsn);
    (*out_db)->machine = machine_current();
    return STATUS_OK;
}

void db_sync_close(struct db_sync **db) {
    if (*db == NULL)
        return;
    db_sync_rollback(*db);
    free(*db);
    *db = NULL;
}

// Has the connection gone before this call? What is open then is rolled back.
static bool is_lost(struct db_sync *db, unsigned per_ten_thousand) {
    if (!db->broken && (db->machine->dead || sim_chance(per_ten_thousand))) {
        count(COUNT_LOST_QUERY);
        trace("the blocking connection is lost");
        if (db->in_transaction)
            base_rollback();
        db->in_transaction = false;
        db->broken = true;
        snprintf(db->error, sizeof db->error, "connection lost");
    }
    return db->broken;
}

// A busy database: what comes meanwhile is folded into one round, which saves the simulation time.
enum status db_sync_begin(struct db_sync *db) {
    pause_for(sim_between(SIM_MS, 80 * SIM_MS));
    if (is_lost(db, 10))
        return STATUS_IO;
    base_begin(db->role, DB_SCOPE_NONE);
    db->in_transaction = true;
    db->failed = false;
    return STATUS_OK;
}

enum status db_sync_commit(struct db_sync *db) {
    if (is_lost(db, 10))
        return STATUS_IO;
    bool failed = db->failed;
    if (failed)
        base_rollback();
    else
        base_commit();
    db->in_transaction = false;
    trace("the blocking transaction is %s", failed ? "rolled back" : "committed");
    pause_for(sim_between(50, 5 * SIM_MS));
    if (is_lost(db, 10)) { // after the commit, before its answer
        count(COUNT_LOST_ANSWER);
        return STATUS_IO;
    }
    return failed ? STATUS_CONFLICT : STATUS_OK;
}

void db_sync_rollback(struct db_sync *db) {
    if (db->in_transaction)
        base_rollback();
    db->in_transaction = false;
}

static void note(const char *name, PGresult *pg) {
    struct db_result result = {pg};
    if (strcmp(name, "district_put") == 0)
        count(COUNT_ROUNDS);
    if (strcmp(name, "prune") != 0 || result_status(pg) != STATUS_OK)
        return;
    trace("%d tombstones are removed", (int)db_int8(&result, 0, 0));
    for (int64_t i = db_int8(&result, 0, 0); i > 0; i--)
        count(COUNT_PRUNED);
}

static enum status query(struct db_sync *db, const char *name, const char *text,
                         const struct db_params *params, struct db_result **out_result) {
    if (out_result != NULL)
        *out_result = NULL;
    if (is_lost(db, 2))
        return STATUS_IO;
    if (db->failed)
        return STATUS_INVALID;
    PGresult *pg = base_query(db->role, name, text, params);
    note(name, pg);
    enum status status = result_status(pg);
    if (status != STATUS_OK) {
        const char *state = PQresultErrorField(pg, PG_DIAG_SQLSTATE);
        snprintf(db->sqlstate, sizeof db->sqlstate, "%s", state != NULL ? state : "");
        snprintf(db->error, sizeof db->error, "%s", PQresultErrorMessage(pg));
        db->failed = true;
    } else if (out_result != NULL) {
        *out_result = calloc(1, sizeof **out_result);
        if (*out_result == NULL)
            abort();
        (*out_result)->pg = pg;
        return STATUS_OK;
    }
    PQclear(pg);
    return status;
}

static enum status ask(struct db_sync *db, const char *name, const char *text,
                       const struct db_params *params, struct db_result **out_result) {
    if (params != NULL && params->failed)
        return STATUS_NO_MEMORY;
    if (db->in_transaction)
        return query(db, name, text, params, out_result);
    TRY(db_sync_begin(db));
    enum status status = query(db, name, text, params, out_result);
    if (status != STATUS_OK) {
        db_sync_rollback(db);
        return status;
    }
    status = db_sync_commit(db);
    if (status != STATUS_OK && out_result != NULL)
        base_free(out_result);
    return status;
}

enum status db_sync_scope(struct db_sync *db, struct db_scope scope) {
    (void)db;
    (void)scope;
    abort(); // nobody in the simulation asks for it
}

enum status db_sync_query(struct db_sync *db, const char *statement, struct db_params *params,
                          struct db_result **out_result) {
    int index = statement_find(statement);
    if (index < 0)
        return STATUS_NOT_FOUND;
    return ask(db, statement, statement_text(index), params, out_result);
}

enum status db_sync_sql(struct db_sync *db, const char *sql, struct db_params *params,
                        struct db_result **out_result) {
    if (strncmp(sql, "set transaction", strlen("set transaction")) == 0)
        return STATUS_OK; // nobody else writes meanwhile
    return ask(db, sql, sql, params, out_result);
}

enum status db_sync_script(struct db_sync *db, const char *sql) {
    return ask(db, sql, sql, NULL, NULL);
}

void db_sync_free_result(struct db_result **result) {
    base_free(result);
}

bool db_sync_is_broken(const struct db_sync *db) {
    return db->broken;
}

const char *db_sync_error(const struct db_sync *db) {
    return db->error;
}

const char *db_sync_sqlstate(const struct db_sync *db) {
    return db->sqlstate;
}
