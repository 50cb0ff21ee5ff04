// The driver of the sync engine over a connection that is made up: how long it waits when a server
// asks to, whatever becomes of the machine's clock meanwhile, and what counts of a connection that
// ends with an answer.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "client/core/client_internal.h"
#include "common/base/clock.h"
#include "tests/unit/client/core/fake_server.h"

#define TEN_YEARS_MS (10LL * 365 * 24 * 3600 * 1000)
#define RETRY_MS 700

struct flight {
    uint32_t id;
    uint16_t method;
    const ProtobufCMessage *answer;
};

static struct {
    struct home home;
    struct fake_server server;
    struct link_handler handler;
    struct flight flights[16];
    size_t n_flights;
    uint32_t last_id;
    unsigned refusals;    // still to come: "retry later"
    int64_t wall_jump_ms; // of the wall clock with each refusal
    int64_t wall_ms, monotonic_ms;
    unsigned idle_waits;
    uint16_t lost_with;     // the connection ends with the last answer of this method; 0: it lasts
    uint16_t restored_with; // another program hears of a restore before this answer is read, once
} world;

// ---- instead of the machine and the network ----

int64_t __wrap_clock_now_ms(void);
int64_t __wrap_clock_now_ms(void) {
    return world.wall_ms;
}

int64_t __wrap_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void) {
    return world.monotonic_ms;
}

int __wrap_nanosleep(const struct timespec *pause, struct timespec *rest);
int __wrap_nanosleep(const struct timespec *pause, struct timespec *rest) {
    (void)rest;
    world.monotonic_ms += pause->tv_sec * 1000 + pause->tv_nsec / 1000000;
    return 0;
}

enum client_result __wrap_client_connect(struct client *client);
enum client_result __wrap_client_connect(struct client *client) {
    world.n_flights = 0;
    assert_int_equal(store_history_get(client->store, &client->history), STATUS_OK);
    return CLIENT_OK;
}

void __wrap_link_set_handler(struct link *link, const struct link_handler *handler);
void __wrap_link_set_handler(struct link *link, const struct link_handler *handler) {
    (void)link;
    world.handler = *handler;
}

enum status __wrap_link_send(struct link *link, uint16_t method, const ProtobufCMessage *message,
                             uint32_t *out_id);
enum status __wrap_link_send(struct link *link, uint16_t method, const ProtobufCMessage *message,
                             uint32_t *out_id) {
    (void)link;
    *out_id = ++world.last_id;
    world.flights[world.n_flights++] =
        (struct flight){*out_id, method, fake_answer(&world.server, method, message)};
    return STATUS_OK;
}

static void refuse(const struct flight *flight) {
    Lx__Error error = LX__ERROR__INIT;
    error.has_code = error.has_retry_after_ms = 1;
    error.code = LX__CODE__UNAVAILABLE;
    error.retry_after_ms = RETRY_MS;
    world.refusals--;
    world.handler.on_error(world.handler.user, flight->id, &error);
    world.wall_ms += world.wall_jump_ms;
}

static void restore(void) {
    struct store *other;
    struct uuid epoch = home_id(901);
    world.restored_with = 0;
    assert_int_equal(store_open(world.home.path, "other", NULL, &other), STATUS_OK);
    assert_int_equal(store_begin(other), STATUS_OK);
    assert_int_equal(
        store_config_set(other, STORE_CONFIG_DB_EPOCH, view_from(epoch.bytes, UUID_SIZE)),
        STATUS_OK);
    assert_int_equal(store_commit(other), STATUS_OK);
    store_close(&other);
}

enum status __wrap_link_wait(struct link *link, int wait_ms);
enum status __wrap_link_wait(struct link *link, int wait_ms) {
    (void)link;
    if (world.n_flights == 0) {
        world.idle_waits++;
        world.monotonic_ms += wait_ms;
        world.wall_ms += wait_ms;
        return STATUS_OK;
    }
    struct flight flight = world.flights[--world.n_flights];
    if (flight.method == world.restored_with)
        restore();
    if (world.refusals > 0)
        refuse(&flight);
    else
        world.handler.on_reply(world.handler.user, flight.id, flight.method, flight.answer);
    return flight.method == world.lost_with && world.n_flights == 0 ? STATUS_IO : STATUS_OK;
}

const char *__wrap_link_error(const struct link *link);
const char *__wrap_link_error(const struct link *link) {
    (void)link;
    return "the server closed the connection";
}

// ---- the test ----

static bool keep_going(void *user) {
    return world.monotonic_ms < *(const int64_t *)user;
}

