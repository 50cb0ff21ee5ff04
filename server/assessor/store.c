// Stores what a round has computed: all standings in one call, so that stream heads are locked once
// and in order, then the differences that they make to roll-ups.
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/plant.h"
#include "server/assessor/round_internal.h"

// The columns of standing_put.
struct columns {
    struct uuid *ids;
    struct uuid *streams;
    struct uuid *subjects;
    int32_t *programmes;
    int32_t *roles;
    int32_t *states;
    int32_t *versions;
    int64_t *points;
    int64_t *totals;
    struct view *receipts;
    struct view *figures;
};

static enum status make_columns(struct arena *arena, size_t n, struct columns *out_columns) {
    struct columns c = {
        .ids = arena_array(arena, n, sizeof(*c.ids)),
        .streams = arena_array(arena, n, sizeof(*c.streams)),
        .subjects = arena_array(arena, n, sizeof(*c.subjects)),
        .programmes = arena_array(arena, n, sizeof(*c.programmes)),
        .roles = arena_array(arena, n, sizeof(*c.roles)),
        .states = arena_array(arena, n, sizeof(*c.states)),
        .versions = arena_array(arena, n, sizeof(*c.versions)),
        .points = arena_array(arena, n, sizeof(*c.points)),
        .totals = arena_array(arena, n, sizeof(*c.totals)),
        .receipts = arena_array(arena, n, sizeof(*c.receipts)),
        .figures = arena_array(arena, n, sizeof(*c.figures)),
    };
    *out_columns = c;
    bool whole = c.ids != NULL && c.streams != NULL && c.subjects != NULL && c.programmes != NULL &&
                 c.roles != NULL && c.states != NULL && c.versions != NULL && c.points != NULL &&
                 c.totals != NULL && c.receipts != NULL && c.figures != NULL;
    return whole ? STATUS_OK : STATUS_NO_MEMORY;
}

static void fill_columns(const struct scoring *scoring, struct columns *c) {
    const struct computation *computation = &scoring->computation;
    for (size_t i = 0; i < computation->n; i++) {
        const struct outcome *outcome = &computation->outcomes[i];
        c->ids[i] = uuid_new_v7(scoring->round->now_ms);
        c->streams[i] = outcome->stream;
        c->subjects[i] = outcome->subject;
        c->programmes[i] = (int32_t)computation->scheme->number;
        c->roles[i] = (int32_t)outcome->role;
        c->states[i] = (int32_t)outcome->state;
        c->versions[i] = (int32_t)computation->scheme->version;
        c->points[i] = outcome->points;
        c->totals[i] = outcome->total;
        c->receipts[i] = outcome->receipt;
        c->figures[i] = outcome->figures;
    }
}

static struct db_params *standing_params(const struct round *round, const struct columns *c,
                                         size_t n) {
    char day[11];
    clock_format_day(round->day, day);
    struct db_params *params = round_params(round);
    db_param_string(params, day);
    db_param_uuid_array(params, n, c->ids, NULL);
    db_param_uuid_array(params, n, c->streams, NULL);
    db_param_uuid_array(params, n, c->subjects, NULL);
    db_param_int4_array(params, n, c->programmes, NULL);
    db_param_int4_array(params, n, c->roles, NULL);
    db_param_int4_array(params, n, c->states, NULL);
    db_param_int8_array(params, n, c->points, NULL);
    db_param_int8_array(params, n, c->totals, NULL);
    db_param_int4_array(params, n, c->versions, NULL);
    db_param_bytea_array(params, n, c->receipts);
    db_param_bytea_array(params, n, c->figures);
    return params;
}

// Verdicts of standing_put.
#define VERDICT_MOVED 3

