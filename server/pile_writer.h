// Carries the pile's batches to PostgreSQL: column arrays of a batch of facts into one call of
// push(), or one group of roster operations into push_roster(). The pile's writer, one per worker.
#pragma once

#include "server/pile.h"

struct worker;
struct pile_carrier; // opaque

// Makes worker->pile with a route per writing connection. Owned by handlers.c. NULL: out of memory.
struct pile_carrier *pile_carrier_open(struct worker *worker);
// After the writers' pool is gone; frees worker->pile as well.
void pile_carrier_close(struct pile_carrier **carrier);
