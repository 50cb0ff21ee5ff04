// The loop of the assessor: wait to be woken or for a fifth of a second, ask which districts have
// something to do, run a round for each. Owns its database connection and the compiled schemes.
#include "server/assessor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "server/assessor/round.h"
#include "server/audit/sealer.h"
#include "server/config.h"
#include "server/db/sync.h"

// Without a wake (another node's push, or none): one cheap query so often.
#define POLL_MS 200
// Turns start no closer than this, so that a stream of pushes is folded in heaps.
#define TURN_MS 20
// While pushes come, a turn is followed by a rest, since pushes wait for the same heads and
// processors: of three times its own length, at most so long, when nothing is left to do, and of a
// third when others wait already.
#define REST_MOST_MS 100
// After a failure and between attempts to connect, growing.
#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS 5000
// The most when it was one district that failed: the others' figures are to be true within a
// second.
#define RETRY_BESIDE_MS 400

static volatile sig_atomic_t stopping;

static void on_stop(int number) {
    (void)number;
    stopping = 1;
}

struct assessor {
    const struct config *config; // borrows
    int wake_fd;
    struct db_sync *db; // owns; NULL: not connected
    struct scheme_set schemes;
    struct sealer *sealer; // owns; NULL: this node seals nothing
    int retry_ms;
    int64_t prune_at_ms; // monotonic
};

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_stop}; // no SA_RESTART: poll must return
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

// Waits until woken, the time is over or the process shall stop.
static void wait_for_work(const struct assessor *assessor, int timeout_ms) {
    struct pollfd fd = {.fd = assessor->wake_fd, .events = POLLIN};
    if (poll(&fd, 1, timeout_ms) <= 0 || (fd.revents & POLLIN) == 0)
        return;
    uint64_t count;
    ssize_t got = read(assessor->wake_fd, &count, sizeof(count));
    (void)got; // woken is woken
}

// After a failure: a break that grows; a broken connection is closed.
static void step_back(struct assessor *assessor, const char *what, enum status status) {
    log_warning("assessor: %s: %s%s%s", what, status_name(status),
                assessor->db == NULL ? "" : ", sqlstate ",
                assessor->db == NULL ? "" : db_sync_sqlstate(assessor->db));
    if (assessor->db != NULL && db_sync_is_broken(assessor->db))
        db_sync_close(&assessor->db);
    struct pollfd none = {.fd = -1};
    if (stopping == 0)
        (void)poll(&none, 1, assessor->retry_ms);
    assessor->retry_ms *= 2;
    if (assessor->retry_ms > RETRY_MOST_MS)
        assessor->retry_ms = RETRY_MOST_MS;
}

static enum status connect_database(struct assessor *assessor) {
    char error[256] = "";
    enum status status = db_sync_open(assessor->config->dsn_assessor, "lianxiaod assessor",
                                      &assessor->db, error, sizeof(error));
    if (status != STATUS_OK)
        log_warning("assessor: database: %s", error);
    else
        log_info("assessor: connected");
    return status;
}

// Numbers of the districts that have something to do, at most `size`. The statement moves the
// watermarks of all others.
static enum status find_due(struct assessor *assessor, int32_t *out_districts, size_t size,
                            size_t *out_n) {
    struct db_result *result = NULL;
    enum status status = db_sync_query(assessor->db, "assessor_due", NULL, &result);
    *out_n = 0;
    for (int row = 0; status == STATUS_OK && row < db_rows(result) && *out_n < size; row++) {
        if (!db_is_null(result, row, 0))
            out_districts[(*out_n)++] = (int32_t)db_int8(result, row, 0);
    }
    db_sync_free_result(&result);
    return status;
}

struct turn {
    bool more;   // something is left to do
    bool pushed; // somebody has pushed since the turn before
};

// One live round, and one of the rescoring lane when the live one left nothing.
static enum status serve_district(struct assessor *assessor, int32_t district, struct turn *turn) {
    struct round_report report;
    TRY(round_run(assessor->db, &assessor->schemes, district, ROUND_LANE_LIVE, &report));
    turn->pushed = turn->pushed || report.concerned > 0;
    if (report.taken && !report.live && report.rescore > 0)
        TRY(round_run(assessor->db, &assessor->schemes, district, ROUND_LANE_RESCORE, &report));
    if (report.taken && (report.live || report.rescore > 0))
        turn->more = true;
    return STATUS_OK;
}

// Most districts of a city: a prefecture has a dozen.
#define MOST_DISTRICTS 1000
// Steps of transfers between districts in one turn.
#define MOST_STEPS 100

// News of transfers between districts, a step a transaction; what is left comes next turn.
static enum status carry_transfers(struct assessor *assessor) {
    bool done = true;
    for (int step = 0; step < MOST_STEPS && done && stopping == 0; step++) {
        struct db_result *result = NULL;
        TRY(db_sync_query(assessor->db, "transit_carry", NULL, &result));
        done = db_bool(result, 0, 0);
        db_sync_free_result(&result);
    }
    return STATUS_OK;
}

// ---- the audit chain ----

