// The worked examples of hefei-2021 for workshops and schools.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/common/assess/fixture.h"

static int setup_school(void **state) {
    *state = fixture_open(HEFEI, SUBJECT_KIND_SCHOOL);
    return 0;
}

static int setup_workshop(void **state) {
    *state = fixture_open(HEFEI, SUBJECT_KIND_WORKSHOP);
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    fixture_close(&fixture);
    return 0;
}

// n obliged teachers, the first `passed` of them passed.
static void set_teachers(struct fixture *f, size_t n, size_t passed) {
    f->n_below = n;
    for (size_t i = 0; i < n; i++)
        f->below[i] = (struct summary){.kind = SUBJECT_KIND_TEACHER,
                                       .subject = fixture_id(10000 + (uint32_t)i),
                                       .state = i < passed ? LX__STANDING_STATE__PASSED
                                                           : LX__STANDING_STATE__OPEN,
                                       .obliged = true};
}

static void set_holder(struct fixture *f, size_t i, int64_t online_s, int64_t school_hours) {
    f->holders[i] = (struct summary){.kind = SUBJECT_KIND_TEACHER,
                                     .subject = fixture_id(20000 + (uint32_t)i),
                                     .online_s = online_s,
                                     .school_hours = school_hours};
    f->n_holders = i + 1;
}

static void test_tiers_of_64(void **state) {
    static const struct {
        size_t passed;
        int64_t points;
    } cases[] = {{61, 1000}, {60, 800}, {52, 800}, {51, 600},  {39, 600},
                 {38, 400},  {32, 400}, {31, 0},   {64, 1000}, {0, 0}};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_teachers(f, 64, cases[i].passed);
        run(f, "2021-12-20");
        assert_int_equal(points_of(f, "a.pass_rate"), cases[i].points);
    }
    assert_int_equal(receipt_line(f, "a.pass_rate")->amount, 0);
    assert_int_equal(receipt_line(f, "a.pass_rate")->per, 6400);
}

static void test_only_obliged_count(void **state) {
    struct fixture *f = *state;
    set_teachers(f, 80, 61);
    for (size_t i = 64; i < 80; i++) // 16 without a certificate
        f->below[i].obliged = false;
    run(f, "2021-12-20");
    assert_int_equal(points_of(f, "a.pass_rate"), 1000);
}

static void test_empty_base(void **state) {
    struct fixture *f = *state;
    run(f, "2021-12-20");
    assert_int_equal(points_of(f, "a.pass_rate"), 0);
    assert_int_equal(line_of(f, "a.pass_rate")->state, LX__LINE_STATE__LINE_EMPTY);
    assert_int_equal(line_of(f, "a.cases")->state, LX__LINE_STATE__LINE_EMPTY);
}

// Workshops that each offer one case, recommended by the school.
static struct offered offers[8];

static void add_workshop_case(struct fixture *f, size_t i) {
    offers[i] = (struct offered){scheme_rule(f->scheme, "h.case"), fixture_id(30000 + (uint32_t)i)};
    f->below[f->n_below++] = (struct summary){.kind = SUBJECT_KIND_WORKSHOP,
                                              .subject = fixture_id(40000 + (uint32_t)i),
                                              .obliged = true,
                                              .offered = &offers[i],
                                              .n_offered = 1};
    struct fact *fact = add_fact(f, LX__FACT_KIND__CASE_SELECTED, "a.cases", "2021-12-01 10:00");
    fact->of = offers[i].fact;
}

static void test_cases_5_percent(void **state) {
    static const struct {
        size_t teachers;
        size_t needed;
    } cases[] = {{64, 4}, {89, 5}, {60, 3}, {21, 2}, {20, 1}, {1, 1}};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fixture_clear(f);
        set_teachers(f, cases[i].teachers, 0);
        for (size_t k = 0; k + 1 < cases[i].needed; k++)
            add_workshop_case(f, k);
        run(f, "2021-12-20");
        assert_int_equal(points_of(f, "a.cases"), 0);
        add_workshop_case(f, cases[i].needed - 1);
        run(f, "2021-12-20");
        assert_int_equal(points_of(f, "a.cases"), 3000);
    }
}

