// The tables of measures and amounts.
#include "common/assess/measures.h"

#define TEACHER (1u << SUBJECT_KIND_TEACHER)
#define UNITS                                                                                      \
    (1u << SUBJECT_KIND_WORKSHOP | 1u << SUBJECT_KIND_SCHOOL | 1u << SUBJECT_KIND_CLUSTER |        \
     1u << SUBJECT_KIND_DISTRICT)
#define ALL (TEACHER | UNITS)

#define M(name) LX__MEASURE__MEASURE_##name
#define A(name) LX__AMOUNT_KIND__AMOUNT_##name
#define P(name) PARAMETER_##name

static const struct measure_info measures[] = {
    {M(ONCE), "once", P(POINTS) | P(AMOUNT), P(MIN), "一次性得分", "once"},
    {M(EACH), "each", P(POINTS) | P(CAP) | P(AMOUNT), P(MIN), "按次得分", "each"},
    {M(PROPORTIONAL), "proportional", P(POINTS) | P(AMOUNT) | P(FULL_AT), 0, "按量得分",
     "proportional"},
    {M(GRADED), "graded", P(CAP), 0, "评定得分", "graded"},
    {M(TIERS), "tiers", P(AMOUNT) | P(PER) | P(TIERS), 0, "分档得分", "tiers"},
    {M(THRESHOLD), "threshold", P(POINTS) | P(AMOUNT) | P(PER) | P(BOUND), 0, "达标得分",
     "threshold"},
    {M(RATE), "rate", P(POINTS) | P(AMOUNT) | P(PER), 0, "按比例得分", "rate"},
    {M(BONUS), "bonus", P(POINTS) | P(CAP) | P(AMOUNT), 0, "加分", "bonus"},
    {M(GATE), "gate", 0, P(AMOUNT) | P(BOUND) | P(MIN), "必备条件", "gate"},
    {M(DUTY), "duty", P(AMOUNT), P(MIN), "任务", "duty"},
    {M(CHOICE), "choice", P(MIN), P(AMOUNT), "选择", "choice"},
    {M(RECORD), "record", 0, P(AMOUNT) | P(MIN), "记录", "record"},
};

static const struct amount_info amounts[] = {
    {A(FACTS), "facts", ALL, true, AMOUNT_PART_KINDS | AMOUNT_PART_ITEMS | AMOUNT_PART_FORMS,
     "记录数", "records"},
    {A(DELIVERABLES), "deliverables", ALL, true, 0, "成果数", "deliverables"},
    {A(MINUTES), "minutes", TEACHER, false, AMOUNT_PART_GROUPS, "观看分钟", "minutes watched"},
    {A(ONLINE_HOURS), "online_hours", ALL, false, 0, "网络研修学时", "online hours"},
    {A(SCHOOL_HOURS), "school_hours", ALL, false, 0, "校本研修学时", "school-based hours"},
    {A(HOURS), "hours", TEACHER, false, AMOUNT_PART_KINDS | AMOUNT_PART_ITEMS | AMOUNT_PART_FORMS,
     "学时", "hours"},
    {A(CREDITS), "credits", TEACHER, false, 0, "学分", "credits"},
    {A(GRADE), "grade", ALL, false, 0, "评分", "grade"},
    {A(PASSED), "passed", UNITS, false, 0, "合格人数", "passed"},
    {A(OBLIGED), "obliged", UNITS, false, 0, "参训人数", "obliged"},
    {A(CASES), "cases", UNITS & ~(1u << SUBJECT_KIND_WORKSHOP), false, 0, "推选案例数",
     "recommended cases"},
    {A(CHOSEN), "chosen", ALL, true, AMOUNT_PART_ITEMS, "已选数", "chosen"},
    {A(HOLDER_MINUTES), "holder_minutes", UNITS, false, AMOUNT_PART_GROUPS, "负责人本人观看分钟",
     "minutes watched by the office holder"},
    {A(CONSTANT), "constant", ALL, false, AMOUNT_PART_VALUE, "定值", "constant"},
};

static const struct {
    enum parameter parameter;
    const char *name;
} parameters[] = {
    {PARAMETER_POINTS, "points"}, {PARAMETER_CAP, "cap"},     {PARAMETER_AMOUNT, "amount"},
    {PARAMETER_PER, "per"},       {PARAMETER_BOUND, "bound"}, {PARAMETER_FULL_AT, "full_at"},
    {PARAMETER_TIERS, "tiers"},   {PARAMETER_MIN, "min"},
};

const struct measure_info *measure_find(Lx__Measure measure) {
    for (size_t i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
        if (measures[i].measure == measure)
            return &measures[i];
    }
    return NULL;
}

const struct amount_info *amount_find(Lx__AmountKind kind) {
    for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
        if (amounts[i].kind == kind)
            return &amounts[i];
    }
    return NULL;
}

const struct measure_info *measure_table(size_t *out_n) {
    *out_n = sizeof(measures) / sizeof(measures[0]);
    return measures;
}

const struct amount_info *amount_table(size_t *out_n) {
    *out_n = sizeof(amounts) / sizeof(amounts[0]);
    return amounts;
}

const char *parameter_name(enum parameter parameter) {
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        if (parameters[i].parameter == parameter)
            return parameters[i].name;
    }
    return "?";
}
