// What one person may see and do now: grants in force, streams, the settings for row level
// security. Pure: built from rows (session.c reads them from scope_of), never changed afterwards,
// shared by reference count between a session and the requests that began with it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/base/uuid.h"
#include "common/domain/role.h"
#include "server/db/db.h"

struct scope_grant {
    struct uuid id;
    Lx__Role role;
    struct uuid unit;
    int32_t level; // of the unit
    int32_t district;
    int64_t from_ms;
    int64_t until_ms; // 0: open
};

struct scope_stream {
    struct uuid id;
    int32_t level;
    int32_t district;
};

struct scope {
    unsigned references;
    uint64_t version;
    struct uuid person;
    struct scope_grant *grants; // the arrays lie in the same block
    size_t n_grants;
    struct scope_grant *ended; // ended at most 35 days ago, not for cause: until_ms is when
    size_t n_ended;
    struct scope_stream *streams; // the city's first, as the database gave them
    size_t n_streams;
    uint32_t *by_id;       // indexes of streams, ascending by id
    uint32_t capabilities; // of all grants together
    char *settings;        // owns; both texts of scope_settings when they are short, else NULL
};

// What the database says of a person.
struct scope_rows {
    struct uuid person;
    uint64_t version;
    const struct scope_grant *grants;
    size_t n_grants;
    const struct scope_grant *ended;
    size_t n_ended;
    const struct scope_stream *streams;
    size_t n_streams;
};

// Takes copies; *out_scope has one reference. STATUS_NO_MEMORY.
enum status scope_new(const struct scope_rows *rows, struct scope **out_scope) MUST_USE;
struct scope *scope_hold(struct scope *scope);
void scope_drop(struct scope **scope); // NULL is fine; frees with the last reference

// NULL: not in scope.
const struct scope_stream *scope_find_stream(const struct scope *scope, struct uuid stream);
// Does a grant on one of `path` (a unit and those above it) give the capability?
bool scope_can_over(const struct scope *scope, const struct uuid *path, size_t n_path,
                    enum capability capability);
// Had he lately a grant on one of `path`, so that what he wrote under it may still come in?
bool scope_had_over(const struct scope *scope, const struct uuid *path, size_t n_path);
// May he give `role` on that unit: a grant above or on it that manages grants, of at least the
// rank?
bool scope_may_give(const struct scope *scope, const struct uuid *path, size_t n_path,
                    Lx__Role role);
// The settings that row level security looks at, each with its closing 0: districts as int[] and
// streams as uuid[], as PostgreSQL reads them. Appends; STATUS_NO_MEMORY. Long ones are written for
// each query, since kept they would be the larger half of an idle login.
enum status scope_settings(const struct scope *scope, struct buf *districts,
                           struct buf *streams) MUST_USE;
// db_query under this person's settings.
void scope_query(const struct scope *scope, struct db_pool *pool, const char *statement,
                 struct db_params *params, db_done_fn done, void *user);
