// The merged write path: groups of all clients wait in queues while the writing connections are
// busy; the next free connection takes what is there, up to about a thousand rows, as one batch.
// Pure: no descriptor, no clock, no timer. pile_writer.c carries batches to PostgreSQL, tests carry
// them to a fake; push.c adds groups and gets each one's outcome exactly once per round.
//
// Order: streams are routed to connections by hash; one batch is in flight per route; groups of one
// device and stream leave in the order they came, never two in one batch, and none overtakes one
// that is out for another round (trimmed or judged again).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/base/uuid.h"
#include "common/base/view.h"
#include "common/wire/content.h"
#include "common/wire/digest.h"
#include "proto/ledger.pb-c.h"

#define PILE_DEVICE_SIZE 32
#define PILE_BATCH_ROWS 1000     // measured: more gains nothing, and holds heads for longer
#define PILE_WAITING_ROWS 100000 // of all queues: beyond, pushes are asked to come back later
#define PILE_MAX_TRIES 3         // of a batch whose connection broke, and of a group's rounds

// A stream that facts of a group go to: their subjects' current home.
struct pile_target {
    struct uuid stream;
    uint32_t needs;          // bits of enum capability that all its facts together need
    uint64_t roster_version; // that they were judged with
    uint32_t count;          // facts
    uint64_t digest;         // xor of digest_row over them
};

// An accepted operation of a group of facts.
struct pile_fact {
    const Lx__Fact *fact;   // borrows
    uint64_t op_seq;        // its operation
    uint32_t target;        // index into the group's targets
    uint32_t position;      // from 1, within that target
    struct view submission; // packed lx.Submission, or empty
    uint8_t content[CONTENT_SIZE];
};

enum pile_verdict {
    PILE_VERDICT_NONE,
    PILE_VERDICT_DONE,     // stored
    PILE_VERDICT_REPEATED, // was stored before: final_answer is of then
    PILE_VERDICT_PARTIAL,  // operations up to op_to were stored before: trim, go again
    PILE_VERDICT_GAP,      // op_to + 1 is expected
    PILE_VERDICT_CLONED,   // same key, other content: the device is frozen
    PILE_VERDICT_STALE,    // a roster has changed since it was judged
    PILE_VERDICT_DENIED,   // the sender may not write there, or the stream does not exist
    PILE_VERDICT_FROZEN,   // the device is unknown, revoked or frozen
    PILE_VERDICT_MOVING,   // the stream is under way to another district, or has gone there
    PILE_VERDICT_CLASH,    // alone, and still a record id exists already: see which, then go again
    PILE_VERDICT_FAILED,   // the database refused it for a reason of its own
    PILE_VERDICT_AWAY,     // the database could not be reached in time
};

enum pile_group_state {
    PILE_GROUP_NEW,
    PILE_GROUP_WAITING, // in its route's queue
    PILE_GROUP_WRITING, // in the batch that is in flight
    PILE_GROUP_HELD,    // its owner has the outcome and must call pile_again or pile_release
    PILE_GROUP_GONE,    // released
};

struct pile_group;
typedef void (*pile_done_fn)(void *user, struct pile_group *group);

// One push's operations of one stream. All pointers borrow from the owner until pile_release.
struct pile_group {
    // set by the owner
    int32_t district;
    struct uuid stream;
    const uint8_t *device; // PILE_DEVICE_SIZE bytes
    struct uuid person;
    uint64_t op_from;
    size_t n_operations; // stored and refused ones
    const uint8_t (*hashes)[DIGEST_OPERATION_SIZE];
    uint64_t scope_version; // the lowest that the operations were written with
    int64_t received_at_ms;
    const struct pile_target *targets; // the first is the group's own stream
    size_t n_targets;
    const struct pile_fact *facts; // the accepted ones, in order
    size_t n_facts;
    size_t n_refused;
    struct view answer; // packed lx.PushedGroup with the refused ones only, kept for repeats
    const void *detail; // roster operations: what the writer needs; NULL: facts
    bool alone;         // never merged: roster operations, and facts that clashed
    bool slow;          // has clashed: the database takes or refuses each record by itself
    pile_done_fn done;  // on the loop, never before pile_add or pile_again returns
    void *user;

    // set by the writer before pile_finish
    enum pile_verdict verdict;
    uint64_t op_to;           // last operation the server has
    uint64_t seq;             // head of the stream after it
    struct view final_answer; // packed lx.PushedGroup with the refused ones; valid inside done only

    // the pile's own
    enum pile_group_state state;
    uint64_t key; // hash of device and stream
    struct pile_group *next;
};

// What is in flight on one route. Groups in the order they were added.
struct pile_batch {
    unsigned route;
    unsigned tries;             // so far, this one included
    struct pile_group **groups; // borrows
    size_t n_groups;
    size_t n_facts; // of all groups
};

struct pile; // opaque

// Carries the batch to the database: sets each group's outcome, then calls pile_finish, later,
// never from inside write. The batch stays as it is until then.
struct pile_writer {
    void (*write)(void *user, const struct pile_batch *batch);
    void *user;
};

// routes: number of writing connections (1..64). NULL: out of memory.
struct pile *pile_new(unsigned routes, struct pile_writer writer);
// Nothing may be in flight any more (close the connections first: they report); waiting groups get
// PILE_VERDICT_AWAY.
void pile_free(struct pile **pile);

// Queues the group and writes at once when its route is idle. STATUS_LIMIT: too much is waiting,
// the group was not taken. STATUS_NO_MEMORY likewise.
enum status pile_add(struct pile *pile, struct pile_group *group) MUST_USE;
// Another round for a held group (mended by its owner), before everything its device sent later.
void pile_again(struct pile *pile, struct pile_group *group);
// The end of a held group: what waited for it may go. The pile forgets it.
void pile_release(struct pile *pile, struct pile_group *group);

// The writer's report. STATUS_OK: every group has its verdict. STATUS_IO: the connection broke,
// nobody knows: the batch is written again (that repeats nothing, operations have keys).
// STATUS_AGAIN: not sent in time. Everything else: the batch is split in halves and each written on
// its own, down to the single group, which then gets CLASH (STATUS_EXISTS) or FAILED.
void pile_finish(struct pile *pile, unsigned route, enum status status);

size_t pile_waiting_rows(const struct pile *pile);
bool pile_is_idle(const struct pile *pile); // nothing waits, is written or held
