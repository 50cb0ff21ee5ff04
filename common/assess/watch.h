// Minutes are cheated, so they are evidence as intervals. What counts is their union in whole
// seconds, no more than the course is long, no more than the day's limit, only courses of the
// range. What is cut is kept and named. Pure; called by the assessment once per set of course
// groups and window.
#pragma once

#include <stdint.h>

#include "common/assess/evidence.h"
#include "common/assess/scheme.h"

struct home;
struct selection;

struct watch_input {
    const struct scheme *scheme;
    struct fact_range intervals; // COURSE_INTERVAL, by item
    struct window window;        // what lies outside does not count
    int64_t until_ms;            // end of as_of
    uint64_t groups;             // bits of course groups
    const struct home *homes;    // decides whose choice counts when
    size_t n_homes;
    const struct selection *selections;
    size_t n_selections;
};

struct watch_course {
    const char *item;
    const struct course *course; // NULL: unknown
    int64_t recorded_s;          // union, up to as_of
    int64_t inside_s;            // of these inside the window; range and caps not applied
    int64_t counted_s;
};

struct watch {
    int64_t counted_s;
    const struct watch_course *courses; // by item
    size_t n_courses;
    int64_t cut_s[LX__CUT_REASON__CUT_OTHER + 1]; // by Lx__CutReason
};

enum status watch_count(const struct watch_input *input, struct arena *arena,
                        struct watch *out_watch) MUST_USE;
