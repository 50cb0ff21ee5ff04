// Quantities of a subject as exact fractions, and the arithmetic on them: no floating point,
// products in 128 bits.
#include <string.h>

#include "common/assess/assessment.h"

bool amount_at_least(struct amount amount, int64_t bound) {
    return (__int128)amount.num >= (__int128)bound * amount.den;
}

bool amount_at_most(struct amount amount, int64_t bound) {
    return (__int128)amount.num <= (__int128)bound * amount.den;
}

bool amount_less(struct amount a, struct amount b) {
    return (__int128)a.num * b.den < (__int128)b.num * a.den;
}

int64_t amount_cut(struct amount amount) {
    return amount.num / amount.den;
}

int64_t amount_share(int64_t factor, struct amount a, struct amount b, int64_t most) {
    if (a.num <= 0 || factor <= 0)
        return 0;
    // More than the whole is the whole; below it every product stays under 2^127: b.num * a.den
    // bounds a.num * b.den.
    __int128 whole = (__int128)b.num * a.den;
    __int128 part = (__int128)a.num * b.den;
    if (part >= whole && factor >= most)
        return most;
    __int128 ratio = part / whole; // above 0 only where factor < most
    __int128 points = ratio * factor + part % whole * factor / whole;
    return points < most ? (int64_t)points : most;
}

enum status assessment_watch(struct assessment *assessment, uint64_t groups, struct window window,
                             const struct watch **out_watch) {
    const struct assess_input *input = assessment->input;
    for (size_t i = 0; i < assessment->n_watches; i++) {
        const struct cached_watch *cached = &assessment->watches[i];
        if (cached->groups == groups && cached->window.from_ms == window.from_ms &&
            cached->window.until_ms == window.until_ms) {
            *out_watch = &cached->watch;
            return STATUS_OK;
        }
    }
    // The last place is used again and again when a scheme has very many different windows.
    size_t place = assessment->n_watches < ASSESS_WATCHES_MAX ? assessment->n_watches++
                                                              : ASSESS_WATCHES_MAX - 1;
    struct cached_watch *cached = &assessment->watches[place];
    struct watch_input watch = {
        .scheme = input->scheme,
        .intervals = evidence_of_kind(&assessment->evidence, LX__FACT_KIND__COURSE_INTERVAL),
        .window = window,
        .until_ms = assessment->until_ms,
        .groups = groups,
        .homes = input->homes,
        .n_homes = input->n_homes,
        .selections = input->selections,
        .n_selections = input->n_selections,
    };
    cached->groups = groups;
    cached->window = window;
    *out_watch = &cached->watch;
    return watch_count(&watch, assessment->arena, &cached->watch);
}

static bool in_window(const struct fact *fact, struct window window) {
    return fact->occurred_at_ms >= window.from_ms && fact->occurred_at_ms < window.until_ms;
}

// What a fact says, within what is possible: sums stay far from 2^63 whatever was stored.
static int64_t quantity_of(const struct fact *fact) {
    return fact->quantity > 0 && fact->quantity <= ASSESS_QUANTITY_MAX ? fact->quantity : 0;
}

static bool in_list(const char *code, char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(code, list[i]) == 0)
            return true;
    }
    return false;
}

static uint64_t group_bits(const struct scheme *scheme, const Lx__Amount *amount) {
    if (amount->n_groups == 0)
        return UINT64_MAX;
    uint64_t bits = 0;
    for (size_t i = 0; i < scheme->source->n_groups; i++) {
        if (in_list(scheme->source->groups[i]->code, amount->groups, amount->n_groups))
            bits |= UINT64_C(1) << i;
    }
    return bits;
}

static enum status add_watch_evidence(struct assessment *assessment, Lx__ReceiptLine *line,
                                      const struct watch *watch) {
    for (size_t i = 0; i < watch->n_courses; i++) {
        const struct watch_course *course = &watch->courses[i];
        if (course->recorded_s > 0)
            TRY(line_add_evidence(assessment, line, course->item, NULL, NULL, &course->counted_s,
                                  &course->recorded_s));
    }
    size_t n = sizeof(watch->cut_s) / sizeof(watch->cut_s[0]);
    if (line == NULL)
        return STATUS_OK;
    line->cuts = arena_array(assessment->arena, n, sizeof(*line->cuts));
    if (line->cuts == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 1; i < n; i++) {
        if (watch->cut_s[i] == 0)
            continue;
        Lx__Cut *cut = arena_alloc(assessment->arena, sizeof(*cut));
        if (cut == NULL)
            return STATUS_NO_MEMORY;
        lx__cut__init(cut);
        cut->has_reason = cut->has_quantity = 1;
        cut->reason = (Lx__CutReason)i;
        cut->quantity = watch->cut_s[i];
        line->cuts[line->n_cuts++] = cut;
    }
    return STATUS_OK;
}

static enum status amount_minutes(struct assessment *a, const struct rule *rule,
                                  const Lx__Amount *amount, Lx__ReceiptLine *line,
                                  struct amount *out) {
    const struct watch *watch;
    TRY(assessment_watch(a, group_bits(a->input->scheme, amount), rule->window, &watch));
    *out = (struct amount){watch->counted_s * 100, 60};
    return add_watch_evidence(a, line, watch);
}

