// libFuzzer: one request to one handler, from the frame to the reply, with a database that answers
// what the input says (tests/fuzz/server/seed.h has the layout). The environment's LX_FUZZ_HANDLER
// names the method ("PUSH"); without it the input chooses.
#include <stdio.h>
#include <stdlib.h>

#include "common/wire/scan.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/server/seed.h"
#include "tests/fuzz/server/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static unsigned long reached; // requests that the scan let through

static void tell(void) {
    fprintf(stderr, "stat::requests_read: %lu\n", reached);
}

static bool read_input(const uint8_t *data, size_t size, struct seed *out_seed) {
    static bool told;
    if (!told)
        atexit(tell);
    told = true;
    return seed_read(view_from(data, size), getenv("LX_FUZZ_HANDLER"), out_seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct seed seed;
    struct scan_fault fault;
    if (!read_input(data, size, &seed))
        return 0;
    reached +=
        scan_message(seed.method->request, seed.payload, &SCAN_LIMITS_REQUEST, &fault) == STATUS_OK;
    seed_begin(&seed);
    seed_send(&seed);
    world_end();
    return 0;
}

// Three of four mutations keep to the grammar of the request's message.
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed_number) {
    struct seed seed;
    if (seed_number % 4 == 0 || !read_input(data, size, &seed))
        return LLVMFuzzerMutate(data, size, max_size);
    size_t at = SEED_HEAD + seed.tape.size;
    return at + mutate_message(seed.method->request, data + at, size - at, max_size - at,
                               seed_number / 4);
}
