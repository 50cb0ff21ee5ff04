// The books of who may see what, over restores: a city of one district, one person, one grant.
#include "server/db/internal.h"
#include "tests/sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LATER_US (20 * SIM_SECOND) // longer than any grace

enum { CITY = 1, DISTRICT, GRANT };

struct device world_devices[WORLD_MAX_DEVICES];
unsigned world_device_count;

static int64_t now_us;

// ---- what the books ask ----

int64_t sim_now_us(void) {
    return now_us;
}

uint32_t sim_below(uint32_t limit) {
    (void)limit;
    return 0;
}

uint64_t sim_random(void) {
    return 1;
}

void count(enum count what) {
    (void)what;
}

void trace(const char *format, ...) {
    (void)format;
}

bool operator_begins(void) {
    return true;
}

void operator_ends(void) {
}

static struct uuid id(uint8_t n) {
    return (struct uuid){{[15] = n}};
}

static void put(PGresult *pg, int row, int column, const void *bytes, int size) {
    assert_int_equal(PQsetvalue(pg, row, column, (char *)bytes, size), 1);
}

static void put_unit(PGresult *pg, int row, uint8_t unit, uint8_t parent, const char *code) {
    struct uuid unit_id = id(unit), parent_id = id(parent);
    const uint8_t level[4] = {[3] = (uint8_t)(row + 1)};
    put(pg, row, 0, &unit_id, UUID_SIZE);
    put(pg, row, 1, &parent_id, UUID_SIZE);
    put(pg, row, 2, code, (int)strlen(code));
    put(pg, row, 3, level, sizeof level);
}

struct db_result *base_ask(const char *sql, struct db_params *params) {
    static const uint8_t done[4] = {[3] = 1};
    PGresAttDesc columns[4] = {{.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "d"}};
    PGresult *pg = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    struct uuid grant_id = id(GRANT), unit_id = id(DISTRICT);
    struct db_result *result = malloc(sizeof *result);
    (void)params;
    assert_non_null(result);
    assert_int_equal(PQsetResultAttrs(pg, 4, columns), 1);
    if (strstr(sql, "from lx.unit ") != NULL) {
        put_unit(pg, 0, CITY, 0, "C");
        put_unit(pg, 1, DISTRICT, CITY, "D1");
    } else if (strstr(sql, "from lx.role_grant ") != NULL) {
        put(pg, 0, 0, &grant_id, UUID_SIZE);
        put(pg, 0, 1, &unit_id, UUID_SIZE);
        put(pg, 0, 2, "acc", 3);
    } else {
        put(pg, 0, 0, done, sizeof done); // the verdict of an operator's change
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

static bool is_seen(void) {
    now_us += LATER_US;
    return scope_allows("acc", id(DISTRICT), now_us);
}

// Backup 1 has the grant, which is revoked then.
static int begin(void **state) {
    (void)state;
    now_us = LATER_US;
    scope_begin();
    scope_backup(1);
    assert_true(is_seen());
    scope_revoke(false);
    assert_false(is_seen());
    return 0;
}

static void a_revocation_is_gone_only_with_the_journal(void **state) {
    (void)state;
    scope_restore(1, false);
    assert_false(is_seen());
    scope_opened();
    assert_false(is_seen());
    scope_restore(1, true);
    assert_true(is_seen());
}

// Seed 35000131: what is in force again when it is restored without the journal is what the
// database had then.
static void a_backup_before_the_replay_has_the_grants_of_the_one_before(void **state) {
    (void)state;
    scope_restore(1, false);
    scope_backup(2);
    scope_opened();
    scope_backup(3);
    scope_restore(3, true);
    assert_false(is_seen());
    scope_restore(2, false);
    assert_false(is_seen());
    scope_backup(4);
    scope_restore(4, true);
    assert_true(is_seen());
}

static void a_backup_after_a_lost_journal_has_what_is_in_force(void **state) {
    (void)state;
    scope_restore(1, false);
    scope_restore(1, true); // before it was opened
    scope_revoke(true);
    scope_backup(2);
    scope_restore(2, true);
    assert_false(is_seen());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_revocation_is_gone_only_with_the_journal, begin),
        cmocka_unit_test_setup(a_backup_before_the_replay_has_the_grants_of_the_one_before, begin),
        cmocka_unit_test_setup(a_backup_after_a_lost_journal_has_what_is_in_force, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
