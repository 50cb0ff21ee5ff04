// What the files of server/db share and nobody else sees.
#pragma once

#include <libpq-fe.h>

#include "server/db/db.h"

struct db_params {
    struct arena *arena; // borrows
    const char **values; // in the arena, like the arrays below
    int *lengths;
    int *formats;
    int n, capacity;
    bool failed; // an allocation failed: the query can't be sent
};

struct db_result {
    PGresult *pg; // owns in sync.c, borrows in pool.c
};

// The text of an embedded statement; its index is stable for the life of the program. -1: no such
// file.
int statement_find(const char *name);
const char *statement_name(int index);
const char *statement_text(int index);
int statement_count(void);
// Other statements instead of sql/queries: for tests, before any connection is opened.
struct embedded_text;
void statement_use(const struct embedded_text *texts, size_t n);

// The prepared statement that sets row level security's settings until the end of the transaction.
#define STATEMENT_SCOPE_NAME "lx_scope"
#define STATEMENT_SCOPE_TEXT                                                                       \
    "select set_config('lianxiao.districts', $1, true), "                                          \
    "set_config('lianxiao.streams', $2, true), set_config('lianxiao.person', $3, true)"

// STATUS_OK for a good result, else what db_done_fn says of its sqlstate.
enum status result_status(const PGresult *pg);

// The two steps of db_pools_close: no call is taken any more; each that is there gets STATUS_AGAIN.
// Whether there was any: their callbacks may have made others.
void db_pool_begin_close(struct db_pool *pool);
bool db_pool_drain(struct db_pool *pool);
