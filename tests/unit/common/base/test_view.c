// Views and status names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/status.h"
#include "common/base/view.h"

static void test_compare(void **state) {
    (void)state;
    struct view empty = {NULL, 0};
    assert_true(view_equal(empty, view_from_string("")));
    assert_true(view_equal(empty, view_from_string(NULL)));
    assert_true(view_equal(VIEW_LITERAL("ab"), view_from("abc", 2)));
    assert_false(view_equal(VIEW_LITERAL("ab"), VIEW_LITERAL("abc")));
    assert_true(view_compare(VIEW_LITERAL("ab"), VIEW_LITERAL("abc")) < 0);
    assert_true(view_compare(VIEW_LITERAL("b"), VIEW_LITERAL("abc")) > 0);
    assert_true(view_compare(empty, VIEW_LITERAL("a")) < 0);
    assert_int_equal(view_compare(empty, empty), 0);
    assert_true(view_compare(VIEW_LITERAL("\x80"), VIEW_LITERAL("a")) > 0);
}

static void test_status_names(void **state) {
    (void)state;
    for (int status = STATUS_OK; status <= STATUS_CORRUPT; status++)
        assert_string_not_equal(status_name((enum status)status), "unknown");
    assert_string_equal(status_name((enum status)999), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_status_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
