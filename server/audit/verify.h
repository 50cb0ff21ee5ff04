// Verification of the audit chain against the tables, from the beginning or against heads that were
// exported earlier. Reads one snapshot, writes nothing, uses none of the database's own functions.
// Called by lianxiaoctl audit.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/wire/seal.h"
#include "server/audit/key.h"
#include "server/db/sync.h"

// A head of a chain that somebody has kept outside the database.
struct audit_witness {
    int32_t district; // AUDIT_ANY_DISTRICT: only the hash is known
    int64_t number;
    uint8_t hash[SEAL_HASH_SIZE];
    bool found; // set by audit_verify
};
#define AUDIT_ANY_DISTRICT INT32_MIN

// One thing that is not as it was sealed. Texts live until the callback returns.
struct audit_finding {
    int32_t district;
    int64_t seal;     // 0: none
    const char *row;  // "op_run ...", "fact ...": which row; "": the seal itself
    const char *what; // what is wrong with it
};

struct audit_options {
    const struct audit_ring *ring; // borrows
    struct audit_witness *witnesses;
    size_t n_witnesses;
    void (*on_finding)(void *user, const struct audit_finding *finding);
    void *user;
};

struct audit_result {
    size_t seals, runs, actions, facts, roster_rows, reference_rows; // looked at
    size_t unsealed;  // runs and actions that are too young to be sealed
    size_t pruned;    // runs that are sealed and were pruned by age
    size_t uncovered; // facts and roster rows from before there were content hashes
    size_t findings;
};

// STATUS_OK also with findings; everything else: the database could not be read.
enum status audit_verify(struct db_sync *db, const struct audit_options *options,
                         struct audit_result *out_result) MUST_USE;
