// The pool of the event loop over the one connection: calls wait in their connection's order, are
// carried out when their time comes, and are told a little later. A connection may be lost before
// a call, or after it and before its answer. In the place of server/db/pool and connection.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/db/internal.h"
#include "tests/sim/fake_base.h"

#define MAX_CONNECTIONS 64

// Freed when it is both told (or its pool gone) and carried out (or its time over).
struct segment {
    struct segment *next;
    struct db_pool *pool; // borrows; NULL: told
    struct machine *machine;
    unsigned connection;
    bool in_time; // still in the queue of time
    bool done;
    enum status status;
    PGresult *result; // owns
    int statement;
    char *texts[3]; // own: districts, streams, person
    const struct db_params *params;
    db_done_fn fn;
    void *user;
};

struct db_pool {
    char role[32];
    struct machine *machine;
    struct event *event; // owns: tells what is done
    bool closing;
    unsigned n;
    int64_t last_us[MAX_CONNECTIONS]; // when the newest call is over
    unsigned load[MAX_CONNECTIONS];
    struct segment *first; // not told, in the order of their calls
};

static void free_segment(struct segment *segment) {
    if (segment->pool != NULL || segment->in_time)
        return;
    for (int i = 0; i < 3; i++)
        free(segment->texts[i]);
    free(segment);
}

static void tell_one(struct segment *segment, enum status status) {
    struct db_pool *pool = segment->pool;
    struct segment **at = &pool->first;
    while (*at != segment)
        at = &(*at)->next;
    *at = segment->next;
    pool->load[segment->connection]--;
    segment->pool = NULL;
    struct db_result result = {segment->result};
    segment->fn(segment->user, status, segment->result != NULL ? &result : NULL);
    PQclear(segment->result);
    segment->result = NULL;
    free_segment(segment);
}

static void tell(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    struct db_pool *pool = user;
    for (struct segment *segment = pool->first; segment != NULL;) {
        if (!segment->done) {
            segment = segment->next;
            continue;
        }
        tell_one(segment, segment->status);
        segment = pool->first; // the call may have changed the list
    }
}

static void set_done(struct segment *segment, enum status status, int64_t when_us);

static void on_answered(void *user) {
    struct segment *segment = user;
    segment->in_time = false;
    if (segment->pool != NULL) {
        segment->done = true;
        event_active(segment->pool->event, EV_READ, 0);
    }
    free_segment(segment);
}

static void set_done(struct segment *segment, enum status status, int64_t when_us) {
    segment->status = status;
    segment->in_time = true;
    sim_at(when_us, on_answered, segment);
}

// The connection is lost: everything on it fails; nobody knows what had been done.
static void break_connection(struct segment *segment) {
    PQclear(segment->result);
    segment->result = NULL;
    for (struct segment *other = segment->pool->first; other != NULL; other = other->next)
        if (other->connection == segment->connection)
            other->status = STATUS_IO;
    set_done(segment, STATUS_IO, sim_now_us() + SIM_MS);
}

static void carry_out(void *user) {
    struct segment *segment = user;
    segment->in_time = false;
    if (segment->pool == NULL || segment->machine->dead) {
        if (segment->pool != NULL)
            set_done(segment, STATUS_IO, sim_now_us());
        free_segment(segment);
        return;
    }
    if (segment->status == STATUS_IO || sim_chance(15)) {
        count(COUNT_LOST_QUERY);
        trace("query %s is lost", statement_name(segment->statement));
        break_connection(segment);
        return;
    }
    struct db_scope scope = {segment->texts[0], segment->texts[1], segment->texts[2]};
    segment->result =
        base_transact(segment->pool->role, scope, segment->statement, segment->params);
    enum status status = result_status(segment->result);
    trace("query %s: status %d, %d rows", statement_name(segment->statement), (int)status,
          PQntuples(segment->result));
    if (sim_chance(15)) {
        count(COUNT_LOST_ANSWER);
        trace("its answer is lost");
        break_connection(segment);
        return;
    }
    set_done(segment, status, sim_now_us() + sim_between(100, 2 * SIM_MS));
}

struct db_pool *db_pool_new(struct event_base *base, const struct db_pool_options *options) {
    struct db_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    snprintf(pool->role, sizeof pool->role, "%s", options->dsn);
    pool->machine = machine_current();
    pool->n = options->connections < MAX_CONNECTIONS ? options->connections : MAX_CONNECTIONS;
    pool->event = event_new(base, -1, 0, tell, pool);
    return pool;
}

void db_pool_begin_close(struct db_pool *pool) {
    pool->closing = true;
}

bool db_pool_drain(struct db_pool *pool) {
    bool any = pool->first != NULL;
    while (pool->first != NULL) {
        PQclear(pool->first->result);
        pool->first->result = NULL;
        tell_one(pool->first, STATUS_AGAIN);
    }
    return any;
}

void db_pool_free(struct db_pool **pool_at) {
    struct db_pool *pool = *pool_at;
    if (pool == NULL)
        return;
    db_pools_close(pool_at, 1);
    event_free(pool->event);
    free(pool);
    *pool_at = NULL;
}

bool db_pool_is_up(const struct db_pool *pool) {
    return !pool->machine->dead;
}

unsigned db_pool_connections(const struct db_pool *pool) {
    return pool->n;
}

unsigned db_pool_load(const struct db_pool *pool, unsigned route) {
    return pool->load[route % pool->n];
}

static char *copy(const char *text) {
    return text != NULL ? strdup(text) : NULL;
}

void db_query_routed(struct db_pool *pool, unsigned route, struct db_scope scope,
                     const char *statement, struct db_params *params, db_done_fn done, void *user) {
    unsigned connection = route % pool->n;
    struct segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL)
        abort();
    *segment = (struct segment){.pool = pool, .machine = pool->machine, .connection = connection};
    segment->fn = done;
    segment->user = user;
    segment->params = params;
    segment->statement = statement_find(statement);
    segment->texts[0] = copy(scope.districts);
    segment->texts[1] = copy(scope.streams);
    segment->texts[2] = copy(scope.person);
    struct segment **at = &pool->first;
    while (*at != NULL)
        at = &(*at)->next;
    *at = segment;
    pool->load[connection]++;
    if (pool->closing) // told by whoever closes it
        return;
    int64_t when_us = sim_now_us() + sim_between(50, 3 * SIM_MS);
    if (sim_chance(50))
        when_us += sim_between(50 * SIM_MS, 3 * SIM_SECOND);
    if (when_us <= pool->last_us[connection])
        when_us = pool->last_us[connection] + 1;
    pool->last_us[connection] = when_us;
    segment->in_time = true;
    if (segment->statement < 0 || (params != NULL && params->failed))
        set_done(segment, STATUS_NOT_FOUND, when_us);
    else
        sim_at(when_us, carry_out, segment);
}

void db_query(struct db_pool *pool, struct db_scope scope, const char *statement,
              struct db_params *params, db_done_fn done, void *user) {
    unsigned best = 0;
    for (unsigned i = 1; i < pool->n; i++)
        if (pool->load[i] < pool->load[best])
            best = i;
    db_query_routed(pool, best, scope, statement, params, done, user);
}
