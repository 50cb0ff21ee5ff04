// A growing byte buffer that is written at the end and read at the front.
// The holder owns `data`; buf_free is the only way out.
#pragma once

#include "common/base/status.h"
#include "common/base/view.h"

struct buf {
    uint8_t *data; // owns
    size_t start;  // first unread byte
    size_t end;    // one behind the last written byte
    size_t capacity;
};

enum status buf_append(struct buf *buf, const void *data, size_t size) MUST_USE;
enum status buf_append_string(struct buf *buf, const char *string) MUST_USE;
enum status buf_format(struct buf *buf, const char *format, ...) MUST_USE
    __attribute__((format(printf, 2, 3)));
// Room for `size` more bytes at the end; write there, then buf_commit.
enum status buf_reserve(struct buf *buf, size_t size, uint8_t **out_room) MUST_USE;
void buf_commit(struct buf *buf, size_t size);
void buf_consume(struct buf *buf, size_t size); // drops from the front
size_t buf_size(const struct buf *buf);         // unread bytes
struct view buf_view(const struct buf *buf);    // the unread bytes; valid until the next write
void buf_reset(struct buf *buf);                // empties, keeps memory
void buf_free(struct buf *buf);                 // frees memory, leaves an empty, usable buffer
