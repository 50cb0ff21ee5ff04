// The simulated machine room: one seed's random numbers, one virtual time, a queue of what happens
// when, and fibers in which the real programs run. Everything that a program asks of its machine
// (clock, random bytes, loop, network, database connection) ends here. One thread; owned by main.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/uuid.h"
#include "common/base/view.h"

#define SIM_MS 1000 // microseconds
#define SIM_SECOND 1000000

// ---- chance ----

void sim_seed(uint64_t seed);
uint64_t sim_random(void);
uint32_t sim_below(uint32_t n); // 0..n-1
bool sim_chance(
    unsigned per_ten_thousand); // of what goes wrong; always false once sim_heal was called
int64_t sim_between(int64_t low, int64_t high);
// From now on nothing goes wrong by itself.
void sim_heal(void);
bool sim_healed(void);

// ---- time ----

int64_t sim_now_us(void);  // since the seed began: what every deadline counts
int64_t sim_wall_ms(void); // UTC, as the server's clock shows it
void sim_jump_wall(int64_t ms);

typedef void (*sim_fn)(void *user);
void sim_at(int64_t when_us, sim_fn fn, void *user);
// Runs what is due until `done` says so or time is over; false: time is over.
bool sim_run(int64_t until_us, bool (*done)(void *user), void *user);
void sim_reset(void); // drops what has not happened

// ---- fibers: each is a process of the simulated world ----

struct fiber; // opaque

// A program's machine: what a fiber's calls are answered with.
struct machine {
    char name[32];
    int64_t skew_ms; // of its wall clock
    bool dead;       // crashed: nothing it does has an effect any more
    void (*on_term)(int);
};

// Freed by sim_reset, when it must have ended.
struct fiber *fiber_start(struct machine *machine, sim_fn fn, void *user);
bool fiber_ended(const struct fiber *fiber);
struct fiber *fiber_current(void);     // NULL: the director
struct machine *machine_current(void); // never NULL
// Gives way until `until_us` or until woken. INT64_MAX: until woken.
void fiber_wait(int64_t until_us);
void fiber_wake(struct fiber *fiber);
void fiber_sleep(int64_t us); // for so long, whoever wakes it

// ---- the trace ----

// Adds to the hash of the run, and to the trace file if there is one.
void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
void trace_bytes(const char *what, struct view bytes);
void trace_open(const char *path); // NULL: none
void trace_begin(uint64_t seed);
uint64_t trace_end(void); // the run's hash

// Something is wrong: printed with seed and time, counted.
void finding(const char *format, ...) __attribute__((format(printf, 1, 2)));
unsigned findings(void);

// ---- counts ----

enum count {
    COUNT_OPERATIONS,
    COUNT_ACKNOWLEDGED,
    COUNT_REFUSED,
    COUNT_JUDGED_AWAY,
    COUNT_ROWS,
    COUNT_QUERIES,
    COUNT_ROUNDS,
    COUNT_CUT,
    COUNT_STALL,
    COUNT_LOST_QUERY,
    COUNT_LOST_ANSWER,
    COUNT_WORKER_CRASH,
    COUNT_WORKER_RESTART,
    COUNT_ASSESSOR_CRASH,
    COUNT_CLIENT_CRASH,
    COUNT_CLIENT_CLOCK,
    COUNT_MOVE,
    COUNT_TRANSFER_OUT,
    COUNT_TRANSFER_IN,
    COUNT_UNIT_OUT,
    COUNT_UNIT_IN,
    COUNT_UNIT_BACK,
    COUNT_UNIT_CLASH,
    COUNT_UNIT_STUCK,
    COUNT_UNIT_WITHIN,
    COUNT_UNIT_MERGE,
    COUNT_UNIT_CLOSE,
    COUNT_UNIT_WAITED,
    COUNT_GRANT,
    COUNT_REVOKE,
    COUNT_REVOKE_FOR_CAUSE,
    COUNT_SCHEME,
    COUNT_DAY,
    COUNT_YEAR,
    COUNT_PRUNED,
    COUNT_RESTORE,
    COUNT_REPLAY,
    COUNT_JOURNAL_LOST,
    COUNT_JOURNAL_BEHIND,
    COUNT_RIGHTS_COMPARED,
    COUNT_DEVICE_REVOKED,
    COUNT_CLONE,
    COUNT_BUNDLE_WRITTEN,
    COUNT_BUNDLE_CARRIED,
    COUNT_BUNDLE_REPEATED,
    COUNT_BUNDLE_DAMAGED,
    COUNT_RECEIPT_READ,
    COUNT_FRESH,
    COUNT_STANDING,
    COUNT_CONTENT,
    COUNT_SEALS,
    COUNT_HEADS_EXPORTED,
    COUNT_COUNT
};
void count(enum count what);
void count_print(uint64_t seeds, uint64_t found);
