// The state machine of one connection. libpq's traps: pipeline mode gives NULL after every
// statement's results and none after a Sync; an error takes the rest of the segment with it up to
// its Sync; the socket may change while connecting; PQgetResult blocks unless PQisBusy says no.
#include "server/db/connection.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/plant.h"
#include "server/db/internal.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 5000
#define CONNECT_LIMIT_MS 10000
// PQgetResult may answer NULL more than once between two segments; more than that and it has
// nothing.
#define MAX_NULLS 4

void db_segment_push(struct db_segment_list *list, struct db_segment *segment) {
    segment->next = NULL;
    if (list->last != NULL)
        list->last->next = segment;
    else
        list->first = segment;
    list->last = segment;
    list->n++;
}

struct db_segment *db_segment_pop(struct db_segment_list *list) {
    struct db_segment *segment = list->first;
    if (segment == NULL)
        return NULL;
    list->first = segment->next;
    if (list->first == NULL)
        list->last = NULL;
    list->n--;
    return segment;
}

void db_segment_finish(struct db_segment *segment, enum status status) {
    struct db_result result = {segment->result};
    if (segment->done != NULL)
        segment->done(segment->user, status, segment->result != NULL ? &result : NULL);
    PQclear(segment->result);
    free(segment);
}

static void on_socket(evutil_socket_t fd, short what, void *user);
static void on_timer(evutil_socket_t fd, short what, void *user);

static void arm(struct db_connection *connection, short needs) {
    if (needs == connection->armed)
        return;
    if (connection->armed != 0)
        event_del(&connection->socket_event);
    connection->armed = needs;
    if (needs == 0)
        return;
    event_assign(&connection->socket_event, connection->base, PQsocket(connection->pg),
                 (short)(needs | EV_PERSIST), on_socket, connection);
    event_add(&connection->socket_event, NULL);
}

static void set_timer(struct db_connection *connection, int after_ms) {
    struct timeval after = {after_ms / 1000, (after_ms % 1000) * 1000};
    event_add(&connection->timer, &after);
}

static void on_notice(void *user, const char *message) {
    (void)user;
    (void)message; // may name data
}

static void fail_in_flight(struct db_connection *connection) {
    struct db_segment_list lost = connection->in_flight;
    connection->in_flight = (struct db_segment_list){0};
    for (struct db_segment *segment; (segment = db_segment_pop(&lost)) != NULL;) {
        PQclear(segment->result); // an error that came before the end says no more than the end
        segment->result = NULL;
        db_pool_fail_later(connection->pool, segment, STATUS_IO);
    }
}

void db_connection_break(struct db_connection *connection, const char *why) {
    if (!connection->told_down)
        log_warning("database %s: connection lost: %.*s", db_pool_name(connection->pool),
                    (int)strcspn(why, "\n"), why);
    connection->told_down = true;
    arm(connection, 0);
    PQfinish(connection->pg);
    connection->pg = NULL;
    connection->state = DB_CONNECTION_DOWN;
    set_timer(connection, connection->backoff_ms);
    connection->backoff_ms =
        connection->backoff_ms * 2 < BACKOFF_MAX_MS ? connection->backoff_ms * 2 : BACKOFF_MAX_MS;
    fail_in_flight(connection);
}

// ---- connecting ----

static void connect_failed(struct db_connection *connection) {
    char why[256] = "out of memory";
    if (connection->pg != NULL)
        snprintf(why, sizeof why, "%s", PQerrorMessage(connection->pg));
    db_connection_break(connection, why);
}

static void begin_connect(struct db_connection *connection) {
    const char *const keys[] = {"dbname", "fallback_application_name", "client_encoding", "options",
                                NULL};
    const char *const values[] = {
        db_pool_dsn(connection->pool), db_pool_name(connection->pool), "UTF8",
        PLANTED(PLANT_ACK_BEFORE_COMMIT) ? "-c synchronous_commit=off" : NULL, NULL};
    connection->pg = PQconnectStartParams(keys, values, 1);
    if (connection->pg == NULL || PQstatus(connection->pg) == CONNECTION_BAD) {
        connect_failed(connection);
        return;
    }
    PQsetNoticeProcessor(connection->pg, on_notice, NULL);
    connection->state = DB_CONNECTION_CONNECTING;
    set_timer(connection, CONNECT_LIMIT_MS);
    arm(connection, EV_WRITE);
}

static void send_prepare(struct db_connection *connection, int statement);

static void connected(struct db_connection *connection) {
    event_del(&connection->timer);
    if (PQsetnonblocking(connection->pg, 1) != 0 || PQenterPipelineMode(connection->pg) != 1) {
        connect_failed(connection);
        return;
    }
    log_info("database %s: connected", db_pool_name(connection->pool));
    memset(connection->prepared, 0, (size_t)statement_count());
    connection->state = DB_CONNECTION_READY;
    connection->backoff_ms = BACKOFF_FIRST_MS;
    connection->told_down = false;
    arm(connection, EV_READ);
    send_prepare(connection, -1);
    if (connection->state == DB_CONNECTION_READY)
        db_pool_feed(connection->pool, connection);
}

static void poll_connect(struct db_connection *connection) {
    PostgresPollingStatusType next = PQconnectPoll(connection->pg);
    arm(connection, 0); // the socket may be another one now
    switch (next) {
    case PGRES_POLLING_READING:
        arm(connection, EV_READ);
        break;
    case PGRES_POLLING_WRITING:
        arm(connection, EV_WRITE);
        break;
    case PGRES_POLLING_OK:
        connected(connection);
        break;
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE:
    default:
        connect_failed(connection);
    }
}

// ---- sending ----

