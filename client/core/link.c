// See link.h. Descriptor, TLS and frames; what the messages mean is the callers' affair.
#include "client/core/link.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/net/dial.h"
#include "common/net/stream.h"
#include "common/net/tls.h"
#include "common/wire/frame.h"
#include "common/wire/method.h"
#include "common/wire/unpack.h"

#define READ_SIZE 16384 // one TLS record

enum link_state { LINK_STATE_HANDSHAKE, LINK_STATE_OPEN, LINK_STATE_LOST };

// An answer that link_call waits for.
struct link_waiting {
    uint32_t id; // 0: nobody waits
    bool done;
    struct arena *arena; // borrows
    struct link_answer answer;
};

struct link {
    enum link_state state;
    struct event_base *base; // owns
    struct event *timer;     // owns: ends a wait
    struct tls_context *tls; // owns
    struct stream *stream;   // owns
    struct frame_reader reader;
    struct buf out;              // owns
    struct arena *arena;         // owns: the message that is being given to a callback
    struct arena *hello_arena;   // owns
    const Lx__HelloReply *hello; // in hello_arena
    struct link_handler handler;
    struct link_waiting waiting;
    uint32_t last_id;
    unsigned received; // frames
    char error[LINK_ERROR_SIZE];
};

static void lose(struct link *link, const char *why) {
    if (link->state == LINK_STATE_LOST)
        return;
    link->state = LINK_STATE_LOST;
    snprintf(link->error, sizeof link->error, "%s",
             why[0] ? why : "the server closed the connection");
    stream_want(link->stream, 0);
    event_base_loopbreak(link->base);
}

// ---- receiving ----

static const ProtobufCMessageDescriptor *descriptor_of(const struct frame_header *header) {
    const struct method_info *method = method_find(header->method);
    if (header->kind == LX__FRAME_KIND__ERROR)
        return &lx__error__descriptor;
    return method ? method->reply : NULL;
}

static bool is_awaited(const struct link *link, const struct frame_header *header) {
    return link->waiting.id != 0 && link->waiting.id == header->request_id &&
           header->kind != LX__FRAME_KIND__EVENT;
}

static void deliver(struct link *link, const struct frame_header *header,
                    const ProtobufCMessage *message) {
    const struct link_handler *handler = &link->handler;
    if (is_awaited(link, header)) {
        link->waiting.done = true;
        if (header->kind == LX__FRAME_KIND__ERROR)
            link->waiting.answer.error = (const Lx__Error *)message;
        else
            link->waiting.answer.reply = message;
    } else if (header->kind == LX__FRAME_KIND__ERROR) {
        if (handler->on_error)
            handler->on_error(handler->user, header->request_id, (const Lx__Error *)message);
    } else if (header->kind == LX__FRAME_KIND__EVENT) {
        if (handler->on_event)
            handler->on_event(handler->user, header->method, message);
    } else if (handler->on_reply) {
        handler->on_reply(handler->user, header->request_id, header->method, message);
    }
}

static void take_frame(struct link *link, const struct frame *frame) {
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(&frame->header);
    const ProtobufCMessage *message = NULL;
    struct scan_fault fault;
    if (!descriptor) // of a newer server: not ours to understand
        return;
    struct arena *arena = is_awaited(link, &frame->header) ? link->waiting.arena : link->arena;
    enum status status =
        unpack_message(descriptor, frame->payload, &SCAN_LIMITS_REPLY, arena, &message, &fault);
    if (status != STATUS_OK)
        return lose(link, "the server sent a message that cannot be read");
    link->received++;
    deliver(link, &frame->header, message);
    arena_reset(link->arena);
}

static void take_bytes(struct link *link, struct view bytes) {
    struct frame frame;
    while (link->state == LINK_STATE_OPEN) {
        enum status status = frame_read(&link->reader, &bytes, &frame);
        if (status == STATUS_AGAIN)
            return;
        if (status != STATUS_OK)
            return lose(link, "the server sent a frame that is too large");
        take_frame(link, &frame);
    }
}

static void read_all(struct link *link) {
    uint8_t room[READ_SIZE];
    size_t size = 0;
    while (link->state == LINK_STATE_OPEN) {
        enum io_result result = stream_read(link->stream, room, sizeof room, &size);
        if (result == IO_AGAIN)
            return;
        if (result != IO_OK)
            return lose(link, stream_error(link->stream));
        take_bytes(link, view_from(room, size));
    }
}

// ---- sending ----

