// Who may write a fact. Recording needs a capability over the subject's unit. Reviewing (accepting,
// grading) is the business of one office: the first that the indicator names; where it is vacant or
// would judge its own, the lowest level above that has somebody else, and no other.
#include "common/assess/judge_internal.h"

#include <string.h>

// The offices from the workshop to the city, each on its level's unit.
static const struct {
    Lx__Role role;
    Lx__UnitLevel level;
} ladder[] = {
    {LX__ROLE__HEAD, LX__UNIT_LEVEL__WORKSHOP},
    {LX__ROLE__SCHOOL_ADMIN, LX__UNIT_LEVEL__SCHOOL},
    {LX__ROLE__DISTRICT_ADMIN, LX__UNIT_LEVEL__DISTRICT},
    {LX__ROLE__CITY_ADMIN, LX__UNIT_LEVEL__CITY},
};
#define LADDER_STEPS (sizeof ladder / sizeof ladder[0])

static bool in_force(int64_t from_ms, int64_t until_ms, int64_t time_ms) {
    return time_ms >= from_ms && (until_ms == 0 || time_ms < until_ms);
}

// Does the sender hold this role on this unit on the day of his act?
static bool sender_holds(const struct judging *judging, Lx__Role role, struct uuid unit) {
    const struct judge_context *context = judging->context;
    for (size_t i = 0; i < context->n_roles; i++) {
        const struct judge_role *held = &context->roles[i];
        if (held->role == role && uuid_equal(held->unit, unit) &&
            in_force(held->from_ms, held->until_ms, judging->fact->occurred_at_ms))
            return true;
    }
    return false;
}

static bool holds_office(const struct judging *judging, struct uuid person, Lx__Role role,
                         struct uuid unit) {
    const struct judge_context *context = judging->context;
    if (uuid_equal(person, context->sender) && sender_holds(judging, role, unit))
        return true;
    for (size_t i = 0; i < context->n_offices; i++) {
        const struct judge_office *office = &context->offices[i];
        if (office->role == role && uuid_equal(office->unit, unit) &&
            uuid_equal(office->person, person) &&
            in_force(office->from_ms, office->until_ms, judging->fact->occurred_at_ms))
            return true;
    }
    return false;
}

static bool is_author(const Lx__Submission *submission, struct uuid person) {
    for (size_t i = 0; submission != NULL && i < submission->n_authors; i++)
        if (submission->authors[i].len == UUID_SIZE &&
            memcmp(submission->authors[i].data, person.bytes, UUID_SIZE) == 0)
            return true;
    return false;
}

// Would this person judge his own: about himself, handed in for a unit or co-written by him, or of
// the unit whose office he holds? What a head recorded for his teacher is not his own.
static bool is_own(const struct judging *judging, struct uuid person) {
    const struct judge_subject *subject = judging->subject;
    if (uuid_equal(subject->id, person) || is_author(judging->of.submission, person))
        return true;
    if (subject->kind == FACT_SUBJECT_TEACHER)
        return false;
    if (judging->of.fact != NULL && uuid_equal(judging->of.actor, person))
        return true;
    return holds_office(judging, person,
                        subject->kind == FACT_SUBJECT_WORKSHOP ? LX__ROLE__HEAD
                                                               : LX__ROLE__SCHOOL_ADMIN,
                        subject->id);
}

// Has this office on this unit a holder who would not judge his own?
static bool has_other_holder(const struct judging *judging, Lx__Role role, struct uuid unit) {
    const struct judge_context *context = judging->context;
    if (sender_holds(judging, role, unit) && !is_own(judging, context->sender))
        return true;
    for (size_t i = 0; i < context->n_offices; i++) {
        const struct judge_office *office = &context->offices[i];
        if (office->role == role && uuid_equal(office->unit, unit) &&
            in_force(office->from_ms, office->until_ms, judging->fact->occurred_at_ms) &&
            !is_own(judging, office->person))
            return true;
    }
    return false;
}

static bool is_known(const struct judging *judging, Lx__Role role) {
    return (judging->context->offices_known & (1u << role)) != 0;
}

// Walks up from `first`: the lowest office that has somebody else decides.
static bool check_ladder(struct judging *judging, size_t first) {
    Lx__Role asked = ladder[first].role;
    for (size_t step = first; step < LADDER_STEPS; step++) {
        const struct judge_unit *unit =
            judge_unit_above(judging->context, judging->subject->home, ladder[step].level);
        if (unit == NULL)
            continue; // a teacher without a workshop
        if (sender_holds(judging, ladder[step].role, unit->id))
            return true; // and it is not his own: that was checked first
        if (has_other_holder(judging, ladder[step].role, unit->id)) {
            asked = ladder[step].role;
            break;
        }
        if (!is_known(judging, ladder[step].role))
            asked = ladder[step].role; // perhaps somebody: a higher sender leaves it to the server
    }
    return judge_refuse(judging, REASON_REVIEW_OTHER_ROLE, "fact", role_find(asked)->name, NULL);
}