static void open_sealer(struct assessor *assessor) {
    const struct config *config = assessor->config;
    struct sealer_options options = {.key_path = config->audit_key,
                                     .interval_ms = config->audit_interval_ms};
    char error[512] = "";
    if (config->audit_key[0] == '\0') {
        log_warning("assessor: audit_key is not set, so the audit is not sealed");
        return;
    }
    enum status status = seal_algorithm_parse(config->audit_hash, &options.algorithm);
    if (status == STATUS_OK)
        status = sealer_open(&options, &assessor->sealer, error, sizeof error);
    if (status != STATUS_OK)
        log_error("assessor: the audit is not sealed: %s", error);
}

// Figures go on when sealing fails: what is unsealed stays so until the next turn.
static void seal(struct assessor *assessor, bool at_once) {
    if (assessor->sealer == NULL || assessor->db == NULL)
        return;
    enum status status = sealer_turn(assessor->sealer, assessor->db, clock_monotonic_ms(), at_once);
    if (status == STATUS_OK)
        return;
    log_warning("assessor: sealing: %s, sqlstate %s", status_name(status),
                db_sync_sqlstate(assessor->db));
    if (db_sync_is_broken(assessor->db))
        db_sync_close(&assessor->db);
}

// Tombstones older than that are removed; a client that was away for longer begins its streams
// anew.
#define TOMBSTONE_DAYS 400
#define PRUNE_MS (60 * 60 * 1000)

static enum status prune(struct assessor *assessor) {
    int64_t now_ms = clock_monotonic_ms();
    if (now_ms < assessor->prune_at_ms)
        return STATUS_OK;
    assessor->prune_at_ms = now_ms + PRUNE_MS;
    struct arena *arena = arena_new(0);
    struct db_params *params = db_params_new(arena);
    db_param_int4(params, TOMBSTONE_DAYS);
    enum status status = db_sync_query(assessor->db, "prune", params, NULL);
    // Where a journal is kept, it forgets what it has (security_events).
    if (status == STATUS_OK && assessor->config->security_journal[0] == '\0')
        status = db_sync_query(assessor->db, "security_forget", db_params_new(arena), NULL);
    arena_free(&arena);
    return status;
}

static enum status take_turn(struct assessor *assessor, struct turn *turn) {
    int32_t districts[MOST_DISTRICTS];
    size_t n;
    enum status carried = carry_transfers(assessor);
    if (carried == STATUS_OK)
        carried = prune(assessor);
    if (carried != STATUS_OK && db_sync_is_broken(assessor->db))
        return carried;
    if (carried != STATUS_OK) // figures need no transfers
        log_error("assessor: transfers not carried, or tombstones not removed: %s, sqlstate %s",
                  status_name(carried), db_sync_sqlstate(assessor->db));
    TRY(find_due(assessor, districts, MOST_DISTRICTS, &n));
    if (n == 0)
        return STATUS_OK;
    TRY(scheme_set_refresh(&assessor->schemes, assessor->db));
    enum status worst = STATUS_OK;
    for (size_t i = 0; i < n && stopping == 0; i++) {
        enum status status = serve_district(assessor, districts[i], turn);
        if (status == STATUS_OK)
            continue;
        // One district's trouble must not keep the others waiting.
        log_error("assessor: district %d: %s, sqlstate %s", districts[i], status_name(status),
                  db_sync_sqlstate(assessor->db));
        worst = status;
        if (db_sync_is_broken(assessor->db))
            return status;
        if (assessor->retry_ms > RETRY_BESIDE_MS)
            assessor->retry_ms = RETRY_BESIDE_MS;
    }
    return worst;
}

// How long the next turn has to wait, the last one having worked so long.
static int64_t rest_ms(const struct turn *turn, int64_t worked_ms) {
    if (!turn->pushed)
        return 0;
    int64_t rest = turn->more ? worked_ms / 3 : worked_ms * 3;
    return rest < REST_MOST_MS ? rest : REST_MOST_MS;
}

static void run_turns(struct assessor *assessor) {
    while (stopping == 0) {
        int64_t started_ms = clock_monotonic_ms();
        struct turn turn = {0};
        enum status status = assessor->db == NULL ? connect_database(assessor) : STATUS_OK;
        if (status == STATUS_OK)
            status = take_turn(assessor, &turn);
        if (status == STATUS_OK)
            seal(assessor, false);
        if (status != STATUS_OK) {
            step_back(assessor, "turn", status);
            continue;
        }
        assessor->retry_ms = RETRY_FIRST_MS;
        int64_t ended_ms = clock_monotonic_ms();
        int64_t next_ms = ended_ms + rest_ms(&turn, ended_ms - started_ms);
        if (!turn.more) {
            wait_for_work(assessor, POLL_MS);
            if (next_ms < started_ms + TURN_MS)
                next_ms = started_ms + TURN_MS;
        }
        int64_t left_ms = next_ms - clock_monotonic_ms();
        if (left_ms > 0)
            (void)usleep((useconds_t)left_ms * 1000);
    }
}

int assessor_run(const struct config *config, int wake_fd) {
    stopping = 0;
    catch_signals();
    struct assessor assessor = {.config = config, .wake_fd = wake_fd, .retry_ms = RETRY_FIRST_MS};
    open_sealer(&assessor);
    run_turns(&assessor);
    seal(&assessor, true); // what the last second brought
    sealer_free(&assessor.sealer);
    scheme_set_free(&assessor.schemes);
    db_sync_close(&assessor.db);
    log_info("assessor: stopped");
    return 0;
}