static void flush(struct db_connection *connection) {
    int left = PQflush(connection->pg);
    if (left < 0)
        db_connection_break(connection, PQerrorMessage(connection->pg));
    else
        arm(connection, left > 0 ? EV_READ | EV_WRITE : EV_READ);
}

static void send_prepare(struct db_connection *connection, int statement) {
    struct db_segment *segment = calloc(1, sizeof *segment);
    const char *name = statement < 0 ? STATEMENT_SCOPE_NAME : statement_name(statement);
    const char *text = statement < 0 ? STATEMENT_SCOPE_TEXT : statement_text(statement);
    if (segment == NULL) {
        db_connection_break(connection, "out of memory");
        return;
    }
    segment->statement = statement;
    if (PQsendPrepare(connection->pg, name, text, 0, NULL) != 1 ||
        PQpipelineSync(connection->pg) != 1) {
        free(segment);
        db_connection_break(connection, PQerrorMessage(connection->pg));
        return;
    }
    if (statement >= 0)
        connection->prepared[statement] = true;
    db_segment_push(&connection->in_flight, segment);
}

static bool send_statement(struct db_connection *connection, struct db_segment *segment) {
    static const struct db_params none;
    const struct db_params *params = segment->params != NULL ? segment->params : &none;
    segment->scope_pending = segment->districts != NULL;
    if (segment->scope_pending) {
        const char *const values[] = {segment->districts, segment->streams, segment->person};
        if (PQsendQueryPrepared(connection->pg, STATEMENT_SCOPE_NAME, 3, values, NULL, NULL, 1) !=
            1)
            return false;
    }
    return PQsendQueryPrepared(connection->pg, statement_name(segment->statement), params->n,
                               params->values, params->lengths, params->formats, 1) == 1 &&
           PQpipelineSync(connection->pg) == 1;
}

void db_connection_send(struct db_connection *connection, struct db_segment *segment) {
    assert(connection->state == DB_CONNECTION_READY);
    if (!connection->prepared[segment->statement])
        send_prepare(connection, segment->statement);
    if (connection->state != DB_CONNECTION_READY) { // broke just now
        db_pool_fail_later(connection->pool, segment, STATUS_AGAIN);
        return;
    }
    db_segment_push(&connection->in_flight, segment);
    if (send_statement(connection, segment))
        flush(connection);
    else
        db_connection_break(connection, PQerrorMessage(connection->pg));
}

// ---- results ----

// Keeps what the callback is to see: the first error, else the statement's own result.
static void keep_result(struct db_segment *segment, PGresult *result) {
    bool good = result_status(result) == STATUS_OK;
    bool have_error = segment->result != NULL && result_status(segment->result) != STATUS_OK;
    bool of_scope = segment->scope_pending;
    segment->scope_pending = false;
    if (have_error || PQresultStatus(result) == PGRES_PIPELINE_ABORTED || (good && of_scope)) {
        PQclear(result);
        return;
    }
    PQclear(segment->result);
    segment->result = result;
}

static void finish_segment(struct db_connection *connection, struct db_segment *segment) {
    enum status status = segment->result != NULL ? result_status(segment->result) : STATUS_IO;
    if (status != STATUS_OK) {
        const struct db_result result = {segment->result};
        log_warning("database %s: %s%s failed: sqlstate %s", db_pool_name(connection->pool),
                    segment->done == NULL ? "preparing " : "",
                    segment->statement < 0 ? STATEMENT_SCOPE_NAME
                                           : statement_name(segment->statement),
                    db_error_sqlstate(segment->result != NULL ? &result : NULL));
        if (segment->done == NULL && segment->statement >= 0) {
            log_warning("database: %s", db_error_text(&result)); // names schema, never data
            connection->prepared[segment->statement] = false;
        }
    }
    db_segment_finish(segment, status);
}

static void read_results(struct db_connection *connection) {
    int nulls = 0;
    while (connection->state == DB_CONNECTION_READY && connection->in_flight.first != NULL &&
           nulls < MAX_NULLS && !PQisBusy(connection->pg)) {
        PGresult *result = PQgetResult(connection->pg);
        if (result == NULL) {
            nulls++;
            continue;
        }
        nulls = 0;
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            finish_segment(connection, db_segment_pop(&connection->in_flight));
        } else {
            keep_result(connection->in_flight.first, result);
        }
    }
}

static void on_socket(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    struct db_connection *connection = user;
    if (connection->state == DB_CONNECTION_CONNECTING) {
        poll_connect(connection);
        return;
    }
    if ((what & EV_READ) && PQconsumeInput(connection->pg) != 1) {
        db_connection_break(connection, PQerrorMessage(connection->pg));
        return;
    }
    read_results(connection);
    if (connection->state != DB_CONNECTION_READY)
        return;
    if (PQstatus(connection->pg) != CONNECTION_OK) {
        db_connection_break(connection, PQerrorMessage(connection->pg));
        return;
    }
    flush(connection);
    if (connection->state == DB_CONNECTION_READY)
        db_pool_feed(connection->pool, connection);
}

static void on_timer(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    struct db_connection *connection = user;
    if (connection->state == DB_CONNECTION_CONNECTING)
        db_connection_break(connection, "no answer in time");
    else if (connection->state == DB_CONNECTION_DOWN)
        begin_connect(connection);
}

void db_connection_start(struct db_connection *connection, struct db_pool *pool,
                         struct event_base *base) {
    connection->pool = pool;
    connection->base = base;
    connection->backoff_ms = BACKOFF_FIRST_MS;
    evtimer_assign(&connection->timer, base, on_timer, connection);
    begin_connect(connection);
}

void db_connection_stop(struct db_connection *connection) {
    arm(connection, 0);
    event_del(&connection->timer);
    PQfinish(connection->pg);
    connection->pg = NULL;
    free(connection->prepared);
}
