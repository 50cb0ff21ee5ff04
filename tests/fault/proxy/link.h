// One connection through the proxy: client on one side, server on the other, a plan in between.
#pragma once

#include <event2/util.h>

#include "tests/fault/proxy/plan.h"

struct event_base;
struct sockaddr;

struct counts {
    uint64_t connections;
    uint64_t happened[FAULT_KINDS]; // connections to which the fault really happened
    uint64_t bytes[2];
};

struct proxy {
    struct event_base *base;       // owns
    const struct sockaddr *target; // borrows
    int target_size;
    FILE *log;   // owns; NULL: none
    bool healed; // no fault any more
    struct counts counts;
    struct link *links; // all that are open
};

// Takes the descriptor. The link frees itself when both sides are done.
void link_open(struct proxy *proxy, evutil_socket_t client, uint64_t number,
               const struct plan *plan);
// From now on no fault; what was held back goes on.
void link_heal_all(struct proxy *proxy);
// Closes every connection now.
void link_cut_all(struct proxy *proxy);
