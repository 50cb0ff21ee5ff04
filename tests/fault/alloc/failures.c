// See failures.h.
#include "tests/fault/alloc/failures.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int failures_main(int argc, char **argv, uint64_t first_seed, failures_fn run) {
    static const struct option names[] = {{"seed", required_argument, NULL, 's'},
                                          {"seconds", required_argument, NULL, 't'},
                                          {"only", required_argument, NULL, 'o'},
                                          {NULL, 0, NULL, 0}};
    time_t seconds = 0;
    const char *only = "";
    struct failure_counts counts = {0};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;)
        if (c == 's')
            first_seed = strtoull(optarg, NULL, 10);
        else if (c == 't')
            seconds = (time_t)strtoll(optarg, NULL, 10);
        else if (c == 'o')
            only = optarg;
        else
            return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    time_t end = time(NULL) + seconds; // clock.h is the world's in some of these programs
    uint64_t seed = first_seed;
    do
        run(seed++, only, &counts);
    while (seconds != 0 && time(NULL) < end);
    bool good = counts.wrong == 0 && counts.failures > 0;
    if (seconds != 0)
        printf("{\"seeds\": %" PRIu64 ", \"failures\": %" PRIu64 ", \"wrong\": %" PRIu64 "}\n",
               seed - first_seed, counts.failures, counts.wrong);
    else // as cmocka says it, for tests/lib/count_unit.py
        printf("[  %s  ] 1 test(s).\n", good ? "PASSED" : "FAILED");
    return good ? 0 : 1;
}
