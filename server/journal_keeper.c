// Rounds: ask the database for events behind the journal's end, append them on a thread of their
// own, tell those who waited when the question was put. Those who come meanwhile share the next
// round. See journal_keeper.h.
#include "server/journal_keeper.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "server/request_internal.h"
#include "server/thread_pool.h"
#include "server/worker.h"

#define EVENTS_PER_ROUND 500

struct journal_keeper {
    struct worker *worker;       // borrows
    struct thread_pool *threads; // owns: one thread, its own, since passwords may keep the others
    struct arena *arena;         // owns: the round's events
    struct journal_event *events;
    size_t n_events;
    bool under_way, again, is_broken, closing;
    bool is_full; // the round's question was answered up to its limit
    struct journal_end end;
    struct journal_end appended; // the thread's, as the next two, while it works
    enum status status;
    char error[JOURNAL_ERROR_SIZE];
    struct request *waiting; // for the next round
    struct request *served;  // by this one
};

enum { EVENT_NO, EVENT_AT_MS, EVENT_WHAT, EVENT_BODY, EVENT_HASH, EVENT_BEFORE };

static void begin(struct journal_keeper *keeper);
static void ask(struct journal_keeper *keeper);

// ---- who waits ----

static void answer_all(struct request *list, enum status status) {
    while (list != NULL) {
        struct request *request = list;
        list = request->next_held;
        request->next_held = NULL;
        request->held_done(request, status);
    }
}

static void fail_waiting(struct journal_keeper *keeper) {
    struct request *waiting = keeper->waiting;
    keeper->waiting = NULL;
    answer_all(waiting, STATUS_AGAIN);
}

static void end_round(struct journal_keeper *keeper, enum status status) {
    struct request *served = keeper->served;
    keeper->under_way = false;
    keeper->served = NULL;
    if (status != STATUS_OK && !keeper->is_broken)
        log_error("the security journal can't be written, so nothing that concerns logins, grants "
                  "and devices is acknowledged: %s",
                  keeper->error);
    if (status == STATUS_OK && keeper->is_broken)
        log_info("the security journal is written again");
    keeper->is_broken = status != STATUS_OK;
    answer_all(served, status);
    if (status != STATUS_OK)
        fail_waiting(keeper);
    else if ((keeper->waiting != NULL || keeper->again) && !keeper->closing)
        begin(keeper);
}

// ---- appending ----

static void append(void *user) {
    struct journal_keeper *keeper = user;
    keeper->status = journal_append(keeper->worker->config->security_journal, keeper->events,
                                    keeper->n_events, &keeper->appended, keeper->error);
}

static void on_appended(void *user) {
    struct journal_keeper *keeper = user;
    if (keeper->status == STATUS_OK)
        keeper->end = keeper->appended;
    if (keeper->status == STATUS_OK && keeper->is_full && !keeper->closing)
        ask(keeper);
    else
        end_round(keeper, keeper->status);
}

static void submit(struct journal_keeper *keeper) {
    keeper->status = STATUS_AGAIN;
    if (thread_pool_submit(keeper->threads, append, on_appended, keeper) != STATUS_OK)
        end_round(keeper, STATUS_AGAIN);
}

// ---- what is new ----

static struct view keep(struct arena *arena, struct view bytes) {
    void *copy = arena_alloc(arena, bytes.size + 1);
    return copy != NULL ? view_from(memcpy(copy, bytes.data, bytes.size), bytes.size)
                        : (struct view){NULL, 0};
}

