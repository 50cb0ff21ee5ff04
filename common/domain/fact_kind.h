// The one table of fact kinds: which fields each kind has, what its item names, the bounds of its
// quantity, about whom it is and which capability writes it. The judge, the importers and the
// document proto/tables.md all read this table. Owns nothing.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/domain/role.h"
#include "proto/ledger.pb-c.h"

// About whom a fact is.
enum fact_subject {
    FACT_SUBJECT_TEACHER,
    FACT_SUBJECT_WORKSHOP,
    FACT_SUBJECT_SCHOOL,
    FACT_SUBJECT_COUNT
};

// Fields that some kinds have and others have not. id, programme, kind, subject and occurred_at are
// required of all.
enum fact_field {
    FACT_FIELD_ITEM,
    FACT_FIELD_UNTIL,
    FACT_FIELD_QUANTITY,
    FACT_FIELD_OF,
    FACT_FIELD_FORM,
    FACT_FIELD_SOURCE_KEY,
    FACT_FIELD_SUBMISSION,
    FACT_FIELD_COUNT
};

enum fact_presence { FACT_FORBIDDEN, FACT_OPTIONAL, FACT_REQUIRED };

// What `item` is a code of.
enum fact_item {
    FACT_ITEM_NONE,
    FACT_ITEM_COURSE,         // course of the scheme
    FACT_ITEM_ABILITY_COURSE, // course of the scheme that belongs to an ability point
    FACT_ITEM_TOPIC,          // free code of a discussion
    FACT_ITEM_ACTIVITY,       // free code of an activity
    FACT_ITEM_HOURS_KIND,     // "online" or "school"
    FACT_ITEM_INDICATOR,      // rule of the scheme
    FACT_ITEM_POINT,          // ability point of the scheme
    FACT_ITEM_COUNT
};

enum fact_unit {
    FACT_UNIT_NONE,
    FACT_UNIT_HOURS,
    FACT_UNIT_POINTS,
    FACT_UNIT_CREDITS,
    FACT_UNIT_COUNT
};

struct fact_kind_info {
    Lx__FactKind kind;
    const char *name; // lower case, as in commands, files and documents
    const char *en;
    const char *zh;
    enum fact_item item;
    enum fact_unit unit;  // of quantity
    int64_t quantity_min; // hundredths, included
    int64_t quantity_max; // hundredths, included; a grade's cap comes from the scheme
    enum fact_presence fields[FACT_FIELD_COUNT];
    enum capability writers[FACT_SUBJECT_COUNT]; // CAPABILITY_NONE: not about these
};

// All rows in the order of their numbers.
const struct fact_kind_info *fact_kind_table(size_t *out_count);
// NULL for a number or name that is not in the table.
const struct fact_kind_info *fact_kind_find(Lx__FactKind kind);
const struct fact_kind_info *fact_kind_find_by_name(const char *name);
// What somebody needs over the subject's unit to write such a fact; CAPABILITY_NONE: nobody may.
// For VOID ask with the kind that is voided.
enum capability fact_kind_capability(Lx__FactKind kind, enum fact_subject subject);
bool fact_kind_about(Lx__FactKind kind, enum fact_subject subject);
// Lower-case words for messages and documents: "teacher"; "until_ms"; "course"; "hours".
const char *fact_subject_name(enum fact_subject subject);
const char *fact_field_name(enum fact_field field);
const char *fact_item_name(enum fact_item item);
const char *fact_unit_name(enum fact_unit unit);
// The subject kind that stands for a unit of this level; FACT_SUBJECT_COUNT for city and district.
enum fact_subject fact_subject_of_level(Lx__UnitLevel level);
