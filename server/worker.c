// The worker's life: set up, loop, end of each turn, reload, drain. See worker.h.
#include "server/worker.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/bundle.h"
#include "common/net/ca.h"
#include "common/net/tls.h"
#include "proto/ledger.pb-c.h"
#include "proto/wire.pb-c.h"
#include "server/conn.h"
#include "server/epoch.h"
#include "server/handlers.h"
#include "server/journal_keeper.h"
#include "server/listener.h"
#include "server/log_level.h"
#include "server/nudge.h"
#include "server/request_internal.h"
#include "server/shared.h"
#include "server/thread_pool.h"
#include "server/wheel.h"

int64_t worker_now_ms(const struct worker *worker) {
    (void)worker;
    return clock_now_ms();
}

void worker_stream_moved(struct worker *worker, struct uuid stream, uint64_t head) {
    shared_put(worker->shared, stream, head);
    worker->moved = true;
    nudge_moved(worker->nudge, stream, head);
}

// ---- logins of many connections ----

unsigned worker_end_sessions(struct worker *worker,
                             bool (*match)(const struct request_context *context, void *user),
                             void *user, bool close_conn) {
    unsigned n = 0;
    struct conn *next;
    for (struct conn *conn = worker->conns; conn != NULL; conn = next) {
        next = conn->next;
        if (conn->context.session == NULL || !match(&conn->context, user))
            continue;
        Lx__Nudge message = LX__NUDGE__INIT;
        message.has_scope_changed = message.scope_changed = true;
        (void)conn_send_event(conn, LX__METHOD__NUDGE, &message.base);
        conn_set_session(conn, NULL);
        if (close_conn)
            conn_close_gently(conn);
        n++;
    }
    return n;
}

unsigned worker_scope_changed(struct worker *worker,
                              bool (*match)(const struct request_context *context, void *user),
                              void *user) {
    unsigned n = 0;
    Lx__Nudge message = LX__NUDGE__INIT;
    message.has_scope_changed = message.scope_changed = true;
    for (struct conn *conn = worker->conns; conn != NULL; conn = conn->next)
        if (conn->context.session != NULL && match(&conn->context, user))
            n += conn_send_event(conn, LX__METHOD__NUDGE, &message.base);
    return n;
}

// ---- certificates and configuration ----

static enum status load_tls(const struct config *config, struct tls_context **out_tls) {
    char error[512] = "";
    struct tls_server_options options = {config->cert, config->key, config->ca_cert};
    enum status status = tls_server_new(&options, out_tls, error, sizeof error);
    if (status != STATUS_OK)
        log_error("certificates: %s", error);
    return status;
}

static enum status load_ca(const struct config *config, struct ca **out_ca) {
    *out_ca = NULL;
    if (config->ca_key[0] == '\0')
        return STATUS_OK;
    char error[512] = "";
    enum status status =
        ca_load_files(config->ca_cert, config->ca_key, out_ca, error, sizeof error);
    if (status != STATUS_OK)
        log_error("CA: %s", error);
    return status;
}

static enum status load_bundle_keys(const struct config *config, struct bundle_keys **out_keys) {
    *out_keys = NULL;
    if (config->bundle_key[0] == '\0')
        return STATUS_OK;
    char error[1024] = "";
    const struct bundle_key_files files = {
        .ca_certificate = config->ca_cert,
        .bundle_certificates = config->bundle_cert,
        .bundle_keys = config->bundle_key,
        .server_certificate = config->cert,
        .server_key = config->key,
    };
    enum status status = bundle_keys_load(&files, out_keys, error, sizeof error);
    if (status != STATUS_OK)
        log_error("bundle key: %s", error);
    return status;
}

// Everything new is loaded before anything old is given up: a broken file changes nothing.
// Connections keep the context they began with.
static void reload(struct worker *worker) {
    struct config fresh;
    struct tls_context *tls = NULL;
    struct ca *ca = NULL;
    struct bundle_keys *bundle_keys = NULL;
    if (config_load(&fresh, worker->source, stderr) != STATUS_OK ||
        load_tls(&fresh, &tls) != STATUS_OK || load_ca(&fresh, &ca) != STATUS_OK ||
        load_bundle_keys(&fresh, &bundle_keys) != STATUS_OK) {
        tls_free(&tls);
        ca_free(&ca);
        log_error("reload: refused, everything stays as it was");
        return;
    }
    config_reload(worker->config, &fresh);
    log_open("lianxiaod", log_level_of(worker->config));
    tls_free(&worker->tls);
    worker->tls = tls;
    ca_free(&worker->ca);
    worker->ca = ca;
    bundle_keys_free(&worker->bundle_keys);
    worker->bundle_keys = bundle_keys;
    log_info("worker %d: configuration and certificates are reloaded", worker->index);
}

