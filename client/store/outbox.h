// The outbox: every change a person makes here, kept as the bytes that are hashed and sent, 35 days
// longer than until the server has it. An operation gets its key (stream, op_seq) in the
// transaction before it is first sent and keeps it until the server has answered. Callers:
// client/core (sync), client/cli (outbox).
#pragma once

#include "client/store/store.h"
#include "proto/ledger.pb-c.h"

enum outbox_state {
    OUTBOX_WAITING = 1,  // to be sent, or sent and not yet answered
    OUTBOX_ACKED = 2,    // stored by the server
    OUTBOX_REFUSED = 3,  // stored by the server as refused; reason says why
    OUTBOX_ARCHIVED = 4, // put away by a person (drop, retry); never deleted
};

struct outbox_entry {
    int64_t id; // what a person names
    struct uuid stream;
    uint64_t op_seq; // 0: not sent yet
    uint64_t batch;  // group it was first sent in; 0: not sent yet
    enum outbox_state state;
    bool bundled; // waits, and stands in a bundle
    struct uuid record;
    int64_t created_ms;
    int64_t acked_ms; // 0: not
    uint64_t ack_seq; // head of the stream after it; 0: none
    int64_t retry_of; // entry that this one repeats; 0: none
    // Entry without which this one cannot go, however many stand between: it was refused or put
    // away, or the server would not take its group, behind which the stream's others wait. 0: none.
    int64_t blocked_by;
    struct view bytes; // encoded Operation
    const Lx__Operation *operation;
    const Lx__Reason
        *reason; // of a refusal, or of the whole group's refusal while waiting; may be NULL
};

struct outbox_entries {
    struct outbox_entry *entries; // in the caller's arena
    size_t count;
    bool fresh; // sealed: they got their keys now, and nothing of the stream is unanswered but them
};

// Encodes the operation (scope_version is set to the home's), adds it to the outbox and its effect
// to the local view. Needs an open transaction. STATUS_INVALID: not exactly one of fact, person,
// membership, transfer, or without ids.
enum status store_add_operation(struct store *store, struct uuid stream,
                                const Lx__Operation *operation, int64_t now_ms,
                                int64_t *out_id) MUST_USE;

// state 0: all. Ascending id.
enum status store_outbox(struct store *store, enum outbox_state state, struct arena *arena,
                         struct outbox_entries *out_entries) MUST_USE;
enum status store_outbox_get(struct store *store, int64_t id, struct arena *arena,
                             struct outbox_entry *out_entry) MUST_USE;
struct outbox_counts {
    uint64_t waiting, refused, acked, archived;
};
// Newest head of the stream that an acknowledgement named; 0: none.
enum status store_outbox_last_ack(struct store *store, struct uuid stream,
                                  uint64_t *out_seq) MUST_USE;
enum status store_outbox_counts(struct store *store, struct outbox_counts *out_counts) MUST_USE;
// How many entries have a blocked_by. Looks at everything that waits.
enum status store_outbox_blocked(struct store *store, uint64_t *out_blocked) MUST_USE;

// The person's choices; each its own transaction.
// retry: a refused entry goes out again as a new one, the old one is archived. STATUS_CONFLICT: not
// refused.
enum status store_outbox_retry(struct store *store, int64_t id, int64_t now_ms,
                               int64_t *out_new_id) MUST_USE;
// drop: a refused entry, or a waiting one that was never sent, is archived and leaves the local
// view. STATUS_CONFLICT: already stored, or sent and not answered (sync first).
enum status store_outbox_drop(struct store *store, int64_t id) MUST_USE;

// ---- what the sync engine does ----

// The next group to send for this stream: the oldest one that was sent and not answered, exactly
// as it was sent; else what waits and is not blocked gets keys now (facts and roster changes never
// share a group; at most max_ops and max_bytes, at least one). Its own transaction, durable before
// it returns. count 0: nothing to send.
enum status store_outbox_seal(struct store *store, struct uuid stream, size_t max_ops,
                              size_t max_bytes, struct arena *arena,
                              struct outbox_entries *out_entries) MUST_USE;
// Streams with something waiting that is not blocked.
enum status store_outbox_streams(struct store *store, struct arena *arena, size_t *out_count,
                                 struct uuid **out_streams) MUST_USE;

// The server's answers; each needs an open transaction.
// DONE or REPEATED: waiting entries of the group's stream with a key in [from, op_to] are stored,
// those in `refused` as refused. Below `from`, the first key that was sent, it says nothing.
enum status store_outbox_settle(struct store *store, const Lx__PushedGroup *group, uint64_t from,
                                int64_t now_ms) MUST_USE;
// The server would not take what was sent of this stream: reason (may be NULL) stays visible on all
// that waits under a key, and the keys stay: what it has under them is not said.
enum status store_outbox_hold(struct store *store, struct uuid stream,
                              const Lx__Reason *reason) MUST_USE;
// The same, and from key `from` (1 or more) on nothing is stored there: those keys are taken back.
// What stands in a bundle keeps its key: the bundle may still arrive.
enum status store_outbox_unseal(struct store *store, struct uuid stream, uint64_t from,
                                const Lx__Reason *reason) MUST_USE;
// The server has lost operations (restored): those from `expected` on go again under their keys, as
// the same bytes. What was refused fills its key again; if it is stored this time it counts as
// stored. Where a key is missing (forgotten after 35 days) the rest gets keys anew.
// STATUS_NOT_FOUND: this home has nothing from `expected` on, or a key is missing and this or a
// later one stands in a bundle, so that no other operation may get it.
enum status store_outbox_rewind(struct store *store, struct uuid stream,
                                uint64_t expected) MUST_USE;
// The same if anything that was answered here lies at or above the key that the server expects next
// (Scope tells it). Whatever the epoch says: an old copy of a database looks like the database.
// In a new epoch all that is kept below that key goes again as well: a copy of this home or a
// bundle may have come first, with other operations or with the same ones, which were refused.
struct outbox_lost {
    bool any;
    uint64_t records;  // of which the server had said that they are stored
    int64_t before_ms; // when it said so of the first: what it was restored from is older; 0: none
};
enum status store_outbox_heal(struct store *store, struct uuid stream, uint64_t server_next,
                              struct outbox_lost *out_lost) MUST_USE;
// STORE_CONFIG_DB_EPOCH is not the one that this home was last healed under: what Scope does not
// speak of goes again (streams that were left, keys of a former device), and every replica begins
// anew. After store_scope_put.
enum status store_outbox_heal_epoch(struct store *store) MUST_USE;
// Stored entries whose rows came back with a pull are forgotten 35 days after their
// acknowledgement; nothing else ever is. A few thousand a call; needs an open transaction.
enum status store_outbox_prune(struct store *store, int64_t now_ms) MUST_USE;
// A new device: keys of all waiting entries are taken back, every stream starts at op_seq 1. What a
// database of before a restore acknowledged, and the one of now did not, waits, too.
enum status store_outbox_new_device(struct store *store) MUST_USE;
