// Why something was refused: the table of proto/reasons.csv as an enum, texts in both languages,
// and makers of lx.Reason messages. Server and clients share it; everybody appends rows to the
// table.
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "proto/wire.pb-c.h"

enum reason_id {
    REASON_NONE = 0,
#define X(NAME, number, code, id, parameters, en, zh) REASON_##NAME = (number),
#include "proto/reasons.inc"
#undef X
};

enum reason_language { REASON_LANGUAGE_EN, REASON_LANGUAGE_ZH };

struct reason_info {
    enum reason_id reason;
    Lx__Code code;          // the gRPC code that goes with it
    const char *id;         // "hello_first"
    const char *parameters; // names, separated by spaces; "" for none
    const char *en, *zh;    // texts with {name} places
};

// NULL when this program does not know the number.
const struct reason_info *reason_find(uint32_t number);
// The i-th row, NULL behind the last: for tests and documentation.
const struct reason_info *reason_at(size_t i);

// A lx.Reason in the arena, with the English text filled in. `field` may be NULL (the whole).
// After it one const char * per parameter of the table's row, then NULL: their number is asserted.
// NULL only when the arena is full.
Lx__Reason *reason_new(struct arena *arena, enum reason_id reason, const char *field, ...) MUST_USE
    __attribute__((sentinel));
// The same with the values in an array.
Lx__Reason *reason_new_v(struct arena *arena, enum reason_id reason, const char *field,
                         const char *const *values, size_t n_values) MUST_USE;

// What a person reads: the text in the language with the parameters filled in, "(field)" behind it
// when there is one; the English text of the message when the number is unknown here.
enum status reason_format(const Lx__Reason *reason, enum reason_language language,
                          struct buf *out_text) MUST_USE;
