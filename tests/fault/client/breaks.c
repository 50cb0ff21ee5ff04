// See breaks.h.
#include "tests/fault/client/breaks.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"

#define WORKERS 2 // the machines have two cores

// The same life a thousand times: memory that is used again soon stays in the caches.
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "quarantine_size_mb=2:thread_local_quarantine_size_kb=64:malloc_context_size=8";
}

struct runner {
    const struct breaks *breaks;
    struct session session;
    uint64_t seed;
    uint64_t at; // the call to break
    bool broken; // it came and was broken
};

static void on_change(void *user, uint64_t change, enum disk_call what) {
    struct runner *runner = user;
    if (change == runner->at)
        runner->broken = runner->breaks->plan(&runner->session, change, what, runner->seed);
}

static bool finish(struct runner *runner, enum status status) {
    char step[64];
    snprintf(step, sizeof step, "%s", session_step_name(&runner->session));
    disk_watch(runner->session.disk, NULL, NULL);
    bool right = runner->breaks->finish(&runner->session, status, runner->seed + runner->at);
    if (!right)
        printf("  broken at call %" PRIu64
               ", in step \"%s\" (then at \"%s\"): repeat with --what %s"
               " --seed %" PRIu64 " --only %" PRIu64 "\n",
               runner->at, step, session_step_name(&runner->session), runner->breaks->name,
               runner->seed, runner->at);
    return right;
}

#define MAX_CALLS 4096

static enum disk_call kinds[MAX_CALLS]; // of each call of the life without a fault; nearly the same
                                        // in every life

static void note_kind(void *user, uint64_t change, enum disk_call what) {
    (void)user;
    if (change < MAX_CALLS)
        kinds[change] = what;
}

// The life without a fault, which tells how it ends. How many calls it has.
static uint64_t run_whole(struct session *out_model) {
    session_open(out_model, 0);
    disk_watch(out_model->disk, note_kind, NULL);
    if (session_run(out_model) != STATUS_OK || !session_check(out_model) ||
        !session_check_end(out_model)) {
        printf("the session fails by itself in step \"%s\": %s\n", session_step_name(out_model),
               session_error(out_model));
        exit(1);
    }
    uint64_t calls = disk_changes(out_model->disk);
    session_close(out_model);
    return calls;
}

static void break_one(struct runner *runner, const struct session *model,
                      struct break_counts *counts) {
    struct session *session = &runner->session;
    session_open(session, runner->seed + runner->at);
    session->final = model->final;
    memcpy(session->adds, model->adds, sizeof model->adds);
    runner->broken = false;
    disk_watch(session->disk, on_change, runner);
    enum status status = session_run(session);
    counts->calls = disk_changes(session->disk);
    if (runner->broken) {
        counts->broken++;
        counts->wrong += !finish(runner, status);
    }
    session_close(session);
}

// Every WORKERS-th call from `first` on; or one call.
static void break_share(const struct breaks *breaks, uint64_t seed, uint64_t first, uint64_t only,
                        struct break_counts *out_counts) {
    static struct session model;
    static struct runner runner;
    uint64_t calls = run_whole(&model);
    runner = (struct runner){.breaks = breaks, .seed = seed, .at = only ? only : first};
    *out_counts = (struct break_counts){0};
    do {
        bool known = runner.at < MAX_CALLS && !only && breaks->wants;
        if (!known || breaks->wants(kinds[runner.at], runner.at, seed))
            break_one(&runner, &model, out_counts);
        calls = out_counts->calls > calls ? out_counts->calls : calls;
        runner.at += WORKERS;
    } while (!only && runner.at <= calls);
    out_counts->calls = calls;
}

static void run_workers(const struct breaks *breaks, uint64_t seed, struct break_counts *counts) {
    int ends[2];
    if (pipe(ends) != 0)
        abort();
    for (uint64_t i = 0; i < WORKERS; i++) {
        pid_t pid = fork();
        if (pid < 0)
            abort();
        if (pid > 0)
            continue;
        struct break_counts share;
        break_share(breaks, seed, i + 1, 0, &share);
        ssize_t written = write(ends[1], &share, sizeof share);
        exit(written == sizeof share ? 0 : 1); // with the leak check
    }
    close(ends[1]);
    for (struct break_counts share; read(ends[0], &share, sizeof share) == sizeof share;) {
        counts->calls = share.calls > counts->calls ? share.calls : counts->calls;
        counts->broken += share.broken;
        counts->wrong += share.wrong;
    }
    close(ends[0]);
    for (int status; wait(&status) > 0;)
        counts->wrong += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

// ---- the program ----

struct options {
    uint64_t seed, only;
    int64_t seconds;
    const char *what;
};

static bool read_options(int argc, char **argv, struct options *out) {
    static const struct option names[] = {{"seed", required_argument, NULL, 's'},
                                          {"seconds", required_argument, NULL, 't'},
                                          {"only", required_argument, NULL, 'o'},
                                          {"what", required_argument, NULL, 'w'},
                                          {NULL, 0, NULL, 0}};
    *out = (struct options){.seed = 1};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;)
        if (c == 's')
            out->seed = strtoull(optarg, NULL, 10);
        else if (c == 't')
            out->seconds = strtoll(optarg, NULL, 10);
        else if (c == 'o')
            out->only = strtoull(optarg, NULL, 10);
        else if (c == 'w')
            out->what = optarg;
        else
            return false;
    return true;
}

static void run_seed(const struct breaks_form *form, const struct options *options, uint64_t seed,
                     struct break_counts *total) {
    for (size_t i = 0; i < form->n; i++) {
        struct break_counts counts = {0};
        if (options->what && strcmp(options->what, form->list[i].name) != 0)
            continue;
        if (options->only)
            break_share(&form->list[i], seed, 1, options->only, &counts);
        else
            run_workers(&form->list[i], seed, &counts);
        if (options->seconds == 0)
            printf("%s: %" PRIu64 " of %" PRIu64 " calls broken, %" PRIu64 " wrong\n",
                   form->list[i].name, counts.broken, counts.calls, counts.wrong);
        total->broken += counts.broken;
        total->wrong += counts.wrong;
    }
}

int breaks_main(int argc, char **argv, const struct breaks_form *form) {
    struct options options;
    struct break_counts total = {0};
    if (!read_options(argc, argv, &options))
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    int64_t end_ms = clock_monotonic_ms() + options.seconds * 1000;
    uint64_t seeds = options.seconds || options.only ? 1 : form->short_seeds;
    uint64_t seed = options.seed;
    do
        run_seed(form, &options, seed, &total);
    while (++seed < options.seed + seeds || (options.seconds && clock_monotonic_ms() < end_ms));
    if (options.seconds)
        printf("{\"seeds\": %" PRIu64 ", \"%s\": %" PRIu64 ", \"%s\": %" PRIu64 "}\n",
               seed - options.seed, form->json_broken, total.broken, form->json_wrong, total.wrong);
    else // as cmocka says it, for tests/lib/count_unit.py
        printf("[  %s  ] 1 test(s).\n", total.wrong == 0 && total.broken > 0 ? "PASSED" : "FAILED");
    return total.wrong == 0 && total.broken > 0 ? 0 : 1;
}
