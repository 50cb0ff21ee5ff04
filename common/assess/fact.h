// One fact as a plain struct: what the assessment reads, whatever store or message it came from.
// Holders own arrays of these; strings are borrowed. Made by the assessor's and the client's row
// readers.
#pragma once

#include <stdint.h>

#include "common/base/status.h"
#include "common/base/uuid.h"
#include "proto/ledger.pb-c.h"

struct fact {
    struct uuid id;
    uint32_t programme;
    Lx__FactKind kind;
    struct uuid subject;
    const char *item; // borrows; "" when absent
    const char *form; // borrows; "" when absent
    int64_t occurred_at_ms;
    int64_t until_ms;  // 0 when absent
    int64_t quantity;  // hundredths; 0 when absent
    struct uuid of;    // nil when absent
    struct uuid actor; // who recorded it; nil when unknown. Not part of the message
};

// Borrows the message's strings. STATUS_INVALID when an id is not 16 bytes or the kind is missing.
enum status fact_from_message(const Lx__Fact *message, struct fact *out_fact) MUST_USE;
// Borrows everything from `fact`, which must outlive the message. Absent stays absent.
void fact_to_message(struct fact *fact, Lx__Fact *out_message);
