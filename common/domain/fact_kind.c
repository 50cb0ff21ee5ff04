// The table of fact kinds. A row here decides what the server takes in: proto/tables.md is printed
// from it and a test compares the two.
#include "common/domain/fact_kind.h"

#include <string.h>

#define TEACHER_ONLY(capability)                                                                   \
    { CAPABILITY_##capability, CAPABILITY_NONE, CAPABILITY_NONE }
#define SCHOOL_ONLY(capability)                                                                    \
    { CAPABILITY_NONE, CAPABILITY_NONE, CAPABILITY_##capability }
#define RECORD_ALL                                                                                 \
    { CAPABILITY_RECORD_TEACHER, CAPABILITY_RECORD_WORKSHOP, CAPABILITY_RECORD_SCHOOL }
#define HOURS_A_DAY 2400     // one fact says what was done on one day
#define CREDITS_A_FACT 10000 // a hundred credits: five times what any programme asks in all
#define RESULT_MAX 100000    // a test's result: at most 1000.00

// Columns of `fields`: item until quantity of form source_key submission. F forbidden, O optional,
// R required.
#define F FACT_FORBIDDEN
#define O FACT_OPTIONAL
#define R FACT_REQUIRED

static const struct fact_kind_info kinds[] = {
    {LX__FACT_KIND__COURSE_INTERVAL,
     "course_interval",
     "time a course was watched",
     "观看课程时段",
     FACT_ITEM_COURSE,
     FACT_UNIT_NONE,
     0,
     0,
     {R, R, F, F, F, O, F},
     TEACHER_ONLY(RECORD_TEACHER)},
    {LX__FACT_KIND__DISCUSSION,
     "discussion",
     "took part in or organised a discussion",
     "参与或组织在线讨论",
     FACT_ITEM_TOPIC,
     FACT_UNIT_NONE,
     0,
     0,
     {R, F, F, F, F, O, F},
     {CAPABILITY_RECORD_TEACHER, CAPABILITY_NONE, CAPABILITY_RECORD_SCHOOL}},
    {LX__FACT_KIND__ATTENDANCE,
     "attendance",
     "attended an activity",
     "参加校本教研活动",
     FACT_ITEM_ACTIVITY,
     FACT_UNIT_HOURS,
     1,
     HOURS_A_DAY,
     {R, F, R, F, O, O, F},
     TEACHER_ONLY(RECORD_TEACHER)},
    {LX__FACT_KIND__CREDIT_HOURS,
     "credit_hours",
     "hours recorded",
     "学时记录",
     FACT_ITEM_HOURS_KIND,
     FACT_UNIT_HOURS,
     1,
     HOURS_A_DAY,
     {R, F, R, F, O, O, F},
     TEACHER_ONLY(RECORD_TEACHER)},
    {LX__FACT_KIND__SELF_TEST,
     "self_test",
     "self-test answered",
     "完成自测诊断",
     FACT_ITEM_INDICATOR,
     FACT_UNIT_NONE,
     0,
     0,
     {O, F, F, F, F, O, F},
     TEACHER_ONLY(RECORD_TEACHER)},
    {LX__FACT_KIND__SUBMITTED,
     "submitted",
     "deliverable handed in",
     "提交成果",
     FACT_ITEM_INDICATOR,
     FACT_UNIT_NONE,
     0,
     0,
     {R, F, F, F, O, O, R},
     RECORD_ALL},
    {LX__FACT_KIND__ACCEPTED,
     "accepted",
     "deliverable accepted",
     "成果通过审核",
     FACT_ITEM_INDICATOR,
     FACT_UNIT_NONE,
     0,
     0,
     {O, F, F, R, F, F, F},
     {CAPABILITY_REVIEW_TEACHER, CAPABILITY_REVIEW_WORKSHOP, CAPABILITY_REVIEW_SCHOOL}},
    {LX__FACT_KIND__GRADE,
     "grade",
     "graded",
     "评分",
     FACT_ITEM_INDICATOR,
     FACT_UNIT_POINTS,
     0,
     RESULT_MAX,
     {R, F, R, O, F, F, F},
     {CAPABILITY_REVIEW_TEACHER, CAPABILITY_GRADE_CASE, CAPABILITY_REVIEW_SCHOOL}},
    {LX__FACT_KIND__CERTIFICATION,
     "certification",
     "ability-point material certified",
     "能力点认证",
     FACT_ITEM_POINT,
     FACT_UNIT_CREDITS,
     1,
     CREDITS_A_FACT,
     {R, F, R, F, F, O, F},
     TEACHER_ONLY(RECORD_TEACHER)},
    {LX__FACT_KIND__ASSESSMENT_TAKEN,
     "assessment_taken",
     "took the school's test",
     "参加校本应用考核测评",
     FACT_ITEM_INDICATOR,
     FACT_UNIT_POINTS,
     0,
     RESULT_MAX,
     {R, F, O, F, F, O, F},
     TEACHER_ONLY(RECORD_TEACHER)},
    {LX__FACT_KIND__COURSE_RANGE,
     "course_range",
     "ability course chosen by the school",
     "选定能力点课程",
     FACT_ITEM_ABILITY_COURSE,
     FACT_UNIT_NONE,
     0,
     0,
     {R, F, F, F, F, F, F},
     SCHOOL_ONLY(RECORD_SCHOOL)},
    {LX__FACT_KIND__CASE_SELECTED,
     "case_selected",
     "case recommended by the school",
     "学校推选案例",
     FACT_ITEM_INDICATOR,
     FACT_UNIT_NONE,
     0,
     0,
     {O, F, F, R, F, F, F},
     SCHOOL_ONLY(RECORD_SCHOOL)},
    {LX__FACT_KIND__DUTY_DONE,
     "duty_done",
     "duty done",
     "履行职责",
     FACT_ITEM_INDICATOR,
     FACT_UNIT_NONE,
     0,
     0,
     {R, F, F, F, F, O, F},
     RECORD_ALL},
    {LX__FACT_KIND__VOID,
     "void",
     "another fact no longer counts",
     "作废",
     FACT_ITEM_NONE,
     FACT_UNIT_NONE,
     0,
     0,
     {F, F, F, R, F, F, F},
     RECORD_ALL},
};

static const char *const subject_names[FACT_SUBJECT_COUNT] = {"teacher", "workshop", "school"};
static const char *const field_names[FACT_FIELD_COUNT] = {"item", "until_ms",   "quantity",  "of",
                                                          "form", "source_key", "submission"};
static const char *const item_names[FACT_ITEM_COUNT] = {
    "none",     "course",           "ability course", "topic",
    "activity", "online or school", "indicator",      "ability point"};
static const char *const unit_names[FACT_UNIT_COUNT] = {"none", "hours", "points", "credits"};

const struct fact_kind_info *fact_kind_table(size_t *out_count) {
    *out_count = sizeof kinds / sizeof kinds[0];
    return kinds;
}

const struct fact_kind_info *fact_kind_find(Lx__FactKind kind) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].kind == kind)
            return &kinds[i];
    return NULL;
}

