// The request's life: opened by a frame, answered once, its arena kept for the next.
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/wire/unpack.h"
#include "server/conn.h"
#include "server/journal_keeper.h"
#include "server/request_internal.h"
#include "server/worker.h"

#define MAX_SPARES 64    // requests whose first block of memory is kept per worker
#define MAX_PARAMETERS 8 // of a reason
#define RETRY_DATABASE_MS 1000

static struct request *take_spare(struct worker *worker) {
    struct request *request = worker->idle_requests;
    if (request == NULL)
        return NULL;
    worker->idle_requests = request->next;
    worker->idle_request_count--;
    struct arena *arena = request->arena;
    *request = (struct request){.arena = arena};
    return request;
}

static struct request *make_request(struct worker *worker) {
    struct request *request = calloc(1, sizeof *request);
    if (request == NULL)
        return NULL;
    request->arena = arena_new((size_t)worker->config->request_memory_bytes);
    if (request->arena == NULL) {
        free(request);
        return NULL;
    }
    return request;
}

// Of an unknown method: one, for the moment until it is refused.
static unsigned places_of(const struct request *request) {
    return request->method != NULL ? request->method->places : 1;
}

struct request *request_open(struct conn *conn, const struct frame_header *header) {
    struct worker *worker = conn->worker;
    struct request *request = take_spare(worker);
    if (request == NULL)
        request = make_request(worker);
    if (request == NULL)
        return NULL;
    request->conn = conn;
    request->method = method_find(header->method);
    request->method_number = header->method;
    request->session = conn->context.session;
    request->id = header->request_id;
    request->number = ++worker->request_count;
    request->received_at_ms = worker_now_ms(worker);
    request->next = conn->requests;
    conn->requests = request;
    conn->in_flight++;
    conn->places += places_of(request);
    return request;
}

static void destroy(struct request *request) {
    arena_free(&request->arena);
    free(request);
}

// The only way out of a request's life.
static void finish(struct request *request) {
    struct conn *conn = request->conn;
    struct worker *worker = conn->worker;
    assert(request->answered);
    struct request **at = &conn->requests;
    while (*at != request)
        at = &(*at)->next;
    *at = request->next;
    conn->in_flight--;
    conn->places -= places_of(request);
    if (request->close_after)
        conn_close_gently(conn);
    conn_request_answered(conn);
    if (worker->idle_request_count >= MAX_SPARES) {
        destroy(request);
        return;
    }
    arena_reset(request->arena);
    request->conn = NULL;
    request->next = worker->idle_requests;
    worker->idle_requests = request;
    worker->idle_request_count++;
}

void request_free_spares(struct worker *worker) {
    for (struct request *request; (request = worker->idle_requests) != NULL;) {
        worker->idle_requests = request->next;
        destroy(request);
    }
    worker->idle_request_count = 0;
}

// ---- what handlers ask ----

const void *request_message(const struct request *request) {
    return request->message;
}

struct arena *request_arena(struct request *request) {
    return request->arena;
}

struct worker *request_worker(struct request *request) {
    return request->conn->worker;
}

const struct request_context *request_context(const struct request *request) {
    return &request->conn->context;
}

struct session *request_session(const struct request *request) {
    return request->session;
}

const struct method_info *request_method(const struct request *request) {
    return request->method;
}

uint64_t request_number(const struct request *request) {
    return request->number;
}

int64_t request_received_at_ms(const struct request *request) {
    return request->received_at_ms;
}

bool request_orphaned(const struct request *request) {
    return request->conn->state == CONN_STATE_CLOSED;
}

struct conn *request_conn(const struct request *request) {
    return request_orphaned(request) ? NULL : request->conn;
}

void request_set_session(struct request *request, struct held_session *held) {
    conn_set_session(request->conn, held);
}

void request_greeted(struct request *request) {
    conn_greeted(request->conn);
}

void request_close_after(struct request *request) {
    request->close_after = true;
}

// ---- answers ----

