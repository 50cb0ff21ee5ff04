// The server's processes, each the product's own main in a fiber on a machine of its own. A crash
// cuts what the machine has with the world; the program then finds its way out by itself, without
// any effect, which also shows that it leaks nothing.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/assessor.h"
#include "server/shared.h"
#include "server/worker.h"
#include "tests/sim/world.h"

#define STOP_BOUND_US (60 * SIM_SECOND)

struct process {
    struct process *next;
    struct machine machine;
    struct config config;
    struct fiber *fiber;
    int index; // of a worker; -1: the assessor
};

static struct shared *shared;     // owns
static struct process *processes; // owns: all of the seed, newest first
static bool closed;               // nothing is started any more

static void start_again(void *user);

// The master: another one as soon as it has ended, whatever the reason.
static void has_ended(const struct process *process) {
    trace("ends");
    if (!closed)
        sim_at(sim_now_us() + sim_between(10 * SIM_MS, 500 * SIM_MS), start_again,
               (void *)(intptr_t)process->index);
}

static void run_worker(void *user) {
    static const struct config_source source;
    struct process *process = user;
    trace("starts");
    (void)worker_run(&process->config, &source, shared, -1, process->index);
    has_ended(process);
}

static void run_assessor(void *user) {
    struct process *process = user;
    trace("starts");
    (void)assessor_run(&process->config, shared->assessor_wake);
    has_ended(process);
}

static void start(int index) {
    struct process *process = calloc(1, sizeof *process);
    if (process == NULL)
        abort();
    process->index = index;
    config_set_defaults(&process->config);
    process->config.workers = NET_SERVERS;
    strcpy(process->config.dsn_api, "lianxiao_api");
    strcpy(process->config.dsn_assessor, "lianxiao_assessor");
    snprintf(process->config.audit_key, sizeof process->config.audit_key, "%s", audit_key_path());
    strcpy(process->config.bundle_key, "simulated");
    snprintf(process->config.security_journal, sizeof process->config.security_journal, "%s",
             journal_path());
    if (index >= 0)
        snprintf(process->machine.name, sizeof process->machine.name, "worker %d", index);
    else
        snprintf(process->machine.name, sizeof process->machine.name, "assessor");
    process->next = processes;
    processes = process;
    process->fiber =
        fiber_start(&process->machine, index >= 0 ? run_worker : run_assessor, process);
}

static struct process *newest(int index) {
    for (struct process *process = processes; process != NULL; process = process->next)
        if (process->index == index)
            return process;
    return NULL;
}

void server_start(void) {
    closed = false;
    if (shared == NULL && shared_new(NET_SERVERS, &shared) != STATUS_OK)
        abort();
    for (int i = 0; i < NET_SERVERS; i++)
        start(i);
    start(-1);
}

static void start_again(void *user) {
    int index = (int)(intptr_t)user;
    struct process *former = newest(index);
    if (!closed && fiber_ended(former->fiber))
        start(index);
}

static void crash(struct process *process) {
    trace("%s is killed", process->machine.name);
    process->machine.dead = true;
    process->config.drain_timeout_ms = 0;
    net_kill(&process->machine);
    fake_event_signal(&process->machine, SIGTERM);
    if (process->machine.on_term != NULL)
        process->machine.on_term(SIGTERM);
    fiber_wake(process->fiber);
}

static void crash_one(int index) {
    struct process *process = newest(index);
    if (process == NULL || fiber_ended(process->fiber) || process->machine.dead)
        return;
    crash(process);
}

void server_crash_worker(unsigned index) {
    count(COUNT_WORKER_CRASH);
    crash_one((int)index);
}

void server_crash_assessor(void) {
    count(COUNT_ASSESSOR_CRASH);
    crash_one(-1);
}

void server_restart_worker(unsigned index) {
    struct process *process = newest((int)index);
    if (fiber_ended(process->fiber) || process->machine.dead || process->config.port == -1)
        return;
    count(COUNT_WORKER_RESTART);
    trace("%s is told to end", process->machine.name);
    process->config.port = -1; // told
    fake_event_signal(&process->machine, SIGTERM);
}

static bool all_ended(void *user) {
    (void)user;
    for (const struct process *process = processes; process != NULL; process = process->next)
        if (!fiber_ended(process->fiber))
            return false;
    return true;
}

void server_stop_all(bool by_crash) {
    closed = true;
    for (struct process *process = processes; process != NULL; process = process->next) {
        if (fiber_ended(process->fiber))
            continue;
        if (by_crash) {
            crash(process);
            continue;
        }
        fake_event_signal(&process->machine, SIGTERM);
        if (process->machine.on_term != NULL)
            process->machine.on_term(SIGTERM);
        fiber_wake(process->fiber);
    }
    if (!sim_run(sim_now_us() + STOP_BOUND_US, all_ended, NULL)) {
        finding("the server does not end");
        exit(1);
    }
}

void server_free(void) {
    while (processes != NULL) {
        struct process *process = processes;
        processes = process->next;
        free(process);
    }
    shared_free(&shared);
}
