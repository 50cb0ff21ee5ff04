// A stream's judge context from the rows of roster_of. See roster.h.
#include "server/roster.h"

#include <assert.h>

// Extra ways: every home may bring its own four units.
#define UNITS_PER_ROW UNITS_MAX_PATH

struct roster *roster_new(struct uuid stream, size_t max_rows) {
    struct arena *arena = arena_new(0);
    struct roster *roster = arena != NULL ? arena_alloc(arena, sizeof(*roster)) : NULL;
    if (roster == NULL) {
        arena_free(&arena);
        return NULL;
    }
    *roster = (struct roster){.arena = arena, .stream = stream};
    roster->units = arena_array(arena, max_rows + UNITS_PER_ROW, sizeof(*roster->units));
    roster->subjects = arena_array(arena, max_rows + 1, sizeof(*roster->subjects));
    roster->home_versions = arena_array(arena, max_rows + 1, sizeof(uint64_t));
    roster->offices = arena_array(arena, max_rows + 1, sizeof(*roster->offices));
    roster->gone = arena_array(arena, max_rows + 1, sizeof(*roster->gone));
    roster->gone_to = arena_array(arena, max_rows + 1, sizeof(*roster->gone_to));
    if (roster->gone == NULL || roster->gone_to == NULL || roster->units == NULL ||
        roster->subjects == NULL || roster->home_versions == NULL || roster->offices == NULL)
        roster_free(&roster);
    return roster;
}

void roster_free(struct roster **roster) {
    if (*roster == NULL)
        return;
    struct arena *arena = (*roster)->arena; // the roster lies in it
    *roster = NULL;
    arena_free(&arena);
}

size_t roster_find_subject(const struct roster *roster, struct uuid subject) {
    size_t i = 0;
    while (i < roster->n_subjects && !uuid_equal(roster->subjects[i].id, subject))
        i++;
    return i;
}

// Rows of one person stand beside each other, so looking at the newest is enough.
static void add_person(struct roster *roster, const struct roster_row *row) {
    size_t n = roster->n_subjects;
    if (n > 0 && uuid_equal(roster->subjects[n - 1].id, row->subject))
        return;
    roster->subjects[n] = (struct judge_subject){row->subject, FACT_SUBJECT_TEACHER, row->home};
    roster->home_versions[n] = row->home_version;
    roster->n_subjects++;
}

static void add_office(struct roster *roster, const struct roster_row *row) {
    roster->offices[roster->n_offices++] = (struct judge_office){
        (Lx__Role)row->role, row->unit, row->subject, row->from_ms, row->until_ms};
}

void roster_add(struct roster *roster, const struct roster_row *row) {
    switch (row->what) {
    case ROSTER_ROW_HEADER:
        roster->version = row->version;
        break;
    case ROSTER_ROW_UNIT:
        roster->units[roster->n_units++] =
            (struct judge_unit){row->subject, row->unit, (Lx__UnitLevel)row->role};
        break;
    case ROSTER_ROW_MEMBER:
    case ROSTER_ROW_LEFT:
        add_person(roster, row);
        break;
    case ROSTER_ROW_OFFICE_MEMBER:
    case ROSTER_ROW_OFFICE_GRANT:
        add_office(roster, row);
        break;
    case ROSTER_ROW_GONE:
        roster->gone_to[roster->n_gone] = row->home;
        roster->gone[roster->n_gone++] =
            (struct judge_gone){.id = row->subject, .left_ms = row->from_ms};
        break;
    default: // a newer database's kind of row: nothing we judge by
        break;
    }
}

static bool has_unit(const struct roster *roster, struct uuid unit) {
    for (size_t i = 0; i < roster->n_units; i++)
        if (uuid_equal(roster->units[i].id, unit))
            return true;
    return false;
}

// The way up of a home elsewhere, in a new and larger array when there are any.
static enum status add_ways(struct roster *roster, const struct units *units) {
    struct judge_unit *all = arena_array(
        roster->arena, roster->n_units + roster->n_subjects * UNITS_PER_ROW, sizeof(*all));
    if (all == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < roster->n_units; i++)
        all[i] = roster->units[i];
    roster->units = all;
    for (size_t i = 0; i < roster->n_subjects; i++) {
        struct uuid path[UNITS_MAX_PATH];
        size_t n = has_unit(roster, roster->subjects[i].home)
                       ? 0
                       : units_path(units, roster->subjects[i].home, path);
        for (size_t step = 0; step < n; step++) {
            const struct unit_row *unit = units_find(units, path[step]);
            if (!has_unit(roster, unit->id))
                all[roster->n_units++] = (struct judge_unit){unit->id, unit->parent, unit->level};
        }
    }
    return STATUS_OK;
}

// Persons whose home is not known to the directory yet (a unit of a moment ago) cannot be judged.
static void drop_homeless(struct roster *roster) {
    size_t kept = 0;
    for (size_t i = 0; i < roster->n_subjects; i++) {
        if (!has_unit(roster, roster->subjects[i].home))
            continue;
        roster->subjects[kept] = roster->subjects[i];
        roster->home_versions[kept++] = roster->home_versions[i];
    }
    roster->n_subjects = kept;
}

static enum status name_districts(struct roster *roster, const struct units *units) {
    for (size_t i = 0; i < roster->n_gone; i++) {
        const struct unit_row *unit = units_find(units, roster->gone_to[i]);
        const char *name = unit != NULL ? unit->name : "";
        roster->gone[i].district = arena_string(roster->arena, view_from_string(name));
        if (roster->gone[i].district == NULL)
            return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

enum status roster_finish(struct roster *roster, const struct units *units) {
    if (roster->n_units == 0)
        return STATUS_NOT_FOUND;
    TRY(add_ways(roster, units));
    TRY(name_districts(roster, units));
    drop_homeless(roster);
    for (size_t i = 0; i < roster->n_units; i++) {
        if (!uuid_equal(roster->units[i].id, roster->stream))
            continue;
        enum fact_subject kind = fact_subject_of_level(roster->units[i].level);
        if (kind == FACT_SUBJECT_COUNT)
            continue;
        roster->home_versions[roster->n_subjects] = roster->version;
        roster->subjects[roster->n_subjects++] =
            (struct judge_subject){roster->stream, kind, roster->stream};
    }
    const struct unit_row *own = units_find(units, roster->stream);
    roster->district = own != NULL ? own->district : 0;
    return own != NULL ? STATUS_OK : STATUS_AGAIN;
}

void roster_fill_context(const struct roster *roster, struct judge_context *context) {
    context->stream = roster->stream;
    context->units = roster->units;
    context->n_units = roster->n_units;
    context->subjects = roster->subjects;
    context->n_subjects = roster->n_subjects;
    context->gone = roster->gone;
    context->n_gone = roster->n_gone;
    context->offices = roster->offices;
    context->n_offices = roster->n_offices;
    context->offices_known = UINT32_MAX;
}
