// Rows of a roster file: units, the person, the fields; then sizes. The comparison is in
// roster_compare.c.
#include "client/core/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/core/evidence_values.h"
#include "client/core/import_text.h"
#include "client/core/roster_internal.h"
#include "common/text/csv.h"
#include "common/text/utf8.h"
#include "common/wire/digest.h"

static const struct csv_column columns[ROSTER_COLUMNS] = {
    [ROSTER_SCHOOL] = {"学校|学校代码|学校名称|school", true},
    [ROSTER_WORKSHOP] = {"工作坊|教研组|workshop", false},
    [ROSTER_NAME] = {"姓名|教师姓名|name", true},
    [ROSTER_TEACHER_NO] = {"教师编号|教师号|工号|teacher_no", false},
    [ROSTER_ACCOUNT] = {"平台账号|账号|account", false},
    [ROSTER_ROLES] = {"角色|roles", false},
    [ROSTER_CERTIFICATE] = {"教师资格证|certificate", false},
    [ROSTER_IN_POST] = {"在岗|in_post", false},
    [ROSTER_ESTABLISHED] = {"在编|established", false},
    [ROSTER_FULL_TIME] = {"专任|专任教师|full_time", false},
    [ROSTER_BIRTH_YEAR] = {"出生年份|birth_year", false},
    [ROSTER_TITLE] = {"职称|title", false},
    [ROSTER_FROM] = {"起始日期|from", false},
    [ROSTER_UNTIL] = {"离开日期|until", false},
};

static const char *const outcome_names[ROSTER_OUTCOMES] = {"new",  "changed", "moved", "ended",
                                                           "same", "missing", "bad",   "joined"};

const char *roster_outcome_name(enum roster_outcome outcome) {
    return outcome < ROSTER_OUTCOMES ? outcome_names[outcome] : "";
}

enum status roster_set_bad(struct roster_reading *reading, enum roster_column column,
                           enum reason_id reason, const char *value) {
    const char *names = columns[column].names;
    struct roster_entry *entry = reading->entry;
    entry->outcome = ROSTER_BAD;
    entry->column = arena_string(reading->arena, view_from(names, strcspn(names, "|")));
    entry->reason = reason_new_v(reading->arena, reason, NULL, &value, value != NULL ? 1 : 0);
    return entry->column == NULL || entry->reason == NULL ? STATUS_NO_MEMORY : STATUS_INVALID;
}

static enum status set_bad_value(struct roster_reading *reading, enum roster_column column,
                                 enum reason_id reason) {
    const char *value = arena_string(reading->arena, reading->fields[column]);
    return value == NULL ? STATUS_NO_MEMORY : roster_set_bad(reading, column, reason, value);
}

// ---- units ----

static enum status find_workshop(struct roster_reading *reading, struct roster_line *line) {
    const struct people *people = &reading->input->local->people;
    struct view text = reading->fields[ROSTER_WORKSHOP];
    const struct people_unit *found = NULL;
    line->home = line->school;
    if (text.size == 0)
        return STATUS_OK;
    for (size_t i = 0; i < people->n_units; i++) {
        const struct people_unit *unit = &people->units[i];
        if (unit->level == LX__UNIT_LEVEL__WORKSHOP && uuid_equal(unit->parent, line->school->id) &&
            (view_equal(text, view_from_string(unit->code)) ||
             view_equal(text, view_from_string(unit->name))))
            found = unit;
    }
    if (found == NULL)
        return set_bad_value(reading, ROSTER_WORKSHOP, REASON_ROW_WORKSHOP_UNKNOWN);
    line->home = found;
    return STATUS_OK;
}

