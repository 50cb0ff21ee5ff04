// The programmes' schemes as they are in force now, compiled once per version.
// Owned by whoever opens it (the assessor's process, verify).
#pragma once

#include <stddef.h>

#include "common/assess/scheme.h"
#include "server/db/sync.h"

struct scheme_entry {
    const struct scheme *scheme; // lives in `arena`
    struct arena *arena;         // owns
};

struct scheme_set {
    struct scheme_entry *entries; // owns; one per programme, in the order of their numbers
    size_t n;
};

// Reads the schemes again; compiles those that are new. On failure the cache is as it was.
// A scheme that does not compile is logged and left out.
enum status scheme_set_refresh(struct scheme_set *cache, struct db_sync *db) MUST_USE;
void scheme_set_free(struct scheme_set *cache);
// Does a stage or a rule's window begin or end in former < day <= today?
bool scheme_set_day_acts(const struct scheme_set *cache, int32_t former, int32_t today);
