// Reads what subjects are assessed from. Each function is one statement of sql/queries; its rows
// come ordered by subject, so a subject's rows are one run.
#include "server/assessor/load.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/plant.h"

int64_t load_moment_ms(int32_t as_of) {
    return clock_day_start_ms(as_of + 1) - 1;
}

// Rows from `row` on with the same id in `column`.
static int run_of(const struct db_result *result, int row, int column) {
    int end = row + 1;
    struct uuid id = db_uuid(result, row, column);
    while (end < db_rows(result) && uuid_equal(db_uuid(result, end, column), id))
        end++;
    return end - row;
}

static struct subject *find_subject(const struct batch *batch, struct uuid id) {
    size_t index = uuid_map_find(&batch->by_id, id);
    return index == UUID_MAP_NONE ? NULL : &batch->subjects[index];
}

// Parameters: district, ids of the subjects that exist (all before `exists` is known).
static struct db_params *ask(const struct batch *batch, bool all) {
    struct uuid *ids = arena_array(batch->arena, batch->n, sizeof(*ids));
    struct db_params *params = db_params_new(batch->arena);
    size_t n = 0;
    for (size_t i = 0; ids != NULL && i < batch->n; i++) {
        if (all || batch->subjects[i].exists)
            ids[n++] = batch->subjects[i].id;
    }
    db_param_int4(params, batch->computation->district);
    db_param_uuid_array(params, n, ids, NULL);
    return ids == NULL ? db_params_new(NULL) : params;
}

typedef enum status (*run_fn)(struct batch *batch, const struct db_result *result, int row,
                              int n_rows);

// Runs the statement and gives every run of rows with the same id in column 0 to `on_run`.
static enum status each_run(struct batch *batch, const char *statement, struct db_params *params,
                            run_fn on_run) {
    struct db_result *result = NULL;
    enum status status = db_sync_query(batch->computation->db, statement, params, &result);
    for (int row = 0; status == STATUS_OK && row < db_rows(result);) {
        int n_rows = run_of(result, row, 0);
        status = on_run(batch, result, row, n_rows);
        row += n_rows;
    }
    db_sync_free_result(&result);
    return status;
}

static int32_t programme_of(const struct batch *batch) {
    return (int32_t)batch->computation->scheme->number;
}

static enum status take_person(struct batch *batch, const struct db_result *result, int row,
                               int n_rows) {
    (void)n_rows;
    struct subject *subject = find_subject(batch, db_uuid(result, row, 0));
    if (subject == NULL)
        return STATUS_OK;
    subject->exists = true;
    subject->stream = db_uuid(result, row, 1);
    subject->certificate = db_bool(result, row, 2);
    subject->in_post = db_bool(result, row, 3);
    subject->established = db_bool(result, row, 4);
    return STATUS_OK;
}

enum status load_people(struct batch *batch) {
    return each_run(batch, "assessor_people", ask(batch, true), take_person);
}

// One membership: a home, an office, or (a guest's) neither.
static void take_membership(struct subject *subject, const struct db_result *result, int row) {
    struct figures_home units = {.district = db_uuid(result, row, 5),
                                 .school = db_uuid(result, row, 6),
                                 .workshop = db_uuid(result, row, 7)};
    int64_t role = db_int8(result, row, 1);
    if (role != LX__ROLE__TEACHER) {
        subject->offices[subject->n_offices++] =
            uuid_is_nil(units.workshop) ? units.school : units.workshop;
        return;
    }
    if (db_bool(result, row, 2))
        return;
    struct home home = {.from_ms = db_timestamptz_ms(result, row, 3),
                        .until_ms = db_is_null(result, row, 4) ? INT64_MAX
                                                               : db_timestamptz_ms(result, row, 4),
                        .workshop = units.workshop,
                        .school = units.school};
    subject->homes[subject->n_homes++] = home;
    int64_t moment = load_moment_ms(subject->as_of);
    if (home.from_ms <= moment && home.until_ms > moment)
        subject->units = units;
}

