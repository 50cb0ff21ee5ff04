// What a fact says by itself: its fields against the table of fact kinds, its codes against the
// scheme, its subject and the fact it is about against the roster and the ledger.
#include <string.h>

#include "common/assess/judge_internal.h"
#include "common/base/clock.h"

#define CODE_CAP_BYTES 64
#define SOURCE_KEY_BYTES 32
// 2000-01-01, Asia/Shanghai: no programme that this software runs is older.
#define FIRST_TIME_MS 946656000000LL

static bool check_ids(struct judging *judging) {
    const Lx__Fact *fact = judging->fact;
    return judge_record_id(judging, fact->has_id, fact->id, "fact.id");
}

static bool check_kind(struct judging *judging) {
    judging->info = judging->fact->has_kind ? fact_kind_find(judging->fact->kind) : NULL;
    return judging->info != NULL ||
           judge_refuse(judging, REASON_FACT_KIND_UNKNOWN, "fact.kind", NULL);
}

static bool has_field(const struct judging *judging, enum fact_field field) {
    const Lx__Fact *fact = judging->fact;
    const bool has[FACT_FIELD_COUNT] = {
        [FACT_FIELD_ITEM] = fact->item != NULL,
        [FACT_FIELD_UNTIL] = fact->has_until_ms,
        [FACT_FIELD_QUANTITY] = fact->has_quantity,
        [FACT_FIELD_OF] = fact->has_of,
        [FACT_FIELD_FORM] = fact->form != NULL,
        [FACT_FIELD_SOURCE_KEY] = fact->has_source_key,
        [FACT_FIELD_SUBMISSION] = judging->operation->submission != NULL,
    };
    return has[field];
}

static bool check_fields(struct judging *judging) {
    static const char *const paths[FACT_FIELD_COUNT] = {
        "fact.item", "fact.until_ms",   "fact.quantity", "fact.of",
        "fact.form", "fact.source_key", "submission"};
    for (enum fact_field field = 0; field < FACT_FIELD_COUNT; field++) {
        enum fact_presence presence = judging->info->fields[field];
        bool has = has_field(judging, field);
        if (presence == FACT_REQUIRED && !has)
            return judge_refuse(judging, REASON_FACT_FIELD_MISSING, paths[field],
                                judging->info->name, fact_field_name(field), NULL);
        if (presence == FACT_FORBIDDEN && has)
            return judge_refuse(judging, REASON_FACT_FIELD_FORBIDDEN, paths[field],
                                judging->info->name, fact_field_name(field), NULL);
    }
    if (judging->fact->has_source_key && judging->fact->source_key.len != SOURCE_KEY_BYTES)
        return judge_refuse(judging, REASON_SOURCE_KEY_SIZE, "fact.source_key", NULL);
    return true;
}

static bool check_programme(struct judging *judging) {
    const struct judge_context *context = judging->context;
    if (!judging->fact->has_programme)
        return judge_refuse(judging, REASON_FIELD_MISSING, "fact.programme", NULL);
    for (size_t i = 0; i < context->n_programmes; i++)
        if (context->programmes[i].number == judging->fact->programme)
            judging->scheme = context->programmes[i].scheme;
    if (judging->scheme == NULL)
        return judge_refuse(judging, REASON_PROGRAMME_UNKNOWN, "fact.programme",
                            judge_number(judging, judging->fact->programme), NULL);
    return true;
}

static bool check_subject(struct judging *judging) {
    struct uuid id;
    const Lx__Fact *fact = judging->fact;
    if (!judge_id(judging, fact->has_subject, fact->subject, "fact.subject", &id))
        return false;
    judging->subject = judge_find_subject(judging->context, id);
    if (judging->subject == NULL)
        return judge_refuse_absent(judging, id, REASON_SUBJECT_UNKNOWN, "fact.subject");
    if (!fact_kind_about(fact->kind, judging->subject->kind))
        return judge_refuse(judging, REASON_SUBJECT_WRONG_KIND, "fact.subject", judging->info->name,
                            fact_subject_name(judging->subject->kind), NULL);
    return true;
}

// Which kinds of fact a fact of this kind may be about.
static bool may_be_about(Lx__FactKind kind, Lx__FactKind of) {
    if (kind == LX__FACT_KIND__VOID)
        return of != LX__FACT_KIND__VOID;
    return of == LX__FACT_KIND__SUBMITTED;
}

