// Measures that hefei does not use, on small schemes made for it: rate, bonus, sections, gates with
// at most, choice, threshold with its own bound, submission instead of acceptance; and the caps on
// watching.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/common/assess/fixture.h"

// The values of shanghai-specialist-2021: attendance 30, participation 10 with a bonus, three
// assignments of 20.
#define SHANGHAI "tests/golden/schemes/shanghai-small.yaml"

static void add_sessions(struct fixture *f, int n, bool online) {
    for (int i = 0; i < n; i++) {
        struct fact *fact = add_hours(f, arena_format(f->arena, "s%d", i), 400, "2021-05-01 09:00");
        fact->form = "present";
    }
    if (online)
        add_fact(f, LX__FACT_KIND__CREDIT_HOURS, "online", "2021-06-01 09:00")->quantity = 600;
}

static void add_absence(struct fixture *f, int i, const char *form, int64_t hours) {
    add_hours(f, arena_format(f->arena, "away%d", i), hours, "2021-06-05 09:00")->form = form;
}

static void add_group_sessions(struct fixture *f, int n) {
    for (int i = 0; i < n; i++)
        add_fact(f, LX__FACT_KIND__DISCUSSION, arena_format(f->arena, "d%d", i),
                 "2021-05-01 14:00");
}

static void test_rate(void **state) {
    static const struct {
        int sessions;
        bool online;
        int64_t points;
    } cases[] = {
        {12, true, 3000}, {12, false, 2666}, {11, true, 2777}, {10, true, 2555}, {0, false, 0}};
    (void)state;
    struct fixture *f = fixture_open(SHANGHAI, SUBJECT_KIND_TEACHER);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fixture_clear(f);
        add_sessions(f, cases[i].sessions, cases[i].online);
        run(f, "2021-10-31");
        assert_int_equal(points_of(f, "attendance"), cases[i].points);
    }
    fixture_close(&f);
}

static void test_bonus_never_above_the_section(void **state) {
    (void)state;
    struct fixture *f = fixture_open(SHANGHAI, SUBJECT_KIND_TEACHER);
    add_group_sessions(f, 5);
    assert_int_equal(run(f, "2021-10-31")->points, 833);
    add_fact(f, LX__FACT_KIND__DUTY_DONE, "shared_group", "2021-05-02 14:00");
    assert_int_equal(run(f, "2021-10-31")->points, 1000); // 10.33 capped
    Lx__Receipt *receipt;
    assert_int_equal(receipt_unpack(f->standing.receipt, f->arena, &receipt), STATUS_OK);
    assert_int_equal(receipt->sections[0]->uncapped, 1033);
    assert_int_equal(receipt->sections[0]->points, 1000);
    fixture_close(&f);
}

static void test_9177_of_100(void **state) {
    (void)state;
    struct fixture *f = fixture_open(SHANGHAI, SUBJECT_KIND_TEACHER);
    add_sessions(f, 11, true);
    add_absence(f, 0, "leave", 400);
    add_group_sessions(f, 5);
    add_fact(f, LX__FACT_KIND__DUTY_DONE, "shared_group", "2021-05-02 14:00");
    struct fact *duty = add_fact(f, LX__FACT_KIND__SUBMITTED, "duty", "2021-05-03 10:00");
    struct fact *plan = add_fact(f, LX__FACT_KIND__SUBMITTED, "plan", "2021-06-03 10:00");
    struct fact *last = add_fact(f, LX__FACT_KIND__SUBMITTED, "summary", "2021-10-03 10:00");
    add_grade(f, "duty", duty, 1800, "2021-10-10 10:00");
    add_grade(f, "plan", plan, 1700, "2021-10-10 10:00");
    add_grade(f, "summary", last, 1900, "2021-10-10 10:00");
    const struct standing *standing = run(f, "2021-10-31");
    assert_int_equal(standing->points, 9177);
    assert_int_equal(standing->state, LX__STANDING_STATE__PASSED);
    fixture_close(&f);
}

static void test_leave_gate(void **state) {
    (void)state;
    struct fixture *f = fixture_open(SHANGHAI, SUBJECT_KIND_TEACHER);
    add_absence(f, 0, "leave", 400);
    add_absence(f, 1, "absent", 400);
    run(f, "2021-10-31");
    assert_int_equal(line_of(f, "leave")->state, LX__LINE_STATE__LINE_DONE); // 8 hours
    add_absence(f, 2, "leave", 200);
    run(f, "2021-10-31");
    assert_int_equal(line_of(f, "leave")->state, LX__LINE_STATE__LINE_DONE); // 10 hours
    add_absence(f, 3, "absent", 200);
    assert_int_equal(run(f, "2021-06-10")->state, LX__STANDING_STATE__FAILED); // 12: at once
    fixture_close(&f);
}