static void test_one_case_a_workshop(void **state) {
    struct fixture *f = *state;
    set_teachers(f, 21, 0); // needs two
    add_workshop_case(f, 0);
    offers[1] = (struct offered){offers[0].rule, fixture_id(30001)};
    f->below[f->n_below - 1].n_offered = 2; // the same workshop offers a second one
    add_fact(f, LX__FACT_KIND__CASE_SELECTED, "a.cases", "2021-12-02 10:00")->of = offers[1].fact;
    // And one that no own workshop offers.
    add_fact(f, LX__FACT_KIND__CASE_SELECTED, "a.cases", "2021-12-03 10:00")->of =
        fixture_id(31000);
    run(f, "2021-12-20");
    assert_int_equal(points_of(f, "a.cases"), 0);
    assert_int_equal(receipt_line(f, "a.cases")->amount, 100);
    // Recommended before the last stage: does not count.
    add_workshop_case(f, 2);
    f->facts[f->n_facts - 1].occurred_at_ms = fixture_time("2021-10-31 10:00");
    run(f, "2021-12-20");
    assert_int_equal(points_of(f, "a.cases"), 0);
    f->facts[f->n_facts - 1].occurred_at_ms = fixture_time("2021-11-01 00:00");
    run(f, "2021-12-20");
    assert_int_equal(points_of(f, "a.cases"), 3000);
}

static void add_whole_school(struct fixture *f) {
    add_fact(f, LX__FACT_KIND__DUTY_DONE, "a.survey", "2021-05-20 10:00");
    add_accepted(f, "a.plan", "2021-06-20 10:00");
    add_accepted(f, "a.kickoff", "2021-06-21 10:00");
    add_fact(f, LX__FACT_KIND__DISCUSSION, "topic-1", "2021-07-01 10:00");
    add_fact(f, LX__FACT_KIND__DISCUSSION, "topic-2", "2021-07-02 10:00");
    add_accepted(f, "a.report", "2021-12-10 10:00");
    set_teachers(f, 20, 19);
    add_workshop_case(f, 0);
    set_holder(f, 0, 36000, 3000);
}

static void test_school_100(void **state) {
    struct fixture *f = *state;
    add_whole_school(f);
    const struct standing *standing = run(f, "2021-12-20");
    assert_int_equal(standing->points, 10000);
    assert_int_equal(standing->total, 10000);
    assert_int_equal(standing->state, LX__STANDING_STATE__PASSED);
    // The plan opens after the survey only.
    f->facts[0].programme = 2;
    standing = run(f, "2021-12-20");
    assert_int_equal(standing->points, 8000);
    assert_int_equal(line_of(f, "a.plan")->state, LX__LINE_STATE__LINE_CLOSED);
    // A survey after its stage is late, counts as done and opens the plan.
    f->facts[0].programme = 1;
    f->facts[0].occurred_at_ms = fixture_time("2021-07-01 00:00");
    standing = run(f, "2021-12-20");
    assert_int_equal(line_of(f, "a.survey")->state, LX__LINE_STATE__LINE_LATE);
    assert_int_equal(standing->points, 10000);
    // Before the stage it does not count.
    f->facts[0].occurred_at_ms = fixture_time("2021-04-30 23:59");
    run(f, "2021-12-20");
    assert_int_equal(line_of(f, "a.survey")->state, LX__LINE_STATE__LINE_MISSED);
}

static void test_duties_by_day(void **state) {
    struct fixture *f = *state;
    run(f, "2021-05-15");
    assert_int_equal(line_of(f, "a.survey")->state, LX__LINE_STATE__LINE_DUE);
    assert_int_equal(line_of(f, "a.dev_plan")->state, LX__LINE_STATE__LINE_DUE);
    run(f, "2021-06-30");
    assert_int_equal(line_of(f, "a.dev_plan")->state, LX__LINE_STATE__LINE_DUE);
    run(f, "2021-07-01");
    assert_int_equal(line_of(f, "a.dev_plan")->state, LX__LINE_STATE__LINE_MISSED);
    // Handed in in time, waits for the district.
    struct fact *fact = add_fact(f, LX__FACT_KIND__SUBMITTED, "a.dev_plan", "2021-06-30 23:59");
    run(f, "2021-07-01");
    assert_int_equal(line_of(f, "a.dev_plan")->state, LX__LINE_STATE__LINE_WAITING);
    add_about(f, LX__FACT_KIND__ACCEPTED, fact, "2021-07-20 10:00");
    run(f, "2021-07-20");
    assert_int_equal(line_of(f, "a.dev_plan")->state, LX__LINE_STATE__LINE_DONE);
}

static void test_course_range_is_a_duty(void **state) {
    struct fixture *f = *state;
    static int64_t watched_s[3] = {0, 60, 0};
    add_fact(f, LX__FACT_KIND__COURSE_RANGE, "A1", "2021-06-20 10:00");
    set_holder(f, 0, 60, 0);
    f->holders[0].watched_s = watched_s;
    run(f, "2021-07-01");
    assert_int_equal(line_of(f, "a.range")->state, LX__LINE_STATE__LINE_DUE);
    watched_s[2] = 1; // and an ability course
    run(f, "2021-07-01");
    assert_int_equal(line_of(f, "a.range")->state, LX__LINE_STATE__LINE_DONE);
    watched_s[2] = 0;
}

