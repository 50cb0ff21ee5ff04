// The one transaction that changes a district's figures. Order inside: people, then the workshops
// they concern, then the schools; all standings are stored by one call at the end, so that stream
// heads are locked once, in ascending order, and for a short time.
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "server/assessor/round_internal.h"

// Entries of todo taken in one round. A live round stays far below a second; what is left comes
// next.
#define ROUND_ENTRIES 400
// Subjects loaded at the same time; a school brings the summaries of all its people.
#define ROUND_CHUNK 100
// Streams read in one call of streams_advance.
#define ROUND_STREAMS 1000
// Of outcomes, stored figures and sums of one round.
#define ROUND_BYTES ((size_t)1024 * 1024 * 1024)

enum status round_add_id(struct id_set *set, struct uuid id) {
    if (uuid_is_nil(id))
        return STATUS_OK;
    enum status status = uuid_map_add(&set->map, id, set->n);
    if (status != STATUS_OK)
        return status == STATUS_EXISTS ? STATUS_OK : status;
    if (set->n == set->capacity) {
        size_t capacity = set->capacity == 0 ? 64 : set->capacity * 2;
        struct uuid *ids = arena_array(set->map.arena, capacity, sizeof(*ids));
        if (ids == NULL)
            return STATUS_NO_MEMORY;
        if (set->n > 0)
            memcpy(ids, set->ids, set->n * sizeof(*ids));
        set->ids = ids;
        set->capacity = capacity;
    }
    set->ids[set->n++] = id;
    return STATUS_OK;
}

struct db_params *round_params(const struct round *round) {
    struct db_params *params = db_params_new(round->arena);
    db_param_int4(params, round->district);
    return params;
}

// ---- what is to be done ----

static enum status take_district(struct round *round, bool *out_taken, int32_t *out_former) {
    struct db_result *result = NULL;
    enum status status = db_sync_query(round->db, "district_take", round_params(round), &result);
    if (status == STATUS_OK) {
        *out_taken = db_bool(result, 0, 0);
        round->now_ms = db_timestamptz_ms(result, 0, 1);
        round->day = clock_day_of(round->now_ms);
        *out_former = db_is_null(result, 0, 2) ? INT32_MIN : db_date(result, 0, 2);
    }
    db_sync_free_result(&result);
    return status;
}

static enum status begin_day(struct round *round, int32_t former) {
    if (former >= round->day)
        return STATUS_OK;
    bool all = former == INT32_MIN || scheme_set_day_acts(round->schemes, former, round->day);
    char day[11];
    clock_format_day(round->day, day);
    struct db_params *params = round_params(round);
    db_param_string(params, day);
    db_param_bool(params, all);
    return db_sync_query(round->db, "day_begin", params, NULL);
}

static enum status read_streams(struct round *round, int64_t *out_concerned) {
    int64_t streams = ROUND_STREAMS;
    while (streams == ROUND_STREAMS) {
        struct db_params *params = round_params(round);
        db_param_int4(params, ROUND_STREAMS);
        struct db_result *result = NULL;
        TRY(db_sync_query(round->db, "streams_advance", params, &result));
        streams = db_int8(result, 0, 0);
        *out_concerned += db_int8(result, 0, 2);
        db_sync_free_result(&result);
    }
    return STATUS_OK;
}

static struct id_set *set_of_level(struct round *round, int64_t level) {
    if (level == COMPUTE_PERSON)
        return &round->people;
    if (level == COMPUTE_WORKSHOP)
        return &round->workshops;
    return level == COMPUTE_SCHOOL ? &round->schools : NULL; // districts have no rubric
}

static enum status take_todo(struct round *round, enum round_lane lane) {
    struct db_params *params = round_params(round);
    db_param_int4(params, (int32_t)lane);
    db_param_int4(params, ROUND_ENTRIES);
    struct db_result *result = NULL;
    enum status status = db_sync_query(round->db, "todo_take", params, &result);
    int64_t entries = 0;
    for (int row = 0; status == STATUS_OK && row < db_rows(result); row++) {
        struct id_set *set = set_of_level(round, db_int8(result, row, 1));
        entries += db_int8(result, row, 2);
        int64_t pass = db_int8(result, row, 3);
        if (row == 0 || pass < round->pass)
            round->pass = pass;
        if (set != NULL)
            status = round_add_id(set, db_uuid(result, row, 0));
    }
    db_sync_free_result(&result);
    round->taken = entries;
    round->full = entries >= ROUND_ENTRIES;
    return status;
}

enum status round_put_back(struct round *round, const struct id_set *set, int32_t level,
                           enum round_lane lane) {
    if (set->n == 0)
        return STATUS_OK;
    int32_t *levels = arena_array(round->arena, set->n, sizeof(*levels));
    if (levels == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < set->n; i++)
        levels[i] = level;
    struct db_params *params = round_params(round);
    db_param_uuid_array(params, set->n, set->ids, NULL);
    db_param_int4_array(params, set->n, levels, NULL);
    db_param_int4(params, (int32_t)lane);
    db_param_int8(params, round->pass);
    return db_sync_query(round->db, "todo_put", params, NULL);
}

