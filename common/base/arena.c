// Bump allocation in a chain of blocks; the newest block is the one that is filled.
// The arena owns its blocks. The first block is kept over a reset, so that a request after the
// first one allocates nothing from the C library.
#include "common/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One page less malloc's own header: most requests fit into the first block.
#define FIRST_BLOCK_BYTES 4000
// Larger blocks for those that do not; beyond it a block is as large as what is asked for.
#define NEXT_BLOCK_BYTES 32000

struct block {
    struct block *older; // owns
    size_t capacity;
    size_t used;
    alignas(max_align_t) uint8_t data[];
};

struct arena {
    struct block *newest; // owns
    size_t limit_bytes;   // 0: none
    size_t used_bytes;    // over all blocks
};

struct arena *arena_new(size_t limit_bytes) {
    struct arena *arena = calloc(1, sizeof(*arena));
    if (arena != NULL)
        arena->limit_bytes = limit_bytes;
    return arena;
}

static bool arena_grow(struct arena *arena, size_t size) {
    size_t capacity = arena->newest == NULL ? FIRST_BLOCK_BYTES : NEXT_BLOCK_BYTES;
    if (capacity < size)
        capacity = size;
    struct block *block = malloc(sizeof(*block) + capacity);
    if (block == NULL)
        return false;
    block->older = arena->newest;
    block->capacity = capacity;
    block->used = 0;
    arena->newest = block;
    return true;
}

void *arena_alloc(struct arena *arena, size_t size) {
    if (size > SIZE_MAX / 4)
        return NULL;
    size_t align = alignof(max_align_t);
    size_t rounded = (size + align - 1) / align * align;
    if (rounded == 0)
        rounded = align; // distinct addresses, never NULL on success
    if (arena->limit_bytes != 0 && rounded > arena->limit_bytes - arena->used_bytes)
        return NULL;
    struct block *block = arena->newest;
    if (block == NULL || rounded > block->capacity - block->used) {
        if (!arena_grow(arena, rounded))
            return NULL;
        block = arena->newest;
    }
    void *room = block->data + block->used;
    block->used += rounded;
    arena->used_bytes += rounded;
    return memset(room, 0, rounded);
}

void *arena_array(struct arena *arena, size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    return arena_alloc(arena, bytes);
}

char *arena_string(struct arena *arena, struct view text) {
    char *copy = text.size == SIZE_MAX ? NULL : arena_alloc(arena, text.size + 1);
    if (copy != NULL && text.size > 0)
        memcpy(copy, text.data, text.size);
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : arena_alloc(arena, (size_t)length + 1);
    if (text == NULL)
        return NULL;
    va_start(args, format);
    (void)vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}

size_t arena_used_bytes(const struct arena *arena) {
    return arena->used_bytes;
}

void arena_reset(struct arena *arena) {
    while (arena->newest != NULL && arena->newest->older != NULL) {
        struct block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
    struct block *first = arena->newest;
    if (first != NULL && first->capacity > NEXT_BLOCK_BYTES) { // one large request must not stay
        free(first);
        arena->newest = NULL;
    } else if (first != NULL) {
        first->used = 0;
    }
    arena->used_bytes = 0;
}

void arena_free(struct arena **arena) {
    if (*arena == NULL)
        return;
    arena_reset(*arena);
    free((*arena)->newest);
    free(*arena);
    *arena = NULL;
}
