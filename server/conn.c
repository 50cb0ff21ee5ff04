// The connection's state machine. Three things go on at once and are kept apart: reading frames
// (paused by back-pressure), answering (any time, any order), sending (at the end of the loop's
// turn).
#include "server/conn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/stream.h"
#include "common/wire/unpack.h"
#include "server/dispatch.h"
#include "server/nudge.h"
#include "server/request_internal.h"
#include "server/worker.h"

_Static_assert(sizeof(struct conn) <= 1024, "own state of an idle connection");

#define READ_SIZE 16384        // one TLS record
#define READS_PER_TURN 8       // then others are served first
#define EVENT_ROOM (64 * 1024) // a peer with more unsent than this gets no events
#define RETRY_FULL_MS 5000

static void on_ready(void *user);

// ---- small things ----

static bool may_read(const struct conn *conn) {
    return (conn->state == CONN_STATE_GREETING || conn->state == CONN_STATE_OPEN) &&
           conn->places < FRAME_MAX_IN_FLIGHT &&
           buf_size(&conn->out) < (size_t)conn->worker->config->max_unsent_bytes;
}

static void update_want(struct conn *conn) {
    if (conn->state == CONN_STATE_HANDSHAKE || conn->state == CONN_STATE_CLOSED)
        return;
    unsigned want = 0;
    if (may_read(conn))
        want |= STREAM_READ;
    if (buf_size(&conn->out) > 0 && !conn->is_dirty) // else this turn sends it: mostly all of it
        want |= STREAM_WRITE;
    stream_want(conn->stream, want);
}

// Bytes that no event of the descriptor will tell of.
static bool has_buffered(const struct conn *conn) {
    return buf_size(&conn->in) > 0 || stream_has_pending(conn->stream);
}

static void mark_dirty(struct conn *conn) {
    if (conn->is_dirty || conn->state == CONN_STATE_CLOSED)
        return;
    conn->is_dirty = true;
    conn->next_dirty = conn->worker->dirty;
    conn->worker->dirty = conn;
}

static void mark_again(struct conn *conn) {
    if (conn->reading_again || conn->state == CONN_STATE_CLOSED)
        return;
    conn->reading_again = true;
    conn->next_again = conn->worker->again;
    conn->worker->again = conn;
}

static void mark_closed(struct conn *conn) {
    if (conn->is_closed)
        return;
    conn->is_closed = true;
    conn->next_closed = conn->worker->closed;
    conn->worker->closed = conn;
}

static int64_t earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t next_deadline(const struct conn *conn) {
    const struct config *config = conn->worker->config;
    if (conn->state == CONN_STATE_HANDSHAKE)
        return conn->opened_at_ms + config->handshake_timeout_ms;
    int64_t deadline = conn->context.session != NULL
                           ? conn->heard_at_ms + config->idle_timeout_ms
                           : conn->opened_at_ms + config->hello_timeout_ms;
    if (conn->frame_at_ms != 0)
        deadline = earlier(deadline, conn->frame_at_ms + config->frame_timeout_ms);
    if (conn->write_at_ms != 0)
        deadline = earlier(deadline, conn->write_at_ms + config->write_timeout_ms);
    return deadline;
}

// The wheel may fire too early (then the deadline is set again), never too late.
static void update_deadline(struct conn *conn) {
    int64_t deadline = next_deadline(conn);
    if (conn->deadline.next == NULL || deadline < conn->deadline.deadline_ms)
        wheel_set(conn->worker->wheel, &conn->deadline, deadline);
}

void conn_deadline(struct wheel_node *node, void *user) {
    (void)user;
    struct conn *conn = (struct conn *)((char *)node - offsetof(struct conn, deadline));
    if (next_deadline(conn) > clock_monotonic_ms())
        update_deadline(conn);
    else if (conn->in_flight > 0 && conn->frame_at_ms == 0 && conn->write_at_ms == 0)
        wheel_set(conn->worker->wheel, node, node->deadline_ms + 1000); // we are the slow ones
    else
        conn_close(conn, "deadline");
}

// ---- beginning and end ----

