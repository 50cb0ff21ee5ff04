// What the handlers keep, its making and end, and the tick. See handlers.h.
#include "server/handlers.h"

#include <event2/event.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "server/pile_writer.h"
#include "server/worker.h"

// ---- units ----

enum {
    UNIT_ID,
    UNIT_PARENT,
    UNIT_LEVEL,
    UNIT_CODE,
    UNIT_NAME,
    UNIT_DISTRICT,
    UNIT_PRINTED_SIZE,
    UNIT_ATTRIBUTES,
    UNIT_SEQ
};

// A question to the database on behalf of somebody who waits for the answer (or of nobody).
struct asking {
    struct arena *arena; // owns
    struct worker *worker;
    int64_t city_head; // that the answer will contain at least
    refreshed_fn done;
    void *user;
};

static struct asking *asking_new(struct worker *worker) {
    struct arena *arena = arena_new(0);
    struct asking *asking = arena != NULL ? arena_alloc(arena, sizeof(*asking)) : NULL;
    if (asking == NULL) {
        arena_free(&arena);
        return NULL;
    }
    *asking = (struct asking){.arena = arena, .worker = worker};
    return asking;
}

static void asking_free(struct asking *asking) {
    struct arena *arena = asking->arena;
    arena_free(&arena);
}

static enum status read_units(struct handlers *handlers, const struct db_result *result) {
    for (int row = 0; row < db_rows(result); row++) {
        struct view texts[2] = {db_text(result, row, UNIT_CODE), db_text(result, row, UNIT_NAME)};
        struct uuid id = db_uuid(result, row, UNIT_ID);
        Lx__UnitLevel level = (Lx__UnitLevel)db_int8(result, row, UNIT_LEVEL);
        int32_t district = (int32_t)db_int8(result, row, UNIT_DISTRICT);
        struct uuid parent = db_uuid(result, row, UNIT_PARENT);
        // Without memory the next tick goes on from here.
        TRY(units_put(handlers->units, id, parent, level, district, texts));
        if (level == LX__UNIT_LEVEL__CITY)
            handlers->city = id;
        if (db_int8(result, row, UNIT_SEQ) > handlers->units_seq)
            handlers->units_seq = db_int8(result, row, UNIT_SEQ);
    }
    return STATUS_OK;
}

static void check_city(struct worker *worker);

static void on_units(void *user, enum status status, const struct db_result *result) {
    struct asking *asking = user;
    struct worker *worker = asking->worker;
    bool first = uuid_is_nil(worker->handlers->city);
    if (status == STATUS_OK)
        status = read_units(worker->handlers, result);
    if (first && !uuid_is_nil(worker->handlers->city))
        check_city(worker); // at the start nobody shall wait for a tick
    if (asking->done != NULL)
        asking->done(asking->user, status);
    asking_free(asking);
}

void handlers_refresh_units(struct worker *worker, refreshed_fn done, void *user) {
    struct asking *asking = asking_new(worker);
    if (asking == NULL) {
        if (done != NULL)
            done(user, STATUS_NO_MEMORY);
        return;
    }
    asking->done = done;
    asking->user = user;
    struct db_params *params = db_params_new(asking->arena);
    db_param_int8(params, worker->handlers->units_seq);
    db_query(worker->reads, DB_SCOPE_NONE, "units", params, on_units, asking);
}

// ---- schemes ----

enum { SCHEME_NUMBER, SCHEME_CODE, SCHEME_VERSION, SCHEME_BYTES };

static bool has_version(const struct scheme_cache *schemes, uint32_t number, uint32_t version) {
    size_t n = 0;
    const struct judge_programme *programmes = scheme_cache_programmes(schemes, &n);
    for (size_t i = 0; i < n; i++)
        if (programmes[i].number == number && scheme_cache_version(schemes, i) == version)
            return true;
    return false;
}

static void on_schemes(void *user, enum status status, const struct db_result *result) {
    struct asking *asking = user;
    struct handlers *handlers = asking->worker->handlers;
    enum status worst = status; // one that cannot be used keeps no other back
    for (int row = 0; status == STATUS_OK && row < db_rows(result); row++) {
        uint32_t number = (uint32_t)db_int8(result, row, SCHEME_NUMBER);
        uint32_t version = (uint32_t)db_int8(result, row, SCHEME_VERSION);
        if (has_version(handlers->schemes, number, version))
            continue;
        enum status put = scheme_cache_put(handlers->schemes, number, version,
                                           db_bytea(result, row, SCHEME_BYTES));
        if (put == STATUS_OK)
            log_info("programme %u is judged by version %u of its scheme", number, version);
        else
            worst = put;
    }
    if (asking->done != NULL) {
        asking->done(asking->user, worst);
    } else {
        handlers->city_head = status == STATUS_OK ? asking->city_head : handlers->city_head;
        handlers->city_check_under_way = false;
    }
    asking_free(asking);
}

