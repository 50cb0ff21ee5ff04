// Log: one line an event, below the level nothing, control characters cannot forge a line.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/log.h"

// What `log_write` printed for the message.
static size_t capture(enum log_level level, const char *message, char *out, size_t size) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int saved = dup(STDERR_FILENO);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    close(ends[1]);
    log_write(level, "%s", message);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    ssize_t got = read(ends[0], out, size - 1);
    close(ends[0]);
    assert_true(got >= 0);
    out[got] = '\0';
    return (size_t)got;
}

static void test_one_line(void **state) {
    (void)state;
    char line[4096];
    log_open("test", LOG_LEVEL_INFO);
    assert_int_equal(capture(LOG_LEVEL_DEBUG, "quiet", line, sizeof(line)), 0);
    assert_true(capture(LOG_LEVEL_WARNING, "a\nb\x1b[31m", line, sizeof(line)) > 0);
    assert_non_null(strstr(line, " warning test["));
    assert_non_null(strstr(line, "]: a b [31m\n"));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void test_long_message_is_cut(void **state) {
    (void)state;
    char message[3000];
    char line[4096];
    memset(message, 'x', sizeof(message) - 1);
    message[sizeof(message) - 1] = '\0';
    size_t size = capture(LOG_LEVEL_ERROR, message, line, sizeof(line));
    assert_true(size > 900 && size <= 1024);
    assert_int_equal(line[size - 1], '\n');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_long_message_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
