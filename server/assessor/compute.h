// Computes the standings of subjects of one district and programme from what the database holds:
// loads their facts, memberships and the summaries below, calls the pure core. Writes nothing.
// Outcomes of the same computation take the place of stored summaries, so people, their workshops
// and their schools can be computed one after the other before anything is stored. Used by the
// assessor's round (which stores them) and by verify (which compares them).
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/assess/assess.h"
#include "server/assessor/figures.h"
#include "server/assessor/uuid_map.h"
#include "server/db/sync.h"

// Levels of subjects as in todo: those of units, and people.
#define COMPUTE_SCHOOL 3
#define COMPUTE_WORKSHOP 4
#define COMPUTE_PERSON 5

struct outcome {
    struct uuid subject;
    int level;
    struct uuid stream; // its home: where the standing lies
    int32_t as_of;
    Lx__Role role;
    Lx__StandingState state;
    int64_t points;
    int64_t total;
    struct view receipt;
    struct view figures;        // packed lx.Figures
    const struct uuid *offices; // people: units whose office they hold
    size_t n_offices;
};

struct computation {
    struct db_sync *db;  // borrows; inside a transaction
    struct arena *arena; // borrows: outcomes
    int32_t district;
    const struct scheme *scheme; // borrows
    struct outcome *outcomes;
    size_t n;
    size_t capacity;
    struct uuid_map by_subject; // index into outcomes
};

struct computation computation_new(struct db_sync *db, struct arena *arena, int32_t district,
                                   const struct scheme *scheme);
// Adds an outcome for each subject of that level that exists (people: with a membership in the
// programme or facts). Subjects must not repeat. as_of: a day for each subject. At most a few
// hundred at a time: their facts are in memory together.
enum status compute_people(struct computation *computation, const struct uuid *subjects,
                           const int32_t *as_of, size_t n) MUST_USE;
enum status compute_units(struct computation *computation, int level, const struct uuid *subjects,
                          const int32_t *as_of, size_t n) MUST_USE;