static enum status take_memberships(struct batch *batch, const struct db_result *result, int row,
                                    int n_rows) {
    struct subject *subject = find_subject(batch, db_uuid(result, row, 0));
    if (subject == NULL)
        return STATUS_OK;
    subject->member = true;
    subject->homes = arena_array(batch->arena, (size_t)n_rows, sizeof(*subject->homes));
    subject->offices = arena_array(batch->arena, (size_t)n_rows, sizeof(*subject->offices));
    if (subject->homes == NULL || subject->offices == NULL)
        return STATUS_NO_MEMORY;
    for (int i = row; i < row + n_rows; i++)
        take_membership(subject, result, i);
    return STATUS_OK;
}

enum status load_memberships(struct batch *batch) {
    struct db_params *params = ask(batch, false);
    db_param_int4(params, programme_of(batch));
    return each_run(batch, "assessor_memberships", params, take_memberships);
}

// Does a packed lx.Unit with attributes say that the school leads a cluster?
static bool is_lead(struct view attributes) {
    bool lead = false;
    Lx__Unit *unit =
        attributes.size == 0 ? NULL : lx__unit__unpack(NULL, attributes.size, attributes.data);
    for (size_t i = 0; unit != NULL && i < unit->n_attributes; i++) {
        const Lx__UnitAttribute *attribute = unit->attributes[i];
        if (attribute->key != NULL && attribute->value != NULL &&
            strcmp(attribute->key, "lead_school") == 0)
            lead = strcmp(attribute->value, "true") == 0;
    }
    if (unit != NULL)
        lx__unit__free_unpacked(unit, NULL);
    return lead;
}

static enum status take_unit(struct batch *batch, const struct db_result *result, int row,
                             int n_rows) {
    (void)n_rows;
    struct subject *subject = find_subject(batch, db_uuid(result, row, 0));
    if (subject == NULL || db_int8(result, row, 1) != subject->level)
        return STATUS_OK;
    subject->exists = true;
    subject->stream = subject->id;
    subject->units = (struct figures_home){.district = db_uuid(result, row, 2),
                                           .school = db_uuid(result, row, 3),
                                           .workshop = db_uuid(result, row, 4)};
    subject->lead_school = is_lead(db_bytea(result, row, 5));
    return STATUS_OK;
}

enum status load_units(struct batch *batch) {
    return each_run(batch, "assessor_units", ask(batch, true), take_unit);
}

// "" for null, else a copy that ends with NUL.
static const char *copy_text(struct batch *batch, struct view text) {
    return text.size == 0 ? "" : arena_string(batch->arena, text);
}

