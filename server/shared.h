// What the processes of one server share: made by the master before it forks. A ring of "stream S
// is at N" that every worker writes and reads, and descriptors to wake each other. Nothing in it is
// a promise: a hint that is lost costs the second until the workers look at the heads themselves.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/base/uuid.h"

#define SHARED_RING_SIZE 4096 // hints; a worker that is further behind has lost some
#define SHARED_MAX_WORKERS 64

struct shared_slot {
    _Atomic uint64_t number; // of the hint it holds, plus 1; 0 while it is written
    struct uuid stream;
    _Atomic uint64_t head;
};

struct shared {
    _Atomic uint64_t next; // number of the next hint
    struct shared_slot ring[SHARED_RING_SIZE];
    int workers;
    int worker_wake[SHARED_MAX_WORKERS]; // eventfds, inherited by all
    int assessor_wake;
};

// Workers: 1..SHARED_MAX_WORKERS.
enum status shared_new(int workers, struct shared **out_shared) MUST_USE;
void shared_free(struct shared **shared);

void shared_put(struct shared *shared, struct uuid stream, uint64_t head);
// The hint number *position, which is moved on. False: there is none. *out_lost: some were
// overwritten or never finished.
bool shared_take(struct shared *shared, uint64_t *position, struct uuid *out_stream,
                 uint64_t *out_head, bool *out_lost);
// Wakes the other workers (index: who calls, -1 for none) and the assessor.
void shared_wake(const struct shared *shared, int index);
// Clears a wake-up of one's own.
void shared_clear_wake(int wake_fd);
