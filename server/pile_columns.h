// The column arrays of one call of push(): groups, targets, facts, submissions. Filled from a
// batch, sized beforehand, all in one arena. Used by pile_writer.c only.
#pragma once

#include "common/base/arena.h"
#include "server/db/db.h"
#include "server/pile.h"

// $1.. of queries/push.sql. STATUS_NO_MEMORY.
enum status pile_columns_bind(const struct pile_batch *batch, int64_t received_at_ms, bool slow,
                              struct view taken_reason, struct arena *arena,
                              struct db_params *params) MUST_USE;
