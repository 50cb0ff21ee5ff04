// Single values of an evidence file: numbers, times, courses, points. Pure functions on text, used
// by evidence.c and roster.c.
#pragma once

#include <stdint.h>

#include "common/assess/scheme.h"
#include "common/base/arena.h"
#include "common/base/view.h"
#include "common/text/csv.h"
#include "common/wire/reason.h"

// Hundredths of a decimal number with at most two decimals: "1.5" -> 150. REASON_NONE or why not.
enum reason_id value_parse_hundredths(struct view text, int64_t *out_hundredths);
// Shanghai time; with date_is_enough a day alone is its first moment.
enum reason_id value_parse_time(struct view text, bool date_is_enough, int64_t *out_time_ms);
// Yes or no: 是 否 有 无 yes no true false 1 0 √ ×.
enum reason_id value_parse_bool(struct view text, bool *out_value);

// Why a row could not be read; REASON_NONE for none.
enum reason_id value_flaw_reason(enum csv_flaw flaw);

// Why the file as a whole could not be read, in the arena; NULL when that is full.
Lx__Reason *value_file_reason(const struct csv_error *error, struct arena *arena);

// The code of what a person wrote: code or label. NULL: not in the scheme. Borrows from the scheme.
const char *value_find_course(const struct scheme *scheme, struct view text);
const char *value_find_point(const struct scheme *scheme, struct view text);
const char *value_find_form(const struct scheme *scheme, struct view text);
const char *value_find_hours_kind(struct view text);
// The indicator of the test; with an empty text the only one that there is.
const char *value_find_test(const struct scheme *scheme, struct view text);
