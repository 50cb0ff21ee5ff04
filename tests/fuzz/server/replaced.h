// What the world has instead of threads, clocks, randomness and slow hashes. Called by world.c.
#pragma once

#include <stdbool.h>
#include <stdint.h>

void replaced_begin(int64_t now_ms); // clock and random numbers start again
void replaced_pass(int64_t ms);
// Runs one job of the thread pool and its end; false: none waits.
bool replaced_run_job(void);
