// The one connection: everybody's statements, each under its role, its settings and the simulated
// time, as a savepoint. A savepoint is released together with the next statement, which saves a
// journey. See fake.h.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/assess/scheme.h"
#include "common/assess/scheme_yaml.h"
#include "embedded/sim_sql.h"
#include "tests/sim/fake_base.h"

#define MAX_STEPS 8
#define MAX_PREPARED 2048 // a power of two; half of it stays empty

struct step {
    const char *name; // of the prepared statement
    int n;
    const char *const *values;
    const int *lengths;
    const int *formats;
};

static PGconn *pg;              // owns
static const char *scheme_file; // borrows
static bool release_due;        // the last savepoint was good and is still open
static int timeline;            // of the cluster: a restore begins another one

static _Noreturn void die(const char *what) {
    fprintf(stderr, "lx_sim: %s: %s\n", what, PQerrorMessage(pg));
    exit(2);
}

// ---- what is prepared: by key, under short names ----

struct prepared {
    char *key; // owns; NULL: an empty place
    char name[16];
};

static struct prepared prepared[MAX_PREPARED];
static size_t n_prepared;

// Where the key stands, or the empty place for it.
static struct prepared *place_of(const char *key) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *at = key; *at != '\0'; at++)
        hash = (hash ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
    size_t place = (size_t)(hash % MAX_PREPARED);
    while (prepared[place].key != NULL && strcmp(prepared[place].key, key) != 0)
        place = (place + 1) % MAX_PREPARED;
    return &prepared[place];
}

// ---- sending ----

static PGresult *collect(size_t n) {
    PGresult *kept = NULL;
    for (size_t i = 0; i <= n;) {
        PGresult *result = PQgetResult(pg);
        if (result == NULL) {
            if (PQstatus(pg) != CONNECTION_OK)
                die("the connection is lost");
            continue;
        }
        ExecStatusType type = PQresultStatus(result);
        i++;
        bool failed = kept != NULL && result_status(kept) != STATUS_OK;
        if (type == PGRES_PIPELINE_SYNC || type == PGRES_PIPELINE_ABORTED || failed) {
            PQclear(result);
        } else {
            PQclear(kept);
            kept = result;
        }
    }
    return kept;
}

// The name under which the key's statement is prepared.
static const char *prepare(const char *key, const char *text) {
    struct prepared *place = place_of(key);
    if (place->key != NULL)
        return place->name;
    if (++n_prepared > MAX_PREPARED / 2)
        die("too many statements");
    place->key = strdup(key);
    snprintf(place->name, sizeof place->name, "s%zu", n_prepared);
    if (PQsendPrepare(pg, place->name, text, 0, NULL) != 1 || PQpipelineSync(pg) != 1)
        die("preparing");
    PGresult *result = collect(1);
    if (result_status(result) != STATUS_OK) {
        fprintf(stderr, "lx_sim: %s", PQresultErrorMessage(result));
        die(key);
    }
    PQclear(result);
    return place->name;
}

// The result of the last step, or the first error.
static PGresult *run(const struct step *steps, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (PQsendQueryPrepared(pg, steps[i].name, steps[i].n, steps[i].values, steps[i].lengths,
                                steps[i].formats, 1) != 1)
            die("sending");
    if (PQpipelineSync(pg) != 1)
        die("sending");
    return collect(n);
}

static void run_simple(const char *text) {
    PGresult *result = run(&(struct step){.name = prepare(text, text)}, 1);
    if (result_status(result) != STATUS_OK)
        die(text);
    PQclear(result);
}

// ---- transactions of the product ----

// The role is set last: the others are nothing that it must be allowed to set.
#define SET_TEXT                                                                                   \
    "select set_config('lianxiao.districts', $1, true), set_config('lianxiao.streams', $2, "       \
    "true), set_config('lianxiao.person', $3, true), set_config('sim.now', $4, true), "            \
    "set_config('sim.timeline', $5, true), set_config('role', $6, true)"
#define SAVEPOINT "savepoint lx"
#define RELEASE "release savepoint lx"
#define SETTINGS 6

// A transaction that was begun and not told to the database yet: it goes with its first statement,
// which saves a journey.
static struct {
    bool due;
    char *values[SETTINGS]; // own
} beginning;

static void drop_beginning(void) {
    for (size_t i = 0; i < SETTINGS; i++)
        free(beginning.values[i]);
    memset(&beginning, 0, sizeof beginning);
}

void base_begin(const char *role, struct db_scope scope) {
    char now[32], line[16];
    snprintf(line, sizeof line, "%d", timeline);
    snprintf(now, sizeof now, "%" PRId64, sim_wall_ms() * 1000 + sim_now_us() % 1000);
    const char *const values[SETTINGS] = {
        scope.districts, scope.streams, scope.person, now, line, role};
    for (size_t i = 0; i < SETTINGS; i++)
        beginning.values[i] = strdup(values[i] != NULL ? values[i] : "");
    beginning.due = true;
}

