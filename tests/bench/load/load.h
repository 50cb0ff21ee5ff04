// The load generator: many connections in one process, told by lines on its standard input what to
// do, answering each line with one of JSON. tests/bench/drive.py speaks with it.
//
//   open NAME lx|http HOST PORT CA FILE    one connection for each line of FILE:
//                                          CERT KEY TOKEN STREAM SUBJECTS NEXT_OP PAYLOAD
//                                          (files, hex; "-" for what it has not)
//   run NAME closed WHAT EACH              each connection sends EACH requests, the next when the
//                                          last is answered
//   run NAME open WHAT SECONDS RATE        RATE requests a second over all connections; waiting
//                                          counts from when a request was due, answered or not
//   shake NAME COUNT                       TLS connections, one after another, only shaken hands
//   close NAME
//
// WHAT: push:RECORDS (made before the clock starts), call:METHOD (with each line's PAYLOAD), http.
// Answers: {"requests", "seconds", "cpu_s" (its own), "p50_ms", "p99_ms", "p999_ms", "max_ms"}.
// Anything that goes wrong ends it with a line on standard error: nothing measured is worth having.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "peer.h"

_Noreturn void fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

// One side of a comparison: connections to one server.
struct side {
    char name[32];
    struct peer_target target;
    struct peer *peers; // owns
    size_t n_peers;
};

struct run {
    struct side *side;
    uint16_t method;
    unsigned records;  // of a push; 0: a call
    uint64_t requests; // in all
    double rate;       // a second; 0: closed
};

struct run_result {
    struct histogram latency;
    double seconds;
    double cpu_s; // the generator's
};

int64_t load_now_ns(void);
void run_measure(const struct run *run, struct event_base *base, struct run_result *out_result);
// Says Hello on n connections; `tokens` (32 bytes each or empty) in their order.
void run_hello(struct peer *peers, const struct view *tokens, size_t n, struct event_base *base);
