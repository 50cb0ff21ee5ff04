// A set of ids with a number each: open addressing, grows, lives in an arena.
// Used by the assessor to find what it has loaded or computed for a subject.
#pragma once

#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/uuid.h"

#define UUID_MAP_NONE ((size_t)-1)

struct uuid_map {
    struct arena *arena; // borrows
    struct uuid *ids;    // by slot
    size_t *values;      // by slot; UUID_MAP_NONE: free
    size_t capacity;     // a power of two, or 0
    size_t used;
};

// STATUS_EXISTS leaves the first value. The map grows in its arena; the old tables stay there.
enum status uuid_map_add(struct uuid_map *map, struct uuid id, size_t value) MUST_USE;
size_t uuid_map_find(const struct uuid_map *map, struct uuid id); // UUID_MAP_NONE: not in it
