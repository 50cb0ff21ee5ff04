// Time as numbers. Cores never read a clock: they are given one of these values.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/base/view.h"

int64_t clock_now_ms(void);       // wall clock, UTC milliseconds since 1970
int64_t clock_monotonic_ms(void); // for deadlines

// Days are counted from 1970-01-01 in Asia/Shanghai (UTC+8, no daylight saving since 1991).
int32_t clock_day_of(int64_t time_ms);
int64_t clock_day_start_ms(int32_t day);
enum status clock_parse_day(struct view text,
                            int32_t *out_day) MUST_USE; // YYYY-MM-DD, a real date, 1900..9999
void clock_format_day(int32_t day, char out_text[11]);
// YYYY-MM-DD HH:MM[:SS] (or with / and single digits, as Excel writes), Shanghai time -> UTC
// milliseconds.
enum status clock_parse_local_time(struct view text, int64_t *out_time_ms) MUST_USE;
void clock_format_local_time(int64_t time_ms, char out_text[20]); // YYYY-MM-DD HH:MM:SS, Shanghai
