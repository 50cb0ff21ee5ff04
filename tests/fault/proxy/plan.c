// Decisions from a seed. See plan.h.
#include "tests/fault/proxy/plan.h"

#include <inttypes.h>
#include <string.h>

const char *const fault_names[FAULT_KINDS] = {"none",      "delay",    "cut",
                                              "half_open", "throttle", "corrupt"};
const char *const direction_names[2] = {"to_server", "to_client"};

// SplitMix64: every state gives an independent number.
static uint64_t next(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

// In the handshake, in the first requests, or in the middle of pages: all about as often.
static uint64_t decide_place(uint64_t *state) {
    static const uint64_t reaches[] = {700, 3000, 20000, 200000};
    return next(state) % reaches[next(state) % 4];
}

static uint64_t decide_amount(enum fault fault, uint64_t *state) {
    uint64_t number = next(state);
    switch (fault) {
    case FAULT_DELAY:
        return 5 + number % 300;
    case FAULT_THROTTLE:
        return 2000 + number % 60000;
    case FAULT_CORRUPT:
        return 1 + number % 255;
    case FAULT_NONE:
    case FAULT_CUT:
    case FAULT_HALF_OPEN:
    case FAULT_KINDS:
    default:
        return 0;
    }
}

struct plan plan_decide(uint64_t seed, uint64_t connection) {
    // of 16 connections: 5 unharmed, 3 delayed, 3 cut, 1 half open, 2 throttled, 2 corrupted
    static const enum fault shares[16] = {
        FAULT_NONE,     FAULT_NONE,     FAULT_NONE,    FAULT_NONE,   FAULT_NONE, FAULT_DELAY,
        FAULT_DELAY,    FAULT_DELAY,    FAULT_CUT,     FAULT_CUT,    FAULT_CUT,  FAULT_HALF_OPEN,
        FAULT_THROTTLE, FAULT_THROTTLE, FAULT_CORRUPT, FAULT_CORRUPT};
    uint64_t state = seed * UINT64_C(0x2545f4914f6cdd1d) + connection;
    (void)next(&state);
    struct plan plan = {.fault = shares[next(&state) % 16]};
    plan.direction = next(&state) % 2 == 0 ? TO_SERVER : TO_CLIENT;
    plan.at = decide_place(&state);
    plan.amount = decide_amount(plan.fault, &state);
    return plan;
}

void plan_print(FILE *file, uint64_t connection, const struct plan *plan) {
    fprintf(file, "plan %" PRIu64 " %s %s %" PRIu64 " %" PRIu64 "\n", connection,
            fault_names[plan->fault], direction_names[plan->direction], plan->at, plan->amount);
    fflush(file);
}

static int find(const char *const *names, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

bool plan_read(FILE *file, uint64_t *out_connection, struct plan *out_plan) {
    char line[256], fault[32], direction[32];
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "plan %" SCNu64 " %31s %31s %" SCNu64 " %" SCNu64, out_connection, fault,
                   direction, &out_plan->at, &out_plan->amount) != 5)
            continue;
        int kind = find(fault_names, FAULT_KINDS, fault), way = find(direction_names, 2, direction);
        if (kind < 0 || way < 0)
            continue;
        out_plan->fault = (enum fault)kind;
        out_plan->direction = (enum direction)way;
        return true;
    }
    return false;
}