static bool read_event(struct journal_keeper *keeper, const struct db_result *result, int row) {
    struct journal_event *event = &keeper->events[row];
    struct view hash = db_bytea(result, row, EVENT_HASH);
    struct view before = db_bytea(result, row, EVENT_BEFORE);
    *event = (struct journal_event){
        .no = db_int8(result, row, EVENT_NO),
        .at_ms = db_int8(result, row, EVENT_AT_MS),
        .what = keep(keeper->arena, db_text(result, row, EVENT_WHAT)),
        .body = keep(keeper->arena, db_text(result, row, EVENT_BODY)),
    };
    if (hash.size != JOURNAL_HASH_SIZE || before.size != JOURNAL_HASH_SIZE ||
        event->what.data == NULL || event->body.data == NULL)
        return false;
    memcpy(event->hash, hash.data, JOURNAL_HASH_SIZE);
    memcpy(event->before, before.data, JOURNAL_HASH_SIZE);
    return true;
}

static enum status read_events(struct journal_keeper *keeper, const struct db_result *result) {
    size_t n = (size_t)db_rows(result);
    keeper->n_events = 0;
    keeper->is_full = n == EVENTS_PER_ROUND;
    keeper->events = arena_array(keeper->arena, n + 1, sizeof *keeper->events);
    if (keeper->events == NULL)
        return STATUS_NO_MEMORY;
    for (; keeper->n_events < n; keeper->n_events++)
        if (!read_event(keeper, result, (int)keeper->n_events))
            return STATUS_NO_MEMORY;
    return STATUS_OK;
}

static void on_events(void *user, enum status status, const struct db_result *result) {
    struct journal_keeper *keeper = user;
    if (status == STATUS_OK)
        status = read_events(keeper, result);
    if (status != STATUS_OK) {
        strcpy(keeper->error, status_name(status));
        end_round(keeper, status);
    } else if (keeper->n_events > 0) {
        submit(keeper);
    } else {
        end_round(keeper, STATUS_OK);
    }
}

static void ask(struct journal_keeper *keeper) {
    arena_reset(keeper->arena);
    struct db_params *params = db_params_new(keeper->arena);
    db_param_int8(params, keeper->end.no);
    db_param_int4(params, EVENTS_PER_ROUND);
    db_query(keeper->worker->auth, DB_SCOPE_NONE, "security_events", params, on_events, keeper);
}

static void begin(struct journal_keeper *keeper) {
    keeper->under_way = true;
    keeper->again = false;
    keeper->served = keeper->waiting;
    keeper->waiting = NULL;
    ask(keeper);
}

// ---- for others ----

void journal_keeper_see(struct journal_keeper *keeper, int64_t no) {
    if (no <= keeper->end.no && !keeper->is_broken)
        return;
    keeper->again = keeper->under_way;
    if (!keeper->under_way)
        begin(keeper);
}

void journal_keeper_wait(struct journal_keeper *keeper, struct request *request,
                         journal_done_fn done) {
    request->held_done = done;
    request->next_held = keeper->waiting;
    keeper->waiting = request;
    if (!keeper->under_way)
        begin(keeper);
}

const struct journal_end *journal_keeper_end(const struct journal_keeper *keeper) {
    return keeper != NULL && !keeper->is_broken && keeper->end.no > 0 ? &keeper->end : NULL;
}

enum status journal_keeper_open(struct worker *worker, struct journal_keeper **out_keeper) {
    *out_keeper = NULL;
    if (worker->config->security_journal[0] == '\0')
        return STATUS_OK;
    struct journal_keeper *keeper = calloc(1, sizeof *keeper);
    if (keeper == NULL)
        return STATUS_NO_MEMORY;
    keeper->worker = worker;
    keeper->arena = arena_new(0);
    keeper->threads = thread_pool_new(worker->base, 1, 1);
    *out_keeper = keeper;
    if (keeper->arena == NULL || keeper->threads == NULL)
        return STATUS_NO_MEMORY;
    append(keeper); // of nothing: where does it end?
    on_appended(keeper);
    return STATUS_OK;
}

void journal_keeper_free(struct journal_keeper **keeper_at) {
    struct journal_keeper *keeper = *keeper_at;
    if (keeper == NULL)
        return;
    *keeper_at = NULL;
    keeper->closing = true;
    thread_pool_free(&keeper->threads);
    fail_waiting(keeper);
    arena_free(&keeper->arena);
    free(keeper);
}
