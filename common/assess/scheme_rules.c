// The part of the scheme compiler that checks the rules: the right parameters for the measure,
// known codes, no circle, totals that add up; and finds the order in which they are computed.
#include <stdio.h>
#include <string.h>

#include "common/assess/compiler.h"

#define FIELD_SIZE sizeof(((struct scheme_error *)NULL)->field)

// "rules[code].parameter" for messages.
static const char *rule_field(const Lx__Rule *rule, const char *parameter,
                              char buffer[FIELD_SIZE]) {
    snprintf(buffer, FIELD_SIZE, "rules[%s].%s", rule->code, parameter);
    return buffer;
}

static const Lx__FactKind submitted_kinds[] = {LX__FACT_KIND__SUBMITTED};
static const Lx__FactKind duty_kinds[] = {LX__FACT_KIND__DUTY_DONE};

static const Lx__Amount amount_deliverables = {
    .base = PROTOBUF_C_MESSAGE_INIT(&lx__amount__descriptor),
    .has_kind = 1,
    .kind = LX__AMOUNT_KIND__AMOUNT_DELIVERABLES,
    .n_kinds = 1,
    .kinds = (Lx__FactKind *)submitted_kinds,
};
static const Lx__Amount amount_duty = {
    .base = PROTOBUF_C_MESSAGE_INIT(&lx__amount__descriptor),
    .has_kind = 1,
    .kind = LX__AMOUNT_KIND__AMOUNT_FACTS,
    .n_kinds = 1,
    .kinds = (Lx__FactKind *)duty_kinds,
};
static const Lx__Amount amount_chosen = {
    .base = PROTOBUF_C_MESSAGE_INIT(&lx__amount__descriptor),
    .has_kind = 1,
    .kind = LX__AMOUNT_KIND__AMOUNT_CHOSEN,
};

// What a rule counts when it does not say so.
static const Lx__Amount *default_amount(const Lx__Rule *rule) {
    if (rule->measure == LX__MEASURE__MEASURE_GRADED)
        return rule->amount;
    if (rule->amount != NULL)
        return rule->amount;
    if (rule->measure == LX__MEASURE__MEASURE_CHOICE)
        return &amount_chosen;
    if (rule->deliverable)
        return &amount_deliverables;
    return rule->measure == LX__MEASURE__MEASURE_DUTY ? &amount_duty : NULL;
}

static unsigned parameters_of(const Lx__Rule *rule, const Lx__Amount *amount) {
    unsigned have = 0;
    have |= rule->has_points ? PARAMETER_POINTS : 0;
    have |= rule->has_cap ? PARAMETER_CAP : 0;
    have |= amount != NULL ? PARAMETER_AMOUNT : 0;
    have |= rule->per != NULL ? PARAMETER_PER : 0;
    have |= rule->has_bound ? PARAMETER_BOUND : 0;
    have |= rule->has_full_at ? PARAMETER_FULL_AT : 0;
    have |= rule->n_tiers > 0 ? PARAMETER_TIERS : 0;
    have |= rule->has_min ? PARAMETER_MIN : 0;
    return have;
}

static enum status check_parameters(struct compiler *c, const Lx__Rule *rule,
                                    const Lx__Amount *amount) {
    const struct measure_info *info = measure_find(rule->measure);
    char field[FIELD_SIZE];
    if (info == NULL)
        return compile_fail(c, rule->line, rule_field(rule, "measure", field),
                            "a measure is needed");
    unsigned have = parameters_of(rule, amount);
    for (unsigned bit = 1; bit <= PARAMETER_MIN; bit <<= 1) {
        const char *name = parameter_name((enum parameter)bit);
        if ((info->needs & bit) != 0 && (have & bit) == 0)
            return compile_fail(c, rule->line, rule_field(rule, name, field),
                                "the measure \"%s\" needs it", info->name);
        if ((have & bit) != 0 && ((info->needs | info->allows) & bit) == 0)
            return compile_fail(c, rule->line, rule_field(rule, name, field),
                                "the measure \"%s\" does not have it", info->name);
    }
    return STATUS_OK;
}

