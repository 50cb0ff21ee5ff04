// Clocks, and days and times of Asia/Shanghai as numbers.
// Calendar arithmetic is done here without the C library, so no time zone of the machine matters.
#include "common/base/clock.h"

#include <stdio.h>
#include <time.h>

#define MS_PER_DAY INT64_C(86400000)
#define SHANGHAI_MS INT64_C(28800000) // UTC+8

static int64_t clock_read_ms(clockid_t id) {
    struct timespec now;
    (void)clock_gettime(id, &now); // cannot fail for these two clocks
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_now_ms(void) {
    return clock_read_ms(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void) {
    return clock_read_ms(CLOCK_MONOTONIC);
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

int32_t clock_day_of(int64_t time_ms) {
    return (int32_t)floor_div(time_ms + SHANGHAI_MS, MS_PER_DAY);
}

int64_t clock_day_start_ms(int32_t day) {
    return (int64_t)day * MS_PER_DAY - SHANGHAI_MS;
}

struct date {
    int year;
    int month;
    int day;
};

// Howard Hinnant's days_from_civil: the year starts in March, so the leap day is the last one.
static int32_t day_from_date(struct date date) {
    int year = date.month <= 2 ? date.year - 1 : date.year;
    int era = (int)floor_div(year, 400);
    int of_era = year - era * 400;
    int month = (date.month + 9) % 12;
    int of_year = (153 * month + 2) / 5 + date.day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static struct date date_from_day(int32_t day) {
    int64_t shifted = (int64_t)day + 719468;
    int era = (int)floor_div(shifted, 146097);
    int of_era = (int)(shifted - (int64_t)era * 146097);
    int year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * year + year / 4 - year / 100);
    int month = (5 * of_year + 2) / 153;
    struct date date = {.year = year + era * 400, .day = of_year - (153 * month + 2) / 5 + 1};
    date.month = month < 10 ? month + 3 : month - 9;
    date.year += date.month <= 2 ? 1 : 0;
    return date;
}

static enum status check_date(struct date date, int32_t *out_day) {
    if (date.year < 1900 || date.year > 9999 || date.month < 1 || date.month > 12 || date.day < 1)
        return STATUS_INVALID;
    int32_t day = day_from_date(date);
    struct date back = date_from_day(day); // 31 April comes back as 1 May
    if (back.day != date.day || back.month != date.month)
        return STATUS_INVALID;
    *out_day = day;
    return STATUS_OK;
}

// Reads min..max digits at *offset and moves it behind them.
static enum status read_number(struct view text, size_t *offset, int min, int max, int *out_value) {
    int value = 0;
    int digits = 0;
    while (digits < max && *offset < text.size) {
        uint8_t c = text.data[*offset];
        if (c < '0' || c > '9')
            break;
        value = value * 10 + (c - '0');
        digits++;
        (*offset)++;
    }
    *out_value = value;
    return digits >= min ? STATUS_OK : STATUS_INVALID;
}

static enum status read_character(struct view text, size_t *offset, uint8_t wanted) {
    if (*offset >= text.size || text.data[*offset] != wanted)
        return STATUS_INVALID;
    (*offset)++;
    return STATUS_OK;
}

enum status clock_parse_day(struct view text, int32_t *out_day) {
    size_t at = 0;
    struct date date;
    TRY(read_number(text, &at, 4, 4, &date.year));
    TRY(read_character(text, &at, '-'));
    TRY(read_number(text, &at, 2, 2, &date.month));
    TRY(read_character(text, &at, '-'));
    TRY(read_number(text, &at, 2, 2, &date.day));
    if (at != text.size)
        return STATUS_INVALID;
    return check_date(date, out_day);
}

void clock_format_day(int32_t day, char out_text[11]) {
    struct date date = date_from_day(day);
    // The masks bound what the compiler thinks may be printed; real dates are below them.
    (void)snprintf(out_text, 11, "%04u-%02u-%02u", (unsigned)date.year % 10000u,
                   (unsigned)date.month % 100u, (unsigned)date.day % 100u);
}

enum status clock_parse_local_time(struct view text, int64_t *out_time_ms) {
    size_t at = 0;
    struct date date;
    int32_t day;
    int hour;
    int minute;
    int second = 0;
    TRY(read_number(text, &at, 4, 4, &date.year));
    uint8_t separator = at < text.size && text.data[at] == '/' ? '/' : '-';
    TRY(read_character(text, &at, separator));
    TRY(read_number(text, &at, 1, 2, &date.month));
    TRY(read_character(text, &at, separator));
    TRY(read_number(text, &at, 1, 2, &date.day));
    TRY(check_date(date, &day));
    TRY(read_character(text, &at, ' '));
    TRY(read_number(text, &at, 1, 2, &hour));
    TRY(read_character(text, &at, ':'));
    TRY(read_number(text, &at, 2, 2, &minute));
    if (at < text.size) {
        TRY(read_character(text, &at, ':'));
        TRY(read_number(text, &at, 2, 2, &second));
    }
    if (at != text.size || hour > 23 || minute > 59 || second > 59)
        return STATUS_INVALID;
    *out_time_ms = clock_day_start_ms(day) + (hour * INT64_C(3600) + minute * 60 + second) * 1000;
    return STATUS_OK;
}

void clock_format_local_time(int64_t time_ms, char out_text[20]) {
    int32_t day = clock_day_of(time_ms);
    unsigned seconds = (unsigned)(floor_div(time_ms, 1000) - clock_day_start_ms(day) / 1000);
    clock_format_day(day, out_text);
    (void)snprintf(out_text + 10, 10, " %02u:%02u:%02u", seconds / 3600 % 24, seconds / 60 % 60,
                   seconds % 60);
}
