// Drives the sync engine over a connection: sends what it asks for, hands it what arrives, comes
// back after a loss. See client.h.
#include <string.h>
#include <time.h>

#include "client/core/backoff.h"
#include "client/core/client.h"
#include "client/core/client_internal.h"
#include "client/store/outbox.h"
#include "common/base/clock.h"
#include "common/wire/unpack.h"

#define STEP_MS 500 // how long a wait lasts before the outbox and the caller are asked again
#define IN_FLIGHT (SYNC_MAX_IN_FLIGHT + 1)
// A connection may die without a word (a pulled cable, a sleeping router): a watcher asks after so
// long a silence, and whoever waits for an answer longer than LINK_CALL_MS gives the connection up.
#define SILENCE_BEFORE_PING_MS 30000

// A request on its way: the link's number and the engine's.
struct driven {
    uint32_t id;
    uint32_t token;
};

struct driver {
    struct client *client;
    const struct client_sync_options *options;
    struct sync *sync; // owns
    struct driven flights[IN_FLIGHT];
    size_t n_flights;
    uint64_t change_counter;
    int64_t heard_ms; // monotonic: last answer or event, or the last request after a silence
    bool pinged;      // and not answered
    struct backoff backoff;
};

static uint32_t take_token(struct driver *driver, uint32_t id) {
    driver->heard_ms = clock_monotonic_ms();
    driver->pinged = false;
    for (size_t i = 0; i < driver->n_flights; i++)
        if (driver->flights[i].id == id) {
            uint32_t token = driver->flights[i].token;
            driver->flights[i] = driver->flights[--driver->n_flights];
            return token;
        }
    return 0;
}

static void on_reply(void *user, uint32_t id, uint16_t method, const ProtobufCMessage *reply) {
    struct driver *driver = user;
    (void)method;
    sync_on_reply(driver->sync, take_token(driver, id), reply, clock_now_ms());
}

static void on_error(void *user, uint32_t id, const Lx__Error *error) {
    struct driver *driver = user;
    sync_on_error(driver->sync, take_token(driver, id), error, clock_monotonic_ms());
}

static void on_event(void *user, uint16_t method, const ProtobufCMessage *event) {
    struct driver *driver = user;
    driver->heard_ms = clock_monotonic_ms();
    if (method == LX__METHOD__NUDGE)
        sync_on_nudge(driver->sync, (const Lx__Nudge *)event);
}

static void tell(struct driver *driver, enum client_sync_state state, int64_t wait_ms) {
    if (driver->options->on_step)
        driver->options->on_step(driver->options->user, state, driver->sync, wait_ms);
}

static bool keep_going(struct driver *driver) {
    return !driver->options->keep_going || driver->options->keep_going(driver->options->user);
}

static enum status send_all(struct driver *driver) {
    struct sync_request request;
    while (driver->n_flights < IN_FLIGHT &&
           sync_next(driver->sync, clock_monotonic_ms(), &request)) {
        struct driven *flight = &driver->flights[driver->n_flights];
        flight->token = request.token;
        if (driver->n_flights == 0)
            driver->heard_ms = clock_monotonic_ms();
        TRY(link_send(driver->client->link, request.method, request.message, &flight->id));
        driver->n_flights++;
    }
    return STATUS_OK;
}

// STATUS_IO: the server has been silent for too long.
static enum status check_silence(struct driver *driver) {
    static const Lx__PingRequest ping = LX__PING_REQUEST__INIT;
    int64_t silence_ms = clock_monotonic_ms() - driver->heard_ms;
    uint32_t id;
    if (driver->n_flights > 0 || driver->pinged)
        return silence_ms > LINK_CALL_MS ? STATUS_IO : STATUS_OK;
    if (silence_ms < SILENCE_BEFORE_PING_MS)
        return STATUS_OK;
    driver->pinged = true;
    driver->heard_ms = clock_monotonic_ms();
    return link_send(driver->client->link, LX__METHOD__PING, &ping.base, &id);
}

// Has this or another program written something that is to be sent?
static enum status look_at_outbox(struct driver *driver) {
    uint64_t counter = 0;
    TRY(store_change_counter(driver->client->store, &counter));
    if (counter == driver->change_counter || sync_phase(driver->sync) != SYNC_PHASE_WATCH)
        return STATUS_OK;
    driver->change_counter = counter;
    size_t count = 0;
    struct uuid *streams;
    struct arena *arena = arena_new(0);
    enum status status = arena ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = store_outbox_streams(driver->client->store, arena, &count, &streams);
    arena_free(&arena);
    if (status == STATUS_OK && count > 0)
        sync_on_outbox(driver->sync);
    return status;
}

static enum client_result result_of_failure(struct driver *driver) {
    struct client *client = driver->client;
    const Lx__Reason *reason = sync_failure(driver->sync);
    if (sync_is_outdated(driver->sync))
        return client_fail_link(client, STATUS_IO, NULL, sync_failure_text(driver->sync));
    strncpy(client->failure_text, sync_failure_text(driver->sync), sizeof client->failure_text - 1);
    if (sync_needs_login(driver->sync)) {
        enum client_result result = client_forget_session(client);
        return result == CLIENT_OK ? CLIENT_NOT_LOGGED_IN : result;
    }
    if (!reason)
        return sync_home_busy(driver->sync) ? CLIENT_HOME_BUSY : CLIENT_LOCAL;
    struct view bytes;
    uint8_t *packed = arena_alloc(client->arena, lx__reason__get_packed_size(reason) + 1);
    if (!packed)
        return CLIENT_LOCAL;
    bytes = view_from(packed, lx__reason__pack(reason, packed));
    ProtobufCAllocator allocator = unpack_allocator(client->arena);
    client->failure_reason = lx__reason__unpack(&allocator, bytes.size, bytes.data);
    return CLIENT_REFUSED;
}

