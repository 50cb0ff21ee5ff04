// The count of watching against the rule itself, second by second: united per course, in the order
// start, end, course, each second once, while course and day have something left. Random histories;
// LX_SEED=n repeats one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/common/assess/fixture.h"

#define WATCH "tests/golden/schemes/watch-small.yaml"
#define ROUNDS 200
#define COURSES 3
#define DAYS 3
#define SECONDS (DAYS * 86400)
#define DAY_LIMIT_S 7200
#define FIRST_DAY "2021-05-10 00:00"

static const char *const courses[COURSES] = {"c1", "c2", "long"};
static const int64_t length_s[COURSES] = {3000, 3000, INT64_MAX};

static uint64_t random_state;

static int64_t below(int64_t n) { // xorshift
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (int64_t)(random_state % (uint64_t)n);
}

struct piece {
    int64_t from_s;
    int64_t until_s;
    int course;
};

static int compare_pieces(const void *a, const void *b) {
    const struct piece *first = a;
    const struct piece *second = b;
    if (first->from_s != second->from_s)
        return first->from_s < second->from_s ? -1 : 1;
    if (first->until_s != second->until_s)
        return first->until_s < second->until_s ? -1 : 1;
    return strcmp(courses[first->course], courses[second->course]);
}

// Runs of seconds in which the course was watched.
static size_t find_pieces(bool watched[COURSES][SECONDS], struct piece *pieces) {
    size_t n = 0;
    for (int course = 0; course < COURSES; course++) {
        for (int64_t s = 0; s < SECONDS; s++) {
            if (!watched[course][s])
                continue;
            struct piece piece = {s, s, course};
            while (piece.until_s < SECONDS && watched[course][piece.until_s])
                piece.until_s++;
            pieces[n++] = piece;
            s = piece.until_s;
        }
    }
    qsort(pieces, n, sizeof(*pieces), compare_pieces);
    return n;
}

static void count_slowly(bool watched[COURSES][SECONDS], int64_t out_counted_s[COURSES]) {
    static bool counted[SECONDS];
    static struct piece pieces[FIXTURE_FACTS];
    int64_t day_s[DAYS] = {0};
    memset(counted, 0, sizeof(counted));
    memset(out_counted_s, 0, COURSES * sizeof(*out_counted_s));
    size_t n = find_pieces(watched, pieces);
    for (size_t i = 0; i < n; i++) {
        int course = pieces[i].course;
        for (int64_t s = pieces[i].from_s; s < pieces[i].until_s; s++) {
            if (counted[s] || out_counted_s[course] == length_s[course] ||
                day_s[s / 86400] == DAY_LIMIT_S)
                continue;
            counted[s] = true;
            out_counted_s[course]++;
            day_s[s / 86400]++;
        }
    }
}

static void watch_somewhere(struct fixture *f, bool watched[COURSES][SECONDS]) {
    // Crowded: most of it lies in a few hours around the midnights.
    int64_t from_s = below(2) * 86400 + 80000 + below(12000);
    int64_t until_s = from_s + 1 + below(4000);
    int course = (int)below(COURSES);
    int64_t start_ms = fixture_time(FIRST_DAY);
    struct fact *fact = add_watch(f, courses[course], FIRST_DAY, 0);
    fact->occurred_at_ms = start_ms + from_s * 1000;
    fact->until_ms = start_ms + until_s * 1000;
    for (int64_t s = from_s; s < until_s && s < SECONDS; s++)
        watched[course][s] = true;
}

static int64_t counted_in_receipt(const Lx__ReceiptLine *line, const char *course) {
    for (size_t i = 0; i < line->n_evidence; i++) {
        if (strcmp(line->evidence[i]->item, course) == 0)
            return line->evidence[i]->quantity;
    }
    return 0;
}

static void test_second_by_second(void **state) {
    static bool watched[COURSES][SECONDS];
    (void)state;
    const char *given = getenv("LX_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 1121;
    struct fixture *f = fixture_open(WATCH, SUBJECT_KIND_TEACHER);
    for (uint64_t round = 0; round < (given != NULL ? 1 : ROUNDS); round++) {
        random_state = (seed + round) * UINT64_C(0x9e3779b97f4a7c15) + 1;
        int64_t expected_s[COURSES];
        fixture_clear(f);
        memset(watched, 0, sizeof(watched));
        int64_t n = 1 + below(20);
        for (int64_t i = 0; i < n; i++)
            watch_somewhere(f, watched);
        count_slowly(watched, expected_s);
        run(f, "2021-06-30");
        const Lx__ReceiptLine *line = receipt_line(f, "watch");
        for (int course = 0; course < COURSES; course++) {
            if (counted_in_receipt(line, courses[course]) != expected_s[course])
                fail_msg("%s: %lld instead of %lld, LX_SEED=%llu", courses[course],
                         (long long)counted_in_receipt(line, courses[course]),
                         (long long)expected_s[course], (unsigned long long)(seed + round));
        }
    }
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_second_by_second)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
