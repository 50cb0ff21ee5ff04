// What round.c and store.c share of one round. Only they include it.
#pragma once

#include "server/assessor/compute.h"
#include "server/assessor/round.h"

// Subjects without repeats.
struct id_set {
    struct uuid_map map;
    struct uuid *ids; // in the round's arena
    size_t n;
    size_t capacity;
};

// One transaction of one district.
struct round {
    struct db_sync *db;         // borrows
    struct arena *arena;        // owns
    struct scheme_set *schemes; // borrows
    int32_t district;
    int32_t day;    // today
    int64_t now_ms; // database clock before the heads were read
    struct id_set people;
    struct id_set workshops;
    struct id_set schools;
    struct id_set later_workshops; // concerned by this round, scored by a later one
    struct id_set later_schools;
    int64_t taken; // entries of todo
    int64_t pass;  // the oldest one that they stand for
    bool full;     // more may wait: units that are not their turn are put off
    size_t subjects;
};

// What an outcome changes against what is stored.
struct change {
    struct view stored;        // packed figures before; empty: none
    const Lx__Figures *before; // NULL: none
    const Lx__Figures *after;
    bool differs;
};

// The scoring of one programme.
struct scoring {
    struct round *round; // borrows
    struct computation computation;
    struct change *changes; // beside computation.outcomes
    size_t n_changes;
    size_t capacity;
};

// Adds an id to a set, once; nil ids are left out.
enum status round_add_id(struct id_set *set, struct uuid id) MUST_USE;
// Parameters of a statement, the district first.
struct db_params *round_params(const struct round *round);
// Puts the subjects on todo, for the facts that this round's entries stand for.
enum status round_put_back(struct round *round, const struct id_set *set, int32_t level,
                           enum round_lane lane) MUST_USE;
// Stores the outcomes of one programme: standings, then what they change in roll-ups. (store.c)
enum status round_store(struct scoring *scoring) MUST_USE;