static enum status append(struct request *request, Lx__FrameKind kind,
                          const ProtobufCMessage *message, struct buf *out) {
    struct frame_header header = {
        .method = request->method_number,
        .kind = (uint8_t)kind,
        .request_id = request->id,
    };
    if (request_orphaned(request))
        return STATUS_OK;
    return unpack_append_frame(&header, message, out);
}

static void answer_error(struct request *request, const Lx__Reason *reason,
                         const uint32_t *retry_after_ms) {
    assert(!request->answered);
    const struct reason_info *info = reason != NULL ? reason_find(reason->reason) : NULL;
    Lx__Error error = LX__ERROR__INIT;
    error.has_code = true;
    error.code = info != NULL ? info->code : LX__CODE__INTERNAL;
    error.reason = (Lx__Reason *)reason;
    if (retry_after_ms != NULL) {
        error.has_retry_after_ms = true;
        error.retry_after_ms = *retry_after_ms;
    }
    request->answered = true;
    if (append(request, LX__FRAME_KIND__ERROR, &error.base, &request->conn->out) != STATUS_OK)
        conn_close(request->conn, "out of memory for an answer");
    finish(request);
}

// Methods that change nobody's rights. Everything else, what is yet to come included, is answered
// when the security journal has all that was committed so far.
static bool changes_no_rights(uint16_t method) {
    static const uint16_t methods[] = {
        LX__METHOD__PING, LX__METHOD__HELLO,     LX__METHOD__SCOPE,    LX__METHOD__PUSH,
        LX__METHOD__PULL, LX__METHOD__SUBSCRIBE, LX__METHOD__STANDING, LX__METHOD__STATISTICS,
    };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (methods[i] == method)
            return true;
    return false;
}

static void on_journal(struct request *request, enum status status) {
    struct view frame = buf_view(&request->held);
    if (status == STATUS_OK && !request_orphaned(request))
        status = buf_append(&request->conn->out, frame.data, frame.size);
    buf_free(&request->held);
    if (status != STATUS_OK) {
        request_fail_later(request, REASON_JOURNAL_UNAVAILABLE, RETRY_DATABASE_MS);
        return;
    }
    request->answered = true;
    finish(request);
}

void request_reply(struct request *request, const ProtobufCMessage *reply) {
    struct journal_keeper *journal = request_worker(request)->journal;
    bool held = journal != NULL && !changes_no_rights(request->method_number);
    assert(!request->answered);
    assert(reply->descriptor == request->method->reply);
    enum status status =
        append(request, LX__FRAME_KIND__REPLY, reply, held ? &request->held : &request->conn->out);
    if (status != STATUS_OK) {
        log_error("request %" PRIu64 " %s: the reply is too large (%s)", request->number,
                  request->method->name, status_name(status));
        request_fail(request, REASON_INTERNAL, NULL, NULL);
        return;
    }
    if (held) {
        journal_keeper_wait(journal, request, on_journal);
        return;
    }
    request->answered = true;
    finish(request);
}

void request_fail_reason(struct request *request, const Lx__Reason *reason) {
    answer_error(request, reason, NULL);
}

void request_fail(struct request *request, enum reason_id reason, const char *field, ...) {
    const char *values[MAX_PARAMETERS];
    size_t n = 0;
    va_list list;
    va_start(list, field);
    for (const char *value; (value = va_arg(list, const char *)) != NULL;) {
        assert(n < MAX_PARAMETERS);
        values[n++] = value;
    }
    va_end(list);
    answer_error(request, reason_new_v(request->arena, reason, field, values, n), NULL);
}

void request_fail_later(struct request *request, enum reason_id reason, uint32_t retry_after_ms) {
    answer_error(request, reason_new(request->arena, reason, NULL, NULL), &retry_after_ms);
}

void request_fail_status(struct request *request, enum status status, const char *what) {
    if (status == STATUS_AGAIN || status == STATUS_IO) {
        request_fail_later(request, REASON_DATABASE_UNAVAILABLE, RETRY_DATABASE_MS);
        return;
    }
    log_error("request %" PRIu64 " %s: %s: %s", request->number,
              request->method != NULL ? request->method->name : "?", what, status_name(status));
    request_fail(request, REASON_INTERNAL, NULL, NULL);
}