void handlers_refresh_schemes(struct worker *worker, refreshed_fn done, void *user) {
    struct asking *asking = asking_new(worker);
    if (asking == NULL) {
        done(user, STATUS_NO_MEMORY);
        return;
    }
    asking->done = done;
    asking->user = user;
    db_query(worker->reads, DB_SCOPE_NONE, "schemes", NULL, on_schemes, asking);
}

// ---- the tick ----

enum { HEAD_STREAM, HEAD_DISTRICT, HEAD_HEAD };

// Units and schemes are rows of the city's stream: its head says whether there is anything new.
static void on_city_head(void *user, enum status status, const struct db_result *result) {
    struct asking *asking = user;
    struct worker *worker = asking->worker;
    bool moved = status == STATUS_OK && db_rows(result) > 0 &&
                 db_int8(result, 0, HEAD_HEAD) != worker->handlers->city_head;
    if (!moved) {
        worker->handlers->city_check_under_way = false;
        asking_free(asking);
        return;
    }
    asking->city_head = db_int8(result, 0, HEAD_HEAD);
    handlers_refresh_units(worker, NULL, NULL);
    db_query(worker->reads, DB_SCOPE_NONE, "schemes", NULL, on_schemes, asking);
}

static void check_city(struct worker *worker) {
    struct handlers *handlers = worker->handlers;
    if (uuid_is_nil(handlers->city)) {
        handlers_refresh_units(worker, NULL, NULL); // the city's id is among them
        return;
    }
    struct asking *asking = handlers->city_check_under_way ? NULL : asking_new(worker);
    if (asking == NULL)
        return;
    handlers->city_check_under_way = true;
    struct db_params *params = db_params_new(asking->arena);
    db_param_uuid_array(params, 1, &handlers->city, NULL);
    const struct db_scope scope = {.districts = "{0}"};
    db_query(worker->reads, scope, "heads_of", params, on_city_head, asking);
}

static void on_tick(evutil_socket_t descriptor, short what, void *user) {
    struct worker *worker = user;
    (void)descriptor;
    (void)what;
    check_city(worker);
    session_check_all(worker);
    seal_heads_refresh(worker->handlers->seal_heads, clock_monotonic_ms());
}

// ---- making and end ----

static bool start_tick(struct handlers *handlers) {
    const struct timeval interval = {.tv_sec = 0, .tv_usec = HANDLERS_TICK_MS * 1000};
    handlers->tick = event_new(handlers->worker->base, -1, EV_PERSIST, on_tick, handlers->worker);
    return handlers->tick != NULL && event_add(handlers->tick, &interval) == 0;
}

enum status handlers_open(struct worker *worker) {
    struct handlers *handlers = calloc(1, sizeof(*handlers));
    if (handlers == NULL)
        return STATUS_NO_MEMORY;
    worker->handlers = handlers;
    handlers->worker = worker;
    handlers->units = units_new();
    handlers->schemes = scheme_cache_new();
    handlers->rosters = roster_cache_new();
    handlers->seal_heads = seal_heads_new(worker);
    handlers->carrier = pile_carrier_open(worker);
    if (handlers->units == NULL || handlers->schemes == NULL || handlers->rosters == NULL ||
        handlers->seal_heads == NULL || handlers->carrier == NULL || !start_tick(handlers)) {
        handlers_close(worker);
        return STATUS_NO_MEMORY;
    }
    check_city(worker);
    return STATUS_OK;
}

void handlers_close(struct worker *worker) {
    struct handlers *handlers = worker->handlers;
    if (handlers == NULL)
        return;
    if (handlers->tick != NULL)
        event_free(handlers->tick);
    pile_carrier_close(&handlers->carrier);
    session_forget_all(handlers);
    units_free(&handlers->units);
    scheme_cache_free(&handlers->schemes);
    roster_cache_free(&handlers->rosters);
    seal_heads_free(&handlers->seal_heads);
    free(handlers);
    worker->handlers = NULL;
}

bool handlers_ready(const struct worker *worker) {
    return worker->handlers->city_head != 0;
}

bool handlers_can(struct request *request, struct uuid unit, enum capability capability) {
    const struct session *session = session_of(request);
    struct uuid path[UNITS_MAX_PATH];
    size_t n = units_path(request_worker(request)->handlers->units, unit, path);
    return session->checks_off || scope_can_over(session->scope, path, n, capability);
}