// ---- choice ----

#define CHOICE "tests/golden/schemes/choice-small.yaml"

static void choose(struct fixture *f, const char *point) {
    add_fact(f, LX__FACT_KIND__COURSE_RANGE, point, "2021-05-01 10:00");
}

static void test_choice_of_k_over_dimensions(void **state) {
    (void)state;
    struct fixture *f = fixture_open(CHOICE, SUBJECT_KIND_SCHOOL);
    choose(f, "A1");
    choose(f, "A1"); // once
    choose(f, "A2");
    choose(f, "A9"); // not in the set
    run(f, "2021-06-01");
    assert_int_equal(line_of(f, "school")->state, LX__LINE_STATE__LINE_STARTED);
    assert_int_equal(receipt_line(f, "school")->amount, 200);
    choose(f, "A3"); // three, but of one dimension less than asked for
    run(f, "2021-06-01");
    assert_int_equal(line_of(f, "school")->state, LX__LINE_STATE__LINE_STARTED);
    choose(f, "A5");
    run(f, "2021-06-01");
    assert_int_equal(line_of(f, "school")->state, LX__LINE_STATE__LINE_DONE);
    fixture_close(&f);
}

static void test_choice_within_the_unit_above(void **state) {
    (void)state;
    struct fixture *f = fixture_open(CHOICE, SUBJECT_KIND_WORKSHOP);
    choose(f, "A1");
    choose(f, "A2");
    run(f, "2021-06-01");
    assert_int_equal(receipt_line(f, "workshop")->n_evidence, 0); // the school chose nothing yet
    add_choice(f, "A1", "2021-04-20 10:00");
    run(f, "2021-06-01");
    assert_int_equal(line_of(f, "workshop")->state, LX__LINE_STATE__LINE_STARTED);
    add_choice(f, "A2", "2021-04-20 10:00");
    run(f, "2021-06-01");
    assert_int_equal(line_of(f, "workshop")->state, LX__LINE_STATE__LINE_DONE);
    fixture_close(&f);
}

static void test_accept_on_submission(void **state) {
    (void)state;
    struct fixture *f = fixture_open(CHOICE, SUBJECT_KIND_WORKSHOP);
    add_fact(f, LX__FACT_KIND__SUBMITTED, "paper", "2021-05-01 10:00");
    run(f, "2021-06-01");
    assert_int_equal(points_of(f, "paper"), 500);
    add_fact(f, LX__FACT_KIND__SUBMITTED, "reviewed", "2021-05-01 10:00");
    run(f, "2021-06-01");
    assert_int_equal(points_of(f, "reviewed"), 0);
    assert_int_equal(line_of(f, "reviewed")->state, LX__LINE_STATE__LINE_WAITING);
    fixture_close(&f);
}

static void test_threshold_of_facts(void **state) {
    (void)state;
    struct fixture *f = fixture_open(CHOICE, SUBJECT_KIND_WORKSHOP);
    add_fact(f, LX__FACT_KIND__DISCUSSION, "d1", "2021-05-01 10:00");
    run(f, "2021-06-01");
    assert_int_equal(points_of(f, "third"), 0); // 1 of 4 = 25%
    add_fact(f, LX__FACT_KIND__DISCUSSION, "d2", "2021-05-01 10:00");
    run(f, "2021-06-01");
    assert_int_equal(points_of(f, "third"), 250); // 50%
    fixture_close(&f);
}

// ---- watching ----

#define WATCH "tests/golden/schemes/watch-small.yaml"

// Minutes counted of the teacher's watching, in seconds.
static int64_t counted_s(struct fixture *f) {
    return run(f, "2021-06-30")->summary.online_s;
}

static int64_t cut_s(struct fixture *f, Lx__CutReason reason) {
    const Lx__ReceiptLine *line = receipt_line(f, "watch");
    for (size_t i = 0; i < line->n_cuts; i++) {
        if (line->cuts[i]->reason == reason)
            return line->cuts[i]->quantity;
    }
    return 0;
}

static void test_two_tabs_count_once(void **state) {
    (void)state;
    struct fixture *f = fixture_open(WATCH, SUBJECT_KIND_TEACHER);
    add_watch(f, "c1", "2021-05-01 10:00", 1800);
    add_watch(f, "c1", "2021-05-01 10:10", 1800); // the same course again, 20 minutes overlap
    assert_int_equal(counted_s(f), 2400);
    assert_int_equal(cut_s(f, LX__CUT_REASON__CUT_OVERLAP), 0);
    add_watch(f, "c2", "2021-05-01 10:00", 600); // another course at the same time
    assert_int_equal(counted_s(f), 2400);
    assert_int_equal(cut_s(f, LX__CUT_REASON__CUT_OVERLAP), 600);
    fixture_close(&f);
}