// A subject that moved meanwhile changes nothing and waits again; all others add their differences.
static enum status sum_changes(struct scoring *scoring, const struct db_result *result,
                               struct figures_sums *sums) {
    struct round *round = scoring->round;
    struct id_set moved = {.map = {.arena = round->arena}};
    for (int row = 0; row < db_rows(result); row++) {
        size_t index = (size_t)db_int8(result, row, 0) - 1;
        const struct change *change = &scoring->changes[index];
        if (db_int8(result, row, 1) == VERDICT_MOVED) {
            TRY(round_add_id(&moved, scoring->computation.outcomes[index].subject));
            continue;
        }
        if (!change->differs)
            continue;
        TRY(figures_add(sums, change->before, -1));
        TRY(figures_add(sums, change->after, 1));
    }
    return round_put_back(round, &moved, COMPUTE_PERSON, ROUND_LANE_LIVE);
}

static enum status apply_sums(const struct round *round, int32_t programme,
                              struct figures_sums *sums) {
    figures_fold(sums);
    if (sums->n == 0)
        return STATUS_OK;
    struct uuid *units = arena_array(round->arena, sums->n, sizeof(*units));
    int32_t *roles = arena_array(round->arena, sums->n, sizeof(*roles));
    struct view *items = arena_array(round->arena, sums->n, sizeof(*items));
    int64_t *deltas = arena_array(round->arena, sums->n * FIGURES_COLUMNS, sizeof(*deltas));
    if (units == NULL || roles == NULL || items == NULL || deltas == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < sums->n; i++) {
        units[i] = sums->rows[i].key.unit;
        roles[i] = sums->rows[i].key.role;
        items[i] = view_from_string(sums->rows[i].key.item);
        memcpy(deltas + i * FIGURES_COLUMNS, sums->rows[i].columns, sizeof(sums->rows[i].columns));
    }
    if (PLANTED(PLANT_WRONG_ROLLUP))
        deltas[0]++;
    struct db_params *params = round_params(round);
    db_param_int4(params, programme);
    db_param_uuid_array(params, sums->n, units, NULL);
    db_param_int4_array(params, sums->n, roles, NULL);
    db_param_text_array(params, sums->n, items);
    db_param_int8_array(params, sums->n * FIGURES_COLUMNS, deltas, NULL);
    return db_sync_query(round->db, "rollup_apply", params, NULL);
}

// What people who left the district had added is taken back. The bytes are copied: they outlive the
// result.
static enum status take_back(struct scoring *scoring, struct figures_sums *sums) {
    struct round *round = scoring->round;
    struct db_params *params = round_params(round);
    db_param_int4(params, (int32_t)scoring->computation.scheme->number);
    struct db_result *result = NULL;
    enum status status = db_sync_query(round->db, "gone_take", params, &result);
    for (int row = 0; status == STATUS_OK && row < db_rows(result); row++) {
        struct view bytes = db_bytea(result, row, 0);
        const char *copy = arena_string(round->arena, bytes);
        const Lx__Figures *figures = NULL;
        if (copy == NULL)
            status = STATUS_NO_MEMORY;
        else if (figures_unpack(view_from(copy, bytes.size), round->arena, &figures) != STATUS_OK)
            log_error("district %d: figures of somebody who left are broken; verify the roll-ups",
                      round->district);
        else
            status = figures_add(sums, figures, -1);
    }
    db_sync_free_result(&result);
    return status;
}

static enum status store_standings(struct scoring *scoring, struct figures_sums *sums) {
    struct round *round = scoring->round;
    size_t n = scoring->computation.n;
    struct columns columns;
    TRY(make_columns(round->arena, n, &columns));
    fill_columns(scoring, &columns);
    struct db_result *result = NULL;
    enum status status =
        db_sync_query(round->db, "standing_put", standing_params(round, &columns, n), &result);
    if (status == STATUS_OK)
        status = sum_changes(scoring, result, sums);
    db_sync_free_result(&result);
    if (status == STATUS_OK)
        round->subjects += n;
    return status;
}

enum status round_store(struct scoring *scoring) {
    struct figures_sums sums = {.arena = scoring->round->arena};
    TRY(take_back(scoring, &sums));
    if (scoring->computation.n > 0)
        TRY(store_standings(scoring, &sums));
    return apply_sums(scoring->round, (int32_t)scoring->computation.scheme->number, &sums);
}
