// See backoff.h.
#include "client/core/backoff.h"

void backoff_init(struct backoff *backoff, uint64_t seed) {
    *backoff = (struct backoff){.random = seed | 1};
}

void backoff_reset(struct backoff *backoff) {
    backoff->failures = 0;
}

static uint64_t next_random(struct backoff *backoff) {
    // xorshift64: spread, not secrecy.
    backoff->random ^= backoff->random << 13;
    backoff->random ^= backoff->random >> 7;
    backoff->random ^= backoff->random << 17;
    return backoff->random;
}

int64_t backoff_next_ms(struct backoff *backoff) {
    int64_t whole_ms = BACKOFF_FIRST_MS;
    for (unsigned i = 0; i < backoff->failures && whole_ms < BACKOFF_MAX_MS; i++)
        whole_ms *= 2;
    if (whole_ms > BACKOFF_MAX_MS)
        whole_ms = BACKOFF_MAX_MS;
    backoff->failures++;
    return whole_ms / 2 + (int64_t)(next_random(backoff) % (uint64_t)(whole_ms / 2 + 1));
}
