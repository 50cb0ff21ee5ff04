// The books of who has been where: one workshop, one teacher, and a database that forgets him.
#include "server/db/internal.h"
#include "tests/sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define LATER_US (2 * WORLD_GRACE_US)

static const struct uuid WORKSHOP = {{1}}, OTHER = {{2}}, TEACHER = {{3}};

static int64_t now_us;
static bool is_known; // by the database: he is in the workshop, or has a tombstone there
static unsigned found;

// ---- what the books ask ----

int64_t sim_now_us(void) {
    return now_us;
}

void finding(const char *format, ...) {
    (void)format;
    found++;
}

struct db_result *base_ask(const char *sql, struct db_params *params) {
    PGresAttDesc columns[] = {{.name = "stream"}, {.name = "id"}};
    PGresult *pg = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    struct db_result *result = malloc(sizeof *result);
    (void)sql;
    (void)params;
    assert_non_null(result);
    assert_int_equal(PQsetResultAttrs(pg, 2, columns), 1);
    if (is_known) {
        assert_int_equal(PQsetvalue(pg, 0, 0, (char *)WORKSHOP.bytes, UUID_SIZE), 1);
        assert_int_equal(PQsetvalue(pg, 0, 1, (char *)TEACHER.bytes, UUID_SIZE), 1);
    }
    *result = (struct db_result){pg};
    return result;
}

void base_free(struct db_result **result) {
    PQclear((*result)->pg);
    free(*result);
    *result = NULL;
}

// ---- the tests ----

static int begin(void **state) {
    (void)state;
    now_us = 0;
    is_known = true;
    found = 0;
    places_begin();
    return 0;
}

static int end(void **state) {
    (void)state;
    places_end();
    return 0;
}

static void who_was_never_there_is_a_leak(void **state) {
    (void)state;
    places_delivered(WORKSHOP, TEACHER, now_us);
    places_delivered(OTHER, OTHER, now_us); // a unit's own
    places_check();
    assert_int_equal(found, 0);
    places_delivered(OTHER, TEACHER, now_us);
    places_delivered(OTHER, TEACHER, now_us);
    places_check();
    assert_int_equal(found, 1);
    places_check();
    assert_int_equal(found, 1);
}

// Seed 53000278: a page on a slow connection, 400 days, and then it arrives.
static void what_was_sent_before_the_database_forgot_may_arrive_later(void **state) {
    (void)state;
    int64_t sent_us = now_us;
    places_keep();
    is_known = false;
    now_us += LATER_US;
    places_delivered(WORKSHOP, TEACHER, sent_us);
    places_check();
    assert_int_equal(found, 0);
    places_delivered(OTHER, TEACHER, sent_us);
    places_check();
    assert_int_equal(found, 1);
}

static void what_is_sent_after_it_is_not_excused(void **state) {
    (void)state;
    places_keep();
    is_known = false;
    now_us += LATER_US;
    places_delivered(WORKSHOP, TEACHER, now_us);
    places_check();
    assert_int_equal(found, 1);
}

static void what_was_delivered_is_looked_at_before_the_database_forgets(void **state) {
    (void)state;
    is_known = false;
    places_delivered(WORKSHOP, TEACHER, now_us);
    places_keep();
    is_known = true;
    places_check();
    assert_int_equal(found, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_was_never_there_is_a_leak, begin, end),
        cmocka_unit_test_setup_teardown(what_was_sent_before_the_database_forgot_may_arrive_later,
                                        begin, end),
        cmocka_unit_test_setup_teardown(what_is_sent_after_it_is_not_excused, begin, end),
        cmocka_unit_test_setup_teardown(what_was_delivered_is_looked_at_before_the_database_forgets,
                                        begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