void conn_open(struct worker *worker, int fd, const char *peer, bool refusing) {
    struct conn *conn = calloc(1, sizeof *conn);
    struct stream *stream =
        conn != NULL ? stream_new_server(worker->tls, worker->base, fd, on_ready, conn) : NULL;
    if (stream == NULL) { // the descriptor is closed unless conn itself was not to be had
        if (conn == NULL)
            close(fd);
        free(conn);
        return;
    }
    conn->worker = worker;
    conn->stream = stream;
    conn->refusing = refusing;
    conn->opened_at_ms = clock_monotonic_ms();
    snprintf(conn->context.peer, sizeof conn->context.peer, "%s", peer);
    frame_reader_init(&conn->reader, FRAME_CAP_GREETING);
    conn->next = worker->conns;
    if (conn->next != NULL)
        conn->next->previous = conn;
    worker->conns = conn;
    worker->conn_count++;
    update_deadline(conn);
}

static void unlink_conn(struct conn *conn) {
    if (conn->previous != NULL)
        conn->previous->next = conn->next;
    else
        conn->worker->conns = conn->next;
    if (conn->next != NULL)
        conn->next->previous = conn->previous;
    conn->next = conn->previous = NULL;
    conn->worker->conn_count--;
}

void conn_close(struct conn *conn, const char *why) {
    if (conn->state == CONN_STATE_CLOSED)
        return;
    log_debug("%s: closed: %s", conn->context.peer, why);
    if (conn->state != CONN_STATE_HANDSHAKE)
        stream_want(conn->stream, 0);
    conn->state = CONN_STATE_CLOSED;
    wheel_remove(&conn->deadline);
    unlink_conn(conn);
    nudge_unsubscribe(conn);
    mark_closed(conn);
}

void conn_greeted(struct conn *conn) {
    if (conn->state == CONN_STATE_GREETING)
        conn->state = CONN_STATE_OPEN;
}

void conn_close_gently(struct conn *conn) {
    if (conn->state == CONN_STATE_HANDSHAKE)
        conn_close(conn, "shutting down");
    if (conn->state == CONN_STATE_CLOSED)
        return;
    conn->state = CONN_STATE_CLOSING;
    mark_dirty(conn);
}

static void release_retired(struct conn *conn) {
    while (conn->retired != NULL) {
        struct held_session *retired = conn->retired;
        conn->retired = retired->next;
        retired->release(retired->session);
    }
}

void conn_reap(struct conn *conn) {
    conn->is_closed = false;
    stream_free(&conn->stream);
    buf_free(&conn->in);
    buf_free(&conn->out);
    frame_reader_free(&conn->reader);
    if (conn->in_flight > 0 || conn->is_dirty || conn->reading_again)
        return; // the last of them brings it here again
    conn_set_session(conn, NULL);
    release_retired(conn);
    free(conn);
}

void conn_set_session(struct conn *conn, struct held_session *held) {
    struct session *session = held != NULL ? held->session : NULL;
    if (conn->held != NULL) {
        conn->held->next = conn->retired;
        conn->retired = conn->held;
    }
    conn->held = held;
    conn->context.session = session;
    conn->reader.cap_bytes = session != NULL ? FRAME_CAP_SESSION : FRAME_CAP_GREETING;
    conn->heard_at_ms = clock_monotonic_ms();
    if (session == NULL) {
        conn->opened_at_ms = conn->heard_at_ms; // time for another login
        nudge_unsubscribe(conn);
    }
    if (conn->state != CONN_STATE_CLOSED)
        update_deadline(conn);
}

// ---- sending ----

bool conn_send_event(struct conn *conn, uint16_t method, const ProtobufCMessage *message) {
    struct frame_header header = {.method = method, .kind = LX__FRAME_KIND__EVENT};
    if (conn->state != CONN_STATE_OPEN || buf_size(&conn->out) > EVENT_ROOM ||
        unpack_append_frame(&header, message, &conn->out) != STATUS_OK)
        return false;
    mark_dirty(conn);
    return true;
}

static void send_out(struct conn *conn) {
    while (buf_size(&conn->out) > 0) {
        size_t taken = 0;
        enum io_result result = stream_write(conn->stream, buf_view(&conn->out), &taken);
        if (result == IO_OK) {
            buf_consume(&conn->out, taken);
            conn->write_at_ms = clock_monotonic_ms();
            continue;
        }
        if (result != IO_AGAIN)
            conn_close(conn, "peer gone while sending");
        else if (conn->write_at_ms == 0)
            conn->write_at_ms = clock_monotonic_ms();
        return;
    }
    conn->write_at_ms = 0;
    buf_free(&conn->out); // an idle connection holds no buffer
}

