// Computes a whole district bottom up, in chunks, in one read-only snapshot, and compares.
#include "server/assessor/verify.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "server/assessor/compute.h"
#include "server/assessor/schemes.h"

// Subjects computed at the same time.
#define VERIFY_CHUNK 200
// Lines shown; whoever has more differences needs no list but a rebuild.
#define VERIFY_LINES 100
#define VERIFY_POLL_MS 200

struct verify {
    struct db_sync *db;
    struct scheme_set schemes;
    verify_line_fn on_line;
    void *user;
    size_t lines;
    struct verify_result *result;
};

// One district and programme.
struct rebuild {
    struct verify *verify;
    struct arena *arena; // of everything that lives until its end
    struct computation computation;
    struct figures_sums sums;
    size_t stored; // standings found stored
};

static void tell(struct verify *verify, const char *what, struct uuid id, const char *detail) {
    if (verify->on_line == NULL || verify->lines++ >= VERIFY_LINES)
        return;
    char text[UUID_TEXT_SIZE];
    char line[256];
    uuid_format(id, text);
    (void)snprintf(line, sizeof(line), "%s %s: %s", what, text, detail);
    verify->on_line(verify->user, line);
}

static void wrong_standing(struct rebuild *rebuild, const struct outcome *outcome,
                           const char *detail) {
    rebuild->verify->result->standings_wrong++;
    tell(rebuild->verify, "standing of", outcome->subject, detail);
}

// Columns of verify_standings from 1 on.
static const char *difference(const struct outcome *outcome, const struct scheme *scheme,
                              const struct db_result *result, int row) {
    if (!uuid_equal(db_uuid(result, row, 1), outcome->stream))
        return "lies in another stream than its subject";
    if (db_int8(result, row, 5) != scheme->version)
        return "is of another version of the scheme";
    if (db_int8(result, row, 2) != outcome->state)
        return "has another state than the ledger gives";
    if (db_int8(result, row, 3) != outcome->points || db_int8(result, row, 4) != outcome->total)
        return "has other points than the ledger gives";
    if (!view_equal(db_bytea(result, row, 6), outcome->receipt))
        return "has another receipt than the ledger gives";
    if (!view_equal(db_bytea(result, row, 7), outcome->figures))
        return "keeps other figures than the ledger gives";
    return NULL;
}

static enum status compare_rows(struct rebuild *rebuild, size_t first,
                                const struct db_result *result) {
    struct computation *computation = &rebuild->computation;
    bool *found = arena_array(rebuild->arena, computation->n - first, sizeof(*found));
    if (found == NULL)
        return STATUS_NO_MEMORY;
    for (int row = 0; row < db_rows(result); row++) {
        size_t index = uuid_map_find(&computation->by_subject, db_uuid(result, row, 0));
        if (index == UUID_MAP_NONE || index < first)
            continue;
        found[index - first] = true;
        rebuild->stored++;
        const struct outcome *outcome = &computation->outcomes[index];
        const char *detail = difference(outcome, computation->scheme, result, row);
        if (detail != NULL)
            wrong_standing(rebuild, outcome, detail);
    }
    for (size_t i = first; i < computation->n; i++) {
        if (!found[i - first])
            wrong_standing(rebuild, &computation->outcomes[i], "is missing");
    }
    rebuild->verify->result->standings += computation->n - first;
    return STATUS_OK;
}