static bool check_of_relation(struct judging *judging, const Lx__Fact *of) {
    const Lx__Fact *fact = judging->fact;
    const struct fact_kind_info *of_info = fact_kind_find(of->kind);
    if (fact->kind == LX__FACT_KIND__VOID && of->kind == LX__FACT_KIND__VOID)
        return judge_refuse(judging, REASON_VOID_OF_VOID, "fact.of", NULL);
    if (!may_be_about(fact->kind, of->kind))
        return judge_refuse(judging, REASON_OF_WRONG_KIND, "fact.of", judging->info->name,
                            of_info != NULL ? of_info->name : "unknown", NULL);
    if (of->programme != fact->programme)
        return judge_refuse(judging, REASON_OF_OTHER_PROGRAMME, "fact.of", NULL);
    // A school recommends a case of one of its workshops: the only relation across subjects.
    bool same = of->subject.len == fact->subject.len &&
                memcmp(of->subject.data, fact->subject.data, of->subject.len) == 0;
    if (!same && fact->kind != LX__FACT_KIND__CASE_SELECTED)
        return judge_refuse(judging, REASON_OF_OTHER_SUBJECT, "fact.of", NULL);
    if (judging->of.voided && fact->kind != LX__FACT_KIND__VOID)
        return judge_refuse(judging, REASON_OF_VOIDED, "fact.of", NULL);
    return true;
}

static bool check_of(struct judging *judging) {
    const struct judge_context *context = judging->context;
    const Lx__Fact *fact = judging->fact;
    struct uuid id;
    if (!fact->has_of)
        return true;
    if (!judge_id(judging, true, fact->of, "fact.of", &id))
        return false;
    if (context->find_fact == NULL || !context->find_fact(context->find_user, id, &judging->of))
        return judge_refuse(judging, REASON_OF_UNKNOWN, "fact.of", NULL);
    return check_of_relation(judging, judging->of.fact);
}

static bool check_code(struct judging *judging, const char *code, const char *field) {
    size_t size = code != NULL ? strlen(code) : 1;
    if (code == NULL)
        return true;
    if (size == 0 || size > CODE_CAP_BYTES)
        return judge_refuse(judging, REASON_ITEM_MALFORMED, field,
                            judge_number(judging, CODE_CAP_BYTES), NULL);
    return judge_name(judging, code, CODE_CAP_BYTES, field);
}

static bool check_indicator(struct judging *judging, const char *item) {
    judging->rule = scheme_rule(judging->scheme, item);
    if (judging->rule == NULL)
        return judge_refuse(judging, REASON_INDICATOR_UNKNOWN, "fact.item", item, NULL);
    if (!rule_is_for(judging->rule, judge_subject_kind(judging->subject->kind)))
        return judge_refuse(judging, REASON_INDICATOR_OTHER_SUBJECT, "fact.item", item,
                            fact_subject_name(judging->subject->kind), NULL);
    return true;
}

static bool check_course(struct judging *judging, const char *item, bool ability) {
    const struct course *course = scheme_course(judging->scheme, item);
    if (course == NULL)
        return judge_refuse(judging, REASON_COURSE_UNKNOWN, "fact.item", item, NULL);
    if (ability && !course->chosen)
        return judge_refuse(judging, REASON_COURSE_NO_POINT, "fact.item", item, NULL);
    return true;
}

static bool check_item_code(struct judging *judging, const char *item) {
    switch (judging->info->item) {
    case FACT_ITEM_COURSE:
        return check_course(judging, item, false);
    case FACT_ITEM_ABILITY_COURSE:
        return check_course(judging, item, true);
    case FACT_ITEM_HOURS_KIND:
        return strcmp(item, "online") == 0 || strcmp(item, "school") == 0 ||
               judge_refuse(judging, REASON_HOURS_KIND_UNKNOWN, "fact.item", item, NULL);
    case FACT_ITEM_POINT:
        return scheme_point(judging->scheme, item) != NULL ||
               judge_refuse(judging, REASON_POINT_UNKNOWN, "fact.item", item, NULL);
    case FACT_ITEM_INDICATOR:
        return check_indicator(judging, item);
    case FACT_ITEM_NONE:
    case FACT_ITEM_TOPIC:
    case FACT_ITEM_ACTIVITY:
    case FACT_ITEM_COUNT:
        return true;
    }
    return true;
}

// The indicator of the school that counts what is handed in under `item` of a workshop.
static const struct rule *rule_counting(const struct scheme *scheme, const char *item) {
    for (size_t i = 0; i < scheme->n_rules; i++) {
        const struct rule *rule = &scheme->rules[i];
        if (rule->counts_from != NULL && item != NULL && rule_is_for(rule, SUBJECT_KIND_SCHOOL) &&
            strcmp(rule->counts_from->source->code, item) == 0)
            return rule;
    }
    return NULL;
}

// The rule comes from the fact that this one is about; an item, when given, must agree.
static bool check_item_of(struct judging *judging) {
    const char *of_item = judging->of.fact->item != NULL ? judging->of.fact->item : "";
    if (judging->fact->kind == LX__FACT_KIND__CASE_SELECTED) {
        judging->rule = rule_counting(judging->scheme, of_item);
        return judging->rule != NULL ||
               judge_refuse(judging, REASON_CASE_NOT_COUNTED, "fact.of", of_item, NULL);
    }
    if (judging->fact->item != NULL && strcmp(judging->fact->item, of_item) != 0)
        return judge_refuse(judging, REASON_OF_OTHER_ITEM, "fact.item", of_item, NULL);
    judging->rule = scheme_rule(judging->scheme, of_item);
    if (judging->rule == NULL)
        return judge_refuse(judging, REASON_INDICATOR_UNKNOWN, "fact.of", of_item, NULL);
    return true;
}

