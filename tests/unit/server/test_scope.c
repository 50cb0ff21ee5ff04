// A person's scope: which streams, which capability over which unit, what row level security is
// told.
#include "server/scope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct uuid id(uint8_t n) {
    struct uuid made = {{0}};
    made.bytes[15] = n;
    return made;
}

enum { CITY = 1, DISTRICT_1, DISTRICT_2, SCHOOL_1, SCHOOL_2, WORKSHOP_1 };

static const struct scope_stream STREAMS[] = {
    {{{[15] = CITY}}, LX__UNIT_LEVEL__CITY, 0},
    {{{[15] = DISTRICT_2}}, LX__UNIT_LEVEL__DISTRICT, 2},
    {{{[15] = DISTRICT_1}}, LX__UNIT_LEVEL__DISTRICT, 1},
    {{{[15] = SCHOOL_2}}, LX__UNIT_LEVEL__SCHOOL, 2},
    {{{[15] = SCHOOL_1}}, LX__UNIT_LEVEL__SCHOOL, 1},
    {{{[15] = WORKSHOP_1}}, LX__UNIT_LEVEL__WORKSHOP, 1},
};

static struct scope_grant grant(Lx__Role role, uint8_t unit, Lx__UnitLevel level,
                                int32_t district) {
    return (struct scope_grant){.id = id(100),
                                .role = role,
                                .unit = id(unit),
                                .level = (int32_t)level,
                                .district = district};
}

static struct scope *make(const struct scope_grant *grants, size_t n,
                          const struct scope_stream *streams, size_t n_streams) {
    struct scope *scope = NULL;
    const struct scope_rows rows = {.person = id(9),
                                    .version = 5,
                                    .grants = grants,
                                    .n_grants = n,
                                    .streams = streams,
                                    .n_streams = n_streams};
    assert_int_equal(scope_new(&rows, &scope), STATUS_OK);
    return scope;
}

static void streams_are_found_in_any_order(void **state) {
    (void)state;
    const struct scope_grant city = grant(LX__ROLE__CITY_ADMIN, CITY, LX__UNIT_LEVEL__CITY, 0);
    struct scope *scope = make(&city, 1, STREAMS, 6);
    for (size_t i = 0; i < 6; i++)
        assert_ptr_equal(scope_find_stream(scope, STREAMS[i].id), &scope->streams[i]);
    assert_null(scope_find_stream(scope, id(77)));
    assert_null(scope_find_stream(scope, id(0)));
    struct scope *second = scope_hold(scope);
    scope_drop(&scope);
    assert_null(scope);
    assert_non_null(scope_find_stream(second, id(CITY)));
    scope_drop(&second);
    scope_drop(&second); // nothing is there: harmless
}

static void assert_settings(const struct scope *scope, const char *districts, const char *streams) {
    struct buf got_districts = {0}, got_streams = {0};
    assert_int_equal(scope_settings(scope, &got_districts, &got_streams), STATUS_OK);
    assert_string_equal((const char *)buf_view(&got_districts).data, districts);
    assert_string_equal((const char *)buf_view(&got_streams).data, streams);
    buf_free(&got_districts);
    buf_free(&got_streams);
}

static void whole_districts_are_named_and_single_streams_listed(void **state) {
    (void)state;
    const struct scope_grant city = grant(LX__ROLE__INSPECTOR, CITY, LX__UNIT_LEVEL__CITY, 0);
    struct scope *scope = make(&city, 1, STREAMS, 6);
    assert_settings(scope, "{0,2,1}", "{}");
    scope_drop(&scope);

    const struct scope_grant mixed[] = {
        grant(LX__ROLE__DISTRICT_ADMIN, DISTRICT_2, LX__UNIT_LEVEL__DISTRICT, 2),
        grant(LX__ROLE__HEAD, WORKSHOP_1, LX__UNIT_LEVEL__WORKSHOP, 1),
    };
    const struct scope_stream streams[] = {STREAMS[0], STREAMS[1], STREAMS[3], STREAMS[5]};
    scope = make(mixed, 2, streams, 4);
    assert_settings(scope, "{2}",
                    "{00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000006}");
    scope_drop(&scope);
}

static void nobody_without_a_grant_sees_more_than_the_city(void **state) {
    (void)state;
    struct scope *scope = make(NULL, 0, STREAMS, 1);
    const struct uuid path[] = {id(CITY)};
    assert_int_equal(scope->capabilities, 0);
    assert_settings(scope, "{}", "{00000000-0000-0000-0000-000000000001}");
    assert_non_null(scope_find_stream(scope, id(CITY)));
    assert_false(scope_can_over(scope, path, 1, CAPABILITY_READ));
    scope_drop(&scope);
}

static void a_grant_reaches_down_and_not_sideways(void **state) {
    (void)state;
    const struct scope_grant school =
        grant(LX__ROLE__SCHOOL_ADMIN, SCHOOL_1, LX__UNIT_LEVEL__SCHOOL, 1);
    struct scope *scope = make(&school, 1, STREAMS, 1);
    const struct uuid below[] = {id(WORKSHOP_1), id(SCHOOL_1), id(DISTRICT_1), id(CITY)};
    const struct uuid beside[] = {id(SCHOOL_2), id(DISTRICT_2), id(CITY)};
    const struct uuid above[] = {id(DISTRICT_1), id(CITY)};
    assert_true(scope_can_over(scope, below, 4, CAPABILITY_ROSTER));
    assert_false(scope_can_over(scope, below, 4, CAPABILITY_TRANSFER)); // no school has it
    assert_false(scope_can_over(scope, beside, 3, CAPABILITY_ROSTER));
    assert_false(scope_can_over(scope, above, 2, CAPABILITY_READ));
    assert_false(scope_can_over(scope, below, 0, CAPABILITY_READ)); // an unknown unit has no path
    assert_true(scope_may_give(scope, below, 4, LX__ROLE__HEAD));
    assert_true(scope_may_give(scope, below, 4, LX__ROLE__SCHOOL_ADMIN));
    assert_false(scope_may_give(scope, below, 4, LX__ROLE__DISTRICT_ADMIN));
    assert_false(scope_may_give(scope, beside, 3, LX__ROLE__HEAD));
    scope_drop(&scope);
}

static void a_grant_that_ended_gives_nothing_but_good_faith(void **state) {
    (void)state;
    const struct scope_grant ended = grant(LX__ROLE__HEAD, WORKSHOP_1, LX__UNIT_LEVEL__WORKSHOP, 1);
    const struct scope_rows rows = {
        .person = id(9), .ended = &ended, .n_ended = 1, .streams = STREAMS, .n_streams = 1};
    struct scope *scope = NULL;
    assert_int_equal(scope_new(&rows, &scope), STATUS_OK);
    const struct uuid path[] = {id(WORKSHOP_1), id(SCHOOL_1)};
    const struct uuid beside[] = {id(SCHOOL_2)};
    assert_int_equal(scope->capabilities, 0);
    assert_false(scope_can_over(scope, path, 2, CAPABILITY_READ));
    assert_true(scope_had_over(scope, path, 2));
    assert_false(scope_had_over(scope, beside, 1));
    scope_drop(&scope);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_found_in_any_order),
        cmocka_unit_test(whole_districts_are_named_and_single_streams_listed),
        cmocka_unit_test(nobody_without_a_grant_sees_more_than_the_city),
        cmocka_unit_test(a_grant_reaches_down_and_not_sideways),
        cmocka_unit_test(a_grant_that_ended_gives_nothing_but_good_faith),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
