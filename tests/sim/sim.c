// Chance, time, fibers, trace. See sim.h.
#include "tests/sim/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define LX_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LX_ASAN 1
#endif
#endif
#ifdef LX_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK_BYTES (1024 * 1024)
#define WALL_AT_START_MS INT64_C(1631232000000) // 2021-09-10 08:00 in Shanghai

// ---- chance ----

static uint64_t random_state;
static bool healed;

// splitmix64
uint64_t sim_random(void) {
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void sim_seed(uint64_t seed) {
    random_state = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    healed = false;
}

uint32_t sim_below(uint32_t n) {
    return (uint32_t)((sim_random() >> 32) * n >> 32);
}

bool sim_chance(unsigned per_ten_thousand) {
    return sim_below(10000) < per_ten_thousand && !healed;
}

int64_t sim_between(int64_t low, int64_t high) {
    return low + (int64_t)(sim_random() % (uint64_t)(high - low + 1));
}

void sim_heal(void) {
    healed = true;
}

bool sim_healed(void) {
    return healed;
}

// ---- time: a heap of what happens when ----

struct happening {
    int64_t when_us;
    uint64_t number; // the order of those of one moment
    sim_fn fn;
    void *user;
    uint64_t turn; // of a fiber's wait; 0 for everything else
};

static struct happening *heap; // owns
static size_t heap_size, heap_capacity;
static uint64_t heap_number;
static int64_t now_us;
static int64_t wall_offset_ms;

int64_t sim_now_us(void) {
    return now_us;
}

int64_t sim_wall_ms(void) {
    return WALL_AT_START_MS + wall_offset_ms + now_us / SIM_MS;
}

void sim_jump_wall(int64_t ms) {
    wall_offset_ms += ms;
}

static bool is_before(const struct happening *a, const struct happening *b) {
    return a->when_us != b->when_us ? a->when_us < b->when_us : a->number < b->number;
}

static void put(struct happening happening) {
    if (heap_size == heap_capacity) {
        heap_capacity = heap_capacity > 0 ? heap_capacity * 2 : 256;
        heap = realloc(heap, heap_capacity * sizeof *heap);
        if (heap == NULL)
            abort();
    }
    if (happening.when_us < now_us)
        happening.when_us = now_us;
    happening.number = heap_number++;
    size_t at = heap_size++;
    for (; at > 0 && is_before(&happening, &heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = happening;
}

void sim_at(int64_t when_us, sim_fn fn, void *user) {
    put((struct happening){.when_us = when_us, .fn = fn, .user = user});
}

static struct happening take_first(void) {
    struct happening first = heap[0];
    struct happening last = heap[--heap_size];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < heap_size; at = child) {
        if (child + 1 < heap_size && is_before(&heap[child + 1], &heap[child]))
            child++;
        if (!is_before(&heap[child], &last))
            break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return first;
}

// ---- fibers ----

struct fiber {
    ucontext_t context;
    void *stack; // owns
    struct machine *machine;
    sim_fn fn;
    void *user;
    uint64_t turn; // of its waits: a wake-up of an earlier one is void
    bool waiting;
    bool ended;
    void *fake_stack; // of the address sanitizer
    struct fiber *next;
};

static struct fiber *current;
static ucontext_t director;
static struct machine director_machine = {.name = "director"};
static struct fiber *fibers; // owns: all of this run, so that a late wake-up finds its own

struct fiber *fiber_current(void) {
    return current;
}

struct machine *machine_current(void) {
    return current != NULL ? current->machine : &director_machine;
}

#ifdef LX_ASAN
static void *director_fake_stack;
#endif

static void enter(struct fiber *fiber) {
    current = fiber;
    fiber->waiting = false;
    fiber->turn++;
#ifdef LX_ASAN
    __sanitizer_start_switch_fiber(&director_fake_stack, fiber->stack, STACK_BYTES);
#endif
    swapcontext(&director, &fiber->context);
#ifdef LX_ASAN
    __sanitizer_finish_switch_fiber(director_fake_stack, NULL, NULL);
#endif
    current = NULL;
}

#ifdef LX_ASAN
static const void *director_bottom;
static size_t director_size;
#endif

static void leave(struct fiber *fiber) {
#ifdef LX_ASAN
    __sanitizer_start_switch_fiber(fiber->ended ? NULL : &fiber->fake_stack, director_bottom,
                                   director_size);
#endif
    swapcontext(&fiber->context, &director);
#ifdef LX_ASAN
    __sanitizer_finish_switch_fiber(fiber->fake_stack, &director_bottom, &director_size);
#endif
}

static void run_fiber(void) {
#ifdef LX_ASAN
    __sanitizer_finish_switch_fiber(NULL, &director_bottom, &director_size);
#endif
    struct fiber *fiber = current;
    fiber->fn(fiber->user);
    fiber->ended = true;
    leave(fiber);
    abort();
}

static void drop_stack(struct fiber *fiber) {
    if (fiber->stack != NULL)
        munmap(fiber->stack, STACK_BYTES);
    fiber->stack = NULL;
}

static void wake_fiber(struct fiber *fiber, uint64_t turn) {
    if (turn != fiber->turn || !fiber->waiting || fiber->ended)
        return;
    enter(fiber);
    if (fiber->ended)
        drop_stack(fiber);
}

static void wake_at(struct fiber *fiber, int64_t when_us) {
    put((struct happening){.when_us = when_us, .user = fiber, .turn = fiber->turn});
}

struct fiber *fiber_start(struct machine *machine, sim_fn fn, void *user) {
    struct fiber *fiber = calloc(1, sizeof *fiber);
    if (fiber == NULL)
        abort();
    fiber->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (fiber->stack == MAP_FAILED)
        abort();
    fiber->machine = machine;
    fiber->fn = fn;
    fiber->user = user;
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&fiber->context, run_fiber, 0);
    fiber->waiting = true;
    fiber->turn = 1;
    fiber->next = fibers;
    fibers = fiber;
    wake_at(fiber, now_us);
    return fiber;
}

bool fiber_ended(const struct fiber *fiber) {
    return fiber->ended;
}

void fiber_wait(int64_t until_us) {
    struct fiber *fiber = current;
    assert(fiber != NULL);
    fiber->waiting = true;
    if (until_us != INT64_MAX)
        wake_at(fiber, until_us);
    leave(fiber);
}

void fiber_wake(struct fiber *fiber) {
    if (fiber != NULL && fiber->waiting && !fiber->ended)
        wake_at(fiber, now_us);
}

void fiber_sleep(int64_t us) {
    int64_t until_us = now_us + us;
    while (now_us < until_us)
        fiber_wait(until_us);
}

// ---- the run ----

bool sim_run(int64_t until_us, bool (*done)(void *user), void *user) {
    while (!done(user)) {
        if (heap_size == 0 || heap[0].when_us > until_us)
            return false;
        struct happening next = take_first();
        now_us = next.when_us;
        if (next.turn != 0)
            wake_fiber(next.user, next.turn);
        else
            next.fn(next.user);
    }
    return true;
}

void sim_reset(void) {
    while (fibers != NULL) {
        struct fiber *fiber = fibers;
        fibers = fiber->next;
        assert(fiber->ended);
        free(fiber);
    }
    heap_size = 0;
    heap_number = 0;
    now_us = 0;
    wall_offset_ms = 0;
}

// ---- trace and findings ----

static FILE *trace_file; // owns
static uint64_t trace_hash;
static uint64_t trace_seed;
static unsigned finding_count;

static void hash(const void *data, size_t size) { // FNV-1a
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        trace_hash = (trace_hash ^ bytes[i]) * UINT64_C(0x100000001b3);
}

void trace_open(const char *path) {
    trace_file = path != NULL ? fopen(path, "we") : NULL;
}

void trace_begin(uint64_t seed) {
    trace_hash = UINT64_C(0xcbf29ce484222325);
    trace_seed = seed;
    trace("seed %" PRIu64, seed);
}

uint64_t trace_end(void) {
    if (trace_file != NULL)
        fflush(trace_file);
    return trace_hash;
}

void trace(const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    hash(&now_us, sizeof now_us);
    hash(line, strlen(line));
    if (trace_file != NULL)
        fprintf(trace_file, "%" PRId64 ".%06" PRId64 " %s: %s\n", now_us / SIM_SECOND,
                now_us % SIM_SECOND, machine_current()->name, line);
}

void trace_bytes(const char *what, struct view bytes) {
    uint64_t before = trace_hash;
    hash(bytes.data, bytes.size);
    uint64_t sum = trace_hash;
    trace_hash = before;
    trace("%s: %zu bytes, sum %016" PRIx64, what, bytes.size, sum);
}

void finding(const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    finding_count++;
    trace("FINDING %s", line);
    printf("seed %" PRIu64 ", %" PRId64 " ms, %s: %s\n", trace_seed, now_us / SIM_MS,
           machine_current()->name, line);
}

unsigned findings(void) {
    return finding_count;
}

// ---- counts ----

static const char *const count_names[COUNT_COUNT] = {"operations",
                                                     "acknowledged",
                                                     "refused",
                                                     "judged_away",
                                                     "rows",
                                                     "queries",
                                                     "rounds",
                                                     "cuts",
                                                     "stalls",
                                                     "lost_queries",
                                                     "lost_answers",
                                                     "worker_crashes",
                                                     "worker_restarts",
                                                     "assessor_crashes",
                                                     "client_crashes",
                                                     "client_clocks",
                                                     "moves",
                                                     "transfers_out",
                                                     "transfers_in",
                                                     "units_out",
                                                     "units_in",
                                                     "units_back",
                                                     "unit_clashes",
                                                     "units_stuck",
                                                     "units_within",
                                                     "unit_merges",
                                                     "units_closed",
                                                     "pushes_of_moving_units",
                                                     "grants",
                                                     "revocations",
                                                     "revocations_for_cause",
                                                     "schemes",
                                                     "days",
                                                     "years",
                                                     "tombstones_removed",
                                                     "restores",
                                                     "journals_replayed",
                                                     "journals_lost",
                                                     "journals_behind",
                                                     "rights_compared",
                                                     "devices_revoked",
                                                     "clones",
                                                     "bundles_written",
                                                     "bundles_carried",
                                                     "bundles_repeated",
                                                     "bundles_damaged",
                                                     "receipts_read",
                                                     "fresh_replicas",
                                                     "standings_compared",
                                                     "contents_compared",
                                                     "seals_verified",
                                                     "heads_exported"};
static uint64_t counts[COUNT_COUNT];

void count(enum count what) {
    counts[what]++;
}

void count_print(uint64_t seeds, uint64_t found) {
    printf("{\"seeds\": %" PRIu64 ", \"findings\": %" PRIu64, seeds, found);
    for (size_t i = 0; i < COUNT_COUNT; i++)
        printf(", \"%s\": %" PRIu64, count_names[i], counts[i]);
    printf("}\n");
}
