// What all parts of the judge need: refusing, lookups in the context, text and parameter texts.
#include <stdarg.h>
#include <string.h>

#include "common/assess/judge_internal.h"
#include "common/base/clock.h"
#include "common/text/utf8.h"

#define PARAMETERS_MAX 4
// A grant that has ended lets what was written before in for so long (moves, mergers, terms).
#define GOOD_FAITH_MS (35LL * 24 * 60 * 60 * 1000)

bool judge_refuse(struct judging *judging, enum reason_id reason, const char *field, ...) {
    const char *values[PARAMETERS_MAX];
    size_t count = 0;
    va_list list;
    va_start(list, field);
    for (const char *value = va_arg(list, const char *); value != NULL && count < PARAMETERS_MAX;
         value = va_arg(list, const char *))
        values[count++] = value;
    va_end(list);
    if (judging->within != NULL && field != NULL)
        field = arena_format(judging->arena, "%s.%s", judging->within, field);
    judging->reason = reason_new_v(judging->arena, reason, field, values, count);
    judging->no_memory = judging->reason == NULL;
    return false;
}

static bool is_there(struct judging *judging, bool has, ProtobufCBinaryData bytes,
                     const char *field, struct uuid *out_id) {
    if (!has)
        return judge_refuse(judging, REASON_FIELD_MISSING, field, NULL);
    if (uuid_from_bytes(view_from(bytes.data, bytes.len), out_id) != STATUS_OK ||
        uuid_is_nil(*out_id))
        return judge_refuse(judging, REASON_ID_MALFORMED, field, NULL);
    return true;
}

bool judge_id(struct judging *judging, bool has, ProtobufCBinaryData bytes, const char *field,
              struct uuid *out_id) {
    return is_there(judging, has, bytes, field, out_id);
}

bool judge_record_id(struct judging *judging, bool has, ProtobufCBinaryData bytes,
                     const char *field) {
    struct uuid id;
    if (!is_there(judging, has, bytes, field, &id))
        return false;
    if (uuid_version(id) != 7)
        return judge_refuse(judging, REASON_RECORD_ID, field, NULL);
    return true;
}

bool judge_row_id(struct judging *judging, bool has, ProtobufCBinaryData bytes, bool is_new,
                  const char *field) {
    struct uuid id;
    if (!is_there(judging, has, bytes, field, &id))
        return false;
    int version = uuid_version(id);
    if (is_new && version != 7 && version != 8)
        return judge_refuse(judging, REASON_RECORD_ID, field, NULL);
    return true;
}

const struct judge_subject *judge_find_subject(const struct judge_context *context,
                                               struct uuid id) {
    for (size_t i = 0; i < context->n_subjects; i++)
        if (uuid_equal(context->subjects[i].id, id))
            return &context->subjects[i];
    return NULL;
}

bool judge_refuse_absent(struct judging *judging, struct uuid id, enum reason_id reason,
                         const char *field) {
    const struct judge_context *context = judging->context;
    for (size_t i = 0; i < context->n_gone; i++)
        if (uuid_equal(context->gone[i].id, id))
            return judge_refuse(judging, REASON_PERSON_TRANSFERRED, field,
                                context->gone[i].district,
                                judge_day(judging, context->gone[i].left_ms), NULL);
    return judge_refuse(judging, reason, field, NULL);
}

const struct judge_unit *judge_find_unit(const struct judge_context *context, struct uuid id) {
    for (size_t i = 0; i < context->n_units; i++)
        if (uuid_equal(context->units[i].id, id))
            return &context->units[i];
    return NULL;
}

bool judge_covers(const struct judge_context *context, struct uuid unit, struct uuid home) {
    const struct judge_unit *at = judge_find_unit(context, home);
    // Four levels: a longer way is a loop in the caller's data.
    for (int level = 0; at != NULL && level < 4; level++) {
        if (uuid_equal(at->id, unit))
            return true;
        at = judge_find_unit(context, at->parent);
    }
    return false;
}

