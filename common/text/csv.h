// CSV files with a header row: columns are found by their Chinese or English names, rows come as
// views with the number that a spreadsheet shows. Every field stays text, whatever it looks like.
// Owns nothing beyond a call. Called by the importers of rosters, evidence and units.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/base/view.h"

// One column that the caller knows. Other columns of the file are ignored.
struct csv_column {
    const char
        *names; // as in the header row, "|" between: "teacher_no|教师编号|工号"; ASCII case is free
    bool required; // the file must have it (a field of it may still be empty)
};

struct csv_limits {     // 0: the default
    size_t field_bytes; // 20,000: the longest template field
    size_t row_bytes;   // 200,000: a whole template
    size_t rows;        // 1,000,000: what a spreadsheet holds
};

// What is wrong with one row; the rows after it are still read.
enum csv_flaw {
    CSV_FLAW_NONE = 0,
    CSV_FLAW_TOO_MANY_FIELDS, // more than the header has: a comma without quotes?
    CSV_FLAW_FIELD_TOO_LONG,
    CSV_FLAW_ROW_TOO_LONG,
    CSV_FLAW_CHARACTER, // NUL, control or bidirectional character in a known column
};

// Valid only inside the callback.
struct csv_row {
    size_t row;  // as a spreadsheet counts: the header of a plain file is 1
    size_t line; // of the file where the row starts; differs after a quoted line end
    const struct view
        *fields; // one per column of the caller's table, trimmed; empty when the file lacks it
    enum csv_flaw flaw;
    size_t flaw_column;      // 1-based place in the file; 0: the row as a whole
    const char *flaw_header; // that column's header as in the file, "" when it has none
};

const char *csv_flaw_text(enum csv_flaw flaw);

// Why the file as a whole could not be read. `reason` is one of a few fixed English sentences, so
// that a program may translate it; `text` is the whole message: "row 3, column 2 (name): reason".
struct csv_error {
    size_t row;
    size_t column;      // 0: the row as a whole
    const char *reason; // static; NULL while the file is well
    char detail[100];   // the column's header in the file or its names in the table, "" for neither
    char text[300];
};

// Anything but STATUS_OK ends the reading and is what csv_read returns.
typedef enum status (*csv_row_fn)(void *user, const struct csv_row *row);

// Reads the whole file: text is UTF-8 (see charset.h). Comma, semicolon or tab, whichever the
// header row has most of. Blank rows are skipped and counted. The callback runs before this
// returns. STATUS_INVALID: *out_error says why (no header, a required column is missing or there
// twice, broken quotes); rows before the fault have been given to the callback.
enum status csv_read(struct view text, const struct csv_column *columns, size_t n_columns,
                     const struct csv_limits *limits, csv_row_fn on_row, void *user,
                     struct csv_error *out_error) MUST_USE;
