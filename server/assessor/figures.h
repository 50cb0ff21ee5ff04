// What one subject adds to the roll-ups of the units above it (lx.Figures, kept beside its
// standing), and the sums of many changes. Pure. Used by the assessor's round and by verify.
#pragma once

#include <stddef.h>

#include "common/assess/assess.h"
#include "common/base/arena.h"
#include "proto/figures.pb-c.h"

// Columns of rollup in the order of rollup_apply.
#define FIGURES_COLUMNS 14

// The units that a subject counts in; nil: none. A workshop's or school's own id is among them.
struct figures_home {
    struct uuid district;
    struct uuid school;
    struct uuid workshop;
};

// Canonical bytes of what the standing adds to the units of `home` (nothing when the district is
// nil), and its summary. In the arena.
enum status figures_pack(const struct scheme *scheme, const struct standing *standing,
                         const struct figures_home *home, struct arena *arena,
                         struct view *out_bytes) MUST_USE;
// NULL message for empty bytes. STATUS_CORRUPT when they are none of ours.
enum status figures_unpack(struct view bytes, struct arena *arena,
                           const Lx__Figures **out_figures) MUST_USE;
// The units named by the figures; all nil for NULL.
struct figures_home figures_units(const Lx__Figures *figures);

// Sums of changes, by unit, role and item.
struct figures_key {
    struct uuid unit;
    int32_t role;
    const char *item; // borrows
};

struct figures_sum {
    struct figures_key key;
    int64_t columns[FIGURES_COLUMNS];
};

struct figures_sums {
    struct arena *arena; // borrows
    struct figures_sum *rows;
    size_t n;
    size_t capacity;
};

// Adds sign (1 or -1) times the figures to every unit they name. They must live as long as the
// sums.
enum status figures_add(struct figures_sums *sums, const Lx__Figures *figures, int sign) MUST_USE;
// Sorts, joins rows of the same key, drops those that are all zero.
void figures_fold(struct figures_sums *sums);
int figures_key_compare(const struct figures_key *a, const struct figures_key *b);
