// What pushes to one stream are judged with: its way up to the city, whom facts may be about and
// where they live now, who holds which office. Pure: built from rows, read by the judge.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/assess/judge.h"
#include "common/base/arena.h"
#include "server/units.h"

struct roster {
    struct arena *arena; // owns everything here, itself included
    struct uuid stream;
    int32_t district;
    uint64_t version; // head.roster_version of the stream
    struct judge_unit *units;
    size_t n_units;
    struct judge_subject *subjects;
    uint64_t *home_versions; // beside subjects: roster_version of their home stream
    size_t n_subjects;
    struct judge_office *offices;
    size_t n_offices;
    struct judge_gone *gone;
    struct uuid *gone_to; // beside gone: the district's unit
    size_t n_gone;
};

enum roster_row_kind {
    ROSTER_ROW_HEADER = 0,
    ROSTER_ROW_UNIT = 1,   // on the way up: subject = unit, unit = its parent, role = its level
    ROSTER_ROW_MEMBER = 2, // a membership of somebody of the stream
    ROSTER_ROW_LEFT = 3,   // ... of somebody who left it lately
    ROSTER_ROW_OFFICE_MEMBER = 4, // somebody's office over the stream, by membership
    ROSTER_ROW_OFFICE_GRANT = 5,  // ... by grant
    ROSTER_ROW_GONE = 6, // somebody who went to another district: home = its unit, from = when
};

// A row of roster_of.
struct roster_row {
    enum roster_row_kind what;
    uint64_t version; // of the header
    struct uuid subject;
    struct uuid home;
    uint64_t home_version;
    struct uuid unit;
    int role;
    int64_t from_ms;
    int64_t until_ms; // 0: open
};

// max_rows: rows that will be added at most. NULL: out of memory.
struct roster *roster_new(struct uuid stream, size_t max_rows);
void roster_free(struct roster **roster);
void roster_add(struct roster *roster, const struct roster_row *row);
// After the last row: the ways up of homes elsewhere, and the stream's own unit as a subject.
// STATUS_NOT_FOUND: there was no header, so the stream is unknown or forbidden.
enum status roster_finish(struct roster *roster, const struct units *units) MUST_USE;

// A judge's view of it; the rest of the context is the caller's. Borrows from the roster.
void roster_fill_context(const struct roster *roster, struct judge_context *context);
// The subject's place in `subjects`; n_subjects: nobody.
size_t roster_find_subject(const struct roster *roster, struct uuid subject);
