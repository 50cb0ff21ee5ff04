// Roster rows: a person's fields, a membership's and a transfer's, and whether the sender keeps
// that roster.
#include <string.h>

#include "common/assess/judge_internal.h"
#include "common/base/clock.h"

#define NAME_CAP 100      // characters: long names of minorities and of foreign teachers fit
#define TITLE_CAP 100     // characters
#define TEACHER_NO_CAP 32 // bytes: 18 digits are usual
#define ACCOUNT_CAP 64    // bytes
#define BIRTH_YEAR_FIRST 1900
#define AGE_LEAST 14
// Memberships may be entered for the coming years, not for another century.
#define FIRST_TIME_MS 0LL            // 1970
#define LAST_TIME_MS 4102416000000LL // 2100-01-01, Asia/Shanghai
#define DAYS_A_YEAR 365

static bool has_only(const char *text, size_t cap, const char *marks) {
    size_t size = strlen(text);
    if (size == 0 || size > cap)
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!plain && strchr(marks, c) == NULL)
            return false;
    }
    return true;
}

static bool check_keeper(struct judging *judging, enum capability capability, struct uuid unit) {
    const struct judge_context *context = judging->context;
    return context->checks_off || judge_may(context, capability, unit, context->received_at_ms) ||
           judge_refuse(judging, REASON_ROSTER_NOT_YOURS, NULL, capability_name(capability), NULL);
}

static bool check_birth_year(struct judging *judging, const Lx__Person *person) {
    int64_t last = 1970 + clock_day_of(judging->context->received_at_ms) / DAYS_A_YEAR - AGE_LEAST;
    if (!person->has_birth_year ||
        (person->birth_year >= BIRTH_YEAR_FIRST && (int64_t)person->birth_year <= last))
        return true;
    return judge_refuse(judging, REASON_BIRTH_YEAR, "person.birth_year",
                        judge_number(judging, BIRTH_YEAR_FIRST), judge_number(judging, last), NULL);
}

bool judge_person(struct judging *judging) {
    const Lx__Person *person = judging->operation->person;
    bool is_new = judging->operation->person_version == 0;
    if (!judge_row_id(judging, person->has_id, person->id, is_new, "person.id"))
        return false;
    if (person->name == NULL)
        return judge_refuse(judging, REASON_FIELD_MISSING, "person.name", NULL);
    if (!judge_name(judging, person->name, NAME_CAP, "person.name"))
        return false;
    if (person->teacher_no != NULL && !has_only(person->teacher_no, TEACHER_NO_CAP, ".-_"))
        return judge_refuse(judging, REASON_TEACHER_NO_MALFORMED, "person.teacher_no",
                            judge_number(judging, TEACHER_NO_CAP), NULL);
    if (person->account != NULL && !has_only(person->account, ACCOUNT_CAP, "._-@+"))
        return judge_refuse(judging, REASON_ACCOUNT_MALFORMED, "person.account",
                            judge_number(judging, ACCOUNT_CAP), NULL);
    if (person->title != NULL && !judge_name(judging, person->title, TITLE_CAP, "person.title"))
        return false;
    return check_birth_year(judging, person) &&
           check_keeper(judging, CAPABILITY_ROSTER, judging->context->stream);
}

static bool check_membership_times(struct judging *judging, const Lx__Membership *membership) {
    if (!membership->has_from_ms)
        return judge_refuse(judging, REASON_FIELD_MISSING, "membership.from_ms", NULL);
    const int64_t times[] = {membership->from_ms,
                             membership->has_until_ms ? membership->until_ms : membership->from_ms};
    const char *const fields[] = {"membership.from_ms", "membership.until_ms"};
    for (size_t i = 0; i < 2; i++)
        if (times[i] < FIRST_TIME_MS || times[i] > LAST_TIME_MS)
            return judge_refuse(judging, REASON_MEMBERSHIP_YEAR, fields[i],
                                judge_day(judging, FIRST_TIME_MS), judge_day(judging, LAST_TIME_MS),
                                NULL);
    if (membership->has_until_ms && membership->until_ms <= membership->from_ms)
        return judge_refuse(judging, REASON_MEMBERSHIP_TIMES, "membership.until_ms", NULL);
    return true;
}

static bool check_membership_role(struct judging *judging, const Lx__Membership *membership,
                                  const struct judge_unit *unit) {
    static const Lx__Role allowed[] = {LX__ROLE__TEACHER, LX__ROLE__HEAD, LX__ROLE__SCHOOL_ADMIN,
                                       LX__ROLE__EXPERT};
    const struct role_info *info = NULL;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (membership->has_role && allowed[i] == membership->role)
            info = role_find(membership->role);
    if (info == NULL)
        return judge_refuse(judging, REASON_ROLE_NO_MEMBERSHIP, "membership.role", NULL);
    return (info->units & (1u << unit->level)) != 0 ||
           judge_refuse(judging, REASON_ROLE_WRONG_LEVEL, "membership.role", info->name, NULL);
}

// Out of one school into another takes both: keeping rosters here and moving people there.
static bool check_transfer(struct judging *judging, const struct judge_subject *person,
                           const Lx__Membership *membership, struct uuid unit) {
    const struct judge_context *context = judging->context;
    const struct judge_unit *old = judge_unit_above(context, person->home, LX__UNIT_LEVEL__SCHOOL);
    const struct judge_unit *new = judge_unit_above(context, unit, LX__UNIT_LEVEL__SCHOOL);
    bool home = membership->role == LX__ROLE__TEACHER && !membership->guest;
    if (!home || old == NULL || new == NULL || uuid_equal(old->id, new->id))
        return true;
    return check_keeper(judging, CAPABILITY_TRANSFER, old->id) &&
           check_keeper(judging, CAPABILITY_TRANSFER, unit);
}

