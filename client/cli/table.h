// A table of text whose columns line up on a terminal, Chinese characters taking two places, and
// the same rows as JSON or CSV. Cells are copied into the table's arena. Used by every command that
// shows a list.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "common/base/arena.h"
#include "common/base/status.h"

#define TABLE_MAX_COLUMNS 24

enum table_kind { TABLE_TEXT, TABLE_NUMBER }; // numbers stand right and are bare in JSON

struct table_column {
    const char *key;    // in JSON and CSV headers of machines: lower case, never translated
    const char *header; // translated
    enum table_kind kind;
};

struct table; // opaque; lives in its arena

// The columns must outlive the table. NULL when memory is out.
struct table *table_new(struct arena *arena, const struct table_column *columns, size_t n_columns);
// Starts a row; cells follow from the left. Missing cells are empty (null in JSON).
enum status table_row(struct table *table) MUST_USE;
enum status table_text(struct table *table, const char *text) MUST_USE; // NULL: empty
enum status table_int(struct table *table, long long value) MUST_USE;
// Hundredths, always with two decimals, so that a column lines up.
enum status table_hundredths(struct table *table, long long value) MUST_USE;

void table_print(const struct table *table, FILE *out);      // header, lines
void table_print_json(const struct table *table, FILE *out); // [{...}, ...] without line end
// RFC 4180 with a header of the translated names and a byte order mark (spreadsheets need it for
// Chinese); a field that a spreadsheet would take for a formula gets an apostrophe in front.
void table_print_csv(const struct table *table, FILE *out);
size_t table_rows(const struct table *table);

// One CSV field with the neutralising of formulas.
void table_write_csv_field(const char *text, enum table_kind kind, FILE *out);
