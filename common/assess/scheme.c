// Lookups and questions about a compiled scheme: what belongs to which code, who reviews, when a
// fact may count. Owns nothing. Called by assess, judge, lint and the clients.
#include "common/assess/scheme.h"

#include <string.h>

const struct rule *scheme_rule(const struct scheme *scheme, const char *code) {
    size_t low = 0;
    size_t high = scheme->n_rules;
    while (code != NULL && low < high) {
        size_t middle = low + (high - low) / 2;
        const struct rule *rule = &scheme->rules[scheme->rules_by_code[middle]];
        int order = strcmp(code, rule->source->code);
        if (order == 0)
            return rule;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct course *scheme_course(const struct scheme *scheme, const char *code) {
    size_t low = 0;
    size_t high = scheme->n_courses;
    while (code != NULL && low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(code, scheme->courses[middle].code);
        if (order == 0)
            return &scheme->courses[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const Lx__AbilityPoint *scheme_point(const struct scheme *scheme, const char *code) {
    size_t low = 0;
    size_t high = scheme->source->n_points;
    while (code != NULL && low < high) {
        size_t middle = low + (high - low) / 2;
        const Lx__AbilityPoint *point = scheme->source->points[scheme->points_by_code[middle]];
        int order = strcmp(code, point->code);
        if (order == 0)
            return point;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct stage *scheme_stage(const struct scheme *scheme, const char *code) {
    for (size_t i = 0; code != NULL && i < scheme->n_stages; i++) {
        if (strcmp(scheme->stages[i].source->code, code) == 0)
            return &scheme->stages[i];
    }
    return NULL;
}

const Lx__Template *scheme_template(const struct scheme *scheme, const char *code) {
    for (size_t i = 0; code != NULL && i < scheme->source->n_templates; i++) {
        if (strcmp(scheme->source->templates[i]->code, code) == 0)
            return scheme->source->templates[i];
    }
    return NULL;
}

const Lx__NamedText *scheme_form(const struct scheme *scheme, const char *code) {
    for (size_t i = 0; code != NULL && i < scheme->source->n_forms; i++) {
        if (strcmp(scheme->source->forms[i]->code, code) == 0)
            return scheme->source->forms[i];
    }
    return NULL;
}

bool rule_is_for(const struct rule *rule, enum subject_kind kind) {
    return (rule->subjects & (1u << (unsigned)kind)) != 0;
}

bool rule_takes_time(const struct rule *rule, int64_t occurred_at_ms) {
    if (occurred_at_ms < rule->window.from_ms)
        return false;
    return rule->source->measure == LX__MEASURE__MEASURE_DUTY ||
           occurred_at_ms < rule->window.until_ms;
}

bool rule_is_deliverable(const struct rule *rule) {
    return rule->source->deliverable;
}

bool rule_is_graded(const struct rule *rule) {
    return rule->source->measure == LX__MEASURE__MEASURE_GRADED;
}

int rule_reviewer_rank(const struct rule *rule, Lx__Role role) {
    for (size_t i = 0; i < rule->source->n_review; i++) {
        if (rule->source->review[i] == role)
            return (int)i;
    }
    return -1;
}

static bool amount_takes(const Lx__Amount *amount, Lx__FactKind kind) {
    for (size_t i = 0; amount != NULL && i < amount->n_kinds; i++) {
        if (amount->kinds[i] == kind)
            return true;
    }
    return false;
}

bool rule_takes_fact(const struct rule *rule, Lx__FactKind kind) {
    if (kind == LX__FACT_KIND__SUBMITTED || kind == LX__FACT_KIND__ACCEPTED)
        return rule_is_deliverable(rule);
    if (kind == LX__FACT_KIND__GRADE)
        return rule_is_graded(rule);
    if (kind == LX__FACT_KIND__CASE_SELECTED)
        return rule->counts_from != NULL;
    if (kind == LX__FACT_KIND__COURSE_RANGE && rule->source->measure == LX__MEASURE__MEASURE_CHOICE)
        return true;
    return amount_takes(rule->amount, kind);
}

// Kinds of fact that an amount reads by its nature, as bits.
static const struct {
    Lx__AmountKind amount;
    unsigned kinds;
} kinds_read[] = {
    {LX__AMOUNT_KIND__AMOUNT_MINUTES, 1u << LX__FACT_KIND__COURSE_INTERVAL},
    {LX__AMOUNT_KIND__AMOUNT_ONLINE_HOURS, 1u << LX__FACT_KIND__COURSE_INTERVAL},
    {LX__AMOUNT_KIND__AMOUNT_SCHOOL_HOURS,
     1u << LX__FACT_KIND__ATTENDANCE | 1u << LX__FACT_KIND__CREDIT_HOURS},
    {LX__AMOUNT_KIND__AMOUNT_CREDITS, 1u << LX__FACT_KIND__CERTIFICATION},
    {LX__AMOUNT_KIND__AMOUNT_CHOSEN, 1u << LX__FACT_KIND__COURSE_RANGE},
};

static bool amount_reads(const Lx__Amount *amount, Lx__FactKind kind) {
    if (amount == NULL)
        return false;
    for (size_t i = 0; i < sizeof(kinds_read) / sizeof(kinds_read[0]); i++) {
        if (kinds_read[i].amount == amount->kind && (kinds_read[i].kinds & (1u << kind)) != 0)
            return true;
    }
    return amount_takes(amount, kind);
}

static bool rule_reads(const struct rule *rule, Lx__FactKind kind) {
    if (rule_takes_fact(rule, kind) || amount_reads(rule->amount, kind) ||
        amount_reads(rule->source->per, kind))
        return true;
    for (size_t i = 0; i < rule->source->n_conditions; i++) {
        if (amount_reads(rule->source->conditions[i]->amount, kind))
            return true;
    }
    return false;
}

// Hours are counted and shown for every person, whether a rule asks for them or not.
static bool hours_read(const struct scheme *scheme, Lx__FactKind kind, enum subject_kind subject) {
    return scheme->source->hours != NULL && subject == SUBJECT_KIND_TEACHER &&
           (kind == LX__FACT_KIND__COURSE_INTERVAL || kind == LX__FACT_KIND__ATTENDANCE ||
            kind == LX__FACT_KIND__CREDIT_HOURS);
}

bool scheme_uses_fact(const struct scheme *scheme, Lx__FactKind kind, enum subject_kind subject) {
    struct window window;
    return scheme_fact_window(scheme, kind, subject, &window);
}

bool scheme_fact_window(const struct scheme *scheme, Lx__FactKind kind, enum subject_kind subject,
                        struct window *out_window) {
    bool found = false;
    *out_window = (struct window){INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < scheme->n_rules; i++) {
        const struct rule *rule = &scheme->rules[i];
        if (!rule_is_for(rule, subject) || !rule_reads(rule, kind))
            continue;
        found = true;
        if (rule->window.from_ms < out_window->from_ms)
            out_window->from_ms = rule->window.from_ms;
        bool late = rule->source->measure == LX__MEASURE__MEASURE_DUTY;
        int64_t until_ms = late ? scheme->whole.until_ms : rule->window.until_ms;
        if (until_ms > out_window->until_ms)
            out_window->until_ms = until_ms;
    }
    if (hours_read(scheme, kind, subject)) {
        found = true;
        if (scheme->hours.from_ms < out_window->from_ms)
            out_window->from_ms = scheme->hours.from_ms;
        if (scheme->hours.until_ms > out_window->until_ms)
            out_window->until_ms = scheme->hours.until_ms;
    }
    return found;
}