static size_t add_begin(struct step *steps) {
    size_t n = 0;
    if (!beginning.due)
        return 0;
    if (release_due)
        steps[n++] = (struct step){.name = prepare(RELEASE, RELEASE)};
    release_due = false;
    steps[n++] = (struct step){.name = prepare(SAVEPOINT, SAVEPOINT)};
    steps[n++] = (struct step){.name = prepare(SET_TEXT, SET_TEXT),
                               .n = SETTINGS,
                               .values = (const char *const *)beginning.values};
    return n;
}

// now() and its like become the simulation's.
static char *own_time(const char *text) {
    static const char *const names[] = {"pg_catalog.clock_timestamp()", "clock_timestamp()",
                                        "statement_timestamp()", "transaction_timestamp()",
                                        "now()"};
    char *out = calloc(1, strlen(text) * 2 + 64);
    size_t n = 0;
    if (out == NULL)
        abort();
    while (*text != '\0') {
        const char *found = NULL;
        for (size_t i = 0; i < sizeof names / sizeof names[0] && found == NULL; i++)
            if (strncmp(text, names[i], strlen(names[i])) == 0)
                found = names[i];
        if (found == NULL) {
            out[n++] = *text++;
            continue;
        }
        n += (size_t)sprintf(out + n, "lx.sim_now()");
        text += strlen(found);
    }
    return out;
}

// A statement of a role: what row level security adds is part of its plan.
static const char *statement_step(const char *role, const char *name, const char *text) {
    size_t size = strlen(role) + strlen(name) + 2;
    char *key = malloc(size);
    if (key == NULL)
        abort();
    snprintf(key, size, "%s:%s", role, name);
    const char *found = place_of(key)->name;
    if (found[0] == '\0') {
        char *changed = own_time(text);
        found = prepare(key, changed);
        free(changed);
    }
    free(key);
    return found;
}

PGresult *base_query(const char *role, const char *name, const char *text,
                     const struct db_params *params) {
    struct step steps[MAX_STEPS];
    const char *key = statement_step(role, name, text);
    size_t n = add_begin(steps);
    steps[n] = (struct step){.name = key};
    if (params != NULL)
        steps[n] = (struct step){key, params->n, params->values, params->lengths, params->formats};
    count(COUNT_QUERIES);
    PGresult *result = run(steps, n + 1);
    drop_beginning();
    return result;
}

void base_commit(void) {
    release_due = release_due || !beginning.due;
    drop_beginning();
}

void base_rollback(void) {
    if (!beginning.due) {
        run_simple("rollback to savepoint lx");
        run_simple(RELEASE);
    }
    drop_beginning();
}

PGresult *base_transact(const char *role, struct db_scope scope, int statement,
                        const struct db_params *params) {
    base_begin(role, scope);
    PGresult *result =
        base_query(role, statement_name(statement), statement_text(statement), params);
    if (result_status(result) == STATUS_OK)
        base_commit();
    else
        base_rollback();
    return result;
}

// ---- the simulation's own questions ----

struct db_result *base_ask(const char *sql, struct db_params *params) {
    base_begin("none", DB_SCOPE_NONE);
    PGresult *pg_result = base_query("none", sql, sql, params);
    if (result_status(pg_result) != STATUS_OK) {
        finding("the simulation's own statement failed: %s: %s", sql,
                PQresultErrorMessage(pg_result));
        PQclear(pg_result);
        base_rollback();
        return NULL;
    }
    base_commit();
    struct db_result *result = calloc(1, sizeof *result);
    if (result == NULL)
        abort();
    result->pg = pg_result;
    return result;
}

void base_free(struct db_result **result) {
    if (*result != NULL)
        PQclear((*result)->pg);
    free(*result);
    *result = NULL;
}

int64_t base_number(const char *sql) {
    struct db_result *result = base_ask(sql, NULL);
    int64_t number = result != NULL && db_rows(result) > 0 ? db_int8(result, 0, 0) : -1;
    base_free(&result);
    return number;
}

// ---- the life of a seed ----

static int backups;

static void run_script(const char *text) {
    if (PQexitPipelineMode(pg) != 1)
        die("leaving the pipeline");
    PGresult *result = PQexec(pg, text);
    ExecStatusType type = PQresultStatus(result);
    if (type != PGRES_COMMAND_OK && type != PGRES_TUPLES_OK)
        die("script");
    PQclear(result);
    if (PQenterPipelineMode(pg) != 1)
        die("entering the pipeline");
}

void base_seed_begin(uint64_t seed) {
    char text[64];
    run_script("begin; set constraints all immediate"); // what waits for a commit waits for ever
    snprintf(text, sizeof text, "select setseed(%.6f)", (double)(seed % 1000003) / 1000003.0);
    run_script(text);
    release_due = false;
    backups = 0;
    timeline = 1;
}

