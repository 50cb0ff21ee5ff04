// One function per measure: from amounts to points and state, into the receipt line. A table says
// which is whose.
#include <string.h>

#include "common/assess/assessment.h"

// What a measure knows while it scores.
struct scoring {
    struct assessment *assessment;
    const struct rule *rule;
    Lx__ReceiptLine *line;
    bool blocked; // something it needs first is missing: evidence is shown, points are not given
};

#define SET(line, field, number)                                                                   \
    do {                                                                                           \
        (line)->has_##field = 1;                                                                   \
        (line)->field = (number);                                                                  \
    } while (0)

static void set_state(Lx__ReceiptLine *line, Lx__LineState state) {
    SET(line, state, state);
}

bool line_is_done(const Lx__ReceiptLine *line) {
    return line->state == LX__LINE_STATE__LINE_DONE || line->state == LX__LINE_STATE__LINE_LATE;
}

bool assessment_ended(const struct assessment *assessment, struct window window) {
    return assessment->until_ms > window.until_ms;
}

// Points and the state that follows from them.
static void give(struct scoring *s, int64_t points, int64_t uncapped, bool done, bool started) {
    if (s->blocked) {
        set_state(s->line, LX__LINE_STATE__LINE_CLOSED);
        SET(s->line, points, 0);
        return;
    }
    SET(s->line, points, points);
    if (uncapped != points)
        SET(s->line, uncapped, uncapped);
    set_state(s->line, done      ? LX__LINE_STATE__LINE_DONE
                       : started ? LX__LINE_STATE__LINE_STARTED
                                 : LX__LINE_STATE__LINE_NOTHING);
}

static bool counts_hits(const Lx__Amount *amount) {
    return amount_find(amount->kind)->duty_dates || amount->kind == LX__AMOUNT_KIND__AMOUNT_CASES;
}

// How many there are of what a rule counts, and how many wait for an answer.
static enum status count(struct scoring *s, bool late, struct hits *out_hits, int64_t *out_n) {
    struct assessment *a = s->assessment;
    *out_hits = (struct hits){0};
    if (!counts_hits(s->rule->amount)) {
        struct amount amount;
        TRY(amount_of(a, s->rule, s->rule->amount, s->line, &amount));
        *out_n = amount.num / amount.den / 100;
        SET(s->line, amount, amount_cut(amount));
        return STATUS_OK;
    }
    TRY(amount_hits(a, s->rule, s->rule->amount, late, out_hits));
    *out_n = (int64_t)out_hits->n;
    SET(s->line, amount, *out_n * 100);
    return line_add_hits(a, s->line, out_hits);
}

static void wait_if(struct scoring *s, const struct hits *hits) {
    if (hits->n_waiting > 0 && !s->blocked && !line_is_done(s->line))
        set_state(s->line, LX__LINE_STATE__LINE_WAITING);
}

static int64_t demanded(const struct rule *rule) {
    return rule->source->has_min && rule->source->min > 0 ? (int64_t)rule->source->min : 1;
}

static enum status score_once(struct scoring *s) {
    struct hits hits;
    int64_t n;
    TRY(count(s, false, &hits, &n));
    bool full = n >= demanded(s->rule);
    int64_t points = full ? s->rule->source->points : 0;
    give(s, points, points, full, n > 0);
    wait_if(s, &hits);
    return STATUS_OK;
}

static enum status score_each(struct scoring *s) {
    struct hits hits;
    int64_t n;
    TRY(count(s, false, &hits, &n));
    int64_t uncapped = n * s->rule->source->points;
    int64_t points = uncapped < s->rule->cap ? uncapped : s->rule->cap;
    give(s, points, uncapped, points == s->rule->cap && n >= demanded(s->rule), n > 0);
    wait_if(s, &hits);
    return STATUS_OK;
}

static enum status score_proportional(struct scoring *s) {
    const Lx__Rule *source = s->rule->source;
    struct amount amount;
    TRY(amount_of(s->assessment, s->rule, s->rule->amount, s->line, &amount));
    SET(s->line, amount, amount_cut(amount));
    SET(s->line, bound, source->full_at);
    int64_t points =
        amount_share(source->points, amount, (struct amount){source->full_at, 1}, source->points);
    give(s, points, points, amount_at_least(amount, source->full_at), amount.num > 0);
    return STATUS_OK;
}

