// The unit directory and a stream's roster: paths, changes, homes elsewhere.
#include "server/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "server/units.h"

enum { CITY = 1, DISTRICT, SCHOOL, OLD_WORKSHOP, NEW_WORKSHOP, PERSON = 50, MOVED, HOMELESS };

static struct uuid id(uint8_t n) {
    struct uuid made = {{0}};
    made.bytes[15] = n;
    return made;
}

static void put(struct units *units, uint8_t unit, uint8_t parent, Lx__UnitLevel level,
                const char *code) {
    struct view texts[2] = {view_from_string(code), VIEW_LITERAL("名称")};
    int32_t district = level == LX__UNIT_LEVEL__CITY ? 0 : 3;
    assert_int_equal(units_put(units, id(unit), id(parent), level, district, texts), STATUS_OK);
}

static struct units *make_city(void) {
    struct units *units = units_new();
    put(units, NEW_WORKSHOP, SCHOOL, LX__UNIT_LEVEL__WORKSHOP, "3-02"); // any order
    put(units, CITY, 0, LX__UNIT_LEVEL__CITY, "340100");
    put(units, OLD_WORKSHOP, SCHOOL, LX__UNIT_LEVEL__WORKSHOP, "3-01");
    put(units, SCHOOL, DISTRICT, LX__UNIT_LEVEL__SCHOOL, "3");
    put(units, DISTRICT, CITY, LX__UNIT_LEVEL__DISTRICT, "340103");
    return units;
}

static void units_are_found_by_id_and_code(void **state) {
    (void)state;
    struct units *units = make_city();
    struct uuid path[UNITS_MAX_PATH];
    assert_int_equal(units_count(units), 5);
    assert_int_equal(units_path(units, id(OLD_WORKSHOP), path), 4);
    const uint8_t expected[] = {OLD_WORKSHOP, SCHOOL, DISTRICT, CITY};
    for (size_t i = 0; i < 4; i++)
        assert_true(uuid_equal(path[i], id(expected[i])));
    assert_int_equal(units_path(units, id(99), path), 0);
    assert_true(uuid_equal(units_find_code(units, VIEW_LITERAL("3-02"))->id, id(NEW_WORKSHOP)));
    assert_null(units_find_code(units, VIEW_LITERAL("3-0")));
    assert_null(units_find_code(units, VIEW_LITERAL("3-021")));

    put(units, OLD_WORKSHOP, SCHOOL, LX__UNIT_LEVEL__WORKSHOP, "9-99"); // its code changes
    assert_int_equal(units_count(units), 5);
    assert_null(units_find_code(units, VIEW_LITERAL("3-01")));
    assert_true(uuid_equal(units_find_code(units, VIEW_LITERAL("9-99"))->id, id(OLD_WORKSHOP)));
    units_free(&units);
}

// They are read one after the other, so for a moment two have the same code (found by the fuzzer).
static void units_may_swap_their_codes(void **state) {
    (void)state;
    const uint8_t orders[][2] = {{OLD_WORKSHOP, NEW_WORKSHOP}, {NEW_WORKSHOP, OLD_WORKSHOP}};
    for (size_t i = 0; i < 2; i++) {
        struct units *units = make_city();
        for (size_t step = 0; step < 2; step++) {
            bool old = orders[i][step] == OLD_WORKSHOP;
            put(units, orders[i][step], SCHOOL, LX__UNIT_LEVEL__WORKSHOP, old ? "3-02" : "3-01");
        }
        assert_int_equal(units_count(units), 5);
        assert_true(uuid_equal(units_find_code(units, VIEW_LITERAL("3-02"))->id, id(OLD_WORKSHOP)));
        assert_true(uuid_equal(units_find_code(units, VIEW_LITERAL("3-01"))->id, id(NEW_WORKSHOP)));
        units_free(&units);
    }
}

static void a_circle_of_parents_ends(void **state) {
    (void)state;
    struct units *units = units_new();
    struct uuid path[UNITS_MAX_PATH];
    put(units, 1, 2, LX__UNIT_LEVEL__SCHOOL, "a");
    put(units, 2, 1, LX__UNIT_LEVEL__SCHOOL, "b");
    assert_int_equal(units_path(units, id(1), path), UNITS_MAX_PATH);
    units_free(&units);
}