// ---- events ----

static void begin_drain(struct worker *worker) {
    if (worker->draining)
        return;
    worker->draining = true;
    worker->drain_until_ms = clock_monotonic_ms() + worker->config->drain_timeout_ms;
    if (worker->listener != NULL)
        listener_stop(worker->listener);
    struct conn *next;
    for (struct conn *conn = worker->conns; conn != NULL; conn = next) {
        next = conn->next;
        conn_close_gently(conn);
    }
    log_info("worker %d: draining %u connections", worker->index, worker->conn_count);
}

static void on_signal(evutil_socket_t signal_number, short what, void *user) {
    (void)what;
    if (signal_number == SIGHUP)
        reload(user);
    else
        begin_drain(user);
}

static void on_tick(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    struct worker *worker = user;
    wheel_advance(worker->wheel, clock_monotonic_ms(), conn_deadline, NULL);
}

// Other workers have put hints into the ring.
static void on_wake(evutil_socket_t fd, short what, void *user) {
    (void)what;
    struct worker *worker = user;
    shared_clear_wake(fd);
    struct uuid stream;
    uint64_t head;
    bool lost = false;
    while (shared_take(worker->shared, &worker->ring_position, &stream, &head, &lost))
        nudge_moved(worker->nudge, stream, head);
    if (lost)
        nudge_poll(worker->nudge);
}

static void on_again(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    (void)user; // only there so that the loop does not sleep
}

// ---- the end of a turn ----

static void read_again(struct worker *worker) {
    struct conn *list = worker->again;
    worker->again = NULL;
    while (list != NULL) {
        struct conn *conn = list;
        list = conn->next_again;
        conn_read_again(conn);
    }
}

static void flush_dirty(struct worker *worker) {
    while (worker->dirty != NULL) {
        struct conn *conn = worker->dirty;
        worker->dirty = conn->next_dirty;
        conn_flush(conn);
    }
}

static void reap_closed(struct worker *worker) {
    while (worker->closed != NULL) {
        struct conn *conn = worker->closed;
        worker->closed = conn->next_closed;
        conn_reap(conn);
    }
}

void worker_end_turn(struct worker *worker) {
    read_again(worker);
    flush_dirty(worker);
    reap_closed(worker);
    if (worker->moved) {
        worker->moved = false;
        shared_wake(worker->shared, worker->index);
    }
    if (worker->again != NULL)
        event_active(worker->again_event, 0, 0);
}

static bool is_drained(const struct worker *worker) {
    return worker->draining &&
           (worker->conn_count == 0 || clock_monotonic_ms() >= worker->drain_until_ms);
}

// ---- set-up ----

static struct db_pool *open_pool(const struct worker *worker, const char *name, const char *dsn,
                                 int connections, int depth) {
    char full_name[64];
    snprintf(full_name, sizeof full_name, "lianxiaod %s %d", name, worker->index);
    struct db_pool_options options = {
        .dsn = dsn,
        .name = full_name,
        .connections = (unsigned)connections,
        .depth = (unsigned)depth,
        .wait_ms = (unsigned)worker->config->db_wait_ms,
    };
    return db_pool_new(worker->base, &options);
}

static bool open_pools(struct worker *worker) {
    const struct config *config = worker->config;
    const char *dsn_auth = config->dsn_auth[0] != '\0' ? config->dsn_auth : config->dsn_api;
    worker->reads =
        open_pool(worker, "reads", config->dsn_api, config->db_readers, config->db_depth);
    worker->auth = open_pool(worker, "auth", dsn_auth, 1, config->db_depth);
    worker->writers = open_pool(worker, "writes", config->dsn_api, config->db_writers, 1);
    return worker->reads != NULL && worker->auth != NULL && worker->writers != NULL;
}

static bool add_event(struct event **out_event, struct event *event, const struct timeval *after) {
    *out_event = event;
    return event != NULL && event_add(event, after) == 0;
}

