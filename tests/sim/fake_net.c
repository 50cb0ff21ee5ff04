// The network: streams carry bytes between a client's link and a worker's connection, late, in
// pieces, cut anywhere or not at all. In the place of common/net/stream, tls, dial and of the
// server's listener; what TLS would prove is simply told. Frames are looked at as they arrive.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/net/dial.h"
#include "common/net/stream.h"
#include "common/net/tls.h"
#include "common/wire/frame.h"
#include "server/conn.h"
#include "server/listener.h"
#include "server/worker.h"
#include "tests/sim/fake.h"

#define CLIENT 0
#define SERVER 1
#define WINDOW_BYTES 65536 // on its way or unread
#define FIRST_FD 1000000   // no real descriptor
#define NEVER UINT64_MAX

struct stream {
    struct connection *connection; // borrows
    int side;
    struct event *event; // owns
    stream_ready_fn ready;
    void *user;
    unsigned want;
};

// What one side has received or will.
struct end {
    struct stream *stream; // borrows; NULL: not yet or no longer
    const struct machine *machine;
    struct buf in; // owns: arrived, not read
    size_t on_its_way;
    bool eof;           // nothing more will arrive
    int64_t last_us;    // arrival of the newest packet: none overtakes another
    uint64_t cut_after; // bytes that may still arrive here, then the connection is cut
    struct frame_reader tap;
};

struct connection {
    struct connection *next;
    uint32_t number;
    struct end ends[2];
    uint8_t device[32];
    bool has_device;
    bool silent; // nothing arrives any more, and nobody is told
    int64_t latency_us;
    int64_t own_latency_us; // before net_disturb made it slow
    unsigned pending;       // packets on their way
    bool accepted;
};

struct packet {
    struct connection *connection;
    int to;
    bool eof;
    int64_t sent_us;
    size_t size;
    uint8_t bytes[];
};

struct listener {
    struct worker *worker;
    const struct machine *machine;
    struct event *event; // owns
    bool stopped;
    struct connection *waiting[64];
    size_t n_waiting;
};

static struct connection *connections; // owns
static uint32_t last_number;
static struct listener *listeners[NET_SERVERS];
static net_tap_fn tap_fn;

void net_set_tap(net_tap_fn fn) {
    tap_fn = fn;
}

void net_reset(void) {
    last_number = 0;
}

// ---- readiness ----

static void look(struct end *end) {
    struct stream *stream = end->stream;
    if (stream == NULL)
        return;
    bool readable = buf_size(&end->in) > 0 || end->eof;
    bool ready = (stream->want & STREAM_READ && readable) ||
                 (stream->want & STREAM_WRITE &&
                  stream->connection->ends[1 - stream->side].on_its_way < WINDOW_BYTES);
    if (ready)
        event_active(stream->event, EV_READ, 0);
}

static void on_event(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    struct stream *stream = user;
    stream->ready(stream->user);
}

// ---- packets ----

static void release(struct connection *connection) {
    if (connection->pending > 0 || connection->ends[CLIENT].stream != NULL ||
        connection->ends[SERVER].stream != NULL)
        return;
    struct connection **at = &connections;
    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    for (int i = 0; i < 2; i++) {
        buf_free(&connection->ends[i].in);
        frame_reader_free(&connection->ends[i].tap);
    }
    free(connection);
}

static void end_of(struct connection *connection, int side) {
    connection->ends[side].eof = true;
    look(&connection->ends[side]);
}

static void cut(struct connection *connection) {
    trace("connection %" PRIu32 " is cut", connection->number);
    end_of(connection, CLIENT);
    end_of(connection, SERVER);
}

static void look_at_frames(struct connection *connection, int to, int64_t sent_us,
                           struct view bytes) {
    struct frame frame;
    struct frame_reader *reader = &connection->ends[to].tap;
    while (frame_read(reader, &bytes, &frame) == STATUS_OK) {
        trace("connection %" PRIu32 " %s method %u kind %u id %" PRIu32, connection->number,
              to == SERVER ? "->" : "<-", frame.header.method, frame.header.kind,
              frame.header.request_id);
        trace_bytes("payload", frame.payload);
        if (tap_fn != NULL)
            tap_fn(connection->ends[CLIENT].machine, sent_us, to == SERVER, &frame);
    }
}

static void arrive(void *user) {
    struct packet *packet = user;
    struct connection *connection = packet->connection;
    struct end *end = &connection->ends[packet->to];
    bool gone = end->eof || connection->silent || (end->stream == NULL && connection->accepted);
    size_t size = packet->size < end->cut_after ? packet->size : (size_t)end->cut_after;
    end->on_its_way -= packet->size;
    connection->pending--;
    if (!gone && size > 0) {
        look_at_frames(connection, packet->to, packet->sent_us, view_from(packet->bytes, size));
        if (buf_append(&end->in, packet->bytes, size) != STATUS_OK)
            abort();
        if (end->cut_after != NEVER)
            end->cut_after -= size;
    }
    if (!gone && packet->eof)
        end->eof = true;
    bool cut_now = !gone && end->cut_after == 0;
    look(end);
    look(&connection->ends[1 - packet->to]); // there is room again
    if (cut_now)
        cut(connection);
    free(packet);
    release(connection);
}

