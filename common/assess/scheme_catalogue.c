// The part of the scheme compiler that checks what can be learned and handed in: courses, ability
// points, templates, sessions, collections.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/assess/compiler.h"

#define FIELD_SIZE sizeof(((struct scheme_error *)NULL)->field)

static int compare_courses(const void *a, const void *b) {
    const struct course *first = a;
    const struct course *second = b;
    int order = strcmp(first->code, second->code);
    if (order != 0)
        return order;
    // Keeps the first row first.
    return (first->source->line > second->source->line) -
           (first->source->line < second->source->line);
}

static enum status check_course(struct compiler *c, const Lx__Course *course) {
    char field[FIELD_SIZE];
    snprintf(field, sizeof(field), "courses[%s]", course->code == NULL ? "" : course->code);
    if (!compile_is_code(course->code))
        return compile_fail(c, course->line, field, "a course needs a code");
    if (course->topic == NULL || course->topic->zh == NULL)
        return compile_fail(c, course->line, field, "a course needs a topic");
    if (course->group == NULL ||
        !compile_has_code(c->source->groups, c->source->n_groups, course->group))
        return compile_fail(c, course->line, field, "there is no course group \"%s\"",
                            course->group == NULL ? "" : course->group);
    if (course->point != NULL && scheme_point(c->scheme, course->point) == NULL)
        return compile_fail(c, course->line, field, "there is no ability point \"%s\"",
                            course->point);
    return STATUS_OK;
}

// Rows with the same group and topic are one course and carry one code and one length; and the
// other way round.
static enum status check_same_course(struct compiler *c, const Lx__Course *a, const Lx__Course *b) {
    bool same_code = strcmp(a->code, b->code) == 0;
    bool same_topic = strcmp(a->group, b->group) == 0 && strcmp(a->topic->zh, b->topic->zh) == 0;
    char field[FIELD_SIZE];
    snprintf(field, sizeof(field), "courses[%s]", b->code);
    if (same_code && !same_topic)
        return compile_fail(c, b->line, field, "the code names another topic in line %u", a->line);
    if (!same_code && same_topic)
        return compile_fail(c, b->line, field, "the topic has the code \"%s\" in line %u", a->code,
                            a->line);
    if (same_code && a->length_s != b->length_s)
        return compile_fail(c, b->line, field, "the course has another length in line %u", a->line);
    return STATUS_OK;
}

static enum status compile_courses(struct compiler *c) {
    const Lx__Scheme *source = c->source;
    struct course *courses = arena_array(c->arena, source->n_courses + 1, sizeof(*courses));
    if (courses == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < source->n_courses; i++) {
        const Lx__Course *course = source->courses[i];
        TRY(check_course(c, course));
        for (size_t k = 0; k < i; k++)
            TRY(check_same_course(c, source->courses[k], course));
        int group = compile_index_of(source->groups, source->n_groups, course->group);
        courses[i] = (struct course){course->code, course, (unsigned)group,
                                     source->groups[group]->chosen, course->length_s};
    }
    qsort(courses, source->n_courses, sizeof(*courses), compare_courses);
    size_t n = 0;
    for (size_t i = 0; i < source->n_courses; i++) {
        if (n == 0 || strcmp(courses[n - 1].code, courses[i].code) != 0)
            courses[n++] = courses[i];
    }
    c->scheme->courses = courses;
    c->scheme->n_courses = n;
    return STATUS_OK;
}

struct by_code {
    const char *code;
    unsigned index;
};

static int compare_codes(const void *a, const void *b) {
    const struct by_code *first = a;
    const struct by_code *second = b;
    return strcmp(first->code, second->code);
}

