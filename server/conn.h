// One client's connection: stream, frames in, answers out, deadlines, back-pressure. Opens requests
// and hands them to dispatch; never sees a database. Owned by the worker's list; at most 1 KiB of
// own state.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/wire/frame.h"
#include "server/request.h"
#include "server/wheel.h"

struct stream;
struct subscription;
struct worker;

enum conn_state {
    CONN_STATE_HANDSHAKE,
    CONN_STATE_GREETING, // TLS is up, Hello is not answered
    CONN_STATE_OPEN,
    CONN_STATE_CLOSING, // reads nothing any more; closes when all is answered and sent
    CONN_STATE_CLOSED,  // waits on worker->closed, and for its last requests
};

struct conn {
    struct worker *worker; // borrows
    struct stream *stream; // owns; NULL once closed
    enum conn_state state;
    bool refusing;            // over max_connections: the first request is told so
    bool reading_again;       // on worker->again
    bool is_dirty;            // on worker->dirty
    bool is_closed;           // on worker->closed
    unsigned in_flight;       // requests not answered
    unsigned places;          // that they take, see method.h: reading stops at FRAME_MAX_IN_FLIGHT
    struct request *requests; // in flight, a list; each owns itself until answered
    struct frame_reader reader;
    struct buf in;  // owns; read but not yet looked at
    struct buf out; // owns; answers to send
    struct request_context context;
    struct held_session *held;         // the login; owns, through its release
    struct held_session *retired;      // replaced while requests began with it were open; owns
    struct subscription *subscription; // owns (nudge.c)
    struct wheel_node deadline;
    int64_t opened_at_ms;         // monotonic: accepted, then end of the handshake
    int64_t frame_at_ms;          // first byte of the frame that is not whole; 0: none
    int64_t write_at_ms;          // last time `out` got on; 0: nothing waits
    int64_t heard_at_ms;          // last whole frame
    struct conn *next, *previous; // worker->conns
    struct conn *next_dirty, *next_closed, *next_again;
};

// Takes the accepted descriptor over, also on failure. peer: numeric address.
void conn_open(struct worker *worker, int fd, const char *peer, bool refusing);
// Ends it at once; unanswered requests become orphans. The memory goes at the end of the loop's
// turn.
void conn_close(struct conn *conn, const char *why);
// Answers what is in flight, sends it, then closes.
void conn_close_gently(struct conn *conn);

// Hello was answered well: other methods are allowed now.
void conn_greeted(struct conn *conn);

// Appends an event frame; dropped (false) when the peer is far behind in reading.
bool conn_send_event(struct conn *conn, uint16_t method, const ProtobufCMessage *message);

// The connection's login from now on; NULL takes it away (nothing when there is none).
void conn_set_session(struct conn *conn, struct held_session *held);

// Called by request.c: the frame is appended to conn->out already.
void conn_request_answered(struct conn *conn);

// Called by worker.c at the end of each turn of the loop.
void conn_flush(struct conn *conn);      // send, look again whether to read
void conn_read_again(struct conn *conn); // go on with what is buffered
void conn_reap(struct conn *conn);       // free what is closed, as far as possible
void conn_deadline(struct wheel_node *node, void *user);
