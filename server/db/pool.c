// The pool: who gets which connection, and what becomes of calls that find none. See db.h.
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "server/db/connection.h"
#include "server/db/internal.h"

#define CHECK_EVERY_MS 50 // of the deadlines of waiting calls

struct db_pool {
    struct event_base *base; // borrows
    char *dsn, *name;        // owns
    unsigned depth, wait_ms;
    struct db_segment_list waiting; // for any connection
    struct db_segment_list failed;  // called back on the next turn
    struct event check;             // runs while something waits
    bool check_armed;
    bool closing;
    unsigned n;
    struct db_connection connections[];
};

const char *db_pool_dsn(const struct db_pool *pool) {
    return pool->dsn;
}

const char *db_pool_name(const struct db_pool *pool) {
    return pool->name;
}

static void arm_check(struct db_pool *pool, int after_ms) {
    if (pool->check_armed && after_ms > 0)
        return;
    struct timeval after = {after_ms / 1000, (after_ms % 1000) * 1000};
    event_add(&pool->check, &after);
    pool->check_armed = true;
}

void db_pool_fail_later(struct db_pool *pool, struct db_segment *segment, enum status status) {
    segment->early = status;
    db_segment_push(&pool->failed, segment);
    if (!pool->closing)
        arm_check(pool, 0);
}

static void expire(struct db_segment_list *list, int64_t now_ms) {
    while (list->first != NULL && list->first->deadline_ms <= now_ms)
        db_segment_finish(db_segment_pop(list), STATUS_AGAIN);
}

static void on_check(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    struct db_pool *pool = user;
    int64_t now_ms = clock_monotonic_ms();
    pool->check_armed = false;
    struct db_segment_list failed = pool->failed;
    pool->failed = (struct db_segment_list){0};
    for (struct db_segment *segment; (segment = db_segment_pop(&failed)) != NULL;)
        db_segment_finish(segment, segment->early);
    expire(&pool->waiting, now_ms);
    bool waiting = pool->waiting.first != NULL;
    for (unsigned i = 0; i < pool->n; i++) {
        expire(&pool->connections[i].waiting, now_ms);
        waiting |= pool->connections[i].waiting.first != NULL;
    }
    if (waiting)
        arm_check(pool, CHECK_EVERY_MS);
}

struct db_pool *db_pool_new(struct event_base *base, const struct db_pool_options *options) {
    unsigned n = options->connections > 0 ? options->connections : 1;
    struct db_pool *pool = calloc(1, sizeof *pool + n * sizeof pool->connections[0]);
    if (pool == NULL)
        return NULL;
    pool->base = base;
    pool->depth = options->depth > 0 ? options->depth : 1;
    pool->wait_ms = options->wait_ms;
    pool->dsn = strdup(options->dsn);
    pool->name = strdup(options->name);
    bool ready = pool->dsn != NULL && pool->name != NULL;
    for (unsigned i = 0; i < n; i++) {
        pool->connections[i].prepared = calloc((size_t)statement_count() + 1, sizeof(bool));
        ready = ready && pool->connections[i].prepared != NULL;
    }
    pool->n = ready ? n : 0;
    evtimer_assign(&pool->check, base, on_check, pool);
    for (unsigned i = 0; i < pool->n; i++)
        db_connection_start(&pool->connections[i], pool, base);
    if (!ready) {
        for (unsigned i = 0; i < n; i++)
            free(pool->connections[i].prepared);
        db_pool_free(&pool);
    }
    return pool;
}

// Whether there was anything.
static bool drain(struct db_segment_list *list) {
    bool any = list->first != NULL;
    for (struct db_segment *segment; (segment = db_segment_pop(list)) != NULL;)
        db_segment_finish(segment, STATUS_AGAIN);
    return any;
}

void db_pool_begin_close(struct db_pool *pool) {
    pool->closing = true;
}

bool db_pool_drain(struct db_pool *pool) {
    bool any = false;
    for (unsigned i = 0; i < pool->n; i++) {
        any |= drain(&pool->connections[i].in_flight);
        any |= drain(&pool->connections[i].waiting);
    }
    any |= drain(&pool->waiting);
    any |= drain(&pool->failed); // calls that callbacks made meanwhile are here
    return any;
}

void db_pool_free(struct db_pool **pool_at) {
    struct db_pool *pool = *pool_at;
    if (pool == NULL)
        return;
    db_pools_close(pool_at, 1);
    for (unsigned i = 0; i < pool->n; i++)
        db_connection_stop(&pool->connections[i]);
    event_del(&pool->check);
    free(pool->dsn);
    free(pool->name);
    free(pool);
    *pool_at = NULL;
}

