// What the files of the sync engine share. Private to sync*.c.
#pragma once

#include "client/core/sync.h"
#include "client/store/outbox.h"
#include "client/store/replica.h"

#define SYNC_PUSH_MAX_OPS 500            // of one request, as the protocol says
#define SYNC_PUSH_MAX_BYTES (900 * 1024) // under the cap of 1 MiB with room for framing
#define SYNC_PULL_LIMIT 1000
#define SYNC_TEXT_SIZE 256
#define SYNC_MAX_HELD_FOREIGN 64 // streams that a person wrote for and lost: a handful in practice

enum sync_pull_state {
    SYNC_PULL_IDLE,
    SYNC_PULL_WANTED,
    SYNC_PULL_ASKED,
    SYNC_PULL_BROKEN, // not again in this round
};

struct sync_stream {
    struct uuid id;
    uint64_t cursor;
    uint64_t began;          // head when this engine last began the replica from 0; 0: it has not
    uint64_t server_next_op; // as scope told; keys below it are stored there
    uint64_t head;           // newest known
    enum sync_pull_state pull;
    uint32_t token; // of the pull in flight
    bool restart;   // the next pull starts at 0
    bool restarted; // in this round: a second mismatch is no accident
    bool held;      // its group was refused: not pushed again in this round
};

struct sync {
    struct store *store; // borrows
    struct sync_options options;
    struct store_history history; // of the connection
    enum sync_phase phase;
    struct arena *arena;         // owns: the request being built
    const Lx__PushRequest *sent; // in arena: the push in flight
    bool *sent_fresh;            // in arena: which of its groups were never sent before
    struct arena *scope_arena;   // owns: streams
    struct sync_stream *streams; // in scope_arena, ascending id
    size_t n_streams;
    uint32_t last_token;
    uint32_t token;    // of the scope, push or subscribe in flight; 0: none
    size_t pulls;      // in flight
    int64_t wake_ms;   // monotonic: the server asked to wait until then; 0: no
    bool again_scope;  // scope has changed meanwhile
    bool again_push;   // the outbox has changed meanwhile
    unsigned rescopes; // in this round
    uint64_t scope_version;
    struct sync_progress progress;
    struct uuid held_foreign[SYNC_MAX_HELD_FOREIGN]; // held streams outside the scope
    size_t n_held_foreign;
    bool needs_login;
    bool home_busy;      // the failure was only that another program held the home
    bool outdated;       // the failure was that the home has another history now
    Lx__Reason *failure; // owns (malloc), may be NULL
    char failure_text[SYNC_TEXT_SIZE];
};

// The one setter of the phase; asserts the legal moves.
void sync_set_phase(struct sync *sync, enum sync_phase phase);
void sync_fail(struct sync *sync, const Lx__Reason *reason, const char *text);
// Ends in SYNC_PHASE_FAILED with the store's error unless status is OK; true when it is.
bool sync_check(struct sync *sync, enum status status);
// Begins the transaction for an answer; fails when it was asked for under another history.
enum status sync_begin(struct sync *sync);
uint32_t sync_new_token(struct sync *sync);
struct sync_stream *sync_find_stream(struct sync *sync, struct uuid id); // NULL: not in scope
// Chooses the phase after push and pull.
void sync_advance(struct sync *sync);

// sync_push.c. False: nothing to send (the phase moves on).
bool sync_push_next(struct sync *sync, struct sync_request *out_request);
void sync_push_reply(struct sync *sync, const Lx__PushReply *reply, int64_t now_ms);

// sync_pull.c
bool sync_heads_next(struct sync *sync, struct sync_request *out_request);
void sync_heads_reply(struct sync *sync, const Lx__SubscribeReply *reply);
bool sync_pull_next(struct sync *sync, struct sync_request *out_request);
void sync_pull_reply(struct sync *sync, struct sync_stream *stream, const Lx__PullReply *reply);
bool sync_is_moving(const Lx__Error *error); // a unit that is between two districts
void sync_pull_moving(struct sync *sync, struct sync_stream *stream);
void sync_pull_error(struct sync *sync, struct sync_stream *stream, const Lx__Error *error);
struct sync_stream *sync_pull_by_token(struct sync *sync, uint32_t token);
void sync_want_pull(struct sync *sync, struct sync_stream *stream);
