// A subject's facts made ready for scoring: repeats and voided ones gone, later ones gone, sorted
// for lookups. Borrows the facts; its arrays live in the arena. Only the assessment includes it.
#pragma once

#include <stddef.h>

#include "common/assess/fact.h"
#include "common/base/arena.h"

struct evidence {
    const struct fact **by_item; // kind, item, occurred_at, id
    const struct fact *
        *by_of; // those about another: kind, of, quantity descending, occurred_at, id
    size_t n;
    size_t n_by_of;
};

// Some facts in a row of one of the two orders.
struct fact_range {
    const struct fact *const *facts;
    size_t n;
};

// Facts of this programme that occurred before until_ms. A void acts whatever its date.
enum status evidence_open(const struct fact *facts, size_t n, uint32_t programme, int64_t until_ms,
                          struct arena *arena, struct evidence *out_evidence) MUST_USE;
// All of a kind, by item.
struct fact_range evidence_of_kind(const struct evidence *evidence, Lx__FactKind kind);
// All of a kind with this item.
struct fact_range evidence_of_item(const struct evidence *evidence, Lx__FactKind kind,
                                   const char *item);
// All of a kind that are about this fact, the largest quantity first.
struct fact_range evidence_about(const struct evidence *evidence, Lx__FactKind kind,
                                 struct uuid of);
