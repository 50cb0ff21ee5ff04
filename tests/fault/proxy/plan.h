// What happens to a connection: a pure function of seed and number of the connection, written as a
// line of text and read back for a replay. Used by main.c and link.c.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum fault {
    FAULT_NONE,
    FAULT_DELAY,     // every piece comes `amount` ms later
    FAULT_CUT,       // closed after byte `at` of one direction
    FAULT_HALF_OPEN, // from byte `at` of one direction on nothing goes either way; it stays open
    FAULT_THROTTLE,  // `amount` bytes a second
    FAULT_CORRUPT,   // byte `at` of one direction is xored with `amount`
    FAULT_KINDS
};

// The direction that `at` counts in.
enum direction { TO_SERVER, TO_CLIENT };

struct plan {
    enum fault fault;
    enum direction direction;
    uint64_t at;
    uint64_t amount;
};

extern const char *const fault_names[FAULT_KINDS];
extern const char *const direction_names[2];

struct plan plan_decide(uint64_t seed, uint64_t connection);
void plan_print(FILE *file, uint64_t connection, const struct plan *plan);
// Reads the next plan of a log, past lines of other sorts. False at the end of the file.
bool plan_read(FILE *file, uint64_t *out_connection, struct plan *out_plan);
