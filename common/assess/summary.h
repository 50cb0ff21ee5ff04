// What the level above needs to know of one subject, and its canonical bytes (lx.Summary), so that
// a school can be assessed without its teachers' facts. Written beside the standing; also the last
// field of every receipt.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/assess/scheme.h"
#include "common/base/arena.h"
#include "common/base/uuid.h"

struct offered {
    const struct rule *rule;
    struct uuid fact; // the SUBMITTED fact
};

struct summary {
    enum subject_kind kind;
    struct uuid subject;
    Lx__StandingState state;
    bool obliged;
    int64_t points;
    int64_t online_s;         // counted seconds
    int64_t school_hours;     // hundredths
    int64_t credits;          // hundredths
    const int64_t *watched_s; // borrows; one per course group of the scheme; NULL: all zero
    const struct offered *offered;
    size_t n_offered;
};

// Canonical bytes in the arena.
enum status summary_pack(const struct scheme *scheme, const struct summary *summary,
                         struct arena *arena, struct view *out_bytes) MUST_USE;
// Of the same scheme; unknown rules are dropped. STATUS_CORRUPT when the bytes are not a Summary.
enum status summary_unpack(const struct scheme *scheme, struct view bytes, struct arena *arena,
                           struct summary *out_summary) MUST_USE;
// From a receipt of the same scheme.
enum status summary_from_receipt(const struct scheme *scheme, struct view receipt,
                                 struct arena *arena, struct summary *out_summary) MUST_USE;
