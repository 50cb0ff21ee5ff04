// The database of the fuzz targets: takes the place of server/db/pool.c when the program is linked.
// Statements are answered with rows of the columns and types that PostgreSQL declares
// (tests/fuzz/statements.txt, compared with the real one by tests/sql), with plausible values that
// the input's tape changes: other rows, nulls, odd values, failures. Parameters and results go
// through the real server/db/params.c and result.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/view.h"

// Takes the place of the pools' waiting: calls wait here until they are answered one by one.
void fake_db_begin(struct view tape); // nothing waits, nothing was changed
// Answers one of the calls that wait; false: none does.
bool fake_db_answer(void);
// A number 0..255 of the tape, 0 at its end: for whoever else has to decide something.
uint8_t fake_db_decide(void);
// What was asked for since fake_db_begin whose answers outlive the request in the worker.
enum {
    FAKE_DB_UNITS = 1,
    FAKE_DB_SCHEMES = 2,
    FAKE_DB_ROSTERS = 4,
    FAKE_DB_PILE = 8, // how large its batches are
};
unsigned fake_db_learned(void);