static void send_packet(struct connection *connection, int to, struct view bytes, bool eof) {
    struct end *end = &connection->ends[to];
    struct packet *packet = malloc(sizeof *packet + bytes.size);
    if (packet == NULL)
        abort();
    *packet = (struct packet){connection, to, eof, sim_now_us(), bytes.size};
    if (bytes.size > 0)
        memcpy(packet->bytes, bytes.data, bytes.size);
    int64_t when_us =
        sim_now_us() + sim_between(connection->latency_us / 2, connection->latency_us * 2);
    if (sim_chance(30))
        when_us += sim_between(100 * SIM_MS, 4 * SIM_SECOND);
    end->last_us = when_us > end->last_us ? when_us : end->last_us + 1;
    end->on_its_way += bytes.size;
    connection->pending++;
    sim_at(end->last_us, arrive, packet);
}

// ---- dialling ----

enum status dial_connect(const char *host, const char *port, int timeout_ms, int *out_fd) {
    static const int64_t latencies_us[] = {200, 1000, 5000, 40000};
    (void)host;
    (void)port;
    (void)timeout_ms;
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return STATUS_NO_MEMORY;
    fiber_sleep(sim_between(1 * SIM_MS, 20 * SIM_MS));
    connection->number = ++last_number;
    connection->latency_us = connection->own_latency_us = latencies_us[sim_below(4)];
    for (int i = 0; i < 2; i++) {
        connection->ends[i].cut_after = NEVER;
        frame_reader_init(&connection->ends[i].tap, FRAME_CAP_REPLY);
    }
    if (sim_chance(300))
        connection->ends[sim_below(2)].cut_after = 1 + sim_below(4000);
    connection->ends[CLIENT].machine = machine_current();
    connection->next = connections;
    connections = connection;
    *out_fd = FIRST_FD + (int)connection->number;
    return STATUS_OK;
}

static struct connection *find_connection(int fd) {
    struct connection *connection = connections;
    while (connection != NULL && connection->number != (uint32_t)(fd - FIRST_FD))
        connection = connection->next;
    return connection;
}

static struct stream *open_end(struct connection *connection, int side, struct event_base *base,
                               stream_ready_fn ready, void *user) {
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    *stream = (struct stream){.connection = connection, .side = side, .ready = ready, .user = user};
    stream->event = event_new(base, -1, EV_PERSIST, on_event, stream);
    connection->ends[side].stream = stream;
    return stream;
}

// ---- listening ----

static void on_accept(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    struct listener *listener = user;
    for (size_t i = 0; i < listener->n_waiting; i++) {
        struct connection *connection = listener->waiting[i];
        connection->accepted = true;
        connection->ends[SERVER].machine = listener->machine;
        connection->pending--;
        if (connection->ends[CLIENT].stream == NULL)
            release(connection);
        else
            conn_open(listener->worker, FIRST_FD + (int)connection->number, "127.0.0.1", false);
    }
    listener->n_waiting = 0;
}

struct listener *listener_new(struct worker *worker, int listen_fd) {
    (void)listen_fd;
    struct listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL)
        return NULL;
    listener->worker = worker;
    listener->machine = machine_current();
    listener->event = event_new(worker->base, -1, EV_PERSIST, on_accept, listener);
    listeners[worker->index] = listener;
    return listener;
}

void listener_stop(struct listener *listener) {
    if (listeners[listener->worker->index] == listener)
        listeners[listener->worker->index] = NULL;
    for (size_t i = 0; i < listener->n_waiting; i++) {
        struct connection *connection = listener->waiting[i];
        connection->accepted = true;
        connection->pending--;
        end_of(connection, CLIENT);
        release(connection);
    }
    listener->n_waiting = 0;
}

void listener_free(struct listener **listener_at) {
    struct listener *listener = *listener_at;
    if (listener == NULL)
        return;
    listener_stop(listener);
    event_free(listener->event);
    free(listener);
    *listener_at = NULL;
}

static struct listener *choose_listener(void) {
    uint32_t first = sim_below(NET_SERVERS);
    for (uint32_t i = 0; i < NET_SERVERS; i++) {
        struct listener *listener = listeners[(first + i) % NET_SERVERS];
        if (listener != NULL && !listener->machine->dead && listener->n_waiting < 64)
            return listener;
    }
    return NULL;
}

// ---- streams ----