static void test_lead_school(void **state) {
    struct fixture *f = *state;
    size_t without = run(f, "2021-06-01")->n_lines;
    f->lead_school = true;
    assert_int_equal(run(f, "2021-06-01")->n_lines, without + 1);
    add_fact(f, LX__FACT_KIND__DUTY_DONE, "l.share", "2021-06-01 10:00");
    run(f, "2021-06-01");
    assert_int_equal(line_of(f, "l.share")->state, LX__LINE_STATE__LINE_DUE); // two are asked for
    add_fact(f, LX__FACT_KIND__DUTY_DONE, "l.share", "2021-06-01 14:00");
    run(f, "2021-06-01");
    assert_int_equal(line_of(f, "l.share")->state, LX__LINE_STATE__LINE_DONE);
}

static void test_office_gate(void **state) {
    struct fixture *f = *state;
    add_whole_school(f);
    f->n_holders = 0; // vacant: unmet
    assert_int_equal(run(f, "2021-11-30")->state, LX__STANDING_STATE__OPEN);
    assert_int_equal(run(f, "2021-12-01")->state, LX__STANDING_STATE__FAILED);
    set_holder(f, 0, 36000, 3000);
    set_holder(f, 1, 36000, 2999); // of two holders one is not there yet
    assert_int_equal(run(f, "2021-12-20")->state, LX__STANDING_STATE__FAILED);
    set_holder(f, 1, 36000, 3000);
    assert_int_equal(run(f, "2021-12-20")->state, LX__STANDING_STATE__PASSED);
}

static void test_workshop_100(void **state) {
    struct fixture *f = *state;
    set_holder(f, 0, 36000, 3000);
    add_accepted(f, "h.plan", "2021-05-20 10:00");
    add_accepted(f, "h.briefings", "2021-07-20 10:00");
    run(f, "2021-11-30");
    assert_int_equal(f->standing.points, 3000);
    assert_int_equal(line_of(f, "h.briefings")->state, LX__LINE_STATE__LINE_STARTED);
    add_accepted(f, "h.briefings", "2021-07-21 10:00");
    add_accepted(f, "h.briefings", "2021-07-22 10:00"); // a third: shown, above the cap
    run(f, "2021-11-30");
    assert_int_equal(f->standing.points, 4000);
    assert_int_equal(receipt_line(f, "h.briefings")->uncapped, 3000);
    struct fact *first = add_fact(f, LX__FACT_KIND__SUBMITTED, "h.case", "2021-11-29 10:00");
    run(f, "2021-11-30");
    assert_int_equal(line_of(f, "h.case")->state, LX__LINE_STATE__LINE_WAITING);
    assert_int_equal(f->standing.summary.n_offered, 1);
    add_grade(f, "h.case", first, 5500, "2021-12-10 10:00"); // the grade may come later
    const struct standing *standing = run(f, "2021-12-31");
    assert_int_equal(standing->points, 9500);
    assert_int_equal(standing->state, LX__STANDING_STATE__PASSED);
    // A grade of something else is none of this case.
    add_grade(f, "h.case", &f->facts[0], 6000, "2021-12-11 10:00");
    assert_int_equal(run(f, "2021-12-31")->points, 9500);
    assert_int_equal(run(f, "2022-01-01")->state, LX__STANDING_STATE__PASSED);
}

static void test_case_after_the_stage(void **state) {
    struct fixture *f = *state;
    struct fact *fact = add_fact(f, LX__FACT_KIND__SUBMITTED, "h.case", "2021-12-01 00:00");
    add_grade(f, "h.case", fact, 5500, "2021-12-10 10:00");
    assert_int_equal(run(f, "2021-12-31")->points, 0);
    assert_int_equal(f->standing.summary.n_offered, 0);
}

static void test_summary_round_trip(void **state) {
    struct fixture *f = *state;
    add_fact(f, LX__FACT_KIND__SUBMITTED, "h.case", "2021-11-01 00:00");
    run(f, "2021-12-31");
    struct view bytes;
    struct summary read;
    struct summary from_receipt;
    assert_int_equal(summary_pack(f->scheme, &f->standing.summary, f->arena, &bytes), STATUS_OK);
    assert_int_equal(summary_unpack(f->scheme, bytes, f->arena, &read), STATUS_OK);
    assert_int_equal(summary_from_receipt(f->scheme, f->standing.receipt, f->arena, &from_receipt),
                     STATUS_OK);
    assert_int_equal(read.kind, SUBJECT_KIND_WORKSHOP);
    assert_int_equal(read.n_offered, 1);
    assert_ptr_equal(read.offered[0].rule, scheme_rule(f->scheme, "h.case"));
    assert_true(uuid_equal(read.offered[0].fact, f->facts[0].id));
    assert_true(uuid_equal(from_receipt.subject, f->standing.subject));
    assert_int_equal(summary_unpack(f->scheme, VIEW_LITERAL("\xff\xff"), f->arena, &read),
                     STATUS_CORRUPT);
}

