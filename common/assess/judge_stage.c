// The stage binds what the subject did: outside its window a fact is refused; a duty's evidence may
// come later (then it is late), never before. Acceptance and grade may come later than the stage,
// never before what they are about.
#include "common/assess/judge_internal.h"
#include "common/base/clock.h"

// Two devices' clocks may differ by so much.
#define REVIEW_TOLERANCE_MS JUDGE_CLOCK_TOLERANCE_MS

static bool refuse_outside(struct judging *judging, struct window window) {
    return judge_refuse(judging, REASON_OUTSIDE_STAGE, "fact.occurred_at_ms",
                        judge_day(judging, window.from_ms), judge_day(judging, window.until_ms - 1),
                        NULL);
}

// A fact without an indicator of its own: all windows in which something counts it.
static bool check_window(struct judging *judging) {
    const Lx__Fact *fact = judging->fact;
    enum subject_kind subject = judge_subject_kind(judging->subject->kind);
    struct window window;
    if (!scheme_fact_window(judging->scheme, fact->kind, subject, &window))
        return judge_refuse(judging, REASON_KIND_NOT_USED, "fact.kind", judging->info->name,
                            fact_subject_name(judging->subject->kind), NULL);
    // The part of an interval that lies inside counts, so one second inside is enough.
    int64_t end_ms = fact->has_until_ms ? fact->until_ms : fact->occurred_at_ms + 1;
    if (end_ms <= window.from_ms || fact->occurred_at_ms >= window.until_ms)
        return refuse_outside(judging, window);
    return true;
}

static bool check_rule_window(struct judging *judging) {
    const struct rule *rule = judging->rule;
    int64_t time_ms = judging->fact->occurred_at_ms;
    if (rule_takes_time(rule, time_ms))
        return true;
    if (rule->source->measure == LX__MEASURE__MEASURE_DUTY)
        return judge_refuse(judging, REASON_BEFORE_STAGE, "fact.occurred_at_ms",
                            judge_day(judging, rule->window.from_ms), NULL);
    return refuse_outside(judging, rule->window);
}

static bool check_review_time(struct judging *judging) {
    const Lx__Fact *fact = judging->fact;
    if (judging->of.fact != NULL &&
        fact->occurred_at_ms < judging->of.fact->occurred_at_ms - REVIEW_TOLERANCE_MS)
        return judge_refuse(judging, REASON_REVIEWED_TOO_EARLY, "fact.occurred_at_ms", NULL);
    if (judging->of.fact == NULL && judging->rule != NULL &&
        fact->occurred_at_ms < judging->rule->window.from_ms)
        return judge_refuse(judging, REASON_BEFORE_STAGE, "fact.occurred_at_ms",
                            judge_day(judging, judging->rule->window.from_ms), NULL);
    return true;
}

bool judge_fact_stage(struct judging *judging) {
    Lx__FactKind kind = judging->fact->kind;
    if (kind == LX__FACT_KIND__VOID)
        return true; // a void acts whatever its date
    if (kind == LX__FACT_KIND__ACCEPTED || kind == LX__FACT_KIND__GRADE)
        return check_review_time(judging);
    return judging->rule != NULL ? check_rule_window(judging) : check_window(judging);
}
