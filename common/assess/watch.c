// Union of intervals with caps. Each course's intervals are united first; the united intervals then
// count in the order start, end, course; seconds cut by a cap stay free for another course.
#include "common/assess/watch.h"

#include <string.h>

#include "common/assess/assess.h"
#include "common/base/clock.h"
#include "common/base/sort.h"

struct span { // whole seconds since 1970
    int64_t from_s;
    int64_t until_s;
    unsigned course; // index into watch.courses
};

struct spans {
    struct span *list;
    size_t n;
    size_t capacity;
};

// State of one count.
struct counter {
    const struct watch_input *input;
    struct arena *arena;
    struct watch_course *courses;
    size_t n_courses;
    struct spans pieces; // of one course, before they are united
    struct spans united; // of all courses
    int64_t cut_s[LX__CUT_REASON__CUT_OTHER + 1];
};

static enum status spans_add(struct spans *spans, struct arena *arena, struct span span) {
    if (spans->n == spans->capacity) {
        size_t capacity = spans->capacity == 0 ? 64 : spans->capacity * 2;
        struct span *list = arena_array(arena, capacity, sizeof(*list));
        if (list == NULL)
            return STATUS_NO_MEMORY;
        if (spans->n > 0)
            memcpy(list, spans->list, spans->n * sizeof(*list));
        spans->list = list;
        spans->capacity = capacity;
    }
    spans->list[spans->n++] = span;
    return STATUS_OK;
}

static int compare_spans(const void *a, const void *b) {
    const struct span *first = a;
    const struct span *second = b;
    if (first->from_s != second->from_s)
        return first->from_s < second->from_s ? -1 : 1;
    if (first->until_s != second->until_s)
        return first->until_s < second->until_s ? -1 : 1;
    return (first->course > second->course) - (first->course < second->course);
}

// Sorts and unites in place; returns the seconds they hold together.
static int64_t unite(struct spans *spans) {
    size_t n = 0;
    int64_t sum_s = 0;
    sort_list(spans->list, spans->n, sizeof(*spans->list), compare_spans);
    for (size_t i = 0; i < spans->n; i++) {
        struct span *last = n > 0 ? &spans->list[n - 1] : NULL;
        if (last == NULL || spans->list[i].from_s > last->until_s)
            spans->list[n++] = spans->list[i];
        else if (spans->list[i].until_s > last->until_s)
            last->until_s = spans->list[i].until_s;
    }
    spans->n = n;
    for (size_t i = 0; i < n; i++)
        sum_s += spans->list[i].until_s - spans->list[i].from_s;
    return sum_s;
}

// Adds the part of [from, until) inside the window as whole seconds. Both ends are cut the same
// way, so pieces of a split interval still touch.
static enum status add_piece(struct counter *counter, unsigned course, int64_t from_ms,
                             int64_t until_ms, struct window window) {
    if (from_ms < window.from_ms)
        from_ms = window.from_ms;
    if (until_ms > window.until_ms)
        until_ms = window.until_ms;
    if (from_ms < 0 || until_ms / 1000 <= from_ms / 1000)
        return STATUS_OK;
    struct span span = {from_ms / 1000, until_ms / 1000, course};
    return spans_add(&counter->pieces, counter->arena, span);
}

// Unites the facts of one course inside a window; returns the seconds.
static enum status unite_facts(struct counter *counter, struct fact_range facts, unsigned course,
                               struct window window, int64_t *out_seconds) {
    counter->pieces.n = 0;
    for (size_t i = 0; i < facts.n; i++)
        TRY(add_piece(counter, course, facts.facts[i]->occurred_at_ms, facts.facts[i]->until_ms,
                      window));
    *out_seconds = unite(&counter->pieces);
    return STATUS_OK;
}

static bool school_chose(const struct watch_input *input, struct uuid school, const char *item) {
    for (size_t i = 0; i < input->n_selections; i++) {
        if (input->selections[i].occurred_at_ms < input->until_ms &&
            uuid_equal(input->selections[i].unit, school) &&
            strcmp(input->selections[i].item, item) == 0)
            return true;
    }
    return false;
}

// The parts of the window in which the teacher's school has chosen the course.
static enum status unite_in_range(struct counter *counter, struct fact_range facts, unsigned course,
                                  struct window window, int64_t *out_seconds) {
    const struct watch_input *input = counter->input;
    counter->pieces.n = 0;
    for (size_t h = 0; h < input->n_homes; h++) {
        const struct home *home = &input->homes[h];
        if (!school_chose(input, home->school, counter->courses[course].item))
            continue;
        struct window part = window;
        if (home->from_ms > part.from_ms)
            part.from_ms = home->from_ms;
        if (home->until_ms < part.until_ms)
            part.until_ms = home->until_ms;
        for (size_t i = 0; i < facts.n; i++)
            TRY(add_piece(counter, course, facts.facts[i]->occurred_at_ms, facts.facts[i]->until_ms,
                          part));
    }
    *out_seconds = unite(&counter->pieces);
    return STATUS_OK;
}

