// What the fake pool and the fake blocking connection share: transactions on the one connection.
#pragma once

#include "server/db/internal.h"
#include "tests/sim/fake.h"

// A transaction begins: role, settings, time.
void base_begin(const char *role, struct db_scope scope);
// A statement inside it; never NULL.
PGresult *base_query(const char *role, const char *name, const char *text,
                     const struct db_params *params);
void base_commit(void);
void base_rollback(void);
// One statement as a transaction of its own.
PGresult *base_transact(const char *role, struct db_scope scope, int statement,
                        const struct db_params *params);
