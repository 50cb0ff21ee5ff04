// Values as people and platforms write them. What is not plainly right is refused, never mended.
#include "client/core/evidence_values.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/clock.h"

#define INTEGER_DIGITS 7 // ten million hours: more is no quantity of this domain

static bool is_text(struct view text, const char *word) {
    return word != NULL && strlen(word) == text.size && memcmp(word, text.data, text.size) == 0;
}

static bool is_word(struct view text, const char *word) {
    return strlen(word) == text.size && strncasecmp(word, (const char *)text.data, text.size) == 0;
}

static bool is_one_of(struct view text, const char *const *words) {
    for (size_t i = 0; words[i] != NULL; i++)
        if (is_word(text, words[i]))
            return true;
    return false;
}

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

enum reason_id value_parse_hundredths(struct view text, int64_t *out_hundredths) {
    size_t i = 0;
    int64_t value = 0;
    bool negative = text.size > 0 && text.data[0] == '-';
    size_t start = negative ? 1 : 0;
    for (i = start; i < text.size && is_digit(text.data[i]); i++) {
        if (i - start >= INTEGER_DIGITS)
            return REASON_ROW_NUMBER_MALFORMED;
        value = value * 10 + (text.data[i] - '0');
    }
    if (i == start)
        return REASON_ROW_NUMBER_MALFORMED;
    size_t decimals = 0;
    value *= 100;
    if (i < text.size && text.data[i] == '.') {
        int64_t weight = 10;
        bool fine = false;
        for (i++; i < text.size && is_digit(text.data[i]); i++, decimals++, weight /= 10) {
            value += weight * (text.data[i] - '0');
            fine = fine || (decimals >= 2 && text.data[i] != '0');
        }
        if (decimals == 0)
            return REASON_ROW_NUMBER_MALFORMED;
        if (fine && i == text.size)
            return REASON_ROW_NUMBER_FINE;
    }
    if (i != text.size)
        return REASON_ROW_NUMBER_MALFORMED;
    if (negative && value != 0)
        return REASON_ROW_NUMBER_NEGATIVE;
    *out_hundredths = value;
    return REASON_NONE;
}

enum reason_id value_parse_time(struct view text, bool date_is_enough, int64_t *out_time_ms) {
    int32_t day;
    if (clock_parse_local_time(text, out_time_ms) == STATUS_OK)
        return REASON_NONE;
    if (!date_is_enough)
        return REASON_ROW_TIME_MALFORMED;
    if (clock_parse_day(text, &day) == STATUS_OK) {
        *out_time_ms = clock_day_start_ms(day);
        return REASON_NONE;
    }
    // 2021/7/1, as a spreadsheet writes a day: the time parser knows it with a time behind it.
    char with_time[32];
    if (text.size + sizeof " 00:00" > sizeof with_time || text.size == 0)
        return REASON_ROW_TIME_MALFORMED;
    memcpy(with_time, text.data, text.size);
    memcpy(with_time + text.size, " 00:00", sizeof " 00:00");
    return clock_parse_local_time(view_from_string(with_time), out_time_ms) == STATUS_OK
               ? REASON_NONE
               : REASON_ROW_TIME_MALFORMED;
}

enum reason_id value_parse_bool(struct view text, bool *out_value) {
    static const char *const yes[] = {"是", "有", "yes", "y", "true", "1", "√", NULL};
    static const char *const no[] = {"否", "无", "no", "n", "false", "0", "×", NULL};
    *out_value = is_one_of(text, yes);
    return *out_value || is_one_of(text, no) ? REASON_NONE : REASON_ROW_BOOL_MALFORMED;
}

enum reason_id value_flaw_reason(enum csv_flaw flaw) {
    static const enum reason_id reasons[] = {
        [CSV_FLAW_NONE] = REASON_NONE,
        [CSV_FLAW_TOO_MANY_FIELDS] = REASON_ROW_TOO_MANY_FIELDS,
        [CSV_FLAW_FIELD_TOO_LONG] = REASON_ROW_FIELD_TOO_LONG,
        [CSV_FLAW_ROW_TOO_LONG] = REASON_ROW_TOO_LONG,
        [CSV_FLAW_CHARACTER] = REASON_ROW_CHARACTER,
    };
    return reasons[flaw];
}

// The reader's sentences; values: how many of row and column the reason's text wants.
static const struct {
    const char *text;
    enum reason_id reason;
    size_t values;
} file_faults[] = {
    {"the header row has more than 1000 columns", REASON_FILE_TOO_MANY_COLUMNS, 1},
    {"the header is too long or holds a control character", REASON_FILE_HEADER_MALFORMED, 2},
    {"this column is there twice", REASON_FILE_COLUMN_TWICE, 2},
    {"the header row lacks this column", REASON_FILE_COLUMN_MISSING, 2},
    {"the file has too many rows", REASON_FILE_TOO_MANY_ROWS, 1},
    {"a quote inside a text must be doubled and the whole text set in quotes",
     REASON_FILE_QUOTE_INSIDE, 2},
    {"the quote that opens here is never closed", REASON_FILE_QUOTE_OPEN, 2},
    {"the file is empty: a header row is needed", REASON_FILE_EMPTY, 0},
};