static enum status find_units(struct roster_reading *reading, struct roster_line *line) {
    bool several;
    if (reading->fields[ROSTER_SCHOOL].size == 0)
        return roster_set_bad(reading, ROSTER_SCHOOL, REASON_ROW_VALUE_MISSING, "学校");
    line->school = people_find_school(&reading->input->local->people,
                                      reading->fields[ROSTER_SCHOOL], &several);
    if (line->school == NULL)
        return set_bad_value(reading, ROSTER_SCHOOL, REASON_ROW_SCHOOL_UNKNOWN);
    return find_workshop(reading, line);
}

// ---- the person ----

static bool has_other_ids(const struct roster_reading *reading,
                          const struct people_person *person) {
    struct view number = view_from_string(person->person->teacher_no);
    struct view account = view_from_string(person->person->account);
    const struct view *fields = reading->fields;
    return (number.size > 0 && fields[ROSTER_TEACHER_NO].size > 0 &&
            !view_equal(number, fields[ROSTER_TEACHER_NO])) ||
           (account.size > 0 && fields[ROSTER_ACCOUNT].size > 0 &&
            !view_equal(account, fields[ROSTER_ACCOUNT]));
}

// Somebody of the school with this name whose ids do not contradict the row's.
static enum status find_by_name(struct roster_reading *reading, struct roster_line *line) {
    const struct people *people = &reading->input->local->people;
    bool has_id =
        reading->fields[ROSTER_TEACHER_NO].size > 0 || reading->fields[ROSTER_ACCOUNT].size > 0;
    for (size_t i = 0; i < people->n_persons; i++) {
        const struct people_person *person = &people->persons[i];
        if (!view_equal(view_from_string(person->person->name), reading->fields[ROSTER_NAME]) ||
            people_school_of(people, person->home) != line->school ||
            has_other_ids(reading, person))
            continue;
        if (line->known != NULL) {
            line->known = NULL;
            return has_id ? STATUS_OK
                          : set_bad_value(reading, ROSTER_NAME, REASON_ROW_PERSON_AMBIGUOUS);
        }
        line->known = person;
    }
    return STATUS_OK;
}

static enum status find_person(struct roster_reading *reading, struct roster_line *line) {
    const struct people *people = &reading->input->local->people;
    struct view number = reading->fields[ROSTER_TEACHER_NO];
    struct view account = reading->fields[ROSTER_ACCOUNT];
    if (reading->fields[ROSTER_NAME].size == 0)
        return roster_set_bad(reading, ROSTER_NAME, REASON_ROW_VALUE_MISSING, "姓名");
    const struct people_person *by_number = people_by_teacher_no(people, number);
    const struct people_person *by_account = people_by_account(people, account);
    enum reason_id damage =
        by_number == NULL && number.size > 0 ? people_find_damage(people, number) : REASON_NONE;
    if (damage != REASON_NONE)
        return set_bad_value(reading, ROSTER_TEACHER_NO, damage);
    if (people_check_number(account) != REASON_NONE)
        return set_bad_value(reading, ROSTER_ACCOUNT, REASON_ROW_ID_SCIENTIFIC);
    if (by_number != NULL && by_account != NULL && by_number != by_account)
        return set_bad_value(reading, ROSTER_ACCOUNT, REASON_ROW_PERSON_CONFLICT);
    line->known = by_account != NULL ? by_account : by_number;
    return line->known != NULL ? STATUS_OK : find_by_name(reading, line);
}

// Two devices that read the same file make the same person.
static enum status make_person_id(struct roster_reading *reading, struct roster_line *line) {
    static const enum roster_column order[] = {ROSTER_ACCOUNT, ROSTER_TEACHER_NO, ROSTER_NAME};
    static const char *const labels[] = {"account:", "teacher_no:", "name:"};
    uint8_t digest[DIGEST_SHA256_SIZE];
    size_t which = 0;
    while (which < 2 && reading->fields[order[which]].size == 0)
        which++;
    const struct view parts[] = {VIEW_LITERAL("lianxiao person "),
                                 view_from(line->school->id.bytes, UUID_SIZE),
                                 view_from_string(labels[which]), reading->fields[order[which]]};
    digest_sha256_parts(parts, sizeof parts / sizeof parts[0], digest);
    uint8_t *bytes = arena_alloc(reading->arena, UUID_SIZE);
    if (bytes == NULL)
        return STATUS_NO_MEMORY;
    struct uuid id = line->known != NULL   ? line->known->id
                     : line->joins != NULL ? line->joins->person
                                           : uuid_from_digest(digest);
    memcpy(bytes, id.bytes, UUID_SIZE);
    line->person.has_id = true;
    line->person.id = (ProtobufCBinaryData){UUID_SIZE, bytes};
    reading->entry->person = id;
    return STATUS_OK;
}

