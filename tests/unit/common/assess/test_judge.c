// The judge: a valid operation of every kind passes; each way of being wrong has one case with its
// reason and field; a test over the reason table fails when a reason has no case.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/common/assess/judge_world.h"

#define TEACHER FACT_SUBJECT_TEACHER
#define WORKSHOP FACT_SUBJECT_WORKSHOP
#define SCHOOL FACT_SUBJECT_SCHOOL
#define KIND(name) LX__FACT_KIND__##name

static char *text(struct world *world, const char *string) {
    return arena_string(world->arena, view_from_string(string));
}

static struct uuid record(uint32_t number) {
    struct uuid id = fixture_id(number);
    id.bytes[6] = 0x70;
    id.bytes[8] = 0x80;
    return id;
}

static char *repeat(struct world *world, const char *piece, size_t times) {
    size_t size = strlen(piece);
    char *all = arena_alloc(world->arena, size * times + 1);
    assert_non_null(all);
    for (size_t i = 0; i < times; i++)
        memcpy(all + i * size, piece, size);
    return all;
}

// ---- one function per way of being wrong; each starts from a valid operation ----

#define CASE(name, kind, subject)                                                                  \
    static void name(struct world *w) {                                                            \
        world_valid(w, KIND(kind), subject);
#define END }

CASE(two_bodies, COURSE_INTERVAL, TEACHER) w->operation.person = &w->person;
END static void no_body(struct world *w) {
    world_valid_person(w);
    w->operation.person = NULL;
}
CASE(submission_unasked, DISCUSSION, TEACHER) w->operation.submission = &w->submission;
END CASE(id_version_4, DISCUSSION, TEACHER) w->fact.id.data[6] = 0x40;
END CASE(id_of_a_variant, DISCUSSION, TEACHER) w->fact.id.data[8] = 0xc0;
END CASE(id_nil, DISCUSSION, TEACHER) memset(w->fact.id.data, 0, 16);
END CASE(id_short, DISCUSSION, TEACHER) w->fact.id.len = 15;
END CASE(id_missing, DISCUSSION, TEACHER) w->fact.has_id = 0;
END CASE(kind_missing, DISCUSSION, TEACHER) w->fact.has_kind = 0;
END CASE(kind_unknown, DISCUSSION, TEACHER) w->fact.kind = (Lx__FactKind)99;
END CASE(programme_missing, DISCUSSION, TEACHER) w->fact.has_programme = 0;
END CASE(programme_unknown, DISCUSSION, TEACHER) w->fact.programme = 9;
END CASE(item_missing, DISCUSSION, TEACHER) w->fact.item = NULL;
END CASE(quantity_unasked, DISCUSSION, TEACHER) w->fact.has_quantity = 1;
END CASE(item_empty, DISCUSSION, TEACHER) w->fact.item = text(w, "");
END CASE(item_long, DISCUSSION, TEACHER) w->fact.item = repeat(w, "长", 22);
END CASE(item_control, DISCUSSION, TEACHER) w->fact.item = text(w, "D\x07");
END CASE(item_bidi, DISCUSSION, TEACHER) w->fact.item = text(w, "D\u202e01");
END CASE(item_encoding, DISCUSSION, TEACHER) w->fact.item = text(w, "\xc0\xaf");
END CASE(item_not_nfc, DISCUSSION, TEACHER) w->fact.item = text(w, "e\u0301");
END CASE(item_spaces, DISCUSSION, TEACHER) w->fact.item = text(w, " D01");
END CASE(course_unknown, COURSE_INTERVAL, TEACHER) w->fact.item = text(w, "p99");
END CASE(range_of_general, COURSE_RANGE, SCHOOL) w->fact.item = text(w, "g01");
END CASE(point_unknown, CERTIFICATION, TEACHER) w->fact.item = text(w, "A99");
END CASE(indicator_unknown, SUBMITTED, TEACHER) w->fact.item = text(w, "t.nothing");
END CASE(hours_kind, CREDIT_HOURS, TEACHER) w->fact.item = text(w, "home");
END CASE(other_subject, SUBMITTED, TEACHER) w->fact.item = text(w, "h.plan");
END CASE(other_kind, SUBMITTED, TEACHER) w->fact.item = text(w, "t.courses");
END CASE(duty_of_plan, DUTY_DONE, SCHOOL) w->fact.item = text(w, "a.report");
END CASE(form_unknown, ATTENDANCE, TEACHER) w->fact.form = text(w, "picnic");
END CASE(negative, ATTENDANCE, TEACHER) w->fact.quantity = -1;
END CASE(most_negative, ATTENDANCE, TEACHER) w->fact.quantity = INT64_MIN;
END CASE(nothing, ATTENDANCE, TEACHER) w->fact.quantity = 0;
END CASE(day_of_25_hours, CREDIT_HOURS, TEACHER) w->fact.quantity = 2500;
END CASE(infinite, CERTIFICATION, TEACHER) w->fact.quantity = INT64_MAX;
END CASE(grade_20_01, GRADE, TEACHER) w->fact.quantity = 2001;
END CASE(case_60_01, GRADE, WORKSHOP) w->fact.quantity = 6001;
END CASE(grade_without_of, GRADE, WORKSHOP) w->fact.has_of = 0;
END CASE(grade_with_of, GRADE, TEACHER) w->fact.has_of = 1;
w->fact.of = world_bytes(w, record(STORED_PLAN));
END CASE(year_1, DISCUSSION, TEACHER) w->fact.occurred_at_ms = -62135596800000;
END CASE(year_lowest, DISCUSSION, TEACHER) w->fact.occurred_at_ms = INT64_MIN;
END CASE(year_9999, DISCUSSION, TEACHER) w->fact.occurred_at_ms = 253402214400000;
END CASE(year_highest, COURSE_INTERVAL, TEACHER) w->fact.until_ms = INT64_MAX;
END CASE(six_minutes_ahead, ACCEPTED, TEACHER) w->fact.occurred_at_ms = w->context.received_at_ms +
                                                                        6 * 60 * 1000;
END CASE(time_missing, DISCUSSION, TEACHER) w->fact.has_occurred_at_ms = 0;
END CASE(backwards, COURSE_INTERVAL, TEACHER) w->fact.until_ms = w->fact.occurred_at_ms;
END CASE(a_day_and_more, COURSE_INTERVAL, TEACHER) w->fact.until_ms = w->fact.occurred_at_ms +
                                                                      86400001;
END CASE(outside, DISCUSSION, TEACHER) w->fact.occurred_at_ms = fixture_time("2021-12-01 00:00");
END CASE(interval_outside, COURSE_INTERVAL,
         TEACHER) w->fact.occurred_at_ms = fixture_time("2021-05-31 22:00");
w->fact.until_ms = fixture_time("2021-06-01 00:00");
END CASE(plan_outside, SUBMITTED,
         TEACHER) w->fact.occurred_at_ms = fixture_time("2021-05-31 23:59");
END CASE(duty_before, DUTY_DONE, SCHOOL) w->fact.occurred_at_ms = fixture_time("2021-04-30 23:59");
END CASE(grade_before, GRADE, TEACHER) w->fact.occurred_at_ms = fixture_time("2021-05-30 10:00");
END CASE(accepted_before, ACCEPTED,
         TEACHER) w->fact.occurred_at_ms = fixture_time("2021-06-30 10:00");
END CASE(subject_missing, DISCUSSION, TEACHER) w->fact.has_subject = 0;
END CASE(subject_unknown, DISCUSSION,
         TEACHER) w->fact.subject = world_bytes(w, fixture_id(STRANGER_ID));
END CASE(range_of_teacher, COURSE_RANGE,
         SCHOOL) w->fact.subject = world_bytes(w, fixture_id(TEACHER_ID));
END CASE(of_unknown, ACCEPTED, TEACHER) w->fact.of = world_bytes(w, record(999));
END CASE(accept_watch, ACCEPTED, TEACHER) w->fact.of = world_bytes(w, record(STORED_WATCH));
END CASE(of_other_subject, ACCEPTED, TEACHER) w->fact.of = world_bytes(w, record(STORED_FAR_PLAN));
END CASE(of_other_programme, ACCEPTED,
         TEACHER) w->fact.of = world_bytes(w, record(STORED_OTHER_PROGRAMME));
END CASE(of_other_item, ACCEPTED, TEACHER) w->fact.item = text(w, "t.self_test");
END CASE(of_voided, ACCEPTED, TEACHER) w->fact.of = world_bytes(w, record(STORED_VOIDED_PLAN));
END CASE(void_of_void, VOID, TEACHER) w->fact.of = world_bytes(w, record(STORED_VOID));
END CASE(recommend_plan, CASE_SELECTED,
         SCHOOL) w->fact.of = world_bytes(w, record(STORED_WORKSHOP_PLAN));
END CASE(source_key, DISCUSSION, TEACHER) w->fact.has_source_key = 1;
w->fact.source_key = (ProtobufCBinaryData){16, w->fact.id.data};
END

    // permission
    CASE(admin_for_workshop, SUBMITTED, WORKSHOP)
        world_sender(w, ADMIN_ID, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID);
END CASE(head_for_school, COURSE_RANGE, SCHOOL)
    world_sender(w, HEAD_ID, LX__ROLE__HEAD, WORKSHOP_ID);
END CASE(head_elsewhere, DISCUSSION, TEACHER)
    world_sender(w, STRANGER_ID, LX__ROLE__HEAD, OTHER_WORKSHOP_ID);
END CASE(inspector_writes, DISCUSSION, TEACHER)
    world_sender(w, STRANGER_ID, LX__ROLE__INSPECTOR, CITY_ID);
END CASE(grant_long_ended, DISCUSSION, TEACHER) w->roles[0].until_ms = w->context.received_at_ms -
                                                                       36LL * 86400000;
END CASE(grant_not_begun, DISCUSSION, TEACHER) w->roles[0].from_ms = w->context.received_at_ms + 1;
END CASE(void_by_expert, VOID, TEACHER) world_sender(w, EXPERT_ID, LX__ROLE__EXPERT, SCHOOL_ID);
END CASE(accept_own_plan, ACCEPTED, TEACHER) w->fact.of = world_bytes(w, record(STORED_FAR_PLAN));
w->fact.subject = world_bytes(w, fixture_id(AUTHOR_ID));
world_sender(w, AUTHOR_ID, LX__ROLE__HEAD, WORKSHOP_ID);
END CASE(head_accepts_own_workshop, ACCEPTED, WORKSHOP)
    world_sender(w, HEAD_ID, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID);
END CASE(author_grades_case, GRADE, WORKSHOP)
    world_sender(w, AUTHOR_ID, LX__ROLE__EXPERT, SCHOOL_ID);
END CASE(grade_himself, GRADE, TEACHER) w->fact.subject = world_bytes(w, fixture_id(HEAD_ID));
END CASE(admin_before_head, ACCEPTED, TEACHER)
    world_sender(w, ADMIN_ID, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID);
END CASE(city_before_district, ACCEPTED, SCHOOL)
    world_sender(w, CITY_ADMIN_ID, LX__ROLE__CITY_ADMIN, CITY_ID);
END CASE(head_below_admin, ACCEPTED, WORKSHOP)
    world_sender(w, STRANGER_ID, LX__ROLE__HEAD, OTHER_WORKSHOP_ID);
END CASE(district_before_expert, GRADE, WORKSHOP)
    world_sender(w, DISTRICT_ADMIN_ID, LX__ROLE__DISTRICT_ADMIN, DISTRICT_ID);
END CASE(head_of_yesterday, ACCEPTED, TEACHER) w->roles[0].until_ms = w->fact.occurred_at_ms;
w->offices[0].until_ms = w->fact.occurred_at_ms;
END CASE(accept_record, ACCEPTED, TEACHER) w->fact.item = NULL;
w->stored[0].fact.fact = w->stored[0].fact.fact;
((Lx__Fact *)(uintptr_t)w->stored[0].fact.fact)->item = text(w, "t.multi"); // nobody reviews it
END

    // submissions
    CASE(title_long, SUBMITTED, TEACHER) w->submission.title = repeat(w, "长", 201);
END CASE(title_bidi, SUBMITTED, TEACHER) w->submission.title = text(w, "\u2067计划");
END CASE(field_unknown, SUBMITTED, TEACHER) world_add_field(w, "wishes", "x");
END CASE(field_twice, SUBMITTED, TEACHER) world_add_field(w, "content", "x");
END CASE(field_empty, SUBMITTED, TEACHER) w->submission.fields[0]->value = text(w, "");
END CASE(field_nameless, SUBMITTED, TEACHER) w->submission.fields[0]->key = NULL;
END CASE(field_long, SUBMITTED, TEACHER) w->submission.fields[0]->value = repeat(w, "x", 20001);
END CASE(field_control, SUBMITTED, TEACHER) w->submission.fields[0]->value = text(w, "a\x1b[2J");
END static void fields_many(struct world *w) {
    world_valid(w, KIND(SUBMITTED), TEACHER);
    for (int i = 0; i < 200; i++)
        world_add_field(w, "goals", "x");
}
CASE(recording_none, SUBMITTED, WORKSHOP) w->submission.has_duration_s = 0;
END CASE(recording_unsized, SUBMITTED, WORKSHOP) w->submission.has_size_bytes = 0;
END CASE(recording_short, SUBMITTED, WORKSHOP) w->submission.duration_s = 15 * 60 - 1;
END CASE(recording_long, SUBMITTED, WORKSHOP) w->submission.duration_s = 40 * 60 + 1;
END CASE(recording_large, SUBMITTED, WORKSHOP) w->submission.size_bytes = (1ull << 30) + 1;
END CASE(author_unknown, SUBMITTED,
         WORKSHOP) w->submission.authors[0] = world_bytes(w, fixture_id(STRANGER_ID));
END CASE(author_far, SUBMITTED,
         WORKSHOP) w->submission.authors[0] = world_bytes(w, fixture_id(FAR_TEACHER_ID));
END CASE(author_malformed, SUBMITTED, WORKSHOP) w->submission.authors[0].len = 3;
END CASE(author_twice, SUBMITTED, WORKSHOP) w->submission.authors[w->submission.n_authors++] =
    world_bytes(w, fixture_id(HEAD_ID));
END CASE(author_none, SUBMITTED, WORKSHOP) w->submission.n_authors = 0;
END CASE(case_point_unknown, SUBMITTED, WORKSHOP) w->submission.points[0] = text(w, "Z1");
END CASE(case_point_twice, SUBMITTED,
         WORKSHOP) w->submission.points[w->submission.n_points++] = text(w, "A3");
END CASE(case_point_none, SUBMITTED, WORKSHOP) w->submission.n_points = 0;
END CASE(file_path, SUBMITTED, WORKSHOP) w->submission.file_name = text(w, "../../etc/passwd");
END CASE(file_hash, SUBMITTED, WORKSHOP) w->submission.has_file_sha256 = 1;
w->submission.file_sha256 = w->fact.id;
END CASE(briefing_form, SUBMITTED, WORKSHOP) w->fact.form = text(w, "picnic");
END

// roster
#define PERSON_CASE(name, change)                                                                  \
    static void name(struct world *w) {                                                            \
        world_valid_person(w);                                                                     \
        change;                                                                                    \
    }
PERSON_CASE(person_id_version_4, w->person.id.data[6] = 0x40)
PERSON_CASE(person_nameless, w->person.name = NULL)
PERSON_CASE(person_empty, w->person.name = text(w, ""))
PERSON_CASE(person_bidi, w->person.name = text(w, "\u202e王芳"))
PERSON_CASE(person_long, w->person.name = repeat(w, "王", 101))
PERSON_CASE(person_number, w->person.teacher_no = text(w, "3.4E+17"))
PERSON_CASE(person_account, w->person.account = text(w, "t 1;drop"))
PERSON_CASE(person_born_1850, w->person.birth_year = 1850)
PERSON_CASE(person_born_2020, w->person.birth_year = 2020)
PERSON_CASE(person_by_head, world_sender(w, HEAD_ID, LX__ROLE__HEAD, WORKSHOP_ID))
PERSON_CASE(person_elsewhere, world_sender(w, ADMIN_ID, LX__ROLE__SCHOOL_ADMIN, OTHER_SCHOOL_ID))

#define MEMBER_CASE(name, change)                                                                  \
    static void name(struct world *w) {                                                            \
        world_valid_membership(w);                                                                 \
        change;                                                                                    \
    }
MEMBER_CASE(member_id_version_4, w->membership.id.data[6] = 0x40)
MEMBER_CASE(member_role, w->membership.role = LX__ROLE__INSPECTOR)
MEMBER_CASE(member_level, w->membership.role = LX__ROLE__SCHOOL_ADMIN)
MEMBER_CASE(member_unit, w->membership.unit = world_bytes(w, fixture_id(88)))
MEMBER_CASE(member_person, w->membership.person = world_bytes(w, fixture_id(STRANGER_ID)))
MEMBER_CASE(member_times, (w->membership.has_until_ms = 1, w->membership.until_ms = w->membership.from_ms))
MEMBER_CASE(member_year, w->membership.from_ms = -1)
MEMBER_CASE(member_programme, w->membership.programme = 9)
MEMBER_CASE(member_from, w->membership.has_from_ms = 0)
MEMBER_CASE(member_of_other_school, w->membership.person = world_bytes(w, fixture_id(FAR_TEACHER_ID)))

struct refusal {
    const char *name;
    void (*change)(struct world *world);
    enum reason_id reason;
    const char *field;
};
#define REFUSAL(name, reason, field)                                                               \
    { #name, name, REASON_##reason, field }

static const struct refusal refusals[] = {
    REFUSAL(two_bodies, OPERATION_BODY, NULL),
    REFUSAL(no_body, OPERATION_BODY, NULL),
    REFUSAL(submission_unasked, SUBMISSION_NOT_ASKED, "submission"),
    REFUSAL(id_version_4, RECORD_ID, "fact.id"),
    REFUSAL(id_of_a_variant, RECORD_ID, "fact.id"),
    REFUSAL(id_nil, ID_MALFORMED, "fact.id"),
    REFUSAL(id_short, ID_MALFORMED, "fact.id"),
    REFUSAL(id_missing, FIELD_MISSING, "fact.id"),
    REFUSAL(kind_missing, FACT_KIND_UNKNOWN, "fact.kind"),
    REFUSAL(kind_unknown, FACT_KIND_UNKNOWN, "fact.kind"),
    REFUSAL(programme_missing, FIELD_MISSING, "fact.programme"),
    REFUSAL(programme_unknown, PROGRAMME_UNKNOWN, "fact.programme"),
    REFUSAL(item_missing, FACT_FIELD_MISSING, "fact.item"),
    REFUSAL(quantity_unasked, FACT_FIELD_FORBIDDEN, "fact.quantity"),
    REFUSAL(item_empty, ITEM_MALFORMED, "fact.item"),
    REFUSAL(item_long, ITEM_MALFORMED, "fact.item"),
    REFUSAL(item_control, TEXT_CONTROL, "fact.item"),
    REFUSAL(item_bidi, TEXT_BIDI, "fact.item"),
    REFUSAL(item_encoding, TEXT_ENCODING, "fact.item"),
    REFUSAL(item_not_nfc, TEXT_NOT_NFC, "fact.item"),
    REFUSAL(item_spaces, TEXT_EMPTY, "fact.item"),
    REFUSAL(course_unknown, COURSE_UNKNOWN, "fact.item"),
    REFUSAL(range_of_general, COURSE_NO_POINT, "fact.item"),
    REFUSAL(point_unknown, POINT_UNKNOWN, "fact.item"),
    REFUSAL(indicator_unknown, INDICATOR_UNKNOWN, "fact.item"),
    REFUSAL(hours_kind, HOURS_KIND_UNKNOWN, "fact.item"),
    REFUSAL(other_subject, INDICATOR_OTHER_SUBJECT, "fact.item"),
    REFUSAL(other_kind, INDICATOR_OTHER_KIND, "fact.item"),
    REFUSAL(duty_of_plan, INDICATOR_OTHER_KIND, "fact.item"),
    REFUSAL(form_unknown, FORM_UNKNOWN, "fact.form"),
    REFUSAL(negative, QUANTITY_NEGATIVE, "fact.quantity"),
    REFUSAL(most_negative, QUANTITY_NEGATIVE, "fact.quantity"),
    REFUSAL(nothing, QUANTITY_TOO_SMALL, "fact.quantity"),
    REFUSAL(day_of_25_hours, QUANTITY_TOO_LARGE, "fact.quantity"),
    REFUSAL(infinite, QUANTITY_TOO_LARGE, "fact.quantity"),
    REFUSAL(grade_20_01, GRADE_ABOVE_CAP, "fact.quantity"),
    REFUSAL(case_60_01, GRADE_ABOVE_CAP, "fact.quantity"),
    REFUSAL(grade_without_of, FACT_FIELD_MISSING, "fact.of"),
    REFUSAL(grade_with_of, OF_OTHER_ITEM, "fact.item"),
    REFUSAL(year_1, TIME_ABSURD, "fact.occurred_at_ms"),
    REFUSAL(year_lowest, TIME_ABSURD, "fact.occurred_at_ms"),
    REFUSAL(year_9999, TIME_IN_FUTURE, "fact.occurred_at_ms"),
    REFUSAL(year_highest, TIME_IN_FUTURE, "fact.until_ms"),
    REFUSAL(six_minutes_ahead, TIME_IN_FUTURE, "fact.occurred_at_ms"),
    REFUSAL(time_missing, FIELD_MISSING, "fact.occurred_at_ms"),
    REFUSAL(backwards, INTERVAL_BACKWARDS, "fact.until_ms"),
    REFUSAL(a_day_and_more, INTERVAL_TOO_LONG, "fact.until_ms"),
    REFUSAL(outside, OUTSIDE_STAGE, "fact.occurred_at_ms"),
    REFUSAL(interval_outside, OUTSIDE_STAGE, "fact.occurred_at_ms"),
    REFUSAL(plan_outside, OUTSIDE_STAGE, "fact.occurred_at_ms"),
    REFUSAL(duty_before, BEFORE_STAGE, "fact.occurred_at_ms"),
    REFUSAL(grade_before, BEFORE_STAGE, "fact.occurred_at_ms"),
    REFUSAL(accepted_before, REVIEWED_TOO_EARLY, "fact.occurred_at_ms"),
    REFUSAL(subject_missing, FIELD_MISSING, "fact.subject"),
    REFUSAL(subject_unknown, SUBJECT_UNKNOWN, "fact.subject"),
    REFUSAL(range_of_teacher, SUBJECT_WRONG_KIND, "fact.subject"),
    REFUSAL(of_unknown, OF_UNKNOWN, "fact.of"),
    REFUSAL(accept_watch, OF_WRONG_KIND, "fact.of"),
    REFUSAL(of_other_subject, OF_OTHER_SUBJECT, "fact.of"),
    REFUSAL(of_other_programme, OF_OTHER_PROGRAMME, "fact.of"),
    REFUSAL(of_other_item, OF_OTHER_ITEM, "fact.item"),
    REFUSAL(of_voided, OF_VOIDED, "fact.of"),
    REFUSAL(void_of_void, VOID_OF_VOID, "fact.of"),
    REFUSAL(recommend_plan, CASE_NOT_COUNTED, "fact.of"),
    REFUSAL(source_key, SOURCE_KEY_SIZE, "fact.source_key"),
    REFUSAL(admin_for_workshop, MAY_NOT_WRITE, "fact"),
    REFUSAL(head_for_school, MAY_NOT_WRITE, "fact"),
    REFUSAL(head_elsewhere, MAY_NOT_WRITE, "fact"),
    REFUSAL(inspector_writes, MAY_NOT_WRITE, "fact"),
    REFUSAL(grant_long_ended, MAY_NOT_WRITE, "fact"),
    REFUSAL(grant_not_begun, MAY_NOT_WRITE, "fact"),
    REFUSAL(void_by_expert, MAY_NOT_WRITE, "fact"),
    REFUSAL(accept_own_plan, REVIEW_OWN, "fact"),
    REFUSAL(head_accepts_own_workshop, REVIEW_OWN, "fact"),
    REFUSAL(author_grades_case, REVIEW_OWN, "fact"),
    REFUSAL(grade_himself, REVIEW_OWN, "fact"),
    REFUSAL(admin_before_head, REVIEW_OTHER_ROLE, "fact"),
    REFUSAL(city_before_district, REVIEW_OTHER_ROLE, "fact"),
    REFUSAL(head_below_admin, REVIEW_OTHER_ROLE, "fact"),
    REFUSAL(district_before_expert, REVIEW_OTHER_ROLE, "fact"),
    REFUSAL(head_of_yesterday, REVIEW_OTHER_ROLE, "fact"),
    REFUSAL(accept_record, REVIEW_NOBODY, "fact.item"),
    REFUSAL(title_long, TEXT_TOO_LONG, "submission.title"),
    REFUSAL(title_bidi, TEXT_BIDI, "submission.title"),
    REFUSAL(field_unknown, TEMPLATE_FIELD_UNKNOWN, "submission.fields[1].key"),
    REFUSAL(field_twice, TEMPLATE_FIELD_REPEATED, "submission.fields[1].key"),
    REFUSAL(field_empty, TEMPLATE_FIELD_MISSING, "submission.fields"),
    REFUSAL(field_nameless, FIELD_MISSING, "submission.fields[0].key"),
    REFUSAL(field_long, TEMPLATE_VALUE_LONG, "submission.fields[0].value"),
    REFUSAL(field_control, TEXT_CONTROL, "submission.fields[0].value"),
    REFUSAL(fields_many, TOO_MANY_ENTRIES, "submission.fields"),
    REFUSAL(recording_none, RECORDING_MISSING, "submission.duration_s"),
    REFUSAL(recording_unsized, RECORDING_MISSING, "submission.size_bytes"),
    REFUSAL(recording_short, RECORDING_DURATION, "submission.duration_s"),
    REFUSAL(recording_long, RECORDING_DURATION, "submission.duration_s"),
    REFUSAL(recording_large, RECORDING_SIZE, "submission.size_bytes"),
    REFUSAL(author_unknown, AUTHOR_UNKNOWN, "submission.authors[0]"),
    REFUSAL(author_malformed, ID_MALFORMED, "submission.authors[0]"),
    REFUSAL(author_twice, AUTHOR_REPEATED, "submission.authors[1]"),
    REFUSAL(author_none, AUTHORS_MISSING, "submission.authors"),
    REFUSAL(case_point_unknown, POINT_UNKNOWN, "submission.points[0]"),
    REFUSAL(case_point_twice, POINT_REPEATED, "submission.points[1]"),
    REFUSAL(case_point_none, POINTS_MISSING, "submission.points"),
    REFUSAL(file_path, FILE_NAME, "submission.file_name"),
    REFUSAL(file_hash, FILE_HASH_SIZE, "submission.file_sha256"),
    REFUSAL(briefing_form, FORM_UNKNOWN, "fact.form"),
    REFUSAL(author_far, AUTHOR_UNKNOWN, "submission.authors[0]"),
    REFUSAL(person_id_version_4, RECORD_ID, "person.id"),
    REFUSAL(member_id_version_4, RECORD_ID, "membership.id"),
    REFUSAL(person_nameless, FIELD_MISSING, "person.name"),
    REFUSAL(person_empty, TEXT_EMPTY, "person.name"),
    REFUSAL(person_bidi, TEXT_BIDI, "person.name"),
    REFUSAL(person_long, TEXT_TOO_LONG, "person.name"),
    REFUSAL(person_number, TEACHER_NO_MALFORMED, "person.teacher_no"),
    REFUSAL(person_account, ACCOUNT_MALFORMED, "person.account"),
    REFUSAL(person_born_1850, BIRTH_YEAR, "person.birth_year"),
    REFUSAL(person_born_2020, BIRTH_YEAR, "person.birth_year"),
    REFUSAL(person_by_head, ROSTER_NOT_YOURS, NULL),
    REFUSAL(person_elsewhere, ROSTER_NOT_YOURS, NULL),
    REFUSAL(member_role, ROLE_NO_MEMBERSHIP, "membership.role"),
    REFUSAL(member_level, ROLE_WRONG_LEVEL, "membership.role"),
    REFUSAL(member_unit, UNIT_UNKNOWN, "membership.unit"),
    REFUSAL(member_person, PERSON_UNKNOWN, "membership.person"),
    REFUSAL(member_times, MEMBERSHIP_TIMES, "membership.until_ms"),
    REFUSAL(member_year, MEMBERSHIP_YEAR, "membership.from_ms"),
    REFUSAL(member_programme, PROGRAMME_UNKNOWN, "membership.programme"),
    REFUSAL(member_from, FIELD_MISSING, "membership.from_ms"),
    REFUSAL(member_of_other_school, ROSTER_NOT_YOURS, NULL),
};
#define N_REFUSALS (sizeof refusals / sizeof refusals[0])

// Reasons of the judge's ranges that hefei-2021 cannot bring about, each tested below by name.
static const enum reason_id tested_apart[] = {REASON_KIND_NOT_USED, REASON_TEMPLATE_CHOICE_UNKNOWN};

static void test_each_wrong_operation_is_refused_by_name(void **state) {
    (void)state;
    for (size_t i = 0; i < N_REFUSALS; i++) {
        struct world *world = world_open();
        refusals[i].change(world);
        enum reason_id reason = world_judge(world);
        const char *field = world->reason != NULL ? world->reason->field : NULL;
        if (reason != refusals[i].reason)
            fail_msg("%s: reason %d %s instead of %d", refusals[i].name, (int)reason,
                     reason != REASON_NONE ? world->reason->text : "(accepted)",
                     (int)refusals[i].reason);
        if (strcmp(field != NULL ? field : "",
                   refusals[i].field != NULL ? refusals[i].field : "") != 0)
            fail_msg("%s: field %s instead of %s", refusals[i].name, field, refusals[i].field);
        assert_null(strchr(world->reason->text, '{')); // every place is filled
        world_close(&world);
    }
}

// The judge's reasons are 200..276 and 300..309; the others of these hundreds are the server's.
static bool is_of_judge(enum reason_id reason) {
    return (reason >= REASON_OPERATION_BODY && reason <= REASON_SUBMISSION_NOT_ASKED) ||
           (reason >= REASON_TEACHER_NO_MALFORMED && reason <= REASON_MEMBERSHIP_YEAR);
}

static void test_every_reason_of_the_judge_has_a_case(void **state) {
    (void)state;
    for (size_t i = 0; reason_at(i) != NULL; i++) {
        enum reason_id reason = reason_at(i)->reason;
        bool found = !is_of_judge(reason);
        for (size_t j = 0; j < N_REFUSALS && !found; j++)
            found = refusals[j].reason == reason;
        for (size_t j = 0; j < sizeof tested_apart / sizeof tested_apart[0] && !found; j++)
            found = tested_apart[j] == reason;
        if (!found)
            fail_msg("no test brings about %s (%d)", reason_at(i)->id, (int)reason);
    }
}

static void test_a_valid_fact_of_every_kind_passes(void **state) {
    (void)state;
    size_t count;
    struct world *world = world_open();
    const struct fact_kind_info *kinds = fact_kind_table(&count);
    for (size_t i = 0; i < count; i++)
        for (enum fact_subject subject = 0; subject < FACT_SUBJECT_COUNT; subject++) {
            bool none = (kinds[i].kind == KIND(GRADE) &&
                         subject == SCHOOL) || // the scheme grades no school
                        (kinds[i].kind == KIND(DUTY_DONE) && subject != SCHOOL);
            if (!fact_kind_about(kinds[i].kind, subject) || none)
                continue;
            world_valid(world, kinds[i].kind, subject);
            if (world_judge(world) != REASON_NONE)
                fail_msg("%s about a %s: %s: %s", kinds[i].name, fact_subject_name(subject),
                         world->reason->field, world->reason->text);
        }
    world_valid_person(world);
    assert_int_equal(world_judge(world), REASON_NONE);
    world_valid_membership(world);
    assert_int_equal(world_judge(world), REASON_NONE);
    world_close(&world);
}

static void test_ids_of_people_are_of_versions_7_and_8_when_they_are_new(void **state) {
    (void)state;
    struct world *world = world_open();
    world_valid_person(world);
    world->person.id.data[6] = 0x80; // made from the data
    assert_int_equal(world_judge(world), REASON_NONE);
    world->person.id.data[6] = 0x40;
    assert_int_equal(world_judge(world), REASON_RECORD_ID);
    world->operation.person_version = 3; // is there: keeps what it has
    assert_int_equal(world_judge(world), REASON_NONE);
    world_close(&world);
}

// Every kind against every field of the table: what must not be there is refused, what must be is
// missed.
static void put_field(struct world *world, enum fact_field field, bool there) {
    Lx__Fact *fact = &world->fact;
    if (field == FACT_FIELD_ITEM)
        fact->item = there ? text(world, "D01") : NULL;
    else if (field == FACT_FIELD_UNTIL)
        fact->has_until_ms = there;
    else if (field == FACT_FIELD_QUANTITY)
        fact->has_quantity = there;
    else if (field == FACT_FIELD_OF)
        fact->has_of = there;
    else if (field == FACT_FIELD_FORM)
        fact->form = there ? text(world, "lecture") : NULL;
    else if (field == FACT_FIELD_SOURCE_KEY)
        fact->has_source_key = there;
    else
        world->operation.submission = there ? &world->submission : NULL;
}

static void test_fields_follow_the_table(void **state) {
    (void)state;
    size_t count;
    struct world *world = world_open();
    const struct fact_kind_info *kinds = fact_kind_table(&count);
    for (size_t i = 0; i < count; i++)
        for (enum fact_field field = 0; field < FACT_FIELD_COUNT; field++) {
            enum fact_subject subject = fact_kind_about(kinds[i].kind, TEACHER) ? TEACHER : SCHOOL;
            if (kinds[i].kind == KIND(DUTY_DONE))
                subject = SCHOOL;
            world_valid(world, kinds[i].kind, subject);
            put_field(world, field, kinds[i].fields[field] == FACT_FORBIDDEN);
            enum reason_id reason = world_judge(world);
            if (kinds[i].fields[field] == FACT_REQUIRED)
                assert_int_equal(reason, REASON_FACT_FIELD_MISSING);
            else if (field == FACT_FIELD_SUBMISSION)
                assert_int_equal(reason, REASON_SUBMISSION_NOT_ASKED);
            else if (kinds[i].fields[field] == FACT_FORBIDDEN)
                assert_int_equal(reason, REASON_FACT_FIELD_FORBIDDEN);
        }
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_valid_fact_of_every_kind_passes),
        cmocka_unit_test(test_ids_of_people_are_of_versions_7_and_8_when_they_are_new),
        cmocka_unit_test(test_each_wrong_operation_is_refused_by_name),
        cmocka_unit_test(test_every_reason_of_the_judge_has_a_case),
        cmocka_unit_test(test_fields_follow_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
