// The worked examples of hefei-2021 for teachers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/common/assess/fixture.h"

static int setup(void **state) {
    *state = fixture_open(HEFEI, SUBJECT_KIND_TEACHER);
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    fixture_close(&fixture);
    return 0;
}

static void test_51_of_70(void **state) {
    struct fixture *f = *state;
    add_hefei_teacher(f, 300, 1200, 1600);
    const struct standing *standing = run(f, "2021-11-30");
    assert_int_equal(points_of(f, "t.self_test"), 1000);
    assert_int_equal(points_of(f, "t.plan"), 500);
    assert_int_equal(points_of(f, "t.courses"), 1500);
    assert_int_equal(points_of(f, "t.discussion"), 500);
    assert_int_equal(points_of(f, "t.school_based"), 1600);
    assert_int_equal(standing->points, 5100);
    assert_int_equal(standing->total, 7000);
    // Above 42 and still not passed: the gates are open.
    assert_int_equal(standing->state, LX__STANDING_STATE__OPEN);
}

static void test_8_hours_give_35(void **state) {
    struct fixture *f = *state;
    add_hefei_teacher(f, 300, 800, 1600);
    const struct standing *standing = run(f, "2021-11-30");
    assert_int_equal(standing->points, 3500);
    assert_int_equal(line_of(f, "t.school_based")->state, LX__LINE_STATE__LINE_CLOSED);
    const Lx__ReceiptLine *line = receipt_line(f, "t.school_based");
    assert_non_null(line->unmet);
    assert_int_equal(line->unmet->bound, 1000);
    assert_int_equal(line->unmet_amount, 800);
}

static void test_practice_opens_the_grade(void **state) {
    struct fixture *f = *state;
    add_hefei_teacher(f, 300, 800, 1600);
    struct fact *practice = add_fact(f, LX__FACT_KIND__CREDIT_HOURS, "school", "2021-10-20 10:00");
    practice->quantity = 200;
    assert_int_equal(run(f, "2021-11-30")->points, 5100);
    practice->item = "online"; // recorded online hours add nothing
    assert_int_equal(run(f, "2021-11-30")->points, 3500);
}

static void test_minutes_to_points(void **state) {
    static const struct {
        int64_t minutes;
        int64_t points;
        bool gate;
    } cases[] = {{599, 2995, false}, {1, 5, false},      {601, 3000, true},
                 {600, 3000, true},  {300, 1500, false}, {0, 0, false}};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fixture_clear(f);
        add_hefei_teacher(f, cases[i].minutes, 1200, 1600);
        run(f, "2021-11-30");
        assert_int_equal(points_of(f, "t.courses"), cases[i].points);
        assert_int_equal(line_of(f, "g.hours_online")->state == LX__LINE_STATE__LINE_DONE,
                         cases[i].gate);
    }
    fixture_clear(f);
    add_hefei_teacher(f, 599, 1200, 1600);
    run(f, "2021-11-30");
    assert_int_equal(receipt_line(f, "g.hours_online")->amount, 2995);
}

static void add_gates(struct fixture *f) {
    add_fact(f, LX__FACT_KIND__CERTIFICATION, "A1", "2021-11-10 10:00")->quantity = 1000;
    add_fact(f, LX__FACT_KIND__CERTIFICATION, "A3", "2021-11-11 10:00")->quantity = 1000;
    add_fact(f, LX__FACT_KIND__ASSESSMENT_TAKEN, "g.school_test", "2021-11-12 10:00");
}

static void test_passes_with_all_gates(void **state) {
    struct fixture *f = *state;
    add_hefei_teacher(f, 600, 3000, 1600);
    add_gates(f);
    const struct standing *standing = run(f, "2021-11-30");
    assert_int_equal(standing->points, 6600);
    assert_int_equal(standing->state, LX__STANDING_STATE__PASSED);
    assert_true(standing->summary.obliged);
    assert_int_equal(standing->summary.online_s, 36000);
    assert_int_equal(standing->summary.school_hours, 3000);
    assert_int_equal(standing->summary.credits, 2000);
}

static void test_pass_mark_is_42(void **state) {
    struct fixture *f = *state;
    add_hefei_teacher(f, 600, 3000, 0);
    f->n_facts -= 1; // no grade: 10 + 5 + 30 + 5 = 50
    add_gates(f);
    for (size_t i = 0; i < f->n_facts; i++) { // no self-test, so no plan either: 35
        if (f->facts[i].kind == LX__FACT_KIND__SELF_TEST)
            f->facts[i].programme = 99;
    }
    assert_int_equal(run(f, "2021-11-30")->points, 3500);
    assert_int_equal(f->standing.state, LX__STANDING_STATE__OPEN);
    add_grade(f, "t.school_based", NULL, 699, "2021-11-20 10:00");
    assert_int_equal(run(f, "2021-11-30")->state, LX__STANDING_STATE__OPEN);
    add_grade(f, "t.school_based", NULL, 700, "2021-11-21 10:00");
    assert_int_equal(run(f, "2021-11-30")->points, 4200);
    assert_int_equal(f->standing.state, LX__STANDING_STATE__PASSED);
}

