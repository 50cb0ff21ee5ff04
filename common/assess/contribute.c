// The additive roll-up rows of one standing: the subject as a whole, each of its rules, each stage.
#include <string.h>

#include "common/assess/assessment.h"

// What a line's state adds to the columns.
static void add_line(int64_t value[CONTRIBUTION_VALUES], const struct line *line) {
    static const struct {
        Lx__LineState state;
        unsigned columns; // bits (1 << enum contribution_value)
    } adds[] = {
        {LX__LINE_STATE__LINE_STARTED, 1u << VALUE_STARTED},
        {LX__LINE_STATE__LINE_DONE, 1u << VALUE_STARTED | 1u << VALUE_DONE},
        {LX__LINE_STATE__LINE_WAITING, 1u << VALUE_STARTED | 1u << VALUE_WAITING},
        {LX__LINE_STATE__LINE_LATE, 1u << VALUE_STARTED | 1u << VALUE_DONE | 1u << VALUE_LATE},
        {LX__LINE_STATE__LINE_MISSED, 1u << VALUE_MISSED},
    };
    for (size_t i = 0; i < sizeof(adds) / sizeof(adds[0]); i++) {
        for (unsigned column = 0; column < CONTRIBUTION_VALUES; column++) {
            if (adds[i].state == line->state && (adds[i].columns & 1u << column) != 0)
                value[column]++;
        }
    }
    value[VALUE_POINTS] += line->points;
}

static void contribute_subject(const struct scheme *scheme, const struct standing *standing,
                               struct contribution *row) {
    static const struct {
        Lx__StandingState state;
        enum contribution_value column;
    } states[] = {
        {LX__STANDING_STATE__OPEN, VALUE_OPEN},
        {LX__STANDING_STATE__PASSED, VALUE_PASSED},
        {LX__STANDING_STATE__FAILED, VALUE_FAILED},
        {LX__STANDING_STATE__EXEMPT, VALUE_EXEMPT},
    };
    const struct summary *summary = &standing->summary;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (states[i].state == standing->state)
            row->value[states[i].column] = 1;
    }
    row->item = "";
    if (standing->state == LX__STANDING_STATE__EXEMPT)
        return;
    row->value[VALUE_SUBJECTS] = 1;
    row->value[VALUE_POINTS] = standing->points;
    const Lx__Hours *hours = scheme->source->hours;
    if (hours != NULL)
        row->value[VALUE_ONLINE_HOURS] = summary->online_s * 100 / (60 * hours->minutes_per_hour);
    row->value[VALUE_SCHOOL_HOURS] = summary->school_hours;
    row->value[VALUE_CREDITS] = summary->credits;
}

// A stage is done when every rule of it is; the other columns say whether there is any such rule.
static bool contribute_stage(const struct standing *standing, int stage, struct contribution *row) {
    int64_t n = 0;
    for (size_t i = 0; i < standing->n_lines; i++) {
        if (standing->lines[i].rule->stage != stage)
            continue;
        n++;
        add_line(row->value, &standing->lines[i]);
    }
    row->value[VALUE_DONE] = row->value[VALUE_DONE] == n ? 1 : 0;
    row->value[VALUE_STARTED] = row->value[VALUE_STARTED] > 0 ? 1 : 0;
    row->value[VALUE_LATE] = row->value[VALUE_LATE] > 0 ? 1 : 0;
    row->value[VALUE_MISSED] = row->value[VALUE_MISSED] > 0 ? 1 : 0;
    row->value[VALUE_WAITING] = row->value[VALUE_WAITING] > 0 ? 1 : 0;
    row->value[VALUE_SUBJECTS] = 1;
    return n > 0;
}

enum status contribute(const struct scheme *scheme, struct standing *standing,
                       struct arena *arena) {
    size_t most = 1 + standing->n_lines + scheme->n_stages;
    struct contribution *rows = arena_array(arena, most, sizeof(*rows));
    if (rows == NULL)
        return STATUS_NO_MEMORY;
    Lx__Role role = assess_role_of(standing->kind);
    for (size_t i = 0; i < most; i++)
        rows[i].role = role;
    contribute_subject(scheme, standing, &rows[0]);
    size_t n = 1;
    bool counts = standing->state != LX__STANDING_STATE__EXEMPT;
    for (size_t i = 0; counts && i < standing->n_lines; i++) {
        rows[n].kind = CONTRIBUTION_INDICATOR;
        rows[n].item = standing->lines[i].rule->source->code;
        rows[n].value[VALUE_SUBJECTS] = 1;
        add_line(rows[n++].value, &standing->lines[i]);
    }
    for (size_t i = 0; counts && i < scheme->n_stages; i++) {
        rows[n].kind = CONTRIBUTION_STAGE;
        rows[n].item = scheme->stages[i].source->code;
        if (contribute_stage(standing, (int)i, &rows[n]))
            n++;
        else
            rows[n] = (struct contribution){.role = role};
    }
    standing->contributions = rows;
    standing->n_contributions = n;
    return STATUS_OK;
}
