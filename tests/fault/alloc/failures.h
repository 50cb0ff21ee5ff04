// The main function of a program that lets every allocation fail once: a test without arguments, a
// campaign with --seed N --seconds T, which goes on with the next seeds until the time is over;
// --only NAME: what a seed calls so.
#pragma once

#include <stdint.h>

struct failure_counts {
    uint64_t failures, wrong;
};

// `run` adds what came of one seed; `only` is "" for everything.
typedef void (*failures_fn)(uint64_t seed, const char *only, struct failure_counts *counts);
int failures_main(int argc, char **argv, uint64_t first_seed, failures_fn run);