// ---- scoring ----

static enum status make_changes(struct scoring *scoring) {
    size_t n = scoring->computation.n;
    if (n <= scoring->capacity)
        return STATUS_OK;
    struct change *changes = arena_array(scoring->round->arena, n * 2, sizeof(*changes));
    if (changes == NULL)
        return STATUS_NO_MEMORY;
    if (scoring->n_changes > 0)
        memcpy(changes, scoring->changes, scoring->n_changes * sizeof(*changes));
    scoring->changes = changes;
    scoring->capacity = n * 2;
    return STATUS_OK;
}

// Rows: subject, contribution. The bytes are copied: they outlive the result.
static enum status take_stored(struct scoring *scoring, const struct db_result *result) {
    for (int row = 0; row < db_rows(result); row++) {
        size_t index = uuid_map_find(&scoring->computation.by_subject, db_uuid(result, row, 0));
        struct view bytes = db_bytea(result, row, 1);
        const char *copy = arena_string(scoring->round->arena, bytes);
        if (copy == NULL)
            return STATUS_NO_MEMORY;
        if (index != UUID_MAP_NONE)
            scoring->changes[index].stored = view_from(copy, bytes.size);
    }
    return STATUS_OK;
}

// Stored figures of the outcomes from `first` on, all of one role.
static enum status load_stored(struct scoring *scoring, size_t first) {
    struct round *round = scoring->round;
    struct computation *computation = &scoring->computation;
    size_t n = computation->n - first;
    struct uuid *subjects = arena_array(round->arena, n, sizeof(*subjects));
    if (subjects == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        subjects[i] = computation->outcomes[first + i].subject;
    struct db_params *params = round_params(round);
    db_param_uuid_array(params, n, subjects, NULL);
    db_param_int4(params, (int32_t)computation->scheme->number);
    db_param_int4(params, (int32_t)computation->outcomes[first].role);
    struct db_result *result = NULL;
    enum status status = db_sync_query(round->db, "assessor_standings", params, &result);
    if (status == STATUS_OK)
        status = take_stored(scoring, result);
    db_sync_free_result(&result);
    return status;
}

// While more may wait, a unit has its turn behind those who wait already, among them more of its
// people; all that concerns it until then is one scoring.
static enum status concern_unit(struct round *round, int level, struct uuid unit) {
    struct id_set *set = set_of_level(round, level);
    if (round->full && uuid_map_find(&set->map, unit) == UUID_MAP_NONE)
        set = level == COMPUTE_WORKSHOP ? &round->later_workshops : &round->later_schools;
    return round_add_id(set, unit);
}

// The units above that a changed subject concerns: where it counted, where it counts, and for a
// person the units whose office he holds.
static enum status concern(struct round *round, const struct outcome *outcome,
                           const struct change *change) {
    struct figures_home homes[2] = {figures_units(change->before), figures_units(change->after)};
    for (size_t i = 0; i < 2; i++) {
        if (outcome->level > COMPUTE_WORKSHOP)
            TRY(concern_unit(round, COMPUTE_WORKSHOP, homes[i].workshop));
        if (outcome->level > COMPUTE_SCHOOL)
            TRY(concern_unit(round, COMPUTE_SCHOOL, homes[i].school));
    }
    for (size_t i = 0; i < outcome->n_offices;
         i++) { // one of the two; the other finds no such unit
        TRY(concern_unit(round, COMPUTE_WORKSHOP, outcome->offices[i]));
        TRY(concern_unit(round, COMPUTE_SCHOOL, outcome->offices[i]));
    }
    return STATUS_OK;
}

static enum status compare(struct scoring *scoring, size_t index) {
    struct change *change = &scoring->changes[index];
    const struct outcome *outcome = &scoring->computation.outcomes[index];
    struct arena *arena = scoring->round->arena;
    change->differs = !view_equal(change->stored, outcome->figures);
    if (!change->differs)
        return STATUS_OK;
    if (figures_unpack(change->stored, arena, &change->before) != STATUS_OK)
        log_error("district %d: stored figures of a standing are broken; verify the roll-ups",
                  scoring->round->district);
    TRY(figures_unpack(outcome->figures, arena, &change->after));
    return concern(scoring->round, outcome, change);
}

// A few subjects of one level: scored, and compared with what is stored.
static enum status score_some(struct scoring *scoring, int level, const struct uuid *ids,
                              const int32_t *days, size_t n) {
    size_t first = scoring->computation.n;
    if (level == COMPUTE_PERSON)
        TRY(compute_people(&scoring->computation, ids, days, n));
    else
        TRY(compute_units(&scoring->computation, level, ids, days, n));
    if (scoring->computation.n == first)
        return STATUS_OK;
    TRY(make_changes(scoring));
    TRY(load_stored(scoring, first));
    for (size_t i = first; i < scoring->computation.n; i++)
        TRY(compare(scoring, i));
    scoring->n_changes = scoring->computation.n;
    return STATUS_OK;
}

static enum status score_level(struct scoring *scoring, int level, const struct id_set *set) {
    int32_t days[ROUND_CHUNK];
    for (size_t i = 0; i < ROUND_CHUNK; i++)
        days[i] = scoring->round->day;
    for (size_t at = 0; at < set->n; at += ROUND_CHUNK) {
        size_t n = set->n - at < ROUND_CHUNK ? set->n - at : ROUND_CHUNK;
        TRY(score_some(scoring, level, set->ids + at, days, n));
    }
    return STATUS_OK;
}

// ---- the round ----

static enum status score_programme(struct round *round, const struct scheme *scheme) {
    struct scoring scoring = {
        .round = round,
        .computation = computation_new(round->db, round->arena, round->district, scheme)};
    TRY(score_level(&scoring, COMPUTE_PERSON, &round->people));
    TRY(score_level(&scoring, COMPUTE_WORKSHOP, &round->workshops));
    TRY(score_level(&scoring, COMPUTE_SCHOOL, &round->schools));
    return round_store(&scoring);
}

static enum status score_all(struct round *round, enum round_lane lane) {
    for (size_t i = 0; i < round->schemes->n; i++)
        TRY(score_programme(round, round->schemes->entries[i].scheme));
    TRY(round_put_back(round, &round->later_workshops, COMPUTE_WORKSHOP, lane));
    return round_put_back(round, &round->later_schools, COMPUTE_SCHOOL, lane);
}

// The watermark moves when nothing that was read is left unscored.
static enum status finish(struct round *round, enum round_lane lane, struct round_report *report) {
    struct db_result *result = NULL;
    struct db_params *asked = round_params(round);
    db_param_int4(asked, lane == ROUND_LANE_RESCORE ? (int32_t)round->taken : 0);
    TRY(db_sync_query(round->db, "assessor_waiting", asked, &result));
    report->rescore = db_int8(result, 0, 0);
    report->live = !db_is_null(result, 0, 1);
    int64_t waiting = report->live ? db_int8(result, 0, 1) : 0;
    db_sync_free_result(&result);
    report->subjects = round->subjects;
    uint32_t version = 0;
    for (size_t i = 0; i < round->schemes->n; i++)
        version = round->schemes->entries[i].scheme->version;
    struct db_params *params = round_params(round);
    if (!report->live && lane == ROUND_LANE_LIVE) // the other lane has read no heads
        db_param_timestamptz(params, round->now_ms);
    else
        db_param_null(params);
    db_param_int4(params, (int32_t)version);
    db_param_int8(params, report->rescore);
    if (report->live)
        db_param_int8(params, waiting);
    else
        db_param_null(params);
    TRY(db_sync_query(round->db, "district_put", params, NULL));
    // A watermark alone may be lost in a crash of the database: the next round sets it again.
    if (round->subjects == 0)
        return db_sync_sql(round->db, "set local synchronous_commit = off", NULL, NULL);
    return STATUS_OK;
}

static enum status work(struct round *round, enum round_lane lane, struct round_report *report) {
    int32_t former = INT32_MIN;
    TRY(take_district(round, &report->taken, &former));
    if (!report->taken)
        return STATUS_OK;
    if (lane == ROUND_LANE_LIVE) {
        TRY(begin_day(round, former));
        TRY(read_streams(round, &report->concerned));
    }
    TRY(take_todo(round, lane));
    // A scheme that was loaded since the turn began has put its subjects on the todo that was just
    // taken: they must not be scored by the former one.
    if (round->people.n + round->workshops.n + round->schools.n > 0)
        TRY(scheme_set_refresh(round->schemes, round->db));
    TRY(score_all(round, lane));
    return finish(round, lane, report);
}

enum status round_run(struct db_sync *db, struct scheme_set *schemes, int32_t district,
                      enum round_lane lane, struct round_report *out_report) {
    *out_report = (struct round_report){0};
    struct round round = {
        .db = db, .schemes = schemes, .district = district, .arena = arena_new(ROUND_BYTES)};
    if (round.arena == NULL)
        return STATUS_NO_MEMORY;
    round.people.map.arena = round.arena;
    round.workshops.map.arena = round.arena;
    round.schools.map.arena = round.arena;
    round.later_workshops.map.arena = round.arena;
    round.later_schools.map.arena = round.arena;
    enum status status = db_sync_begin(db);
    if (status == STATUS_OK)
        status = work(&round, lane, out_report);
    if (status == STATUS_OK)
        status = db_sync_commit(db);
    else
        db_sync_rollback(db);
    arena_free(&round.arena);
    return status;
}
