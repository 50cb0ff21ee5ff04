// See fixture.h.
#include "tests/unit/common/assess/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/clock.h"

struct view fixture_read(const char *file, struct arena *arena) {
    FILE *stream = fopen(file, "rb");
    if (stream == NULL)
        fail_msg("cannot open %s", file);
    size_t capacity = 1 << 20;
    char *text = arena_alloc(arena, capacity);
    assert_non_null(text);
    size_t size = fread(text, 1, capacity, stream);
    fclose(stream);
    return view_from(text, size);
}

static struct fixture *open_view(struct view text, const char *file, struct arena *arena,
                                 enum subject_kind kind) {
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    const char *error = NULL;
    assert_non_null(fixture);
    fixture->arena = arena;
    fixture->kind = kind;
    fixture->obliged = true;
    fixture->next_id = 1;
    enum status status = scheme_yaml_compile(text, file, arena, &fixture->scheme, &error);
    if (status != STATUS_OK)
        fail_msg("%s: %s", status_name(status), error == NULL ? "no message" : error);
    fixture->homes[0] = (struct home){0, INT64_MAX, fixture_id(2000), fixture_id(1000)};
    fixture->n_homes = 1;
    return fixture;
}

struct fixture *fixture_open(const char *file, enum subject_kind kind) {
    struct arena *arena = arena_new(0);
    assert_non_null(arena);
    return open_view(fixture_read(file, arena), file, arena, kind);
}

struct fixture *fixture_open_text(const char *yaml, enum subject_kind kind) {
    struct arena *arena = arena_new(0);
    assert_non_null(arena);
    return open_view(view_from_string(yaml), "test.yaml", arena, kind);
}

void fixture_close(struct fixture **fixture) {
    if (*fixture == NULL)
        return;
    arena_free(&(*fixture)->arena);
    free(*fixture);
    *fixture = NULL;
}

void fixture_clear(struct fixture *fixture) {
    fixture->n_facts = fixture->n_below = fixture->n_holders = 0;
    fixture->next_id = 1;
}

struct uuid fixture_id(uint32_t number) {
    struct uuid id = {{0}};
    id.bytes[0] = 7;
    for (int i = 0; i < 4; i++)
        id.bytes[15 - i] = (uint8_t)(number >> (8 * i));
    return id;
}

int64_t fixture_time(const char *local) {
    int64_t time_ms;
    if (clock_parse_local_time(view_from_string(local), &time_ms) != STATUS_OK)
        fail_msg("\"%s\" is no time", local);
    return time_ms;
}

int32_t fixture_day(const char *day) {
    int32_t number;
    if (clock_parse_day(view_from_string(day), &number) != STATUS_OK)
        fail_msg("\"%s\" is no day", day);
    return number;
}

struct fact *add_fact(struct fixture *fixture, Lx__FactKind kind, const char *item,
                      const char *when) {
    assert_true(fixture->n_facts < FIXTURE_FACTS);
    struct fact *fact = &fixture->facts[fixture->n_facts++];
    *fact = (struct fact){.id = fixture_id(fixture->next_id++),
                          .programme = fixture->scheme->number,
                          .kind = kind,
                          .subject = fixture_id(500),
                          .item = item,
                          .form = "",
                          .occurred_at_ms = fixture_time(when)};
    return fact;
}

struct fact *add_watch(struct fixture *fixture, const char *course, const char *from,
                       int64_t seconds) {
    struct fact *fact = add_fact(fixture, LX__FACT_KIND__COURSE_INTERVAL, course, from);
    fact->until_ms = fact->occurred_at_ms + seconds * 1000;
    return fact;
}

struct fact *add_hours(struct fixture *fixture, const char *activity, int64_t hundredths,
                       const char *when) {
    struct fact *fact = add_fact(fixture, LX__FACT_KIND__ATTENDANCE, activity, when);
    fact->quantity = hundredths;
    return fact;
}

struct fact *add_grade(struct fixture *fixture, const char *rule, const struct fact *of,
                       int64_t hundredths, const char *when) {
    struct fact *fact = add_fact(fixture, LX__FACT_KIND__GRADE, rule, when);
    fact->quantity = hundredths;
    if (of != NULL)
        fact->of = of->id;
    return fact;
}