// Names of one column stand as "学校|school" in the reader's table.
static const char *spell_names(const char *detail, char *out, size_t size) {
    size_t length = 0;
    for (; *detail != '\0' && length + 3 < size; detail++) {
        if (*detail == '|')
            out[length++] = ',';
        out[length++] = *detail == '|' ? ' ' : *detail;
    }
    out[length] = '\0';
    return out;
}

Lx__Reason *value_file_reason(const struct csv_error *error, struct arena *arena) {
    char row[24];
    char number[24];
    char names[2 * sizeof error->detail];
    (void)snprintf(row, sizeof row, "%zu", error->row);
    (void)snprintf(number, sizeof number, "%zu", error->column);
    const char *values[] = {row, number};
    bool by_name = error->detail[0] != '\0';
    for (size_t i = 0; i < sizeof file_faults / sizeof file_faults[0]; i++) {
        if (error->reason == NULL || strcmp(error->reason, file_faults[i].text) != 0)
            continue;
        if (by_name)
            values[1] = spell_names(error->detail, names, sizeof names);
        return reason_new_v(arena, file_faults[i].reason, NULL, values, file_faults[i].values);
    }
    const char *text = error->text;
    return reason_new_v(arena, REASON_FILE_BROKEN, NULL, &text, 1);
}

// "A1技术支持的学情分析" is how plans print a point: its code and its name.
static bool is_code_and_label(struct view text, const char *code, const char *label) {
    size_t size = code != NULL ? strlen(code) : 0;
    if (size == 0 || text.size <= size || memcmp(text.data, code, size) != 0)
        return false;
    struct view rest = view_from(text.data + size, text.size - size);
    while (rest.size > 0 && rest.data[0] == ' ')
        rest = view_from(rest.data + 1, rest.size - 1);
    return is_text(rest, label);
}

static bool is_label(struct view text, const Lx__Text *label) {
    return label != NULL && (is_text(text, label->zh) || is_text(text, label->en));
}

const char *value_find_course(const struct scheme *scheme, struct view text) {
    const Lx__Scheme *source = scheme->source;
    const char *found = NULL;
    for (size_t i = 0; i < source->n_courses; i++) {
        const Lx__Course *course = source->courses[i];
        const char *zh = course->topic != NULL ? course->topic->zh : NULL;
        if (is_text(text, course->code))
            return course->code;
        if (!is_label(text, course->topic) && !is_code_and_label(text, course->point, zh))
            continue;
        if (found != NULL && strcmp(found, course->code) != 0)
            return NULL; // two courses of that name: which one is not said
        found = course->code;
    }
    return found;
}

const char *value_find_point(const struct scheme *scheme, struct view text) {
    const Lx__Scheme *source = scheme->source;
    for (size_t i = 0; i < source->n_points; i++) {
        const Lx__AbilityPoint *point = source->points[i];
        const char *zh = point->label != NULL ? point->label->zh : NULL;
        if (is_text(text, point->code) || is_label(text, point->label) ||
            is_text(text, point->printed) || is_code_and_label(text, point->code, zh))
            return point->code;
    }
    return NULL;
}

const char *value_find_form(const struct scheme *scheme, struct view text) {
    const Lx__Scheme *source = scheme->source;
    for (size_t i = 0; i < source->n_forms; i++)
        if (is_text(text, source->forms[i]->code) || is_label(text, source->forms[i]->label))
            return source->forms[i]->code;
    return NULL;
}

const char *value_find_hours_kind(struct view text) {
    static const char *const online[] = {"online", "网络研修", "网络", "线上", NULL};
    static const char *const school[] = {"school", "校本研修", "校本", "线下", NULL};
    if (is_one_of(text, online))
        return "online";
    return is_one_of(text, school) ? "school" : NULL;
}

const char *value_find_test(const struct scheme *scheme, struct view text) {
    const char *found = NULL;
    for (size_t i = 0; i < scheme->n_rules; i++) {
        const struct rule *rule = &scheme->rules[i];
        if (!rule_is_for(rule, SUBJECT_KIND_TEACHER) ||
            !rule_takes_fact(rule, LX__FACT_KIND__ASSESSMENT_TAKEN))
            continue;
        if (text.size > 0 && !is_text(text, rule->source->code) &&
            !is_label(text, rule->source->label))
            continue;
        if (found != NULL)
            return NULL;
        found = rule->source->code;
    }
    return found;
}
