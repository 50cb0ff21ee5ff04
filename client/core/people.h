// A directory of the people and units that a client knows, and the one way in which a row of a file
// names a person: platform account, then teacher number, then name and school, never a guess.
// Everything lies in the caller's arena. Filled by client/core/local, asked by evidence and roster.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/base/uuid.h"
#include "common/base/view.h"
#include "common/wire/reason.h"
#include "proto/ledger.pb-c.h"

struct people_unit {
    struct uuid id;
    struct uuid parent; // nil: the city
    Lx__UnitLevel level;
    const char *code; // borrows; "" when absent
    const char *name; // borrows
    uint32_t printed_size;
    bool lead_school; // its attribute lead_school is "true": it leads a cluster
    bool moving;      // it is under way to another district: it counts nowhere
    bool closed;      // it counts no more
};

struct people_person {
    struct uuid id;
    struct uuid home;         // stream of his rows: workshop or school
    uint64_t version;         // of his roster row; 0: own change, not yet stored
    const Lx__Person *person; // borrows
};

struct people {
    struct people_unit *units; // sorted by id after people_index
    size_t n_units;
    struct people_person *persons;
    size_t n_persons;
    const struct people_person **by_account; // sorted; only those that have one
    size_t n_by_account;
    const struct people_person **by_teacher_no;
    size_t n_by_teacher_no;
    size_t digits_least; // shortest teacher number of digits only; 0: there is none
};

// What a row says about its person; empty views: nothing.
struct people_key {
    struct view account;
    struct view teacher_no;
    struct view name;
    struct view school; // name or code of the school
};

enum people_field { PEOPLE_ACCOUNT, PEOPLE_TEACHER_NO, PEOPLE_NAME, PEOPLE_SCHOOL, PEOPLE_FIELDS };

// Sorts and indexes units and persons, whose arrays the caller has filled. STATUS_NO_MEMORY.
enum status people_index(struct people *people, struct arena *arena) MUST_USE;

// The person that the row names. *out_person NULL: *out_reason (arena) says why and *out_field
// which field of the row is at fault. Fails with STATUS_NO_MEMORY only.
enum status people_match(const struct people *people, const struct people_key *key,
                         struct arena *arena, const struct people_person **out_person,
                         enum people_field *out_field, Lx__Reason **out_reason) MUST_USE;

const struct people_unit *people_find_unit(const struct people *people, struct uuid id);
const struct people_person *people_find_person(const struct people *people, struct uuid id);
// By account, by teacher number; NULL: nobody.
const struct people_person *people_by_account(const struct people *people, struct view account);
const struct people_person *people_by_teacher_no(const struct people *people,
                                                 struct view teacher_no);
// A school by code or name. NULL: unknown, or the name is that of several (*out_several then).
const struct people_unit *people_find_school(const struct people *people, struct view text,
                                             bool *out_several);
// The school that a workshop or school belongs to; NULL: not known here.
const struct people_unit *people_school_of(const struct people *people, struct uuid unit);

// Has this number, which nobody has, been spoilt on its way (rewritten, rounded, cut, zeros lost)?
// REASON_NONE: it looks whole.
enum reason_id people_find_damage(const struct people *people, struct view number);
// Would a spreadsheet have spoilt this number? REASON_NONE or ROW_ID_SCIENTIFIC.
enum reason_id people_check_number(struct view number);