// Assesses another fixture's subject and hands its summary on as bytes, as assessor and database
// do.
static struct summary handed_on(struct fixture *from, struct fixture *to, uint32_t subject,
                                const char *as_of) {
    struct view bytes;
    struct summary summary;
    run(from, as_of);
    from->standing.summary.subject = fixture_id(subject);
    assert_int_equal(summary_pack(from->scheme, &from->standing.summary, to->arena, &bytes),
                     STATUS_OK);
    assert_int_equal(summary_unpack(to->scheme, bytes, to->arena, &summary), STATUS_OK);
    return summary;
}

// Teachers, their workshop and the school from facts alone: 2 of 3 passed, one case of the one
// needed.
static void test_from_teachers_to_school(void **state) {
    struct fixture *school = *state;
    struct fixture *teacher = fixture_open(HEFEI, SUBJECT_KIND_TEACHER);
    struct fixture *workshop = fixture_open(HEFEI, SUBJECT_KIND_WORKSHOP);
    add_hefei_teacher(teacher, 600, 3000, 1600);
    add_fact(teacher, LX__FACT_KIND__CERTIFICATION, "A1", "2021-11-10 10:00")->quantity = 2000;
    school->below[0] = handed_on(teacher, school, 101, "2021-12-20"); // has not taken the test
    add_fact(teacher, LX__FACT_KIND__ASSESSMENT_TAKEN, "g.school_test", "2021-11-12 10:00");
    school->below[1] = handed_on(teacher, school, 102, "2021-12-20");
    school->below[2] = handed_on(teacher, school, 103, "2021-12-20");
    assert_int_equal(school->below[0].state, LX__STANDING_STATE__OPEN); // stage three still runs
    assert_int_equal(school->below[1].state, LX__STANDING_STATE__PASSED);
    workshop->holders[0] = handed_on(teacher, workshop, 102, "2021-12-20");
    workshop->n_holders = 1;
    struct fact *submitted =
        add_fact(workshop, LX__FACT_KIND__SUBMITTED, "h.case", "2021-11-20 10:00");
    add_grade(workshop, "h.case", submitted, 6000, "2021-12-01 10:00");
    school->below[3] = handed_on(workshop, school, 201, "2021-12-20");
    assert_int_equal(school->below[3].state, LX__STANDING_STATE__PASSED);
    school->n_below = 4;
    school->holders[0] = school->below[2];
    school->n_holders = 1;
    add_fact(school, LX__FACT_KIND__CASE_SELECTED, "a.cases", "2021-12-02 10:00")->of =
        submitted->id;
    run(school, "2021-12-20");
    assert_int_equal(points_of(school, "a.pass_rate"), 600); // 66.7%
    assert_int_equal(points_of(school, "a.cases"), 3000);
    assert_int_equal(line_of(school, "g.roles_60")->state, LX__LINE_STATE__LINE_DONE);
    assert_int_equal(school->standing.points, 3600);
    fixture_close(&teacher);
    fixture_close(&workshop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tiers_of_64, setup_school, teardown),
        cmocka_unit_test_setup_teardown(test_only_obliged_count, setup_school, teardown),
        cmocka_unit_test_setup_teardown(test_empty_base, setup_school, teardown),
        cmocka_unit_test_setup_teardown(test_cases_5_percent, setup_school, teardown),
        cmocka_unit_test_setup_teardown(test_one_case_a_workshop, setup_school, teardown),
        cmocka_unit_test_setup_teardown(test_school_100, setup_school, teardown),
        cmocka_unit_test_setup_teardown(test_duties_by_day, setup_school, teardown),
        cmocka_unit_test_setup_teardown(test_course_range_is_a_duty, setup_school, teardown),
        cmocka_unit_test_setup_teardown(test_lead_school, setup_school, teardown),
        cmocka_unit_test_setup_teardown(test_office_gate, setup_school, teardown),
        cmocka_unit_test_setup_teardown(test_from_teachers_to_school, setup_school, teardown),
        cmocka_unit_test_setup_teardown(test_workshop_100, setup_workshop, teardown),
        cmocka_unit_test_setup_teardown(test_case_after_the_stage, setup_workshop, teardown),
        cmocka_unit_test_setup_teardown(test_summary_round_trip, setup_workshop, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
