// The judge: what is allowed at the edges, who reviews whose things, groups, what the scheme of
// hefei-2021 cannot bring about.
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

// ---- what is allowed, at the edges ----

static void expect(struct world *world, enum reason_id reason) {
    enum reason_id got = world_judge(world);
    if (got != reason)
        fail_msg("%d %s instead of %d", (int)got,
                 got != REASON_NONE ? world->reason->text : "(accepted)", (int)reason);
}

static void test_edges_are_inside(void **state) {
    (void)state;
    struct world *w = world_open();
    world_valid(w, KIND(GRADE), TEACHER);
    w->fact.quantity = 2000;
    expect(w, REASON_NONE);
    w->fact.quantity = 0;
    expect(w, REASON_NONE);
    world_valid(w, KIND(ACCEPTED), TEACHER);
    w->fact.occurred_at_ms = w->context.received_at_ms + JUDGE_CLOCK_TOLERANCE_MS;
    expect(w, REASON_NONE);
    world_valid(w, KIND(COURSE_INTERVAL), TEACHER); // one minute of it lies in the stage
    w->fact.occurred_at_ms = fixture_time("2021-05-31 23:30");
    w->fact.until_ms = fixture_time("2021-06-01 00:01");
    expect(w, REASON_NONE);
    world_valid(w, KIND(DUTY_DONE), SCHOOL); // late counts
    w->fact.occurred_at_ms = fixture_time("2021-12-10 10:00");
    expect(w, REASON_NONE);
    world_valid(w, KIND(SUBMITTED), WORKSHOP);
    w->submission.duration_s = 15 * 60;
    w->submission.size_bytes = 1ull << 30;
    expect(w, REASON_NONE);
    w->submission.duration_s = 40 * 60;
    expect(w, REASON_NONE);
    world_close(&w);
}

static void test_good_faith_after_a_grant_has_ended(void **state) {
    (void)state;
    struct world *w = world_open();
    world_valid(w, KIND(DISCUSSION), TEACHER);
    w->roles[0].until_ms = w->context.received_at_ms - 34LL * 86400000;
    expect(w, REASON_NONE);
    world_close(&w);
}

// Settled reading 9: the lowest level above that has somebody else, no higher one.
static void test_a_vacant_office_is_replaced_from_above(void **state) {
    (void)state;
    struct world *w = world_open();
    world_no_office(w, LX__ROLE__HEAD);
    world_valid(w, KIND(ACCEPTED), TEACHER);
    world_sender(w, ADMIN_ID, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID);
    expect(w, REASON_NONE);
    world_sender(w, DISTRICT_ADMIN_ID, LX__ROLE__DISTRICT_ADMIN, DISTRICT_ID);
    expect(w, REASON_REVIEW_OTHER_ROLE);
    world_no_office(w, LX__ROLE__SCHOOL_ADMIN);
    expect(w, REASON_NONE);
    world_close(&w);
}

static void test_who_would_judge_his_own_is_replaced(void **state) {
    (void)state;
    struct world *w = world_open();
    world_valid(w, KIND(GRADE), TEACHER); // of the head himself: the school's admin grades
    w->fact.subject = world_bytes(w, fixture_id(HEAD_ID));
    world_sender(w, ADMIN_ID, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID);
    expect(w, REASON_NONE);
    world_valid(w, KIND(ACCEPTED), WORKSHOP); // the admin handed it in: the district accepts
    w->stored[1].fact.actor = fixture_id(ADMIN_ID);
    expect(w, REASON_REVIEW_OWN);
    world_sender(w, DISTRICT_ADMIN_ID, LX__ROLE__DISTRICT_ADMIN, DISTRICT_ID);
    expect(w, REASON_NONE);
    world_office(w, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID, SECOND_ADMIN_ID); // somebody else is there
    expect(w, REASON_REVIEW_OTHER_ROLE);
    world_valid(w, KIND(ACCEPTED), TEACHER); // what a head recorded for his teacher he may accept
    expect(w, REASON_NONE);
    world_close(&w);
}

// Settled reading 10.
static void test_without_an_expert_district_or_city_grade(void **state) {
    (void)state;
    struct world *w = world_open();
    world_no_office(w, LX__ROLE__EXPERT);
    world_valid(w, KIND(GRADE), WORKSHOP);
    world_sender(w, DISTRICT_ADMIN_ID, LX__ROLE__DISTRICT_ADMIN, DISTRICT_ID);
    expect(w, REASON_NONE);
    world_sender(w, CITY_ADMIN_ID, LX__ROLE__CITY_ADMIN, CITY_ID);
    expect(w, REASON_NONE);
    world_sender(w, ADMIN_ID, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID);
    expect(w, REASON_REVIEW_OTHER_ROLE);
    world_close(&w);
}