// One course: what was recorded, what lies in the stage, what lies in the range; the rest goes on.
static enum status add_course(struct counter *counter, struct fact_range facts) {
    const struct watch_input *input = counter->input;
    const char *item = facts.facts[0]->item;
    const struct course *course = scheme_course(input->scheme, item);
    if (course != NULL && (input->groups & UINT64_C(1) << course->group) == 0)
        return STATUS_OK;
    unsigned index = (unsigned)counter->n_courses++;
    counter->courses[index] = (struct watch_course){item, course, 0, 0, 0};
    int64_t recorded_s = 0;
    TRY(unite_facts(counter, facts, index, (struct window){0, input->until_ms}, &recorded_s));
    counter->courses[index].recorded_s = recorded_s;
    if (course == NULL) {
        counter->cut_s[LX__CUT_REASON__CUT_OTHER] += recorded_s;
        return STATUS_OK;
    }
    struct window window = input->window;
    if (window.until_ms > input->until_ms)
        window.until_ms = input->until_ms;
    int64_t inside_s = 0;
    TRY(unite_facts(counter, facts, index, window, &inside_s));
    counter->courses[index].inside_s = inside_s;
    counter->cut_s[LX__CUT_REASON__CUT_STAGE] += recorded_s - inside_s;
    if (course->chosen) {
        int64_t range_s = 0;
        TRY(unite_in_range(counter, facts, index, window, &range_s));
        counter->cut_s[LX__CUT_REASON__CUT_RANGE] += inside_s - range_s;
    }
    for (size_t i = 0; i < counter->pieces.n; i++)
        TRY(spans_add(&counter->united, counter->arena, counter->pieces.list[i]));
    return STATUS_OK;
}

// One day of one teacher: seconds up to `frontier_s` are counted already (nothing behind it is),
// because intervals come in the order of their start and each takes the earliest free seconds.
struct day {
    int64_t frontier_s;
    int64_t counted_s;
};

static int64_t at_most(int64_t value, int64_t limit) {
    return value < limit ? value : limit;
}

// Counts the part of a span that lies in one day.
static void count_part(struct counter *counter, struct day *day, struct span part) {
    struct watch_course *course = &counter->courses[part.course];
    const Lx__Hours *hours = counter->input->scheme->source->hours;
    int64_t from_s = part.from_s > day->frontier_s ? part.from_s : day->frontier_s;
    int64_t free_s = part.until_s > from_s ? part.until_s - from_s : 0;
    counter->cut_s[LX__CUT_REASON__CUT_OVERLAP] += part.until_s - part.from_s - free_s;
    int64_t take_s = free_s;
    if (course->course->length_s > 0)
        take_s = at_most(take_s, course->course->length_s - course->counted_s);
    counter->cut_s[LX__CUT_REASON__CUT_COURSE] += free_s - take_s;
    if (hours != NULL && hours->daily_limit_s > 0) {
        int64_t wanted_s = take_s;
        take_s = at_most(take_s, hours->daily_limit_s - day->counted_s);
        counter->cut_s[LX__CUT_REASON__CUT_DAY] += wanted_s - take_s;
    }
    if (take_s <= 0)
        return;
    day->frontier_s = from_s + take_s;
    day->counted_s += take_s;
    course->counted_s += take_s;
}

static enum status count_united(struct counter *counter) {
    struct spans *united = &counter->united;
    if (united->n == 0)
        return STATUS_OK;
    sort_list(united->list, united->n, sizeof(*united->list), compare_spans);
    int64_t last_s = 0;
    for (size_t i = 0; i < united->n; i++)
        last_s = united->list[i].until_s > last_s ? united->list[i].until_s : last_s;
    int32_t first_day = clock_day_of(united->list[0].from_s * 1000);
    size_t n_days = (size_t)(clock_day_of(last_s * 1000) - first_day) + 1;
    struct day *days = arena_array(counter->arena, n_days, sizeof(*days));
    if (days == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < united->n; i++) {
        struct span rest = united->list[i];
        while (rest.from_s < rest.until_s) {
            int32_t day = clock_day_of(rest.from_s * 1000);
            struct span part = rest;
            part.until_s = at_most(rest.until_s, clock_day_start_ms(day + 1) / 1000);
            count_part(counter, &days[day - first_day], part);
            rest.from_s = part.until_s;
        }
    }
    return STATUS_OK;
}

enum status watch_count(const struct watch_input *input, struct arena *arena,
                        struct watch *out_watch) {
    struct counter counter = {.input = input, .arena = arena};
    counter.courses = arena_array(arena, input->intervals.n + 1, sizeof(*counter.courses));
    if (counter.courses == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < input->intervals.n;) {
        size_t end = i + 1;
        const char *item = input->intervals.facts[i]->item;
        while (end < input->intervals.n && strcmp(input->intervals.facts[end]->item, item) == 0)
            end++;
        TRY(add_course(&counter, (struct fact_range){input->intervals.facts + i, end - i}));
        i = end;
    }
    TRY(count_united(&counter));
    *out_watch = (struct watch){0, counter.courses, counter.n_courses, {0}};
    memcpy(out_watch->cut_s, counter.cut_s, sizeof(counter.cut_s));
    for (size_t i = 0; i < counter.n_courses; i++)
        out_watch->counted_s += counter.courses[i].counted_s;
    return STATUS_OK;
}
