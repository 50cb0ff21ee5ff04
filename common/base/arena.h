// Bump allocation with a byte limit: one arena a request (or a command), freed in one go.
// The caller owns the arena; everything allocated from it lives until arena_reset or arena_free.
#pragma once

#include <stddef.h>

#include "common/base/status.h"
#include "common/base/view.h"

struct arena; // opaque

// limit_bytes: all allocations together never exceed it (0 = no limit). NULL when memory is out.
struct arena *arena_new(size_t limit_bytes);
// Zeroed memory, aligned for any type; NULL when the limit or memory is reached.
void *arena_alloc(struct arena *arena, size_t size) MUST_USE;
// n * size, NULL on overflow, too.
void *arena_array(struct arena *arena, size_t n, size_t size) MUST_USE;
char *arena_string(struct arena *arena, struct view text) MUST_USE; // NUL-terminated copy
char *arena_format(struct arena *arena, const char *format, ...) MUST_USE
    __attribute__((format(printf, 2, 3)));
size_t arena_used_bytes(const struct arena *arena);
void arena_reset(struct arena *arena); // forgets everything, keeps the first block
void arena_free(struct arena **arena);