static enum client_result put_end(struct client *client) {
    enum status status = store_begin(client->store);
    if (status == STATUS_OK)
        status = store_config_set_int(client->store, STORE_CONFIG_LAST_SYNC, clock_now_ms());
    if (status == STATUS_OK)
        status = store_outbox_prune(client->store, clock_now_ms());
    if (status == STATUS_OK)
        status = store_commit(client->store);
    return status == STATUS_OK ? CLIENT_OK : client_fail_store(client, status);
}

static int wait_time_ms(const struct driver *driver) {
    int64_t wake_ms = sync_wake_ms(driver->sync);
    int64_t left_ms = wake_ms == 0 ? STEP_MS : wake_ms - clock_monotonic_ms();
    if (left_ms < 1)
        return 1;
    return left_ms < STEP_MS ? (int)left_ms : STEP_MS;
}

static bool is_at_end(const struct driver *driver) {
    enum sync_phase phase = sync_phase(driver->sync);
    return phase == SYNC_PHASE_FAILED || phase == SYNC_PHASE_DONE;
}

// Until the round is done, the connection lost, or the caller has enough.
static enum client_result run_connected(struct driver *driver) {
    enum sync_phase told = SYNC_PHASE_OFFLINE;
    for (;;) {
        enum status status = send_all(driver);
        enum sync_phase phase = sync_phase(driver->sync);
        tell(driver, CLIENT_SYNC_RUNNING, 0);
        if (phase == SYNC_PHASE_FAILED)
            return result_of_failure(driver);
        if (phase != told && (phase == SYNC_PHASE_WATCH || phase == SYNC_PHASE_DONE)) {
            enum client_result result = put_end(driver->client);
            if (result != CLIENT_OK || phase == SYNC_PHASE_DONE)
                return result;
            backoff_reset(&driver->backoff);
        }
        told = phase;
        if (!keep_going(driver))
            return CLIENT_STOPPED;
        if (status == STATUS_OK)
            status = link_wait(driver->client->link, wait_time_ms(driver));
        if (status != STATUS_OK && is_at_end(driver)) // what came with the loss counts
            continue;
        if (status != STATUS_OK)
            return client_fail_link(driver->client, status, NULL, link_error(driver->client->link));
        if (check_silence(driver) != STATUS_OK)
            return client_fail_link(driver->client, STATUS_IO, NULL, "the server does not answer");
        status = look_at_outbox(driver);
        if (status != STATUS_OK)
            return client_fail_store(driver->client, status);
    }
}

static enum client_result run_once(struct driver *driver) {
    const struct link_handler handler = {on_reply, on_error, on_event, driver};
    tell(driver, CLIENT_SYNC_CONNECTING, 0);
    enum client_result result = client_connect(driver->client);
    if (result != CLIENT_OK)
        return result;
    link_set_handler(driver->client->link, &handler);
    driver->n_flights = 0;
    driver->pinged = false;
    driver->heard_ms = clock_monotonic_ms();
    sync_connected(driver->sync, &driver->client->history);
    result = run_connected(driver);
    sync_disconnected(driver->sync);
    client_disconnect(driver->client);
    return result;
}

static void pause_ms(int64_t ms) {
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000L};
    nanosleep(&pause, NULL);
}

static bool wait_for_next_try(struct driver *driver) {
    int64_t until_ms = clock_monotonic_ms() + backoff_next_ms(&driver->backoff);
    for (;;) {
        int64_t left_ms = until_ms - clock_monotonic_ms();
        tell(driver, CLIENT_SYNC_WAITING, left_ms > 0 ? left_ms : 0);
        if (left_ms <= 0 || !keep_going(driver))
            return keep_going(driver);
        pause_ms(left_ms < STEP_MS ? left_ms : STEP_MS);
    }
}

// What a server refuses today (overload, a defect, a restart half done) it may take later.
static bool may_come_back(enum client_result result) {
    return result == CLIENT_AWAY || result == CLIENT_HOME_BUSY || result == CLIENT_REFUSED;
}

enum client_result client_sync(struct client *client, const struct client_sync_options *options,
                               struct sync_progress *out_progress) {
    struct sync_options sync_options = {.watch = options->watch, .pull_limit = options->pull_limit};
    struct driver driver = {.client = client, .options = options};
    uint64_t seed = (uint64_t)clock_now_ms();
    driver.sync = sync_new(client->store, &sync_options);
    if (!driver.sync)
        return client_fail_store(client, STATUS_NO_MEMORY);
    struct uuid random = uuid_new_v7(clock_now_ms());
    memcpy(&seed, random.bytes + 8, sizeof seed);
    backoff_init(&driver.backoff, seed);
    enum client_result result = run_once(&driver);
    while (options->watch && may_come_back(result)) {
        if (!wait_for_next_try(&driver)) {
            result = CLIENT_STOPPED;
            break;
        }
        result = run_once(&driver);
    }
    if (out_progress)
        *out_progress = *sync_progress(driver.sync);
    sync_free(&driver.sync);
    return result;
}
