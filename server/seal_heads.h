// The newest seals of the audit chain, one a district, which every push's reply hands to the
// client. Read once a second; one object per worker, owned by its handlers.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/status.h"
#include "proto/audit.pb-c.h"

struct seal_heads; // opaque
struct worker;

struct seal_heads *seal_heads_new(struct worker *worker); // NULL: out of memory
void seal_heads_free(struct seal_heads **heads);
// Asks the database again when the last answer is a second old. Call at every tick.
void seal_heads_refresh(struct seal_heads *heads, int64_t monotonic_ms);
// The head of a district, in the arena. NULL: none is known, or memory is out.
Lx__SealHead *seal_heads_find(const struct seal_heads *heads, int32_t district,
                              struct arena *arena);
