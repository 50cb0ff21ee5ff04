// Rows of evidence files: the person, the values, the source key, and what is known under it.
#include "client/core/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/core/evidence_formats.h"
#include "client/core/evidence_values.h"
#include "client/core/import_text.h"
#include "common/text/utf8.h"
#include "common/wire/digest.h"

#define ITEM_CAP_BYTES 64    // of a fact's item
#define ITEM_PREFIX_BYTES 48 // of a long name, before the hash that makes it unique
#define ITEM_HASH_BYTES 4
#define NAMES_CAP 256

// One reading of one file.
struct reading {
    const struct evidence_input *input;
    const struct evidence_format *format;
    const char *source;
    struct arena *arena;
    struct evidence_result *result;
    size_t capacity; // rows there is room for
    size_t *seen;    // open hashing by source key: index of a row + 1, 0: free
    size_t seen_mask;
    // the row at hand
    struct view fields[EVIDENCE_COLUMNS];
    struct evidence_row *row;
};

const char *evidence_format_name(size_t index) {
    size_t count;
    const struct evidence_format *formats = evidence_formats(&count);
    return index < count ? formats[index].name : NULL;
}

// ---- bad rows ----

static enum status set_bad(struct reading *reading, enum evidence_column column,
                           enum reason_id reason, const char *value) {
    char title[64] = "";
    if (column < EVIDENCE_COLUMNS)
        evidence_column_title(reading->format, column, title);
    reading->row->outcome = EVIDENCE_BAD;
    reading->row->column = arena_string(reading->arena, view_from_string(title));
    reading->row->reason =
        reason_new_v(reading->arena, reason, NULL, &value, value != NULL ? 1 : 0);
    return reading->row->reason == NULL || reading->row->column == NULL ? STATUS_NO_MEMORY
                                                                        : STATUS_INVALID;
}

static enum status set_bad_value(struct reading *reading, enum evidence_column column,
                                 enum reason_id reason) {
    const char *value = arena_string(reading->arena, reading->fields[column]);
    return value == NULL ? STATUS_NO_MEMORY : set_bad(reading, column, reason, value);
}

// ---- the source key ----

static void add_part(struct view *parts, uint8_t lengths[][4], size_t *count, struct view text) {
    uint8_t *length = lengths[*count / 2];
    for (int i = 0; i < 4; i++)
        length[i] = (uint8_t)(text.size >> (24 - 8 * i));
    parts[(*count)++] = view_from(length, 4);
    parts[(*count)++] = text;
}

void evidence_key(uint32_t programme, const char *source, struct view record_id,
                  const Lx__Fact *content, uint8_t out_key[EVIDENCE_KEY_SIZE]) {
    struct view parts[20];
    uint8_t lengths[10][4];
    char numbers[128];
    size_t count = 0;
    int size = snprintf(numbers, sizeof numbers, "%u", programme);
    add_part(parts, lengths, &count, view_from(numbers, (size_t)size));
    add_part(parts, lengths, &count, view_from_string(source));
    if (record_id.size > 0) {
        add_part(parts, lengths, &count, VIEW_LITERAL("id"));
        add_part(parts, lengths, &count, record_id);
        digest_sha256_parts(parts, count, out_key);
        return;
    }
    char *values = numbers + size;
    int values_size = snprintf(values, sizeof numbers - (size_t)size, "%d %lld %lld %lld",
                               (int)content->kind, (long long)content->occurred_at_ms,
                               (long long)content->until_ms, (long long)content->quantity);
    add_part(parts, lengths, &count, VIEW_LITERAL("row"));
    add_part(parts, lengths, &count, view_from(values, (size_t)values_size));
    add_part(parts, lengths, &count, view_from(content->subject.data, content->subject.len));
    add_part(parts, lengths, &count, view_from_string(content->item));
    add_part(parts, lengths, &count, view_from_string(content->form));
    digest_sha256_parts(parts, count, out_key);
}