// Outcomes from `first` on (all of one level): compared, and added to the sums.
static enum status compare_chunk(struct rebuild *rebuild, size_t first) {
    struct computation *computation = &rebuild->computation;
    size_t n = computation->n - first;
    if (n == 0)
        return STATUS_OK;
    struct uuid *subjects = arena_array(rebuild->arena, n, sizeof(*subjects));
    if (subjects == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        subjects[i] = computation->outcomes[first + i].subject;
    struct db_params *params = db_params_new(rebuild->arena);
    db_param_int4(params, computation->district);
    db_param_uuid_array(params, n, subjects, NULL);
    db_param_int4(params, (int32_t)computation->scheme->number);
    db_param_int4(params, (int32_t)computation->outcomes[first].role);
    struct db_result *result = NULL;
    enum status status = db_sync_query(computation->db, "verify_standings", params, &result);
    if (status == STATUS_OK)
        status = compare_rows(rebuild, first, result);
    db_sync_free_result(&result);
    for (size_t i = first; status == STATUS_OK && i < computation->n; i++) {
        const Lx__Figures *figures;
        status = figures_unpack(computation->outcomes[i].figures, rebuild->arena, &figures);
        if (status == STATUS_OK)
            status = figures_add(&rebuild->sums, figures, 1);
    }
    figures_fold(&rebuild->sums);
    return status;
}

// The next subjects of a level after `*after`; *out_n 0 at the end.
static enum status list_subjects(struct rebuild *rebuild, int level, struct uuid *after,
                                 struct uuid *out_ids, int32_t *out_days, size_t *out_n) {
    struct db_params *params = db_params_new(rebuild->arena);
    db_param_int4(params, rebuild->computation.district);
    db_param_int4(params, (int32_t)rebuild->computation.scheme->number);
    db_param_int4(params, level);
    db_param_uuid(params, *after);
    db_param_int4(params, VERIFY_CHUNK);
    struct db_result *result = NULL;
    enum status status = db_sync_query(rebuild->computation.db, "verify_subjects", params, &result);
    *out_n = 0;
    for (int row = 0; status == STATUS_OK && row < db_rows(result); row++) {
        *after = db_uuid(result, row, 0);
        out_ids[*out_n] = *after;
        out_days[(*out_n)++] = db_date(result, row, 1);
    }
    db_sync_free_result(&result);
    return status;
}

static enum status rebuild_level(struct rebuild *rebuild, int level) {
    struct uuid after = {{0}};
    struct uuid ids[VERIFY_CHUNK];
    int32_t days[VERIFY_CHUNK];
    for (;;) {
        size_t n;
        TRY(list_subjects(rebuild, level, &after, ids, days, &n));
        if (n == 0)
            return STATUS_OK;
        size_t first = rebuild->computation.n;
        if (level == COMPUTE_PERSON)
            TRY(compute_people(&rebuild->computation, ids, days, n));
        else
            TRY(compute_units(&rebuild->computation, level, ids, days, n));
        TRY(compare_chunk(rebuild, first));
    }
}

// Standings of subjects that the ledger gives none.
static enum status compare_count(struct rebuild *rebuild) {
    struct db_params *params = db_params_new(rebuild->arena);
    db_param_int4(params, rebuild->computation.district);
    db_param_int4(params, (int32_t)rebuild->computation.scheme->number);
    struct db_result *result = NULL;
    enum status status = db_sync_query(rebuild->computation.db, "verify_count", params, &result);
    size_t n = status == STATUS_OK ? (size_t)db_int8(result, 0, 0) : 0;
    db_sync_free_result(&result);
    if (status == STATUS_OK && n > rebuild->stored) {
        rebuild->verify->result->standings_wrong += n - rebuild->stored;
        tell(rebuild->verify, "standings without a subject, e.g. in district of",
             (struct uuid){{0}}, "too many are stored");
    }
    return status;
}

static void wrong_rollup(struct rebuild *rebuild, const struct figures_key *key,
                         const char *detail) {
    char line[160];
    (void)snprintf(line, sizeof(line), "role %d, item \"%.64s\": %s", (int)key->role, key->item,
                   detail);
    rebuild->verify->result->rollups_wrong++;
    tell(rebuild->verify, "roll-up of unit", key->unit, line);
}

// Columns: unit, role, item, then the figures.
#define ROLLUP_FIRST_COLUMN 3

static enum status take_rollup(struct rebuild *rebuild, const struct db_result *result, int row,
                               struct figures_sum *out_sum) {
    out_sum->key = (struct figures_key){
        .unit = db_uuid(result, row, 0),
        .role = (int32_t)db_int8(result, row, 1),
        .item = arena_string(rebuild->arena, db_text(result, row, 2)),
    };
    for (int i = 0; i < FIGURES_COLUMNS; i++)
        out_sum->columns[i] = db_int8(result, row, ROLLUP_FIRST_COLUMN + i);
    return out_sum->key.item == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

// Both sides sorted by key, without rows of zeros.
static void compare_sums(struct rebuild *rebuild, const struct figures_sums *stored) {
    const struct figures_sums *sums = &rebuild->sums;
    size_t i = 0;
    size_t k = 0;
    while (i < sums->n || k < stored->n) {
        int order = i == sums->n ? 1
                    : k == stored->n
                        ? -1
                        : figures_key_compare(&sums->rows[i].key, &stored->rows[k].key);
        if (order < 0)
            wrong_rollup(rebuild, &sums->rows[i].key, "is missing");
        else if (order > 0)
            wrong_rollup(rebuild, &stored->rows[k].key,
                         "has figures that the ledger does not give");
        else if (memcmp(sums->rows[i].columns, stored->rows[k].columns,
                        sizeof(sums->rows[i].columns)) != 0)
            wrong_rollup(rebuild, &sums->rows[i].key, "has other figures than the ledger gives");
        i += order <= 0 ? 1 : 0;
        k += order >= 0 ? 1 : 0;
        rebuild->verify->result->rollups++;
    }
}

static enum status compare_rollups(struct rebuild *rebuild) {
    struct db_params *params = db_params_new(rebuild->arena);
    db_param_int4(params, rebuild->computation.district);
    db_param_int4(params, (int32_t)rebuild->computation.scheme->number);
    struct db_result *result = NULL;
    enum status status = db_sync_query(rebuild->computation.db, "verify_rollups", params, &result);
    struct figures_sums stored = {.arena = rebuild->arena};
    if (status == STATUS_OK) {
        stored.n = (size_t)db_rows(result);
        stored.rows = arena_array(rebuild->arena, stored.n, sizeof(*stored.rows));
        status = stored.rows == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    }
    for (size_t i = 0; status == STATUS_OK && i < stored.n; i++)
        status = take_rollup(rebuild, result, (int)i, &stored.rows[i]);
    db_sync_free_result(&result);
    if (status != STATUS_OK)
        return status;
    figures_fold(&stored); // the database sorts text by another rule than we
    compare_sums(rebuild, &stored);
    return STATUS_OK;
}

static enum status rebuild_programme(struct verify *verify, int32_t district,
                                     const struct scheme *scheme) {
    struct arena *arena = arena_new(0);
    if (arena == NULL)
        return STATUS_NO_MEMORY;
    struct rebuild rebuild = {.verify = verify,
                              .arena = arena,
                              .computation = computation_new(verify->db, arena, district, scheme),
                              .sums = {.arena = arena}};
    enum status status = rebuild_level(&rebuild, COMPUTE_PERSON);
    if (status == STATUS_OK)
        status = rebuild_level(&rebuild, COMPUTE_WORKSHOP);
    if (status == STATUS_OK)
        status = rebuild_level(&rebuild, COMPUTE_SCHOOL);
    if (status == STATUS_OK)
        status = compare_count(&rebuild);
    if (status == STATUS_OK)
        status = compare_rollups(&rebuild);
    arena_free(&arena);
    return status;
}

static enum status rebuild_districts(struct verify *verify) {
    struct db_result *result = NULL;
    enum status status = db_sync_query(verify->db, "verify_districts", NULL, &result);
    for (int row = 0; status == STATUS_OK && row < db_rows(result); row++) {
        for (size_t i = 0; status == STATUS_OK && i < verify->schemes.n; i++)
            status = rebuild_programme(verify, (int32_t)db_int8(result, row, 0),
                                       verify->schemes.entries[i].scheme);
    }
    db_sync_free_result(&result);
    return status;
}

// STATUS_AGAIN: in this snapshot the assessor has not caught up.
static enum status check_snapshot(struct verify *verify) {
    TRY(db_sync_sql(verify->db, "set transaction isolation level repeatable read, read only", NULL,
                    NULL));
    struct db_result *result = NULL;
    enum status status = db_sync_query(verify->db, "verify_waiting", NULL, &result);
    if (status == STATUS_OK)
        verify->result->waiting = (size_t)db_int8(result, 0, 0);
    db_sync_free_result(&result);
    if (status == STATUS_OK && verify->result->waiting > 0)
        return STATUS_AGAIN;
    return status;
}

static enum status run_once(struct verify *verify) {
    TRY(db_sync_begin(verify->db));
    enum status status = check_snapshot(verify);
    if (status == STATUS_OK)
        status = scheme_set_refresh(&verify->schemes, verify->db);
    if (status == STATUS_OK)
        status = rebuild_districts(verify);
    db_sync_rollback(verify->db); // nothing was written
    return status;
}

enum status verify_run(struct db_sync *db, int wait_ms, verify_line_fn on_line, void *user,
                       struct verify_result *out_result) {
    *out_result = (struct verify_result){0};
    struct verify verify = {.db = db, .on_line = on_line, .user = user, .result = out_result};
    int64_t until_ms = clock_monotonic_ms() + wait_ms;
    enum status status = run_once(&verify);
    while (status == STATUS_AGAIN && clock_monotonic_ms() < until_ms) {
        (void)poll(NULL, 0, VERIFY_POLL_MS);
        status = run_once(&verify);
    }
    scheme_set_free(&verify.schemes);
    return status;
}
