// A home, a server in memory and the sync engine between them, with cuts and an order by chance:
// for the tests of the engine.
#pragma once

#include "client/core/sync.h"
#include "tests/unit/client/core/fake_server.h"

#define IN_FLIGHT (SYNC_MAX_IN_FLIGHT + 1)

struct flight {
    uint32_t token;
    const ProtobufCMessage *answer;
};

struct world {
    struct home home;
    struct fake_server server;
    struct sync *sync;
    struct flight flights[IN_FLIGHT];
    size_t n_flights;
    uint64_t random; // 0: everything in order, nothing lost
    int cut_percent;
    int64_t now_ms;
};

void world_open(struct world *world, bool watch, uint32_t pull_limit);
void world_close(struct world *world);
uint64_t world_roll(struct world *world, uint64_t sides);
bool world_chance(struct world *world, int percent);
void world_cut(struct world *world);
// Requests out, until there is none; true when there was any.
bool world_send_all(struct world *world);
void world_receive_one(struct world *world);
void world_settle_down(struct world *world); // both, until nothing moves
void world_run_round(struct world *world);   // from connecting on
// Connects and answers all that is asked before the first request of this method.
struct sync_request world_come_to(struct world *world, uint16_t method);
void world_assert_same_state(struct world *world);
struct outbox_counts world_counts(struct world *world);
void world_record(struct world *world, size_t stream, const char *item);
void world_set_epoch(struct world *world, uint64_t number);
