// How many subjects a second one core assesses: hefei teachers with 60 records each, and schools of
// 90 teachers. Prints one line each. Run from the root of the source tree; tests/bench/run assess
// builds and runs it.
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "tests/bench/sample.h"

#define TEACHERS 20000
#define SCHOOLS 5000

static void measure(const char *what, const struct assess_input *input, int rounds) {
    struct arena *arena = arena_new(0);
    struct standing standing;
    size_t bytes = 0;
    if (arena == NULL)
        exit(1);
    int64_t start_ms = clock_monotonic_ms();
    for (int i = 0; i < rounds; i++) {
        arena_reset(arena);
        if (assess(input, arena, &standing) != STATUS_OK)
            exit(1);
        bytes = standing.receipt.size;
    }
    int64_t took_ms = clock_monotonic_ms() - start_ms;
    printf("%-28s %8lld/s  (%zu facts, %zu below, receipt %zu bytes, %zu bytes of memory)\n", what,
           (long long)rounds * 1000 / (took_ms > 0 ? took_ms : 1), input->n_facts, input->n_below,
           bytes, arena_used_bytes(arena));
    arena_free(&arena);
}

int main(void) {
    static struct fact facts[SAMPLE_FACTS_MAX];
    static struct summary below[90];
    struct arena *arena = arena_new(0);
    if (arena == NULL)
        return 1;
    struct assess_input input = sample_teacher(sample_scheme(arena), facts, sample_facts(facts));
    measure("teachers assessed", &input, TEACHERS);
    for (size_t i = 0; i < 90; i++)
        below[i] = (struct summary){.kind = SUBJECT_KIND_TEACHER, .obliged = true};
    input.kind = SUBJECT_KIND_SCHOOL;
    input.n_facts = 0;
    input.below = below;
    input.n_below = 90;
    measure("schools assessed", &input, SCHOOLS);
    arena_free(&arena);
    return 0;
}
