// Schemes that must be refused, with file, line and field; the canonical bytes; the linter's
// findings for hefei.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/assess/lint.h"
#include "tests/unit/common/assess/fixture.h"

// A small scheme that compiles; each case below replaces one piece of it.
static const char base[] =
    "code: small\n"                                                       // 1
    "number: 9\n"                                                         // 2
    "version: 1\n"                                                        // 3
    "label: {zh: \"小\", en: \"small\"}\n"                                // 4
    "accept: review\n"                                                    // 5
    "assumptions:\n"                                                      // 6
    "  - {code: T, reason: \"test\"}\n"                                   // 7
    "stages:\n"                                                           // 8
    "  - code: s1\n"                                                      // 9
    "    label: {zh: \"一\", en: \"one\"}\n"                              // 10
    "    first_day: 2021-05-01\n"                                         // 11
    "    last_day: 2021-06-30\n"                                          // 12
    "    assumed: [T]\n"                                                  // 13
    "rubrics:\n"                                                          // 14
    "  - {subject: teacher, total: 10, pass_percent: 60, assumed: [T]}\n" // 15
    "rules:\n"                                                            // 16
    "  - code: a\n"                                                       // 17
    "    label: {zh: \"甲\", en: \"a\"}\n"                                // 18
    "    subjects: [teacher]\n"                                           // 19
    "    measure: once\n"                                                 // 20
    "    stages: [s1]\n"                                                  // 21
    "    points: 10\n"                                                    // 22
    "    amount: {kind: facts, kinds: [self_test]}\n"                     // 23
    "    sentence: \"得10分\"\n"                                          // 24
    "  - code: b\n"                                                       // 25
    "    label: {zh: \"乙\", en: \"b\"}\n"                                // 26
    "    subjects: [workshop]\n"                                          // 27
    "    measure: duty\n"                                                 // 28
    "    stages: [s1]\n"                                                  // 29
    "    deliverable: true\n"                                             // 30
    "    opens_after: [c]\n"                                              // 31
    "    assumed: [T]\n"                                                  // 32
    "  - code: c\n"                                                       // 33
    "    label: {zh: \"丙\", en: \"c\"}\n"                                // 34
    "    subjects: [workshop]\n"                                          // 35
    "    measure: duty\n"                                                 // 36
    "    stages: [s1]\n"                                                  // 37
    "    assumed: [T]\n";                                                 // 38

// One replaced piece and what the message must contain.
struct refusal {
    const char *old;
    const char *new;
    const char *message;
};

static const struct refusal refusals[] = {
    {"number: 9\n", "number: nine\n", "test.yaml:2"},
    {"accept: review\n", "accept: never\n", "test.yaml:5"},
    {"accept: review\n", "speed: fast\n", "unknown key \"speed\""},
    {"last_day: 2021-06-30", "last_day: 2021-06-31", "test.yaml:12"},
    {"last_day: 2021-06-30", "last_day: 2021-04-30",
     "test.yaml:9: stages[s1].last_day: the last day is before the first"},
    {"measure: once", "measure: twice", "\"twice\" is not a known measure"},
    {"measure: once", "measure: each", "test.yaml:17: rules[a].cap: the measure \"each\" needs it"},
    {"measure: once", "measure: graded",
     "rules[a].points: the measure \"graded\" does not have it"},
    {"measure: once", "measure: proportional", "rules[a].full_at"},
    {"kinds: [self_test]", "kinds: [selftest]", "test.yaml:23"},
    {"{kind: facts, kinds: [self_test]}", "{kind: passed}",
     "rules[a].amount: the amount \"passed\" does not exist for this kind of subject"},
    {"{kind: facts, kinds: [self_test]}", "{kind: facts}", "needs kinds of fact"},
    {"{kind: facts, kinds: [self_test]}", "{kind: online_hours}",
     "the scheme does not say how hours come about"},
    {"{kind: facts, kinds: [self_test]}", "{kind: deliverables}",
     "rules[a].amount: nothing is handed in"},
    {"    stages: [s1]\n    points", "    stages: [s9]\n    points",
     "rules[a].stages: there is no stage \"s9\""},
    {"points: 10\n", "points: 9\n", "test.yaml:15: rubrics.total: the rules add up to 9.00"},
    {"points: 10\n", "points: -1\n", "rules[a].points"},
    {"points: 10\n", "points: 10.001\n", "test.yaml:22"},
    {"points: 10\n", "points: 10\n    section: x\n", "there is no section \"x\""},
    {"    sentence: \"得10分\"\n", "", "rules[a].sentence: the sentence of the source is needed"},
    {"opens_after: [c]", "opens_after: [d]", "rules[b].opens_after: there is no rule \"d\""},
    {"opens_after: [c]", "opens_after: [a]",
     "test.yaml:25: rules[b].opens_after: \"a\" is a rule for another kind of subject"},
    {"opens_after: [c]", "opens_after: [b]",
     "rules[b].opens_after: a circle: the rule waits, directly or through others, for itself"},
    {"    stages: [s1]\n    assumed: [T]\n",
     "    stages: [s1]\n    opens_after: [b]\n    assumed: [T]\n", "a circle"},
    {"    stages: [s1]\n    assumed: [T]\n",
     "    stages: [s1]\n    counts_from: b\n    assumed: [T]\n", "rules[c].counts_from: a circle"},
    {"    stages: [s1]\n    assumed: [T]\n", "    stages: [s1]\n    assumed: [Q]\n",
     "test.yaml:33: rules[c].assumed: there is no assumption \"Q\""},
    {"code: c\n", "code: b\n", "the code \"b\" is used twice"},
    {"code: c\n", "code: \"b c\"\n", "rules[2].code"},
    {"label: {zh: \"丙\", en: \"c\"}", "label: {zh: \"丙\"}", "en: is missing"},
    {"subjects: [teacher]", "subjects: [pupil]", "\"pupil\" is not a known kind of subject"},
    {"    deliverable: true\n", "    deliverable: true\n    constraint: {template: x}\n",
     "rules[b].constraint: there is no template \"x\""},
    {"    deliverable: true\n", "    deliverable: true\n    review: [boss]\n",
     "\"boss\" is not a known role"},
    {"pass_percent: 60", "pass_percent: 101", "rubrics.total"},
    {"code: small\n", "code: small\ncode: again\n", "test.yaml:2"},
};