// The least of the office holders; nobody: nothing.
static struct amount least_of_holders(struct assessment *a,
                                      int64_t (*value)(const struct summary *, const void *),
                                      const void *more, int64_t factor, int64_t den) {
    struct amount least = {0, 1};
    for (size_t i = 0; i < a->input->n_holders; i++) {
        struct amount one = {value(&a->input->holders[i], more) * factor, den};
        if (i == 0 || amount_less(one, least))
            least = one;
    }
    return least;
}

static int64_t holder_online_s(const struct summary *holder, const void *more) {
    (void)more;
    return holder->online_s;
}

static int64_t holder_school_hours(const struct summary *holder, const void *more) {
    (void)more;
    return holder->school_hours;
}

struct groups {
    uint64_t bits;
    size_t n;
};

static int64_t holder_watched_s(const struct summary *holder, const void *more) {
    const struct groups *groups = more;
    int64_t sum_s = 0;
    for (size_t i = 0; holder->watched_s != NULL && i < groups->n; i++) {
        if ((groups->bits & UINT64_C(1) << i) != 0)
            sum_s += holder->watched_s[i];
    }
    return sum_s;
}

static enum status amount_online_hours(struct assessment *a, const struct rule *rule,
                                       const Lx__Amount *amount, Lx__ReceiptLine *line,
                                       struct amount *out) {
    (void)amount;
    int64_t minutes = a->input->scheme->source->hours->minutes_per_hour;
    if (a->input->kind != SUBJECT_KIND_TEACHER) {
        *out = least_of_holders(a, holder_online_s, NULL, 100, 60 * minutes);
        return STATUS_OK;
    }
    const struct watch *watch;
    TRY(assessment_watch(a, a->input->scheme->hours_groups, rule->window, &watch));
    *out = (struct amount){watch->counted_s * 100, 60 * minutes};
    (void)line; // the same courses stand in the line that scores the minutes
    return STATUS_OK;
}

static enum status amount_unit_school_hours(struct assessment *a, const struct rule *rule,
                                            const Lx__Amount *amount, Lx__ReceiptLine *line,
                                            struct amount *out) {
    (void)amount;
    if (a->input->kind != SUBJECT_KIND_TEACHER) {
        *out = least_of_holders(a, holder_school_hours, NULL, 1, 1);
        return STATUS_OK;
    }
    *out = (struct amount){0, 1};
    return amount_school_hours(a, rule->window, line, &out->num);
}

// Hours of activities: each activity counts once, with the most hours anybody recorded.
static enum status attended_hours(struct assessment *a, struct window window,
                                  const Lx__Amount *amount, Lx__ReceiptLine *line, int64_t *sum) {
    struct fact_range range = evidence_of_kind(&a->evidence, LX__FACT_KIND__ATTENDANCE);
    for (size_t i = 0; i < range.n;) {
        const char *item = range.facts[i]->item;
        int64_t most = 0;
        for (; i < range.n && strcmp(range.facts[i]->item, item) == 0; i++) {
            const struct fact *fact = range.facts[i];
            bool wanted = amount == NULL || amount->n_forms == 0 ||
                          in_list(fact->form, amount->forms, amount->n_forms);
            if (wanted && in_window(fact, window) && quantity_of(fact) > most)
                most = quantity_of(fact);
        }
        if (most > 0)
            TRY(line_add_evidence(a, line, item, NULL, NULL, &most, NULL));
        *sum += most;
    }
    return STATUS_OK;
}

static enum status recorded_hours(struct assessment *a, struct window window, const char *item,
                                  Lx__ReceiptLine *line, int64_t *sum) {
    struct fact_range range = evidence_of_item(&a->evidence, LX__FACT_KIND__CREDIT_HOURS, item);
    int64_t hours = 0;
    for (size_t i = 0; i < range.n; i++) {
        if (in_window(range.facts[i], window))
            hours += quantity_of(range.facts[i]);
    }
    if (hours > 0)
        TRY(line_add_evidence(a, line, item, NULL, NULL, &hours, NULL));
    *sum += hours;
    return STATUS_OK;
}

enum status amount_school_hours(struct assessment *a, struct window window, Lx__ReceiptLine *line,
                                int64_t *out_hundredths) {
    *out_hundredths = 0;
    TRY(attended_hours(a, window, NULL, line, out_hundredths));
    return recorded_hours(a, window, "school", line, out_hundredths);
}

static enum status amount_hours(struct assessment *a, const struct rule *rule,
                                const Lx__Amount *amount, Lx__ReceiptLine *line,
                                struct amount *out) {
    *out = (struct amount){0, 1};
    for (size_t i = 0; i < amount->n_kinds; i++) {
        if (amount->kinds[i] == LX__FACT_KIND__ATTENDANCE)
            TRY(attended_hours(a, rule->window, amount, line, &out->num));
        for (size_t k = 0; amount->kinds[i] == LX__FACT_KIND__CREDIT_HOURS && k < amount->n_items;
             k++)
            TRY(recorded_hours(a, rule->window, amount->items[k], line, &out->num));
    }
    return STATUS_OK;
}

