// Every allocation of the server fails once while it reads and answers a request: the real worker
// in the world of the fuzz targets (tests/fuzz/server), with the requests that are their seeds. The
// client gets an answer (the usual one, or that there was no memory, or that it should try again)
// or its connection is closed; others are served; the same request afterwards is answered as ever;
// nothing crashes, nothing is kept.
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/wire/reason.h"
#include "proto/bundle.pb-c.h"
#include "tests/fault/alloc/failures.h"
#include "tests/fuzz/server/seed.h"
#include "tests/fuzz/server/world.h"
#include "tests/lib/alloc.h"

#define SEEDS "tests/fuzz/corpus/fuzz_handler"
#define MAX_SEED 65536
#define BYTES_KEPT 32768 // what the worker's own lists may have grown by
#define OTHER 1          // the connection of somebody else
#define MAX_WORK 100000  // answers of the database

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t bytes_in_use(void) {
    return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes() : 0;
}

// ---- one request ----

struct outcome {
    bool closed, other_served;
    struct world_answer answer;
    uint64_t allocations, failed;
    size_t bytes; // in use afterwards
};

static void ask_other(void) {
    world_connect(OTHER, false);
    world_greet(OTHER, false);
    world_send_frame(OTHER, LX__METHOD__PING, 9, view_from((const uint8_t *)"\x0a\x02ok", 4));
    world_work(MAX_WORK);
}

// The n-th allocation fails from the arrival of the request on (0: none), and those behind it, too.
static void ask(const struct seed *seed, uint64_t n, bool for_good, struct outcome *out) {
    seed_begin(seed);
    size_t greeted = world_answers(0);
    memset(out, 0, sizeof *out);
    alloc_fail(n, for_good);
    seed_send(seed);
    world_work(MAX_WORK);
    out->allocations = alloc_end();
    out->failed = alloc_failed();
    out->closed = !world_is_open(0);
    if (world_answers(0) > greeted)
        out->answer = *world_last(0);
    ask_other();
    out->other_served = world_answers(OTHER) == 2;
    world_end();
    out->bytes = bytes_in_use();
}

// Certificates are signed with random numbers.
static bool is_random(const struct seed *seed) {
    return seed->method->number == LX__METHOD__ENROL || seed->method->number == LX__METHOD__RENEW;
}

static bool same_answer(const struct seed *seed, const struct world_answer *a,
                        const struct world_answer *b) {
    return a->kind == b->kind && a->code == b->code &&
           (is_random(seed) ||
            (a->size == b->size && memcmp(a->payload, b->payload, a->size) == 0));
}

// What may be tried again, or the usual refusal, perhaps without its words.
static bool is_excuse(const struct world_answer *usual, const struct world_answer *answer) {
    return answer->kind == LX__FRAME_KIND__ERROR &&
           (answer->code == usual->code || answer->code == LX__CODE__RESOURCE_EXHAUSTED ||
            answer->code == LX__CODE__INTERNAL || answer->code == LX__CODE__UNAVAILABLE);
}

// The group's usual verdict, perhaps without its words, or that it failed: then it stays in the
// client's outbox, since nothing was said about its content.
static bool is_fair(const Lx__PushedGroup *usual, const Lx__PushedGroup *group) {
    if (group->verdict != LX__GROUP_VERDICT__GROUP_REFUSED)
        return group->verdict == usual->verdict && group->n_refused == usual->n_refused;
    return group->reason != NULL &&
           (group->reason->reason == REASON_GROUP_FAILED ||
            group->reason->reason == REASON_GROUP_TOO_EARLY ||
            (usual->reason != NULL && group->reason->reason == usual->reason->reason));
}

static bool is_fair_push(const struct world_answer *usual, const struct world_answer *answer) {
    Lx__PushReply *expected = lx__push_reply__unpack(NULL, usual->size, usual->payload);
    Lx__PushReply *reply = lx__push_reply__unpack(NULL, answer->size, answer->payload);
    bool fair = reply != NULL && expected != NULL && reply->n_groups == expected->n_groups;
    for (size_t i = 0; fair && i < reply->n_groups; i++)
        fair = is_fair(expected->groups[i], reply->groups[i]);
    if (reply != NULL)
        lx__push_reply__free_unpacked(reply, NULL);
    if (expected != NULL)
        lx__push_reply__free_unpacked(expected, NULL);
    return fair;
}