static enum status compile_points(struct compiler *c) {
    const Lx__Scheme *source = c->source;
    unsigned *order = arena_array(c->arena, source->n_points + 1, sizeof(*order));
    struct by_code *codes = arena_array(c->arena, source->n_points + 1, sizeof(*codes));
    if (order == NULL || codes == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < source->n_points; i++) {
        const Lx__AbilityPoint *point = source->points[i];
        char field[FIELD_SIZE];
        snprintf(field, sizeof(field), "points[%s]", point->code);
        if (point->dimension == NULL ||
            !compile_has_code(source->dimensions, source->n_dimensions, point->dimension))
            return compile_fail(c, point->line, field, "a known dimension is needed");
        if (point->environment == NULL ||
            !compile_has_code(source->environments, source->n_environments, point->environment))
            return compile_fail(c, point->line, field, "a known environment is needed");
        codes[i] = (struct by_code){point->code, (unsigned)i};
    }
    qsort(codes, source->n_points, sizeof(*codes), compare_codes);
    for (size_t i = 0; i < source->n_points; i++)
        order[i] = codes[i].index;
    c->scheme->points_by_code = order;
    return STATUS_OK;
}

static enum status check_templates(struct compiler *c) {
    for (size_t i = 0; i < c->source->n_templates; i++) {
        const Lx__Template *template = c->source->templates[i];
        char field[FIELD_SIZE];
        snprintf(field, sizeof(field), "templates[%s]", template->code);
        for (size_t k = 0; k < template->n_fields; k++) {
            if (!compile_is_code(template->fields[k]->key) || template->fields[k]->label == NULL)
                return compile_fail(c, template->line, field, "a field needs a key and a label");
            for (size_t m = 0; m < k; m++) {
                if (strcmp(template->fields[m]->key, template->fields[k]->key) == 0)
                    return compile_fail(c, template->line, field, "the key \"%s\" is used twice",
                                        template->fields[k]->key);
            }
        }
        struct compile_origin origin = COMPILE_ORIGIN(template);
        TRY(compile_check_origin(c, &origin, "templates", template->code));
    }
    return STATUS_OK;
}

static enum status check_session(struct compiler *c, const Lx__Session *session) {
    const Lx__Scheme *source = c->source;
    if (session->day == 0 || session->until_minute <= session->from_minute ||
        session->until_minute > 24 * 60)
        return compile_fail(c, session->line, "sessions", "a session needs a day and its times");
    if (session->stage != NULL && scheme_stage(c->scheme, session->stage) == NULL)
        return compile_fail(c, session->line, "sessions", "there is no stage \"%s\"",
                            session->stage);
    for (size_t i = 0; i < session->n_audiences; i++) {
        if (!compile_has_code(source->audiences, source->n_audiences, session->audiences[i]))
            return compile_fail(c, session->line, "sessions", "there is no audience \"%s\"",
                                session->audiences[i]);
    }
    for (size_t i = 0; i < session->n_wants; i++) {
        if (!compile_has_code(source->audiences, source->n_audiences, session->wants[i]))
            return compile_fail(c, session->line, "sessions", "there is no audience \"%s\"",
                                session->wants[i]);
    }
    return STATUS_OK;
}

static enum status check_collection(struct compiler *c, const Lx__Collection *collection) {
    const Lx__Scheme *source = c->source;
    for (size_t i = 0; i < collection->n_from; i++) {
        if (!compile_has_code(source->rules, source->n_rules, collection->from[i]))
            return compile_fail(c, collection->line, "collections.from", "there is no rule \"%s\"",
                                collection->from[i]);
    }
    if (collection->stage != NULL && scheme_stage(c->scheme, collection->stage) == NULL)
        return compile_fail(c, collection->line, "collections.stage", "there is no stage \"%s\"",
                            collection->stage);
    return STATUS_OK;
}

enum status compile_catalogue(struct compiler *c) {
    TRY(compile_points(c));
    TRY(compile_courses(c));
    TRY(check_templates(c));
    for (size_t i = 0; i < c->source->n_sessions; i++)
        TRY(check_session(c, c->source->sessions[i]));
    for (size_t i = 0; i < c->source->n_collections; i++)
        TRY(check_collection(c, c->source->collections[i]));
    return STATUS_OK;
}
