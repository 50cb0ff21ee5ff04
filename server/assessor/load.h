// What one computation of a few hundred subjects needs from the database, in the form the pure core
// takes. Only server/assessor/compute.c includes it. Everything lies in the arena of the batch.
#pragma once

#include "server/assessor/compute.h"

struct subject {
    struct uuid id;
    int32_t as_of;
    int level;
    bool exists;
    struct uuid stream; // home
    // people
    bool certificate;
    bool in_post;
    bool established;
    bool member; // has any membership in the programme
    struct home *homes;
    size_t n_homes;
    struct uuid *offices; // units whose office he holds or held
    size_t n_offices;
    // units
    bool lead_school;
    struct summary *below;
    size_t n_below;
    struct summary *holders;
    size_t n_holders;
    // both
    struct figures_home units; // where it counts on as_of
    struct fact *facts;
    size_t n_facts;
    struct selection *selections;
    size_t n_selections;
};

struct batch {
    const struct computation *computation; // borrows: stored summaries are replaced by its outcomes
    struct arena *arena;                   // borrows
    struct subject *subjects;
    size_t n;
    struct uuid_map by_id; // index into subjects
};

// The last moment of a day: who is at home then counts on that day.
int64_t load_moment_ms(int32_t as_of);

enum status load_people(struct batch *batch) MUST_USE;      // exists, stream, attributes
enum status load_memberships(struct batch *batch) MUST_USE; // member, homes, offices, units
enum status load_units(struct batch *batch) MUST_USE;       // exists, stream, units, lead_school
enum status load_facts(struct batch *batch) MUST_USE;       // of those that exist
enum status load_selections(struct batch *batch) MUST_USE;
enum status load_below(struct batch *batch) MUST_USE;
