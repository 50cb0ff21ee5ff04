// The table of roles and capabilities. Changing a row changes what people may do: proto/tables.md
// is printed from here and a test compares it.
#include "common/domain/role.h"

#include <string.h>

#define CAN(name) (1u << CAPABILITY_##name)
#define ON(level) (1u << LX__UNIT_LEVEL__##level)

static const struct capability_info capabilities[] = {
    {CAPABILITY_READ, "read", "see everything in the own subtree", "查看所辖范围"},
    {CAPABILITY_RECORD_TEACHER, "record_teacher", "record facts about teachers",
     "记录教师的过程性数据"},
    {CAPABILITY_RECORD_WORKSHOP, "record_workshop", "record facts about a workshop",
     "记录工作坊的过程性数据"},
    {CAPABILITY_RECORD_SCHOOL, "record_school", "record facts about a school",
     "记录学校的过程性数据"},
    {CAPABILITY_REVIEW_TEACHER, "review_teacher", "accept and grade what teachers hand in",
     "审核、评定教师的成果"},
    {CAPABILITY_REVIEW_WORKSHOP, "review_workshop", "accept what workshops hand in",
     "审核工作坊的成果"},
    {CAPABILITY_REVIEW_SCHOOL, "review_school", "accept what schools hand in", "审核学校的成果"},
    {CAPABILITY_GRADE_CASE, "grade_case", "grade demonstration cases", "评定教学示范案例"},
    {CAPABILITY_ROSTER, "roster", "keep the roster of people and memberships", "维护人员名册"},
    {CAPABILITY_MANAGE_DEVICES, "manage_devices", "issue enrolment codes for devices",
     "签发设备注册码"},
    {CAPABILITY_MANAGE_USERS, "manage_users", "add accounts", "管理账号"},
    {CAPABILITY_MANAGE_GRANTS, "manage_grants", "give and end roles", "授予和收回角色"},
    {CAPABILITY_STATISTICS, "statistics", "see statistics", "查看统计"},
    {CAPABILITY_TRANSFER, "transfer", "move people between schools", "跨校调动人员"},
};

static const struct role_info roles[] = {
    {LX__ROLE__TEACHER, "teacher", "teacher", "教师学员", 0, ON(SCHOOL) | ON(WORKSHOP), 0},
    {LX__ROLE__HEAD, "head", "workshop head", "坊主", 1, ON(WORKSHOP),
     CAN(READ) | CAN(RECORD_TEACHER) | CAN(RECORD_WORKSHOP) | CAN(REVIEW_TEACHER) |
         CAN(STATISTICS)},
    {LX__ROLE__SCHOOL_ADMIN, "school_admin", "school administrator", "学校管理员", 2, ON(SCHOOL),
     CAN(READ) | CAN(RECORD_TEACHER) | CAN(RECORD_SCHOOL) | CAN(REVIEW_TEACHER) |
         CAN(REVIEW_WORKSHOP) | CAN(ROSTER) | CAN(MANAGE_DEVICES) | CAN(MANAGE_USERS) |
         CAN(MANAGE_GRANTS) | CAN(STATISTICS)},
    {LX__ROLE__DISTRICT_ADMIN, "district_admin", "district administrator", "区县管理员", 3,
     ON(DISTRICT),
     CAN(READ) | CAN(REVIEW_SCHOOL) | CAN(GRADE_CASE) | CAN(ROSTER) | CAN(MANAGE_DEVICES) |
         CAN(MANAGE_USERS) | CAN(MANAGE_GRANTS) | CAN(STATISTICS) | CAN(TRANSFER)},
    {LX__ROLE__CITY_ADMIN, "city_admin", "city administrator", "市级管理员", 4, ON(CITY),
     CAN(READ) | CAN(REVIEW_SCHOOL) | CAN(GRADE_CASE) | CAN(ROSTER) | CAN(MANAGE_DEVICES) |
         CAN(MANAGE_USERS) | CAN(MANAGE_GRANTS) | CAN(STATISTICS) | CAN(TRANSFER)},
    {LX__ROLE__EXPERT, "expert", "expert", "指导专家", 3,
     ON(CITY) | ON(DISTRICT) | ON(SCHOOL) | ON(WORKSHOP), CAN(READ) | CAN(GRADE_CASE)},
    {LX__ROLE__INSPECTOR, "inspector", "inspector", "督导", 3,
     ON(CITY) | ON(DISTRICT) | ON(SCHOOL) | ON(WORKSHOP), CAN(READ) | CAN(STATISTICS)},
    {LX__ROLE__LEAD_HEAD, "lead_head", "head of a lead school", "片区引领校坊主", 3, ON(SCHOOL),
     CAN(READ) | CAN(REVIEW_TEACHER)},
};

const struct role_info *role_table(size_t *out_count) {
    *out_count = sizeof roles / sizeof roles[0];
    return roles;
}

const struct capability_info *capability_table(size_t *out_count) {
    *out_count = sizeof capabilities / sizeof capabilities[0];
    return capabilities;
}

const struct role_info *role_find(Lx__Role role) {
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (roles[i].role == role)
            return &roles[i];
    return NULL;
}

const struct role_info *role_find_by_name(const char *name) {
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(roles[i].name, name) == 0)
            return &roles[i];
    return NULL;
}

bool role_can(Lx__Role role, enum capability capability) {
    const struct role_info *info = role_find(role);
    return info != NULL && capability < CAPABILITY_COUNT &&
           (info->capabilities & (1u << capability)) != 0;
}

bool role_may_give(Lx__Role giver, Lx__Role given) {
    const struct role_info *from = role_find(giver);
    const struct role_info *to = role_find(given);
    return from != NULL && to != NULL && role_can(giver, CAPABILITY_MANAGE_GRANTS) &&
           to->capabilities != 0 && to->rank <= from->rank;
}

const char *capability_name(enum capability capability) {
    for (size_t i = 0; i < sizeof capabilities / sizeof capabilities[0]; i++)
        if (capabilities[i].capability == capability)
            return capabilities[i].name;
    return "nobody";
}
