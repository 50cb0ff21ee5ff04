// What reading a roster file and comparing it share. Used by roster*.c only.
#pragma once

#include "client/core/roster.h"

enum roster_column {
    ROSTER_SCHOOL,
    ROSTER_WORKSHOP,
    ROSTER_NAME,
    ROSTER_TEACHER_NO,
    ROSTER_ACCOUNT,
    ROSTER_ROLES,
    ROSTER_CERTIFICATE,
    ROSTER_IN_POST,
    ROSTER_ESTABLISHED,
    ROSTER_FULL_TIME,
    ROSTER_BIRTH_YEAR,
    ROSTER_TITLE,
    ROSTER_FROM,
    ROSTER_UNTIL,
    ROSTER_COLUMNS
};

// One row as understood.
struct roster_line {
    const struct people_unit *school;
    const struct people_unit *home;    // workshop or school
    const struct people_person *known; // NULL: new
    const struct transfer_row *joins;  // NULL: nobody who is under way
    Lx__Person person;                 // as the roster shall have it
    bool head;
    bool school_admin;
    int64_t from_ms;
    int64_t until_ms; // 0: stays
};

struct roster_reading {
    const struct roster_input *input;
    struct arena *arena;
    struct roster_result *result;
    size_t capacity;
    struct view fields[ROSTER_COLUMNS];
    struct roster_entry *entry;
};

// Fills outcome and operations of reading->entry from the line.
enum status roster_compare(struct roster_reading *reading, const struct roster_line *line);
// After the last row: people of the file's schools that it does not list.
enum status roster_compare_missing(struct roster_reading *reading);
// Makes the row bad for the value of a column. Never STATUS_OK.
enum status roster_set_bad(struct roster_reading *reading, enum roster_column column,
                           enum reason_id reason, const char *value);
// Who is not in the roster may be under way: fills line->joins.
enum status roster_find_under_way(struct roster_reading *reading, struct roster_line *line);
// In place of the comparison, for whom line->joins names.
enum status roster_join(struct roster_reading *reading, const struct roster_line *line);
// Does this home know of a home membership of his?
bool roster_has_home(const struct roster_reading *reading, struct uuid person);
// The second half of a transfer as the entry's operation.
enum status roster_add_join(struct roster_reading *reading, struct uuid transfer, struct uuid unit,
                            int64_t from_ms);
