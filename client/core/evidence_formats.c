// The table of file formats. The first name of each column is the one that deploy/formats.md and
// the messages use.
#include "client/core/evidence_formats.h"

#include <string.h>

#define PERSON_COLUMNS                                                                             \
    [EVIDENCE_ACCOUNT] = {"平台账号|账号|登录账号|用户名|account", false},                         \
    [EVIDENCE_TEACHER_NO] = {"教师编号|教师号|工号|身份编号|teacher_no", false},                   \
    [EVIDENCE_NAME] = {"姓名|教师姓名|学员姓名|name", false},                                      \
    [EVIDENCE_SCHOOL] = {"学校|学校名称|所在学校|单位|school", false},                             \
    [EVIDENCE_RECORD_ID] = {"记录号|记录编号|流水号|record_id", false}

static const struct evidence_format formats[] = {
    {.name = "course",
     .kind = LX__FACT_KIND__COURSE_INTERVAL,
     .columns = {PERSON_COLUMNS, [EVIDENCE_ITEM] = {"课程|课程名称|课程专题|course", true},
                 [EVIDENCE_TIME] = {"开始时间|学习开始时间|start", true},
                 [EVIDENCE_UNTIL] = {"结束时间|学习结束时间|end", true}},
     .value_needed = {[EVIDENCE_ITEM] = true, [EVIDENCE_TIME] = true, [EVIDENCE_UNTIL] = true}},
    {.name = "discussion",
     .kind = LX__FACT_KIND__DISCUSSION,
     .columns = {PERSON_COLUMNS, [EVIDENCE_ITEM] = {"讨论主题|研讨主题|话题|topic", true},
                 [EVIDENCE_ITEM_CODE] = {"讨论编号|话题编号|topic_id", false},
                 [EVIDENCE_TIME] = {"参与时间|发言时间|回复时间|posted_at", true}},
     .value_needed = {[EVIDENCE_ITEM] = true, [EVIDENCE_TIME] = true}},
    {.name = "attendance",
     .kind = LX__FACT_KIND__ATTENDANCE,
     .columns = {PERSON_COLUMNS, [EVIDENCE_ITEM] = {"活动名称|活动主题|activity", true},
                 [EVIDENCE_ITEM_CODE] = {"活动编号|activity_id", false},
                 [EVIDENCE_FORM] = {"活动类型|活动形式|form", false},
                 [EVIDENCE_TIME] = {"活动日期|活动时间|签到时间|date", true},
                 [EVIDENCE_QUANTITY] = {"学时|活动学时|hours", true}},
     .value_needed = {[EVIDENCE_ITEM] = true, [EVIDENCE_TIME] = true, [EVIDENCE_QUANTITY] = true}},
    {.name = "hours",
     .kind = LX__FACT_KIND__CREDIT_HOURS,
     .columns = {PERSON_COLUMNS, [EVIDENCE_ITEM] = {"学时类型|学时类别|hours_kind", true},
                 [EVIDENCE_TIME] = {"日期|认定日期|记录日期|date", true},
                 [EVIDENCE_QUANTITY] = {"学时|学时数|hours", true}},
     .value_needed = {[EVIDENCE_ITEM] = true, [EVIDENCE_TIME] = true, [EVIDENCE_QUANTITY] = true}},
    {.name = "certification",
     .kind = LX__FACT_KIND__CERTIFICATION,
     .columns = {PERSON_COLUMNS, [EVIDENCE_ITEM] = {"能力点|微能力点|微能力|point", true},
                 [EVIDENCE_TIME] = {"认证时间|提交时间|认证日期|certified_at", true},
                 [EVIDENCE_QUANTITY] = {"学分|认证学分|credits", true}},
     .value_needed = {[EVIDENCE_ITEM] = true, [EVIDENCE_TIME] = true, [EVIDENCE_QUANTITY] = true}},
    {.name = "self_test",
     .kind = LX__FACT_KIND__SELF_TEST,
     .columns = {PERSON_COLUMNS, [EVIDENCE_TIME] = {"自测时间|自测完成时间|self_test_at", true}},
     .value_needed = {[EVIDENCE_TIME] = true}},
    {.name = "assessment",
     .kind = LX__FACT_KIND__ASSESSMENT_TAKEN,
     .columns = {PERSON_COLUMNS, [EVIDENCE_ITEM] = {"测评项目|考核项目|test", false},
                 [EVIDENCE_TIME] = {"测评时间|考核时间|测评日期|taken_at", true},
                 [EVIDENCE_QUANTITY] = {"成绩|得分|result", false}},
     .value_needed = {[EVIDENCE_TIME] = true}},
};

const struct evidence_format *evidence_formats(size_t *out_count) {
    *out_count = sizeof formats / sizeof formats[0];
    return formats;
}

const char *evidence_column_title(const struct evidence_format *format, enum evidence_column column,
                                  char out_title[64]) {
    const char *names = format->columns[column].names;
    size_t size = names != NULL ? strcspn(names, "|") : 0;
    size = size < 63 ? size : 63;
    if (size > 0)
        memcpy(out_title, names, size);
    out_title[size] = '\0';
    return out_title;
}
