// See sample.h.
#include "tests/bench/sample.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/assess/scheme_yaml.h"
#include "common/base/clock.h"

#define FILE_MAX (1 << 20)

const struct scheme *sample_scheme(struct arena *arena) {
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

size_t sample_facts(struct fact *facts) {
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

struct assess_input sample_teacher(const struct scheme *scheme, const struct fact *facts,
                                   size_t n) {
    static const struct home home = {0, INT64_MAX, {{0}}, {{1}}};
    return (struct assess_input){.scheme = scheme,
                                 .kind = SUBJECT_KIND_TEACHER,
                                 .as_of = 18950,
                                 .facts = facts,
                                 .n_facts = n,
                                 .certificate = true,
                                 .in_post = true,
                                 .established = true,
                                 .homes = &home,
                                 .n_homes = 1};
}
