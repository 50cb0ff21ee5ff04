// libFuzzer: one request to one handler, from the frame to the reply, with a database that answers
// what the input says. The environment's LX_FUZZ_HANDLER names the method ("PUSH"); without it the
// first byte chooses. Byte 1: who asks (see options_of), byte 2: size of the database's tape, which
// follows; the rest is the payload of the request.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/frame.h"
#include "common/wire/method.h"
#include "common/wire/scan.h"
#include "server/dispatch.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/server/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#define HEAD 3
#define REQUEST 7

enum {
    FLAG_ROLES = 7, // role 1..8
    FLAG_CHECKS_OFF = 8,
    FLAG_EXPIRED = 16,
    FLAG_STRANGER = 32, // without a login, or with a device where none may be
    FLAG_HANG_UP = 64,  // while the request is under way
    FLAG_TWICE = 128,   // the same again on the same connection
};

static unsigned long reached; // requests that the scan let through

static void tell(void) {
    fprintf(stderr, "stat::requests_read: %lu\n", reached);
}

static const struct method_info *choose(uint8_t number) {
    static const struct method_info *methods[64];
    static size_t n;
    const char *wanted = getenv("LX_FUZZ_HANDLER");
    for (size_t i = 0; n == 0 && method_at(i) != NULL; i++)
        if (dispatch_find(method_at(i)->number) != NULL &&
            (wanted == NULL || strcmp(wanted, method_at(i)->name) == 0))
            methods[n++] = method_at(i);
    if (n == 0 || methods[0] == NULL)
        abort(); // LX_FUZZ_HANDLER names no method that is served
    static bool told;
    if (!told)
        atexit(tell);
    told = true;
    return methods[number % n];
}

// Whom the method asks for, unless the input wants a stranger.
static bool has_device(const struct method_info *method, bool stranger) {
    return (method->needs != METHOD_NEEDS_NO_DEVICE) != stranger;
}

static void connect_as(const struct method_info *method, uint8_t flags) {
    bool stranger = (flags & FLAG_STRANGER) != 0;
    world_connect(0, has_device(method, stranger));
    if (method->number != LX__METHOD__HELLO)
        world_greet(0, method->needs == METHOD_NEEDS_LOGIN && !stranger);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < HEAD || size - HEAD < data[2])
        return 0;
    const struct method_info *method = choose(data[0]);
    uint8_t flags = data[1];
    struct view tape = {data + HEAD, data[2]};
    struct view payload = {data + HEAD + tape.size, size - HEAD - tape.size};
    struct scan_fault fault;
    reached += scan_message(method->request, payload, &SCAN_LIMITS_REQUEST, &fault) == STATUS_OK;
    const struct world_options options = {.role = (Lx__Role)((flags & FLAG_ROLES) + 1),
                                          .checks_off = (flags & FLAG_CHECKS_OFF) != 0,
                                          .device_expired = (flags & FLAG_EXPIRED) != 0};
    world_begin(&options);
    connect_as(method, flags);
    world_tape(tape);
    world_send_frame(0, method->number, REQUEST, payload);
    if ((flags & FLAG_HANG_UP) != 0) {
        world_work(tape.size % 4);
        world_hang_up(0);
    }
    if ((flags & FLAG_TWICE) != 0) {
        world_work(tape.size % 4);
        world_send_frame(0, method->number, REQUEST + 1, payload);
        world_tick(1000);
    }
    world_end();
    return 0;
}

// Three of four mutations keep to the grammar of the request's message.
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    if (size < HEAD || size - HEAD < data[2] || seed % 4 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    const struct method_info *method = choose(data[0]);
    size_t at = HEAD + (size_t)data[2];
    return at + mutate_message(method->request, data + at, size - at, max_size - at, seed / 4);
}
