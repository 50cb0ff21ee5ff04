// One push while it is under way, whoever sends it: a login (push.c) or the author of a bundle
// (bundle.c). Shared by push_run.c (all groups), push_group.c (each group's way to its verdict) and
// push_lookup.c (what must be asked of the database before judging).
#pragma once

#include <string.h>

#include "common/wire/digest.h"
#include "server/judging.h"
#include "server/pile.h"
#include "server/request.h"
#include "server/worker.h"

#define PUSH_MAX_OPERATIONS 500 // of one request, as ledger.proto says
#define PUSH_MAX_GROUPS 500
#define PUSH_MAX_ROUNDS 8 // of one group: trimmed twice, stale a few times

struct push;

enum push_group_state {
    PUSH_GROUP_NEW,
    PUSH_GROUP_BLOCKED, // an earlier group of the same device and stream is still being judged
    PUSH_GROUP_JUDGING, // asking the database, judging
    PUSH_GROUP_PILED,   // with the pile
    PUSH_GROUP_ANSWERED,
};

// Which of a group's operations are written in this round: all, unless some were stored before.
struct push_part {
    size_t from;
    size_t to; // exclusive
};

struct push_group {
    struct push *push; // borrows
    size_t index;      // in the request
    enum push_group_state state;
    struct uuid stream;
    uint64_t first_op_seq;
    size_t n;
    Lx__Operation **operations;
    uint8_t (*hashes)[DIGEST_OPERATION_SIZE];
    uint64_t scope_version; // lowest of the operations
    bool is_roster;
    bool depends; // names facts that another group of the request brings: goes after it

    struct push_part part;
    unsigned rounds;
    bool schemes_read;           // again, because a programme was not known
    bool units_read;             // again, because the stream has gone to another district
    bool with_pile;              // held by the pile: goes again, or is released
    struct judging_facts facts;  // that operations are about, looked up
    struct judge_subject *homes; // persons of memberships, looked up
    size_t n_homes;
    struct judge_gone *gone; // those who were sent to another district
    size_t n_gone;
    struct judge_unit *home_units;
    size_t n_home_units;
    struct pile_group pile;

    Lx__PushedGroup answer;
    struct push_group *next_judging; // in handlers->judging
};

// Whose operations these are. Borrows; the push holds a reference to the scope.
struct push_sender {
    const uint8_t *device; // PILE_DEVICE_SIZE bytes that live as long as the request
    struct scope *scope;   // of the person who wrote them
    bool checks_off;       // the server's permission layer
};

// All groups have their answer, or push->failure says why there is none. Called once.
typedef void (*push_done_fn)(struct push *push);

struct push {
    struct request *request; // whose arena this is in; `done` has the duty to answer it
    struct worker *worker;
    struct push_sender sender; // holds a reference to its scope
    push_done_fn done;
    void *user;
    struct push_group *groups;
    size_t n_groups;
    size_t unanswered;      // groups, and one while they are being started
    size_t next_dependent;  // place from which the next dependent group is looked for
    enum reason_id failure; // the whole request is answered with it; REASON_NONE: not
    uint32_t retry_after_ms;
};

// Two ids as they came, which may be of any size; none is the same as nothing.
static inline bool push_same_id(ProtobufCBinaryData a, ProtobufCBinaryData b) {
    return a.len > 0 && a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

// push_run.c
// Reads the groups of a request: NULL and *out_reason (NULL: memory is out) when they are badly
// formed, and then nothing of them may be stored.
struct push *push_read(struct request *request, size_t n, Lx__PushGroup **messages,
                       const Lx__Reason **out_reason);
// Sends them on their way; `done` may run before this returns.
void push_start(struct push *push, const struct push_sender *sender, push_done_fn done, void *user);
// For the groups:
void push_group_answered(struct push_group *group); // group->answer is complete
void push_fail(struct push *push, enum reason_id reason, uint32_t retry_after_ms);

// push_group.c
void push_group_start(struct push_group *group);
// As a whole; it stays in its sender's outbox.
void push_group_refuse(struct push_group *group, enum reason_id reason);
// Everything that had to be looked up is there: judge, and write.
void push_group_judge(struct push_group *group);
// The lookup failed.
void push_group_fail(struct push_group *group, enum status status);

// push_lookup.c
void push_lookup(struct push_group *group);
