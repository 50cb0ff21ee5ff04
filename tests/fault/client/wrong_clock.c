// The client's clock is ten years behind, ten years ahead, or jumps between its steps: its session
// ends as with a right one.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/core/client.h"
#include "tests/fault/client/session.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))
#define TEN_YEARS_MS (3652 * DAY_MS)

static struct session session;

// Each step begins with the clock moved by one of these, one after the other.
static uint64_t end_with(const int64_t *moves, size_t n, uint64_t final, const int *adds) {
    session_open(&session, 1);
    session.final = final;
    if (adds)
        memcpy(session.adds, adds, sizeof session.adds);
    session.moves = moves;
    session.n_moves = n;
    if (session_run(&session) != STATUS_OK)
        fail_msg("step \"%s\": %s", session_step_name(&session), session_error(&session));
    assert_true(session_check(&session));
    assert_true(session_check_end(&session));
    final = session.final;
    session_close(&session);
    return final;
}

static void test_same_end_with_any_clock(void **state) {
    static const int64_t behind[] = {-TEN_YEARS_MS};
    static const int64_t ahead[] = {TEN_YEARS_MS};
    static const int64_t jumps[] = {0, TEN_YEARS_MS, -TEN_YEARS_MS, 401 * DAY_MS, -DAY_MS};
    (void)state;
    uint64_t right = end_with(NULL, 0, 0, NULL);
    int adds[SESSION_STEPS];
    memcpy(adds, session.adds, sizeof adds);
    end_with(behind, 1, right, adds);
    end_with(ahead, 1, right, adds);
    end_with(jumps, sizeof jumps / sizeof jumps[0], right, adds);
}

static void test_what_a_clock_is_believed(void **state) {
    const int64_t trusted = 1640000000000;
    (void)state;
    assert_true(client_right_time_ms(trusted, trusted) == trusted);
    assert_true(client_right_time_ms(trusted + 399 * DAY_MS, trusted) == trusted + 399 * DAY_MS);
    assert_true(client_right_time_ms(trusted - 60000, trusted) == trusted - 60000);
    assert_true(client_right_time_ms(trusted - DAY_MS, trusted) == trusted);
    assert_true(client_right_time_ms(trusted - TEN_YEARS_MS, trusted) == trusted);
    assert_true(client_right_time_ms(trusted + TEN_YEARS_MS, trusted) == trusted);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_end_with_any_clock),
                                       cmocka_unit_test(test_what_a_clock_is_believed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
