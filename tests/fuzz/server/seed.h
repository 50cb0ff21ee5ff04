// One input of fuzz_handler: a request to one handler, who asks, and what the database says. Byte 0
// is the method's number, byte 1 says who asks, byte 2 is the size of the database's tape, which
// follows; the rest is the payload of the request. Also run by tests/fault/alloc.
#pragma once

#include <stdbool.h>

#include "common/base/view.h"
#include "common/wire/method.h"

#define SEED_HEAD 3

struct seed {
    const char *name; // for messages; borrows
    const struct method_info *method;
    uint8_t flags;
    struct view tape, payload; // borrow
};

// `only`: the method whatever byte 0 says; NULL: all. False: the input is too short.
bool seed_read(struct view input, const char *only, struct seed *out_seed);
// A fresh world with the connection that asks.
void seed_begin(const struct seed *seed);
// Sends the request, twice or with an end in the middle when the input says so.
void seed_send(const struct seed *seed);