static enum status score_graded(struct scoring *s) {
    struct hit grade;
    bool waiting;
    TRY(amount_best_grade(s->assessment, s->rule, &grade, &waiting));
    if (grade.by != NULL)
        TRY(line_add_evidence(s->assessment, s->line, NULL,
                              grade.fact != NULL ? grade.fact : grade.by,
                              grade.fact != NULL ? grade.by : NULL, &grade.by->quantity, NULL));
    int64_t points = grade.by != NULL ? grade.by->quantity : 0;
    give(s, points, points, grade.by != NULL, false);
    // Without a deliverable it waits for its grader as soon as its own condition is met.
    bool open = waiting || (!rule_is_deliverable(s->rule) && s->rule->source->n_conditions > 0);
    if (open && grade.by == NULL && !s->blocked)
        set_state(s->line, LX__LINE_STATE__LINE_WAITING);
    return STATUS_OK;
}

// Numerator and denominator; false: there is no base.
static enum status ratio(struct scoring *s, struct amount *out_num, struct amount *out_den,
                         bool *out_base) {
    TRY(amount_of(s->assessment, s->rule, s->rule->amount, s->line, out_num));
    TRY(amount_of(s->assessment, s->rule, s->rule->source->per, NULL, out_den));
    SET(s->line, amount, amount_cut(*out_num));
    SET(s->line, per, amount_cut(*out_den));
    *out_base = out_den->num > 0;
    if (!*out_base) {
        SET(s->line, points, 0);
        set_state(s->line, LX__LINE_STATE__LINE_EMPTY);
    }
    return STATUS_OK;
}

// Is num / den at least `percent` (hundredths of a percent)?
static bool share_at_least(struct amount num, struct amount den, int64_t percent) {
    return (__int128)num.num * den.den * 10000 >= (__int128)den.num * num.den * percent;
}

static enum status score_tiers(struct scoring *s) {
    const Lx__Rule *source = s->rule->source;
    struct amount num;
    struct amount den;
    bool base;
    TRY(ratio(s, &num, &den, &base));
    if (!base)
        return STATUS_OK;
    size_t tier = 0;
    while (tier < source->n_tiers && !share_at_least(num, den, source->tiers[tier]->bound))
        tier++;
    int64_t points = tier < source->n_tiers ? source->tiers[tier]->points : 0;
    if (tier < source->n_tiers)
        SET(s->line, bound, source->tiers[tier]->bound);
    give(s, points, points, tier == 0, num.num > 0);
    return STATUS_OK;
}

static enum status score_threshold(struct scoring *s) {
    const Lx__Rule *source = s->rule->source;
    struct amount num;
    struct amount den;
    bool base;
    TRY(ratio(s, &num, &den, &base));
    SET(s->line, bound, source->bound);
    if (!base)
        return STATUS_OK;
    bool full = share_at_least(num, den, source->bound);
    int64_t points = full ? source->points : 0;
    give(s, points, points, full, num.num > 0);
    return STATUS_OK;
}

static enum status score_rate(struct scoring *s) {
    int64_t most = s->rule->source->points;
    struct amount num;
    struct amount den;
    bool base;
    TRY(ratio(s, &num, &den, &base));
    if (!base)
        return STATUS_OK;
    int64_t points = amount_share(most, num, den, most);
    give(s, points, points, !amount_less((struct amount){num.num, num.den}, den), num.num > 0);
    return STATUS_OK;
}

// A gate's own amount against its bound; without an amount its conditions alone decide.
static enum status score_gate(struct scoring *s) {
    const Lx__Rule *source = s->rule->source;
    struct amount amount = {0, 1};
    bool met = true;
    bool at_most = source->has_compare && source->compare == LX__COMPARE__AT_MOST;
    struct hits hits = {0};
    if (s->rule->amount != NULL) {
        int64_t bound = source->has_bound ? source->bound : (int64_t)source->min * 100;
        TRY(amount_of(s->assessment, s->rule, s->rule->amount, s->line, &amount));
        if (counts_hits(s->rule->amount))
            TRY(amount_hits(s->assessment, s->rule, s->rule->amount, false, &hits));
        SET(s->line, amount, amount_cut(amount));
        SET(s->line, bound, bound);
        met = at_most ? amount_at_most(amount, bound) : amount_at_least(amount, bound);
    }
    bool lost = at_most && !met; // can only get worse
    if (met && !s->blocked)
        set_state(s->line, LX__LINE_STATE__LINE_DONE);
    else if (lost || assessment_ended(s->assessment, s->rule->window))
        set_state(s->line, LX__LINE_STATE__LINE_MISSED);
    else if (s->blocked)
        set_state(s->line, LX__LINE_STATE__LINE_CLOSED);
    else
        set_state(s->line,
                  amount.num > 0 ? LX__LINE_STATE__LINE_STARTED : LX__LINE_STATE__LINE_NOTHING);
    wait_if(s, &hits);
    return STATUS_OK;
}