static char *replaced(struct arena *arena, const char *old, const char *new) {
    const char *at = strstr(base, old);
    if (at == NULL)
        fail_msg("the base has no \"%s\"", old);
    return arena_format(arena, "%.*s%s%s", (int)(at - base), base, new, at + strlen(old));
}

static void test_base_compiles(void **state) {
    (void)state;
    struct fixture *f = fixture_open_text(base, SUBJECT_KIND_TEACHER);
    assert_int_equal(f->scheme->n_rules, 3);
    fixture_close(&f);
}

static void test_refusals(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct arena *arena = arena_new(0);
        const struct scheme *scheme;
        const char *error = NULL;
        char *text = replaced(arena, refusals[i].old, refusals[i].new);
        enum status status =
            scheme_yaml_compile(view_from_string(text), "test.yaml", arena, &scheme, &error);
        if (status != STATUS_INVALID || error == NULL)
            fail_msg("case %zu is not refused, expected \"%s\"", i, refusals[i].message);
        if (strstr(error, refusals[i].message) == NULL ||
            strncmp(error, "test.yaml", strlen("test.yaml")) != 0)
            fail_msg("case %zu: \"%s\" instead of \"%s\"", i, error, refusals[i].message);
        arena_free(&arena);
    }
}

static void test_canonical_bytes(void **state) {
    (void)state;
    struct fixture *f = fixture_open(HEFEI, SUBJECT_KIND_TEACHER);
    struct view bytes;
    struct view again;
    const struct scheme *loaded;
    struct scheme_error error;
    assert_int_equal(scheme_pack(f->scheme->source, f->arena, &bytes), STATUS_OK);
    assert_int_equal(scheme_load(bytes, f->arena, &loaded, &error), STATUS_OK);
    assert_int_equal(scheme_pack(loaded->source, f->arena, &again), STATUS_OK);
    assert_true(view_equal(bytes, again));
    assert_int_equal(loaded->n_rules, f->scheme->n_rules);
    // Any cut of the bytes is refused or another, still valid, scheme; never a crash.
    for (size_t size = 0; size < bytes.size; size += 97)
        (void)!scheme_load(view_from(bytes.data, size), f->arena, &loaded, &error);
    assert_int_equal(scheme_load(VIEW_LITERAL("\x0a\xff"), f->arena, &loaded, &error),
                     STATUS_INVALID);
    fixture_close(&f);
}

