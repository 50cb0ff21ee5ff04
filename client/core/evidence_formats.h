// The kinds of evidence file as one table: columns with their names and what each column is.
// Parser, detection and deploy/formats.md go by it. Used by evidence.c and evidence_values.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/text/csv.h"
#include "proto/ledger.pb-c.h"

// What a column of the file says.
enum evidence_column {
    EVIDENCE_ACCOUNT,
    EVIDENCE_TEACHER_NO,
    EVIDENCE_NAME,
    EVIDENCE_SCHOOL,
    EVIDENCE_RECORD_ID,
    EVIDENCE_ITEM,      // course, topic, activity, point, kind of hours or test
    EVIDENCE_ITEM_CODE, // code beside a printed topic or activity
    EVIDENCE_FORM,
    EVIDENCE_TIME,
    EVIDENCE_UNTIL,
    EVIDENCE_QUANTITY,
    EVIDENCE_COLUMNS
};

struct evidence_format {
    const char *name;
    Lx__FactKind kind;
    struct csv_column columns[EVIDENCE_COLUMNS]; // names NULL: this file has no such column
    bool value_needed[EVIDENCE_COLUMNS];         // every row must fill it in
};

const struct evidence_format *evidence_formats(size_t *out_count);
// What stands in the header for people: the first name of the column.
const char *evidence_column_title(const struct evidence_format *format, enum evidence_column column,
                                  char out_title[64]);
