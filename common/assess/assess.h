// Scores one subject: compiled scheme + its facts + what the units above chose + summaries of the
// subjects below
// + a day in, standing with receipt out. Pure: no I/O, no clock, no memory but the arena, no
// floating point. The same on the server (assessor, verify) and the client. Order of facts, repeats
// and splits change nothing.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/assess/fact.h"
#include "common/assess/scheme.h"
#include "common/assess/summary.h"
#include "common/base/arena.h"

// A teacher's home on [from_ms, until_ms). until_ms = INT64_MAX: open.
struct home {
    int64_t from_ms;
    int64_t until_ms;
    struct uuid workshop; // nil: directly at the school
    struct uuid school;
};

// A choice of a unit above (its valid COURSE_RANGE facts; voided ones left out, or in `voids`
// below).
struct selection {
    struct uuid unit;
    const char *item; // borrows
    int64_t occurred_at_ms;
};

struct assess_input {
    const struct scheme *scheme;
    enum subject_kind kind;
    struct uuid subject;
    int32_t as_of; // day; facts up to its end count, Asia/Shanghai
    // Every fact about the subject in this programme, voided and VOID ones included, any order.
    const struct fact *facts;
    size_t n_facts;
    // Teachers only.
    bool certificate;
    bool in_post;
    bool established;
    const struct home *homes; // home memberships of the programme, any order
    size_t n_homes;
    // Choices of the units above: schools (of a teacher: of every home school), any order.
    const struct selection *selections;
    size_t n_selections;
    // Units only: summaries of the subjects below with a home in this unit on as_of: a workshop's
    // teachers; a school's teachers (with and without workshop) and its workshops; a district's
    // schools and teachers. Any order.
    const struct summary *below;
    size_t n_below;
    // Units only: teacher summaries of whoever holds the unit's office on as_of (HEAD,
    // SCHOOL_ADMIN), obliged or not.
    const struct summary *holders;
    size_t n_holders;
    bool lead_school; // leads a cluster: its extra duties are asked of it
};

// One additive row of roll-up. A unit's figures are the sum over the subjects below and itself.
enum contribution_kind {
    CONTRIBUTION_SUBJECT = 0,   // item "": the subject as a whole
    CONTRIBUTION_INDICATOR = 1, // item: rule code
    CONTRIBUTION_STAGE = 2,     // item: stage code
};

// Columns of the roll-up, in the order of `contribution.value`. One table so that SQL, sums and
// tests agree.
enum contribution_value {
    VALUE_SUBJECTS, // it is asked of (exempt ones do not count)
    VALUE_PASSED,
    VALUE_OPEN,
    VALUE_FAILED,
    VALUE_EXEMPT,
    VALUE_DONE,
    VALUE_STARTED, // something, done included
    VALUE_LATE,
    VALUE_MISSED,
    VALUE_POINTS,       // hundredths
    VALUE_ONLINE_HOURS, // hundredths
    VALUE_SCHOOL_HOURS,
    VALUE_CREDITS,
    VALUE_WAITING, // waits for a reviewer
    CONTRIBUTION_VALUES,
};

struct contribution {
    Lx__Role role; // TEACHER, HEAD (workshop), SCHOOL_ADMIN (school)
    enum contribution_kind kind;
    const char *item; // borrows from the scheme
    int64_t value[CONTRIBUTION_VALUES];
};

struct line {
    const struct rule *rule;
    Lx__LineState state;
    int64_t points;
};

struct standing {
    enum subject_kind kind;
    struct uuid subject;
    Lx__StandingState state;
    int64_t points; // hundredths
    int64_t total;
    const struct line *lines; // rules of this kind of subject, in the scheme's order
    size_t n_lines;
    struct summary summary; // for the level above
    const struct contribution *contributions;
    size_t n_contributions;
    struct view receipt; // canonical lx.Receipt
};

// Everything in out_standing lives in the arena or is borrowed from the scheme.
// STATUS_NO_MEMORY or STATUS_LIMIT when the arena is too small; never fails because of what the
// facts say.
enum status assess(const struct assess_input *input, struct arena *arena,
                   struct standing *out_standing) MUST_USE;

// The role in which a kind of subject is shown: TEACHER, HEAD, SCHOOL_ADMIN, DISTRICT_ADMIN.
Lx__Role assess_role_of(enum subject_kind kind);
// SQL names of the columns, "subjects", "passed" ...; for tools and documentation.
const char *contribution_value_name(enum contribution_value value);
