// PostgreSQL for the server's programs: a pipelined pool on libevent and a blocking connection,
// with one way of giving parameters (binary) and one of reading results. The only folder with PQ*
// in it. Statements are the files of sql/queries, embedded: a statement's name is its file's name.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/base/uuid.h"
#include "common/base/view.h"

struct event_base;
struct db_pool;   // opaque
struct db_result; // opaque: rows, or the error

// The settings that row level security looks at; texts as PostgreSQL reads arrays ("{1,2}"). NULL
// or "": nothing visible by it. Copied by db_query.
struct db_scope {
    const char *districts; // lianxiao.districts, int[]
    const char *streams;   // lianxiao.streams, uuid[]
    const char *person;    // lianxiao.person, uuid
};
#define DB_SCOPE_NONE ((struct db_scope){NULL, NULL, NULL})

// ---- parameters: $1, $2, ... in the order of the calls ----

// In the caller's arena, which must live until the query's callback has run. A failed allocation is
// remembered and makes the query fail with STATUS_NO_MEMORY, so the calls below need no check.
// Types must be the statement's: cast in SQL ($1::uuid[]) where PostgreSQL can't know.
struct db_params;
struct db_params *db_params_new(struct arena *arena); // arena NULL: as if that had failed, too

void db_param_null(struct db_params *params);
void db_param_bool(struct db_params *params, bool value);
void db_param_int2(struct db_params *params, int16_t value);
void db_param_int4(struct db_params *params, int32_t value);
void db_param_int8(struct db_params *params, int64_t value);
void db_param_float8(struct db_params *params, double value);
void db_param_text(struct db_params *params, struct view value);   // data NULL: SQL null
void db_param_bytea(struct db_params *params, struct view value);  // data NULL: SQL null
void db_param_string(struct db_params *params, const char *value); // text; NULL: SQL null
void db_param_uuid(struct db_params *params, struct uuid value);
void db_param_timestamptz(struct db_params *params, int64_t time_ms);
void db_param_date(struct db_params *params, int32_t day); // days since 1970-01-01

// One-dimensional arrays. `nulls` may be NULL (no nulls), else nulls[i] makes element i null.
// In the view arrays an element with data NULL is null. Values are copied at once.
void db_param_bool_array(struct db_params *params, size_t n, const bool *values, const bool *nulls);
void db_param_int2_array(struct db_params *params, size_t n, const int16_t *values,
                         const bool *nulls);
void db_param_int4_array(struct db_params *params, size_t n, const int32_t *values,
                         const bool *nulls);
void db_param_int8_array(struct db_params *params, size_t n, const int64_t *values,
                         const bool *nulls);
void db_param_uuid_array(struct db_params *params, size_t n, const struct uuid *values,
                         const bool *nulls);
void db_param_text_array(struct db_params *params, size_t n, const struct view *values);
void db_param_bytea_array(struct db_params *params, size_t n, const struct view *values);
void db_param_timestamptz_array(struct db_params *params, size_t n, const int64_t *times_ms,
                                const bool *nulls);
void db_param_date_array(struct db_params *params, size_t n, const int32_t *days,
                         const bool *nulls);

// ---- results; rows and columns count from 0; a type that does not fit asserts ----

int db_rows(const struct db_result *result);
int db_columns(const struct db_result *result);
bool db_is_null(const struct db_result *result, int row, int column);
bool db_bool(const struct db_result *result, int row, int column);
// int2, int4 and int8 alike; 0 for null.
int64_t db_int8(const struct db_result *result, int row, int column);
double db_float8(const struct db_result *result, int row, int column);
// text, varchar, bytea, jsonb as it is; data NULL for null. Borrows from the result.
struct view db_text(const struct db_result *result, int row, int column);
struct view db_bytea(const struct db_result *result, int row, int column);
struct uuid db_uuid(const struct db_result *result, int row, int column); // nil for null
int64_t db_timestamptz_ms(const struct db_result *result, int row, int column);
int64_t db_timestamptz_us(const struct db_result *result, int row, int column);
int32_t db_date(const struct db_result *result, int row, int column); // days since 1970-01-01

// Elements of a one-dimensional array column (null: none). Copied into the arena; *out_values NULL
// when it has no element. Null elements read as 0, nil, or a view with data NULL.
enum status db_int8_array(const struct db_result *result, int row, int column, struct arena *arena,
                          int64_t **out_values, size_t *out_n) MUST_USE; // int2, int4, int8, bool
enum status db_uuid_array(const struct db_result *result, int row, int column, struct arena *arena,
                          struct uuid **out_values, size_t *out_n) MUST_USE;
enum status db_view_array(const struct db_result *result, int row, int column, struct arena *arena,
                          struct view **out_values, size_t *out_n) MUST_USE; // text, bytea; borrows

// "" when there was no error from the server, else five characters ("23505").
const char *db_error_sqlstate(const struct db_result *result);
const char *
db_error_text(const struct db_result *result); // primary message; may name data: log only the state
int64_t db_affected(const struct db_result *result); // rows of an insert, update, delete

// ---- the pool of the event loop ----

struct db_pool_options {
    const char *dsn;      // libpq connection string; copied
    const char *name;     // in logs and as application_name; copied
    unsigned connections; // opened at once, reopened with backoff (100 ms .. 5 s)
    unsigned depth;       // segments in flight per connection; 1: no pipelining (writers)
    unsigned wait_ms;     // a call that finds no free connection for so long fails STATUS_AGAIN
};

// NULL only when out of memory; connecting goes on in the background.
struct db_pool *db_pool_new(struct event_base *base, const struct db_pool_options *options);
// Calls in flight get STATUS_AGAIN before this returns, and so do those that their callbacks make.
void db_pool_free(struct db_pool **pool);
// The same for pools whose callbacks call each other; they take no calls any more and are freed
// afterwards, one by one.
void db_pools_close(struct db_pool *const *pools, size_t n);
bool db_pool_is_up(const struct db_pool *pool); // at least one connection is ready
unsigned db_pool_connections(const struct db_pool *pool);

// Runs on the loop, exactly once, never before db_query returns.
// STATUS_OK: result is complete and, for a write, committed. STATUS_AGAIN: not sent (no connection
// in time). STATUS_IO: the connection broke after sending: a write may or may not have happened.
// STATUS_CONFLICT, _EXISTS (unique), _DENIED (privilege, policy), _INVALID (other data error): see
// db_error_sqlstate. `result` is valid only inside; NULL when the server said nothing.
typedef void (*db_done_fn)(void *user, enum status status, const struct db_result *result);

// One pipeline segment: the settings of `scope`, the prepared statement, Sync: one transaction.
// `params` may be NULL (none). On a failure that is known at once the callback still comes later.
void db_query(struct db_pool *pool, struct db_scope scope, const char *statement,
              struct db_params *params, db_done_fn done, void *user);

// The same on the connection `route % connections` and no other: calls of one route never overtake.
void db_query_routed(struct db_pool *pool, unsigned route, struct db_scope scope,
                     const char *statement, struct db_params *params, db_done_fn done, void *user);

// Segments in flight or waiting on that connection; 0: a call is sent at once.
unsigned db_pool_load(const struct db_pool *pool, unsigned route);