struct fact *add_about(struct fixture *fixture, Lx__FactKind kind, const struct fact *of,
                       const char *when) {
    struct fact *fact = add_fact(fixture, kind, "", when);
    fact->of = of->id;
    return fact;
}

struct fact *add_accepted(struct fixture *fixture, const char *rule, const char *when) {
    struct fact *fact = add_fact(fixture, LX__FACT_KIND__SUBMITTED, rule, when);
    struct fact *accepted = add_about(fixture, LX__FACT_KIND__ACCEPTED, fact, when);
    accepted->occurred_at_ms += 24 * 3600 * 1000;
    return fact;
}

void add_choice(struct fixture *fixture, const char *course, const char *when) {
    fixture->selections[fixture->n_selections++] =
        (struct selection){fixture_id(1000), course, fixture_time(when)};
}

enum status try_run(struct fixture *fixture, int32_t as_of) {
    struct assess_input input = {
        .scheme = fixture->scheme,
        .kind = fixture->kind,
        .subject = fixture_id(500),
        .as_of = as_of,
        .facts = fixture->facts,
        .n_facts = fixture->n_facts,
        .certificate = fixture->obliged,
        .in_post = true,
        .established = true,
        .homes = fixture->homes,
        .n_homes = fixture->n_homes,
        .selections = fixture->selections,
        .n_selections = fixture->n_selections,
        .below = fixture->below,
        .n_below = fixture->n_below,
        .holders = fixture->holders,
        .n_holders = fixture->n_holders,
        .lead_school = fixture->lead_school,
    };
    return assess(&input, fixture->arena, &fixture->standing);
}

const struct standing *run(struct fixture *fixture, const char *as_of) {
    assert_int_equal(try_run(fixture, fixture_day(as_of)), STATUS_OK);
    return &fixture->standing;
}

const struct line *line_of(const struct fixture *fixture, const char *rule) {
    for (size_t i = 0; i < fixture->standing.n_lines; i++) {
        if (strcmp(fixture->standing.lines[i].rule->source->code, rule) == 0)
            return &fixture->standing.lines[i];
    }
    fail_msg("no line \"%s\"", rule);
    return NULL;
}

int64_t points_of(const struct fixture *fixture, const char *rule) {
    return line_of(fixture, rule)->points;
}

const Lx__ReceiptLine *receipt_line(struct fixture *fixture, const char *rule) {
    Lx__Receipt *receipt;
    assert_int_equal(receipt_unpack(fixture->standing.receipt, fixture->arena, &receipt),
                     STATUS_OK);
    for (size_t i = 0; i < receipt->n_lines; i++) {
        if (strcmp(receipt->lines[i]->rule, rule) == 0)
            return receipt->lines[i];
    }
    fail_msg("no line \"%s\" in the receipt", rule);
    return NULL;
}

void add_hefei_teacher(struct fixture *fixture, int64_t minutes, int64_t hours_hundredths,
                       int64_t grade_hundredths) {
    add_fact(fixture, LX__FACT_KIND__SELF_TEST, "t.self_test", "2021-06-10 09:00");
    add_accepted(fixture, "t.plan", "2021-06-11 09:00");
    add_fact(fixture, LX__FACT_KIND__DISCUSSION, "topic-1", "2021-06-12 20:00");
    for (int64_t day = 0; minutes > 0; day++) {
        char when[32];
        int64_t part = minutes < 60 ? minutes : 60;
        snprintf(when, sizeof(when), "2021-07-%02d 19:00", (int)(day % 28) + 1);
        add_watch(fixture, "g05", when, part * 60);
        minutes -= part;
    }
    add_hours(fixture, "activity-1", hours_hundredths / 2, "2021-09-10 14:00")->form = "lecture";
    add_hours(fixture, "activity-2", hours_hundredths - hours_hundredths / 2, "2021-10-10 14:00");
    add_grade(fixture, "t.school_based", NULL, grade_hundredths, "2021-11-20 10:00");
}
