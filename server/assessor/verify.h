// Proves that standings and roll-ups are what the ledger says: computes all of them again from one
// snapshot and compares receipts, figures and sums. Writes nothing. Called by `lianxiaoctl verify`
// and by tests.
#pragma once

#include <stddef.h>

#include "server/db/sync.h"

struct verify_result {
    size_t standings;       // compared
    size_t standings_wrong; // differing, missing or too many
    size_t rollups;         // rows compared
    size_t rollups_wrong;
    size_t waiting; // subjects and facts that the assessor has not got to (with STATUS_AGAIN)
};

// One line for people per difference: codes and ids, never names. After 100 lines it is silent.
typedef void (*verify_line_fn)(void *user, const char *line);

// The connection must be outside a transaction and may select all (role assessor, or a superuser).
// STATUS_AGAIN: the assessor had not caught up within wait_ms (is it running?). STATUS_OK:
// compared; all is well when both _wrong are 0.
enum status verify_run(struct db_sync *db, int wait_ms, verify_line_fn on_line, void *user,
                       struct verify_result *out_result) MUST_USE;
