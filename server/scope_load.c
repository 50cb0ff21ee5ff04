// Reads a person's scope from the database: rows of scope_of to struct scope.
#include <stdlib.h>

#include "server/session.h"
#include "server/worker.h"

enum {
    COLUMN_KIND,
    COLUMN_VERSION,
    COLUMN_ID,
    COLUMN_ROLE,
    COLUMN_UNIT,
    COLUMN_LEVEL,
    COLUMN_DISTRICT,
    COLUMN_FROM,
    COLUMN_UNTIL
};

enum { ROW_GRANT = 1, ROW_STREAM = 2, ROW_ENDED_GRANT = 3 };

struct loading {
    struct arena *arena; // owns
    struct uuid person;
    scope_done_fn done;
    void *user;
};

static struct scope_grant read_grant(const struct db_result *result, int row) {
    return (struct scope_grant){
        .id = db_uuid(result, row, COLUMN_ID),
        .role = (Lx__Role)db_int8(result, row, COLUMN_ROLE),
        .unit = db_uuid(result, row, COLUMN_UNIT),
        .level = (int32_t)db_int8(result, row, COLUMN_LEVEL),
        .district = (int32_t)db_int8(result, row, COLUMN_DISTRICT),
        .from_ms = db_timestamptz_ms(result, row, COLUMN_FROM),
        .until_ms = db_is_null(result, row, COLUMN_UNTIL)
                        ? 0
                        : db_timestamptz_ms(result, row, COLUMN_UNTIL),
    };
}

static struct scope_stream read_stream(const struct db_result *result, int row) {
    return (struct scope_stream){
        .id = db_uuid(result, row, COLUMN_ID),
        .level = (int32_t)db_int8(result, row, COLUMN_LEVEL),
        .district = (int32_t)db_int8(result, row, COLUMN_DISTRICT),
    };
}

// Sorts the rows into three arrays that each have room for all of them.
static void sort_rows(const struct db_result *result, struct scope_rows *rows,
                      struct scope_grant *grants, struct scope_grant *ended,
                      struct scope_stream *streams) {
    for (int row = 0; row < db_rows(result); row++) {
        int64_t kind = db_int8(result, row, COLUMN_KIND);
        if (kind == ROW_GRANT)
            grants[rows->n_grants++] = read_grant(result, row);
        else if (kind == ROW_ENDED_GRANT)
            ended[rows->n_ended++] = read_grant(result, row);
        else if (kind == ROW_STREAM)
            streams[rows->n_streams++] = read_stream(result, row);
    }
    rows->grants = grants;
    rows->ended = ended;
    rows->streams = streams;
}

static enum status read_scope(struct uuid person, const struct db_result *result,
                              struct scope **out_scope) {
    size_t room = (size_t)db_rows(result) + 1;
    struct scope_rows rows = {.person = person};
    struct scope_grant *grants = calloc(room, sizeof(*grants));
    struct scope_grant *ended = calloc(room, sizeof(*ended));
    struct scope_stream *streams = calloc(room, sizeof(*streams));
    enum status status = STATUS_NO_MEMORY;
    if (grants != NULL && ended != NULL && streams != NULL) {
        sort_rows(result, &rows, grants, ended, streams);
        rows.version = room > 1 ? (uint64_t)db_int8(result, 0, COLUMN_VERSION) : 0;
        status = scope_new(&rows, out_scope);
    }
    free(grants);
    free(ended);
    free(streams);
    return status;
}

static void on_rows(void *user, enum status status, const struct db_result *result) {
    struct loading *loading = user;
    struct scope *scope = NULL;
    if (status == STATUS_OK)
        status = read_scope(loading->person, result, &scope);
    struct arena *arena = loading->arena;
    loading->done(loading->user, status, scope);
    arena_free(&arena);
}

void scope_load(struct worker *worker, struct uuid person, scope_done_fn done, void *user) {
    struct arena *arena = arena_new(0);
    struct loading *loading = arena != NULL ? arena_alloc(arena, sizeof(*loading)) : NULL;
    if (loading == NULL) {
        arena_free(&arena);
        done(user, STATUS_NO_MEMORY, NULL);
        return;
    }
    *loading = (struct loading){arena, person, done, user};
    struct db_params *params = db_params_new(arena);
    db_param_uuid(params, person);
    db_query(worker->auth, DB_SCOPE_NONE, "scope_of", params, on_rows, loading);
}