static enum status check_numbers(struct compiler *c, const Lx__Rule *rule) {
    char field[FIELD_SIZE];
    if (rule->points < 0 || rule->points > COMPILE_POINTS_MAX)
        return compile_fail(c, rule->line, rule_field(rule, "points", field),
                            "points lie between 0 and 1,000,000");
    if (rule->cap < 0 || rule->cap > COMPILE_POINTS_MAX)
        return compile_fail(c, rule->line, rule_field(rule, "cap", field),
                            "the cap lies between 0 and 1,000,000");
    if (rule->has_full_at && (rule->full_at <= 0 || rule->full_at > COMPILE_FULL_AT_MAX))
        return compile_fail(c, rule->line, rule_field(rule, "full_at", field),
                            "full_at must be above 0");
    if (rule->bound < 0 || rule->bound > COMPILE_FULL_AT_MAX)
        return compile_fail(c, rule->line, rule_field(rule, "bound", field),
                            "the bound must not be negative");
    for (size_t i = 0; i < rule->n_tiers; i++) {
        const Lx__Tier *tier = rule->tiers[i];
        if (tier->points < 0 || tier->points > COMPILE_POINTS_MAX || tier->bound < 0 ||
            tier->bound > 10000 || !tier->has_points || !tier->has_bound)
            return compile_fail(c, rule->line, rule_field(rule, "tiers", field),
                                "a tier has points and a bound between 0 and 100 percent");
        if (i > 0 && (tier->bound >= rule->tiers[i - 1]->bound ||
                      tier->points >= rule->tiers[i - 1]->points))
            return compile_fail(c, rule->line, rule_field(rule, "tiers", field),
                                "tiers go from the highest bound and points to the lowest");
    }
    return STATUS_OK;
}

static enum status check_amount_parts(struct compiler *c, const Lx__Rule *rule, const char *name,
                                      const Lx__Amount *amount) {
    const struct amount_info *info = amount_find(amount->kind);
    char field[FIELD_SIZE];
    rule_field(rule, name, field);
    unsigned have = (amount->n_kinds > 0 ? (unsigned)AMOUNT_PART_KINDS : 0u) |
                    (amount->n_items > 0 ? (unsigned)AMOUNT_PART_ITEMS : 0u) |
                    (amount->n_forms > 0 ? (unsigned)AMOUNT_PART_FORMS : 0u) |
                    (amount->n_groups > 0 ? (unsigned)AMOUNT_PART_GROUPS : 0u) |
                    (amount->has_value ? (unsigned)AMOUNT_PART_VALUE : 0u);
    if (amount != &amount_deliverables && (have & ~info->parts) != 0)
        return compile_fail(c, rule->line, field, "the amount \"%s\" does not have such a part",
                            info->name);
    if ((info->parts & AMOUNT_PART_KINDS) != 0 && amount->n_kinds == 0)
        return compile_fail(c, rule->line, field, "the amount \"%s\" needs kinds of fact",
                            info->name);
    if (amount->kind == LX__AMOUNT_KIND__AMOUNT_CONSTANT &&
        (amount->value <= 0 || amount->value > COMPILE_FULL_AT_MAX))
        return compile_fail(c, rule->line, field, "a constant is above 0");
    for (size_t i = 0; i < amount->n_groups; i++) {
        if (!compile_has_code(c->source->groups, c->source->n_groups, amount->groups[i]))
            return compile_fail(c, rule->line, field, "there is no course group \"%s\"",
                                amount->groups[i]);
    }
    for (size_t i = 0; i < amount->n_forms; i++) {
        if (!compile_has_code(c->source->forms, c->source->n_forms, amount->forms[i]))
            return compile_fail(c, rule->line, field, "there is no form \"%s\"", amount->forms[i]);
    }
    return STATUS_OK;
}

static enum status check_amount(struct compiler *c, const struct rule *compiled, const char *name,
                                const Lx__Amount *amount) {
    const Lx__Rule *rule = compiled->source;
    char field[FIELD_SIZE];
    rule_field(rule, name, field);
    const struct amount_info *info = amount_find(amount->kind);
    if (info == NULL)
        return compile_fail(c, rule->line, field, "a kind of amount is needed");
    if ((compiled->subjects & ~info->subjects) != 0)
        return compile_fail(c, rule->line, field,
                            "the amount \"%s\" does not exist for this kind of subject",
                            info->name);
    TRY(check_amount_parts(c, rule, name, amount));
    bool hours = amount->kind == LX__AMOUNT_KIND__AMOUNT_ONLINE_HOURS ||
                 amount->kind == LX__AMOUNT_KIND__AMOUNT_SCHOOL_HOURS;
    if (hours && c->source->hours == NULL)
        return compile_fail(c, rule->line, field, "the scheme does not say how hours come about");
    if (amount->kind == LX__AMOUNT_KIND__AMOUNT_DELIVERABLES && !rule->deliverable)
        return compile_fail(c, rule->line, field, "nothing is handed in for this rule");
    if (amount->kind == LX__AMOUNT_KIND__AMOUNT_CASES && compiled->counts_from == NULL)
        return compile_fail(c, rule->line, field, "cases need counts_from");
    return STATUS_OK;
}

