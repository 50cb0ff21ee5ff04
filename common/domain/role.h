// Roles and what each may do: one table, used by the judge, written into SQL's role_capability by
// `lianxiaoctl migrate` and printed in proto/tables.md. Owns nothing.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/ledger.pb-c.h"

// The values are bit numbers and part of the stored data: never renumber.
enum capability {
    CAPABILITY_READ = 0,            // everything in the own subtree
    CAPABILITY_RECORD_TEACHER = 1,  // facts about teachers
    CAPABILITY_RECORD_WORKSHOP = 2, // facts about a workshop
    CAPABILITY_RECORD_SCHOOL = 3,   // facts about a school
    CAPABILITY_REVIEW_TEACHER = 4,  // accept and grade teachers' things
    CAPABILITY_REVIEW_WORKSHOP = 5, // accept a workshop's things
    CAPABILITY_REVIEW_SCHOOL = 6,   // accept a school's things
    CAPABILITY_GRADE_CASE = 7,      // grade a workshop's case
    CAPABILITY_ROSTER = 8,          // people and memberships
    CAPABILITY_MANAGE_DEVICES = 9,  // enrolment codes
    CAPABILITY_MANAGE_USERS = 10,
    CAPABILITY_MANAGE_GRANTS = 11,
    CAPABILITY_STATISTICS = 12,
    CAPABILITY_TRANSFER = 13, // move people between schools
    CAPABILITY_COUNT = 14,
    CAPABILITY_NONE = 31, // "nobody": no role has it
};

struct capability_info {
    enum capability capability;
    const char *name; // lower case, as in SQL and in documents
    const char *en;
    const char *zh;
};

struct role_info {
    Lx__Role role;
    const char *name; // lower case, as in SQL, files and commands
    const char *en;
    const char *zh;
    unsigned rank;  // 0 nothing to give, 1 workshop .. 4 city: a grant gives at most one's own rank
    uint32_t units; // bits of Lx__UnitLevel on which the role may be held
    uint32_t capabilities; // bits of enum capability
};

// All rows in the order of their numbers.
const struct role_info *role_table(size_t *out_count);
const struct capability_info *capability_table(size_t *out_count);
// NULL for a number or name that is not in the table.
const struct role_info *role_find(Lx__Role role);
const struct role_info *role_find_by_name(const char *name);
bool role_can(Lx__Role role, enum capability capability);
// May a holder of `giver` give `given` on a unit inside his own subtree? Equal or lower rank only.
bool role_may_give(Lx__Role giver, Lx__Role given);
// The lower-case name of a capability; "nobody" for one that is not in the table.
const char *capability_name(enum capability capability);
