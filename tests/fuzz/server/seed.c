// See seed.h.
#include "tests/fuzz/server/seed.h"

#include <stdlib.h>
#include <string.h>

#include "proto/wire.pb-c.h"
#include "server/dispatch.h"
#include "tests/fuzz/server/world.h"

#define REQUEST 7

enum {
    FLAG_ROLES = 7, // role 1..8
    FLAG_CHECKS_OFF = 8,
    FLAG_EXPIRED = 16,
    FLAG_STRANGER = 32, // without a login, or with a device where none may be
    FLAG_HANG_UP = 64,  // while the request is under way
    FLAG_TWICE = 128,   // the same again on the same connection
};

static const struct method_info *methods[64];
static size_t n_methods;

static void list_methods(const char *only) {
    for (size_t i = 0; method_at(i) != NULL; i++)
        if (dispatch_find(method_at(i)->number) != NULL &&
            (only == NULL || strcmp(only, method_at(i)->name) == 0))
            methods[n_methods++] = method_at(i);
}

static const struct method_info *choose(uint8_t number, const char *only) {
    if (n_methods == 0)
        list_methods(only);
    if (n_methods == 0)
        abort(); // `only` names no method that is served
    for (size_t i = 0; i < n_methods; i++)
        if (methods[i]->number == number)
            return methods[i];
    return methods[number % n_methods];
}

bool seed_read(struct view input, const char *only, struct seed *out_seed) {
    if (input.size < SEED_HEAD || input.size - SEED_HEAD < input.data[2])
        return false;
    struct view tape = {input.data + SEED_HEAD, input.data[2]};
    size_t head = SEED_HEAD + tape.size;
    *out_seed = (struct seed){.method = choose(input.data[0], only),
                              .flags = input.data[1],
                              .tape = tape,
                              .payload = {input.data + head, input.size - head}};
    return true;
}

// Whom the method asks for, unless the input wants a stranger.
static bool has_device(const struct method_info *method, bool stranger) {
    return (method->needs != METHOD_NEEDS_NO_DEVICE) != stranger;
}

static bool needs_login(const struct method_info *method) {
    return method->needs == METHOD_NEEDS_LOGIN || method->needs == METHOD_NEEDS_FIRST;
}

void seed_begin(const struct seed *seed) {
    const struct world_options options = {.role = (Lx__Role)((seed->flags & FLAG_ROLES) + 1),
                                          .checks_off = (seed->flags & FLAG_CHECKS_OFF) != 0,
                                          .device_expired = (seed->flags & FLAG_EXPIRED) != 0};
    bool stranger = (seed->flags & FLAG_STRANGER) != 0;
    world_begin(&options);
    world_connect(0, has_device(seed->method, stranger));
    if (seed->method->number != LX__METHOD__HELLO)
        world_greet(0, needs_login(seed->method) && !stranger);
    world_tape(seed->tape);
}

void seed_send(const struct seed *seed) {
    uint16_t method = seed->method->number;
    world_send_frame(0, method, REQUEST, seed->payload);
    if ((seed->flags & FLAG_HANG_UP) != 0) {
        world_work(seed->tape.size % 4);
        world_hang_up(0);
    }
    if ((seed->flags & FLAG_TWICE) != 0) {
        world_work(seed->tape.size % 4);
        world_send_frame(0, method, REQUEST + 1, seed->payload);
        world_tick(1000);
    }
}