static enum status score_duty(struct scoring *s) {
    struct hits hits;
    int64_t n;
    int64_t need = demanded(s->rule);
    TRY(count(s, true, &hits, &n));
    bool late = hits.n >= (size_t)need && hits.list[need - 1].time_ms >= s->rule->window.until_ms;
    bool ended = assessment_ended(s->assessment, s->rule->window);
    if (n >= need && !s->blocked)
        set_state(s->line, late ? LX__LINE_STATE__LINE_LATE : LX__LINE_STATE__LINE_DONE);
    else if (!s->blocked && n + (int64_t)hits.n_waiting >= need)
        set_state(s->line, LX__LINE_STATE__LINE_WAITING);
    else
        set_state(s->line, ended ? LX__LINE_STATE__LINE_MISSED : LX__LINE_STATE__LINE_DUE);
    return STATUS_OK;
}

static const char *dimension_of(const struct scheme *scheme, const char *item) {
    const struct course *course = scheme_course(scheme, item);
    const char *code =
        course != NULL && course->source->point != NULL ? course->source->point : item;
    const Lx__AbilityPoint *point = scheme_point(scheme, code);
    return point != NULL ? point->dimension : "";
}

static enum status score_choice(struct scoring *s) {
    const struct scheme *scheme = s->assessment->input->scheme;
    struct hits hits;
    int64_t n;
    TRY(count(s, false, &hits, &n));
    size_t dimensions = 0;
    for (size_t i = 0; i < hits.n; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = strcmp(dimension_of(scheme, hits.list[i].item),
                          dimension_of(scheme, hits.list[k].item)) == 0;
        dimensions += seen ? 0 : 1;
    }
    bool done = n >= demanded(s->rule) && dimensions >= s->rule->source->dimensions;
    SET(s->line, bound, demanded(s->rule) * 100);
    give(s, 0, 0, done, n > 0);
    return STATUS_OK;
}

static enum status score_record(struct scoring *s) {
    if (s->rule->amount == NULL) {
        set_state(s->line, LX__LINE_STATE__LINE_NOTHING);
        return STATUS_OK;
    }
    struct hits hits;
    int64_t n;
    TRY(count(s, false, &hits, &n));
    give(s, 0, 0, n >= demanded(s->rule), n > 0);
    wait_if(s, &hits);
    return STATUS_OK;
}

#define ROW(name, function) [LX__MEASURE__MEASURE_##name] = function
static enum status (*const functions[])(struct scoring *) = {
    ROW(ONCE, score_once),     ROW(EACH, score_each),
    ROW(GRADED, score_graded), ROW(PROPORTIONAL, score_proportional),
    ROW(TIERS, score_tiers),   ROW(THRESHOLD, score_threshold),
    ROW(RATE, score_rate),     ROW(BONUS, score_each),
    ROW(GATE, score_gate),     ROW(DUTY, score_duty),
    ROW(CHOICE, score_choice), ROW(RECORD, score_record),
};
#undef ROW

// The first rule that has to be done before this one and is not; NULL: it is open.
static const char *blocked_by(const struct scoring *s) {
    for (size_t i = 0; i < s->rule->n_opens_after; i++) {
        unsigned index = s->rule->opens_after[i];
        const Lx__ReceiptLine *before = s->assessment->lines[index];
        if (before == NULL || !line_is_done(before))
            return s->assessment->input->scheme->rules[index].source->code;
    }
    return NULL;
}

// The first of the rule's own conditions that is not met goes into the line.
static enum status check_conditions(struct scoring *s) {
    for (size_t i = 0; i < s->rule->source->n_conditions; i++) {
        Lx__Condition *condition = s->rule->source->conditions[i];
        bool at_most = condition->has_compare && condition->compare == LX__COMPARE__AT_MOST;
        struct amount amount;
        TRY(amount_of(s->assessment, s->rule, condition->amount, NULL, &amount));
        bool met = at_most ? amount_at_most(amount, condition->bound)
                           : amount_at_least(amount, condition->bound);
        if (met)
            continue;
        s->line->unmet = condition;
        SET(s->line, unmet_amount, amount_cut(amount));
        s->blocked = true;
        return STATUS_OK;
    }
    return STATUS_OK;
}

enum status score_rule(struct assessment *assessment, const struct rule *rule,
                       Lx__ReceiptLine *line) {
    struct scoring scoring = {assessment, rule, line, false};
    line->rule = rule->source->code;
    if (rule->cap > 0)
        SET(line, cap, rule->cap);
    const char *before = blocked_by(&scoring);
    if (before != NULL) {
        line->blocked_by = (char *)(uintptr_t)before; // protobuf-c's strings are not const
        scoring.blocked = true;
    }
    TRY(check_conditions(&scoring));
    return functions[rule->source->measure](&scoring);
}
