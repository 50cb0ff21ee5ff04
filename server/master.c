// Supervision. The listening sockets stay open here, so connections that wait at a killed worker's
// socket are served by its replacement. Signals are taken one by one with sigwaitinfo: nothing runs
// in a handler.
#include "server/master.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "server/assessor.h"
#include "server/log_level.h"
#include "server/shared.h"
#include "server/sockets.h"
#include "server/worker.h"

#define RESTART_PAUSE_MS 1000 // of a process that did not live longer than that
#define KILL_AFTER_MS 5000    // behind the drain's own limit

struct child {
    pid_t pid; // 0: not running
    int64_t started_at_ms;
    int64_t restart_at_ms; // when not running
    bool is_assessor;
    int index;     // of a worker
    int listen_fd; // owns, of a worker
};

struct master {
    struct config *config;              // borrows
    const struct config_source *source; // borrows
    struct shared *shared;              // owns
    struct child children[SHARED_MAX_WORKERS + 1];
    int n_children;
    int64_t kill_at_ms; // 0: not stopping
};

static int count_workers(const struct config *config) {
    if (config->workers > 0)
        return config->workers;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int workers = (int)((processors + 3) / 4); // the database costs twenty times the front end
    return workers < 1 ? 1 : workers > SHARED_MAX_WORKERS ? SHARED_MAX_WORKERS : workers;
}

// One socket a worker, all of one port.
static enum status open_sockets(struct master *master, int workers) {
    int fds[SHARED_MAX_WORKERS];
    enum status status = sockets_open(master->config, workers, fds);
    for (int i = 0; i < workers; i++)
        master->children[master->n_children++] = (struct child){.index = i, .listen_fd = fds[i]};
    return status;
}

// ---- children ----

static int run_child(struct master *master, const struct child *child) {
    char name[16]; // what ps shows
    if (child->is_assessor)
        strcpy(name, "assessor");
    else
        snprintf(name, sizeof name, "worker %d", child->index);
    prctl(PR_SET_NAME, name);
    // The others' sockets are not ours to hold: whoever connects to one that outlives its worker
    // and the master waits for nobody.
    for (int i = 0; i < master->n_children; i++)
        if (&master->children[i] != child && !master->children[i].is_assessor)
            close(master->children[i].listen_fd);
    if (child->is_assessor)
        return assessor_run(master->config, master->shared->assessor_wake);
    return worker_run(master->config, master->source, master->shared, child->listen_fd,
                      child->index);
}

static void start(struct master *master, struct child *child) {
    pid_t parent = getpid();
    child->started_at_ms = clock_monotonic_ms();
    pid_t pid = fork();
    if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        prctl(PR_SET_PDEATHSIG, SIGTERM); // without a master nobody restarts us: finish and go
        sigprocmask(SIG_SETMASK, &none, NULL);
        exit(getppid() == parent ? run_child(master, child) : 1);
    }
    if (pid < 0) {
        log_error("fork: %s", strerror(errno));
        child->restart_at_ms = child->started_at_ms + RESTART_PAUSE_MS;
        return;
    }
    child->pid = pid;
    log_info("%s %d: process %d", child->is_assessor ? "assessor" : "worker", child->index,
             (int)pid);
}

static struct child *find_child(struct master *master, pid_t pid) {
    for (int i = 0; i < master->n_children; i++)
        if (master->children[i].pid == pid)
            return &master->children[i];
    return NULL;
}

static void reap(struct master *master) {
    int how;
    for (pid_t pid; (pid = waitpid(-1, &how, WNOHANG)) > 0;) {
        struct child *child = find_child(master, pid);
        if (child == NULL)
            continue;
        int64_t now_ms = clock_monotonic_ms();
        bool lived = now_ms - child->started_at_ms >= RESTART_PAUSE_MS;
        child->pid = 0;
        child->restart_at_ms = lived ? now_ms : now_ms + RESTART_PAUSE_MS;
        if (master->kill_at_ms == 0)
            log_warning("%s %d ended (%s %d) and is started again",
                        child->is_assessor ? "assessor" : "worker", child->index,
                        WIFSIGNALED(how) ? "signal" : "exit code",
                        WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
    }
}

static void signal_children(const struct master *master, int signal_number) {
    for (int i = 0; i < master->n_children; i++)
        if (master->children[i].pid > 0)
            kill(master->children[i].pid, signal_number);
}

// Starts what is due; returns how long the master may sleep.
static int64_t start_due(struct master *master) {
    int64_t now_ms = clock_monotonic_ms(), sleep_ms = 60000;
    for (int i = 0; i < master->n_children; i++) {
        struct child *child = &master->children[i];
        if (child->pid > 0)
            continue;
        if (child->restart_at_ms <= now_ms)
            start(master, child);
        else if (child->restart_at_ms - now_ms < sleep_ms)
            sleep_ms = child->restart_at_ms - now_ms;
    }
    return sleep_ms;
}

static bool any_alive(const struct master *master) {
    for (int i = 0; i < master->n_children; i++)
        if (master->children[i].pid > 0)
            return true;
    return false;
}

// ---- the loop ----

static void stop(struct master *master) {
    if (master->kill_at_ms != 0)
        return;
    log_info("stopping");
    master->kill_at_ms = clock_monotonic_ms() + master->config->drain_timeout_ms + KILL_AFTER_MS;
    signal_children(master, SIGTERM);
}

static void reload(struct master *master) {
    struct config fresh;
    if (config_load(&fresh, master->source, stderr) != STATUS_OK) {
        log_error("reload: refused, everything stays as it was");
        return;
    }
    config_reload(master->config, &fresh);
    log_open("lianxiaod", log_level_of(master->config));
    signal_children(master, SIGHUP);
}

static void wait_signal(struct master *master, const sigset_t *signals, int64_t sleep_ms) {
    struct timespec limit = {sleep_ms / 1000, (sleep_ms % 1000) * 1000000};
    int signal_number = sigtimedwait(signals, NULL, &limit);
    if (signal_number == SIGTERM || signal_number == SIGINT)
        stop(master);
    else if (signal_number == SIGHUP)
        reload(master);
}

static int supervise(struct master *master, const sigset_t *signals) {
    for (;;) {
        reap(master);
        int64_t sleep_ms = 1000;
        if (master->kill_at_ms == 0)
            sleep_ms = start_due(master);
        else if (!any_alive(master))
            return 0;
        else if (clock_monotonic_ms() >= master->kill_at_ms)
            signal_children(master, SIGKILL);
        wait_signal(master, signals, sleep_ms);
    }
}

int master_run(struct config *config, const struct config_source *source) {
    struct master *master = calloc(1, sizeof *master);
    int workers = count_workers(config);
    if (master == NULL)
        return 1;
    master->config = config;
    master->source = source;
    int code = 1;
    if (shared_new(workers, &master->shared) == STATUS_OK &&
        open_sockets(master, workers) == STATUS_OK) {
        if (config->dsn_assessor[0] != '\0')
            master->children[master->n_children++] =
                (struct child){.is_assessor = true, .listen_fd = -1};
        sigset_t signals;
        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGHUP);
        sigaddset(&signals, SIGCHLD);
        sigprocmask(SIG_BLOCK, &signals, NULL);
        log_info("listening on %s port %d, %d workers", config->listen, config->port, workers);
        code = supervise(master, &signals);
    }
    for (int i = 0; i < master->n_children; i++)
        if (master->children[i].listen_fd >= 0)
            close(master->children[i].listen_fd);
    shared_free(&master->shared);
    free(master);
    return code;
}