// Settled reading 11.
static void test_heads_of_the_lead_school_grade_and_accept_nothing(void **state) {
    (void)state;
    struct world *w = world_open();
    world_valid(w, KIND(GRADE), TEACHER);
    world_sender(w, STRANGER_ID, LX__ROLE__LEAD_HEAD, SCHOOL_ID);
    expect(w, REASON_NONE);
    world_valid(w, KIND(ACCEPTED), TEACHER);
    world_sender(w, STRANGER_ID, LX__ROLE__LEAD_HEAD, SCHOOL_ID);
    expect(w, REASON_REVIEW_OTHER_ROLE);
    world_valid(w, KIND(DISCUSSION), TEACHER);
    world_sender(w, STRANGER_ID, LX__ROLE__LEAD_HEAD, SCHOOL_ID);
    expect(w, REASON_MAY_NOT_WRITE);
    world_close(&w);
}

static void test_a_district_moves_people_between_schools(void **state) {
    (void)state;
    struct world *w = world_open();
    world_valid_membership(w);
    w->membership.person = world_bytes(w, fixture_id(FAR_TEACHER_ID));
    world_sender(w, DISTRICT_ADMIN_ID, LX__ROLE__DISTRICT_ADMIN, DISTRICT_ID);
    expect(w, REASON_NONE);
    world_close(&w);
}

static void test_without_server_checks_permission_is_left_to_the_database(void **state) {
    (void)state;
    struct world *w = world_open();
    world_valid(w, KIND(DISCUSSION), TEACHER);
    w->context.n_roles = 0;
    expect(w, REASON_MAY_NOT_WRITE);
    w->context.checks_off = true;
    expect(w, REASON_NONE);
    world_close(&w);
}

static void test_a_group_knows_what_it_brings(void **state) {
    (void)state;
    struct world *w = world_open();
    world_valid(w, KIND(SUBMITTED), TEACHER);
    Lx__Fact submitted = w->fact;
    Lx__Submission submission = w->submission;
    Lx__Operation first = w->operation;
    first.fact = &submitted;
    first.submission = &submission;
    world_valid(w, KIND(ACCEPTED), TEACHER);
    w->fact.id = world_bytes(w, record(901));
    w->fact.of = submitted.id;
    Lx__Operation *operations[] = {&first, &w->operation};
    Lx__Reason **reasons;
    assert_int_equal(judge_group(&w->context, 2, operations, w->arena, &reasons), STATUS_OK);
    assert_null(reasons[0]);
    assert_null(reasons[1]);
    submitted.item = text(w, "t.nothing"); // refused, so the acceptance has nothing to be about
    assert_int_equal(judge_group(&w->context, 2, operations, w->arena, &reasons), STATUS_OK);
    assert_int_equal(reasons[0]->reason, REASON_INDICATOR_UNKNOWN);
    assert_int_equal(reasons[1]->reason, REASON_OF_UNKNOWN);
    world_close(&w);
}

static void test_what_hefei_cannot_bring_about(void **state) {
    (void)state;
    struct world *w = world_open();
    // A template with choices.
    world_valid(w, KIND(SUBMITTED), TEACHER);
    const Lx__Template *template = scheme_template(w->programme.scheme, "personal-plan");
    char *choices[] = {text(w, "甲"), text(w, "乙")};
    template->fields[1]->choices = choices;
    template->fields[1]->n_choices = 2;
    world_add_field(w, template->fields[1]->key, "丙");
    expect(w, REASON_TEMPLATE_CHOICE_UNKNOWN);
    w->submission.fields[1]->value = text(w, "乙");
    expect(w, REASON_NONE);
    template->fields[1]->choices = NULL;
    template->fields[1]->n_choices = 0;
    // A scheme that counts no certification.
    struct scheme empty = *w->programme.scheme;
    empty.n_rules = 0;
    w->programme.scheme = &empty;
    world_valid(w, KIND(CERTIFICATION), TEACHER);
    expect(w, REASON_KIND_NOT_USED);
    world_close(&w);
}

static void test_no_memory_is_told(void **state) {
    (void)state;
    struct world *w = world_open();
    struct arena *tiny = arena_new(16);
    Lx__Reason *reason;
    world_valid(w, KIND(DISCUSSION), TEACHER);
    w->fact.programme = 9;
    assert_int_equal(judge_operation(&w->context, &w->operation, tiny, &reason), STATUS_NO_MEMORY);
    arena_free(&tiny);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges_are_inside),
        cmocka_unit_test(test_good_faith_after_a_grant_has_ended),
        cmocka_unit_test(test_a_vacant_office_is_replaced_from_above),
        cmocka_unit_test(test_who_would_judge_his_own_is_replaced),
        cmocka_unit_test(test_without_an_expert_district_or_city_grade),
        cmocka_unit_test(test_heads_of_the_lead_school_grade_and_accept_nothing),
        cmocka_unit_test(test_a_district_moves_people_between_schools),
        cmocka_unit_test(test_without_server_checks_permission_is_left_to_the_database),
        cmocka_unit_test(test_a_group_knows_what_it_brings),
        cmocka_unit_test(test_what_hefei_cannot_bring_about),
        cmocka_unit_test(test_no_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
