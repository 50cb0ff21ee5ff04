// The watch over the database's epoch. See epoch.h.
#include "server/epoch.h"

#include <event2/event.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "server/handlers.h"
#include "server/journal_keeper.h"
#include "server/worker.h"

// Shorter than any restore takes: an outage is seen before what comes after it is let in.
#define EPOCH_TICK_MS 400
#define START_TICKS 3 // without an answer: what needs no database is served

struct epoch {
    struct worker *worker; // borrows
    void (*started)(struct worker *worker);
    void (*ended)(struct worker *worker);
    struct event *tick;  // owns
    struct arena *arena; // owns: parameters of the question under way
    bool under_way, has_started;
    int ticks; // before the start
    enum epoch_state state;
    int64_t rights_no; // of the last answer
    struct uuid id;
};

enum { CHECK_EPOCH, CHECK_OPEN, CHECK_NO, CHECK_HASH, CHECK_RIGHTS };

static void set_state(struct epoch *epoch, enum epoch_state state) {
    if (state == EPOCH_CLOSED && epoch->state != EPOCH_CLOSED)
        log_error("the database was restored: nobody is let in before \"lianxiaoctl journal "
                  "replay\" (or \"lianxiaoctl epoch accept\"), see deploy/BACKUP.md");
    if (state == EPOCH_OPEN && epoch->state == EPOCH_CLOSED)
        log_info("the database is open again");
    epoch->state = state;
}

static void take_answer(struct epoch *epoch, struct uuid id, bool open) {
    if (!uuid_is_nil(epoch->id) && !uuid_equal(epoch->id, id)) {
        log_warning("the database has a new epoch: worker %d ends with all it knows",
                    epoch->worker->index);
        set_state(epoch, EPOCH_CLOSED);
        epoch->ended(epoch->worker);
        return;
    }
    epoch->id = id;
    set_state(epoch, open ? EPOCH_OPEN : EPOCH_CLOSED);
}

static void start(struct epoch *epoch) {
    if (!epoch->has_started)
        epoch->started(epoch->worker);
    epoch->has_started = true;
}

// A grant, an account or a device has changed: idle logins are not to wait for their turn.
static void see_rights(struct epoch *epoch, int64_t rights_no) {
    if (rights_no != epoch->rights_no && epoch->worker->handlers != NULL)
        session_check_soon(epoch->worker);
    epoch->rights_no = rights_no;
}

static void on_checked(void *user, enum status status, const struct db_result *result) {
    struct epoch *epoch = user;
    struct uuid id;
    epoch->under_way = false;
    if (epoch->worker->draining)
        return;
    if (status != STATUS_OK || db_rows(result) != 1 ||
        uuid_from_bytes(db_bytea(result, 0, CHECK_EPOCH), &id) != STATUS_OK)
        set_state(epoch, EPOCH_UNKNOWN);
    else
        take_answer(epoch, id, db_bool(result, 0, CHECK_OPEN));
    if (epoch->state == EPOCH_OPEN)
        see_rights(epoch, db_int8(result, 0, CHECK_RIGHTS));
    struct journal_keeper *journal = epoch->worker->journal;
    if (journal != NULL && epoch->state == EPOCH_OPEN)
        journal_keeper_see(journal, db_int8(result, 0, CHECK_NO));
    start(epoch);
}

static void check(struct epoch *epoch) {
    if (epoch->under_way)
        return;
    epoch->under_way = true;
    arena_reset(epoch->arena);
    struct db_params *params = db_params_new(epoch->arena);
    const struct journal_end *end = journal_keeper_end(epoch->worker->journal);
    if (end != NULL) {
        db_param_int8(params, end->no);
        db_param_bytea(params, view_from(end->hash, JOURNAL_HASH_SIZE));
    } else {
        db_param_null(params);
        db_param_null(params);
    }
    db_query(epoch->worker->auth, DB_SCOPE_NONE, "epoch_check", params, on_checked, epoch);
}

static void on_tick(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    struct epoch *epoch = user;
    if (epoch->worker->draining)
        return;
    if (!epoch->has_started && ++epoch->ticks == START_TICKS)
        start(epoch);
    if (!db_pool_is_up(epoch->worker->reads)) // what answers next may be another database
        set_state(epoch, EPOCH_UNKNOWN);
    check(epoch);
}

struct epoch *epoch_new(struct worker *worker, void (*started)(struct worker *worker),
                        void (*ended)(struct worker *worker)) {
    const struct timeval every = {0, EPOCH_TICK_MS * 1000};
    struct epoch *epoch = calloc(1, sizeof *epoch);
    if (epoch == NULL)
        return NULL;
    *epoch = (struct epoch){.worker = worker, .started = started, .ended = ended};
    epoch->arena = arena_new(0);
    epoch->tick = event_new(worker->base, -1, EV_PERSIST, on_tick, epoch);
    if (epoch->arena == NULL || epoch->tick == NULL || event_add(epoch->tick, &every) != 0) {
        epoch_free(&epoch);
        return NULL;
    }
    check(epoch);
    return epoch;
}

void epoch_free(struct epoch **epoch_at) {
    struct epoch *epoch = *epoch_at;
    if (epoch == NULL)
        return;
    *epoch_at = NULL;
    if (epoch->tick != NULL)
        event_free(epoch->tick);
    arena_free(&epoch->arena);
    free(epoch);
}

enum epoch_state epoch_state(const struct epoch *epoch) {
    return epoch->state;
}

struct uuid epoch_id(const struct epoch *epoch) {
    return epoch->id;
}
