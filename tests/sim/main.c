// lx_sim --dsn DSN --seed N [--seeds K] [--operations N] [--trace FILE]: runs seeds, prints each
// one's hash and what it found. Exit code 0: nothing was found. See README.md.
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/log.h"
#include "tests/sim/world.h"

struct arguments {
    const char *dsn;
    const char *scheme;
    const char *trace;
    uint64_t seed, seeds;
    unsigned operations;
    double seconds; // no new seed after so long; 0: no limit
    bool quiet;
    bool stop; // at the first finding
};

static void make_devices(void) {
    static const char *const accounts[] = {"s1",   "w11",    "d1",  "w12", "s2",  "s3",
                                           "city", "expert", "w21", "s4",  "w31", "d2"};
    world_device_count = 0;
    unsigned wanted = 2 + sim_below(4);
    unsigned first = sim_below(4);
    for (unsigned i = 0; i < wanted; i++) {
        uint32_t which = i == 0 ? first : sim_below(12); // one account may have two devices
        device_make(&world_devices[i], (int)i + 1, accounts[which]);
        world_device_count++;
    }
}

static bool never(void *user) {
    (void)user;
    return false;
}

static void pass_time(int64_t us) {
    (void)sim_run(sim_now_us() + us, never, NULL);
}

static bool all_devices_ended(void *user) {
    (void)user;
    for (unsigned i = 0; i < world_device_count; i++)
        if (!fiber_ended(world_devices[i].fiber))
            return false;
    return true;
}

static void end_world(void) {
    for (unsigned i = 0; i < world_device_count; i++)
        device_stop(&world_devices[i]);
    if (!sim_run(sim_now_us() + 300 * SIM_SECOND, all_devices_ended, NULL)) {
        finding("a client does not end");
        exit(1);
    }
    server_stop_all(false);
    (void)sim_run(sim_now_us() + 300 * SIM_SECOND, never, NULL); // what is on its way arrives
    for (unsigned i = 0; i < world_device_count; i++)
        device_remove(&world_devices[i]);
}

static uint64_t run_seed(const struct arguments *arguments, uint64_t seed) {
    net_reset();
    fake_os_reset();
    sim_seed(seed);
    trace_begin(seed);
    base_seed_begin(seed);
    history_begin();
    places_begin();
    scope_begin();
    audit_begin();
    units_begin();
    operator_begin();
    stick_begin();
    fault_begin();
    make_devices();
    server_start();
    for (unsigned i = 0; i < world_device_count; i++) {
        device_start(&world_devices[i]);
        device_order(&world_devices[i], COMMAND_SYNC); // logs in
        device_order(&world_devices[i], COMMAND_SYNC);
        world_devices[i].watching = sim_below(2) == 0;
    }
    pass_time(2 * SIM_SECOND);
    world_act(arguments->operations);
    oracle_run();
    end_world();
    history_end();
    places_end();
    stick_end();
    server_free();
    base_seed_end();
    sim_reset();
    return trace_end();
}

static void usage(void) {
    fprintf(stderr, "usage: lx_sim --dsn DSN --seed N [--seeds K] [--operations N] [--trace FILE] "
                    "[--scheme FILE] [--seconds T] [--quiet] [--stop] [--log]\n");
    exit(2);
}

static void parse(int argc, char **argv, struct arguments *arguments) {
    static const struct option options[] = {{"dsn", required_argument, NULL, 'd'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"seeds", required_argument, NULL, 'k'},
                                            {"operations", required_argument, NULL, 'o'},
                                            {"trace", required_argument, NULL, 't'},
                                            {"scheme", required_argument, NULL, 'y'},
                                            {"seconds", required_argument, NULL, 'T'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"log", no_argument, NULL, 'l'},
                                            {"stop", no_argument, NULL, 'e'},
                                            {NULL, 0, NULL, 0}};
    *arguments = (struct arguments){
        .scheme = "deploy/schemes/hefei-2021.yaml", .seed = 1, .seeds = 1, .operations = 200};
    enum log_level lowest = LOG_LEVEL_ERROR + 1; // what goes wrong here is meant to
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'd':
            arguments->dsn = optarg;
            break;
        case 's':
            arguments->seed = strtoull(optarg, NULL, 10);
            break;
        case 'k':
            arguments->seeds = strtoull(optarg, NULL, 10);
            break;
        case 'o':
            arguments->operations = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 't':
            arguments->trace = optarg;
            break;
        case 'y':
            arguments->scheme = optarg;
            break;
        case 'T':
            arguments->seconds = strtod(optarg, NULL);
            break;
        case 'q':
            arguments->quiet = true;
            break;
        case 'e':
            arguments->stop = true;
            break;
        case 'l':
            lowest = LOG_LEVEL_DEBUG;
            break;
        default:
            usage();
        }
    }
    log_open("lx_sim", lowest);
    if (arguments->dsn == NULL || optind != argc)
        usage();
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#define SEEDS_PER_VACUUM 20

int main(int argc, char **argv) {
    struct arguments arguments;
    parse(argc, argv, &arguments);
    mallopt(M_MMAP_THRESHOLD, 64 * 1024 * 1024); // homes come and go: keep their pages
    mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
    if (base_open(arguments.dsn, arguments.scheme) != STATUS_OK)
        return 2;
    trace_open(arguments.trace);
    double began = seconds_now();
    uint64_t done = 0;
    for (; done < arguments.seeds; done++) {
        if (arguments.seconds > 0 && seconds_now() - began > arguments.seconds)
            break;
        unsigned before = findings();
        uint64_t hash = run_seed(&arguments, arguments.seed + done);
        if (!arguments.quiet || findings() > before)
            printf("seed %" PRIu64 ": %016" PRIx64 "%s\n", arguments.seed + done, hash,
                   findings() > before ? ", FINDINGS" : "");
        fflush(stdout);
        if (arguments.stop && findings() > 0) {
            done++;
            break;
        }
        if (done % SEEDS_PER_VACUUM == SEEDS_PER_VACUUM - 1)
            base_vacuum();
    }
    fprintf(stderr, "%.3f s a seed\n", (seconds_now() - began) / (double)(done > 0 ? done : 1));
    count_print(done, findings());
    base_close();
    return findings() > 0 ? 1 : 0;
}
