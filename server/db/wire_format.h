// Numbers of PostgreSQL's binary formats, shared by params.c and result.c.
#pragma once

#include <stdint.h>

#define WIRE_TYPE_BOOL 16 // oids of pg_type
#define WIRE_TYPE_BYTEA 17
#define WIRE_TYPE_INT8 20
#define WIRE_TYPE_INT2 21
#define WIRE_TYPE_INT4 23
#define WIRE_TYPE_TEXT 25
#define WIRE_TYPE_DATE 1082
#define WIRE_TYPE_TIMESTAMPTZ 1184
#define WIRE_TYPE_UUID 2950

#define WIRE_ARRAY_HEADER 20       // dimensions, has null, type, length, lower bound
#define WIRE_EMPTY_ARRAY_HEADER 12 // without the last two
#define WIRE_MAX_ELEMENTS 10000000 // far above any caller's; keeps sizes from overflowing
#define WIRE_NULL 0xffffffffu      // length of a null

#define WIRE_EPOCH_DAY 10957 // 2000-01-01 in days since 1970
#define WIRE_EPOCH_MS ((int64_t)WIRE_EPOCH_DAY * 24 * 3600 * 1000)

// Microseconds since 2000; what does not fit becomes infinity, and infinity reads back as INT64_MIN
// or MAX.
static inline int64_t wire_timestamp(int64_t time_ms) {
    int64_t result;
    if (__builtin_sub_overflow(time_ms, WIRE_EPOCH_MS, &result) ||
        __builtin_mul_overflow(result, 1000, &result))
        return time_ms < 0 ? INT64_MIN : INT64_MAX;
    return result;
}

static inline int64_t wire_time_ms(int64_t timestamp) {
    if (timestamp == INT64_MIN || timestamp == INT64_MAX)
        return timestamp;
    int64_t down = timestamp >= 0 ? timestamp / 1000 : (timestamp - 999) / 1000;
    return down + WIRE_EPOCH_MS;
}

// Days since 2000 to days since 1970; infinity stays what it is.
static inline int32_t wire_day(int32_t date) {
    int32_t day;
    return __builtin_add_overflow(date, WIRE_EPOCH_DAY, &day) || date == INT32_MIN ? date : day;
}