static void add_person(struct roster *roster, enum roster_row_kind what, uint8_t person,
                       uint8_t home) {
    const struct roster_row row = {
        .what = what, .subject = id(person), .home = id(home), .home_version = 40u + home};
    roster_add(roster, &row);
}

static struct roster *make_roster(void) {
    struct roster *roster = roster_new(id(OLD_WORKSHOP), 16);
    const struct roster_row header = {.what = ROSTER_ROW_HEADER, .version = 7};
    roster_add(roster, &header);
    const uint8_t path[] = {CITY, DISTRICT, SCHOOL, OLD_WORKSHOP};
    for (size_t i = 0; i < 4; i++) {
        const struct roster_row unit = {.what = ROSTER_ROW_UNIT,
                                        .subject = id(path[i]),
                                        .unit = i > 0 ? id(path[i - 1]) : id(0),
                                        .role = (int)i + 1};
        roster_add(roster, &unit);
    }
    add_person(roster, ROSTER_ROW_MEMBER, PERSON, OLD_WORKSHOP);
    add_person(roster, ROSTER_ROW_MEMBER, PERSON, OLD_WORKSHOP); // a second membership
    add_person(roster, ROSTER_ROW_LEFT, MOVED, NEW_WORKSHOP);
    add_person(roster, ROSTER_ROW_MEMBER, HOMELESS, 99); // of a unit nobody has told us of yet
    const struct roster_row office = {.what = ROSTER_ROW_OFFICE_GRANT,
                                      .subject = id(70),
                                      .unit = id(DISTRICT),
                                      .role = LX__ROLE__DISTRICT_ADMIN,
                                      .from_ms = 11,
                                      .until_ms = 12};
    roster_add(roster, &office);
    return roster;
}

static void a_roster_knows_where_everybody_lives(void **state) {
    (void)state;
    struct units *units = make_city();
    struct roster *roster = make_roster();
    assert_int_equal(roster_finish(roster, units), STATUS_OK);
    assert_int_equal(roster->district, 3);
    assert_int_equal(roster->n_subjects, 3); // the person once, the one who left, the workshop
    size_t moved = roster_find_subject(roster, id(MOVED));
    assert_true(uuid_equal(roster->subjects[moved].home, id(NEW_WORKSHOP)));
    assert_int_equal(roster->home_versions[moved], 40 + NEW_WORKSHOP);
    size_t own = roster_find_subject(roster, id(OLD_WORKSHOP));
    assert_int_equal(roster->subjects[own].kind, FACT_SUBJECT_WORKSHOP);
    assert_int_equal(roster->home_versions[own], 7);
    assert_int_equal(roster_find_subject(roster, id(HOMELESS)), roster->n_subjects);

    struct judge_context context = {0};
    roster_fill_context(roster, &context);
    assert_int_equal(context.n_units, 5); // its own way, and the other workshop
    assert_int_equal(context.n_offices, 1);
    assert_int_equal(context.offices[0].until_ms, 12);
    roster_free(&roster);
    units_free(&units);
}

static void no_rows_are_no_stream(void **state) {
    (void)state;
    struct units *units = make_city();
    struct roster *roster = roster_new(id(OLD_WORKSHOP), 0);
    assert_int_equal(roster_finish(roster, units), STATUS_NOT_FOUND);
    roster_free(&roster);
    units_free(&units);
}

static void a_stream_of_a_moment_ago_is_asked_for_again(void **state) {
    (void)state;
    struct units *units = units_new(); // nothing was read yet
    struct roster *roster = make_roster();
    assert_int_equal(roster_finish(roster, units), STATUS_AGAIN);
    roster_free(&roster);
    units_free(&units);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_found_by_id_and_code),
        cmocka_unit_test(units_may_swap_their_codes),
        cmocka_unit_test(a_circle_of_parents_ends),
        cmocka_unit_test(a_roster_knows_where_everybody_lives),
        cmocka_unit_test(no_rows_are_no_stream),
        cmocka_unit_test(a_stream_of_a_moment_ago_is_asked_for_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
