// See load.h: one measured run. Requests are encoded before the clock starts.
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/wire/unpack.h"
#include "load.h"
#include "proto/ledger.pb-c.h"
#include "proto/wire.pb-c.h"

#define RECORDS_MAX 500
#define HTTP_REQUEST "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

struct state {
    const struct run *run;
    struct run_result *result;
    struct event_base *base;
    struct event *timer; // open loop
    struct buf *ready;   // of each peer: frames not sent yet
    uint64_t *backlog;   // of each peer, open loop: due and not sent
    uint64_t *sent;      // of each peer
    uint64_t scheduled;  // open loop: requests that were due so far
    uint64_t answered;
    int64_t started_ns;
    struct arena *arena;
};

int64_t load_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static double cpu_s(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

// ---- requests ----

static ProtobufCBinaryData id_bytes(struct uuid *id) {
    return (ProtobufCBinaryData){UUID_SIZE, id->bytes};
}

// An hour of school-based training, as offices type it by the hundred.
static struct view encode_fact(const struct peer *peer, uint64_t number, int64_t now_ms,
                               struct arena *arena) {
    static char item[] = "school";
    struct uuid id = uuid_new_v7(now_ms);
    size_t n_subjects = peer->subjects.size / UUID_SIZE;
    const uint8_t *subject = peer->subjects.data + number % n_subjects * UUID_SIZE;
    Lx__Fact fact = LX__FACT__INIT;
    Lx__Operation operation = LX__OPERATION__INIT;
    struct view bytes;
    fact.has_id = fact.has_programme = fact.has_kind = fact.has_subject = 1;
    fact.has_occurred_at_ms = fact.has_quantity = 1;
    fact.id = id_bytes(&id);
    fact.programme = 1;
    fact.kind = LX__FACT_KIND__CREDIT_HOURS;
    fact.subject = (ProtobufCBinaryData){UUID_SIZE, (uint8_t *)subject}; // is not written to
    fact.item = item;
    fact.occurred_at_ms = clock_day_start_ms(18946) + 43200000; // 2021-11-15, noon
    fact.quantity = 1;
    operation.fact = &fact;
    if (unpack_pack(&operation.base, arena, &bytes) != STATUS_OK)
        fatal("no memory");
    return bytes;
}

static void encode_push(struct peer *peer, unsigned records, struct arena *arena, struct buf *out) {
    ProtobufCBinaryData operations[RECORDS_MAX];
    Lx__PushGroup group = LX__PUSH_GROUP__INIT;
    Lx__PushGroup *groups[] = {&group};
    Lx__PushRequest push = LX__PUSH_REQUEST__INIT;
    struct frame_header header = {
        .method = LX__METHOD__PUSH, .kind = LX__FRAME_KIND__REQUEST, .request_id = 1};
    int64_t now_ms = clock_now_ms();
    for (unsigned i = 0; i < records; i++) {
        struct view bytes = encode_fact(peer, peer->next_op + i, now_ms, arena);
        operations[i] = (ProtobufCBinaryData){bytes.size, (uint8_t *)bytes.data};
    }
    group.has_stream = group.has_first_op_seq = 1;
    group.stream = id_bytes(&peer->stream);
    group.first_op_seq = peer->next_op;
    group.n_operations = records;
    group.operations = operations;
    push.n_groups = 1;
    push.groups = groups;
    peer->next_op += records;
    if (unpack_append_frame(&header, &push.base, out) != STATUS_OK)
        fatal("no memory");
    arena_reset(arena);
}

static void encode_call(const struct run *run, const struct peer *peer, struct buf *out) {
    struct frame_header header = {.length = (uint32_t)peer->payload.size,
                                  .method = run->method,
                                  .kind = LX__FRAME_KIND__REQUEST,
                                  .request_id = 1};
    uint8_t bytes[FRAME_HEADER_SIZE];
    frame_encode_header(&header, bytes);
    if (buf_append(out, bytes, sizeof bytes) != STATUS_OK ||
        buf_append(out, peer->payload.data, peer->payload.size) != STATUS_OK)
        fatal("no memory");
}

static void prepare(struct state *state) {
    const struct run *run = state->run;
    for (uint64_t i = 0; run->records > 0 && i < run->requests; i++) {
        size_t at = i % run->side->n_peers;
        encode_push(&run->side->peers[at], run->records, state->arena, &state->ready[at]);
    }
}

// ---- sending and answers ----

static void send_next(struct state *state, size_t at, int64_t due_ns) {
    const struct run *run = state->run;
    struct peer *peer = &run->side->peers[at];
    struct buf *ready = &state->ready[at];
    peer->due_ns = due_ns;
    peer->left--;
    state->sent[at]++;
    if (peer->protocol == PEER_HTTP)
        return peer_send(peer, VIEW_LITERAL(HTTP_REQUEST));
    if (run->records == 0)
        encode_call(run, peer, ready);
    struct frame_header header;
    struct view all = buf_view(ready);
    frame_decode_header(all.data, &header);
    size_t size = FRAME_HEADER_SIZE + header.length;
    peer_send(peer, view_from(all.data, size));
    buf_consume(ready, size);
}

static int64_t due_of(const struct state *state, uint64_t number) {
    return state->started_ns + (int64_t)((double)number * 1e9 / state->run->rate);
}

static void check_push(struct state *state, const struct frame *frame) {
    const ProtobufCMessage *message;
    struct scan_fault fault;
    if (unpack_message(&lx__push_reply__descriptor, frame->payload, &SCAN_LIMITS_REPLY,
                       state->arena, &message, &fault) != STATUS_OK)
        fatal("an answer that cannot be read");
    const Lx__PushReply *reply = (const Lx__PushReply *)message;
    if (reply->n_groups != 1 || reply->groups[0]->verdict != LX__GROUP_VERDICT__GROUP_DONE ||
        reply->groups[0]->n_refused > 0)
        fatal("a push was not taken");
    arena_reset(state->arena);
}

static void check(struct state *state, const struct frame *frame) {
    if (!frame)
        return;
    if (frame->header.kind == LX__FRAME_KIND__ERROR) {
        fwrite(frame->payload.data, 1, frame->payload.size, stderr);
        fatal(": the server's error");
    }
    if (state->run->records > 0)
        check_push(state, frame);
}

static void on_answer(struct peer *peer, const struct frame *frame, void *user) {
    struct state *state = user;
    const struct run *run = state->run;
    size_t at = (size_t)(peer - run->side->peers);
    if (frame && frame->header.kind == LX__FRAME_KIND__EVENT)
        return;
    check(state, frame);
    histogram_add(&state->result->latency, load_now_ns() - peer->due_ns);
    peer->due_ns = 0;
    if (++state->answered == run->requests)
        event_base_loopbreak(state->base);
    else if (run->rate <= 0 && peer->left > 0)
        send_next(state, at, load_now_ns());
    else if (state->backlog[at] > 0) {
        state->backlog[at]--;
        send_next(state, at, due_of(state, state->sent[at] * run->side->n_peers + at));
    }
}

// ---- open loop ----

static void on_timer(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    struct state *state = user;
    const struct run *run = state->run;
    int64_t now_ns = load_now_ns();
    while (run->side->n_peers > 0 && state->scheduled < run->requests &&
           due_of(state, state->scheduled) <= now_ns) {
        size_t at = state->scheduled % run->side->n_peers;
        if (run->side->peers[at].due_ns == 0)
            send_next(state, at, due_of(state, state->scheduled));
        else
            state->backlog[at]++;
        state->scheduled++;
    }
    if (state->scheduled == run->requests)
        return;
    int64_t wait_us = (due_of(state, state->scheduled) - load_now_ns()) / 1000;
    struct timeval wait = {.tv_sec = wait_us > 0 ? wait_us / 1000000 : 0,
                           .tv_usec = wait_us > 0 ? wait_us % 1000000 : 0};
    event_add(state->timer, &wait);
}

// ---- the run ----

static void begin(struct state *state) {
    const struct run *run = state->run;
    struct side *side = run->side;
    for (size_t i = 0; i < side->n_peers; i++) {
        struct peer *peer = &side->peers[i];
        peer->on_answer = on_answer;
        peer->user = state;
        peer->due_ns = 0;
        peer->left = run->requests / side->n_peers + (i < run->requests % side->n_peers);
    }
    state->started_ns = load_now_ns();
    if (run->rate > 0)
        on_timer(-1, 0, state);
    else
        for (size_t i = 0; i < side->n_peers; i++)
            if (side->peers[i].left > 0)
                send_next(state, i, load_now_ns());
}

void run_measure(const struct run *run, struct event_base *base, struct run_result *out_result) {
    size_t n = run->side->n_peers;
    struct state state = {.run = run, .result = out_result, .base = base};
    if (n == 0)
        fatal("%s has no connection", run->side->name);
    state.ready = calloc(n, sizeof *state.ready);
    state.backlog = calloc(n, sizeof *state.backlog);
    state.sent = calloc(n, sizeof *state.sent);
    state.arena = arena_new(0);
    state.timer = event_new(base, -1, 0, on_timer, &state);
    if (!state.ready || !state.backlog || !state.sent || !state.arena || !state.timer)
        fatal("no memory");
    prepare(&state);
    double cpu_before_s = cpu_s();
    begin(&state);
    if (state.answered < run->requests)
        event_base_dispatch(base);
    out_result->seconds = (double)(load_now_ns() - state.started_ns) / 1e9;
    out_result->cpu_s = cpu_s() - cpu_before_s;
    for (size_t i = 0; i < n; i++)
        buf_free(&state.ready[i]);
    event_free(state.timer);
    arena_free(&state.arena);
    free(state.ready);
    free(state.backlog);
    free(state.sent);
}

// ---- Hello ----

struct greeting {
    size_t left;
    struct event_base *base;
};

static void on_hello(struct peer *peer, const struct frame *frame, void *user) {
    (void)peer;
    struct greeting *greeting = user;
    if (frame->header.kind != LX__FRAME_KIND__REPLY)
        fatal("Hello was refused");
    if (--greeting->left == 0)
        event_base_loopbreak(greeting->base);
}

void run_hello(struct peer *peers, const struct view *tokens, size_t n, struct event_base *base) {
    struct greeting greeting = {n, base};
    struct buf out = {0};
    static char program[] = "load 1";
    for (size_t i = 0; i < n; i++) {
        Lx__HelloRequest hello = LX__HELLO_REQUEST__INIT;
        struct frame_header header = {
            .method = LX__METHOD__HELLO, .kind = LX__FRAME_KIND__REQUEST, .request_id = 1};
        hello.has_protocol = hello.has_client_time_ms = 1;
        hello.protocol = FRAME_PROTOCOL;
        hello.client_time_ms = clock_now_ms();
        hello.program = program;
        hello.has_session_token = tokens[i].size > 0;
        hello.session_token =
            (ProtobufCBinaryData){tokens[i].size, (uint8_t *)tokens[i].data}; // is not written to
        peers[i].on_answer = on_hello;
        peers[i].user = &greeting;
        if (unpack_append_frame(&header, &hello.base, &out) != STATUS_OK)
            fatal("no memory");
        peer_send(&peers[i], buf_view(&out));
        buf_reset(&out);
    }
    event_base_dispatch(base);
    buf_free(&out);
}
