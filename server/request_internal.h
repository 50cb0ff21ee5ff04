// What conn.c knows of a request and handlers do not.
#pragma once

#include "common/base/buf.h"
#include "common/wire/frame.h"
#include "server/request.h"

struct conn;

struct request {
    struct conn *conn;                // borrows; lives at least as long as its requests
    struct arena *arena;              // owns
    const ProtobufCMessage *message;  // in the arena
    const struct method_info *method; // NULL: unknown
    struct session *session; // borrows: the login when the frame came (see request_session)
    uint16_t method_number;  // as the frame has it
    uint32_t id;
    uint64_t number;
    int64_t received_at_ms;
    bool answered;
    bool close_after;
    struct request *next; // conn->requests, or the worker's spare ones
    // While the answer waits for the security journal: its frame, and who waits with it.
    struct buf held; // owns
    void (*held_done)(struct request *request, enum status status);
    struct request *next_held;
};

// A request for the frame, counted on the connection; NULL when memory is out. method may be NULL
// (unknown): then it can only fail.
struct request *request_open(struct conn *conn, const struct frame_header *header);
// Frees the spare ones that a worker keeps.
void request_free_spares(struct worker *worker);
// The connection, or NULL when the peer is gone: for subscriptions.
struct conn *request_conn(const struct request *request);