static bool check_membership_programme(struct judging *judging, const Lx__Membership *membership) {
    const struct judge_context *context = judging->context;
    if (!membership->has_programme)
        return judge_refuse(judging, REASON_FIELD_MISSING, "membership.programme", NULL);
    for (size_t i = 0; i < context->n_programmes; i++)
        if (context->programmes[i].number == membership->programme)
            return true;
    return judge_refuse(judging, REASON_PROGRAMME_UNKNOWN, "membership.programme",
                        judge_number(judging, membership->programme), NULL);
}

// What a membership says by itself: ids, programme, times, a role that fits the unit.
static bool check_membership(struct judging *judging, const Lx__Membership *membership,
                             struct uuid *out_person, struct uuid *out_unit) {
    bool is_new = judging->operation->membership_version == 0;
    if (!judge_row_id(judging, membership->has_id, membership->id, is_new, "membership.id") ||
        !judge_id(judging, membership->has_person, membership->person, "membership.person",
                  out_person) ||
        !judge_id(judging, membership->has_unit, membership->unit, "membership.unit", out_unit) ||
        !check_membership_programme(judging, membership) ||
        !check_membership_times(judging, membership))
        return false;
    const struct judge_unit *unit = judge_find_unit(judging->context, *out_unit);
    if (unit == NULL) // his former unit, perhaps, when he has gone to another district
        return judge_refuse_absent(judging, *out_person, REASON_UNIT_UNKNOWN, "membership.unit");
    return check_membership_role(judging, membership, unit);
}

bool judge_membership(struct judging *judging) {
    const Lx__Membership *membership = judging->operation->membership;
    struct uuid person_id, unit_id;
    if (!check_membership(judging, membership, &person_id, &unit_id))
        return false;
    const struct judge_subject *person = judge_find_subject(judging->context, person_id);
    if (person == NULL || person->kind != FACT_SUBJECT_TEACHER)
        return judge_refuse_absent(judging, person_id, REASON_PERSON_UNKNOWN, "membership.person");
    return check_keeper(judging, CAPABILITY_ROSTER, unit_id) &&
           check_transfer(judging, person, membership, unit_id);
}

static bool check_movers(struct judging *judging, struct uuid unit) {
    return check_keeper(judging, CAPABILITY_ROSTER, unit) &&
           check_keeper(judging, CAPABILITY_TRANSFER, unit);
}

// Where to, and whether that is another district, only the database knows.
static bool judge_transfer_out(struct judging *judging, const Lx__Transfer *transfer,
                               struct uuid person_id) {
    struct uuid to;
    const struct judge_context *context = judging->context;
    if (!judge_id(judging, transfer->has_to, transfer->to, "to", &to))
        return false;
    if (!transfer->has_left_ms)
        return judge_refuse(judging, REASON_FIELD_MISSING, "left_ms", NULL);
    if (transfer->left_ms < FIRST_TIME_MS || transfer->left_ms > LAST_TIME_MS)
        return judge_refuse(judging, REASON_MEMBERSHIP_YEAR, "left_ms",
                            judge_day(judging, FIRST_TIME_MS), judge_day(judging, LAST_TIME_MS),
                            NULL);
    if (transfer->left_ms > context->received_at_ms + JUDGE_CLOCK_TOLERANCE_MS)
        return judge_refuse(judging, REASON_TRANSFER_FUTURE, "left_ms", NULL);
    const struct judge_subject *person = judge_find_subject(context, person_id);
    if (person == NULL || person->kind != FACT_SUBJECT_TEACHER)
        return judge_refuse_absent(judging, person_id, REASON_PERSON_UNKNOWN, "person");
    return check_movers(judging, person->home);
}

// Whom the transfer is about, and whether it is open, only the database knows.
static bool judge_transfer_in(struct judging *judging, const Lx__Transfer *transfer,
                              struct uuid person_id) {
    struct uuid member, unit;
    const Lx__Membership *membership = transfer->membership;
    if (membership == NULL)
        return judge_refuse(judging, REASON_FIELD_MISSING, "membership", NULL);
    if (!check_membership(judging, membership, &member, &unit))
        return false;
    if (!uuid_equal(member, person_id))
        return judge_refuse(judging, REASON_FIELD_INVALID, "membership.person", NULL);
    if (membership->role != LX__ROLE__TEACHER || membership->guest)
        return judge_refuse(judging, REASON_UNIT_NOT_FOR_ROLE, "membership.role", NULL);
    return check_movers(judging, unit);
}

bool judge_transfer(struct judging *judging) {
    const Lx__Transfer *transfer = judging->operation->transfer;
    struct uuid person;
    judging->within = "transfer";
    if (!judge_record_id(judging, transfer->has_id, transfer->id, "id") ||
        !judge_id(judging, transfer->has_person, transfer->person, "person", &person))
        return false;
    if (transfer->step == LX__TRANSFER_STEP__TRANSFER_OUT)
        return judge_transfer_out(judging, transfer, person);
    if (transfer->step == LX__TRANSFER_STEP__TRANSFER_IN)
        return judge_transfer_in(judging, transfer, person);
    return judge_refuse(judging, REASON_FIELD_MISSING, "step", NULL);
}