void conn_flush(struct conn *conn) {
    conn->is_dirty = false;
    if (conn->state == CONN_STATE_CLOSED) {
        mark_closed(conn);
        return;
    }
    bool could_read = may_read(conn);
    send_out(conn);
    if (conn->state == CONN_STATE_CLOSED)
        return;
    if (conn->state == CONN_STATE_CLOSING && conn->in_flight == 0 && buf_size(&conn->out) == 0) {
        conn_close(conn, "all answered");
        return;
    }
    if (!could_read && may_read(conn) && has_buffered(conn))
        mark_again(conn);
    update_want(conn);
    update_deadline(conn);
}

void conn_request_answered(struct conn *conn) {
    if (conn->in_flight == 0)
        release_retired(conn);
    if (conn->state == CONN_STATE_CLOSED) {
        if (conn->in_flight == 0)
            mark_closed(conn);
        return;
    }
    mark_dirty(conn);
    if (may_read(conn) && has_buffered(conn)) // reading was paused
        mark_again(conn);
}

// ---- requests ----

// Why this frame can't be opened as a request; REASON_NONE: it can.
static enum reason_id check_frame(const struct conn *conn, const struct frame_header *header,
                                  const struct method_info *method) {
    if (header->kind != LX__FRAME_KIND__REQUEST)
        return REASON_KIND_NOT_REQUEST;
    if (header->flags != 0)
        return REASON_FLAGS_NOT_ZERO;
    for (const struct request *other = conn->requests; other != NULL; other = other->next)
        if (other->id == header->request_id)
            return REASON_REQUEST_ID_IN_USE;
    if (conn->refusing)
        return REASON_TOO_MANY_CONNECTIONS;
    if (conn->state == CONN_STATE_GREETING && header->method != LX__METHOD__HELLO)
        return REASON_HELLO_FIRST;
    if (conn->state == CONN_STATE_OPEN && header->method == LX__METHOD__HELLO)
        return REASON_HELLO_TWICE;
    if (method == NULL || method->request == NULL)
        return REASON_METHOD_UNKNOWN;
    if (header->length > method->cap_bytes)
        return REASON_PAYLOAD_TOO_LARGE;
    return REASON_NONE;
}

// Answers with the reason and its parameters; says whether the connection can go on.
static void refuse(struct request *request, enum reason_id reason,
                   const struct frame_header *header, uint32_t cap_bytes) {
    char first[16], second[16];
    switch ((int)reason) {
    case REASON_KIND_NOT_REQUEST:
        snprintf(first, sizeof first, "%u", header->kind);
        request_close_after(request);
        request_fail(request, reason, NULL, first, NULL);
        break;
    case REASON_REQUEST_ID_IN_USE:
        snprintf(first, sizeof first, "%" PRIu32, header->request_id);
        request_close_after(request);
        request_fail(request, reason, NULL, first, NULL);
        break;
    case REASON_METHOD_UNKNOWN:
        snprintf(first, sizeof first, "%u", header->method);
        request_fail(request, reason, NULL, first, NULL);
        break;
    case REASON_PAYLOAD_TOO_LARGE:
        snprintf(first, sizeof first, "%" PRIu32, header->length);
        snprintf(second, sizeof second, "%" PRIu32, cap_bytes);
        request_fail(request, reason, NULL, first, second, NULL);
        break;
    case REASON_TOO_MANY_CONNECTIONS:
        request_close_after(request);
        request_fail_later(request, reason, RETRY_FULL_MS);
        break;
    default:
        request_fail(request, reason, NULL, NULL);
    }
}

static void refuse_message(struct request *request, const struct scan_fault *fault) {
    const struct reason_info *info = reason_find((uint32_t)fault->reason);
    const char *value = info->parameters[0] != '\0' ? fault->value : NULL;
    request_fail(request, fault->reason, fault->field, value, NULL);
}

static void open_request(struct conn *conn, const struct frame *frame) {
    enum reason_id reason = check_frame(conn, &frame->header, method_find(frame->header.method));
    struct request *request = request_open(conn, &frame->header);
    if (request == NULL) {
        conn_close(conn, "out of memory for a request");
        return;
    }
    if (reason != REASON_NONE) {
        refuse(request, reason, &frame->header,
               request->method != NULL ? request->method->cap_bytes : 0);
        return;
    }
    struct scan_fault fault;
    if (unpack_message(request->method->request, frame->payload, &SCAN_LIMITS_REQUEST,
                       request->arena, &request->message, &fault) != STATUS_OK) {
        refuse_message(request, &fault);
        return;
    }
    dispatch_request(request);
}

