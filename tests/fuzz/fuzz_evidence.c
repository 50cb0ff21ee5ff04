// libFuzzer: any bytes as an evidence file. Checks that every row has exactly one outcome, that
// good rows are complete and that reading the same file again finds every record known.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/core/evidence.h"
#include "common/assess/scheme_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS 1640000000000
#define MEMORY_BYTES (64u * 1024 * 1024)

static const char yaml_path[] = "deploy/schemes/hefei-2021.yaml";

static void check(bool holds) {
    if (!holds)
        abort();
}

static const struct scheme *load_scheme(void) {
    static const struct scheme *scheme;
    static char text[1 << 20];
    const char *error = NULL;
    if (scheme != NULL)
        return scheme;
    FILE *file = fopen(yaml_path, "rb");
    check(file != NULL); // run from the root of the tree
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    static struct arena *arena; // lives as long as the program
    arena = arena_new(0);
    check(scheme_yaml_compile(view_from(text, size), yaml_path, arena, &scheme, &error) ==
          STATUS_OK);
    return scheme;
}

static const struct people *load_people(void) {
    static struct people people;
    static struct people_unit units[2];
    static struct people_person persons[2];
    static Lx__Person messages[2];
    if (people.n_units > 0)
        return &people;
    static struct arena *arena;
    arena = arena_new(0);
    units[0] = (struct people_unit){
        .id = {{1}}, .level = LX__UNIT_LEVEL__SCHOOL, .code = "3401030002", .name = "学校"};
    units[1] = (struct people_unit){.id = {{2}},
                                    .parent = {{1}},
                                    .level = LX__UNIT_LEVEL__WORKSHOP,
                                    .code = "3401030002-01",
                                    .name = "语文"};
    for (size_t i = 0; i < 2; i++) {
        lx__person__init(&messages[i]);
        persons[i] = (struct people_person){
            .id = {{(uint8_t)(10 + i)}}, .home = {{2}}, .version = 1, .person = &messages[i]};
    }
    messages[0].name = messages[1].name = (char *)(uintptr_t) "王芳";
    messages[0].account = (char *)(uintptr_t) "t01";
    messages[1].teacher_no = (char *)(uintptr_t) "340103000220210002";
    people.units = units;
    people.n_units = 2;
    people.persons = persons;
    people.n_persons = 2;
    check(arena != NULL && people_index(&people, arena) == STATUS_OK);
    return &people;
}

static void check_row(const struct evidence_row *row) {
    bool good = row->outcome == EVIDENCE_NEW || row->outcome == EVIDENCE_CHANGED;
    check(good == (row->fact != NULL));
    check((row->outcome == EVIDENCE_BAD) == (row->reason != NULL));
    check(row->column != NULL && row->row >= 2);
    if (!good)
        return;
    const Lx__Fact *fact = row->fact;
    check(fact->has_id && fact->has_subject && fact->has_kind && fact->has_occurred_at_ms);
    check(fact->source_key.len == EVIDENCE_KEY_SIZE);
    check(fact->item == NULL || strlen(fact->item) <= 64);
    check(!fact->has_quantity || fact->quantity >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_new(MEMORY_BYTES);
    struct evidence_input input = {.bytes = view_from(data, size),
                                   .programme = 1,
                                   .scheme = load_scheme(),
                                   .people = load_people(),
                                   .now_ms = NOW_MS};
    struct evidence_result result;
    struct evidence_result again;
    check(arena != NULL);
    if (evidence_read(&input, arena, &result) == STATUS_OK && result.count < 1000) {
        struct evidence_known *known = arena_array(arena, result.count + 1, sizeof *known);
        check(known != NULL);
        for (size_t i = 0; i < result.count; i++) {
            check_row(&result.rows[i]);
            if (result.rows[i].fact == NULL)
                continue;
            memcpy(known[input.n_known].key, result.rows[i].fact->source_key.data,
                   EVIDENCE_KEY_SIZE);
            known[input.n_known++].fact = result.rows[i].fact;
        }
        input.known = known;
        check(evidence_read(&input, arena, &again) == STATUS_OK);
        check(again.counts[EVIDENCE_NEW] == 0 && again.counts[EVIDENCE_CHANGED] == 0);
        check(again.counts[EVIDENCE_BAD] == result.counts[EVIDENCE_BAD]);
    }
    arena_free(&arena);
    return 0;
}