static enum status check_conditions(struct compiler *c, const struct rule *compiled) {
    const Lx__Rule *rule = compiled->source;
    char field[FIELD_SIZE];
    for (size_t i = 0; i < rule->n_conditions; i++) {
        const Lx__Condition *condition = rule->conditions[i];
        if (condition->amount == NULL || !condition->has_bound || condition->bound < 0 ||
            condition->bound > COMPILE_FULL_AT_MAX)
            return compile_fail(c, rule->line, rule_field(rule, "conditions", field),
                                "a condition has an amount and a bound");
        TRY(check_amount(c, compiled, "conditions", condition->amount));
    }
    bool gate = rule->measure == LX__MEASURE__MEASURE_GATE;
    if (gate && compiled->amount == NULL && rule->n_conditions == 0)
        return compile_fail(c, rule->line, rule_field(rule, "amount", field),
                            "a gate needs an amount with a bound, or conditions");
    if (gate && compiled->amount != NULL && !rule->has_bound && !rule->has_min)
        return compile_fail(c, rule->line, rule_field(rule, "bound", field),
                            "a gate with an amount needs a bound");
    return STATUS_OK;
}

static enum status check_constraint(struct compiler *c, const Lx__Rule *rule) {
    const Lx__Constraint *constraint = rule->constraint;
    char field[FIELD_SIZE];
    rule_field(rule, "constraint", field);
    if (constraint == NULL)
        return STATUS_OK;
    if (!rule->deliverable)
        return compile_fail(c, rule->line, field, "only a deliverable has a constraint");
    if (constraint->template_ != NULL && scheme_template(c->scheme, constraint->template_) == NULL)
        return compile_fail(c, rule->line, field, "there is no template \"%s\"",
                            constraint->template_);
    for (size_t i = 0; i < constraint->n_forms; i++) {
        if (!compile_has_code(c->source->forms, c->source->n_forms, constraint->forms[i]))
            return compile_fail(c, rule->line, field, "there is no form \"%s\"",
                                constraint->forms[i]);
    }
    if (constraint->has_duration_max_s && constraint->duration_max_s < constraint->duration_min_s)
        return compile_fail(c, rule->line, field, "the longest duration is below the shortest");
    return STATUS_OK;
}

static enum status check_choice(struct compiler *c, const Lx__Rule *rule) {
    char field[FIELD_SIZE];
    for (size_t i = 0; i < rule->n_set + rule->n_not_scored; i++) {
        const char *code = i < rule->n_set ? rule->set[i] : rule->not_scored[i - rule->n_set];
        if (scheme_point(c->scheme, code) == NULL && scheme_course(c->scheme, code) == NULL)
            return compile_fail(c, rule->line, rule_field(rule, "set", field),
                                "\"%s\" is neither an ability point nor a course", code);
    }
    if (rule->within == NULL)
        return STATUS_OK;
    int above = compile_index_of(c->source->rules, c->source->n_rules, rule->within);
    if (above < 0 || c->source->rules[above]->measure != LX__MEASURE__MEASURE_CHOICE)
        return compile_fail(c, rule->line, rule_field(rule, "within", field),
                            "\"%s\" is not a choice of this scheme", rule->within);
    return STATUS_OK;
}

// Smallest and largest kind of subject of a rule, as levels: a teacher is the lowest.
static unsigned lowest_level(unsigned subjects) {
    unsigned level = 0;
    while (level < SUBJECT_KIND_COUNT && (subjects & (1u << level)) == 0)
        level++;
    return level;
}

static enum status resolve_counts_from(struct compiler *c, struct rule *compiled,
                                       struct rule *rules) {
    const Lx__Rule *rule = compiled->source;
    char field[FIELD_SIZE];
    if (rule->counts_from == NULL)
        return STATUS_OK;
    rule_field(rule, "counts_from", field);
    int index = compile_index_of(c->source->rules, c->source->n_rules, rule->counts_from);
    if (index < 0)
        return compile_fail(c, rule->line, field, "there is no rule \"%s\"", rule->counts_from);
    if (!c->source->rules[index]->deliverable)
        return compile_fail(c, rule->line, field, "nothing is handed in for \"%s\"",
                            rule->counts_from);
    if (lowest_level(rules[index].subjects) >= lowest_level(compiled->subjects))
        return compile_fail(c, rule->line, field,
                            "a circle: \"%s\" belongs to a subject that is assessed later or with "
                            "this one; only subjects below can be counted",
                            rule->counts_from);
    compiled->counts_from = &rules[index];
    rules[index].offered = true;
    return STATUS_OK;
}