static void test_hefei_is_complete(void **state) {
    (void)state;
    struct fixture *f = fixture_open(HEFEI, SUBJECT_KIND_TEACHER);
    const struct scheme *scheme = f->scheme;
    assert_int_equal(scheme->source->n_courses, 52);
    assert_int_equal(scheme->n_courses, 50);
    assert_int_equal(scheme->source->n_points, 30);
    assert_int_equal(scheme->source->n_sessions, 10);
    assert_int_equal(scheme->source->n_collections, 6);
    assert_int_equal(scheme->n_rules, 29);
    assert_int_equal(scheme->rubrics[SUBJECT_KIND_TEACHER]->total, 7000);
    assert_int_equal(scheme->rubrics[SUBJECT_KIND_WORKSHOP]->total, 10000);
    assert_int_equal(scheme->rubrics[SUBJECT_KIND_SCHOOL]->total, 10000);
    const struct rule *rule = scheme_rule(scheme, "h.case");
    assert_true(rule_is_deliverable(rule) && rule_is_graded(rule));
    assert_int_equal(rule->cap, 6000);
    assert_int_equal(rule_reviewer_rank(rule, LX__ROLE__EXPERT), 0);
    assert_int_equal(rule_reviewer_rank(rule, LX__ROLE__CITY_ADMIN), 2);
    assert_int_equal(rule_reviewer_rank(rule, LX__ROLE__HEAD), -1);
    assert_int_equal(rule->source->constraint->size_max_bytes, 1 << 30);
    assert_true(rule_takes_time(rule, fixture_time("2021-11-30 23:59")));
    assert_false(rule_takes_time(rule, fixture_time("2021-12-01 00:00")));
    assert_true(rule_takes_time(scheme_rule(scheme, "a.survey"), fixture_time("2021-12-01 00:00")));
    assert_false(
        rule_takes_time(scheme_rule(scheme, "a.survey"), fixture_time("2021-04-30 00:00")));
    assert_null(scheme_rule(scheme, "h.cases"));
    assert_null(scheme_course(scheme, "p99"));
    assert_string_equal(scheme_point(scheme, "C7")->dimension, "evaluation");
    fixture_close(&f);
}

static void test_uses_of_facts(void **state) {
    (void)state;
    struct fixture *f = fixture_open(HEFEI, SUBJECT_KIND_TEACHER);
    struct window window;
    assert_true(scheme_fact_window(f->scheme, LX__FACT_KIND__COURSE_INTERVAL, SUBJECT_KIND_TEACHER,
                                   &window));
    assert_int_equal(window.from_ms, fixture_time("2021-06-01 00:00"));
    assert_int_equal(window.until_ms, fixture_time("2021-12-01 00:00"));
    assert_true(
        scheme_fact_window(f->scheme, LX__FACT_KIND__CERTIFICATION, SUBJECT_KIND_TEACHER, &window));
    assert_int_equal(window.from_ms, fixture_time("2021-11-01 00:00"));
    assert_true(scheme_uses_fact(f->scheme, LX__FACT_KIND__DISCUSSION, SUBJECT_KIND_SCHOOL));
    assert_true(scheme_uses_fact(f->scheme, LX__FACT_KIND__COURSE_RANGE, SUBJECT_KIND_SCHOOL));
    assert_true(scheme_uses_fact(f->scheme, LX__FACT_KIND__CASE_SELECTED, SUBJECT_KIND_SCHOOL));
    assert_false(scheme_uses_fact(f->scheme, LX__FACT_KIND__DISCUSSION, SUBJECT_KIND_WORKSHOP));
    fixture_close(&f);
}

static void test_lint_of_hefei(void **state) {
    static const struct {
        const char *code;
        size_t n;
    } expected[] = {
        {"pass-mark-assumed", 3},   {"hours-beside-minutes", 1},   {"school-hours-twice", 1},
        {"bands-share-edges", 1},   {"stages-overlap", 2},         {"two-platforms", 1},
        {"duty-without-points", 1}, {"session-clash", 2},          {"share-may-be-out-of-reach", 1},
        {"misprinted-name", 2},     {"dimension-names-differ", 1}, {"size-without-unit", 1},
        {"topic-listed-twice", 2},  {"waits-for-head", 1},         {"course-without-length", 1},
    };
    (void)state;
    struct fixture *f = fixture_open(HEFEI, SUBJECT_KIND_TEACHER);
    const struct finding *findings;
    size_t n;
    size_t sum = 0;
    assert_int_equal(scheme_lint(f->scheme, f->arena, &findings, &n), STATUS_OK);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        size_t found = 0;
        for (size_t k = 0; k < n; k++)
            found += strcmp(findings[k].code, expected[i].code) == 0 ? 1 : 0;
        if (found != expected[i].n)
            fail_msg("%s: %zu findings instead of %zu", expected[i].code, found, expected[i].n);
        sum += found;
    }
    assert_int_equal(sum, n);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_compiles),   cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_canonical_bytes), cmocka_unit_test(test_hefei_is_complete),
        cmocka_unit_test(test_uses_of_facts),   cmocka_unit_test(test_lint_of_hefei),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