static void write_all(struct link *link) {
    while (link->state == LINK_STATE_OPEN && buf_size(&link->out) > 0) {
        size_t size = 0;
        enum io_result result = stream_write(link->stream, buf_view(&link->out), &size);
        if (result == IO_AGAIN)
            break;
        if (result != IO_OK)
            return lose(link, stream_error(link->stream));
        buf_consume(&link->out, size);
    }
    if (link->state == LINK_STATE_OPEN)
        stream_want(link->stream, STREAM_READ | (buf_size(&link->out) > 0 ? STREAM_WRITE : 0));
}

static void on_ready(void *user) {
    struct link *link = user;
    if (link->state == LINK_STATE_HANDSHAKE) {
        enum io_result result = stream_handshake(link->stream);
        if (result == IO_AGAIN)
            return;
        if (result != IO_OK)
            return lose(link, stream_error(link->stream));
        link->state = LINK_STATE_OPEN;
    }
    write_all(link);
    read_all(link);
}

enum status link_send(struct link *link, uint16_t method, const ProtobufCMessage *message,
                      uint32_t *out_id) {
    if (link->state == LINK_STATE_LOST)
        return STATUS_IO;
    if (++link->last_id == 0)
        ++link->last_id;
    struct frame_header header = {
        .method = method, .kind = LX__FRAME_KIND__REQUEST, .request_id = link->last_id};
    TRY(unpack_append_frame(&header, message, &link->out));
    *out_id = link->last_id;
    if (link->state == LINK_STATE_OPEN)
        write_all(link);
    return link->state == LINK_STATE_LOST ? STATUS_IO : STATUS_OK;
}

// ---- waiting ----

static void on_timer(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    (void)user; // its being active ends the loop's turn
}

enum status link_wait(struct link *link, int wait_ms) {
    unsigned before = link->received;
    int64_t deadline_ms = clock_monotonic_ms() + wait_ms;
    while (link->state != LINK_STATE_LOST && link->received == before) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0)
            break;
        struct timeval left = {.tv_sec = left_ms / 1000, .tv_usec = (left_ms % 1000) * 1000 + 1};
        if (event_add(link->timer, &left) != 0 || event_base_loop(link->base, EVLOOP_ONCE) < 0)
            return STATUS_NO_MEMORY;
    }
    return link->state == LINK_STATE_LOST ? STATUS_IO : STATUS_OK;
}

static enum status wait_answer(struct link *link, int64_t deadline_ms) {
    while (!link->waiting.done) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0) {
            lose(link, "the server does not answer");
            return STATUS_IO;
        }
        TRY(link_wait(link, (int)left_ms));
    }
    return STATUS_OK;
}

static enum status call(struct link *link, uint16_t method, const ProtobufCMessage *message,
                        int wait_ms, struct link_answer *out_answer) {
    TRY(link_send(link, method, message, &link->waiting.id));
    enum status status = wait_answer(link, clock_monotonic_ms() + wait_ms);
    if (!link->waiting.done)
        return status;
    *out_answer = link->waiting.answer;
    if (!out_answer->error)
        return STATUS_OK;
    const Lx__Reason *reason = out_answer->error->reason;
    snprintf(link->error, sizeof link->error, "%s",
             reason && reason->text ? reason->text : "the server refused the request");
    return STATUS_DENIED;
}

enum status link_call(struct link *link, uint16_t method, const ProtobufCMessage *message,
                      struct arena *arena, struct link_answer *out_answer) {
    *out_answer = (struct link_answer){NULL, NULL};
    link->waiting = (struct link_waiting){.arena = arena};
    enum status status = call(link, method, message, LINK_CALL_MS, out_answer);
    link->waiting = (struct link_waiting){.id = 0};
    return status;
}

// ---- opening ----

// "host:port" into its parts, which live in the arena.
static enum status split_address(const char *server, struct arena *arena, const char **out_host,
                                 const char **out_port) {
    struct view whole = view_from_string(server);
    const char *colon = strrchr(server, ':');
    const char *bracket = strrchr(server, ']');
    bool has_port =
        colon && (!bracket || colon > bracket) && (bracket || strchr(server, ':') == colon);
    size_t host_size = has_port ? (size_t)(colon - server) : whole.size;
    bool bracketed = host_size >= 2 && server[0] == '[' && server[host_size - 1] == ']';
    struct view host =
        bracketed ? view_from(server + 1, host_size - 2) : view_from(server, host_size);
    *out_host = arena_string(arena, host);
    *out_port = has_port ? arena_string(arena, view_from_string(colon + 1))
                         : arena_format(arena, "%d", FRAME_DEFAULT_PORT);
    if (!*out_host || !*out_port)
        return STATUS_NO_MEMORY;
    return host.size > 0 && (*out_port)[0] ? STATUS_OK : STATUS_INVALID;
}

