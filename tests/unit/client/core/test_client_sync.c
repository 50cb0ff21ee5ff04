// The driver of the sync engine over a connection that is made up: how long it waits when a server
// asks to, whatever becomes of the machine's clock meanwhile.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

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

enum client_result __wrap_client_connect(struct client *client);
enum client_result __wrap_client_connect(struct client *client) {
    (void)client;
    world.n_flights = 0;
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
    if (world.refusals > 0)
        refuse(&flight);
    else
        world.handler.on_reply(world.handler.user, flight.id, flight.method, flight.answer);
    return STATUS_OK;
}

// ---- the test ----

static bool keep_going(void *user) {
    return world.monotonic_ms < *(const int64_t *)user;
}

// How long a sync takes that is refused three times, by the clock that nobody sets.
static int64_t sync_takes_ms(int64_t wall_jump_ms) {
    struct client client;
    int64_t end_ms = 60000;
    const struct client_sync_options options = {.keep_going = keep_going, .user = &end_ms};
    memset(&world, 0, sizeof world);
    home_open(&world.home);
    fake_open(&world.server);
    world.wall_ms = HOME_NOW_MS;
    world.wall_jump_ms = wall_jump_ms;
    world.refusals = 3;
    home_add(&world.home, home_id(1), home_fact(&world.home, home_id(10), home_id(500), "t.plan"));
    assert_int_equal(client_init(&client, world.home.store, "test"), STATUS_OK);
    assert_int_equal(client_sync(&client, &options, NULL), CLIENT_OK);
    assert_true(world.idle_waits <= 3 * 2); // 500 ms and the rest, not one after the other
    client_free(&client);
    fake_close(&world.server);
    home_close(&world.home);
    return world.monotonic_ms;
}

static void test_waits_as_long_as_asked_whatever_the_clock_does(void **state) {
    (void)state;
    assert_int_equal(sync_takes_ms(0), 3 * RETRY_MS);
    assert_int_equal(sync_takes_ms(-TEN_YEARS_MS), 3 * RETRY_MS); // not ten years
    assert_int_equal(sync_takes_ms(TEN_YEARS_MS), 3 * RETRY_MS);  // nor a storm of requests
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_as_long_as_asked_whatever_the_clock_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
