// Waiting times: growing, capped, spread, and short again after a success.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "client/core/backoff.h"

static void test_grows_to_the_cap_with_jitter(void **state) {
    struct backoff one;
    struct backoff other;
    int same = 0;
    int64_t whole_ms = BACKOFF_FIRST_MS;
    (void)state;
    backoff_init(&one, 12345);
    backoff_init(&other, 98765);
    for (int i = 0; i < 50; i++) {
        int64_t wait_ms = backoff_next_ms(&one);
        assert_in_range(wait_ms, whole_ms / 2, whole_ms);
        same += wait_ms == backoff_next_ms(&other);
        whole_ms = whole_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : whole_ms * 2;
    }
    assert_true(same < 5);
    backoff_reset(&one);
    assert_in_range(backoff_next_ms(&one), BACKOFF_FIRST_MS / 2, BACKOFF_FIRST_MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_grows_to_the_cap_with_jitter)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
