// What the parts of the judge share: one operation being judged and the way to refuse it. Each
// check returns true when it has nothing against the operation. Used by judge_*.c only.
#pragma once

#include "common/assess/judge.h"
#include "common/assess/scheme.h"
#include "common/wire/reason.h"

struct judging {
    const struct judge_context *context;
    const Lx__Operation *operation;
    struct arena *arena;
    Lx__Reason *reason; // NULL: nothing against it yet
    bool no_memory;
    const char *within; // refused fields lie in this one, as "transfer"; NULL: in the operation
    // Facts only, filled by the checks in their order:
    const Lx__Fact *fact;
    const struct fact_kind_info *info;
    const struct scheme *scheme;
    const struct judge_subject *subject;
    const struct rule *rule; // that `item`, or the item of `of`, names; NULL: none
    struct judge_fact of;    // of.fact NULL: none
};

typedef bool (*judge_check_fn)(struct judging *judging);

// Notes the refusal and returns false. Values of the reason's parameters follow, then NULL.
bool judge_refuse(struct judging *judging, enum reason_id reason, const char *field, ...)
    __attribute__((sentinel));

// ---- ids and lookups ----
bool judge_id(struct judging *judging, bool has, ProtobufCBinaryData bytes, const char *field,
              struct uuid *out_id);
bool judge_record_id(struct judging *judging, bool has, ProtobufCBinaryData bytes,
                     const char *field);
// Of a person or membership; one that is there already keeps the id that it has.
bool judge_row_id(struct judging *judging, bool has, ProtobufCBinaryData bytes, bool is_new,
                  const char *field);
const struct judge_subject *judge_find_subject(const struct judge_context *context, struct uuid id);
// Refuses because nobody of this id is there: with `reason`, or saying to which district he went.
bool judge_refuse_absent(struct judging *judging, struct uuid id, enum reason_id reason,
                         const char *field);
const struct judge_unit *judge_find_unit(const struct judge_context *context, struct uuid id);
// Is `unit` on the way from `home` up to the city, itself included?
bool judge_covers(const struct judge_context *context, struct uuid unit, struct uuid home);
// The unit of this level on that way; NULL: none.
const struct judge_unit *judge_unit_above(const struct judge_context *context, struct uuid home,
                                          Lx__UnitLevel level);
enum subject_kind judge_subject_kind(enum fact_subject subject);
// Does the sender hold the capability over the subject's home or the stream at the time?
bool judge_may(const struct judge_context *context, enum capability capability, struct uuid home,
               int64_t time_ms);

// ---- text ----
enum judge_text { JUDGE_TEXT_LINE, JUDGE_TEXT_LONG };
// Valid UTF-8 in NFC without control and direction characters, at most `cap` code points.
bool judge_text(struct judging *judging, const char *text, enum judge_text kind, size_t cap,
                const char *field);
// The same, and neither empty nor with white space at an end.
bool judge_name(struct judging *judging, const char *text, size_t cap, const char *field);
// Arena text for parameters. NULL never: "" when the arena is full (the refusal then fails, too).
const char *judge_hundredths(struct judging *judging, int64_t hundredths);
const char *judge_day(struct judging *judging, int64_t time_ms);
const char *judge_number(struct judging *judging, int64_t number);

// ---- the parts ----
bool judge_fact_content(struct judging *judging); // judge_fact.c
bool judge_fact_stage(struct judging *judging);   // judge_stage.c
bool judge_submission(struct judging *judging);   // judge_submission.c
bool judge_permission(struct judging *judging);   // judge_review.c
bool judge_person(struct judging *judging);       // judge_roster.c
bool judge_membership(struct judging *judging);   // judge_roster.c
bool judge_transfer(struct judging *judging);     // judge_roster.c