static bool open_events(struct worker *worker) {
    const struct timeval every = {0, WHEEL_SLOT_MS * 1000};
    struct event_base *base = worker->base;
    int wake_fd = worker->shared->worker_wake[worker->index];
    worker->again_event = event_new(base, -1, 0, on_again, worker);
    return worker->again_event != NULL &&
           add_event(&worker->tick, event_new(base, -1, EV_PERSIST, on_tick, worker), &every) &&
           add_event(&worker->wake, event_new(base, wake_fd, EV_READ | EV_PERSIST, on_wake, worker),
                     NULL) &&
           add_event(&worker->signals[0], evsignal_new(base, SIGTERM, on_signal, worker), NULL) &&
           add_event(&worker->signals[1], evsignal_new(base, SIGHUP, on_signal, worker), NULL);
}

// Nobody comes in before it is known to which database.
static void start_listening(struct worker *worker) {
    worker->listener = listener_new(worker, worker->listen_fd);
    if (worker->listener != NULL)
        return;
    log_error("worker %d: can't listen: out of memory", worker->index);
    begin_drain(worker);
}

static enum status open_worker(struct worker *worker) {
    TRY(load_tls(worker->config, &worker->tls));
    TRY(load_ca(worker->config, &worker->ca));
    TRY(load_bundle_keys(worker->config, &worker->bundle_keys));
    worker->base = event_base_new();
    worker->wheel = calloc(1, sizeof *worker->wheel);
    if (worker->base == NULL || worker->wheel == NULL)
        return STATUS_NO_MEMORY;
    wheel_init(worker->wheel, clock_monotonic_ms());
    worker->ring_position = atomic_load(&worker->shared->next);
    worker->nudge = nudge_new(worker);
    worker->threads = thread_pool_new(worker->base, (unsigned)worker->config->threads,
                                      (unsigned)worker->config->thread_queue);
    if (!open_pools(worker) || worker->nudge == NULL || worker->threads == NULL ||
        !open_events(worker))
        return STATUS_NO_MEMORY;
    TRY(handlers_open(worker));
    TRY(journal_keeper_open(worker, &worker->journal));
    worker->epoch = epoch_new(worker, start_listening, begin_drain);
    return worker->epoch != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static void free_event(struct event *event) {
    if (event != NULL)
        event_free(event);
}

// Requests in flight are answered (with an error) by the pools' end, so connections go last.
static void close_worker(struct worker *worker) {
    listener_free(&worker->listener);
    thread_pool_free(&worker->threads);
    // A request that waits for the logins' pool goes on to the others when it is told.
    struct db_pool *const pools[] = {worker->reads, worker->auth, worker->writers};
    db_pools_close(pools, sizeof pools / sizeof pools[0]);
    db_pool_free(&worker->reads);
    db_pool_free(&worker->auth);
    db_pool_free(&worker->writers);
    journal_keeper_free(&worker->journal);
    epoch_free(&worker->epoch);
    handlers_close(worker);
    while (worker->conns != NULL)
        conn_close(worker->conns, "shutting down");
    worker_end_turn(worker);
    request_free_spares(worker);
    nudge_free(&worker->nudge);
    free_event(worker->tick);
    free_event(worker->wake);
    free_event(worker->again_event);
    free_event(worker->signals[0]);
    free_event(worker->signals[1]);
    free(worker->wheel);
    bundle_keys_free(&worker->bundle_keys);
    ca_free(&worker->ca);
    tls_free(&worker->tls);
    if (worker->base != NULL)
        event_base_free(worker->base);
}

int worker_run(struct config *config, const struct config_source *source, struct shared *shared,
               int listen_fd, int index) {
    mallopt(M_ARENA_MAX, 1); // one loop, few threads: one heap
    struct worker worker = {.config = config,
                            .source = source,
                            .shared = shared,
                            .index = index,
                            .listen_fd = listen_fd};
    enum status status = open_worker(&worker);
    if (status != STATUS_OK)
        log_error("worker %d: can't start: %s", index, status_name(status));
    while (status == STATUS_OK && !is_drained(&worker)) {
        event_base_loop(worker.base, EVLOOP_ONCE);
        worker_end_turn(&worker);
    }
    close_worker(&worker);
    log_info("worker %d: ends", index);
    return status == STATUS_OK ? 0 : 1;
}