bool db_pool_is_up(const struct db_pool *pool) {
    for (unsigned i = 0; i < pool->n; i++)
        if (pool->connections[i].state == DB_CONNECTION_READY)
            return true;
    return false;
}

unsigned db_pool_connections(const struct db_pool *pool) {
    return pool->n;
}

unsigned db_pool_load(const struct db_pool *pool, unsigned route) {
    const struct db_connection *connection = &pool->connections[route % pool->n];
    return connection->in_flight.n + connection->waiting.n;
}

static char *copy_text(char **at, const char *text) {
    char *copy = *at;
    size_t size = text != NULL ? strlen(text) + 1 : 1;
    memcpy(copy, text != NULL ? text : "", size);
    *at += size;
    return copy;
}

static size_t text_size(const char *text) {
    return text != NULL ? strlen(text) + 1 : 1;
}

// A segment with its own copy of the scope. Aborts when memory is out: a callback that never comes
// would leave a request unanswered for ever.
static struct db_segment *segment_new(struct db_scope scope) {
    size_t texts = text_size(scope.districts) + text_size(scope.streams) + text_size(scope.person);
    struct db_segment *segment = calloc(1, sizeof *segment + texts);
    if (segment == NULL)
        abort();
    if (scope.districts == NULL && scope.streams == NULL && scope.person == NULL)
        return segment;
    char *at = (char *)(segment + 1);
    segment->districts = copy_text(&at, scope.districts);
    segment->streams = copy_text(&at, scope.streams);
    segment->person = copy_text(&at, scope.person);
    return segment;
}

static bool has_room(const struct db_pool *pool, const struct db_connection *connection) {
    return connection->state == DB_CONNECTION_READY && connection->in_flight.n < pool->depth;
}

void db_pool_feed(struct db_pool *pool, struct db_connection *connection) {
    while (has_room(pool, connection)) {
        struct db_segment *segment = db_segment_pop(&connection->waiting);
        if (segment == NULL)
            segment = db_segment_pop(&pool->waiting);
        if (segment == NULL)
            return;
        db_connection_send(connection, segment);
    }
}

static struct db_connection *least_loaded(struct db_pool *pool) {
    struct db_connection *best = NULL;
    for (unsigned i = 0; i < pool->n; i++) {
        struct db_connection *connection = &pool->connections[i];
        if (has_room(pool, connection) &&
            (best == NULL || connection->in_flight.n < best->in_flight.n))
            best = connection;
    }
    return best;
}

// The segment of a call, or NULL when it fails at once (and is called back on the next turn).
static struct db_segment *open_segment(struct db_pool *pool, struct db_scope scope,
                                       const char *statement, struct db_params *params,
                                       db_done_fn done, void *user) {
    struct db_segment *segment = segment_new(scope);
    segment->done = done;
    segment->user = user;
    segment->params = params;
    segment->statement = statement_find(statement);
    segment->deadline_ms = clock_monotonic_ms() + pool->wait_ms;
    enum status status = STATUS_OK;
    if (segment->statement < 0) {
        log_error("database: there is no sql/queries/%s.sql", statement);
        status = STATUS_NOT_FOUND;
    } else if (params != NULL && params->failed) {
        status = STATUS_NO_MEMORY;
    } else if (pool->closing) {
        status = STATUS_AGAIN;
    }
    if (status == STATUS_OK)
        return segment;
    db_pool_fail_later(pool, segment, status);
    return NULL;
}

void db_query(struct db_pool *pool, struct db_scope scope, const char *statement,
              struct db_params *params, db_done_fn done, void *user) {
    struct db_segment *segment = open_segment(pool, scope, statement, params, done, user);
    if (segment == NULL)
        return;
    struct db_connection *connection = least_loaded(pool);
    if (connection != NULL && pool->waiting.first == NULL) {
        db_connection_send(connection, segment);
        return;
    }
    db_segment_push(&pool->waiting, segment);
    arm_check(pool, CHECK_EVERY_MS);
}

void db_query_routed(struct db_pool *pool, unsigned route, struct db_scope scope,
                     const char *statement, struct db_params *params, db_done_fn done, void *user) {
    struct db_segment *segment = open_segment(pool, scope, statement, params, done, user);
    if (segment == NULL)
        return;
    struct db_connection *connection = &pool->connections[route % pool->n];
    if (has_room(pool, connection) && connection->waiting.first == NULL) {
        db_connection_send(connection, segment);
        return;
    }
    db_segment_push(&connection->waiting, segment);
    arm_check(pool, CHECK_EVERY_MS);
}
