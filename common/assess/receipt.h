// Reads receipts back and gives their lines words: labels, the sentence of the source, the
// assumptions. A receipt holds codes and numbers only; the words come from the scheme version it
// names. Used by client and tests.
#pragma once

#include "common/assess/scheme.h"
#include "common/base/arena.h"
#include "common/base/uuid.h"

enum language { LANGUAGE_ZH, LANGUAGE_EN };

// Into the arena. STATUS_CORRUPT when the bytes are not a receipt.
enum status receipt_unpack(struct view bytes, struct arena *arena,
                           Lx__Receipt **out_receipt) MUST_USE;

// Text of a label in a language; the other language when one is missing; "" when both are.
const char *text_in(const Lx__Text *text, enum language language);
// The words of a receipt's line; all borrowed from the scheme, "" when the scheme does not know the
// rule.
const char *receipt_rule_label(const struct scheme *scheme, const Lx__ReceiptLine *line,
                               enum language language);
const char *receipt_rule_sentence(const struct scheme *scheme, const Lx__ReceiptLine *line);
// Why an assumption of a rule is made, by its code (rule->source->assumed); "" when the scheme does
// not know it.
const char *receipt_assumption_reason(const struct scheme *scheme, const char *code);
// Words of a state, a cut, a measure, a kind of subject.
const char *receipt_line_state_text(Lx__LineState state, enum language language);
const char *receipt_cut_text(Lx__CutReason reason, enum language language);
// What an amount counts, e.g. of a line's unmet condition.
const char *receipt_amount_text(const Lx__Amount *amount, enum language language);
const char *measure_text(Lx__Measure measure, enum language language);
const char *subject_kind_text(enum subject_kind kind, enum language language);
// Name of an item of evidence (course topic, ability point, form, rule); the item itself when the
// scheme has no name.
const char *receipt_item_text(const struct scheme *scheme, const char *item,
                              enum language language);

// In what words a receipt is written.
struct receipt_words {
    enum language language;
    // What a person calls this fact (a title, a day), or NULL: then its id stands there. May be
    // NULL.
    const char *(*name_fact)(void *user, struct uuid fact);
    void *user; // borrows
};

// The whole receipt as plain text, one line an item, ending in a newline; in the arena. NULL when
// memory is out.
char *receipt_format(const struct scheme *scheme, const Lx__Receipt *receipt,
                     const struct receipt_words *words, struct arena *arena) MUST_USE;