int64_t amount_credits(struct assessment *a, struct window window, Lx__ReceiptLine *line,
                       enum status *out_status) {
    struct fact_range range = evidence_of_kind(&a->evidence, LX__FACT_KIND__CERTIFICATION);
    int64_t sum = 0;
    *out_status = STATUS_OK;
    for (size_t i = 0; i < range.n && *out_status == STATUS_OK;) {
        const char *item = range.facts[i]->item;
        int64_t most = 0;
        for (; i < range.n && strcmp(range.facts[i]->item, item) == 0; i++) {
            if (in_window(range.facts[i], window) && quantity_of(range.facts[i]) > most)
                most = quantity_of(range.facts[i]);
        }
        if (most == 0 || scheme_point(a->input->scheme, item) == NULL)
            continue;
        *out_status = line_add_evidence(a, line, item, NULL, NULL, &most, NULL);
        sum += most;
    }
    return sum;
}

static enum status amount_of_credits(struct assessment *a, const struct rule *rule,
                                     const Lx__Amount *amount, Lx__ReceiptLine *line,
                                     struct amount *out) {
    (void)amount;
    enum status status;
    *out = (struct amount){amount_credits(a, rule->window, line, &status), 1};
    return status;
}

static enum status amount_grade(struct assessment *a, const struct rule *rule,
                                const Lx__Amount *amount, Lx__ReceiptLine *line,
                                struct amount *out) {
    (void)amount;
    (void)line;
    struct hit grade;
    bool waiting;
    TRY(amount_best_grade(a, rule, &grade, &waiting));
    *out = (struct amount){grade.by != NULL ? grade.by->quantity : 0, 1};
    return STATUS_OK;
}

static enum status amount_below(struct assessment *a, const struct rule *rule,
                                const Lx__Amount *amount, Lx__ReceiptLine *line,
                                struct amount *out) {
    (void)rule;
    (void)line;
    bool passed_only = amount->kind == LX__AMOUNT_KIND__AMOUNT_PASSED;
    int64_t n = 0;
    for (size_t i = 0; i < a->input->n_below; i++) {
        const struct summary *below = &a->input->below[i];
        bool counts = below->kind == SUBJECT_KIND_TEACHER && below->obliged;
        if (counts && (!passed_only || below->state == LX__STANDING_STATE__PASSED))
            n++;
    }
    *out = (struct amount){n * 100, 1};
    return STATUS_OK;
}

static enum status amount_count(struct assessment *a, const struct rule *rule,
                                const Lx__Amount *amount, Lx__ReceiptLine *line,
                                struct amount *out) {
    struct hits hits;
    TRY(amount_hits(a, rule, amount, false, &hits));
    *out = (struct amount){(int64_t)hits.n * 100, 1};
    return line == NULL ? STATUS_OK : line_add_hits(a, line, &hits);
}

static enum status amount_holder_minutes(struct assessment *a, const struct rule *rule,
                                         const Lx__Amount *amount, Lx__ReceiptLine *line,
                                         struct amount *out) {
    (void)rule;
    (void)line;
    struct groups groups = {group_bits(a->input->scheme, amount),
                            a->input->scheme->source->n_groups};
    *out = least_of_holders(a, holder_watched_s, &groups, 100, 60);
    return STATUS_OK;
}

static enum status amount_constant(struct assessment *a, const struct rule *rule,
                                   const Lx__Amount *amount, Lx__ReceiptLine *line,
                                   struct amount *out) {
    (void)a;
    (void)rule;
    (void)line;
    *out = (struct amount){amount->value, 1};
    return STATUS_OK;
}

typedef enum status (*amount_fn)(struct assessment *, const struct rule *, const Lx__Amount *,
                                 Lx__ReceiptLine *, struct amount *);

#define ROW(name, function) [LX__AMOUNT_KIND__AMOUNT_##name] = function
static const amount_fn functions[] = {
    ROW(FACTS, amount_count),
    ROW(DELIVERABLES, amount_count),
    ROW(MINUTES, amount_minutes),
    ROW(ONLINE_HOURS, amount_online_hours),
    ROW(SCHOOL_HOURS, amount_unit_school_hours),
    ROW(HOURS, amount_hours),
    ROW(CREDITS, amount_of_credits),
    ROW(GRADE, amount_grade),
    ROW(PASSED, amount_below),
    ROW(OBLIGED, amount_below),
    ROW(CASES, amount_count),
    ROW(CHOSEN, amount_count),
    ROW(HOLDER_MINUTES, amount_holder_minutes),
    ROW(CONSTANT, amount_constant),
};
#undef ROW

enum status amount_of(struct assessment *assessment, const struct rule *rule,
                      const Lx__Amount *amount, Lx__ReceiptLine *line, struct amount *out_amount) {
    return functions[amount->kind](assessment, rule, amount, line, out_amount);
}
