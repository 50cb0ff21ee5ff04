// See sync_world.h.
#include "tests/unit/client/core/sync_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void world_open(struct world *world, bool watch, uint32_t pull_limit) {
    struct sync_options options = {.watch = watch, .pull_limit = pull_limit};
    memset(world, 0, sizeof *world);
    home_open(&world->home);
    fake_open(&world->server);
    world->now_ms = HOME_NOW_MS;
    world->sync = sync_new(world->home.store, &options);
    assert_non_null(world->sync);
}

void world_close(struct world *world) {
    assert_int_equal(world->server.hash_clashes, 0);
    assert_int_equal(world->server.stored_twice, 0);
    sync_free(&world->sync);
    fake_close(&world->server);
    home_close(&world->home);
}

uint64_t world_roll(struct world *world, uint64_t sides) {
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return world->random % sides;
}

bool world_chance(struct world *world, int percent) {
    return world->random != 0 && world_roll(world, 100) < (uint64_t)percent;
}

void world_cut(struct world *world) {
    world->n_flights = 0;
    sync_disconnected(world->sync);
    sync_connected(world->sync, NULL);
}

// Requests out. A cut before the server has seen it, or after.
bool world_send_all(struct world *world) {
    struct sync_request request;
    bool sent = false;
    while (sync_next(world->sync, world->now_ms, &request)) {
        assert_true(world->n_flights < IN_FLIGHT);
        if (world_chance(world, world->cut_percent)) {
            world_cut(world);
            return true;
        }
        const ProtobufCMessage *answer =
            fake_answer(&world->server, request.method, request.message);
        world->flights[world->n_flights++] = (struct flight){request.token, answer};
        sent = true;
    }
    return sent;
}

void world_receive_one(struct world *world) {
    size_t i = world->random ? world_roll(world, world->n_flights) : 0;
    struct flight flight = world->flights[i];
    world->flights[i] = world->flights[--world->n_flights];
    if (world_chance(world, world->cut_percent)) {
        world_cut(world);
        return;
    }
    if (flight.answer->descriptor == &lx__error__descriptor) {
        sync_on_error(world->sync, flight.token, (const Lx__Error *)flight.answer, world->now_ms);
        return;
    }
    sync_on_reply(world->sync, flight.token, flight.answer, world->now_ms);
    if (world_chance(world, 10)) // an answer that was already taken changes nothing
        sync_on_reply(world->sync, flight.token, flight.answer, world->now_ms);
}

void world_run_round(struct world *world) {
    sync_connected(world->sync, NULL);
    for (int i = 0; i < 5000; i++) {
        bool sent = world_send_all(world);
        if (world->n_flights > 0)
            world_receive_one(world);
        else if (!sent)
            break;
    }
    if (sync_phase(world->sync) == SYNC_PHASE_FAILED)
        fail_msg("sync failed: %s", sync_failure_text(world->sync));
}

void world_assert_same_state(struct world *world) {
    for (size_t i = 0; i < FAKE_STREAMS; i++) {
        const struct fake_stream *theirs = &world->server.streams[i];
        struct store_stream ours;
        uint64_t digest = 0;
        if (!theirs->in_scope)
            continue;
        assert_int_equal(store_stream_get(world->home.store, theirs->id, &ours), STATUS_OK);
        assert_int_equal(ours.live_count, fake_live_count(theirs, &digest));
        assert_true(ours.digest == digest);
        assert_true(ours.whole);
        assert_int_equal(ours.cursor, theirs->head);
    }
}

struct outbox_counts world_counts(struct world *world) {
    struct outbox_counts result;
    assert_int_equal(store_outbox_counts(world->home.store, &result), STATUS_OK);
    return result;
}

void world_record(struct world *world, size_t stream, const char *item) {
    struct uuid id = home_new_id(&world->home);
    home_add(&world->home, home_id(stream + 1), home_fact(&world->home, id, home_id(500), item));
}

void world_settle_down(struct world *world) {
    while (world_send_all(world) || world->n_flights > 0)
        if (world->n_flights > 0)
            world_receive_one(world);
}

void world_set_epoch(struct world *world, uint64_t number) {
    home_set_epoch(&world->home, number);
}

struct sync_request world_come_to(struct world *world, uint16_t method) {
    struct sync_request request;
    sync_connected(world->sync, NULL);
    assert_true(sync_next(world->sync, world->now_ms, &request));
    while (request.method != method) {
        sync_on_reply(world->sync, request.token,
                      fake_answer(&world->server, request.method, request.message), world->now_ms);
        assert_true(sync_next(world->sync, world->now_ms, &request));
    }
    return request;
}