const struct judge_unit *judge_unit_above(const struct judge_context *context, struct uuid home,
                                          Lx__UnitLevel level) {
    const struct judge_unit *at = judge_find_unit(context, home);
    for (int step = 0; at != NULL && step < 4; step++) {
        if (at->level == level)
            return at;
        at = judge_find_unit(context, at->parent);
    }
    return NULL;
}

enum subject_kind judge_subject_kind(enum fact_subject subject) {
    static const enum subject_kind kinds[FACT_SUBJECT_COUNT] = {
        SUBJECT_KIND_TEACHER, SUBJECT_KIND_WORKSHOP, SUBJECT_KIND_SCHOOL};
    return subject < FACT_SUBJECT_COUNT ? kinds[subject] : SUBJECT_KIND_NONE;
}

bool judge_may(const struct judge_context *context, enum capability capability, struct uuid home,
               int64_t time_ms) {
    for (size_t i = 0; i < context->n_roles; i++) {
        const struct judge_role *role = &context->roles[i];
        if (role->role == LX__ROLE__LEAD_HEAD && capability != CAPABILITY_READ)
            continue; // grades only, see judge_review.c
        if (!role_can(role->role, capability) || time_ms < role->from_ms)
            continue;
        if (role->until_ms != 0 && time_ms >= role->until_ms + GOOD_FAITH_MS)
            continue;
        if (judge_covers(context, role->unit, home) ||
            judge_covers(context, role->unit, context->stream))
            return true;
    }
    return false;
}

bool judge_text(struct judging *judging, const char *text, enum judge_text kind, size_t cap,
                const char *field) {
    static const enum reason_id reasons[] = {
        [UTF8_FLAW_NONE] = REASON_NONE,         [UTF8_FLAW_ENCODING] = REASON_TEXT_ENCODING,
        [UTF8_FLAW_NUL] = REASON_TEXT_ENCODING, [UTF8_FLAW_CONTROL] = REASON_TEXT_CONTROL,
        [UTF8_FLAW_BIDI] = REASON_TEXT_BIDI,
    };
    struct view view = view_from_string(text);
    enum utf8_flaw flaw =
        kind == JUDGE_TEXT_LINE ? utf8_check_name(view, NULL) : utf8_check_text(view, NULL);
    if (flaw != UTF8_FLAW_NONE)
        return judge_refuse(judging, reasons[flaw], field, NULL);
    if (utf8_count(view) > cap)
        return judge_refuse(judging, REASON_TEXT_TOO_LONG, field,
                            judge_number(judging, (int64_t)cap), NULL);
    struct view normal;
    if (utf8_normalize(view, judging->arena, &normal) != STATUS_OK) {
        judging->no_memory = true;
        return false;
    }
    if (!view_equal(view, normal))
        return judge_refuse(judging, REASON_TEXT_NOT_NFC, field, NULL);
    return true;
}

bool judge_name(struct judging *judging, const char *text, size_t cap, const char *field) {
    if (!judge_text(judging, text, JUDGE_TEXT_LINE, cap, field))
        return false;
    struct view view = view_from_string(text);
    if (view.size == 0 || utf8_trim(view).size != view.size)
        return judge_refuse(judging, REASON_TEXT_EMPTY, field, NULL);
    return true;
}

static const char *arena_text(struct judging *judging, const char *text) {
    if (text == NULL)
        judging->no_memory = true;
    return text != NULL ? text : "";
}

const char *judge_hundredths(struct judging *judging, int64_t hundredths) {
    return arena_text(judging,
                      arena_format(judging->arena, "%lld.%02lld", (long long)(hundredths / 100),
                                   (long long)(hundredths % 100)));
}

const char *judge_day(struct judging *judging, int64_t time_ms) {
    char day[11];
    clock_format_day(clock_day_of(time_ms), day);
    return arena_text(judging, arena_string(judging->arena, view_from_string(day)));
}

const char *judge_number(struct judging *judging, int64_t number) {
    return arena_text(judging, arena_format(judging->arena, "%lld", (long long)number));
}
