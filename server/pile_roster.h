// One group of roster operations as the parameters of push_roster(). Used by pile_writer.c.
#pragma once

#include "common/base/arena.h"
#include "server/db/db.h"
#include "server/pile.h"

// An accepted roster operation.
struct pile_roster_row {
    const Lx__Operation *operation; // borrows; has person or membership
    uint64_t op_seq;
};

// What `detail` of a group of roster operations points to.
struct pile_roster {
    const struct pile_roster_row *rows; // borrows
    size_t n_rows;
};

// $1.. of queries/push_roster.sql. STATUS_NO_MEMORY.
enum status pile_roster_bind(const struct pile_group *group, struct arena *arena,
                             struct db_params *params) MUST_USE;