static enum status open_tls(struct link *link, const struct link_options *options) {
    struct tls_client_options tls = {
        .ca_file = options->ca_file,
        .cert_file = options->cert_file,
        .key_file = options->key_file,
        .trusted_time_ms = options->trusted_time_ms,
    };
    return tls_client_new(&tls, &link->tls, link->error, sizeof link->error);
}

static enum status open_stream(struct link *link, const struct link_options *options) {
    const char *host;
    const char *port;
    int fd = -1;
    if (split_address(options->server, link->hello_arena, &host, &port) != STATUS_OK) {
        snprintf(link->error, sizeof link->error, "\"%.100s\" is not HOST:PORT", options->server);
        return STATUS_INVALID;
    }
    enum status status = dial_connect(host, port, LINK_DIAL_MS, &fd);
    if (status != STATUS_OK) {
        snprintf(link->error, sizeof link->error, "%.100s: %s", options->server,
                 status == STATUS_NOT_FOUND ? "no such host" : strerror(errno));
        return status;
    }
    link->stream = stream_new_client(link->tls, link->base, fd, host, on_ready, link);
    return link->stream ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status say_hello(struct link *link, const struct link_options *options) {
    Lx__HelloRequest hello = LX__HELLO_REQUEST__INIT;
    struct link_answer answer = {NULL, NULL};
    hello.has_protocol = hello.has_client_time_ms = 1;
    hello.protocol = FRAME_PROTOCOL;
    hello.client_time_ms = clock_now_ms();
    hello.program = (char *)options->program; // protobuf-c does not write to it
    if (options->session_token.size > 0) {
        hello.has_session_token = 1;
        hello.session_token = (ProtobufCBinaryData){options->session_token.size,
                                                    (uint8_t *)options->session_token.data};
    }
    link->waiting = (struct link_waiting){.arena = link->hello_arena};
    enum status status = call(link, LX__METHOD__HELLO, &hello.base, LINK_DIAL_MS, &answer);
    bool certificate = link->state == LINK_STATE_LOST && strstr(link->error, "certificate");
    link->waiting = (struct link_waiting){.id = 0};
    link->hello = (const Lx__HelloReply *)answer.reply;
    if (status == STATUS_DENIED)
        return STATUS_INVALID;
    return certificate ? STATUS_DENIED : status;
}

static enum status open_all(struct link *link, const struct link_options *options) {
    link->base = event_base_new();
    link->arena = arena_new(0);
    link->hello_arena = arena_new(0);
    if (!link->base || !link->arena || !link->hello_arena)
        return STATUS_NO_MEMORY;
    link->timer = event_new(link->base, -1, 0, on_timer, NULL);
    if (!link->timer)
        return STATUS_NO_MEMORY;
    TRY(open_tls(link, options));
    TRY(open_stream(link, options));
    return say_hello(link, options);
}

enum status link_open(const struct link_options *options, struct link **out_link, char *out_error) {
    *out_link = NULL;
    struct link *link = calloc(1, sizeof *link);
    if (!link)
        return STATUS_NO_MEMORY;
    frame_reader_init(&link->reader, FRAME_CAP_REPLY);
    enum status status = open_all(link, options);
    if (status == STATUS_OK) {
        *out_link = link;
        return STATUS_OK;
    }
    snprintf(out_error, LINK_ERROR_SIZE, "%s", link->error);
    link_close(&link);
    return status;
}

void link_close(struct link **handle) {
    struct link *link = *handle;
    if (!link)
        return;
    *handle = NULL;
    stream_free(&link->stream);
    tls_free(&link->tls);
    if (link->timer)
        event_free(link->timer);
    if (link->base)
        event_base_free(link->base);
    frame_reader_free(&link->reader);
    buf_free(&link->out);
    arena_free(&link->arena);
    arena_free(&link->hello_arena);
    free(link);
}

const Lx__HelloReply *link_hello(const struct link *link) {
    return link->hello;
}

const char *link_error(const struct link *link) {
    return link->error;
}

void link_set_handler(struct link *link, const struct link_handler *handler) {
    link->handler = *handler;
}
