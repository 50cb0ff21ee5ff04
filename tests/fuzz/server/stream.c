// A stream without descriptor and TLS. Takes the place of common/net/stream.c when the program is
// linked. See stream.h.
#include "tests/fuzz/server/stream.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/server/spare.h"
#include "tests/fuzz/server/world.h"

struct stream {
    stream_ready_fn ready;
    void *user;
    struct stream **place; // NULL: nobody watches
    struct buf in, out;    // owns
    unsigned want;
    bool open, ended, has_device;
    int64_t device_until_ms;
};

static struct stream *newest;

struct stream *memory_stream_last(void) {
    return newest;
}

void memory_stream_show_device(struct stream *stream, int64_t until_ms) {
    stream->has_device = true;
    stream->device_until_ms = until_ms;
}

static void append(struct buf *to, struct view bytes) {
    world_spare(true);
    if (buf_append(to, bytes.data, bytes.size) != STATUS_OK)
        abort();
    world_spare(false);
}

void memory_stream_arrive(struct stream *stream, struct view bytes) {
    append(&stream->in, bytes);
}

void memory_stream_end(struct stream *stream) {
    stream->ended = true;
}

bool memory_stream_ready(struct stream *stream) {
    bool readable =
        (stream->want & STREAM_READ) != 0 && (buf_size(&stream->in) > 0 || stream->ended);
    bool writable = (stream->want & STREAM_WRITE) != 0;
    if (!readable && !writable && stream->open)
        return false;
    stream->ready(stream->user);
    return true;
}

struct buf *memory_stream_sent(struct stream *stream) {
    return &stream->out;
}

void memory_stream_watch(struct stream *stream, struct stream **place) {
    stream->place = place;
    *place = stream;
}

// ---- stream.h ----

struct stream *stream_new_server(struct tls_context *tls, struct event_base *base, int fd,
                                 stream_ready_fn ready, void *user) {
    (void)tls;
    (void)base;
    (void)fd;
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    stream->ready = ready;
    stream->user = user;
    newest = stream;
    return stream;
}

void stream_free(struct stream **stream_at) {
    struct stream *stream = *stream_at;
    if (stream == NULL)
        return;
    if (stream->place != NULL)
        *stream->place = NULL;
    buf_free(&stream->in);
    buf_free(&stream->out);
    free(stream);
    *stream_at = NULL;
}

enum io_result stream_handshake(struct stream *stream) {
    stream->open = true;
    stream->want = STREAM_READ;
    return IO_OK;
}

enum io_result stream_read(struct stream *stream, uint8_t *room, size_t size, size_t *out_size) {
    struct view bytes = buf_view(&stream->in);
    if (bytes.size == 0)
        return stream->ended ? IO_EOF : IO_AGAIN;
    *out_size = bytes.size < size ? bytes.size : size;
    memcpy(room, bytes.data, *out_size);
    buf_consume(&stream->in, *out_size);
    return IO_OK;
}

enum io_result stream_write(struct stream *stream, struct view bytes, size_t *out_size) {
    append(&stream->out, bytes);
    *out_size = bytes.size;
    return IO_OK;
}

void stream_want(struct stream *stream, unsigned directions) {
    stream->want = directions;
}

bool stream_has_pending(const struct stream *stream) {
    return buf_size(&stream->in) > 0;
}

bool stream_take_peer(struct stream *stream, uint8_t out_device[32], int64_t *out_until_ms) {
    memset(out_device, WORLD_DEVICE, 32);
    *out_until_ms = stream->device_until_ms;
    return stream->has_device;
}

const char *stream_error(const struct stream *stream) {
    (void)stream;
    return "";
}

int stream_fd(const struct stream *stream) {
    (void)stream;
    return -1;
}