static bool same_string(const char *a, const char *b) {
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool same_content(const Lx__Fact *a, const Lx__Fact *b) {
    return a->kind == b->kind && a->programme == b->programme && a->subject.len == b->subject.len &&
           memcmp(a->subject.data, b->subject.data, a->subject.len) == 0 &&
           same_string(a->item, b->item) && same_string(a->form, b->form) &&
           a->occurred_at_ms == b->occurred_at_ms && a->has_until_ms == b->has_until_ms &&
           a->until_ms == b->until_ms && a->has_quantity == b->has_quantity &&
           a->quantity == b->quantity;
}

static int compare_known(const void *a, const void *b) {
    return memcmp(((const struct evidence_known *)a)->key, ((const struct evidence_known *)b)->key,
                  EVIDENCE_KEY_SIZE);
}

// What is known under the key: the fact that counts; else the newest that was voided.
static const struct evidence_known *find_known(const struct reading *reading, const uint8_t *key) {
    const struct evidence_input *input = reading->input;
    const struct evidence_known *best = NULL;
    size_t low = 0;
    size_t high = input->n_known;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(input->known[middle].key, key, EVIDENCE_KEY_SIZE) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < input->n_known && memcmp(input->known[low].key, key, EVIDENCE_KEY_SIZE) == 0;
         low++) {
        const struct evidence_known *known = &input->known[low];
        if (!known->voided)
            return known;
        if (best == NULL || memcmp(best->fact->id.data, known->fact->id.data, UUID_SIZE) < 0)
            best = known;
    }
    return best;
}

// The row of this file that has the key, or NULL after noting this one for it.
static struct evidence_row *note_key(struct reading *reading, const uint8_t *key) {
    size_t place;
    memcpy(&place, key, sizeof place);
    for (place &= reading->seen_mask; reading->seen[place] != 0;
         place = (place + 1) & reading->seen_mask) {
        struct evidence_row *other = &reading->result->rows[reading->seen[place] - 1];
        if (memcmp(other->fact->source_key.data, key, EVIDENCE_KEY_SIZE) == 0)
            return other;
    }
    reading->seen[place] = (size_t)(reading->row - reading->result->rows) + 1;
    return NULL;
}

// ---- values ----

static enum status match_person(struct reading *reading, Lx__Fact *fact) {
    static const enum evidence_column columns[PEOPLE_FIELDS] = {
        EVIDENCE_ACCOUNT, EVIDENCE_TEACHER_NO, EVIDENCE_NAME, EVIDENCE_SCHOOL};
    const struct people_key key = {.account = reading->fields[EVIDENCE_ACCOUNT],
                                   .teacher_no = reading->fields[EVIDENCE_TEACHER_NO],
                                   .name = reading->fields[EVIDENCE_NAME],
                                   .school = reading->fields[EVIDENCE_SCHOOL]};
    const struct people_person *person;
    enum people_field field;
    Lx__Reason *reason;
    char title[64];
    TRY(people_match(reading->input->people, &key, reading->arena, &person, &field, &reason));
    if (person != NULL) {
        fact->has_subject = true;
        fact->subject = (ProtobufCBinaryData){UUID_SIZE, (uint8_t *)(uintptr_t)person->id.bytes};
        return STATUS_OK;
    }
    evidence_column_title(reading->format, columns[field], title);
    reading->row->outcome = EVIDENCE_BAD;
    reading->row->reason = reason;
    reading->row->column = arena_string(reading->arena, view_from_string(title));
    return reading->row->column == NULL ? STATUS_NO_MEMORY : STATUS_INVALID;
}

// A printed name as a code: itself when short enough, else its beginning and a hash of the whole.
static char *name_to_code(struct arena *arena, struct view name) {
    uint8_t digest[DIGEST_SHA256_SIZE];
    char hash[2 * ITEM_HASH_BYTES + 1];
    size_t size = ITEM_PREFIX_BYTES;
    if (name.size <= ITEM_CAP_BYTES)
        return arena_string(arena, name);
    while (size > 0 && (name.data[size] & 0xc0) == 0x80)
        size--; // not in the middle of a character
    digest_sha256(name, digest);
    for (size_t i = 0; i < ITEM_HASH_BYTES; i++)
        snprintf(hash + 2 * i, 3, "%02x", digest[i]);
    struct view start = utf8_trim(view_from(name.data, size));
    return arena_format(arena, "%.*s~%s", (int)start.size, (const char *)start.data, hash);
}

