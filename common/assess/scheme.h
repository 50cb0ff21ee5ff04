// A programme's scheme, compiled: codes resolved, windows as times, rules in the order they can be
// computed. Everything lives in the arena it was compiled into and never changes. Used by assess,
// judge, client and server.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/base/view.h"
#include "proto/scheme.pb-c.h"

enum subject_kind {
    SUBJECT_KIND_NONE = LX__SUBJECT_KIND__SUBJECT_UNKNOWN,
    SUBJECT_KIND_TEACHER = LX__SUBJECT_KIND__SUBJECT_TEACHER,
    SUBJECT_KIND_WORKSHOP = LX__SUBJECT_KIND__SUBJECT_WORKSHOP,
    SUBJECT_KIND_SCHOOL = LX__SUBJECT_KIND__SUBJECT_SCHOOL,
    SUBJECT_KIND_CLUSTER = LX__SUBJECT_KIND__SUBJECT_CLUSTER,
    SUBJECT_KIND_DISTRICT = LX__SUBJECT_KIND__SUBJECT_DISTRICT,
};
#define SUBJECT_KIND_COUNT 6

// Times from..until, until exclusive, UTC milliseconds.
struct window {
    int64_t from_ms;
    int64_t until_ms;
};

struct stage {
    const Lx__Stage *source; // borrows
    struct window window;
};

// One course, however many rows of the catalogue name it.
struct course {
    const char *code;         // borrows
    const Lx__Course *source; // its first row
    unsigned group;           // index into scheme->source->groups
    bool chosen;              // counts only inside the school's range
    uint32_t length_s;        // 0: no limit
};

// One indicator, gate, duty, choice or record. `source` has its text, parameters and constraints.
struct rule {
    const Lx__Rule *source;      // borrows
    unsigned index;              // place in scheme->rules
    unsigned subjects;           // bit (1 << enum subject_kind)
    struct window window;        // when its evidence must have happened
    int stage;                   // index of its last stage, -1: none
    int section;                 // index of its section, -1: none
    int64_t cap;                 // most points, hundredths; 0 without points
    bool review;                 // a deliverable counts when accepted (else when handed in)
    const Lx__Amount *amount;    // borrows; defaults filled in; NULL: nothing is counted (graded)
    const unsigned *opens_after; // indices of rules
    size_t n_opens_after;
    const struct rule *counts_from; // NULL: none
    bool offered;                   // deliverables of this rule may be recommended by a unit above
};

struct scheme {
    const Lx__Scheme *source; // borrows
    const char *code;
    uint32_t number;
    uint32_t version;
    const struct stage *stages;
    size_t n_stages;
    const struct rule *rules; // in the scheme's order
    size_t n_rules;
    const unsigned *order;        // rule indices such that opens_after comes first
    const struct course *courses; // distinct, sorted by code
    size_t n_courses;
    const unsigned *rules_by_code;  // rule indices, sorted by code
    const unsigned *points_by_code; // ability point indices, sorted by code
    struct window whole;            // first day of the first to last day of the last stage
    struct window hours;            // stages of the hours
    // Watching that makes online hours.
    uint64_t hours_groups;                         // bits of course groups
    const Lx__Rubric *rubrics[SUBJECT_KIND_COUNT]; // NULL: this kind is not scored
};

// What is wrong with a scheme, and where.
struct scheme_error {
    unsigned line;     // of the YAML file, 0 when unknown
    char field[96];    // e.g. "rules[t.plan].opens_after"
    char message[224]; // English, complete sentence
};

// Checks and compiles. `source` must outlive the result. STATUS_INVALID fills out_error.
enum status scheme_compile(const Lx__Scheme *source, struct arena *arena,
                           const struct scheme **out_scheme,
                           struct scheme_error *out_error) MUST_USE;
// From canonical bytes (Programme.scheme): scans, unpacks into the arena, compiles.
enum status scheme_load(struct view bytes, struct arena *arena, const struct scheme **out_scheme,
                        struct scheme_error *out_error) MUST_USE;

// Lookups by code; NULL when there is no such thing.
const struct rule *scheme_rule(const struct scheme *scheme, const char *code);
const struct course *scheme_course(const struct scheme *scheme, const char *code);
const Lx__AbilityPoint *scheme_point(const struct scheme *scheme, const char *code);
const struct stage *scheme_stage(const struct scheme *scheme, const char *code);
const Lx__Template *scheme_template(const struct scheme *scheme, const char *code);
const Lx__NamedText *scheme_form(const struct scheme *scheme, const char *code);

bool rule_is_for(const struct rule *rule, enum subject_kind kind);
// May something with this time count for the rule? A duty's evidence may come later than its stage,
// never before.
bool rule_takes_time(const struct rule *rule, int64_t occurred_at_ms);
// Something is handed in under this code (fact kind SUBMITTED).
bool rule_is_deliverable(const struct rule *rule);
// A role gives points 0..cap; with rule_is_deliverable the grade names the submission.
bool rule_is_graded(const struct rule *rule);
// May `role` accept or grade it? Order of preference: 0 is first; -1: no.
int rule_reviewer_rank(const struct rule *rule, Lx__Role role);
// May facts of this kind under this rule's code come from this scheme at all (DUTY_DONE,
// ASSESSMENT_TAKEN, GRADE, SUBMITTED)?
bool rule_takes_fact(const struct rule *rule, Lx__FactKind kind);
// Has any rule use for facts of this kind about this kind of subject? Includes course intervals and
// hours of office holders.
bool scheme_uses_fact(const struct scheme *scheme, Lx__FactKind kind, enum subject_kind subject);
// The window in which a fact without a rule of its own may lie (intervals, discussions, attendance,
// hours, credits, self-test): the union of the windows of the rules that count it. False: no rule
// counts it.
bool scheme_fact_window(const struct scheme *scheme, Lx__FactKind kind, enum subject_kind subject,
                        struct window *out_window);
