// One coarse timer wheel for the deadlines of all connections: setting one costs two pointers.
// Pure: the caller gives the time. Owned by the worker.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define WHEEL_SLOT_MS 250 // how late a deadline may fire
#define WHEEL_SLOTS 512   // later deadlines are looked at once per turn of 128 s

// Part of what has the deadline. Zeroed: not on the wheel.
struct wheel_node {
    struct wheel_node *next, *previous; // borrows; NULL when off
    int64_t deadline_ms;
};

struct wheel {
    struct wheel_node slots[WHEEL_SLOTS]; // heads of rings
    int64_t now_slot;
};

typedef void (*wheel_due_fn)(struct wheel_node *node, void *user);

void wheel_init(struct wheel *wheel, int64_t now_ms);
// Moves the node there if it was on the wheel already.
void wheel_set(struct wheel *wheel, struct wheel_node *node, int64_t deadline_ms);
void wheel_remove(struct wheel_node *node); // nothing when it is off
// Takes every node whose deadline has passed off and calls `due`, which may set it again.
void wheel_advance(struct wheel *wheel, int64_t now_ms, wheel_due_fn due, void *user);
