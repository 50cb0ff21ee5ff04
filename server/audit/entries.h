// What a seal covers, row by row: key and leaf, in the order of the tree. Stored in
// lx.seal.entries, so that the root can be computed after op_run was pruned. Pure.
//
// A run of operations: 0x01, stream (16), length of the device id (1), device, op_to (8), leaf
// (32). An action (a row of audit): 0x02, id (16), leaf (32). Numbers are big-endian.
#pragma once

#include "common/base/buf.h"
#include "common/base/uuid.h"
#include "common/wire/seal.h"

enum entry_kind { ENTRY_RUN = 1, ENTRY_ACTION = 2 };

struct entry {
    enum entry_kind kind;
    struct uuid id;     // of an action; the stream of a run
    struct view device; // of a run; borrows
    int64_t op_to;      // of a run
    uint8_t leaf[SEAL_HASH_SIZE];
};

enum status entry_append(struct buf *buf, const struct entry *entry) MUST_USE;
// Takes the next entry off *rest. STATUS_NOT_FOUND: the end. STATUS_CORRUPT: no entry.
enum status entry_next(struct view *rest, struct entry *out_entry) MUST_USE;