static enum status check_twice(struct roster_reading *reading) {
    const struct roster_result *result = reading->result;
    for (size_t i = 0; i < result->count; i++) {
        const struct roster_entry *other = &result->entries[i];
        if (other->outcome == ROSTER_BAD || !uuid_equal(other->person, reading->entry->person))
            continue;
        const char *row = arena_format(reading->arena, "%zu", other->row);
        return row == NULL ? STATUS_NO_MEMORY
                           : roster_set_bad(reading, ROSTER_NAME, REASON_ROW_PERSON_TWICE, row);
    }
    return STATUS_OK;
}

// ---- fields: an empty one keeps what is known ----

static enum status read_text(struct roster_reading *reading, enum roster_column column,
                             char **out_text) {
    if (reading->fields[column].size == 0)
        return STATUS_OK;
    *out_text = arena_string(reading->arena, reading->fields[column]);
    return *out_text == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status read_flag(struct roster_reading *reading, enum roster_column column,
                             protobuf_c_boolean *out_has, protobuf_c_boolean *out_value) {
    bool value;
    if (reading->fields[column].size == 0)
        return STATUS_OK;
    if (value_parse_bool(reading->fields[column], &value) != REASON_NONE)
        return set_bad_value(reading, column, REASON_ROW_BOOL_MALFORMED);
    *out_has = true;
    *out_value = value;
    return STATUS_OK;
}

static enum status read_birth_year(struct roster_reading *reading, Lx__Person *person) {
    struct view text = reading->fields[ROSTER_BIRTH_YEAR];
    int64_t hundredths;
    if (text.size == 0)
        return STATUS_OK;
    if (text.size != 4 || value_parse_hundredths(text, &hundredths) != REASON_NONE)
        return set_bad_value(reading, ROSTER_BIRTH_YEAR, REASON_ROW_YEAR_MALFORMED);
    person->has_birth_year = true;
    person->birth_year = (uint32_t)(hundredths / 100);
    return STATUS_OK;
}

static enum status read_fields(struct roster_reading *reading, struct roster_line *line) {
    Lx__Person *person = &line->person;
    TRY(read_text(reading, ROSTER_NAME, &person->name));
    TRY(read_text(reading, ROSTER_TEACHER_NO, &person->teacher_no));
    TRY(read_text(reading, ROSTER_ACCOUNT, &person->account));
    TRY(read_text(reading, ROSTER_TITLE, &person->title));
    TRY(read_flag(reading, ROSTER_CERTIFICATE, &person->has_certificate, &person->certificate));
    TRY(read_flag(reading, ROSTER_IN_POST, &person->has_in_post, &person->in_post));
    TRY(read_flag(reading, ROSTER_ESTABLISHED, &person->has_established, &person->established));
    TRY(read_flag(reading, ROSTER_FULL_TIME, &person->has_full_time, &person->full_time));
    return read_birth_year(reading, person);
}

// "坊主+学校管理员", "teacher", "": everybody in the roster is a teacher, too.
static enum status read_roles(struct roster_reading *reading, struct roster_line *line) {
    static const struct {
        const char *words[4];
        bool head;
        bool admin;
    } roles[] = {{{"teacher", "教师", "教师学员", "学员"}, false, false},
                 {{"head", "坊主", "教研组长", "组长"}, true, false},
                 {{"school_admin", "学校管理员", "管理员", "信息化专员"}, false, true}};
    struct view rest = reading->fields[ROSTER_ROLES];
    while (rest.size > 0) {
        const uint8_t *plus = memchr(rest.data, '+', rest.size);
        size_t size = plus != NULL ? (size_t)(plus - rest.data) : rest.size;
        struct view word = utf8_trim(view_from(rest.data, size));
        bool known = false;
        for (size_t i = 0; i < 3; i++)
            for (size_t j = 0; j < 4; j++)
                if (view_equal(word, view_from_string(roles[i].words[j]))) {
                    known = true;
                    line->head = line->head || roles[i].head;
                    line->school_admin = line->school_admin || roles[i].admin;
                }
        if (!known)
            return set_bad_value(reading, ROSTER_ROLES, REASON_ROW_ROLE_UNKNOWN);
        size += plus != NULL;
        rest = view_from(rest.data + size, rest.size - size);
    }
    if (line->head && line->home == line->school)
        return roster_set_bad(reading, ROSTER_WORKSHOP, REASON_ROW_HEAD_NO_WORKSHOP, NULL);
    return STATUS_OK;
}

static enum status read_times(struct roster_reading *reading, struct roster_line *line) {
    line->from_ms = reading->input->from_ms;
    for (enum roster_column column = ROSTER_FROM; column <= ROSTER_UNTIL; column++) {
        int64_t *time_ms = column == ROSTER_FROM ? &line->from_ms : &line->until_ms;
        if (reading->fields[column].size > 0 &&
            value_parse_time(reading->fields[column], true, time_ms) != REASON_NONE)
            return set_bad_value(reading, column, REASON_ROW_TIME_MALFORMED);
    }
    return STATUS_OK;
}

// ---- rows and the file ----

static enum status read_row(struct roster_reading *reading) {
    struct roster_line line = {0};
    lx__person__init(&line.person);
    TRY(find_units(reading, &line));
    TRY(find_person(reading, &line));
    if (line.known != NULL)
        line.person = *line.known->person;
    TRY(roster_find_under_way(reading, &line));
    TRY(make_person_id(reading, &line));
    TRY(check_twice(reading));
    TRY(read_fields(reading, &line));
    TRY(read_roles(reading, &line));
    TRY(read_times(reading, &line));
    reading->entry->name = line.person.name;
    reading->entry->unit = line.home->name;
    reading->entry->stream = line.home->id;
    return line.joins != NULL ? roster_join(reading, &line) : roster_compare(reading, &line);
}

static enum status set_flaw(struct roster_reading *reading, const struct csv_row *row) {
    enum status status = roster_set_bad(reading, ROSTER_NAME, value_flaw_reason(row->flaw), NULL);
    const char *header = row->flaw_header != NULL ? row->flaw_header : "";
    reading->entry->column = arena_string(reading->arena, view_from_string(header));
    return reading->entry->column == NULL ? STATUS_NO_MEMORY : status;
}

static enum status on_row(void *user, const struct csv_row *row) {
    struct roster_reading *reading = user;
    struct roster_result *result = reading->result;
    enum status status = STATUS_OK;
    if (result->count == reading->capacity)
        return STATUS_CORRUPT; // cannot be: there is room for every line and every person
    reading->entry = &result->entries[result->count];
    *reading->entry = (struct roster_entry){.row = row->row,
                                            .name = "",
                                            .unit = "",
                                            .from_unit = "",
                                            .column = "",
                                            .outcome = ROSTER_SAME};
    for (size_t i = 0; i < ROSTER_COLUMNS && status == STATUS_OK; i++)
        status = utf8_normalize(row->fields[i], reading->arena, &reading->fields[i]);
    if (status == STATUS_OK && row->flaw != CSV_FLAW_NONE)
        status = set_flaw(reading, row);
    if (status == STATUS_OK)
        status = read_row(reading);
    if (status != STATUS_OK && (status != STATUS_INVALID || reading->entry->outcome != ROSTER_BAD))
        return status;
    result->count++;
    result->counts[reading->entry->outcome]++;
    return STATUS_OK;
}

static uint32_t count_listed(const struct roster_result *result, const struct people *people,
                             const struct people_unit *unit) {
    uint32_t listed = 0;
    for (size_t i = 0; i < result->count; i++) {
        const struct roster_entry *entry = &result->entries[i];
        if (entry->row == 0 || entry->outcome == ROSTER_BAD || entry->outcome == ROSTER_ENDED)
            continue;
        listed += uuid_equal(entry->stream, unit->id) ||
                  (unit->level == LX__UNIT_LEVEL__SCHOOL &&
                   people_school_of(people, entry->stream) == unit);
    }
    return listed;
}

static int compare_codes(const void *a, const void *b) {
    return strcmp(((const struct roster_size *)a)->code, ((const struct roster_size *)b)->code);
}

// Sizes are compared for the schools that the file is about, and their workshops.
static enum status compare_sizes(struct roster_reading *reading) {
    const struct people *people = &reading->input->local->people;
    struct roster_result *result = reading->result;
    result->sizes = arena_array(reading->arena, people->n_units + 1, sizeof *result->sizes);
    if (result->sizes == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < people->n_units; i++) {
        const struct people_unit *unit = &people->units[i];
        const struct people_unit *school = people_school_of(people, unit->id);
        if (unit->printed_size == 0 || school == NULL || count_listed(result, people, school) == 0)
            continue;
        uint32_t listed = count_listed(result, people, unit);
        if (listed != unit->printed_size)
            result->sizes[result->n_sizes++] =
                (struct roster_size){unit->id, unit->code, unit->name, unit->printed_size, listed};
    }
    qsort(result->sizes, result->n_sizes, sizeof *result->sizes, compare_codes);
    for (size_t i = 0; i < result->count; i++) {
        const struct roster_entry *entry = &result->entries[i];
        if (entry->row == 0 || entry->outcome == ROSTER_BAD)
            continue;
        const struct people_unit *home = people_find_unit(people, entry->stream);
        result->listed++;
        result->grouped += home != NULL && home->level == LX__UNIT_LEVEL__WORKSHOP;
    }
    return STATUS_OK;
}

static enum status read_file(struct roster_reading *reading) {
    struct csv_error error = {0};
    struct view text;
    TRY(import_text(reading->input->bytes, reading->arena, &text, &reading->result->charset,
                    &reading->result->reason));
    reading->capacity = 2 + reading->input->local->people.n_persons;
    for (size_t i = 0; i < text.size; i++)
        reading->capacity += text.data[i] == '\n' || text.data[i] == '\r';
    reading->result->entries =
        arena_array(reading->arena, reading->capacity, sizeof *reading->result->entries);
    if (reading->result->entries == NULL)
        return STATUS_NO_MEMORY;
    enum status status = csv_read(text, columns, ROSTER_COLUMNS, NULL, on_row, reading, &error);
    if (status == STATUS_INVALID) {
        reading->result->reason = value_file_reason(&error, reading->arena);
        return reading->result->reason == NULL ? STATUS_NO_MEMORY : STATUS_INVALID;
    }
    TRY(status);
    TRY(roster_compare_missing(reading));
    return compare_sizes(reading);
}

enum status roster_read(const struct roster_input *input, struct arena *arena,
                        struct roster_result *out_result) {
    struct roster_reading reading = {.input = input, .arena = arena, .result = out_result};
    *out_result = (struct roster_result){.charset = ""};
    enum status status = read_file(&reading);
    return status == STATUS_INVALID && out_result->reason != NULL ? STATUS_OK : status;
}
