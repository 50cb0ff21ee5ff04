// Days and local times of Asia/Shanghai: known values, every day there and back, what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/clock.h"

static void test_known_days(void **state) {
    (void)state;
    int32_t day;
    assert_int_equal(clock_parse_day(VIEW_LITERAL("1970-01-01"), &day), STATUS_OK);
    assert_int_equal(day, 0);
    assert_int_equal(clock_parse_day(VIEW_LITERAL("2000-03-01"), &day), STATUS_OK);
    assert_int_equal(day, 11017);
    assert_int_equal(clock_day_start_ms(0), -28800000);
    assert_int_equal(clock_day_of(-28800000), 0);
    assert_int_equal(clock_day_of(-28800001), -1);
    assert_int_equal(clock_day_of(57599999), 0);
    assert_int_equal(clock_day_of(57600000), 1);
}

static void test_every_day_comes_back(void **state) {
    (void)state;
    int32_t first;
    int32_t last;
    assert_int_equal(clock_parse_day(VIEW_LITERAL("1900-01-01"), &first), STATUS_OK);
    assert_int_equal(clock_parse_day(VIEW_LITERAL("2500-12-31"), &last), STATUS_OK);
    char before[11] = "";
    for (int32_t day = first; day <= last; day++) {
        char text[11];
        clock_format_day(day, text);
        int32_t back;
        assert_int_equal(clock_parse_day(view_from_string(text), &back), STATUS_OK);
        assert_int_equal(back, day);
        assert_true(strcmp(before, text) < 0);
        memcpy(before, text, sizeof(text));
    }
}

static void test_wrong_days(void **state) {
    (void)state;
    const char *const wrong[] = {
        "",           "2021-02-29",  "1900-02-29",  "2021-13-01", "2021-00-01",
        "2021-01-00", "2021-04-31",  "2021-1-1",    "1899-12-31", "0001-01-01",
        "2021/01/01", "2021-01-01 ", "99999-01-01", "2021-01-3x"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int32_t day = 7;
        assert_int_equal(clock_parse_day(view_from_string(wrong[i]), &day), STATUS_INVALID);
        assert_int_equal(day, 7);
    }
}

static void test_local_times(void **state) {
    (void)state;
    int64_t time_ms;
    char text[20];
    assert_int_equal(clock_parse_local_time(VIEW_LITERAL("1970-01-01 08:00"), &time_ms), STATUS_OK);
    assert_int_equal(time_ms, 0);
    assert_int_equal(clock_parse_local_time(VIEW_LITERAL("2021/3/5 7:08:09"), &time_ms), STATUS_OK);
    clock_format_local_time(time_ms, text);
    assert_string_equal(text, "2021-03-05 07:08:09");
    clock_format_local_time(-1, text);
    assert_string_equal(text, "1970-01-01 07:59:59");
    const char *const wrong[] = {"2021-03-05",          "2021-03-05 24:00",     "2021-03-05 23:60",
                                 "2021-03-05 23:59:60", "2021-03/05 10:00",     "2021-02-30 10:00",
                                 "2021-03-05 10:00:",   "2021-03-05 10:00:00 ", "2021-03-05T10:00"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(clock_parse_local_time(view_from_string(wrong[i]), &time_ms),
                         STATUS_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_days),
        cmocka_unit_test(test_every_day_comes_back),
        cmocka_unit_test(test_wrong_days),
        cmocka_unit_test(test_local_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