static void test_course_length(void **state) {
    (void)state;
    struct fixture *f = fixture_open(WATCH, SUBJECT_KIND_TEACHER);
    add_watch(f, "c1", "2021-05-01 10:00", 4000); // the course has 3,000 seconds
    assert_int_equal(counted_s(f), 3000);
    assert_int_equal(cut_s(f, LX__CUT_REASON__CUT_COURSE), 1000);
    // Seconds cut by the length stay free for another course.
    add_watch(f, "c2", "2021-05-01 10:50", 1000);
    assert_int_equal(counted_s(f), 4000);
    fixture_close(&f);
}

static void test_day_limit_and_midnight(void **state) {
    (void)state;
    struct fixture *f = fixture_open(WATCH, SUBJECT_KIND_TEACHER);
    add_watch(f, "long", "2021-05-01 20:00", 6 * 3600); // until 02:00; at most two hours a day
    assert_int_equal(counted_s(f), 4 * 3600);
    assert_int_equal(cut_s(f, LX__CUT_REASON__CUT_DAY), 2 * 3600);
    // 02:00 of the 2nd is used up; the 3rd is free.
    add_watch(f, "c2", "2021-05-02 09:00", 600);
    add_watch(f, "c2", "2021-05-03 09:00", 600);
    assert_int_equal(counted_s(f), 4 * 3600 + 600);
    fixture_close(&f);
}

static void test_edges_of_stage_and_as_of(void **state) {
    (void)state;
    struct fixture *f = fixture_open(WATCH, SUBJECT_KIND_TEACHER);
    add_watch(f, "long", "2021-04-30 23:50", 1200); // the stage begins at midnight
    assert_int_equal(counted_s(f), 600);
    assert_int_equal(cut_s(f, LX__CUT_REASON__CUT_STAGE), 600);
    fixture_clear(f);
    add_watch(f, "long", "2021-05-10 23:50", 1200);
    assert_int_equal(run(f, "2021-05-10")->summary.online_s, 600);
    assert_int_equal(cut_s(f, LX__CUT_REASON__CUT_STAGE), 0); // not cut: not yet
    fixture_close(&f);
}

static void test_unknown_course(void **state) {
    (void)state;
    struct fixture *f = fixture_open(WATCH, SUBJECT_KIND_TEACHER);
    add_watch(f, "elsewhere", "2021-05-10 10:00", 1200);
    assert_int_equal(counted_s(f), 0);
    assert_int_equal(cut_s(f, LX__CUT_REASON__CUT_OTHER), 1200);
    fixture_close(&f);
}

// Absurd facts change no sum's sign and crash nothing.
static void test_absurd_facts(void **state) {
    (void)state;
    struct fixture *f = fixture_open(WATCH, SUBJECT_KIND_TEACHER);
    struct fact *fact = add_watch(f, "long", "2021-05-10 10:00", 0);
    fact->occurred_at_ms = INT64_MIN;
    fact->until_ms = INT64_MAX;
    fact = add_watch(f, "long", "2021-05-10 10:00", 0);
    fact->until_ms = fact->occurred_at_ms - 5;
    add_hours(f, "a", INT64_MAX, "2021-05-10 10:00");
    add_hours(f, "b", INT64_MAX, "2021-05-10 10:00");
    add_hours(f, "c", INT64_MIN, "2021-05-10 10:00");
    const struct standing *standing = run(f, "2021-06-30");
    assert_int_equal(standing->summary.school_hours, 0);
    assert_true(standing->points >= 0 && standing->points <= standing->total);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_bonus_never_above_the_section),
        cmocka_unit_test(test_9177_of_100),
        cmocka_unit_test(test_leave_gate),
        cmocka_unit_test(test_choice_of_k_over_dimensions),
        cmocka_unit_test(test_choice_within_the_unit_above),
        cmocka_unit_test(test_accept_on_submission),
        cmocka_unit_test(test_threshold_of_facts),
        cmocka_unit_test(test_two_tabs_count_once),
        cmocka_unit_test(test_course_length),
        cmocka_unit_test(test_day_limit_and_midnight),
        cmocka_unit_test(test_edges_of_stage_and_as_of),
        cmocka_unit_test(test_unknown_course),
        cmocka_unit_test(test_absurd_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
