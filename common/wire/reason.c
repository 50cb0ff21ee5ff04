// The reason table, expanded from proto/reasons.inc, and the texts made from it.
#include "common/wire/reason.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct reason_info REASONS[] = {
#define X(NAME, number, code, id, parameters, en, zh) {REASON_##NAME, code, id, parameters, en, zh},
#include "proto/reasons.inc"
#undef X
};

#define REASON_COUNT (sizeof REASONS / sizeof REASONS[0])
#define MAX_PARAMETERS 8

static int compare_number(const void *key, const void *row) {
    uint32_t number = *(const uint32_t *)key;
    uint32_t other = (uint32_t)((const struct reason_info *)row)->reason;
    return (number > other) - (number < other);
}

const struct reason_info *reason_find(uint32_t number) {
    return bsearch(&number, REASONS, REASON_COUNT, sizeof REASONS[0], compare_number);
}

const struct reason_info *reason_at(size_t i) {
    return i < REASON_COUNT ? &REASONS[i] : NULL;
}

// The value of the place `name` in the reason, or the place itself when it has none.
static enum status append_place(const Lx__Reason *reason, struct view name, struct buf *out) {
    for (size_t i = 0; i < reason->n_parameters; i++) {
        const Lx__ReasonParameter *parameter = reason->parameters[i];
        if (parameter->name != NULL && view_equal(view_from_string(parameter->name), name))
            return buf_append_string(out, parameter->value != NULL ? parameter->value : "");
    }
    TRY(buf_append(out, "{", 1));
    TRY(buf_append(out, name.data, name.size));
    return buf_append(out, "}", 1);
}

static enum status append_filled(const char *text, const Lx__Reason *reason, struct buf *out) {
    for (;;) {
        const char *open = strchr(text, '{');
        const char *close = open != NULL ? strchr(open, '}') : NULL;
        if (close == NULL)
            return buf_append_string(out, text);
        TRY(buf_append(out, text, (size_t)(open - text)));
        TRY(append_place(reason, view_from(open + 1, (size_t)(close - open - 1)), out));
        text = close + 1;
    }
}

enum status reason_format(const Lx__Reason *reason, enum reason_language language,
                          struct buf *out_text) {
    const struct reason_info *info = reason_find(reason->reason);
    if (info != NULL)
        TRY(append_filled(language == REASON_LANGUAGE_ZH ? info->zh : info->en, reason, out_text));
    else
        TRY(buf_append_string(out_text, reason->text != NULL ? reason->text : "?"));
    if (reason->field == NULL || reason->field[0] == '\0')
        return STATUS_OK;
    return buf_format(out_text, language == REASON_LANGUAGE_ZH ? "（%s）" : " (%s)", reason->field);
}

// The English text in the arena; "" when memory is out, since the number says it all.
static char *english_text(struct arena *arena, const struct reason_info *info,
                          const Lx__Reason *reason) {
    struct buf text = {0};
    char *copy = NULL;
    if (append_filled(info->en, reason, &text) == STATUS_OK)
        copy = arena_string(arena, buf_view(&text));
    buf_free(&text);
    return copy != NULL ? copy : (char *)"";
}

static struct view parameter_name(const char **names) {
    size_t size = strcspn(*names, " ");
    struct view name = view_from(*names, size);
    *names += size;
    while (**names == ' ')
        (*names)++;
    return name;
}

static bool add_parameters(struct arena *arena, const struct reason_info *info,
                           const char *const *values, size_t n, Lx__Reason *reason) {
    reason->parameters = arena_array(arena, n, sizeof(Lx__ReasonParameter *));
    if (reason->parameters == NULL)
        return false;
    const char *names = info->parameters;
    for (size_t i = 0; i < n; i++) {
        Lx__ReasonParameter *parameter = arena_alloc(arena, sizeof *parameter);
        if (parameter == NULL)
            return false;
        lx__reason_parameter__init(parameter);
        parameter->name = arena_string(arena, parameter_name(&names));
        parameter->value = arena_string(arena, view_from_string(values[i]));
        if (parameter->name == NULL || parameter->value == NULL)
            return false;
        reason->parameters[reason->n_parameters++] = parameter;
    }
    return true;
}

static size_t count_names(const char *names) {
    size_t n = 0;
    while (*names != '\0') {
        (void)parameter_name(&names);
        n++;
    }
    return n;
}

Lx__Reason *reason_new_v(struct arena *arena, enum reason_id id, const char *field,
                         const char *const *values, size_t n_values) {
    const struct reason_info *info = reason_find((uint32_t)id);
    assert(info != NULL);
    assert(count_names(info->parameters) == n_values);
    Lx__Reason *reason = arena_alloc(arena, sizeof *reason);
    if (reason == NULL)
        return NULL;
    lx__reason__init(reason);
    reason->has_reason = true;
    reason->reason = (uint32_t)id;
    if (field != NULL && field[0] != '\0') {
        reason->field = arena_string(arena, view_from_string(field));
        if (reason->field == NULL)
            return NULL;
    }
    if (n_values > 0 && !add_parameters(arena, info, values, n_values, reason))
        return NULL;
    reason->text = english_text(arena, info, reason);
    return reason;
}

Lx__Reason *reason_new(struct arena *arena, enum reason_id id, const char *field, ...) {
    const char *values[MAX_PARAMETERS];
    size_t n = 0;
    va_list list;
    va_start(list, field);
    for (const char *value; (value = va_arg(list, const char *)) != NULL;) {
        assert(n < MAX_PARAMETERS);
        values[n++] = value;
    }
    va_end(list);
    return reason_new_v(arena, id, field, values, n);
}
