// Keeps the logins of a worker true: one query for all of them at every tick. Ended ones lose their
// connection, changed scopes are read again and their clients told; use is passed on to the
// database, which counts the idle time.
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "server/handlers.h"
#include "server/worker.h"

#define TOUCH_MS (60 * 1000) // how often use of a session is told to the database
#define FRESH_MS 600   // with a tick and a query less than the second that a revocation may take
#define IN_USE_MS 2000 // after a request a login counts as in use
#define IDLE_CHECK_MS 4000 // how often others are asked about while no right changes (terms end)

enum { ALIVE_HASH, ALIVE_SCOPE_VERSION, ALIVE_MUST_CHANGE }; // columns of session_alive

// The sessions asked about, in ascending order of their hashes, each with a reference.
struct check {
    struct arena *arena; // owns
    struct worker *worker;
    struct session **sessions;
    bool *alive;
    size_t n;
};

static int compare_sessions(const void *left, const void *right) {
    const struct session *const *a = left, *const *b = right;
    return memcmp((*a)->token_hash, (*b)->token_hash, SESSION_HASH_SIZE);
}

static bool is_ended(const struct request_context *context, void *user) {
    (void)user;
    return context->session != NULL && context->session->state == SESSION_STATE_ENDED;
}

static bool is_of_session(const struct request_context *context, void *user) {
    return context->session == user;
}

// ---- a scope that changed ----

static void on_new_scope(void *user, enum status status, struct scope *scope) {
    struct session *session = user;
    session->reloading = false;
    if (status == STATUS_OK) {
        scope_drop(&session->scope);
        session->scope = scope;
        if (session->owner != NULL)
            worker_scope_changed(session->owner->worker, is_of_session, session);
    }
    session_release(session);
}

static void reload_scope(struct worker *worker, struct session *session) {
    session->reloading = true;
    session->references++;
    scope_load(worker, session->person, on_new_scope, session);
}

// ---- use, passed on ----

static void on_touched(void *user, enum status status, const struct db_result *result) {
    struct arena *arena = user;
    (void)status; // a lost touch is made up by the next one
    (void)result;
    arena_free(&arena);
}

static void touch(struct worker *worker, struct session *session) {
    struct arena *arena = arena_new(0);
    if (arena == NULL)
        return;
    session->touched_at_ms = session->used_at_ms;
    struct db_params *params = db_params_new(arena);
    db_param_bytea(params, view_from(session->token_hash, SESSION_HASH_SIZE));
    db_param_bytea(params, view_from(session->device, REQUEST_DEVICE_SIZE));
    db_query(worker->auth, DB_SCOPE_NONE, "session_resume", params, on_touched, arena);
}

// ---- the check ----

