// Logins of this worker's connections: how they begin and are looked up. See session.h;
// session_check.c keeps them true.
#include "server/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/dispatch.h"
#include "server/handlers.h"
#include "server/secret.h"
#include "server/worker.h"

// A session on its way to its connection.
struct beginning {
    struct request *request; // borrows
    struct session *session; // owns
    session_done_fn done;
    void *user;
};

struct session *session_of(const struct request *request) {
    struct session *session = request_session(request);
    assert(session != NULL);
    session->used_at_ms = request_received_at_ms(request);
    return session;
}

struct session *session_still_of(const struct request *request) {
    struct session *session = request_session(request);
    bool still = session != NULL && session == request_context(request)->session;
    return still && session->state == SESSION_STATE_OPEN ? session : NULL;
}

struct scope *session_hold_scope(const struct request *request) {
    return scope_hold(session_of(request)->scope);
}

void session_adopt_scope(struct session *session, struct scope *scope) {
    struct scope *old = session->scope;
    session->scope = scope_hold(scope);
    scope_drop(&old);
}

bool session_has_capability(const struct session *session, int capability) {
    // everybody reads the city's stream; which others, the scope says stream by stream
    return session->checks_off || capability == CAPABILITY_READ ||
           (session->scope->capabilities >> capability & 1) != 0;
}

static void link_session(struct handlers *handlers, struct session *session) {
    session->owner = handlers;
    session->next = handlers->sessions;
    if (session->next != NULL)
        session->next->previous = session;
    handlers->sessions = session;
}

static void unlink_session(struct session *session) {
    if (session->owner == NULL)
        return;
    if (session->previous != NULL)
        session->previous->next = session->next;
    else
        session->owner->sessions = session->next;
    if (session->next != NULL)
        session->next->previous = session->previous;
    session->owner = NULL;
}

void session_forget_all(struct handlers *handlers) {
    while (handlers->sessions != NULL)
        unlink_session(handlers->sessions);
}

void session_release(struct session *session) {
    if (session == NULL || --session->references > 0)
        return;
    unlink_session(session);
    scope_drop(&session->scope);
    explicit_bzero(session->token_hash, sizeof(session->token_hash));
    free(session);
}

// Tells the beginner; a session that came to nothing goes.
static void finish_beginning(struct beginning *beginning, enum status status) {
    struct request *request = beginning->request;
    struct session *session = beginning->session;
    if (status == STATUS_OK)
        request_set_session(request, &session->held);
    else
        session_release(session);
    beginning->done(request, status, status == STATUS_OK ? session : NULL, beginning->user);
}

static void on_scope(void *user, enum status status, struct scope *scope) {
    struct beginning *beginning = user;
    if (status == STATUS_OK)
        beginning->session->scope = scope;
    finish_beginning(beginning, status);
}

static struct session *session_new(struct request *request,
                                   const struct session_identity *identity) {
    struct worker *worker = request_worker(request);
    struct session *session = calloc(1, sizeof(*session) + identity->name.size + 1);
    if (session == NULL)
        return NULL;
    assert(identity->token_hash.size == SESSION_HASH_SIZE);
    memcpy(session->token_hash, identity->token_hash.data, SESSION_HASH_SIZE);
    memcpy(session->device, request_context(request)->device, REQUEST_DEVICE_SIZE);
    session->references = 1;
    session->held = (struct held_session){NULL, session, session_release};
    session->checks_off = !config_checks_server(worker->config);
    session->must_change_password = identity->must_change_password;
    session->person = identity->person;
    session->idle_until_ms = identity->idle_until_ms;
    session->until_ms = identity->until_ms;
    session->used_at_ms = session->touched_at_ms = worker_now_ms(worker);
    session->checked_at_ms = session->used_at_ms;
    if (identity->name.size > 0)
        memcpy(session->name, identity->name.data, identity->name.size);
    link_session(worker->handlers, session);
    return session;
}

void session_begin(struct request *request, const struct session_identity *identity,
                   session_done_fn done, void *user) {
    struct beginning *beginning = arena_alloc(request_arena(request), sizeof(*beginning));
    struct session *session = beginning != NULL ? session_new(request, identity) : NULL;
    if (session == NULL) {
        done(request, STATUS_NO_MEMORY, NULL, user); // the one answer that comes at once
        return;
    }
    *beginning = (struct beginning){request, session, done, user};
    scope_load(request_worker(request), session->person, on_scope, beginning);
}

// ---- resuming ----

enum {
    RESUME_PERSON,
    RESUME_ACCOUNT,
    RESUME_NAME,
    RESUME_MUST_CHANGE,
    RESUME_SCOPE_VERSION,
    RESUME_IDLE_UNTIL,
    RESUME_UNTIL
};

struct resuming {
    struct request *request; // borrows
    uint8_t token_hash[SESSION_HASH_SIZE];
    session_done_fn done;
    void *user;
};

static void on_resumed(void *user, enum status status, const struct db_result *result) {
    struct resuming *resuming = user;
    if (status == STATUS_OK && db_rows(result) == 0)
        status = STATUS_NOT_FOUND;
    if (status != STATUS_OK) {
        resuming->done(resuming->request, status, NULL, resuming->user);
        return;
    }
    const struct session_identity identity = {
        .person = db_uuid(result, 0, RESUME_PERSON),
        .name = db_text(result, 0, RESUME_NAME),
        .token_hash = view_from(resuming->token_hash, SESSION_HASH_SIZE),
        .must_change_password = db_bool(result, 0, RESUME_MUST_CHANGE),
        .idle_until_ms = db_timestamptz_ms(result, 0, RESUME_IDLE_UNTIL),
        .until_ms = db_timestamptz_ms(result, 0, RESUME_UNTIL),
    };
    session_begin(resuming->request, &identity, resuming->done, resuming->user);
}

void session_resume(struct request *request, struct view token, session_done_fn done, void *user) {
    struct arena *arena = request_arena(request);
    struct resuming *resuming = arena_alloc(arena, sizeof(*resuming));
    if (resuming == NULL) {
        done(request, STATUS_NO_MEMORY, NULL, user);
        return;
    }
    *resuming = (struct resuming){.request = request, .done = done, .user = user};
    secret_hash_token(token, resuming->token_hash);
    struct db_params *params = db_params_new(arena);
    db_param_bytea(params, view_from(resuming->token_hash, SESSION_HASH_SIZE));
    db_param_bytea(params, view_from(request_context(request)->device, REQUEST_DEVICE_SIZE));
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "session_resume", params, on_resumed,
             resuming);
}
