// The things behind a count: which facts, deliverables, choices and recommended cases count, once
// each, in time order.
#include <string.h>

#include "common/assess/assessment.h"
#include "common/base/sort.h"

static int compare_hits(const void *a, const void *b) {
    const struct hit *first = a;
    const struct hit *second = b;
    if (first->time_ms != second->time_ms)
        return first->time_ms < second->time_ms ? -1 : 1;
    int order = strcmp(first->item, second->item);
    if (order != 0 || first->fact == NULL || second->fact == NULL)
        return order;
    return uuid_compare(first->fact->id, second->fact->id);
}

static bool in_time(const struct rule *rule, bool late, const struct fact *fact) {
    return fact->occurred_at_ms >= rule->window.from_ms &&
           (late || fact->occurred_at_ms < rule->window.until_ms);
}

static bool in_list(const char *code, char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(code, list[i]) == 0)
            return true;
    }
    return false;
}

// Kinds whose item is a rule of the scheme: without `items` only the rule's own count.
static bool item_is_rule(Lx__FactKind kind) {
    return kind == LX__FACT_KIND__SUBMITTED || kind == LX__FACT_KIND__GRADE ||
           kind == LX__FACT_KIND__ASSESSMENT_TAKEN || kind == LX__FACT_KIND__DUTY_DONE;
}

// Kinds of which the fact itself is the thing; of the others the item is, and counts once.
static bool fact_is_thing(Lx__FactKind kind) {
    return item_is_rule(kind) || kind == LX__FACT_KIND__SELF_TEST;
}

static bool wanted(const struct rule *rule, const Lx__Amount *amount, const struct fact *fact) {
    if (amount->n_forms > 0 && !in_list(fact->form, amount->forms, amount->n_forms))
        return false;
    if (amount->n_items > 0)
        return in_list(fact->item, amount->items, amount->n_items);
    return !item_is_rule(fact->kind) || strcmp(fact->item, rule->source->code) == 0;
}

// Appends the facts of one kind; of things that count once the earliest one.
static void add_facts(struct assessment *a, const struct rule *rule, const Lx__Amount *amount,
                      Lx__FactKind kind, bool late, struct hits *hits) {
    struct fact_range range = evidence_of_kind(&a->evidence, kind);
    const char *last = NULL;
    for (size_t i = 0; i < range.n; i++) {
        const struct fact *fact = range.facts[i];
        if (!wanted(rule, amount, fact) || !in_time(rule, late, fact))
            continue;
        bool thing = fact_is_thing(kind);
        if (!thing && last != NULL && strcmp(last, fact->item) == 0)
            continue;
        last = fact->item;
        hits->list[hits->n++] =
            (struct hit){fact->occurred_at_ms, thing ? "" : fact->item, thing ? fact : NULL, NULL};
    }
}

static enum status facts_hits(struct assessment *a, const struct rule *rule,
                              const Lx__Amount *amount, bool late, struct hits *hits) {
    for (size_t i = 0; i < amount->n_kinds; i++) {
        bool again = false; // a kind that is named twice counts once
        for (size_t k = 0; k < i; k++)
            again = again || amount->kinds[k] == amount->kinds[i];
        if (!again)
            add_facts(a, rule, amount, amount->kinds[i], late, hits);
    }
    return STATUS_OK;
}

static enum status deliverable_hits(struct assessment *a, const struct rule *rule,
                                    const Lx__Amount *amount, bool late, struct hits *hits) {
    (void)amount;
    struct fact_range range =
        evidence_of_item(&a->evidence, LX__FACT_KIND__SUBMITTED, rule->source->code);
    for (size_t i = 0; i < range.n; i++) {
        const struct fact *fact = range.facts[i];
        if (!in_time(rule, late, fact))
            continue;
        struct fact_range accepted =
            evidence_about(&a->evidence, LX__FACT_KIND__ACCEPTED, fact->id);
        if (rule->review && accepted.n == 0) {
            hits->n_waiting++;
            continue;
        }
        const struct fact *by = rule->review ? accepted.facts[0] : NULL;
        hits->list[hits->n++] = (struct hit){fact->occurred_at_ms, "", fact, by};
    }
    return STATUS_OK;
}

// ---- choices ----