static bool takes_kind(const struct judging *judging) {
    Lx__FactKind kind = judging->fact->kind;
    if (kind == LX__FACT_KIND__ACCEPTED)
        return rule_is_deliverable(judging->rule);
    if (kind == LX__FACT_KIND__SELF_TEST || kind == LX__FACT_KIND__CASE_SELECTED)
        return true;
    return rule_takes_fact(judging->rule, kind);
}

static bool check_item(struct judging *judging) {
    const Lx__Fact *fact = judging->fact;
    if (!check_code(judging, fact->item, "fact.item") ||
        !check_code(judging, fact->form, "fact.form"))
        return false;
    if (fact->form != NULL && scheme_form(judging->scheme, fact->form) == NULL)
        return judge_refuse(judging, REASON_FORM_UNKNOWN, "fact.form", fact->form, NULL);
    if (fact->kind == LX__FACT_KIND__VOID)
        return true;
    if (fact->item != NULL && !check_item_code(judging, fact->item))
        return false;
    if (judging->of.fact != NULL && !check_item_of(judging))
        return false;
    if (judging->rule != NULL && !takes_kind(judging))
        return judge_refuse(judging, REASON_INDICATOR_OTHER_KIND, "fact.item",
                            judging->rule->source->code, judging->info->name, NULL);
    return true;
}

// A grade names what was handed in where its indicator asks for that; elsewhere it cannot, since
// nothing is handed in under such an indicator.
static bool check_grade(struct judging *judging) {
    const struct rule *rule = judging->rule;
    if (judging->fact->kind != LX__FACT_KIND__GRADE || rule == NULL)
        return true;
    if (rule_is_deliverable(rule) && !judging->fact->has_of)
        return judge_refuse(judging, REASON_FACT_FIELD_MISSING, "fact.of", judging->info->name,
                            "of", NULL);
    if (judging->fact->quantity > rule->cap)
        return judge_refuse(judging, REASON_GRADE_ABOVE_CAP, "fact.quantity", rule->source->code,
                            judge_hundredths(judging, rule->cap), NULL);
    return true;
}

static bool check_quantity(struct judging *judging) {
    const struct fact_kind_info *info = judging->info;
    int64_t quantity = judging->fact->quantity;
    if (!judging->fact->has_quantity)
        return true;
    if (quantity < 0)
        return judge_refuse(judging, REASON_QUANTITY_NEGATIVE, "fact.quantity", NULL);
    if (quantity < info->quantity_min)
        return judge_refuse(judging, REASON_QUANTITY_TOO_SMALL, "fact.quantity",
                            judge_hundredths(judging, info->quantity_min),
                            fact_unit_name(info->unit), NULL);
    if (quantity > info->quantity_max)
        return judge_refuse(judging, REASON_QUANTITY_TOO_LARGE, "fact.quantity",
                            judge_hundredths(judging, info->quantity_max),
                            fact_unit_name(info->unit), NULL);
    return true;
}

static bool check_time(struct judging *judging, int64_t time_ms, const char *field) {
    int64_t received_ms = judging->context->received_at_ms;
    char received[20];
    if (time_ms < FIRST_TIME_MS)
        return judge_refuse(judging, REASON_TIME_ABSURD, field, judge_day(judging, FIRST_TIME_MS),
                            NULL);
    if (time_ms <= received_ms + JUDGE_CLOCK_TOLERANCE_MS)
        return true;
    clock_format_local_time(received_ms, received);
    return judge_refuse(judging, REASON_TIME_IN_FUTURE, field, received, NULL);
}

static bool check_times(struct judging *judging) {
    const Lx__Fact *fact = judging->fact;
    if (!fact->has_occurred_at_ms)
        return judge_refuse(judging, REASON_FIELD_MISSING, "fact.occurred_at_ms", NULL);
    if (!check_time(judging, fact->occurred_at_ms, "fact.occurred_at_ms"))
        return false;
    if (!fact->has_until_ms)
        return true;
    if (!check_time(judging, fact->until_ms, "fact.until_ms"))
        return false;
    if (fact->until_ms <= fact->occurred_at_ms)
        return judge_refuse(judging, REASON_INTERVAL_BACKWARDS, "fact.until_ms", NULL);
    if (fact->until_ms - fact->occurred_at_ms > JUDGE_INTERVAL_MAX_MS)
        return judge_refuse(judging, REASON_INTERVAL_TOO_LONG, "fact.until_ms", "24", NULL);
    return true;
}

bool judge_fact_content(struct judging *judging) {
    static const judge_check_fn checks[] = {
        check_ids, check_kind, check_fields,   check_programme, check_subject,
        check_of,  check_item, check_quantity, check_grade,     check_times};
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (!checks[i](judging))
            return false;
    return true;
}
