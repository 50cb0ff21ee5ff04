// Inside of one assessment: what amounts, measures and the receipt share. Only common/assess
// includes it.
#pragma once

#include "common/assess/assess.h"
#include "common/assess/evidence.h"
#include "common/assess/measures.h"
#include "common/assess/watch.h"

// More pieces of evidence than this are counted, not listed: a receipt stays small whatever a
// subject has.
#define ASSESS_EVIDENCE_MAX 200
#define ASSESS_QUANTITY_MAX 100000000 // a million: no fact says more
#define ASSESS_WATCHES_MAX                                                                         \
    16 // different (groups, window) of one scheme; further ones are computed anew

struct cached_watch {
    uint64_t groups;
    struct window window;
    struct watch watch;
};

struct assessment {
    const struct assess_input *input;
    struct arena *arena;
    int64_t until_ms; // end of as_of
    struct evidence evidence;
    struct cached_watch watches[ASSESS_WATCHES_MAX];
    size_t n_watches;
    Lx__ReceiptLine **lines; // by rule index; NULL: not of this kind of subject
};

// A quantity in hundredths of its unit as an exact fraction. Bounds are compared by
// cross-multiplication.
struct amount {
    int64_t num;
    int64_t den; // above 0
};

// One thing that counts: when, what, by which fact.
struct hit {
    int64_t time_ms;
    const char *item;        // "" when the fact itself is the thing
    const struct fact *fact; // NULL: see item
    const struct fact *by;   // accepted or selected by; NULL: nobody
};

struct hits {
    struct hit *list; // by time, item, fact
    size_t n;
    size_t n_waiting; // deliverables without an answer
};

bool amount_at_least(struct amount amount, int64_t bound);
bool amount_at_most(struct amount amount, int64_t bound);
// a < b
bool amount_less(struct amount a, struct amount b);
// Cut to hundredths.
int64_t amount_cut(struct amount amount);
// floor(factor * a / b), a and b fractions, b above 0; at most `most`.
int64_t amount_share(int64_t factor, struct amount a, struct amount b, int64_t most);

// The amount of a rule; evidence and cuts go into `line` when it is not NULL.
enum status amount_of(struct assessment *assessment, const struct rule *rule,
                      const Lx__Amount *amount, Lx__ReceiptLine *line,
                      struct amount *out_amount) MUST_USE;
// The things behind a count (facts, deliverables, chosen). Late ones too where `late`.
enum status amount_hits(struct assessment *assessment, const struct rule *rule,
                        const Lx__Amount *amount, bool late, struct hits *out_hits) MUST_USE;
// The best grade of a graded rule; *out_grade NULL: none. `out_waiting`: something waits for one.
enum status amount_best_grade(struct assessment *assessment, const struct rule *rule,
                              struct hit *out_grade, bool *out_waiting) MUST_USE;
// Watching of the subject in some groups and a window; cached.
enum status assessment_watch(struct assessment *assessment, uint64_t groups, struct window window,
                             const struct watch **out_watch) MUST_USE;
// Hours of attendance and recorded practice that fill the school-based part, in a window.
enum status amount_school_hours(struct assessment *assessment, struct window window,
                                Lx__ReceiptLine *line, int64_t *out_hundredths) MUST_USE;
int64_t amount_credits(struct assessment *assessment, struct window window, Lx__ReceiptLine *line,
                       enum status *out_status);

// Adds one piece of evidence to a line (or counts it, when there are too many already).
enum status line_add_evidence(struct assessment *assessment, Lx__ReceiptLine *line,
                              const char *item, const struct fact *fact, const struct fact *by,
                              const int64_t *quantity, const int64_t *of) MUST_USE;
enum status line_add_hits(struct assessment *assessment, Lx__ReceiptLine *line,
                          const struct hits *hits) MUST_USE;

// Scores one rule into its receipt line.
enum status score_rule(struct assessment *assessment, const struct rule *rule,
                       Lx__ReceiptLine *line) MUST_USE;
// Has the rule's window ended on as_of?
bool assessment_ended(const struct assessment *assessment, struct window window);
bool line_is_done(const Lx__ReceiptLine *line);
// Fills the roll-up rows of a standing whose lines and summary are there.
enum status contribute(const struct scheme *scheme, struct standing *standing,
                       struct arena *arena) MUST_USE;
// The summary as a message in the arena; borrows from the summary.
enum status summary_message(const struct scheme *scheme, const struct summary *summary,
                            struct arena *arena, Lx__Summary **out_message) MUST_USE;
