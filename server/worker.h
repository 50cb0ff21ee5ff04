// One worker process: event loop, listener, connections, database pools. Handlers reach everything
// that is not the request through it. Owned by worker.c; fields are read-only for others unless
// said.
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/uuid.h"
#include "server/config.h"
#include "server/db/db.h"
#include "server/request.h"

struct config_source;
struct conn;
struct epoch;
struct handlers;
struct journal_keeper;
struct listener;
struct nudge;
struct pile;
struct bundle_keys;
struct ca;
struct shared;
struct thread_pool;
struct tls_context;
struct wheel;

struct worker {
    struct event_base *base;
    struct config *config;
    int index;                 // 0..workers-1
    struct handlers *handlers; // what handlers keep (server/handlers.c); NULL until handlers_open
    struct shared *shared;     // the master's shared memory: nudge ring, wake-ups, counters
    struct tls_context *tls;
    struct ca *ca;                   // NULL: this node does not sign
    struct bundle_keys *bundle_keys; // NULL: this node takes no bundles
    struct db_pool *reads;           // pipelined, role api
    struct db_pool *auth;            // logins and devices
    struct db_pool *writers;         // depth 1, routed by stream
    struct thread_pool *threads;
    struct nudge *nudge; // subscriptions
    struct pile *pile;   // server/pile.c; NULL until it is there
    struct listener *listener;
    struct wheel *wheel;           // deadlines of connections
    struct conn *conns;            // list of all
    struct conn *again;            // have input that no readiness will announce
    struct conn *dirty;            // have something to write at the end of this turn
    struct conn *closed;           // are freed at the end of this turn
    struct request *idle_requests; // arenas kept for reuse
    unsigned idle_request_count;
    unsigned conn_count;
    uint64_t request_count;
    struct epoch *epoch;            // which database this is
    struct journal_keeper *journal; // NULL: no security journal is kept
    int listen_fd;                  // the listener takes it over
    bool draining;
    bool moved;             // hints were put into the ring this turn: wake the others at its end
    uint64_t ring_position; // next hint to read
    int64_t drain_until_ms; // monotonic
    struct event *tick, *wake, *again_event, *signals[2]; // owns
    const struct config_source *source;                   // borrows: for a reload
};

// The process's main: serves until SIGTERM is drained; returns its exit code. shared is the
// master's, listen_fd this process's own copy of the master's.
int worker_run(struct config *config, const struct config_source *source, struct shared *shared,
               int listen_fd, int index);

// The end of a turn of the loop: reads what is buffered, sends what was answered, frees what is
// closed.
void worker_end_turn(struct worker *worker);

int64_t worker_now_ms(const struct worker *worker); // wall clock

// Call after a commit that raised a stream's head (also from pile.c): tells all workers'
// subscribers and the assessor. Cheap; never in a transaction.
void worker_stream_moved(struct worker *worker, struct uuid stream, uint64_t head);

// Ends sessions: every connection of this worker for which `match` is true gets its login taken
// away (with a Nudge scope_changed) and is closed when `close_conn` is set. Returns how many.
unsigned worker_end_sessions(struct worker *worker,
                             bool (*match)(const struct request_context *context, void *user),
                             void *user, bool close_conn);
// Tells logged-in peers for which `match` is true that their scope changed (Nudge scope_changed).
unsigned worker_scope_changed(struct worker *worker,
                              bool (*match)(const struct request_context *context, void *user),
                              void *user);
