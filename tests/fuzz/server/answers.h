// What the fake database says when the tape does not change it: one small city in which the caller
// is whoever the world's options say. Called by fake_db.c.
#pragma once

#include "server/db/internal.h"

#define ANSWER_MAX_COLUMNS 40

// Types of columns, as tests/fuzz/statements.txt names them.
enum answer_type {
    ANSWER_BOOLEAN,
    ANSWER_SMALLINT,
    ANSWER_INTEGER,
    ANSWER_BIGINT,
    ANSWER_TEXT,
    ANSWER_BYTEA,
    ANSWER_DATE,
    ANSWER_TIMESTAMPTZ,
    ANSWER_UUID,
    ANSWER_VOID,
};

// One value; the views borrow from static memory or from the parameters.
struct answer_value {
    bool is_null;
    int64_t number;    // boolean, numbers, dates (days since 1970), timestamps (ms since 1970)
    struct view bytes; // text, bytea
    struct uuid id;
};

// The value as the statement's other columns want it.
typedef struct answer_value (*answer_cell_fn)(struct answer_value value,
                                              const struct db_params *params, const char *name,
                                              int row);

struct answer_column {
    char name[32];
    enum answer_type type;
    struct answer_value usual; // of the first row
    bool is_id_of_row;         // usual.id counts up
};

struct answer_statement {
    char name[32];
    answer_cell_fn cell; // NULL: the usual values
    int rows;            // usual number; -1: it hangs on the parameters
    int echo;            // parameter whose elements the first column repeats; -1: none
    int n_columns;
    struct answer_column columns[ANSWER_MAX_COLUMNS];
};

// NULL: there is no such statement. Reads the table when it is first asked.
const struct answer_statement *answer_statement(const char *name);
int answer_rows(const struct answer_statement *statement, const struct db_params *params);
struct answer_value answer_cell(const struct answer_statement *statement,
                                const struct db_params *params, int row, int column);

// Parameter `i` of the call (from 0): elements of an array parameter, and element `at` of it.
size_t answer_param_count(const struct db_params *params, int i);
struct view answer_param_element(const struct db_params *params, int i, size_t at);
