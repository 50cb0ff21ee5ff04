// Rows of the pull statement as messages. Used by pull.c.
#pragma once

#include "common/base/arena.h"
#include "proto/ledger.pb-c.h"
#include "server/db/db.h"

enum {
    PULL_HEAD,
    PULL_LIVE,
    PULL_DIGEST,
    PULL_KIND,
    PULL_SEQ,
    PULL_SNAPSHOT = 30
}; // the columns that pull.c reads

// The message of one row; bytes are borrowed from the result, texts live in the arena. NULL: out of
// memory, or a row that cannot be read.
Lx__Row *pull_read_row(const struct db_result *result, int row, struct arena *arena);
