// The local view: rows that the server has sent (the replica, per stream) and the rows that this
// home's own operations will make (local, until the server's row replaces them or refuses them).
// A replica that begins anew is filled behind the former one, and so are the rows of a subject that
// left a stream: these show where nothing newer is there, until all that has moved is pulled (what
// lies in a unit under way cannot be yet), since what left one stream may come with another.
// Nothing that was seen goes meanwhile. Reads need no transaction. Callers: client/core,
// client/cli.
#pragma once

#include "client/store/store.h"
#include "proto/ledger.pb-c.h"

enum store_kind {
    STORE_KIND_ANY = 0,
    STORE_KIND_FACT = 1,
    STORE_KIND_PERSON = 2,
    STORE_KIND_MEMBERSHIP = 3,
    STORE_KIND_UNIT = 4,
    STORE_KIND_PROGRAMME = 5,
    STORE_KIND_STANDING = 6,
    STORE_KIND_TRANSIT = 7, // a transfer between districts under way
};

struct store_row {
    enum store_kind kind;
    struct uuid stream;
    struct uuid id;
    uint64_t version;   // of the server's row; 0 for a new local one
    bool local;         // made by an own operation that the server has not yet sent back
    bool former;        // of a replica that is being replaced
    const Lx__Row *row; // lives in the caller's arena (find), or until the callback returns (each)
};

struct store_rows {
    struct store_row *rows; // in the caller's arena
    size_t count;
};

// What to look for; zero fields do not restrict. A row that is both local and replicated comes
// once: the local state, with the replica's version.
struct store_query {
    enum store_kind kind;
    const struct uuid *stream;
    const struct uuid *subject;
    const struct uuid *id;
};

// Calls `fn` for each row, in ascending id; another status than OK from it ends the walk and comes
// back. `fn` must not write to the store.
typedef enum status (*store_row_fn)(void *user, const struct store_row *row);
enum status store_each(struct store *store, const struct store_query *query, store_row_fn fn,
                       void *user) MUST_USE;
// The same, collected. No row: STATUS_OK and count 0.
enum status store_find(struct store *store, const struct store_query *query, struct arena *arena,
                       struct store_rows *out_rows) MUST_USE;
// One row by its record id. STATUS_NOT_FOUND when it is not in this home.
enum status store_find_id(struct store *store, enum store_kind kind, struct uuid id,
                          struct arena *arena, struct store_row *out_row) MUST_USE;

enum store_key {
    STORE_KEY_ACCOUNT,    // of a person; exact
    STORE_KEY_TEACHER_NO, // of a person; exact
    STORE_KEY_NAME,       // of a person or unit; exact
    STORE_KEY_CODE,       // of a unit or programme; exact
};

// Persons, units or programmes with this value (a name may have many).
enum status store_find_key(struct store *store, enum store_key key, struct view value,
                           struct arena *arena, struct store_rows *out_rows) MUST_USE;
// Is there a fact, local or from the server, with this 32-byte source key? (Refused ones do not
// count.)
enum status store_has_source_key(struct store *store, const uint8_t key[32],
                                 bool *out_has) MUST_USE;
// The stream in which rows about this subject lie now: a unit's own, else the one of the person's
// row. STATUS_NOT_FOUND: not in this home.
enum status store_home_stream(struct store *store, struct uuid subject,
                              struct uuid *out_stream) MUST_USE;
// The programme with this number, newest scheme version. STATUS_NOT_FOUND.
enum status store_programme(struct store *store, uint32_t number, struct arena *arena,
                            const Lx__Programme **out_programme) MUST_USE;

// ---- what the sync engine does; all but the readers need an open transaction ----

struct store_stream {
    struct uuid stream;
    uint64_t cursor;     // last seq applied
    uint64_t live_count; // of the replica
    uint64_t digest;     // over the replica's live rows
    uint64_t next_op_seq;
    bool proved; // complete at `cursor` by count and digest
    bool whole;  // and the view shows nothing older of it
};

enum status store_streams(struct store *store, struct arena *arena, size_t *out_count,
                          struct store_stream **out_streams) MUST_USE;
enum status store_stream_get(struct store *store, struct uuid stream,
                             struct store_stream *out_stream) MUST_USE;
// Replaces grants and scope. Streams no longer in it lose their replica; new ones start at cursor
// 0.
enum status store_scope_put(struct store *store, const struct store_grant *grants, size_t n_grants,
                            const struct uuid *streams, size_t n_streams) MUST_USE;
// The stream's replica becomes the former one, and a new one starts at cursor 0.
enum status store_stream_restart(struct store *store, struct uuid stream) MUST_USE;
// Applies rows of one pull answer (live, left, gone), then sets the cursor.
enum status store_pull_apply(struct store *store, struct uuid stream, size_t n_rows,
                             Lx__Row *const *rows, uint64_t cursor) MUST_USE;
// Proved complete at its cursor: own operations whose rows have come leave the local layer.
enum status store_stream_set_proved(struct store *store, struct uuid stream) MUST_USE;
// All that has moved is pulled: in the streams that are proved former rows and own operations that
// are stored leave the view. Its own transaction, if there is anything to do.
enum status store_settle(struct store *store) MUST_USE;
// Count and digest computed anew from the rows, for checks.
enum status store_stream_recount(struct store *store, struct uuid stream, uint64_t *out_count,
                                 uint64_t *out_digest) MUST_USE;