static enum status resolve_opens_after(struct compiler *c, struct rule *compiled,
                                       const struct rule *rules) {
    const Lx__Rule *rule = compiled->source;
    char field[FIELD_SIZE];
    rule_field(rule, "opens_after", field);
    unsigned *indices = arena_array(c->arena, rule->n_opens_after + 1, sizeof(*indices));
    if (indices == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < rule->n_opens_after; i++) {
        int index = compile_index_of(c->source->rules, c->source->n_rules, rule->opens_after[i]);
        if (index < 0)
            return compile_fail(c, rule->line, field, "there is no rule \"%s\"",
                                rule->opens_after[i]);
        if ((compiled->subjects & ~rules[index].subjects) != 0)
            return compile_fail(c, rule->line, field,
                                "\"%s\" is a rule for another kind of subject",
                                rule->opens_after[i]);
        indices[i] = (unsigned)index;
    }
    compiled->opens_after = indices;
    compiled->n_opens_after = rule->n_opens_after;
    return STATUS_OK;
}

static int64_t cap_of(const Lx__Rule *rule) {
    if (rule->has_cap)
        return rule->cap;
    return rule->n_tiers > 0 ? rule->tiers[0]->points : rule->points;
}

static enum status compile_subjects(struct compiler *c, struct rule *compiled) {
    const Lx__Rule *rule = compiled->source;
    char field[FIELD_SIZE];
    if (rule->n_subjects == 0)
        return compile_fail(c, rule->line, rule_field(rule, "subjects", field),
                            "a kind of subject is needed");
    for (size_t i = 0; i < rule->n_subjects; i++) {
        if (rule->subjects[i] <= 0 || (unsigned)rule->subjects[i] >= SUBJECT_KIND_COUNT)
            return compile_fail(c, rule->line, rule_field(rule, "subjects", field),
                                "a kind of subject is needed");
        compiled->subjects |= 1u << (unsigned)rule->subjects[i];
    }
    return STATUS_OK;
}

static enum status compile_section(struct compiler *c, struct rule *compiled) {
    const Lx__Rule *rule = compiled->source;
    char field[FIELD_SIZE];
    compiled->section = -1;
    bool bonus = rule->measure == LX__MEASURE__MEASURE_BONUS;
    if (rule->section == NULL && !bonus)
        return STATUS_OK;
    rule_field(rule, "section", field);
    if (rule->section == NULL)
        return compile_fail(c, rule->line, field, "a bonus needs a section with a cap");
    compiled->section = compile_index_of(c->source->sections, c->source->n_sections, rule->section);
    if (compiled->section < 0)
        return compile_fail(c, rule->line, field, "there is no section \"%s\"", rule->section);
    const Lx__Section *section = c->source->sections[compiled->section];
    if (compiled->subjects != 1u << (unsigned)section->subject)
        return compile_fail(c, rule->line, field, "the section is for another kind of subject");
    if (section->cap < 0 || section->cap > COMPILE_POINTS_MAX)
        return compile_fail(c, section->line, field, "the section's cap is out of bounds");
    if (bonus && !section->has_cap)
        return compile_fail(c, rule->line, field, "a bonus needs a section with a cap");
    return STATUS_OK;
}

static enum status compile_rule(struct compiler *c, struct rule *compiled, struct rule *rules) {
    const Lx__Rule *rule = compiled->source;
    char field[FIELD_SIZE];
    compiled->amount = default_amount(rule);
    compiled->cap = cap_of(rule);
    compiled->stage = -1;
    Lx__AcceptBy accept = rule->has_accept ? rule->accept : c->source->accept;
    compiled->review = accept != LX__ACCEPT_BY__ACCEPT_SUBMISSION && rule->n_review > 0;
    TRY(check_parameters(c, rule, compiled->amount));
    TRY(check_numbers(c, rule));
    TRY(compile_section(c, compiled));
    TRY(compile_stage_window(c, rule->stages, rule->n_stages, rule_field(rule, "stages", field),
                             rule->line, &compiled->window));
    if (rule->n_stages > 0) {
        const char *last = rule->stages[rule->n_stages - 1];
        compiled->stage = compile_index_of(c->source->stages, c->source->n_stages, last);
    }
    TRY(resolve_counts_from(c, compiled, rules));
    TRY(resolve_opens_after(c, compiled, rules));
    if (compiled->amount != NULL)
        TRY(check_amount(c, compiled, "amount", compiled->amount));
    if (rule->per != NULL)
        TRY(check_amount(c, compiled, "per", rule->per));
    TRY(check_conditions(c, compiled));
    TRY(check_constraint(c, rule));
    TRY(check_choice(c, rule));
    struct compile_origin origin = COMPILE_ORIGIN(rule);
    return compile_check_origin(c, &origin, "rules", rule->code);
}