// The home unit of the teacher at the end of as_of, at the level of the rule that chose; a workshop
// has one unit above.
static bool chosen_above(struct assessment *a, const struct rule *above, const char *item) {
    const struct assess_input *input = a->input;
    for (size_t i = 0; i < input->n_selections; i++) {
        const struct selection *selection = &input->selections[i];
        if (selection->occurred_at_ms >= a->until_ms || strcmp(selection->item, item) != 0)
            continue;
        if (input->kind != SUBJECT_KIND_TEACHER)
            return true;
        for (size_t h = 0; h < input->n_homes; h++) {
            const struct home *home = &input->homes[h];
            bool now = home->from_ms < a->until_ms && home->until_ms >= a->until_ms;
            struct uuid unit =
                rule_is_for(above, SUBJECT_KIND_WORKSHOP) ? home->workshop : home->school;
            if (now && uuid_equal(unit, selection->unit))
                return true;
        }
    }
    return false;
}

static bool may_choose(struct assessment *a, const struct rule *rule, const char *item) {
    const Lx__Rule *source = rule->source;
    const struct scheme *scheme = a->input->scheme;
    if (in_list(item, source->not_scored, source->n_not_scored))
        return false;
    bool known = scheme_point(scheme, item) != NULL || scheme_course(scheme, item) != NULL;
    if (source->n_set > 0 && !in_list(item, source->set, source->n_set))
        return false;
    if (source->within == NULL)
        return known;
    const struct rule *above = scheme_rule(scheme, source->within);
    return known && chosen_above(a, above, item);
}

static enum status chosen_hits(struct assessment *a, const struct rule *rule,
                               const Lx__Amount *amount, bool late, struct hits *hits) {
    (void)amount;
    struct fact_range range = evidence_of_kind(&a->evidence, LX__FACT_KIND__COURSE_RANGE);
    const char *last = NULL;
    for (size_t i = 0; i < range.n; i++) {
        const struct fact *fact = range.facts[i];
        bool again = last != NULL && strcmp(last, fact->item) == 0;
        if (again || !in_time(rule, late, fact) || !may_choose(a, rule, fact->item))
            continue;
        last = fact->item;
        hits->list[hits->n++] = (struct hit){fact->occurred_at_ms, fact->item, NULL, NULL};
    }
    return STATUS_OK;
}

// ---- recommended cases ----

// The unit below that offered the fact under this rule; NULL: nobody below did.
static const struct summary *offered_by(const struct assess_input *input, const struct rule *rule,
                                        struct uuid fact) {
    for (size_t i = 0; i < input->n_below; i++) {
        const struct summary *below = &input->below[i];
        for (size_t k = 0; k < below->n_offered; k++) {
            if (below->offered[k].rule == rule && uuid_equal(below->offered[k].fact, fact))
                return below;
        }
    }
    return NULL;
}

static int compare_case_facts(const void *a, const void *b) {
    const struct fact *first = *(const struct fact *const *)a;
    const struct fact *second = *(const struct fact *const *)b;
    if (first->occurred_at_ms != second->occurred_at_ms)
        return first->occurred_at_ms < second->occurred_at_ms ? -1 : 1;
    return uuid_compare(first->id, second->id);
}

// At most one of each unit below, the one recommended first.
static enum status case_hits(struct assessment *a, const struct rule *rule,
                             const Lx__Amount *amount, bool late, struct hits *hits) {
    (void)amount;
    struct fact_range range = evidence_of_kind(&a->evidence, LX__FACT_KIND__CASE_SELECTED);
    const struct fact **facts = arena_array(a->arena, range.n + 1, sizeof(*facts));
    const struct summary **units = arena_array(a->arena, range.n + 1, sizeof(*units));
    if (facts == NULL || units == NULL)
        return STATUS_NO_MEMORY;
    if (range.n > 0)
        memcpy(facts, range.facts, range.n * sizeof(*facts));
    sort_list(facts, range.n, sizeof(*facts), compare_case_facts);
    for (size_t i = 0; i < range.n; i++) {
        const struct fact *fact = facts[i];
        bool own = fact->item[0] == '\0' || strcmp(fact->item, rule->source->code) == 0;
        const struct summary *unit = own && in_time(rule, late, fact)
                                         ? offered_by(a->input, rule->counts_from, fact->of)
                                         : NULL;
        bool again = unit == NULL;
        for (size_t k = 0; !again && k < hits->n; k++)
            again = uuid_equal(units[k]->subject, unit->subject);
        if (again)
            continue;
        units[hits->n] = unit;
        hits->list[hits->n++] = (struct hit){fact->occurred_at_ms, "", NULL, fact};
    }
    return STATUS_OK;
}