// The header announces more than the connection's cap: answered, then closed, since its body can't
// be skipped safely.
static void refuse_oversized(struct conn *conn, const struct frame_header *header) {
    struct request *request = request_open(conn, header);
    if (request == NULL) {
        conn_close(conn, "out of memory for a request");
        return;
    }
    request_close_after(request);
    refuse(request, REASON_PAYLOAD_TOO_LARGE, header, conn->reader.cap_bytes);
}

// ---- reading ----

// Takes whole frames from the bytes until they or the permission to read end.
static void read_frames(struct conn *conn, struct view *bytes) {
    struct frame frame;
    while (bytes->size > 0 && may_read(conn)) {
        enum status status = frame_read(&conn->reader, bytes, &frame);
        if (status == STATUS_AGAIN)
            break;
        if (status == STATUS_LIMIT) {
            refuse_oversized(conn, &frame.header);
            break;
        }
        if (status != STATUS_OK) {
            conn_close(conn, "out of memory for a frame");
            break;
        }
        conn->heard_at_ms = clock_monotonic_ms();
        open_request(conn, &frame);
        frame_reader_trim(&conn->reader);
    }
    conn->frame_at_ms = !frame_reader_is_inside(&conn->reader) ? 0
                        : conn->frame_at_ms != 0               ? conn->frame_at_ms
                                                               : clock_monotonic_ms();
}

// First what was read before; true: all of it is used up.
static bool read_buffered(struct conn *conn) {
    struct view bytes = buf_view(&conn->in);
    if (bytes.size == 0)
        return true;
    size_t before = bytes.size;
    read_frames(conn, &bytes);
    if (conn->state == CONN_STATE_CLOSED)
        return false;
    buf_consume(&conn->in, before - bytes.size);
    if (bytes.size > 0)
        return false;
    buf_free(&conn->in);
    return true;
}

// One read; false: nothing more now.
static bool read_some(struct conn *conn) {
    static uint8_t room[READ_SIZE]; // one loop, one thread
    size_t size = 0;
    enum io_result result = stream_read(conn->stream, room, sizeof room, &size);
    if (result == IO_AGAIN)
        return false;
    if (result != IO_OK) {
        conn_close(conn, result == IO_EOF ? "by the peer" : stream_error(conn->stream));
        return false;
    }
    struct view bytes = view_from(room, size);
    read_frames(conn, &bytes);
    if (conn->state == CONN_STATE_CLOSED)
        return false;
    if (bytes.size > 0 && buf_append(&conn->in, bytes.data, bytes.size) != STATUS_OK) {
        conn_close(conn, "out of memory for input");
        return false;
    }
    return stream_has_pending(conn->stream) || size == sizeof room;
}

static void read_input(struct conn *conn) {
    bool more = read_buffered(conn);
    for (int reads = 0; more && may_read(conn); reads++) {
        if (reads == READS_PER_TURN) {
            mark_again(conn);
            break;
        }
        more = read_some(conn);
    }
    if (conn->state == CONN_STATE_CLOSED)
        return;
    update_want(conn);
    update_deadline(conn);
}

void conn_read_again(struct conn *conn) {
    conn->reading_again = false;
    if (conn->state == CONN_STATE_CLOSED)
        mark_closed(conn);
    else if (conn->state != CONN_STATE_HANDSHAKE)
        read_input(conn);
}

static void shake_hands(struct conn *conn) {
    enum io_result result = stream_handshake(conn->stream);
    if (result == IO_AGAIN)
        return;
    if (result != IO_OK) {
        conn_close(conn, stream_error(conn->stream));
        return;
    }
    struct request_context *context = &conn->context;
    context->has_device =
        stream_take_peer(conn->stream, context->device, &context->device_until_ms);
    context->device_expired =
        context->has_device && context->device_until_ms < worker_now_ms(conn->worker);
    conn->state = CONN_STATE_GREETING;
    conn->opened_at_ms = clock_monotonic_ms();
    update_deadline(conn);
    read_input(conn);
}

static void on_ready(void *user) {
    struct conn *conn = user;
    if (conn->state == CONN_STATE_CLOSED)
        return;
    if (conn->state == CONN_STATE_HANDSHAKE) {
        shake_hands(conn);
        return;
    }
    if (buf_size(&conn->out) > 0)
        mark_dirty(conn);
    if (may_read(conn))
        read_input(conn);
}