const struct fact_kind_info *fact_kind_find_by_name(const char *name) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

enum capability fact_kind_capability(Lx__FactKind kind, enum fact_subject subject) {
    const struct fact_kind_info *info = fact_kind_find(kind);
    return info != NULL && subject < FACT_SUBJECT_COUNT ? info->writers[subject] : CAPABILITY_NONE;
}

bool fact_kind_about(Lx__FactKind kind, enum fact_subject subject) {
    return fact_kind_capability(kind, subject) != CAPABILITY_NONE;
}

const char *fact_subject_name(enum fact_subject subject) {
    return subject < FACT_SUBJECT_COUNT ? subject_names[subject] : "unit";
}

const char *fact_field_name(enum fact_field field) {
    return field < FACT_FIELD_COUNT ? field_names[field] : "";
}

const char *fact_item_name(enum fact_item item) {
    return item < FACT_ITEM_COUNT ? item_names[item] : "";
}

const char *fact_unit_name(enum fact_unit unit) {
    return unit < FACT_UNIT_COUNT ? unit_names[unit] : "";
}

enum fact_subject fact_subject_of_level(Lx__UnitLevel level) {
    if (level == LX__UNIT_LEVEL__WORKSHOP)
        return FACT_SUBJECT_WORKSHOP;
    return level == LX__UNIT_LEVEL__SCHOOL ? FACT_SUBJECT_SCHOOL : FACT_SUBJECT_COUNT;
}