static void test_credits_open_after_60_hours(void **state) {
    struct fixture *f = *state;
    add_hefei_teacher(f, 540, 3000, 1600);
    add_gates(f);
    run(f, "2021-11-20");
    assert_int_equal(line_of(f, "g.credits")->state, LX__LINE_STATE__LINE_CLOSED);
    assert_string_equal(receipt_line(f, "g.credits")->blocked_by, "g.roles_60");
    assert_int_equal(line_of(f, "g.school_test")->state, LX__LINE_STATE__LINE_DONE);
    // Later watching, earlier material: the final state decides, not the order.
    add_watch(f, "g06", "2021-11-25 19:00", 3600);
    run(f, "2021-11-30");
    assert_int_equal(line_of(f, "g.credits")->state, LX__LINE_STATE__LINE_DONE);
}

static void test_fails_when_the_stage_has_ended(void **state) {
    struct fixture *f = *state;
    add_hefei_teacher(f, 540, 3000, 1600);
    add_gates(f);
    assert_int_equal(run(f, "2021-11-30")->state, LX__STANDING_STATE__OPEN);
    assert_int_equal(run(f, "2021-12-01")->state, LX__STANDING_STATE__FAILED);
    assert_int_equal(line_of(f, "g.hours_online")->state, LX__LINE_STATE__LINE_MISSED);
    // A fact of the stage that arrives late still changes it.
    add_watch(f, "g06", "2021-11-25 19:00", 3600);
    assert_int_equal(run(f, "2021-12-01")->state, LX__STANDING_STATE__PASSED);
    // Outside the stage it does not count.
    f->facts[f->n_facts - 1].occurred_at_ms = fixture_time("2021-12-01 19:00");
    f->facts[f->n_facts - 1].until_ms = fixture_time("2021-12-01 20:00");
    assert_int_equal(run(f, "2021-12-05")->state, LX__STANDING_STATE__FAILED);
}

static void test_voids(void **state) {
    struct fixture *f = *state;
    add_hefei_teacher(f, 300, 1200, 1600);
    size_t grade = f->n_facts - 1;
    add_about(f, LX__FACT_KIND__VOID, &f->facts[grade], "2021-12-20 10:00");
    // A void acts whatever its date.
    assert_int_equal(run(f, "2021-11-30")->points, 3500);
    assert_int_equal(line_of(f, "t.school_based")->state, LX__LINE_STATE__LINE_WAITING);
    // A void of a void does nothing.
    add_about(f, LX__FACT_KIND__VOID, &f->facts[f->n_facts - 1], "2021-12-21 10:00");
    assert_int_equal(run(f, "2021-11-30")->points, 3500);
    add_grade(f, "t.school_based", NULL, 1200, "2021-11-21 10:00");
    assert_int_equal(run(f, "2021-11-30")->points, 4700);
    // The submission's acceptance goes with the submission.
    for (size_t i = 0; i < f->n_facts; i++) {
        if (f->facts[i].kind == LX__FACT_KIND__SUBMITTED) {
            add_about(f, LX__FACT_KIND__VOID, &f->facts[i], "2021-07-01 10:00");
            break;
        }
    }
    assert_int_equal(run(f, "2021-11-30")->points, 4200);
}

static void test_as_of_selects_by_occurrence(void **state) {
    struct fixture *f = *state;
    add_hefei_teacher(f, 300, 1200, 1600);
    assert_int_equal(run(f, "2021-06-09")->points, 0);
    assert_int_equal(run(f, "2021-06-10")->points, 1000);
    // Handed in on the 11th, accepted on the 12th.
    run(f, "2021-06-11");
    assert_int_equal(line_of(f, "t.plan")->state, LX__LINE_STATE__LINE_WAITING);
    assert_int_equal(run(f, "2021-06-12")->points, 2000);
    // Half an hour of the first hour on 1 July lies inside: cut at the end of the day it is whole.
    add_watch(f, "g07", "2021-07-01 23:30", 3600);
    run(f, "2021-07-01");
    assert_int_equal(points_of(f, "t.courses"), 450); // 60 + 30 minutes
}

static void test_largest_value_counts(void **state) {
    struct fixture *f = *state;
    add_hefei_teacher(f, 300, 1200, 1600);
    add_grade(f, "t.school_based", NULL, 1550, "2021-11-22 10:00");
    add_hours(f, "activity-1", 100, "2021-09-11 14:00"); // the same activity, fewer hours
    add_grade(f, "t.school_based", NULL, 2001, "2021-11-23 10:00"); // above the cap: not scored
    run(f, "2021-11-30");
    assert_int_equal(points_of(f, "t.school_based"), 1600);
    assert_int_equal(f->standing.summary.school_hours, 1200);
}

