// Turns a scheme message into the compiled scheme: resolves codes, computes windows and the order
// of rules, and refuses what could not be scored. Rules themselves are checked in scheme_rules.c.
// Called by whoever loads a scheme.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/assess/compiler.h"
#include "common/base/clock.h"

enum status compile_fail(struct compiler *compiler, unsigned line, const char *field,
                         const char *format, ...) {
    struct scheme_error *error = compiler->error;
    va_list arguments;
    va_start(arguments, format);
    error->line = line;
    snprintf(error->field, sizeof(error->field), "%s", field);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    return STATUS_INVALID;
}

bool compile_is_code(const char *code) {
    if (code == NULL || code[0] == '\0' || strlen(code) > COMPILE_CODE_MAX)
        return false;
    return strspn(code, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
           strlen(code);
}

bool compile_in(const char *code, char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(code, list[i]) == 0)
            return true;
    }
    return false;
}

// One list of things with codes. All their messages start alike, so one reader serves them all:
// `code` is their first field (held by a static assertion below).
struct coded {
    ProtobufCMessage base;
    char *code;
    Lx__Text *label;
};
_Static_assert(offsetof(Lx__Stage, code) == offsetof(struct coded, code), "code first");
_Static_assert(offsetof(Lx__Section, label) == offsetof(struct coded, label), "label second");
_Static_assert(offsetof(Lx__NamedText, label) == offsetof(struct coded, label), "label second");
_Static_assert(offsetof(Lx__CourseGroup, label) == offsetof(struct coded, label), "label second");
_Static_assert(offsetof(Lx__AbilityPoint, label) == offsetof(struct coded, label), "label second");
_Static_assert(offsetof(Lx__Template, label) == offsetof(struct coded, label), "label second");
_Static_assert(offsetof(Lx__Rule, label) == offsetof(struct coded, label), "label second");
_Static_assert(offsetof(Lx__Collection, label) == offsetof(struct coded, label), "label second");

static bool labelled(const Lx__Text *label) {
    return label != NULL && label->zh != NULL && label->zh[0] != '\0' && label->en != NULL &&
           label->en[0] != '\0';
}

// Codes are well-formed and unique, labels there in both languages.
static enum status check_coded(struct compiler *c, const char *list, const void *entries,
                               size_t n) {
    const struct coded *const *coded = entries;
    char field[sizeof(c->error->field)];
    for (size_t i = 0; i < n; i++) {
        snprintf(field, sizeof(field), "%s[%zu].code", list, i);
        if (!compile_is_code(coded[i]->code))
            return compile_fail(c, 0, field,
                                "a code of letters, digits, '.', '_' and '-' is needed");
        for (size_t k = 0; k < i; k++) {
            if (strcmp(coded[k]->code, coded[i]->code) == 0)
                return compile_fail(c, 0, field, "the code \"%s\" is used twice", coded[i]->code);
        }
        snprintf(field, sizeof(field), "%s[%s].label", list, coded[i]->code);
        if (!labelled(coded[i]->label))
            return compile_fail(c, 0, field, "a label with zh and en is needed");
    }
    return STATUS_OK;
}

bool compile_has_code(const void *entries, size_t n, const char *code) {
    const struct coded *const *coded = entries;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(coded[i]->code, code) == 0)
            return true;
    }
    return false;
}

int compile_index_of(const void *entries, size_t n, const char *code) {
    const struct coded *const *coded = entries;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(coded[i]->code, code) == 0)
            return (int)i;
    }
    return -1;
}

enum status compile_check_origin(struct compiler *c, const struct compile_origin *origin,
                                 const char *list, const char *code) {
    char field[sizeof(c->error->field)];
    snprintf(field, sizeof(field), "%s[%s].sentence", list, code);
    if (origin->n_assumed == 0 && (origin->sentence == NULL || origin->sentence[0] == '\0'))
        return compile_fail(c, origin->line, field,
                            "the sentence of the source is needed, or `assumed`");
    snprintf(field, sizeof(field), "%s[%s].assumed", list, code);
    for (size_t i = 0; i < origin->n_assumed; i++) {
        bool known = false;
        for (size_t k = 0; k < c->source->n_assumptions; k++)
            known = known || strcmp(c->source->assumptions[k]->code, origin->assumed[i]) == 0;
        if (!known)
            return compile_fail(c, origin->line, field, "there is no assumption \"%s\"",
                                origin->assumed[i]);
    }
    return STATUS_OK;
}

