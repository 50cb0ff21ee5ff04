// Logins of this worker's connections: who is at the other end and what he may do now. A session
// is made by login.c or by a token in Hello, put on its connection, and checked again against the
// database while it is in use and before it is used again (session_check.c), so that a revocation
// takes effect within a second and an idle login costs next to nothing.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/base/uuid.h"
#include "common/base/view.h"
#include "server/request.h"
#include "server/scope.h"

#define SESSION_HASH_SIZE 32

struct handlers;
struct worker;

enum session_state {
    SESSION_STATE_OPEN,  // on a connection, or about to be
    SESSION_STATE_ENDED, // the database no longer knows it: its next request is refused
};

struct session {
    enum session_state state;
    bool must_change_password;
    bool checks_off; // the server's permission layer is off (tests only)
    bool reloading;  // its scope is being read again
    uint8_t token_hash[SESSION_HASH_SIZE];
    uint8_t device[REQUEST_DEVICE_SIZE];
    struct uuid person;
    int64_t idle_until_ms;
    int64_t until_ms;
    int64_t checked_at_ms;           // when the database last knew it
    unsigned checking;               // requests that wait for a check, in order
    int64_t used_at_ms;              // newest request
    int64_t touched_at_ms;           // when the database last moved idle_until on
    struct scope *scope;             // holds a reference
    int64_t bundles_from_ms;         // the minute in which `bundles` are counted
    unsigned bundles;                // parts of bundles that this login has carried in it
    unsigned references;             // the connection's, and checks under way
    struct handlers *owner;          // borrows; NULL after its end: in whose list it is
    struct session *next, *previous; // all of the worker
    struct held_session held;        // its connection's
    char name[];                     // of the person, as the account has it
};

// The login of a request that needs one; notes that it was used. Never NULL for such a method, and
// the one that the request came with, whatever has become of it.
struct session *session_of(const struct request *request);
// The same while it is the connection's login; NULL when it has ended or was replaced. For what a
// request does after it has waited.
struct session *session_still_of(const struct request *request);
// Its scope as it is now, with a reference that the caller drops.
struct scope *session_hold_scope(const struct request *request);
// Takes a scope that was read meanwhile into use (a reference of its own).
void session_adopt_scope(struct session *session, struct scope *scope);
// Drops a reference; the connection's at the end of `held`.
void session_release(struct session *session);

// Reads a person's scope; done runs on the loop, later; the scope's one reference is the
// receiver's.
typedef void (*scope_done_fn)(void *user, enum status status, struct scope *scope);
void scope_load(struct worker *worker, struct uuid person, scope_done_fn done, void *user);

// What a login says about itself. Views are copied.
struct session_identity {
    struct uuid person;
    struct view name;
    struct view token_hash; // SESSION_HASH_SIZE bytes
    bool must_change_password;
    int64_t idle_until_ms;
    int64_t until_ms;
};

// Reads the person's scope, makes the session and puts it on the request's connection; then calls
// done (on the loop, never before this returns) with STATUS_OK and the session (borrowed), or with
// what went wrong and NULL. The request must not be answered before.
typedef void (*session_done_fn)(struct request *request, enum status status,
                                struct session *session, void *user);
void session_begin(struct request *request, const struct session_identity *identity,
                   session_done_fn done, void *user);
// Hello with a token: STATUS_NOT_FOUND when it is not (or no longer) valid for this device.
void session_resume(struct request *request, struct view token, session_done_fn done, void *user);

// Goes on with a request of a login: at once when the login was checked a moment ago, else after
// asking the database (a login that has ended: the request is answered). Requests keep their order.
void session_freshen(struct request *request, void (*proceed)(struct request *request));
// One query for the logins in use, and for each idle one every few seconds: ended ones lose their
// connection, changed scopes are read again and their clients told. Called at every tick.
void session_check_all(struct worker *worker);
// The next of these checks asks about every login, idle ones too.
void session_check_soon(struct worker *worker);
// Takes all sessions out of the list; those still referenced live on.
void session_forget_all(struct handlers *handlers);
