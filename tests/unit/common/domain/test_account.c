// Names of accounts: what is one and what is not.
#include "common/domain/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state) {
    (void)state;
    char longest[66];
    memset(longest, 'a', sizeof longest);
    longest[65] = '\0';
    assert_false(account_name_is_valid(longest)); // 65
    longest[64] = '\0';
    assert_true(account_name_is_valid(longest));
    static const char *const good[] = {"abc", "school.3401030001", "a-b_c.9", "000"};
    static const char *const bad[] = {NULL, "", "ab", "Abc", "a b", "王老师", "a/b", "a'b"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(account_name_is_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(account_name_is_valid(bad[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