static enum status check_assumptions(struct compiler *c) {
    for (size_t i = 0; i < c->source->n_assumptions; i++) {
        const Lx__Assumption *assumption = c->source->assumptions[i];
        if (!compile_is_code(assumption->code))
            return compile_fail(c, assumption->line, "assumptions", "an assumption needs a code");
        if (assumption->reason == NULL || assumption->reason[0] == '\0')
            return compile_fail(c, assumption->line, "assumptions",
                                "the assumption \"%s\" needs its reason", assumption->code);
        for (size_t k = 0; k < i; k++) {
            if (strcmp(c->source->assumptions[k]->code, assumption->code) == 0)
                return compile_fail(c, assumption->line, "assumptions",
                                    "the code \"%s\" is used twice", assumption->code);
        }
    }
    return STATUS_OK;
}

struct window compile_window(const struct stage *stages, size_t n) {
    struct window window = {INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < n; i++) {
        if (stages[i].window.from_ms < window.from_ms)
            window.from_ms = stages[i].window.from_ms;
        if (stages[i].window.until_ms > window.until_ms)
            window.until_ms = stages[i].window.until_ms;
    }
    return window;
}

static enum status compile_stages(struct compiler *c) {
    const Lx__Scheme *source = c->source;
    struct stage *stages = arena_array(c->arena, source->n_stages, sizeof(*stages));
    if (stages == NULL)
        return STATUS_NO_MEMORY;
    if (source->n_stages == 0)
        return compile_fail(c, 0, "stages", "a scheme needs at least one stage");
    for (size_t i = 0; i < source->n_stages; i++) {
        const Lx__Stage *stage = source->stages[i];
        char field[sizeof(c->error->field)];
        snprintf(field, sizeof(field), "stages[%s].last_day", stage->code);
        if (!stage->has_first_day || !stage->has_last_day || stage->last_day < stage->first_day)
            return compile_fail(c, stage->line, field, "the last day is before the first");
        if (stage->first_day < 0 || stage->last_day > COMPILE_DAY_MAX)
            return compile_fail(c, stage->line, field, "days lie between 1970 and 2200");
        if (stage->inside != NULL &&
            !compile_has_code(source->stages, source->n_stages, stage->inside))
            return compile_fail(c, stage->line, field, "there is no stage \"%s\"", stage->inside);
        struct compile_origin origin = COMPILE_ORIGIN(stage);
        TRY(compile_check_origin(c, &origin, "stages", stage->code));
        stages[i] = (struct stage){
            stage, {clock_day_start_ms(stage->first_day), clock_day_start_ms(stage->last_day + 1)}};
    }
    c->scheme->stages = stages;
    c->scheme->n_stages = source->n_stages;
    c->scheme->whole = compile_window(stages, source->n_stages);
    return STATUS_OK;
}

enum status compile_stage_window(struct compiler *c, char *const *codes, size_t n,
                                 const char *field, unsigned line, struct window *out_window) {
    *out_window = n == 0 ? c->scheme->whole : (struct window){INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < n; i++) {
        const struct stage *stage = scheme_stage(c->scheme, codes[i]);
        if (stage == NULL)
            return compile_fail(c, line, field, "there is no stage \"%s\"", codes[i]);
        if (stage->window.from_ms < out_window->from_ms)
            out_window->from_ms = stage->window.from_ms;
        if (stage->window.until_ms > out_window->until_ms)
            out_window->until_ms = stage->window.until_ms;
    }
    return STATUS_OK;
}

static enum status compile_hours(struct compiler *c) {
    const Lx__Hours *hours = c->source->hours;
    c->scheme->hours = c->scheme->whole;
    c->scheme->hours_groups = UINT64_MAX;
    if (hours == NULL)
        return STATUS_OK;
    if (hours->minutes_per_hour == 0 || hours->minutes_per_hour > 600)
        return compile_fail(c, hours->line, "hours.minutes_per_hour",
                            "1..600 minutes make an online hour");
    struct compile_origin origin = COMPILE_ORIGIN(hours);
    TRY(compile_check_origin(c, &origin, "hours", "hours"));
    if (hours->n_groups > 0)
        c->scheme->hours_groups = 0;
    for (size_t i = 0; i < hours->n_groups; i++) {
        int group = compile_index_of(c->source->groups, c->source->n_groups, hours->groups[i]);
        if (group < 0)
            return compile_fail(c, hours->line, "hours.groups", "there is no course group \"%s\"",
                                hours->groups[i]);
        c->scheme->hours_groups |= UINT64_C(1) << group;
    }
    return compile_stage_window(c, hours->stages, hours->n_stages, "hours.stages", hours->line,
                                &c->scheme->hours);
}

