// Growing byte buffer: written at the end, read at the front.
// Consumed bytes are given back by moving the rest to the front when room is needed.
#include "common/base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Smallest allocation: a frame header and a short reply.
#define SMALLEST_BYTES 256

static void buf_move_to_front(struct buf *buf) {
    if (buf->start == 0)
        return;
    memmove(buf->data, buf->data + buf->start, buf->end - buf->start);
    buf->end -= buf->start;
    buf->start = 0;
}

enum status buf_reserve(struct buf *buf, size_t size, uint8_t **out_room) {
    if (buf->capacity - buf->end < size && buf->start > 0)
        buf_move_to_front(buf);
    if (buf->data == NULL || buf->capacity - buf->end < size) {
        size_t needed;
        if (__builtin_add_overflow(buf->end, size, &needed) || needed > SIZE_MAX / 4)
            return STATUS_NO_MEMORY;
        size_t capacity = buf->capacity < SMALLEST_BYTES ? SMALLEST_BYTES : buf->capacity * 2;
        if (capacity < needed)
            capacity = needed;
        uint8_t *data = realloc(buf->data, capacity);
        if (data == NULL)
            return STATUS_NO_MEMORY;
        buf->data = data;
        buf->capacity = capacity;
    }
    *out_room = buf->data + buf->end;
    return STATUS_OK;
}

void buf_commit(struct buf *buf, size_t size) {
    assert(size <= buf->capacity - buf->end);
    buf->end += size;
}

enum status buf_append(struct buf *buf, const void *data, size_t size) {
    if (size == 0)
        return STATUS_OK;
    uint8_t *room;
    TRY(buf_reserve(buf, size, &room));
    memcpy(room, data, size);
    buf_commit(buf, size);
    return STATUS_OK;
}

enum status buf_append_string(struct buf *buf, const char *string) {
    return buf_append(buf, string, strlen(string));
}

enum status buf_format(struct buf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        return STATUS_INVALID;
    uint8_t *room;
    TRY(buf_reserve(buf, (size_t)length + 1, &room));
    va_start(args, format);
    (void)vsnprintf((char *)room, (size_t)length + 1, format, args);
    va_end(args);
    buf_commit(buf, (size_t)length); // the NUL behind it is not part of the content
    return STATUS_OK;
}

void buf_consume(struct buf *buf, size_t size) {
    assert(size <= buf_size(buf));
    buf->start += size;
    if (buf->start == buf->end)
        buf_reset(buf);
}

size_t buf_size(const struct buf *buf) {
    return buf->end - buf->start;
}

struct view buf_view(const struct buf *buf) {
    if (buf->data == NULL)
        return (struct view){NULL, 0};
    return view_from(buf->data + buf->start, buf_size(buf));
}

void buf_reset(struct buf *buf) {
    buf->start = 0;
    buf->end = 0;
}

void buf_free(struct buf *buf) {
    free(buf->data);
    *buf = (struct buf){0};
}
