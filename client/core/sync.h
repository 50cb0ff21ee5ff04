// The sync engine: what to ask a server next and what its answers mean, as a state machine over a
// store. No descriptor and no clock: the driver (client/core/session.c, or a test with a made-up
// server) hands over answers, losses of the connection and the time.
//
// The driver writes what Hello says of the database into STORE_CONFIG_DB_EPOCH before it connects.
// A round: scope -> push until nothing waits -> heads (subscribe) -> pull what has moved -> done,
// or watch: a nudge pulls again, a change of the outbox pushes again.
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/store/store.h"
#include "proto/account.pb-c.h"
#include "proto/ledger.pb-c.h"
#include "proto/wire.pb-c.h"

struct sync; // opaque; borrows the store

enum sync_phase {
    SYNC_PHASE_OFFLINE, // no connection: sync_connected starts a round
    SYNC_PHASE_SCOPE,
    SYNC_PHASE_PUSH,
    SYNC_PHASE_HEADS,
    SYNC_PHASE_PULL,
    SYNC_PHASE_WATCH,  // all is there; nudges and the outbox wake it
    SYNC_PHASE_DONE,   // all is there (without watch)
    SYNC_PHASE_FAILED, // sync_failure says why; a new connection and login may mend it
};

struct sync_options {
    bool watch;
    uint32_t pull_limit; // rows an answer; 0: 1000
};

struct sync_request {
    uint32_t token; // the driver gives it back with the answer
    uint16_t method;
    const ProtobufCMessage *message; // valid until the engine is called again
};

// What a person watches. Sums since sync_new.
struct sync_progress {
    uint64_t pushed;         // operations stored
    uint64_t refused;        // operations stored as refused
    uint64_t pulled;         // rows
    size_t streams;          // in scope
    size_t streams_to_pull;  // still to do in this round
    size_t streams_moving;   // not pulled: under way to another district
    size_t streams_held;     // whose group the server would not take, with the reason in the outbox
    uint64_t restarts;       // replicas that did not prove whole and started afresh
    size_t streams_broken;   // that do not prove whole even after a fresh start
    uint64_t streams_healed; // of which a restored server had lost operations
    uint64_t sent_again;     // records among these that it had said to be stored
    int64_t restored_before_ms; // what it was restored from is older than this; 0: not known
};

// NULL when memory is out.
struct sync *sync_new(struct store *store, const struct sync_options *options);
void sync_free(struct sync **sync);

// A connection is up and logged in. Begins a round at its start. An answer counts only while the
// home has the history under which the connection was made (NULL: the one that it has now).
void sync_connected(struct sync *sync, const struct store_history *history);
// Forgets what was in flight; everything durable is in the store.
void sync_disconnected(struct sync *sync);
// The next request to send, if any now: call until false. Runs at most `SYNC_MAX_IN_FLIGHT` ahead.
// A failure of the store ends in SYNC_PHASE_FAILED. Whatever is waited for is measured on a clock
// that nobody sets: `monotonic_ms`.
#define SYNC_MAX_IN_FLIGHT 8
bool sync_next(struct sync *sync, int64_t monotonic_ms, struct sync_request *out_request);
// When sync_next may have something although no answer is awaited (the server asked to wait),
// monotonic; 0: never.
int64_t sync_wake_ms(const struct sync *sync);
// Answers, in any order. Unknown tokens (of an earlier connection) are ignored. now_ms: wall clock,
// noted beside what was acknowledged.
void sync_on_reply(struct sync *sync, uint32_t token, const ProtobufCMessage *reply,
                   int64_t now_ms);
void sync_on_error(struct sync *sync, uint32_t token, const Lx__Error *error, int64_t monotonic_ms);
void sync_on_nudge(struct sync *sync, const Lx__Nudge *nudge);
// Somebody (this program or another one) has added operations.
void sync_on_outbox(struct sync *sync);

enum sync_phase sync_phase(const struct sync *sync);
const struct sync_progress *sync_progress(const struct sync *sync);
// In SYNC_PHASE_FAILED: the server's reason (may be NULL) and an English line for logs.
const Lx__Reason *sync_failure(const struct sync *sync);
const char *sync_failure_text(const struct sync *sync);
// True: another program held the home for too long; a new round may go well.
bool sync_home_busy(const struct sync *sync);
// True: the home has another history than this connection's, which is as good as lost.
bool sync_is_outdated(const struct sync *sync);
// True: the session is no longer valid, a new login is needed.
bool sync_needs_login(const struct sync *sync);
