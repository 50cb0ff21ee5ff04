// libFuzzer: any bytes as a roster file. Every row has an outcome, what is bad has a reason, and
// reading is the same a second time.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/core/roster.h"
#include "common/assess/scheme_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS 1640000000000
#define MEMORY_BYTES (256u * 1024 * 1024)

static void check(bool holds) {
    if (!holds)
        abort();
}

static const struct scheme *load_scheme(void) {
    static const struct scheme *scheme;
    static char text[1 << 20];
    static struct arena *arena; // lives as long as the program
    const char *error = NULL;
    if (scheme != NULL)
        return scheme;
    FILE *file = fopen("deploy/schemes/hefei-2021.yaml", "rb");
    check(file != NULL); // run from the root of the tree
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    arena = arena_new(0);
    check(scheme_yaml_compile(view_from(text, size), "", arena, &scheme, &error) == STATUS_OK);
    return scheme;
}

// The city, a district, a school with a workshop, and one teacher there.
static const struct local *make_home(void) {
    static struct local local;
    static struct people_unit units[4];
    static struct people_person person;
    static Lx__Person message;
    static struct arena *arena;
    if (arena != NULL)
        return &local;
    const char *const codes[] = {"340100", "340103", "3401030002", "3401030002-01"};
    for (size_t i = 0; i < 4; i++)
        units[i] = (struct people_unit){.id = {{(uint8_t)(i + 1)}},
                                        .parent = {{(uint8_t)i}},
                                        .level = (Lx__UnitLevel)(i + 1),
                                        .code = codes[i],
                                        .name = "语文"};
    lx__person__init(&message);
    message.name = (char *)(uintptr_t) "王芳";
    message.account = (char *)(uintptr_t) "t01";
    person = (struct people_person){.id = {{10}}, .home = {{4}}, .version = 1, .person = &message};
    local.people.units = units;
    local.people.n_units = 4;
    local.people.persons = &person;
    local.people.n_persons = 1;
    arena = arena_new(0);
    check(arena != NULL && people_index(&local.people, arena) == STATUS_OK);
    return &local;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct roster_result result, again;
    struct arena *arena = arena_new(MEMORY_BYTES);
    const struct judge_programme programme = {1, load_scheme()};
    const struct roster_input input = {.bytes = view_from(data, size),
                                       .local = make_home(),
                                       .programme = &programme,
                                       .from_ms = NOW_MS,
                                       .complete = size % 2 == 0,
                                       .now_ms = NOW_MS};
    check(arena != NULL);
    enum status status = roster_read(&input, arena, &result);
    check(status == STATUS_OK || status == STATUS_NO_MEMORY || result.reason != NULL);
    size_t total = 0;
    for (size_t i = 0; status == STATUS_OK && i < ROSTER_OUTCOMES; i++)
        total += result.counts[i];
    check(status != STATUS_OK || total == result.count);
    for (size_t i = 0; status == STATUS_OK && i < result.count; i++) {
        const struct roster_entry *entry = &result.entries[i];
        check((entry->outcome == ROSTER_BAD) == (entry->reason != NULL));
        check(entry->name != NULL && entry->n_operations <= 6);
    }
    if (status == STATUS_OK && size < 2000) {
        check(roster_read(&input, arena, &again) == STATUS_OK);
        check(memcmp(result.counts, again.counts, sizeof again.counts) == 0);
    }
    arena_free(&arena);
    return 0;
}