// An expert is assigned to the workshop or to a unit above it. Without one a district or the city
// may grade.
static bool check_expert(struct judging *judging) {
    const struct judge_context *context = judging->context;
    struct uuid home = judging->subject->home;
    bool assigned = false;
    for (size_t i = 0; i < context->n_units; i++) {
        struct uuid unit = context->units[i].id;
        if (!judge_covers(context, unit, home))
            continue;
        if (sender_holds(judging, LX__ROLE__EXPERT, unit))
            return true;
        assigned = assigned || has_other_holder(judging, LX__ROLE__EXPERT, unit);
    }
    for (size_t step = 2; step < LADDER_STEPS && !assigned; step++) {
        const struct judge_unit *unit = judge_unit_above(context, home, ladder[step].level);
        if (unit != NULL && sender_holds(judging, ladder[step].role, unit->id))
            return true;
    }
    return judge_refuse(judging, REASON_REVIEW_OTHER_ROLE, "fact",
                        role_find(LX__ROLE__EXPERT)->name, NULL);
}

// Heads of the lead school's workshops grade school-based work of their cluster's other schools.
static bool leads_cluster(const struct judging *judging) {
    const struct judge_context *context = judging->context;
    if (judging->fact->kind != LX__FACT_KIND__GRADE || judging->fact->has_of ||
        judging->subject->kind != FACT_SUBJECT_TEACHER)
        return false;
    for (size_t i = 0; i < context->n_roles; i++) {
        const struct judge_role *held = &context->roles[i];
        if (held->role == LX__ROLE__LEAD_HEAD &&
            in_force(held->from_ms, held->until_ms, judging->fact->occurred_at_ms) &&
            judge_covers(context, held->unit, judging->subject->home))
            return true;
    }
    return false;
}

static bool check_reviewer(struct judging *judging) {
    const struct rule *rule = judging->rule;
    Lx__Role first = LX__ROLE__ROLE_UNKNOWN;
    if (rule->source->n_review > 0)
        first = rule->source->review[0];
    if (first == LX__ROLE__ROLE_UNKNOWN)
        return judge_refuse(judging, REASON_REVIEW_NOBODY, "fact.item", rule->source->code, NULL);
    if (is_own(judging, judging->context->sender))
        return judge_refuse(judging, REASON_REVIEW_OWN, "fact", NULL);
    if (judging->context->checks_off || leads_cluster(judging))
        return true;
    if (first == LX__ROLE__EXPERT)
        return check_expert(judging);
    for (size_t step = 0; step < LADDER_STEPS; step++)
        if (ladder[step].role == first)
            return check_ladder(judging, step);
    return judge_refuse(judging, REASON_REVIEW_NOBODY, "fact.item", rule->source->code, NULL);
}

// What the voided fact needed; whoever wrote it may take it back while he still works there.
static bool check_void(struct judging *judging) {
    const struct judge_context *context = judging->context;
    struct uuid home = judging->subject->home;
    enum capability needed = fact_kind_capability(judging->of.fact->kind, judging->subject->kind);
    if (judge_may(context, needed, home, context->received_at_ms))
        return true;
    if (uuid_equal(judging->of.actor, context->sender) &&
        judge_may(context, CAPABILITY_READ, home, context->received_at_ms))
        return true;
    return judge_refuse(judging, REASON_MAY_NOT_WRITE, "fact", judging->info->name,
                        capability_name(needed), NULL);
}

bool judge_permission(struct judging *judging) {
    const struct judge_context *context = judging->context;
    Lx__FactKind kind = judging->fact->kind;
    if (kind == LX__FACT_KIND__ACCEPTED || kind == LX__FACT_KIND__GRADE)
        return check_reviewer(judging);
    if (context->checks_off)
        return true;
    if (kind == LX__FACT_KIND__VOID)
        return check_void(judging);
    enum capability needed = fact_kind_capability(kind, judging->subject->kind);
    return judge_may(context, needed, judging->subject->home, context->received_at_ms) ||
           judge_refuse(judging, REASON_MAY_NOT_WRITE, "fact", judging->info->name,
                        capability_name(needed), NULL);
}
