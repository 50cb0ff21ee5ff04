// One line an event on stderr; a line is one write, so lines of several processes do not mix.
// Owns the program's name (borrowed from the caller, a literal) and the lowest level shown.
#include "common/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"

// Longer messages are cut; nothing that is logged needs more.
#define LINE_BYTES 1024

static const char *log_program = "lianxiao"; // borrows
static enum log_level log_lowest = LOG_LEVEL_INFO;

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_ERROR] = "error",
};

void log_open(const char *program, enum log_level lowest) {
    log_program = program;
    log_lowest = lowest;
}

// "2026-11-21T14:30:00.123Z warning lianxiaod[17]: "
static size_t write_prefix(char *line, size_t size, enum log_level level) {
    int64_t now_ms = clock_now_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    (void)gmtime_r(&seconds, &utc);
    char stamp[32];
    (void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    int length = snprintf(line, size, "%s.%03dZ %s %s[%d]: ", stamp, (int)(now_ms % 1000),
                          level_names[level], log_program, (int)getpid());
    return length < 0 ? 0 : (size_t)length;
}

void log_write(enum log_level level, const char *format, ...) {
    if (level < log_lowest)
        return;
    char line[LINE_BYTES];
    size_t length = write_prefix(line, sizeof(line), level);
    va_list args;
    va_start(args, format);
    int added = vsnprintf(line + length, sizeof(line) - length, format, args);
    va_end(args);
    size_t start = length;
    length += added < 0 ? 0 : (size_t)added;
    if (length > sizeof(line) - 2)
        length = sizeof(line) - 2;
    for (size_t i = start; i < length; i++) { // a message is one line, whatever is in it
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
    }
    line[length++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line, length);
    (void)ignored; // there is nobody left to tell
}