static struct session *find_session(const struct check *check, struct view hash, size_t *out_at) {
    size_t low = 0, high = check->n;
    while (hash.size == SESSION_HASH_SIZE && low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(hash.data, check->sessions[middle]->token_hash, SESSION_HASH_SIZE);
        *out_at = middle;
        if (order == 0)
            return check->sessions[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

// The same token may be on several connections: equal hashes stand beside each other.
static void mark_alive(struct check *check, const struct db_result *result, int row) {
    struct view hash = db_bytea(result, row, ALIVE_HASH);
    uint64_t scope_version = (uint64_t)db_int8(result, row, ALIVE_SCOPE_VERSION);
    size_t at = 0;
    if (find_session(check, hash, &at) == NULL)
        return;
    while (at > 0 && memcmp(check->sessions[at - 1]->token_hash, hash.data, hash.size) == 0)
        at--;
    for (; at < check->n; at++) {
        struct session *session = check->sessions[at];
        if (memcmp(session->token_hash, hash.data, hash.size) != 0)
            return;
        check->alive[at] = true;
        session->checked_at_ms = worker_now_ms(check->worker);
        session->must_change_password = db_bool(result, row, ALIVE_MUST_CHANGE);
        if (session->scope != NULL && session->scope->version != scope_version &&
            !session->reloading)
            reload_scope(check->worker, session);
    }
}

static void read_alive(struct check *check, const struct db_result *result) {
    bool any_ended = false;
    for (int row = 0; row < db_rows(result); row++)
        mark_alive(check, result, row);
    for (size_t i = 0; i < check->n; i++) {
        struct session *session = check->sessions[i];
        if (!check->alive[i]) {
            session->state = SESSION_STATE_ENDED;
            any_ended = true;
        } else if (session->used_at_ms - session->touched_at_ms > TOUCH_MS) {
            touch(check->worker, session);
        }
    }
    if (any_ended)
        log_info("%u logins ended", worker_end_sessions(check->worker, is_ended, NULL, true));
}

static void on_alive(void *user, enum status status, const struct db_result *result) {
    struct check *check = user;
    struct arena *arena = check->arena;
    if (check->worker->handlers != NULL) {
        check->worker->handlers->session_check_under_way = false;
        if (status == STATUS_OK)
            read_alive(check, result);
    }
    for (size_t i = 0; i < check->n; i++)
        session_release(check->sessions[i]);
    arena_free(&arena);
}

static bool is_due(const struct handlers *handlers, const struct session *session, int64_t now_ms) {
    return handlers->session_check_all || now_ms - session->used_at_ms < IN_USE_MS ||
           now_ms - session->checked_at_ms >= IDLE_CHECK_MS;
}

static size_t count_due(const struct handlers *handlers, int64_t now_ms) {
    size_t n = 0;
    for (const struct session *session = handlers->sessions; session != NULL;
         session = session->next)
        n += is_due(handlers, session, now_ms);
    return n;
}

static struct check *check_new(struct worker *worker, struct arena *arena, size_t n) {
    struct check *check = arena_alloc(arena, sizeof(*check));
    if (check == NULL)
        return NULL;
    *check = (struct check){.arena = arena, .worker = worker};
    check->sessions = arena_array(arena, n, sizeof(struct session *));
    check->alive = arena_array(arena, n, sizeof(bool));
    return check->sessions != NULL && check->alive != NULL ? check : NULL;
}

void session_check_all(struct worker *worker) {
    struct handlers *handlers = worker->handlers;
    int64_t now_ms = worker_now_ms(worker);
    size_t n = count_due(handlers, now_ms);
    if (n == 0 || handlers->session_check_under_way)
        return;
    struct arena *arena = arena_new(0);
    struct check *check = arena != NULL ? check_new(worker, arena, n) : NULL;
    struct view *hashes = check != NULL ? arena_array(arena, n, sizeof(*hashes)) : NULL;
    if (hashes == NULL) {
        arena_free(&arena);
        return;
    }
    for (struct session *session = handlers->sessions; session != NULL; session = session->next) {
        if (!is_due(handlers, session, now_ms))
            continue;
        session->references++;
        check->sessions[check->n++] = session;
    }
    qsort(check->sessions, check->n, sizeof(struct session *), compare_sessions);
    for (size_t i = 0; i < n; i++)
        hashes[i] = view_from(check->sessions[i]->token_hash, SESSION_HASH_SIZE);
    struct db_params *params = db_params_new(arena);
    db_param_bytea_array(params, n, hashes);
    handlers->session_check_under_way = true;
    handlers->session_check_all = false;
    db_query(worker->auth, DB_SCOPE_NONE, "session_alive", params, on_alive, check);
}

void session_check_soon(struct worker *worker) {
    worker->handlers->session_check_all = true;
}

// ---- before a request ----

// A request that waits until its login was checked.
struct freshening {
    struct request *request; // borrows
    struct session *session; // holds a reference
    void (*proceed)(struct request *request);
};

static void go_on(struct freshening *freshening) {
    struct request *request = freshening->request;
    struct session *session = freshening->session;
    void (*proceed)(struct request *) = freshening->proceed;
    bool ended = session_still_of(request) == NULL; // logged out or replaced counts, too
    session->checking--;
    session_release(session);
    if (ended)
        request_fail(request, REASON_SESSION_ENDED, NULL, NULL);
    else
        proceed(request);
}

static void give_up(struct freshening *freshening, enum status status, const char *what) {
    struct request *request = freshening->request;
    freshening->session->checking--;
    session_release(freshening->session);
    request_fail_status(request, status, what);
}

// Nothing is carried out with a scope that is known to be of before, nor while the worker ends.
static void on_fresh_scope(void *user, enum status status, struct scope *scope) {
    struct freshening *freshening = user;
    if (status != STATUS_OK) {
        give_up(freshening, status, "scope_of");
        return;
    }
    session_adopt_scope(freshening->session, scope);
    scope_drop(&scope);
    worker_scope_changed(request_worker(freshening->request), is_of_session, freshening->session);
    go_on(freshening);
}

static void on_fresh(void *user, enum status status, const struct db_result *result) {
    struct freshening *freshening = user;
    struct session *session = freshening->session;
    struct request *request = freshening->request;
    struct worker *worker = request_worker(request);
    if (status != STATUS_OK) {
        give_up(freshening, status, "session_alive");
        return;
    }
    if (db_rows(result) == 0) {
        session->state = SESSION_STATE_ENDED;
        go_on(freshening);
        worker_end_sessions(worker, is_ended, NULL, true);
        return;
    }
    session->checked_at_ms = worker_now_ms(worker);
    session->must_change_password = db_bool(result, 0, ALIVE_MUST_CHANGE);
    if ((uint64_t)db_int8(result, 0, ALIVE_SCOPE_VERSION) != session->scope->version)
        scope_load(worker, session->person, on_fresh_scope, freshening);
    else
        go_on(freshening);
}

void session_freshen(struct request *request, void (*proceed)(struct request *request)) {
    struct session *session = request_context(request)->session;
    struct worker *worker = request_worker(request);
    struct freshening *freshening;
    if (session->checking == 0 && worker_now_ms(worker) - session->checked_at_ms < FRESH_MS) {
        proceed(request);
        return;
    }
    freshening = arena_alloc(request_arena(request), sizeof(*freshening));
    if (freshening == NULL) {
        request_fail_status(request, STATUS_NO_MEMORY, "session");
        return;
    }
    *freshening = (struct freshening){request, session, proceed};
    session->checking++;
    session->references++;
    const struct view hash = view_from(session->token_hash, SESSION_HASH_SIZE);
    struct db_params *params = db_params_new(request_arena(request));
    db_param_bytea_array(params, 1, &hash);
    db_query(worker->auth, DB_SCOPE_NONE, "session_alive", params, on_fresh, freshening);
}