typedef enum status (*hits_fn)(struct assessment *, const struct rule *, const Lx__Amount *, bool,
                               struct hits *);

static const struct {
    Lx__AmountKind kind;
    hits_fn function;
} functions[] = {
    {LX__AMOUNT_KIND__AMOUNT_FACTS, facts_hits},
    {LX__AMOUNT_KIND__AMOUNT_DELIVERABLES, deliverable_hits},
    {LX__AMOUNT_KIND__AMOUNT_CHOSEN, chosen_hits},
    {LX__AMOUNT_KIND__AMOUNT_CASES, case_hits},
};

// The most hits that an amount can have: minutes watched, the bulk of a teacher's facts, take no
// room here.
static size_t room_for(const struct evidence *evidence, const struct rule *rule,
                       const Lx__Amount *amount) {
    size_t room = 1;
    if (amount->kind == LX__AMOUNT_KIND__AMOUNT_DELIVERABLES)
        return room + evidence_of_item(evidence, LX__FACT_KIND__SUBMITTED, rule->source->code).n;
    if (amount->kind == LX__AMOUNT_KIND__AMOUNT_CHOSEN)
        return room + evidence_of_kind(evidence, LX__FACT_KIND__COURSE_RANGE).n;
    if (amount->kind == LX__AMOUNT_KIND__AMOUNT_CASES)
        return room + evidence_of_kind(evidence, LX__FACT_KIND__CASE_SELECTED).n;
    for (size_t i = 0; i < amount->n_kinds; i++)
        room += evidence_of_kind(evidence, amount->kinds[i]).n;
    return room;
}

enum status amount_hits(struct assessment *assessment, const struct rule *rule,
                        const Lx__Amount *amount, bool late, struct hits *out_hits) {
    *out_hits = (struct hits){0};
    out_hits->list = arena_array(assessment->arena, room_for(&assessment->evidence, rule, amount),
                                 sizeof(*out_hits->list));
    if (out_hits->list == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (functions[i].kind == amount->kind)
            TRY(functions[i].function(assessment, rule, amount, late, out_hits));
    }
    sort_list(out_hits->list, out_hits->n, sizeof(*out_hits->list), compare_hits);
    return STATUS_OK;
}

// ---- grades ----

static bool better(const struct fact *grade, const struct rule *rule, const struct fact *best) {
    if (grade->quantity < 0 || grade->quantity > rule->cap ||
        grade->occurred_at_ms < rule->window.from_ms)
        return false; // refused at the door; never scored
    if (best == NULL || grade->quantity != best->quantity)
        return best == NULL || grade->quantity > best->quantity;
    if (grade->occurred_at_ms != best->occurred_at_ms)
        return grade->occurred_at_ms < best->occurred_at_ms;
    return uuid_compare(grade->id, best->id) < 0;
}

static void best_of(struct fact_range grades, const struct rule *rule, const struct fact *of,
                    struct hit *best) {
    for (size_t i = 0; i < grades.n; i++) {
        const struct fact *grade = grades.facts[i];
        if (strcmp(grade->item, rule->source->code) == 0 && better(grade, rule, best->by))
            *best = (struct hit){grade->occurred_at_ms, "", of, grade};
    }
}

enum status amount_best_grade(struct assessment *assessment, const struct rule *rule,
                              struct hit *out_grade, bool *out_waiting) {
    const struct evidence *evidence = &assessment->evidence;
    *out_grade = (struct hit){0, "", NULL, NULL};
    *out_waiting = false;
    if (!rule_is_deliverable(rule)) {
        best_of(evidence_of_item(evidence, LX__FACT_KIND__GRADE, rule->source->code), rule, NULL,
                out_grade);
        return STATUS_OK;
    }
    struct fact_range range =
        evidence_of_item(evidence, LX__FACT_KIND__SUBMITTED, rule->source->code);
    for (size_t i = 0; i < range.n; i++) {
        if (!in_time(rule, false, range.facts[i]))
            continue;
        *out_waiting = true;
        best_of(evidence_about(evidence, LX__FACT_KIND__GRADE, range.facts[i]->id), rule,
                range.facts[i], out_grade);
    }
    *out_waiting = *out_waiting && out_grade->by == NULL;
    return STATUS_OK;
}
