// What the world allocates for itself does not fail where allocations fail on purpose
// (tests/lib/alloc, linked by tests/fault/alloc only).
#pragma once

#include <stdbool.h>

void alloc_spare(bool on) __attribute__((weak));

static inline void world_spare(bool on) {
    if (alloc_spare)
        alloc_spare(on);
}