// A home with one record to send, and a server.
static void open_world(void) {
    memset(&world, 0, sizeof world);
    home_open(&world.home);
    fake_open(&world.server);
    world.wall_ms = HOME_NOW_MS;
    home_add(&world.home, home_id(1), home_fact(&world.home, home_id(10), home_id(500), "t.plan"));
}

static enum client_result sync_home(bool watch) {
    struct client client;
    int64_t end_ms = 20000; // a silence that nobody asks into
    const struct client_sync_options options = {
        .watch = watch, .keep_going = keep_going, .user = &end_ms};
    assert_int_equal(client_init(&client, world.home.store, "test"), STATUS_OK);
    enum client_result result = client_sync(&client, &options, NULL);
    client_free(&client);
    return result;
}

static void close_world(void) {
    fake_close(&world.server);
    home_close(&world.home);
}

// Syncs and takes the world down.
static enum client_result sync_world(void) {
    enum client_result result = sync_home(false);
    close_world();
    return result;
}

// How long a sync takes that is refused three times, by the clock that nobody sets.
static int64_t sync_takes_ms(int64_t wall_jump_ms) {
    open_world();
    world.wall_jump_ms = wall_jump_ms;
    world.refusals = 3;
    assert_int_equal(sync_world(), CLIENT_OK);
    assert_true(world.idle_waits <= 3 * 2); // 500 ms and the rest, not one after the other
    return world.monotonic_ms;
}

static void test_waits_as_long_as_asked_whatever_the_clock_does(void **state) {
    (void)state;
    assert_int_equal(sync_takes_ms(0), 3 * RETRY_MS);
    assert_int_equal(sync_takes_ms(-TEN_YEARS_MS), 3 * RETRY_MS); // not ten years
    assert_int_equal(sync_takes_ms(TEN_YEARS_MS), 3 * RETRY_MS);  // nor a storm of requests
}

static void test_what_came_with_the_end_of_the_connection_counts(void **state) {
    (void)state;
    open_world();
    world.lost_with = LX__METHOD__PUSH;
    world.server.streams[0].refuse_groups = true;
    world.server.streams[0].reason = REASON_DEVICE_FROZEN;
    assert_int_equal(sync_world(), CLIENT_REFUSED); // not that the server closed the connection
    open_world();
    world.lost_with = LX__METHOD__PULL;
    assert_int_equal(sync_world(), CLIENT_OK); // all was there
    open_world();
    world.lost_with = LX__METHOD__PUSH;
    assert_int_equal(sync_world(), CLIENT_AWAY); // there was more to ask
}

// What was asked before another program heard of a restore: the connection is as good as lost.
static void test_a_connection_to_a_lost_history_is_lost(void **state) {
    struct outbox_counts counts;
    (void)state;
    open_world();
    world.restored_with = LX__METHOD__PUSH;
    assert_int_equal(sync_world(), CLIENT_AWAY);
    open_world();
    world.restored_with = LX__METHOD__PULL;
    assert_int_equal(sync_home(true), CLIENT_STOPPED); // it has come back by itself
    assert_int_equal(store_outbox_counts(world.home.store, &counts), STATUS_OK);
    assert_int_equal(counts.acked, 1);
    close_world();
}

static bool has_session(struct store *store, const char *expected) {
    struct arena *arena = arena_new(0);
    struct view token;
    enum status status = store_config_get(store, STORE_CONFIG_SESSION, arena, &token);
    bool has = status == STATUS_OK && view_equal(token, view_from_string(expected));
    arena_free(&arena);
    return has;
}

// Another program may have logged out and in since the connection was made.
static void test_only_the_session_that_was_shown_is_forgotten(void **state) {
    struct client client;
    (void)state;
    open_world();
    struct store *store = world.home.store;
    assert_int_equal(client_init(&client, store, "test"), STATUS_OK);
    assert_int_equal(store_begin(store), STATUS_OK);
    assert_int_equal(store_config_set(store, STORE_CONFIG_SESSION, view_from_string("newer")),
                     STATUS_OK);
    assert_int_equal(store_commit(store), STATUS_OK);
    client.session = view_from_string("older");
    assert_int_equal(client_forget_session(&client), CLIENT_OK);
    assert_true(has_session(store, "newer"));
    client.session = view_from_string("newer");
    assert_int_equal(client_forget_session(&client), CLIENT_OK);
    assert_false(has_session(store, "newer"));
    assert_int_equal(client_forget_session(&client), CLIENT_OK); // there is none
    client_free(&client);
    close_world();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_session_that_was_shown_is_forgotten),
        cmocka_unit_test(test_waits_as_long_as_asked_whatever_the_clock_does),
        cmocka_unit_test(test_what_came_with_the_end_of_the_connection_counts),
        cmocka_unit_test(test_a_connection_to_a_lost_history_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