void base_seed_end(void) {
    run_script("rollback");
    release_due = false;
}

void base_vacuum(void) {
    run_script("vacuum");
}

static void release_now(void) {
    if (release_due)
        run_simple(RELEASE);
    release_due = false;
}

int base_backup(void) {
    char text[64];
    release_now();
    snprintf(text, sizeof text, "savepoint backup_%d", ++backups);
    run_script(text);
    return backups;
}

void base_restore(int backup) {
    char text[64];
    release_now();
    snprintf(text, sizeof text, "rollback to savepoint backup_%d", backup);
    run_script(text);
    backups = backup;
    timeline++;
}

// ---- the city ----

// The file's scheme under another number of its version, packed; lives in the arena.
static struct view read_scheme(unsigned version, struct arena *arena, const struct scheme **out) {
    static char text[256 * 1024];
    FILE *file = fopen(scheme_file, "re");
    size_t size = file != NULL ? fread(text, 1, sizeof text, file) : 0;
    const char *error = NULL;
    struct view bytes;
    if (file != NULL)
        fclose(file);
    if (size == 0 ||
        scheme_yaml_compile(view_from(text, size), scheme_file, arena, out, &error) != STATUS_OK)
        die(error != NULL ? error : scheme_file);
    Lx__Scheme source = *(*out)->source;
    source.has_version = 1;
    source.version = version;
    if (scheme_pack(&source, arena, &bytes) != STATUS_OK)
        die(scheme_file);
    return bytes;
}

static void start_programme(void) {
    struct arena *arena = arena_new(0);
    const struct scheme *scheme = NULL;
    struct view bytes = read_scheme(1, arena, &scheme);
    struct db_params *params = db_params_new(arena);
    db_param_int4(params, (int32_t)scheme->number);
    db_param_string(params, scheme->code);
    db_param_bytea(params, bytes);
    struct db_result *result = base_ask(
        "select verdict from lx.programme_start('sim', md5('programme')::uuid, $1, $2, 1, $3)",
        params);
    if (result == NULL || db_int8(result, 0, 0) != 1)
        die("starting the programme");
    base_free(&result);
    arena_free(&arena);
}

void base_load_scheme(unsigned version) {
    struct arena *arena = arena_new(0);
    const struct scheme *scheme = NULL;
    struct view bytes = read_scheme(version, arena, &scheme);
    struct db_params *params = db_params_new(arena);
    db_param_string(params, scheme->code);
    db_param_int4(params, (int32_t)version);
    db_param_bytea(params, bytes);
    struct db_result *result =
        base_ask("select verdict from lx.scheme_load('sim', $1, $2, $3)", params);
    trace("scheme version %u is loaded: verdict %d", version,
          result != NULL ? (int)db_int8(result, 0, 0) : -1);
    count(COUNT_SCHEME);
    base_free(&result);
    arena_free(&arena);
}

static void build_city(void) {
    run_script("begin");
    for (size_t i = 0; i < sim_sql_count; i++) // time.sql is first by name: 1_time, 2_city, ...
        if (sim_sql[i].name[0] < '5')
            run_script(sim_sql[i].text);
    start_programme();
    for (size_t i = 0; i < sim_sql_count; i++)
        if (sim_sql[i].name[0] >= '5')
            run_script(sim_sql[i].text);
    release_now();
    run_script("commit");
    run_script("analyze");
}

enum status base_open(const char *dsn, const char *scheme_path) {
    scheme_file = scheme_path;
    pg = PQconnectdb(dsn);
    if (PQstatus(pg) != CONNECTION_OK || PQenterPipelineMode(pg) != 1) {
        fprintf(stderr, "lx_sim: %s", PQerrorMessage(pg));
        return STATUS_IO;
    }
    run_script("set search_path = lx; set jit = off; set enable_seqscan = off;"
               "set plan_cache_mode = force_generic_plan; set client_min_messages = warning;"
               "set timezone = 'UTC'; set max_parallel_workers_per_gather = 0");
    PGresult *result = PQexitPipelineMode(pg) == 1
                           ? PQexec(pg, "select 1 from pg_proc where proname = 'sim_now'")
                           : NULL;
    bool built = PQntuples(result) > 0;
    PQclear(result);
    if (PQenterPipelineMode(pg) != 1)
        return STATUS_IO;
    if (!built)
        run_script("begin; create function lx.sim_now() returns timestamptz stable language sql as "
                   "$$ select to_timestamp(0) + current_setting('sim.now')::int8 * interval '1 "
                   "microsecond' $$; commit");
    if (!built)
        build_city();
    return STATUS_OK;
}

void base_close(void) {
    PQfinish(pg);
    for (size_t i = 0; i < MAX_PREPARED; i++)
        free(prepared[i].key);
}
