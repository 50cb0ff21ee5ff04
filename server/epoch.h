// Which database is this? Asked at the worker's start and again and again, since a database may be
// restored under a running server. Requests are let in only while the answer is known and open.
#pragma once

#include "common/base/uuid.h"

struct epoch; // opaque
struct worker;

enum epoch_state {
    EPOCH_UNKNOWN, // the database does not answer
    EPOCH_OPEN,
    EPOCH_CLOSED, // restored: the security journal has to be replayed first
};

// Asks at once. `started` is called when the first answer, or no answer, is there: connections that
// are taken later say Hello to a known epoch. `ended`: the worker holds what another database told
// it and must go. Both come from the loop. NULL: no memory.
struct epoch *epoch_new(struct worker *worker, void (*started)(struct worker *worker),
                        void (*ended)(struct worker *worker));
void epoch_free(struct epoch **epoch); // after the worker's pools

enum epoch_state epoch_state(const struct epoch *epoch);
struct uuid epoch_id(const struct epoch *epoch); // nil: not known yet