struct stream *stream_new_client(struct tls_context *tls, struct event_base *base, int fd,
                                 const char *server_name, stream_ready_fn ready, void *user) {
    (void)server_name;
    struct connection *connection = find_connection(fd);
    struct stream *stream = open_end(connection, CLIENT, base, ready, user);
    struct listener *listener = choose_listener();
    const uint8_t *device = fake_tls_device(tls);
    connection->has_device = device != NULL;
    if (device != NULL)
        memcpy(connection->device, device, sizeof connection->device);
    if (listener == NULL) { // refused
        end_of(connection, CLIENT);
    } else {
        connection->pending++;
        listener->waiting[listener->n_waiting++] = connection;
        event_active(listener->event, EV_READ, 0);
    }
    stream_want(stream, STREAM_WRITE);
    return stream;
}

struct stream *stream_new_server(struct tls_context *tls, struct event_base *base, int fd,
                                 stream_ready_fn ready, void *user) {
    (void)tls;
    struct connection *connection = find_connection(fd);
    struct stream *stream = open_end(connection, SERVER, base, ready, user);
    event_active(stream->event, EV_READ, 0); // the handshake
    return stream;
}

void stream_free(struct stream **stream_at) {
    struct stream *stream = *stream_at;
    if (stream == NULL)
        return;
    struct connection *connection = stream->connection;
    int side = stream->side;
    connection->ends[side].stream = NULL;
    event_free(stream->event);
    free(stream);
    *stream_at = NULL;
    send_packet(connection, 1 - side, view_from(NULL, 0), true);
}

enum io_result stream_handshake(struct stream *stream) {
    struct end *end = &stream->connection->ends[stream->side];
    if (end->eof)
        return IO_EOF;
    stream_want(stream, STREAM_READ);
    return IO_OK;
}

enum io_result stream_read(struct stream *stream, uint8_t *room, size_t size, size_t *out_size) {
    struct end *end = &stream->connection->ends[stream->side];
    size_t have = buf_size(&end->in);
    if (have == 0)
        return end->eof ? IO_EOF : IO_AGAIN;
    *out_size = have < size ? have : size;
    memcpy(room, buf_view(&end->in).data, *out_size);
    buf_consume(&end->in, *out_size);
    return IO_OK;
}

enum io_result stream_write(struct stream *stream, struct view bytes, size_t *out_size) {
    struct connection *connection = stream->connection;
    struct end *other = &connection->ends[1 - stream->side];
    if (connection->ends[stream->side].eof)
        return IO_EOF;
    if (other->on_its_way >= WINDOW_BYTES)
        return IO_AGAIN;
    *out_size = bytes.size < WINDOW_BYTES ? bytes.size : WINDOW_BYTES;
    if (sim_below(4) == 0) // in pieces
        *out_size = 1 + sim_below((uint32_t)*out_size);
    if (!machine_current()->dead)
        send_packet(connection, 1 - stream->side, view_from(bytes.data, *out_size), false);
    return IO_OK;
}

void stream_want(struct stream *stream, unsigned directions) {
    stream->want = directions;
    look(&stream->connection->ends[stream->side]);
}

bool stream_has_pending(const struct stream *stream) {
    return buf_size(&stream->connection->ends[stream->side].in) > 0;
}

bool stream_take_peer(struct stream *stream, uint8_t out_device[32], int64_t *out_until_ms) {
    if (!stream->connection->has_device)
        return false;
    memcpy(out_device, stream->connection->device, 32);
    *out_until_ms = INT64_MAX;
    return true;
}

const char *stream_error(const struct stream *stream) {
    (void)stream;
    return "";
}

int stream_fd(const struct stream *stream) {
    return FIRST_FD + (int)stream->connection->number;
}

// ---- what happens to connections ----

void net_kill(const struct machine *machine) {
    for (struct connection *c = connections, *next; c != NULL; c = next) {
        next = c->next;
        if (c->ends[CLIENT].machine == machine || c->ends[SERVER].machine == machine)
            cut(c);
    }
    for (int i = 0; i < NET_SERVERS; i++)
        if (listeners[i] != NULL && listeners[i]->machine == machine)
            listener_stop(listeners[i]);
}

void net_disturb(void) {
    uint32_t n = 0;
    for (const struct connection *c = connections; c != NULL; c = c->next)
        n++;
    if (n == 0)
        return;
    struct connection *connection = connections;
    for (uint32_t i = sim_below(n); i > 0; i--)
        connection = connection->next;
    switch (sim_below(4)) {
    case 0:
        count(COUNT_CUT);
        cut(connection);
        break;
    case 1:
        count(COUNT_CUT);
        connection->ends[sim_below(2)].cut_after = 1 + sim_below(3000);
        break;
    case 2:
        count(COUNT_STALL);
        trace("connection %" PRIu32 " falls silent", connection->number);
        connection->silent = true;
        break;
    default:
        connection->latency_us = sim_between(100 * SIM_MS, 2 * SIM_SECOND);
        trace("connection %" PRIu32 " gets slow", connection->number);
    }
}

// What is cut or silent a program must notice by itself.
void net_heal(void) {
    for (struct connection *c = connections; c != NULL; c = c->next) {
        if (c->latency_us == c->own_latency_us)
            continue;
        c->latency_us = c->own_latency_us;
        trace("connection %" PRIu32 " is slow no longer", c->number);
    }
}
