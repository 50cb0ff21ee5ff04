// Rows of op_run and audit as the statements seal_runs, audit_runs, seal_actions and audit_actions
// return them: which column is where, and the bytes that a leaf is the hash of.
#pragma once

#include "common/base/buf.h"
#include "server/audit/entries.h"
#include "server/db/db.h"

// Columns of a run, in the order of the statements.
enum {
    RUN_DISTRICT,
    RUN_STREAM,
    RUN_DEVICE,
    RUN_OP_FROM,
    RUN_OP_TO,
    RUN_SEQ_FROM,
    RUN_SCOPE_VERSION,
    RUN_RECEIVED_AT,
    RUN_STORED,
    RUN_REFUSED,
    RUN_FLAGS,
    RUN_PERSON,
    RUN_ROOT,
    RUN_HASHES,
    RUN_ANSWER,
    RUN_CONTENTS,
    RUN_CHANGES,
    RUN_COLUMNS
};

// Columns of an action. `seal` is not of the leaf: it is set when the leaf is there.
enum {
    ACTION_DISTRICT,
    ACTION_ID,
    ACTION_AT,
    ACTION_ACTOR,
    ACTION_OPERATOR,
    ACTION_DEVICE,
    ACTION_ACTION,
    ACTION_UNIT,
    ACTION_TARGET,
    ACTION_DETAIL, // as text
    ACTION_COLUMNS,
    ACTION_SEAL = ACTION_COLUMNS
};

// The entry of a row of the result; `scratch` is used for the encoded row. The device borrows from
// the result.
enum status rows_entry(const struct db_result *result, int row, enum entry_kind kind,
                       enum seal_algorithm algorithm, struct buf *scratch,
                       struct entry *out_entry) MUST_USE;
