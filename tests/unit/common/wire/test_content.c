// Content hashes: golden values that another implementation (Python's hashlib) made; tests/sql
// holds the database's functions to the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/content.h"

#define NEW_YEAR_US 1640995200000000
#define MINUTE_US 60000000

static struct uuid id_of(uint8_t number) {
    struct uuid id = {{0x01, 0x99, 0xc0, 0xde, 0, 0, 0x70, 0, 0x80}};
    id.bytes[15] = number;
    return id;
}

static void check(const uint8_t content[CONTENT_SIZE], const char *expected) {
    char text[2 * CONTENT_SIZE + 1];
    for (int i = 0; i < CONTENT_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", content[i]);
    assert_string_equal(text, expected);
}

static void test_facts(void **state) {
    (void)state;
    uint8_t content[CONTENT_SIZE], key[32], submission[32];
    struct content_fact fact = {
        .id = id_of(1),
        .subject = id_of(2),
        .programme = 1,
        .kind = 4,
        .has_occurred_at = true,
        .occurred_at_us = NEW_YEAR_US,
        .has_quantity = false,
        .item = VIEW_LITERAL("online"),
    };
    content_of_fact(&fact, content);
    check(content, "39bb9b4e2d3dd038127ce52242549884");
    memset(submission, 7, sizeof submission);
    for (uint8_t i = 0; i < sizeof key; i++)
        key[i] = i;
    fact = (struct content_fact){
        .id = id_of(3),
        .subject = id_of(2),
        .programme = 1,
        .kind = 6,
        .has_occurred_at = true,
        .has_until_at = true,
        .has_quantity = true,
        .has_of = true,
        .occurred_at_us = NEW_YEAR_US,
        .until_at_us = NEW_YEAR_US + MINUTE_US,
        .quantity = -5,
        .of = id_of(9),
        .item = VIEW_LITERAL("教研"),
        .form = VIEW_LITERAL(""),
        .source_key = view_from(key, sizeof key),
        .submission_sha256 = view_from(submission, sizeof submission),
    };
    content_of_fact(&fact, content);
    check(content, "36691f8ae06dede1939ee321a1aa5b6a");
}

static void test_roster(void **state) {
    (void)state;
    uint8_t content[CONTENT_SIZE];
    const struct content_person person = {
        .id = id_of(4),
        .version = 3,
        .has_birth_year = true,
        .birth_year = 1975,
        .certificate = true,
        .established = true,
        .name = VIEW_LITERAL("张三"),
        .teacher_no = VIEW_LITERAL("T1"),
    };
    content_of_person(&person, content);
    check(content, "7b00e3c7cf646ed95fe4a8bb2c81a308");
    const struct content_membership membership = {
        .id = id_of(5),
        .version = 2,
        .person = id_of(4),
        .unit = id_of(6),
        .programme = 1,
        .role = 1,
        .from_at_us = NEW_YEAR_US,
        .has_until_at = true,
        .until_at_us = NEW_YEAR_US + MINUTE_US,
        .guest = true,
    };
    content_of_membership(&membership, content);
    check(content, "9455892f3fdd91c50ade02a7f52a594b");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_roster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
