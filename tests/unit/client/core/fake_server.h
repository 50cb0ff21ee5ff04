// A server in memory for the tests of the sync engine: streams with rows, operations by key with
// their hashes and answers, verdicts as the protocol says. Answers are messages in its arena.
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "common/wire/reason.h"
#include "tests/unit/client/store/home.h"

#define FAKE_STREAMS 3 // that fake_open makes
#define FAKE_MAX_STREAMS 6
#define FAKE_ROWS 4096
#define FAKE_OPS 2048

struct fake_row {
    uint64_t seq;
    Lx__RowState state;
    struct uuid id, subject;
    uint64_t version;
    struct view body; // encoded Row: fact, person ...; in the arena
};

struct fake_op {
    uint8_t hash[16];
    bool refused;
};

struct fake_stream {
    struct uuid id;
    bool in_scope;
    uint64_t head;
    struct fake_row rows[FAKE_ROWS];
    size_t n_rows;
    struct fake_op ops[FAKE_OPS]; // op_seq - 1
    size_t n_ops;
    bool refuse_groups;    // GROUP_REFUSED
    enum reason_id reason; // then; 0: none is told
    bool moving;           // its unit: pulls are told to wait
    uint64_t floor;        // newest tombstone that was removed
    uint64_t wrong_digest; // xor'ed into the next `wrong_times` answers
    unsigned wrong_times;
};

struct fake_server {
    struct arena *arena; // owns
    struct fake_stream streams[FAKE_MAX_STREAMS];
    size_t n_streams;
    uint64_t scope_version;
    const struct store_grant *grant; // borrows; of the login; NULL: none
    unsigned stored_twice;           // operations that came in twice under different keys
    unsigned hash_clashes;           // same key, other content: a defect of the client
    unsigned pulls, pushes, snapshots;
};

void fake_open(struct fake_server *server); // streams home_id(1..3), all in scope
void fake_close(struct fake_server *server);
// The answer to a request, or an Lx__Error; facts whose item is "bad" are refused.
const ProtobufCMessage *fake_answer(struct fake_server *server, uint16_t method,
                                    const ProtobufCMessage *request);
// What somebody else does.
void fake_put(struct fake_server *server, size_t stream, const Lx__Operation *operation);
// The same with what only a server makes (units, programmes): the row's body, id and subject.
void fake_put_row(struct fake_server *server, size_t stream, const Lx__Row *row);
void fake_leave(struct fake_server *server, size_t stream, struct uuid subject);
void fake_prune(struct fake_server *server, size_t stream); // removes the tombstones
uint64_t fake_live_count(const struct fake_stream *stream, uint64_t *out_digest);
