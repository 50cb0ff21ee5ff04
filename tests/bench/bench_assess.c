// How many subjects a second one core assesses: hefei teachers with 60 records each, and schools of
// 90 teachers. Prints one line each; build with the release preset: ninja -C build-release
// bench_assess && build-release/tests/bench/bench_assess.
#include <stdio.h>
#include <stdlib.h>

#include "common/assess/assess.h"
#include "common/assess/scheme_yaml.h"
#include "common/base/clock.h"

#define TEACHERS 20000
#define SCHOOLS 5000
#define FILE_MAX (1 << 20)

static const struct scheme *load(struct arena *arena) {
    FILE *stream = fopen("deploy/schemes/hefei-2021.yaml", "rb");
    char *text = arena_alloc(arena, FILE_MAX);
    const struct scheme *scheme;
    const char *error = "cannot read it";
    if (stream == NULL || text == NULL) {
        fprintf(stderr, "run it from the root of the source tree\n");
        exit(1);
    }
    struct view view = view_from(text, fread(text, 1, FILE_MAX, stream));
    fclose(stream);
    if (scheme_yaml_compile(view, "hefei-2021.yaml", arena, &scheme, &error) != STATUS_OK) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    return scheme;
}

// 40 intervals, 10 activities, a plan, a discussion, a self-test, credits, a grade.
static size_t make_facts(struct fact *facts) {
    int64_t start_ms = clock_day_start_ms(18800); // 2021-06-22
    static const char *const courses[] = {"p01", "g05", "g06", "A1"};
    static const char *const activities[] = {"a1", "a2", "a3", "a4", "a5"};
    size_t n = 0;
    for (int i = 0; i < 40; i++)
        facts[n++] = (struct fact){.kind = LX__FACT_KIND__COURSE_INTERVAL,
                                   .item = courses[i % 4],
                                   .occurred_at_ms = start_ms + i * 80000000LL,
                                   .until_ms = start_ms + i * 80000000LL + 900000};
    for (int i = 0; i < 15; i++)
        facts[n++] = (struct fact){.kind = LX__FACT_KIND__ATTENDANCE,
                                   .item = activities[i % 5],
                                   .occurred_at_ms = start_ms + i * 80000000LL,
                                   .quantity = 200};
    facts[n++] =
        (struct fact){.kind = LX__FACT_KIND__SELF_TEST, .item = "", .occurred_at_ms = start_ms};
    facts[n++] = (struct fact){
        .kind = LX__FACT_KIND__SUBMITTED, .item = "t.plan", .occurred_at_ms = start_ms};
    facts[n++] =
        (struct fact){.kind = LX__FACT_KIND__DISCUSSION, .item = "d", .occurred_at_ms = start_ms};
    facts[n++] = (struct fact){.kind = LX__FACT_KIND__GRADE,
                               .item = "t.school_based",
                               .occurred_at_ms = start_ms,
                               .quantity = 1600};
    facts[n++] = (struct fact){.kind = LX__FACT_KIND__CERTIFICATION,
                               .item = "A1",
                               .occurred_at_ms = start_ms,
                               .quantity = 1000};
    for (size_t i = 0; i < n; i++) {
        facts[i].programme = 1;
        facts[i].form = "";
        facts[i].id.bytes[0] = (uint8_t)(i * 37);
        facts[i].id.bytes[1] = (uint8_t)i;
    }
    return n;
}

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
    static struct fact facts[128];
    static struct summary below[90];
    struct arena *arena = arena_new(0);
    struct home home = {0, INT64_MAX, {{0}}, {{1}}};
    if (arena == NULL)
        return 1;
    struct assess_input input = {.scheme = load(arena),
                                 .kind = SUBJECT_KIND_TEACHER,
                                 .as_of = 18950,
                                 .facts = facts,
                                 .n_facts = make_facts(facts),
                                 .certificate = true,
                                 .in_post = true,
                                 .established = true,
                                 .homes = &home,
                                 .n_homes = 1};
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
