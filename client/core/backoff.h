// How long to wait before the next try: doubling, capped, with jitter so that a city's clients do
// not come back in one moment. Pure: the caller has the clock and the seed.
#pragma once

#include <stdint.h>

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 30000 // whatever the outage: within a minute of its end a queue is empty

struct backoff {
    unsigned failures;
    uint64_t random; // state of the generator; never 0
};

void backoff_init(struct backoff *backoff, uint64_t seed);
void backoff_reset(struct backoff *backoff); // after a success
// One more failure: milliseconds to wait, between half and the whole of the doubled time.
int64_t backoff_next_ms(struct backoff *backoff);
