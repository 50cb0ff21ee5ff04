// Heads of the server's audit chain that pushes have brought: the newest of each day and district
// is kept for good, so that an auditor can take this home as a witness. Written by the sync engine.
#pragma once

#include "client/store/store.h"
#include "proto/audit.pb-c.h"

struct store_witness {
    uint32_t district;
    uint64_t number;
    const char *line; // "head DISTRICT NUMBER ALGORITHM MILLISECONDS HASH", as lianxiaoctl reads it
};

// Needs an open transaction. Notes it when the chain has gone back behind what was seen before.
enum status store_witness_put(struct store *store, const Lx__SealHead *head) MUST_USE;
// All that are kept, by district and day; in the arena.
enum status store_witnesses(struct store *store, struct arena *arena, size_t *out_n,
                            struct store_witness **out_witnesses) MUST_USE;
// Has a chain ever gone back behind a head that was kept here?
enum status store_witness_went_back(struct store *store, bool *out_back) MUST_USE;