static enum status check_obliged(struct compiler *c) {
    static const char *const known[] = {"certificate", "in_post", "established"};
    const Lx__Obliged *obliged = c->source->obliged;
    for (size_t i = 0; obliged != NULL && i < obliged->n_attributes; i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
            found = found || strcmp(known[k], obliged->attributes[i]) == 0;
        if (!found)
            return compile_fail(c, obliged->line, "obliged.attributes",
                                "\"%s\" is none of certificate, in_post, established",
                                obliged->attributes[i]);
    }
    return STATUS_OK;
}

static enum status check_rubrics(struct compiler *c) {
    for (size_t i = 0; i < c->source->n_rubrics; i++) {
        const Lx__Rubric *rubric = c->source->rubrics[i];
        if (rubric->subject <= 0 || (unsigned)rubric->subject >= SUBJECT_KIND_COUNT)
            return compile_fail(c, rubric->line, "rubrics.subject", "a kind of subject is needed");
        if (c->scheme->rubrics[rubric->subject] != NULL)
            return compile_fail(c, rubric->line, "rubrics.subject",
                                "this kind of subject has two rubrics");
        if (rubric->total < 0 || rubric->total > COMPILE_POINTS_MAX || rubric->pass_percent < 0 ||
            rubric->pass_percent > 10000)
            return compile_fail(c, rubric->line, "rubrics.total",
                                "total and pass_percent (at most 100) must not be negative");
        struct compile_origin origin = COMPILE_ORIGIN(rubric);
        TRY(compile_check_origin(c, &origin, "rubrics", "rubric"));
        c->scheme->rubrics[rubric->subject] = rubric;
    }
    return STATUS_OK;
}

static enum status check_lists(struct compiler *c) {
    const Lx__Scheme *s = c->source;
    if (!compile_is_code(s->code) || s->number == 0)
        return compile_fail(c, 0, "code", "a scheme needs a code, a number and a version");
    if (!labelled(s->label))
        return compile_fail(c, 0, "label", "a label with zh and en is needed");
    if (s->n_groups > 64)
        return compile_fail(c, 0, "groups", "at most 64 course groups");
    if (s->n_rules > COMPILE_RULES_MAX || s->n_courses > COMPILE_LIST_MAX ||
        s->n_points > COMPILE_LIST_MAX)
        return compile_fail(c, 0, "rules", "at most %d rules, %d courses and %d ability points",
                            COMPILE_RULES_MAX, COMPILE_LIST_MAX, COMPILE_LIST_MAX);
    TRY(check_assumptions(c));
    TRY(check_coded(c, "stages", s->stages, s->n_stages));
    TRY(check_coded(c, "sections", s->sections, s->n_sections));
    TRY(check_coded(c, "dimensions", s->dimensions, s->n_dimensions));
    TRY(check_coded(c, "environments", s->environments, s->n_environments));
    TRY(check_coded(c, "forms", s->forms, s->n_forms));
    TRY(check_coded(c, "audiences", s->audiences, s->n_audiences));
    TRY(check_coded(c, "groups", s->groups, s->n_groups));
    TRY(check_coded(c, "points", s->points, s->n_points));
    TRY(check_coded(c, "templates", s->templates, s->n_templates));
    TRY(check_coded(c, "rules", s->rules, s->n_rules));
    return check_coded(c, "collections", s->collections, s->n_collections);
}

enum status scheme_compile(const Lx__Scheme *source, struct arena *arena,
                           const struct scheme **out_scheme, struct scheme_error *out_error) {
    struct scheme *scheme = arena_alloc(arena, sizeof(*scheme));
    if (scheme == NULL)
        return STATUS_NO_MEMORY;
    *out_error = (struct scheme_error){0};
    struct compiler compiler = {source, scheme, arena, out_error};
    scheme->source = source;
    scheme->code = source->code;
    scheme->number = source->number;
    scheme->version = source->version;
    TRY(check_lists(&compiler));
    TRY(compile_stages(&compiler));
    TRY(compile_hours(&compiler));
    TRY(check_obliged(&compiler));
    TRY(check_rubrics(&compiler));
    TRY(compile_catalogue(&compiler));
    TRY(compile_rules(&compiler));
    *out_scheme = scheme;
    return STATUS_OK;
}
