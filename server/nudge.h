// Subscriptions of this worker's connections and the hints "stream S is at N" that go to them. A
// nudge only tells a client to pull: permission is checked there. Every second the heads of all
// subscribed streams are read as well, so a lost hint costs a second. Owned by the worker.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/base/uuid.h"

struct conn;
struct worker;

struct nudge; // opaque

struct nudge_head {
    struct uuid stream;
    int32_t district;
    uint64_t head; // that the subscriber was told
};

struct nudge *nudge_new(struct worker *worker); // NULL: no memory
void nudge_free(struct nudge **nudge);          // after all connections are closed

// Replaces the connection's set. STATUS_NO_MEMORY leaves none.
enum status nudge_subscribe(struct conn *conn, const struct nudge_head *heads, size_t n) MUST_USE;
void nudge_unsubscribe(struct conn *conn);
// The stream has moved (a hint of any worker, or the database said so).
void nudge_moved(struct nudge *nudge, struct uuid stream, uint64_t head);
// Ask the database now instead of within a second (hints were lost).
void nudge_poll(struct nudge *nudge);