static enum status take_fact(struct batch *batch, const struct db_result *result, int row,
                             struct fact *out_fact) {
    *out_fact = (struct fact){
        .subject = db_uuid(result, row, 0),
        .id = db_uuid(result, row, 1),
        .programme = batch->computation->scheme->number,
        .kind = (Lx__FactKind)db_int8(result, row, 2),
        .item = copy_text(batch, db_text(result, row, 3)),
        .form = copy_text(batch, db_text(result, row, 4)),
        .occurred_at_ms = db_is_null(result, row, 5) ? 0 : db_timestamptz_ms(result, row, 5),
        .until_ms = db_is_null(result, row, 6) ? 0 : db_timestamptz_ms(result, row, 6),
        .quantity = db_int8(result, row, 7),
        .of = db_uuid(result, row, 8),
        .actor = db_uuid(result, row, 9),
    };
    return out_fact->item == NULL || out_fact->form == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status take_facts(struct batch *batch, const struct db_result *result, int row,
                              int n_rows) {
    struct subject *subject = find_subject(batch, db_uuid(result, row, 0));
    if (subject == NULL)
        return STATUS_OK;
    subject->facts = arena_array(batch->arena, (size_t)n_rows, sizeof(*subject->facts));
    if (subject->facts == NULL)
        return STATUS_NO_MEMORY;
    for (int i = row; i < row + n_rows; i++)
        TRY(take_fact(batch, result, i, &subject->facts[subject->n_facts++]));
    for (size_t i = 0; PLANTED(PLANT_LOST_VOID) && i < subject->n_facts; i++)
        subject->facts[i].of = subject->facts[i].kind == LX__FACT_KIND__VOID ? (struct uuid){{0}}
                                                                             : subject->facts[i].of;
    return STATUS_OK;
}

enum status load_facts(struct batch *batch) {
    struct uuid *streams = arena_array(batch->arena, batch->n, sizeof(*streams));
    struct db_params *params = ask(batch, false);
    if (streams == NULL)
        return STATUS_NO_MEMORY;
    size_t n = 0;
    for (size_t i = 0; i < batch->n; i++) {
        if (batch->subjects[i].exists)
            streams[n++] = batch->subjects[i].stream;
    }
    db_param_uuid_array(params, n, streams, NULL);
    db_param_int4(params, programme_of(batch));
    return each_run(batch, "assessor_facts", params, take_facts);
}

// The schools whose choices a subject needs, without repeats.
struct schools {
    struct uuid_map map; // index into the array below
    struct uuid *ids;
    struct selection **selections;
    size_t *n_selections;
    size_t n;
};

static enum status add_school(struct schools *schools, struct uuid id) {
    if (uuid_is_nil(id))
        return STATUS_OK;
    enum status status = uuid_map_add(&schools->map, id, schools->n);
    if (status == STATUS_EXISTS)
        return STATUS_OK;
    if (status == STATUS_OK)
        schools->ids[schools->n++] = id;
    return status;
}

static enum status collect_schools(struct batch *batch, struct schools *schools) {
    size_t most = 0;
    for (size_t i = 0; i < batch->n; i++)
        most += batch->subjects[i].n_homes + 1;
    schools->map.arena = batch->arena;
    schools->ids = arena_array(batch->arena, most, sizeof(*schools->ids));
    schools->selections = arena_array(batch->arena, most, sizeof(struct selection *));
    schools->n_selections = arena_array(batch->arena, most, sizeof(size_t));
    if (schools->ids == NULL || schools->selections == NULL || schools->n_selections == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < batch->n; i++) {
        const struct subject *subject = &batch->subjects[i];
        for (size_t h = 0; h < subject->n_homes; h++)
            TRY(add_school(schools, subject->homes[h].school));
        if (subject->level == COMPUTE_WORKSHOP)
            TRY(add_school(schools, subject->units.school));
    }
    return STATUS_OK;
}

static enum status read_selections(struct batch *batch, struct schools *schools,
                                   const struct db_result *result) {
    for (int row = 0; row < db_rows(result);) {
        int n_rows = run_of(result, row, 0);
        size_t school = uuid_map_find(&schools->map, db_uuid(result, row, 0));
        struct selection *selections =
            arena_array(batch->arena, (size_t)n_rows, sizeof(*selections));
        if (selections == NULL)
            return STATUS_NO_MEMORY;
        for (int i = 0; i < n_rows; i++) {
            selections[i] =
                (struct selection){.unit = db_uuid(result, row + i, 0),
                                   .item = copy_text(batch, db_text(result, row + i, 1)),
                                   .occurred_at_ms = db_timestamptz_ms(result, row + i, 2)};
            if (selections[i].item == NULL)
                return STATUS_NO_MEMORY;
        }
        if (school != UUID_MAP_NONE) {
            schools->selections[school] = selections;
            schools->n_selections[school] = (size_t)n_rows;
        }
        row += n_rows;
    }
    return STATUS_OK;
}

// Appends what one school has chosen, once.
static void append_school(struct subject *subject, const struct schools *schools, struct uuid id) {
    size_t school = uuid_map_find(&schools->map, id);
    if (school == UUID_MAP_NONE)
        return;
    for (size_t i = 0; i < subject->n_selections; i++) {
        if (uuid_equal(subject->selections[i].unit, id))
            return;
    }
    for (size_t i = 0; i < schools->n_selections[school]; i++)
        subject->selections[subject->n_selections++] = schools->selections[school][i];
}

static enum status give_selections(struct batch *batch, struct subject *subject,
                                   const struct schools *schools) {
    size_t most = 0;
    for (size_t h = 0; h < subject->n_homes; h++) {
        size_t school = uuid_map_find(&schools->map, subject->homes[h].school);
        most += school == UUID_MAP_NONE ? 0 : schools->n_selections[school];
    }
    if (subject->level == COMPUTE_WORKSHOP) {
        size_t school = uuid_map_find(&schools->map, subject->units.school);
        most += school == UUID_MAP_NONE ? 0 : schools->n_selections[school];
    }
    subject->selections = arena_array(batch->arena, most, sizeof(*subject->selections));
    if (subject->selections == NULL)
        return STATUS_NO_MEMORY;
    for (size_t h = 0; h < subject->n_homes; h++)
        append_school(subject, schools, subject->homes[h].school);
    if (subject->level == COMPUTE_WORKSHOP)
        append_school(subject, schools, subject->units.school);
    return STATUS_OK;
}

enum status load_selections(struct batch *batch) {
    struct schools schools = {0};
    TRY(collect_schools(batch, &schools));
    if (schools.n == 0)
        return STATUS_OK;
    struct db_params *params = db_params_new(batch->arena);
    db_param_uuid_array(params, schools.n, schools.ids, NULL);
    db_param_int4(params, programme_of(batch));
    struct db_result *result = NULL;
    enum status status =
        db_sync_query(batch->computation->db, "assessor_selections", params, &result);
    if (status == STATUS_OK)
        status = read_selections(batch, &schools, result);
    db_sync_free_result(&result);
    for (size_t i = 0; status == STATUS_OK && i < batch->n; i++)
        status = give_selections(batch, &batch->subjects[i], &schools);
    return status;
}

static enum status unpack_summary(struct batch *batch, struct view packed,
                                  struct summary *out_summary, bool *out_known) {
    const Lx__Figures *figures;
    TRY(figures_unpack(packed, batch->arena, &figures));
    *out_known = figures != NULL && figures->has_summary;
    if (!*out_known)
        return STATUS_OK;
    struct view bytes = view_from(figures->summary.data, figures->summary.len);
    return summary_unpack(batch->computation->scheme, bytes, batch->arena, out_summary);
}

// What is known of a subject below: from this computation, else stored. Not known: not assessed
// yet, or broken in the database, which must not keep the whole district waiting.
static enum status read_summary(struct batch *batch, struct uuid id, struct view stored,
                                struct summary *out_summary, bool *out_known) {
    const struct computation *computation = batch->computation;
    size_t index = uuid_map_find(&computation->by_subject, id);
    struct view packed = index == UUID_MAP_NONE ? stored : computation->outcomes[index].figures;
    enum status status = unpack_summary(batch, packed, out_summary, out_known);
    if (status != STATUS_CORRUPT)
        return status;
    char text[UUID_TEXT_SIZE];
    uuid_format(id, text);
    log_error("district %d: the stored summary of %s is broken", computation->district, text);
    *out_known = false;
    return STATUS_OK;
}

// Columns: unit, what, subject, contribution.
#define BELOW_HOLDER 2

static enum status take_below(struct batch *batch, const struct db_result *result, int row,
                              int n_rows) {
    struct subject *subject = find_subject(batch, db_uuid(result, row, 0));
    if (subject == NULL)
        return STATUS_OK;
    subject->below = arena_array(batch->arena, (size_t)n_rows, sizeof(*subject->below));
    subject->holders = arena_array(batch->arena, (size_t)n_rows, sizeof(*subject->holders));
    if (subject->below == NULL || subject->holders == NULL)
        return STATUS_NO_MEMORY;
    for (int i = row; i < row + n_rows; i++) {
        struct summary summary;
        bool known;
        TRY(read_summary(batch, db_uuid(result, i, 2), db_bytea(result, i, 3), &summary, &known));
        if (!known)
            continue;
        if (db_int8(result, i, 1) == BELOW_HOLDER)
            subject->holders[subject->n_holders++] = summary;
        else
            subject->below[subject->n_below++] = summary;
    }
    return STATUS_OK;
}

enum status load_below(struct batch *batch) {
    int64_t *moments = arena_array(batch->arena, batch->n, sizeof(*moments));
    struct db_params *params = ask(batch, false);
    if (moments == NULL)
        return STATUS_NO_MEMORY;
    size_t n = 0;
    for (size_t i = 0; i < batch->n; i++) {
        if (batch->subjects[i].exists)
            moments[n++] = load_moment_ms(batch->subjects[i].as_of);
    }
    db_param_timestamptz_array(params, n, moments, NULL);
    db_param_int4(params, programme_of(batch));
    return each_run(batch, "assessor_below", params, take_below);
}