// Fewer of its operations have their result, and the verdict says so. (The receipt follows.)
static bool is_fair_bundle(const struct world_answer *usual, const struct world_answer *answer) {
    Lx__BundleReply *expected = lx__bundle_reply__unpack(NULL, usual->size, usual->payload);
    Lx__BundleReply *reply = lx__bundle_reply__unpack(NULL, answer->size, answer->payload);
    bool fair = reply != NULL && expected != NULL && reply->operations == expected->operations &&
                reply->refused <= expected->refused &&
                (reply->answered == expected->answered
                     ? reply->verdict == expected->verdict
                     : reply->answered < expected->answered &&
                           reply->verdict == LX__BUNDLE_VERDICT__BUNDLE_HELD);
    if (reply != NULL)
        lx__bundle_reply__free_unpacked(reply, NULL);
    if (expected != NULL)
        lx__bundle_reply__free_unpacked(expected, NULL);
    return fair;
}

// A page that ends early and says so.
static bool is_short_page(const struct world_answer *answer) {
    Lx__PullReply *reply = lx__pull_reply__unpack(NULL, answer->size, answer->payload);
    bool is_short = reply != NULL && reply->more && reply->n_rows > 0 &&
                    reply->cursor == reply->rows[reply->n_rows - 1]->seq;
    if (reply != NULL)
        lx__pull_reply__free_unpacked(reply, NULL);
    return is_short;
}

// What a database says that answers by the input's tape, or to two requests, hangs on how often it
// was asked: then every answer is right that is well-formed, which the world has looked at.
static bool is_right(const struct seed *seed, const struct world_answer *usual,
                     const struct world_answer *answer) {
    if (seed->tape.size > 0 || same_answer(seed, usual, answer) || is_excuse(usual, answer))
        return true;
    if (answer->kind != LX__FRAME_KIND__REPLY)
        return false;
    return (seed->method->number == LX__METHOD__PUSH && is_fair_push(usual, answer)) ||
           (seed->method->number == LX__METHOD__BUNDLE && is_fair_bundle(usual, answer)) ||
           (seed->method->number == LX__METHOD__PULL && is_short_page(answer));
}

static const char *fault_of(const struct seed *seed, const struct outcome *usual,
                            const struct outcome *failed, const struct outcome *again) {
    bool answered = failed->answer.kind != 0;
    if (failed->failed == 0)
        return "the allocation did not come";
    if (!failed->other_served)
        return "somebody else is not served";
    if (!answered && !failed->closed)
        return "no answer";
    if (answered && !is_right(seed, &usual->answer, &failed->answer))
        return "a wrong answer";
    if (!same_answer(seed, &usual->answer, &again->answer))
        return "another answer afterwards";
    if (again->bytes > usual->bytes + BYTES_KEPT)
        return "memory was kept";
    return NULL;
}

// ---- every allocation of every seed ----

static void fail_all(const struct seed *seed, bool for_good, struct failure_counts *counts) {
    static struct outcome usual, failed, again;
    ask(seed, 0, false, &usual); // what is made once is there
    ask(seed, 0, false, &usual);
    for (uint64_t n = 1; n <= usual.allocations; n++) {
        ask(seed, n, (n % 2 == 0) == for_good, &failed);
        ask(seed, 0, false, &again);
        const char *fault = fault_of(seed, &usual, &failed, &again);
        counts->failures++;
        counts->wrong += fault != NULL;
        if (fault != NULL)
            printf("  %s: allocation %" PRIu64 " of %" PRIu64 " fails: %s (kind %u, code %u)\n",
                   seed->name, n, usual.allocations, fault, failed.answer.kind, failed.answer.code);
    }
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

// Every second allocation that fails is the last one that comes; with the next number the others.
// Number 0 asks as the seeds say, each other one in another role.
static void run_seeds(uint64_t number, const char *only, struct failure_counts *counts) {
    static uint8_t bytes[MAX_SEED];
    struct dirent **entries;
    int n = scandir(SEEDS, &entries, NULL, by_name);
    for (int i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", SEEDS, entries[i]->d_name);
        FILE *file =
            strncmp(entries[i]->d_name, only, strlen(only)) == 0 ? fopen(path, "rb") : NULL;
        size_t size = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
        struct seed seed;
        if (file != NULL)
            fclose(file);
        if (seed_read(view_from(bytes, size), NULL, &seed)) {
            seed.name = entries[i]->d_name;
            seed.flags = (uint8_t)(seed.flags + number / 2);
            fail_all(&seed, number % 2 == 0, counts);
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

int main(int argc, char **argv) {
    return failures_main(argc, argv, 0, run_seeds);
}
