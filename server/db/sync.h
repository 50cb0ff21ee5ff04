// The blocking variant for lianxiaoctl, the assessor and tests: one connection, the same parameters
// and result readers as the pool.
#pragma once

#include "server/db/db.h"

struct db_sync; // opaque: one connection

// out_error (may be NULL) gets libpq's message, cut to size. search_path is the role's own.
enum status db_sync_open(const char *dsn, const char *name, struct db_sync **out_db,
                         char *out_error, size_t error_size) MUST_USE;
void db_sync_close(struct db_sync **db);

// Transactions; without them every call below is one of its own.
enum status db_sync_begin(struct db_sync *db) MUST_USE;
enum status db_sync_commit(struct db_sync *db) MUST_USE;
void db_sync_rollback(struct db_sync *db); // also right after a failure, and when none is open

// Settings of row level security until the end of the transaction (call inside one).
enum status db_sync_scope(struct db_sync *db, struct db_scope scope) MUST_USE;

// An embedded statement (sql/queries/NAME.sql), prepared on first use. *out_result (may be NULL) is
// owned by the caller: db_sync_free_result; after a failure it is NULL, and db_sync_error says why.
// Status as in db_done_fn.
enum status db_sync_query(struct db_sync *db, const char *statement, struct db_params *params,
                          struct db_result **out_result) MUST_USE;
// Any one statement with parameters; binary results as well.
enum status db_sync_sql(struct db_sync *db, const char *sql, struct db_params *params,
                        struct db_result **out_result) MUST_USE;
// A script of several statements without parameters or results (migrations). As one transaction of
// its own unless one is open.
enum status db_sync_script(struct db_sync *db, const char *sql) MUST_USE;
void db_sync_free_result(struct db_result **result);

// The connection is gone: close it and open a new one.
bool db_sync_is_broken(const struct db_sync *db);
// The last error of the server or of the connection, for the operator. Never NULL.
const char *db_sync_error(const struct db_sync *db);
const char *db_sync_sqlstate(const struct db_sync *db); // "" when none
