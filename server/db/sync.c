// The blocking connection. See sync.h.
#include "server/db/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "server/db/internal.h"

struct db_sync {
    PGconn *pg;     // owns
    bool *prepared; // owns; per embedded statement
    bool scope_prepared;
    bool in_transaction; // db_sync_begin was called
    char sqlstate[6];
    char error[512];
};

static void on_notice(void *user, const char *message) {
    (void)user;
    log_debug("database: %s", message);
}

static void remember_error(struct db_sync *db, const PGresult *pg) {
    const char *state = pg != NULL ? PQresultErrorField(pg, PG_DIAG_SQLSTATE) : NULL;
    const char *text = pg != NULL ? PQresultErrorMessage(pg) : PQerrorMessage(db->pg);
    snprintf(db->sqlstate, sizeof db->sqlstate, "%s", state != NULL ? state : "");
    snprintf(db->error, sizeof db->error, "%s", text);
    db->error[strcspn(db->error, "\n")] = '\0';
}

enum status db_sync_open(const char *dsn, const char *name, struct db_sync **out_db,
                         char *out_error, size_t error_size) {
    const char *const keys[] = {"dbname", "fallback_application_name", "client_encoding", NULL};
    const char *const values[] = {dsn, name, "UTF8", NULL};
    struct db_sync *db = calloc(1, sizeof *db);
    if (db == NULL)
        return STATUS_NO_MEMORY;
    db->prepared = calloc((size_t)statement_count() + 1, sizeof *db->prepared);
    db->pg = PQconnectdbParams(keys, values, 1);
    if (db->prepared != NULL && PQstatus(db->pg) == CONNECTION_OK) {
        PQsetNoticeProcessor(db->pg, on_notice, NULL);
        *out_db = db;
        return STATUS_OK;
    }
    if (out_error != NULL && error_size > 0)
        snprintf(out_error, error_size, "%s", PQerrorMessage(db->pg));
    db_sync_close(&db);
    return STATUS_IO;
}

void db_sync_close(struct db_sync **db) {
    if (*db == NULL)
        return;
    PQfinish((*db)->pg);
    free((*db)->prepared);
    free(*db);
    *db = NULL;
}

// Status of `pg`, which is handed out when it is good, else freed.
static enum status finish(struct db_sync *db, PGresult *pg, struct db_result **out_result) {
    enum status status = pg != NULL ? result_status(pg) : STATUS_NO_MEMORY;
    if (PQstatus(db->pg) == CONNECTION_BAD)
        status = STATUS_IO;
    if (status != STATUS_OK)
        remember_error(db, pg);
    if (status == STATUS_OK && out_result != NULL) {
        *out_result = calloc(1, sizeof **out_result);
        if (*out_result != NULL) {
            (*out_result)->pg = pg;
            return STATUS_OK;
        }
        status = STATUS_NO_MEMORY;
    }
    PQclear(pg);
    return status;
}

static enum status command(struct db_sync *db, const char *sql) {
    return finish(db, PQexec(db->pg, sql), NULL);
}

enum status db_sync_begin(struct db_sync *db) {
    TRY(command(db, "begin"));
    db->in_transaction = true;
    return STATUS_OK;
}

enum status db_sync_commit(struct db_sync *db) {
    // In a failed transaction `commit` rolls back and reports no error: look first.
    bool failed = PQtransactionStatus(db->pg) == PQTRANS_INERROR;
    db->in_transaction = false;
    TRY(command(db, "commit"));
    return failed ? STATUS_CONFLICT : STATUS_OK;
}

void db_sync_rollback(struct db_sync *db) {
    db->in_transaction = false;
    PGTransactionStatusType state = PQtransactionStatus(db->pg);
    if (state == PQTRANS_INTRANS || state == PQTRANS_INERROR)
        PQclear(PQexec(db->pg, "rollback"));
}

enum status db_sync_scope(struct db_sync *db, struct db_scope scope) {
    if (!db->scope_prepared) {
        TRY(finish(db, PQprepare(db->pg, STATEMENT_SCOPE_NAME, STATEMENT_SCOPE_TEXT, 0, NULL),
                   NULL));
        db->scope_prepared = true;
    }
    const char *const values[] = {scope.districts != NULL ? scope.districts : "",
                                  scope.streams != NULL ? scope.streams : "",
                                  scope.person != NULL ? scope.person : ""};
    return finish(db, PQexecPrepared(db->pg, STATEMENT_SCOPE_NAME, 3, values, NULL, NULL, 1), NULL);
}

static const struct db_params NO_PARAMS;

enum status db_sync_query(struct db_sync *db, const char *statement, struct db_params *params,
                          struct db_result **out_result) {
    const struct db_params *given = params != NULL ? params : &NO_PARAMS;
    if (out_result != NULL)
        *out_result = NULL;
    if (given->failed)
        return STATUS_NO_MEMORY;
    int index = statement_find(statement);
    if (index < 0) {
        snprintf(db->error, sizeof db->error, "no statement sql/queries/%s.sql", statement);
        return STATUS_NOT_FOUND;
    }
    if (!db->prepared[index]) {
        TRY(finish(db, PQprepare(db->pg, statement, statement_text(index), 0, NULL), NULL));
        db->prepared[index] = true;
    }
    return finish(db,
                  PQexecPrepared(db->pg, statement, given->n, given->values, given->lengths,
                                 given->formats, 1),
                  out_result);
}

enum status db_sync_sql(struct db_sync *db, const char *sql, struct db_params *params,
                        struct db_result **out_result) {
    const struct db_params *given = params != NULL ? params : &NO_PARAMS;
    if (out_result != NULL)
        *out_result = NULL;
    if (given->failed)
        return STATUS_NO_MEMORY;
    return finish(
        db,
        PQexecParams(db->pg, sql, given->n, NULL, given->values, given->lengths, given->formats, 1),
        out_result);
}

enum status db_sync_script(struct db_sync *db, const char *sql) {
    return command(db, sql); // the simple protocol runs a script as one transaction
}

void db_sync_free_result(struct db_result **result) {
    if (*result == NULL)
        return;
    PQclear((*result)->pg);
    free(*result);
    *result = NULL;
}

bool db_sync_is_broken(const struct db_sync *db) {
    return PQstatus(db->pg) != CONNECTION_OK;
}

const char *db_sync_error(const struct db_sync *db) {
    return db->error;
}

const char *db_sync_sqlstate(const struct db_sync *db) {
    return db->sqlstate;
}