static void test_range_of_the_home_school(void **state) {
    struct fixture *f = *state;
    add_watch(f, "A1", "2021-07-01 10:00", 3600);
    run(f, "2021-11-30");
    assert_int_equal(points_of(f, "t.courses"), 0);
    const Lx__ReceiptLine *line = receipt_line(f, "t.courses");
    assert_int_equal(line->n_cuts, 1);
    assert_int_equal(line->cuts[0]->reason, LX__CUT_REASON__CUT_RANGE);
    assert_int_equal(line->cuts[0]->quantity, 3600);
    // A later choice counts, too; before that day it does not.
    add_choice(f, "A1", "2021-09-01 08:00");
    run(f, "2021-08-31");
    assert_int_equal(points_of(f, "t.courses"), 0);
    run(f, "2021-09-01");
    assert_int_equal(points_of(f, "t.courses"), 300);
    // He left for a school that chose nothing in the middle of the hour: half of it counts.
    f->homes[0].until_ms = fixture_time("2021-07-01 10:30");
    f->homes[1] =
        (struct home){f->homes[0].until_ms, INT64_MAX, fixture_id(2001), fixture_id(1001)};
    f->n_homes = 2;
    run(f, "2021-11-30");
    assert_int_equal(points_of(f, "t.courses"), 150);
}

// What an office holder watched himself: inside the stage, whether his school chose it or not.
static void test_own_minutes(void **state) {
    struct fixture *f = *state;
    add_watch(f, "A1", "2021-07-01 10:00", 60);
    add_watch(f, "g05", "2021-05-31 23:59", 120); // a minute of it in the stage
    add_watch(f, "p01", "2021-05-20 10:00", 600); // none
    run(f, "2021-07-02");
    assert_int_equal(f->standing.summary.watched_s[0], 0);
    assert_int_equal(f->standing.summary.watched_s[1], 60);
    assert_int_equal(f->standing.summary.watched_s[2], 60);
    assert_int_equal(f->standing.summary.online_s, 60);
}

static void test_exempt(void **state) {
    struct fixture *f = *state;
    add_hefei_teacher(f, 300, 1200, 1600);
    f->obliged = false;
    const struct standing *standing = run(f, "2021-11-30");
    assert_int_equal(standing->state, LX__STANDING_STATE__EXEMPT);
    assert_int_equal(standing->points, 5100); // shown, and his hours count where he holds an office
    assert_int_equal(standing->summary.school_hours, 1200);
    assert_int_equal(standing->n_contributions, 1);
    assert_int_equal(standing->contributions[0].value[VALUE_EXEMPT], 1);
    assert_int_equal(standing->contributions[0].value[VALUE_POINTS], 0);
    f->obliged = true;
    f->homes[0].until_ms = fixture_time("2021-11-30 12:00"); // no home at the end of the day
    assert_int_equal(run(f, "2021-11-30")->state, LX__STANDING_STATE__EXEMPT);
    assert_int_equal(run(f, "2021-11-29")->state, LX__STANDING_STATE__OPEN);
}

static void test_contributions(void **state) {
    struct fixture *f = *state;
    add_hefei_teacher(f, 300, 1200, 1600);
    const struct standing *standing = run(f, "2021-11-30");
    int64_t indicators = 0;
    int64_t stages = 0;
    for (size_t i = 0; i < standing->n_contributions; i++) {
        const struct contribution *row = &standing->contributions[i];
        assert_int_equal(row->role, LX__ROLE__TEACHER);
        if (row->kind == CONTRIBUTION_INDICATOR)
            indicators += row->value[VALUE_POINTS];
        if (row->kind == CONTRIBUTION_STAGE)
            stages += row->value[VALUE_POINTS];
        if (row->kind == CONTRIBUTION_INDICATOR && strcmp(row->item, "t.courses") == 0) {
            assert_int_equal(row->value[VALUE_STARTED], 1);
            assert_int_equal(row->value[VALUE_DONE], 0);
        }
    }
    assert_int_equal(standing->contributions[0].value[VALUE_SUBJECTS], 1);
    assert_int_equal(standing->contributions[0].value[VALUE_OPEN], 1);
    assert_int_equal(standing->contributions[0].value[VALUE_PASSED], 0);
    assert_int_equal(standing->contributions[0].value[VALUE_ONLINE_HOURS], 1500);
    assert_int_equal(standing->contributions[0].value[VALUE_SCHOOL_HOURS], 1200);
    assert_int_equal(indicators, 5100);
    assert_int_equal(stages, 5100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_51_of_70, setup, teardown),
        cmocka_unit_test_setup_teardown(test_8_hours_give_35, setup, teardown),
        cmocka_unit_test_setup_teardown(test_practice_opens_the_grade, setup, teardown),
        cmocka_unit_test_setup_teardown(test_minutes_to_points, setup, teardown),
        cmocka_unit_test_setup_teardown(test_passes_with_all_gates, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pass_mark_is_42, setup, teardown),
        cmocka_unit_test_setup_teardown(test_credits_open_after_60_hours, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fails_when_the_stage_has_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(test_voids, setup, teardown),
        cmocka_unit_test_setup_teardown(test_as_of_selects_by_occurrence, setup, teardown),
        cmocka_unit_test_setup_teardown(test_largest_value_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_range_of_the_home_school, setup, teardown),
        cmocka_unit_test_setup_teardown(test_own_minutes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exempt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_contributions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
