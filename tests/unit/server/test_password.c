// Passwords and secrets: right ones pass, everything else is refused, unknown names cost the same
// work.
#include "server/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "server/secret.h"

static void a_hash_accepts_its_password_only(void **state) {
    (void)state;
    char hash[PASSWORD_HASH_SIZE], other[PASSWORD_HASH_SIZE];
    assert_int_equal(password_hash(VIEW_LITERAL("教研工作坊-2021"), hash), STATUS_OK);
    assert_int_equal(password_hash(VIEW_LITERAL("教研工作坊-2021"), other), STATUS_OK);
    assert_memory_equal(hash, "$y$", 3);
    assert_string_not_equal(hash, other); // the salt differs
    assert_int_equal(password_check(VIEW_LITERAL("教研工作坊-2021"), hash), STATUS_OK);
    assert_int_equal(password_check(VIEW_LITERAL("教研工作坊-2022"), hash), STATUS_DENIED);
    assert_int_equal(password_check(VIEW_LITERAL("教研工作坊-202"), hash), STATUS_DENIED);
    assert_int_equal(password_check(view_from(NULL, 0), hash), STATUS_DENIED);
    assert_int_equal(password_check(VIEW_LITERAL("教研工作坊-2021\0x"), hash), STATUS_DENIED);
}

static void unacceptable_passwords_are_not_hashed(void **state) {
    (void)state;
    char hash[PASSWORD_HASH_SIZE];
    char many[PASSWORD_MAX_CHARACTERS + 1];
    memset(many, 'x', sizeof(many));
    const struct view bad[] = {
        VIEW_LITERAL("1234567"),         VIEW_LITERAL("七个字不够长啊"),
        VIEW_LITERAL("1234567\x01"),     VIEW_LITERAL("12345678\0"),
        VIEW_LITERAL("1234567\xe6\x95"), VIEW_LITERAL("1234567\xff"),
        view_from(many, sizeof(many)),   view_from(NULL, 0),
        VIEW_LITERAL("1234567\xc2\x9b"), VIEW_LITERAL("12345678\xe2\x80\xae\n"),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(password_is_acceptable(bad[i]));
        assert_int_equal(password_hash(bad[i], hash), STATUS_INVALID);
    }
    assert_true(password_is_acceptable(view_from(many, PASSWORD_MAX_CHARACTERS)));
    assert_true(password_is_acceptable(VIEW_LITERAL("八个字就够长了吧")));
}

static int64_t cpu_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void an_unknown_account_costs_the_same_work(void **state) {
    (void)state;
    char hash[PASSWORD_HASH_SIZE];
    assert_int_equal(password_hash(VIEW_LITERAL("something long"), hash), STATUS_OK);
    int64_t start = cpu_us();
    assert_int_equal(password_check(VIEW_LITERAL("wrong password"), hash), STATUS_DENIED);
    int64_t known = cpu_us() - start;
    start = cpu_us();
    assert_int_equal(password_check(VIEW_LITERAL("wrong password"), NULL), STATUS_DENIED);
    int64_t unknown = cpu_us() - start;
    // CPU time, not wall time; a fifth leaves room for a noisy machine and still catches "no work
    // at all".
    assert_true(unknown > known / 5 && known > unknown / 5);
}

static void a_stored_text_that_is_no_hash_is_corrupt(void **state) {
    (void)state;
    assert_int_equal(password_check(VIEW_LITERAL("something long"), "plain"), STATUS_CORRUPT);
    assert_int_equal(password_check(VIEW_LITERAL("something long"), ""), STATUS_CORRUPT);
}

static void a_code_is_read_as_people_type_it(void **state) {
    (void)state;
    char code[SECRET_CODE_SIZE];
    uint8_t one[SECRET_HASH_SIZE], two[SECRET_HASH_SIZE];
    assert_int_equal(secret_new_code(code), STATUS_OK);
    assert_int_equal(strlen(code), 14);
    assert_int_equal(secret_hash_code(view_from_string(code), one), STATUS_OK);
    assert_int_equal(secret_hash_code(VIEW_LITERAL("K0QF-2M1X-T4RD"), one), STATUS_OK);
    assert_int_equal(secret_hash_code(VIEW_LITERAL(" koqf 2mlx t4rd"), two), STATUS_OK);
    assert_memory_equal(one, two, sizeof(one));
    assert_int_equal(secret_hash_code(VIEW_LITERAL("K0QF-2M1X-T4RE"), two), STATUS_OK);
    assert_memory_not_equal(one, two, sizeof(one));
    const char *bad[] = {"", "K0QF-2M1X-T4R", "K0QF-2M1X-T4RDD", "K0QF-2M1X-T4R*", "K0QF2M1XT4RU"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(secret_hash_code(view_from_string(bad[i]), two), STATUS_INVALID);
}

static void new_passwords_are_acceptable_and_differ(void **state) {
    (void)state;
    char one[SECRET_PASSWORD_SIZE], two[SECRET_PASSWORD_SIZE];
    assert_int_equal(secret_new_password(one), STATUS_OK);
    assert_int_equal(secret_new_password(two), STATUS_OK);
    assert_true(password_is_acceptable(view_from_string(one)));
    assert_string_not_equal(one, two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_accepts_its_password_only),
        cmocka_unit_test(unacceptable_passwords_are_not_hashed),
        cmocka_unit_test(an_unknown_account_costs_the_same_work),
        cmocka_unit_test(a_stored_text_that_is_no_hash_is_corrupt),
        cmocka_unit_test(a_code_is_read_as_people_type_it),
        cmocka_unit_test(new_passwords_are_acceptable_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
