// Batches to PostgreSQL and verdicts back. See pile_writer.h.
#include "server/pile_writer.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/wire/reason.h"
#include "common/wire/unpack.h"
#include "server/pile_columns.h"
#include "server/pile_roster.h"
#include "server/worker.h"

#define MAX_ROUTES 64

// What a callback needs to know: which route.
struct trip {
    struct pile_carrier *carrier;
    unsigned route;
};

struct pile_carrier {
    struct worker *worker; // borrows
    struct trip trips[MAX_ROUTES];
    struct arena *arenas[MAX_ROUTES];             // owns: parameters of the batch in flight
    const struct pile_batch *batches[MAX_ROUTES]; // borrows: what is in flight
    struct arena *constants;                      // owns
    struct view taken_reason;                     // packed: record id taken by other content
};

// Columns of push() and, shifted by one from the second on, of push_roster().
enum { PUSH_GROUP, PUSH_VERDICT, PUSH_OP_TO, PUSH_HEAD, PUSH_STORED, PUSH_FLAGS, PUSH_ANSWER };
enum {
    ROSTER_ROW,
    ROSTER_VERDICT,
    ROSTER_VERSION,
    ROSTER_OP_TO,
    ROSTER_HEAD,
    ROSTER_FLAGS,
    ROSTER_ANSWER
};

// The database's verdict numbers are the index.
static const enum pile_verdict VERDICTS[] = {
    PILE_VERDICT_FAILED, PILE_VERDICT_DONE,   PILE_VERDICT_REPEATED, PILE_VERDICT_PARTIAL,
    PILE_VERDICT_GAP,    PILE_VERDICT_STALE,  PILE_VERDICT_DENIED,   PILE_VERDICT_CLONED,
    PILE_VERDICT_FROZEN, PILE_VERDICT_MOVING,
};

static enum pile_verdict verdict_of(int64_t number) {
    size_t count = sizeof(VERDICTS) / sizeof(VERDICTS[0]);
    return number > 0 && number < (int64_t)count ? VERDICTS[number] : PILE_VERDICT_FAILED;
}

static void announce(struct pile_carrier *carrier, const struct pile_group *group) {
    if (group->verdict == PILE_VERDICT_DONE)
        worker_stream_moved(carrier->worker, group->stream, group->seq);
}

static enum status read_push(struct pile_carrier *carrier, const struct pile_batch *batch,
                             const struct db_result *result) {
    if ((size_t)db_rows(result) != batch->n_groups)
        return STATUS_CORRUPT;
    for (int row = 0; row < db_rows(result); row++) {
        int64_t number = db_int8(result, row, PUSH_GROUP);
        if (number < 1 || (size_t)number > batch->n_groups)
            return STATUS_CORRUPT;
        struct pile_group *group = batch->groups[number - 1];
        group->verdict = verdict_of(db_int8(result, row, PUSH_VERDICT));
        group->op_to = (uint64_t)db_int8(result, row, PUSH_OP_TO);
        group->seq = (uint64_t)db_int8(result, row, PUSH_HEAD);
        group->final_answer = db_bytea(result, row, PUSH_ANSWER);
        announce(carrier, group);
    }
    return STATUS_OK;
}

static enum status read_roster(struct pile_carrier *carrier, struct pile_group *group,
                               const struct db_result *result) {
    if (db_rows(result) == 0 || db_int8(result, 0, ROSTER_ROW) != 0)
        return STATUS_CORRUPT;
    group->verdict = verdict_of(db_int8(result, 0, ROSTER_VERDICT));
    group->op_to = (uint64_t)db_int8(result, 0, ROSTER_OP_TO);
    group->seq = (uint64_t)db_int8(result, 0, ROSTER_HEAD);
    group->final_answer = db_bytea(result, 0, ROSTER_ANSWER);
    announce(carrier, group);
    return STATUS_OK;
}

static void on_written(void *user, enum status status, const struct db_result *result) {
    const struct trip trip = *(const struct trip *)user;
    struct pile_carrier *carrier = trip.carrier;
    const struct pile_batch *batch = carrier->batches[trip.route];
    if (status == STATUS_OK) {
        status = batch->groups[0]->detail != NULL ? read_roster(carrier, batch->groups[0], result)
                                                  : read_push(carrier, batch, result);
    } else if (status != STATUS_AGAIN) {
        log_warning("push of %zu groups, %zu facts: %s, sqlstate %s", batch->n_groups,
                    batch->n_facts, status_name(status),
                    result != NULL ? db_error_sqlstate(result) : "none");
    }
    struct arena *arena = carrier->arenas[trip.route];
    carrier->batches[trip.route] = NULL;
    carrier->arenas[trip.route] = NULL;
    pile_finish(carrier->worker->pile, trip.route, status);
    arena_free(&arena);
}

static struct db_params *bind_batch(struct pile_carrier *carrier, const struct pile_batch *batch,
                                    struct arena *arena) {
    const struct pile_group *first = batch->groups[0];
    struct db_params *params = db_params_new(arena);
    if (arena == NULL)
        return params;
    enum status status = first->detail != NULL
                             ? pile_roster_bind(first, arena, params)
                             : pile_columns_bind(batch, worker_now_ms(carrier->worker), first->slow,
                                                 carrier->taken_reason, arena, params);
    return status == STATUS_OK ? params : db_params_new(NULL);
}

// Parameters that could not be made fail later, on the loop, as any other call.
static void carry(void *user, const struct pile_batch *batch) {
    struct pile_carrier *carrier = user;
    struct arena *arena = arena_new(0);
    struct trip *trip = &carrier->trips[batch->route];
    *trip = (struct trip){carrier, batch->route};
    carrier->arenas[batch->route] = arena;
    carrier->batches[batch->route] = batch;
    bool roster = batch->groups[0]->detail != NULL;
    struct db_params *params = bind_batch(carrier, batch, arena);
    db_query_routed(carrier->worker->writers, batch->route, DB_SCOPE_NONE,
                    roster ? "push_roster" : "push", params, on_written, trip);
}

static enum status make_constants(struct pile_carrier *carrier) {
    carrier->constants = arena_new(0);
    if (carrier->constants == NULL)
        return STATUS_NO_MEMORY;
    Lx__Reason *reason = reason_new(carrier->constants, REASON_RECORD_TAKEN, "fact.id", NULL);
    if (reason == NULL)
        return STATUS_NO_MEMORY;
    return unpack_pack(&reason->base, carrier->constants, &carrier->taken_reason);
}

struct pile_carrier *pile_carrier_open(struct worker *worker) {
    unsigned routes = db_pool_connections(worker->writers);
    struct pile_carrier *carrier = calloc(1, sizeof(*carrier));
    if (carrier == NULL)
        return NULL;
    carrier->worker = worker;
    if (make_constants(carrier) == STATUS_OK)
        worker->pile = pile_new(routes < MAX_ROUTES ? routes : MAX_ROUTES,
                                (struct pile_writer){carry, carrier});
    if (worker->pile == NULL)
        pile_carrier_close(&carrier);
    return carrier;
}

void pile_carrier_close(struct pile_carrier **carrier) {
    if (*carrier == NULL)
        return;
    pile_free(&(*carrier)->worker->pile);
    arena_free(&(*carrier)->constants);
    free(*carrier);
    *carrier = NULL;
}
