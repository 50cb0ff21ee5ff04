// The same facts in another order, repeated, or with intervals and recorded hours cut into pieces
// give the same receipt bytes. Seeded: LX_SEED=n repeats a run; every failure prints its seed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/common/assess/fixture.h"

#define ROUNDS 150

static uint64_t random_state;

static uint64_t next_random(void) { // splitmix64
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int64_t below(int64_t n) {
    return (int64_t)(next_random() % (uint64_t)n);
}

static const char *const courses[] = {"p01", "p02", "g05", "g06", "A1", "B2", "nothing"};
static const char *const points[] = {"A1", "A2", "A3", "Z9"};

// A random history; a scheme with course lengths and a day's limit makes every cap work.
static void add_history(struct fixture *f) {
    char when[64];
    for (int i = 0; i < 40; i++) {
        snprintf(when, sizeof(when), "2021-%02d-%02d %02d:%02d:%02d", (int)below(3) + 5,
                 (int)below(6) + 1, (int)below(24), (int)below(60), (int)below(60));
        struct fact *fact = add_watch(f, courses[below(7)], when, 1 + below(9 * 3600));
        fact->occurred_at_ms += below(1000);
        fact->until_ms += below(1000);
    }
    for (int i = 0; i < 12; i++) {
        snprintf(when, sizeof(when), "2021-%02d-%02d %02d:00", (int)below(8) + 5,
                 (int)below(28) + 1, (int)below(24));
        char *item = arena_format(f->arena, "activity-%d", (int)below(6));
        add_hours(f, item, 1 + below(800), when);
        add_fact(f, LX__FACT_KIND__CREDIT_HOURS, "school", when)->quantity = 2 + below(300);
        add_fact(f, LX__FACT_KIND__CERTIFICATION, points[below(4)], when)->quantity = below(1500);
        add_fact(f, LX__FACT_KIND__DISCUSSION, item, when);
        add_grade(f, "t.school_based", NULL, below(2500), when);
        struct fact *submitted = add_fact(f, LX__FACT_KIND__SUBMITTED, "t.plan", when);
        if (below(2) == 0)
            add_about(f, LX__FACT_KIND__ACCEPTED, submitted, when);
        if (below(4) == 0)
            add_about(f, LX__FACT_KIND__VOID, &f->facts[below((int64_t)f->n_facts)], when);
        add_fact(f, LX__FACT_KIND__SELF_TEST, "t.self_test", when);
    }
}

// Is some fact about this one? Then it keeps its id: a cut one is voided or accepted as a whole.
static bool is_named(const struct fixture *f, struct uuid id) {
    for (size_t i = 0; i < f->n_facts; i++) {
        if (uuid_equal(f->facts[i].of, id))
            return true;
    }
    return false;
}

static void split_some(struct fixture *f) {
    size_t n = f->n_facts;
    for (size_t i = 0; i < n; i++) {
        struct fact *fact = &f->facts[i];
        if (below(2) == 0 || is_named(f, fact->id))
            continue;
        struct fact piece = *fact;
        piece.id = fixture_id(f->next_id++);
        if (fact->kind == LX__FACT_KIND__COURSE_INTERVAL) {
            piece.occurred_at_ms += below(fact->until_ms - fact->occurred_at_ms);
            fact->until_ms = piece.occurred_at_ms + below(1000); // they may overlap
            if (fact->until_ms > piece.until_ms)
                fact->until_ms = piece.until_ms;
        } else if (fact->kind == LX__FACT_KIND__CREDIT_HOURS) {
            piece.quantity = 1 + below(fact->quantity - 1);
            fact->quantity -= piece.quantity;
        } else {
            continue;
        }
        f->facts[f->n_facts++] = piece;
    }
}

static void repeat_some(struct fixture *f) {
    size_t n = f->n_facts;
    for (size_t i = 0; i < n; i++) {
        if (below(3) == 0)
            f->facts[f->n_facts++] = f->facts[i];
        // The same minutes from another device, under another id.
        if (f->facts[i].kind == LX__FACT_KIND__COURSE_INTERVAL && below(3) == 0 &&
            !is_named(f, f->facts[i].id)) {
            f->facts[f->n_facts] = f->facts[i];
            f->facts[f->n_facts++].id = fixture_id(f->next_id++);
        }
    }
}

static void shuffle(struct fixture *f) {
    for (size_t i = f->n_facts; i > 1; i--) {
        size_t k = (size_t)below((int64_t)i);
        struct fact fact = f->facts[i - 1];
        f->facts[i - 1] = f->facts[k];
        f->facts[k] = fact;
    }
}

// hefei with course lengths and a limit of four hours a day.
static struct fixture *open_limited(void) {
    struct arena *arena = arena_new(0);
    const char *error;
    Lx__Scheme *scheme;
    struct scheme_error compile_error;
    assert_non_null(arena);
    struct fixture *f = fixture_open(HEFEI, SUBJECT_KIND_TEACHER);
    assert_int_equal(
        scheme_yaml_read(fixture_read(HEFEI, f->arena), HEFEI, f->arena, &scheme, &error),
        STATUS_OK);
    for (size_t i = 0; i < scheme->n_courses; i++) {
        scheme->courses[i]->has_length_s = 1;
        scheme->courses[i]->length_s = 7000;
    }
    scheme->hours->has_daily_limit_s = 1;
    scheme->hours->daily_limit_s = 4 * 3600;
    assert_int_equal(scheme_compile(scheme, f->arena, &f->scheme, &compile_error), STATUS_OK);
    arena_free(&arena);
    add_choice(f, "A1", "2021-06-15 00:00");
    f->homes[0].until_ms = fixture_time("2021-07-03 12:34:56") + 789;
    f->homes[1] =
        (struct home){f->homes[0].until_ms, INT64_MAX, fixture_id(2001), fixture_id(1001)};
    f->n_homes = 2;
    return f;
}

static void check_round(uint64_t seed) {
    random_state = seed;
    struct fixture *f = open_limited();
    add_history(f);
    struct view before = run(f, "2021-12-05")->receipt;
    split_some(f);
    repeat_some(f);
    shuffle(f);
    struct view after = run(f, "2021-12-05")->receipt;
    bool same = view_equal(before, after);
    if (!same)
        fail_msg("the receipts differ, LX_SEED=%llu", (unsigned long long)seed);
    fixture_close(&f);
}

static void test_order_repeats_and_splits(void **state) {
    (void)state;
    const char *given = getenv("LX_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 20211121;
    for (uint64_t i = 0; i < (given != NULL ? 1 : ROUNDS); i++)
        check_round(seed + i);
}

// Every kind of cut happens in these histories, else the test above would prove little.
static void test_histories_reach_every_cut(void **state) {
    (void)state;
    bool seen[LX__CUT_REASON__CUT_OTHER + 1] = {false};
    for (uint64_t seed = 0; seed < 20; seed++) {
        random_state = seed;
        struct fixture *f = open_limited();
        add_history(f);
        run(f, "2021-12-05");
        const Lx__ReceiptLine *line = receipt_line(f, "t.courses");
        for (size_t i = 0; i < line->n_cuts; i++)
            seen[line->cuts[i]->reason] = true;
        fixture_close(&f);
    }
    for (size_t i = 1; i < sizeof(seen) / sizeof(seen[0]); i++)
        assert_true(seen[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_repeats_and_splits),
        cmocka_unit_test(test_histories_reach_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