// Rules in an order in which every rule comes after those that open it.
static enum status order_rules(struct compiler *c, const struct rule *rules, size_t n) {
    unsigned *order = arena_array(c->arena, n + 1, sizeof(*order));
    bool *placed = arena_array(c->arena, n + 1, sizeof(*placed));
    if (order == NULL || placed == NULL)
        return STATUS_NO_MEMORY;
    size_t n_placed = 0;
    bool moved = true;
    while (moved) {
        moved = false;
        for (unsigned i = 0; i < n; i++) {
            bool ready = !placed[i];
            for (size_t k = 0; ready && k < rules[i].n_opens_after; k++)
                ready = placed[rules[i].opens_after[k]];
            if (!ready)
                continue;
            order[n_placed++] = i;
            placed[i] = moved = true;
        }
    }
    for (size_t i = 0; i < n; i++) {
        char field[FIELD_SIZE];
        if (!placed[i])
            return compile_fail(c, rules[i].source->line,
                                rule_field(rules[i].source, "opens_after", field),
                                "a circle: the rule waits, directly or through others, for itself");
    }
    c->scheme->order = order;
    return STATUS_OK;
}

// Points of a section that can be had without its bonus, at most its cap.
static int64_t section_points(const struct scheme *scheme, enum subject_kind kind, int section) {
    int64_t sum = 0;
    for (size_t i = 0; i < scheme->n_rules; i++) {
        const struct rule *rule = &scheme->rules[i];
        if (rule->section == section && rule_is_for(rule, kind) &&
            rule->source->measure != LX__MEASURE__MEASURE_BONUS)
            sum += rule->cap;
    }
    if (section < 0)
        return sum;
    const Lx__Section *source = scheme->source->sections[section];
    return source->has_cap && source->cap < sum ? source->cap : sum;
}

static enum status check_totals(struct compiler *c) {
    for (unsigned kind = 1; kind < SUBJECT_KIND_COUNT; kind++) {
        const Lx__Rubric *rubric = c->scheme->rubrics[kind];
        int64_t sum = 0;
        for (int i = -1; i < (int)c->source->n_sections; i++)
            sum += section_points(c->scheme, (enum subject_kind)kind, i);
        if (rubric == NULL && sum > 0)
            return compile_fail(c, 0, "rubrics", "a kind of subject has points but no rubric");
        if (rubric != NULL && sum != rubric->total)
            return compile_fail(c, rubric->line, "rubrics.total",
                                "the rules add up to %lld.%02lld, not to %lld.%02lld",
                                (long long)(sum / 100), (long long)(sum % 100),
                                (long long)(rubric->total / 100), (long long)(rubric->total % 100));
    }
    return STATUS_OK;
}

static enum status index_rules(struct compiler *c, const struct rule *rules, size_t n) {
    unsigned *by_code = arena_array(c->arena, n + 1, sizeof(*by_code));
    if (by_code == NULL)
        return STATUS_NO_MEMORY;
    for (unsigned i = 0; i < n; i++) { // at most COMPILE_RULES_MAX: insertion is enough
        size_t at = i;
        while (at > 0 && strcmp(rules[by_code[at - 1]].source->code, rules[i].source->code) > 0) {
            by_code[at] = by_code[at - 1];
            at--;
        }
        by_code[at] = i;
    }
    c->scheme->rules_by_code = by_code;
    return STATUS_OK;
}

enum status compile_rules(struct compiler *c) {
    size_t n = c->source->n_rules;
    struct rule *rules = arena_array(c->arena, n + 1, sizeof(*rules));
    if (rules == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        rules[i].source = c->source->rules[i];
        rules[i].index = (unsigned)i;
        TRY(compile_subjects(c, &rules[i]));
    }
    for (size_t i = 0; i < n; i++)
        TRY(compile_rule(c, &rules[i], rules));
    TRY(index_rules(c, rules, n));
    c->scheme->rules = rules;
    c->scheme->n_rules = n;
    TRY(order_rules(c, rules, n));
    return check_totals(c);
}
