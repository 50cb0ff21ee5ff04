// Figures: what is packed comes back, sums add, subtract, join and vanish.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/assessor/figures.h"

static const struct uuid DISTRICT = {{1, 2, 3}};
static const struct uuid SCHOOL = {{2, 2, 3}};
static const struct uuid WORKSHOP = {{3, 2, 3}};

// Figures of a subject with `points` in the given workshop (or none).
static const Lx__Figures *make(struct arena *arena, bool in_workshop, int64_t points) {
    static struct scheme scheme;
    static const Lx__Scheme source = LX__SCHEME__INIT;
    scheme.source = &source;
    struct contribution rows[2] = {
        {.role = LX__ROLE__TEACHER, .kind = CONTRIBUTION_SUBJECT, .item = ""},
        {.role = LX__ROLE__TEACHER, .kind = CONTRIBUTION_STAGE, .item = "s1"},
    };
    rows[0].value[VALUE_SUBJECTS] = 1;
    rows[0].value[VALUE_POINTS] = points;
    rows[1].value[VALUE_STARTED] = 1;
    struct standing standing = {.kind = SUBJECT_KIND_TEACHER,
                                .contributions = rows,
                                .n_contributions = 2,
                                .summary = {.kind = SUBJECT_KIND_TEACHER, .subject = WORKSHOP}};
    struct figures_home home = {.district = DISTRICT, .school = SCHOOL};
    if (in_workshop)
        home.workshop = WORKSHOP;
    struct view bytes;
    const Lx__Figures *figures = NULL;
    assert_int_equal(figures_pack(&scheme, &standing, &home, arena, &bytes), STATUS_OK);
    assert_int_equal(figures_unpack(bytes, arena, &figures), STATUS_OK);
    return figures;
}

static void test_there_and_back(void **state) {
    (void)state;
    struct arena *arena = arena_new(0);
    const Lx__Figures *figures = make(arena, true, 250);
    struct figures_home home = figures_units(figures);
    assert_true(uuid_equal(home.district, DISTRICT) && uuid_equal(home.school, SCHOOL));
    assert_true(uuid_equal(home.workshop, WORKSHOP));
    assert_true(uuid_is_nil(figures_units(make(arena, false, 1)).workshop));
    assert_true(uuid_is_nil(figures_units(NULL).district));
    assert_string_equal(figures->rows[1]->item, "stage:s1");
    assert_true(figures->has_summary && figures->summary.len > 0);
    arena_free(&arena);
}

static void test_broken_bytes(void **state) {
    (void)state;
    struct arena *arena = arena_new(0);
    const Lx__Figures *figures;
    assert_int_equal(figures_unpack((struct view){NULL, 0}, arena, &figures), STATUS_OK);
    assert_null(figures);
    assert_int_equal(figures_unpack(VIEW_LITERAL("\xff\xff"), arena, &figures), STATUS_CORRUPT);
    assert_int_equal(figures_unpack(VIEW_LITERAL("\x0a\x01x"), arena, &figures), STATUS_CORRUPT);
    arena_free(&arena);
}

static const struct figures_sum *find(const struct figures_sums *sums, struct uuid unit,
                                      const char *item) {
    struct figures_key key = {.unit = unit, .role = LX__ROLE__TEACHER, .item = item};
    for (size_t i = 0; i < sums->n; i++) {
        if (figures_key_compare(&sums->rows[i].key, &key) == 0)
            return &sums->rows[i];
    }
    return NULL;
}

// Columns of rollup_apply that are looked at.
enum { COLUMN_SUBJECTS = 0, COLUMN_POINTS = 5, COLUMN_STARTED = 6, COLUMN_OBLIGED = 13 };

static void test_sums(void **state) {
    (void)state;
    struct arena *arena = arena_new(0);
    struct figures_sums sums = {.arena = arena};
    figures_fold(&sums);
    assert_int_equal(sums.n, 0);
    for (int i = 0; i < 300; i++)
        assert_int_equal(figures_add(&sums, make(arena, i % 2 == 0, 100), 1), STATUS_OK);
    figures_fold(&sums);
    assert_int_equal(sums.n, 6);
    assert_true(find(&sums, DISTRICT, "")->columns[COLUMN_SUBJECTS] == 300);
    assert_true(find(&sums, DISTRICT, "")->columns[COLUMN_OBLIGED] == 300);
    assert_true(find(&sums, WORKSHOP, "")->columns[COLUMN_POINTS] == 15000);
    assert_true(find(&sums, SCHOOL, "stage:s1")->columns[COLUMN_STARTED] == 300);
    // A subject leaves the workshop and gains points: the differences join what is there.
    assert_int_equal(figures_add(&sums, make(arena, true, 100), -1), STATUS_OK);
    assert_int_equal(figures_add(&sums, make(arena, false, 150), 1), STATUS_OK);
    figures_fold(&sums);
    assert_true(find(&sums, WORKSHOP, "")->columns[COLUMN_POINTS] == 14900);
    assert_true(find(&sums, DISTRICT, "")->columns[COLUMN_POINTS] == 30050);
    for (int i = 0; i < 149; i++)
        assert_int_equal(figures_add(&sums, make(arena, true, 100), -1), STATUS_OK);
    figures_fold(&sums);
    assert_null(find(&sums, WORKSHOP, ""));
    assert_int_equal(sums.n, 4);
    arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_broken_bytes),
        cmocka_unit_test(test_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