static enum status read_named_item(struct reading *reading, Lx__Fact *fact) {
    struct view code = reading->fields[EVIDENCE_ITEM_CODE];
    struct view name = reading->fields[EVIDENCE_ITEM];
    if (code.size > ITEM_CAP_BYTES)
        return set_bad_value(reading, EVIDENCE_ITEM_CODE, REASON_ROW_VALUE_MALFORMED);
    fact->item = name_to_code(reading->arena, code.size > 0 ? code : name);
    return fact->item == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status read_item(struct reading *reading, Lx__Fact *fact) {
    const struct scheme *scheme = reading->input->scheme;
    struct view text = reading->fields[EVIDENCE_ITEM];
    const char *code = NULL;
    enum reason_id reason = REASON_NONE;
    if (fact->kind == LX__FACT_KIND__SELF_TEST)
        return STATUS_OK;
    if (fact->kind == LX__FACT_KIND__DISCUSSION || fact->kind == LX__FACT_KIND__ATTENDANCE)
        return read_named_item(reading, fact);
    if (fact->kind == LX__FACT_KIND__COURSE_INTERVAL) {
        code = value_find_course(scheme, text);
        reason = REASON_ROW_COURSE_UNKNOWN;
    } else if (fact->kind == LX__FACT_KIND__CERTIFICATION) {
        code = value_find_point(scheme, text);
        reason = REASON_ROW_POINT_UNKNOWN;
    } else if (fact->kind == LX__FACT_KIND__CREDIT_HOURS) {
        code = value_find_hours_kind(text);
        reason = REASON_ROW_VALUE_MALFORMED;
    } else {
        code = value_find_test(scheme, text);
        reason = REASON_ROW_INDICATOR_UNKNOWN;
    }
    if (code == NULL)
        return set_bad_value(reading, EVIDENCE_ITEM, reason);
    fact->item = arena_string(reading->arena, view_from_string(code));
    return fact->item == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status read_form(struct reading *reading, Lx__Fact *fact) {
    struct view text = reading->fields[EVIDENCE_FORM];
    if (text.size == 0)
        return STATUS_OK;
    const char *code = value_find_form(reading->input->scheme, text);
    if (code == NULL)
        return set_bad_value(reading, EVIDENCE_FORM, REASON_ROW_FORM_UNKNOWN);
    fact->form = arena_string(reading->arena, view_from_string(code));
    return fact->form == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status read_numbers(struct reading *reading, Lx__Fact *fact) {
    const struct view *fields = reading->fields;
    bool interval = reading->format->columns[EVIDENCE_UNTIL].names != NULL;
    int64_t value;
    enum reason_id reason =
        value_parse_time(fields[EVIDENCE_TIME], !interval, &fact->occurred_at_ms);
    if (reason != REASON_NONE)
        return set_bad_value(reading, EVIDENCE_TIME, reason);
    fact->has_occurred_at_ms = true;
    if (interval) {
        reason = value_parse_time(fields[EVIDENCE_UNTIL], false, &fact->until_ms);
        if (reason != REASON_NONE)
            return set_bad_value(reading, EVIDENCE_UNTIL, reason);
        fact->has_until_ms = true;
    }
    if (fields[EVIDENCE_QUANTITY].size == 0)
        return STATUS_OK;
    reason = value_parse_hundredths(fields[EVIDENCE_QUANTITY], &value);
    if (reason != REASON_NONE)
        return set_bad_value(reading, EVIDENCE_QUANTITY, reason);
    fact->has_quantity = true;
    fact->quantity = value;
    return STATUS_OK;
}

static enum status check_needed(struct reading *reading) {
    char title[64];
    for (enum evidence_column column = 0; column < EVIDENCE_COLUMNS; column++)
        if (reading->format->value_needed[column] && reading->fields[column].size == 0)
            return set_bad(reading, column, REASON_ROW_VALUE_MISSING,
                           evidence_column_title(reading->format, column, title));
    return STATUS_OK;
}

// ---- one row ----

static enum status copy_bytes(struct arena *arena, const void *bytes, size_t size,
                              ProtobufCBinaryData *out_data) {
    uint8_t *copy = arena_alloc(arena, size);
    if (copy == NULL)
        return STATUS_NO_MEMORY;
    memcpy(copy, bytes, size);
    *out_data = (ProtobufCBinaryData){size, copy};
    return STATUS_OK;
}

static enum status compare_row(struct reading *reading, Lx__Fact *fact) {
    struct evidence_row *row = reading->row;
    row->fact = fact;
    struct evidence_row *earlier = note_key(reading, fact->source_key.data);
    if (earlier != NULL) {
        row->fact = NULL;
        if (same_content(earlier->fact, fact)) {
            row->outcome = EVIDENCE_SAME;
            return STATUS_OK;
        }
        const char *number = arena_format(reading->arena, "%zu", earlier->row);
        return number == NULL ? STATUS_NO_MEMORY
                              : set_bad(reading, EVIDENCE_RECORD_ID, REASON_ROW_REPEATED, number);
    }
    const struct evidence_known *known = find_known(reading, fact->source_key.data);
    if (known == NULL)
        row->outcome = EVIDENCE_NEW;
    else if (same_content(known->fact, fact))
        row->outcome = EVIDENCE_SAME; // also when a person voided it: that stands
    else
        row->outcome = EVIDENCE_CHANGED;
    row->replaced = row->outcome == EVIDENCE_CHANGED && !known->voided ? known->fact : NULL;
    return STATUS_OK;
}

static enum status read_row(struct reading *reading) {
    const struct evidence_input *input = reading->input;
    uint8_t key[EVIDENCE_KEY_SIZE];
    Lx__Fact *fact = arena_alloc(reading->arena, sizeof *fact);
    if (fact == NULL)
        return STATUS_NO_MEMORY;
    lx__fact__init(fact);
    fact->has_programme = fact->has_kind = true;
    fact->programme = input->programme;
    fact->kind = reading->format->kind;
    TRY(check_needed(reading));
    TRY(match_person(reading, fact));
    TRY(read_item(reading, fact));
    TRY(read_form(reading, fact));
    TRY(read_numbers(reading, fact));
    struct uuid id = uuid_new_v7(input->now_ms);
    TRY(copy_bytes(reading->arena, id.bytes, UUID_SIZE, &fact->id));
    evidence_key(input->programme, reading->source, reading->fields[EVIDENCE_RECORD_ID], fact, key);
    TRY(copy_bytes(reading->arena, key, sizeof key, &fact->source_key));
    fact->has_id = fact->has_source_key = true;
    return compare_row(reading, fact);
}

static enum status check_flaw(struct reading *reading, const struct csv_row *row) {
    if (row->flaw == CSV_FLAW_NONE)
        return STATUS_OK;
    reading->row->outcome = EVIDENCE_BAD;
    reading->row->column = arena_string(
        reading->arena, view_from_string(row->flaw_header != NULL ? row->flaw_header : ""));
    reading->row->reason =
        reason_new_v(reading->arena, value_flaw_reason(row->flaw), NULL, NULL, 0);
    return reading->row->reason == NULL || reading->row->column == NULL ? STATUS_NO_MEMORY
                                                                        : STATUS_INVALID;
}

static enum status on_row(void *user, const struct csv_row *row) {
    struct reading *reading = user;
    struct evidence_result *result = reading->result;
    if (result->count == reading->capacity)
        return STATUS_CORRUPT; // cannot be: there is room for every line of the file
    reading->row = &result->rows[result->count];
    *reading->row = (struct evidence_row){.row = row->row, .column = ""};
    enum status status = check_flaw(reading, row);
    for (size_t i = 0; i < EVIDENCE_COLUMNS && status == STATUS_OK; i++)
        status = utf8_normalize(row->fields[i], reading->arena, &reading->fields[i]);
    if (status == STATUS_OK)
        status = read_row(reading);
    if (status != STATUS_OK && reading->row->outcome != EVIDENCE_BAD)
        return status;
    if (status == STATUS_NO_MEMORY)
        return status;
    result->count++;
    result->counts[reading->row->outcome]++;
    return STATUS_OK;
}

// ---- the file ----

static void fill_columns(const struct evidence_format *format,
                         struct csv_column columns[EVIDENCE_COLUMNS]) {
    for (size_t i = 0; i < EVIDENCE_COLUMNS; i++) {
        columns[i] = format->columns[i];
        if (columns[i].names == NULL)
            columns[i].names = "";
    }
}

static enum status ignore_row(void *user, const struct csv_row *row) {
    (void)user;
    (void)row;
    return STATUS_OK;
}

// The first line that is not blank: faults below it say nothing about the header row.
static struct view header_line(struct view text) {
    size_t start = 0;
    while (start < text.size && (text.data[start] == '\n' || text.data[start] == '\r'))
        start++;
    size_t end = start;
    while (end < text.size && text.data[end] != '\n' && text.data[end] != '\r')
        end++;
    return view_from(text.data + start, end - start);
}

// Does the header row have what this format needs?
static bool header_fits(const struct evidence_format *format, struct view text) {
    struct csv_column columns[EVIDENCE_COLUMNS];
    struct csv_error error;
    fill_columns(format, columns);
    return csv_read(header_line(text), columns, EVIDENCE_COLUMNS, NULL, ignore_row, NULL, &error) ==
           STATUS_OK;
}

static enum status set_file_reason(struct reading *reading, enum reason_id reason,
                                   const char *const *values, size_t count) {
    reading->result->reason = reason_new_v(reading->arena, reason, NULL, values, count);
    return reading->result->reason == NULL ? STATUS_NO_MEMORY : STATUS_INVALID;
}

static enum status find_format(struct reading *reading, struct view text) {
    size_t count;
    const struct evidence_format *formats = evidence_formats(&count);
    const char *wanted = reading->input->kind;
    char names[NAMES_CAP] = "";
    size_t fitting = 0;
    if (utf8_trim(text).size == 0)
        return set_file_reason(reading, REASON_FILE_EMPTY, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        if (wanted != NULL ? strcmp(wanted, formats[i].name) != 0 : !header_fits(&formats[i], text))
            continue;
        reading->format = &formats[i];
        fitting++;
        strncat(names, fitting > 1 ? ", " : "", sizeof names - strlen(names) - 1);
        strncat(names, formats[i].name, sizeof names - strlen(names) - 1);
    }
    if (fitting == 1)
        return STATUS_OK;
    for (size_t i = 0; i < count && fitting == 0; i++) {
        strncat(names, i > 0 ? ", " : "", sizeof names - strlen(names) - 1);
        strncat(names, formats[i].name, sizeof names - strlen(names) - 1);
    }
    const char *value = names;
    return set_file_reason(
        reading, fitting == 0 ? REASON_FILE_KIND_UNKNOWN : REASON_FILE_KIND_SEVERAL, &value, 1);
}

// Every row ends a line, so lines are room enough; half of the hash table stays free.
static enum status make_room(struct reading *reading, struct view text) {
    size_t lines = 2;
    size_t places = 4;
    for (size_t i = 0; i < text.size; i++)
        lines += text.data[i] == '\n' || text.data[i] == '\r';
    while (places < 2 * lines)
        places *= 2;
    reading->capacity = lines;
    reading->seen_mask = places - 1;
    reading->seen = arena_array(reading->arena, places, sizeof *reading->seen);
    reading->result->rows = arena_array(reading->arena, lines, sizeof *reading->result->rows);
    return reading->seen == NULL || reading->result->rows == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status read_file(struct reading *reading) {
    struct csv_column columns[EVIDENCE_COLUMNS];
    struct csv_error error = {0};
    struct view text;
    TRY(import_text(reading->input->bytes, reading->arena, &text, &reading->result->charset,
                    &reading->result->reason));
    TRY(find_format(reading, text));
    TRY(make_room(reading, text));
    fill_columns(reading->format, columns);
    reading->result->format = reading->format->name;
    reading->source =
        reading->input->source != NULL ? reading->input->source : reading->format->name;
    enum status status = csv_read(text, columns, EVIDENCE_COLUMNS, NULL, on_row, reading, &error);
    if (status != STATUS_INVALID)
        return status;
    reading->result->reason = value_file_reason(&error, reading->arena);
    return reading->result->reason == NULL ? STATUS_NO_MEMORY : STATUS_INVALID;
}

enum status evidence_read(const struct evidence_input *input, struct arena *arena,
                          struct evidence_result *out_result) {
    struct reading reading = {.input = input, .arena = arena, .result = out_result};
    *out_result = (struct evidence_result){.format = "", .charset = ""};
    if (input->n_known > 0)
        qsort(input->known, input->n_known, sizeof *input->known, compare_known);
    enum status status = read_file(&reading);
    return status == STATUS_INVALID && out_result->reason != NULL ? STATUS_OK : status;
}

enum status evidence_blame_column(const struct evidence_result *result, struct arena *arena,
                                  Lx__Reason *reason, const char **out_column) {
    static const struct {
        const char *field;
        enum evidence_column column;
    } places[] = {{"fact.item", EVIDENCE_ITEM},           {"fact.form", EVIDENCE_FORM},
                  {"fact.occurred_at_ms", EVIDENCE_TIME}, {"fact.until_ms", EVIDENCE_UNTIL},
                  {"fact.quantity", EVIDENCE_QUANTITY},   {"fact.subject", EVIDENCE_ACCOUNT}};
    size_t count;
    char title[64] = "";
    const struct evidence_format *formats = evidence_formats(&count);
    for (size_t i = 0; i < count && reason->field != NULL; i++)
        for (size_t j = 0; j < sizeof places / sizeof places[0]; j++)
            if (strcmp(formats[i].name, result->format) == 0 &&
                strcmp(places[j].field, reason->field) == 0)
                evidence_column_title(&formats[i], places[j].column, title);
    *out_column = arena_string(arena, view_from_string(title));
    if (title[0] != '\0')
        reason->field = NULL; // the column says it better
    return *out_column == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

void evidence_refuse(struct evidence_result *result, size_t index, const char *column,
                     const Lx__Reason *reason) {
    struct evidence_row *row = &result->rows[index];
    result->counts[row->outcome]--;
    row->outcome = EVIDENCE_BAD;
    row->column = column;
    row->reason = reason;
    result->counts[EVIDENCE_BAD]++;
}
