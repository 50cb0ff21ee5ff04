// libFuzzer: any bytes in any pieces. The frames must be those that the bytes in one piece give, no
// payload is over the cap, and a broken reader stays broken.
#include <stdlib.h>
#include <string.h>

#include "common/wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CAP 600
#define MAX_FRAMES 512

static void check(bool holds) {
    if (!holds)
        abort();
}

struct seen {
    size_t n;
    size_t end; // bytes taken when the reader broke, or all
    struct frame_header headers[MAX_FRAMES];
    uint8_t sums[MAX_FRAMES];
    enum status last;
};

static uint8_t sum(struct view bytes) {
    uint8_t total = 0;
    for (size_t i = 0; i < bytes.size; i++)
        total = (uint8_t)(total * 31 + bytes.data[i]);
    return total;
}

// Feeds one piece; false: the reader is broken.
static bool feed(struct frame_reader *reader, struct view piece, struct seen *seen) {
    struct frame frame;
    for (;;) {
        size_t before = piece.size;
        seen->last = frame_read(reader, &piece, &frame);
        seen->end += before - piece.size;
        if (seen->last == STATUS_AGAIN)
            check(piece.size == 0);
        if (seen->last != STATUS_OK)
            return seen->last == STATUS_AGAIN;
        check(frame.payload.size == frame.header.length && frame.header.length <= CAP);
        if (seen->n < MAX_FRAMES) {
            seen->headers[seen->n] = frame.header;
            seen->sums[seen->n] = sum(frame.payload);
            seen->n++;
        }
        if (piece.size % 2 == 0)
            frame_reader_trim(reader);
    }
}

static void run(struct view bytes, size_t piece_size, struct seen *out) {
    struct frame_reader reader;
    frame_reader_init(&reader, CAP);
    memset(out, 0, sizeof *out);
    for (size_t at = 0; at < bytes.size; at += piece_size) {
        size_t left = bytes.size - at;
        struct view piece = {bytes.data + at, left < piece_size ? left : piece_size};
        if (!feed(&reader, piece, out))
            break;
    }
    if (reader.state == FRAME_STATE_BROKEN) {
        struct frame frame;
        struct view more = bytes;
        check(frame_read(&reader, &more, &frame) == STATUS_LIMIT);
    }
    frame_reader_free(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct seen whole, pieces;
    if (size < 2)
        return 0;
    struct view bytes = {data + 1, size - 1};
    run(bytes, bytes.size, &whole);
    run(bytes, 1 + data[0] % 40, &pieces);
    check(whole.n == pieces.n && whole.end == pieces.end && whole.last == pieces.last);
    check(memcmp(whole.headers, pieces.headers, whole.n * sizeof whole.headers[0]) == 0);
    check(memcmp(whole.sums, pieces.sums, whole.n) == 0);
    return 0;
}
