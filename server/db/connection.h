// One pipelined PostgreSQL connection on the event loop: connects, reconnects with backoff, sends
// segments, matches results by a FIFO of what is expected. Owned by pool.c; nobody else includes
// this.
#pragma once

#include <event2/event_struct.h>
#include <libpq-fe.h>

#include "server/db/db.h"

// What goes between two Syncs. Owned by the list it is on; freed after its callback.
struct db_segment {
    struct db_segment *next;
    db_done_fn done;                          // NULL: preparing a statement
    void *user;                               // borrows
    int statement;                            // index; -1: the scope statement
    const struct db_params *params;           // borrows; may be NULL
    const char *districts, *streams, *person; // in this allocation; districts NULL: no scope is set
    bool scope_pending;                       // the next result is the scope's
    PGresult *result;                         // owns; the statement's result or the first error
    int64_t deadline_ms;                      // while it waits to be sent
    enum status early;                        // of one that fails without being sent
};

struct db_segment_list {
    struct db_segment *first, *last;
    unsigned n;
};

void db_segment_push(struct db_segment_list *list, struct db_segment *segment);
struct db_segment *db_segment_pop(struct db_segment_list *list); // NULL: empty
// Calls back with the status and frees.
void db_segment_finish(struct db_segment *segment, enum status status);

enum db_connection_state {
    DB_CONNECTION_DOWN,       // the timer starts the next try
    DB_CONNECTION_CONNECTING, // libpq polls
    DB_CONNECTION_READY,
};

struct db_connection {
    struct db_pool *pool;    // borrows
    struct event_base *base; // borrows
    PGconn *pg;              // owns; NULL when down
    enum db_connection_state state;
    struct event socket_event;
    struct event timer; // reconnect, or the limit of connecting
    short armed;        // EV_READ, EV_WRITE
    int backoff_ms;
    bool *prepared; // owns; per embedded statement
    bool told_down; // the log has been told once
    struct db_segment_list in_flight;
    struct db_segment_list waiting; // routed here, not sent yet
};

void db_connection_start(struct db_connection *connection, struct db_pool *pool,
                         struct event_base *base);
void db_connection_stop(struct db_connection *connection); // segments must have been taken away
// Sends; the connection must be ready. A failure is reported through the segment's callback, later.
void db_connection_send(struct db_connection *connection, struct db_segment *segment);
// Gives the connection up: what is in flight fails with STATUS_IO, a new one is opened after the
// backoff.
void db_connection_break(struct db_connection *connection, const char *why);

// Called by connection.c.
const char *db_pool_dsn(const struct db_pool *pool);
const char *db_pool_name(const struct db_pool *pool);
// The connection is ready or has room: send it what waits.
void db_pool_feed(struct db_pool *pool, struct db_connection *connection);
// Calls the segment back on the next turn of the loop.
void db_pool_fail_later(struct db_pool *pool, struct db_segment *segment, enum status status);
