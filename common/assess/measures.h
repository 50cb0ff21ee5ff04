// The tables of measures and amounts: which parameters each needs and on which subjects it makes
// sense. Parser, compiler, linter and documentation read the same rows. Owns nothing.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/assess/scheme.h"

// Parameters of a rule, as bits.
enum parameter {
    PARAMETER_POINTS = 1,
    PARAMETER_CAP = 2,
    PARAMETER_AMOUNT = 4, // may be filled in for deliverables
    PARAMETER_PER = 8,
    PARAMETER_BOUND = 16,
    PARAMETER_FULL_AT = 32,
    PARAMETER_TIERS = 64,
    PARAMETER_MIN = 128,
    PARAMETER_ANY = 0x7fffffff,
};

struct measure_info {
    Lx__Measure measure;
    const char *name; // in YAML
    unsigned needs;   // bits of enum parameter
    unsigned allows;  // beside the needed ones
    const char *zh;
    const char *en;
};

struct amount_info {
    Lx__AmountKind kind;
    const char *name;
    unsigned subjects; // bits (1 << enum subject_kind)
    bool duty_dates;   // counts dated facts, so a duty can tell late from met
    unsigned parts;    // bits of enum amount_part it may have
    const char *zh;    // what is counted, in words
    const char *en;
};

enum amount_part {
    AMOUNT_PART_KINDS = 1,
    AMOUNT_PART_ITEMS = 2,
    AMOUNT_PART_FORMS = 4,
    AMOUNT_PART_GROUPS = 8,
    AMOUNT_PART_VALUE = 16,
};

// Rows in the order of their numbers, from 1; NULL for a number that is not in the table.
const struct measure_info *measure_find(Lx__Measure measure);
const struct amount_info *amount_find(Lx__AmountKind kind);
const struct measure_info *measure_table(size_t *out_n);
const struct amount_info *amount_table(size_t *out_n);
// Lower-case name of a parameter, for messages.
const char *parameter_name(enum parameter parameter);
