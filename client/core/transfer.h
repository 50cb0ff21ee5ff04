// Transfers of people between districts: the operations of both halves, judged here as the server
// will and put into the outbox, and what is under way. Called by client/cli and by tests.
#pragma once

#include "client/core/local.h"
#include "client/store/store.h"

// Somebody under way. Lives in the caller's arena.
struct transfer_row {
    struct uuid id; // of the transfer, both halves
    struct uuid person;
    const char *name;
    struct uuid unit; // the other district
    bool out;         // sent from this side; else he may be taken in here
    bool local;       // not yet told by the server
    int64_t left_ms;
    struct uuid stream; // the district whose row it is; a home may hold both sides
};

enum status transfer_list(struct store *store, struct arena *arena, struct transfer_row **out_rows,
                          size_t *out_count) MUST_USE;

// What a half is made with; everything borrows.
struct transfer_maker {
    struct store *store;
    const struct local *local;
    struct arena *arena;
    int64_t now_ms;
};

struct transfer_made {
    struct uuid id;           // of the transfer
    const Lx__Reason *reason; // why not; NULL: it is in the outbox
};

// Sends a person of this home to another district. STATUS_NOT_FOUND: nobody here has this id.
enum status transfer_send_out(const struct transfer_maker *maker, struct uuid person,
                              struct uuid district, int64_t left_ms,
                              struct transfer_made *out_made) MUST_USE;

struct transfer_home {
    struct uuid unit; // workshop or school
    uint32_t programme;
    int64_t from_ms;
};

// Takes somebody under way in, on the side that is named or on the one that sent him.
enum status transfer_take_in(const struct transfer_maker *maker, const struct transfer_row *row,
                             const struct transfer_home *home,
                             struct transfer_made *out_made) MUST_USE;
