// A view of bytes somebody else owns, and of text. Never NUL-terminated by promise.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct view {
    const uint8_t *data; // borrows; NULL only with size 0
    size_t size;
};

// A view of a NUL-terminated string (without the NUL); NULL gives the empty view.
struct view view_from_string(const char *string);
struct view view_from(const void *data, size_t size);
bool view_equal(struct view a, struct view b);
// <0, 0, >0 like memcmp; a shorter prefix sorts first.
int view_compare(struct view a, struct view b);

#define VIEW_LITERAL(s) ((struct view){(const uint8_t *)(s), sizeof(s) - 1})
