// Reads a roster file (people of schools, their workshops, offices and fields) and compares it with
// what the home knows: new, changed, moved, ended, the same. Nothing is written before
// roster_apply. Printed sizes of workshops and schools are compared with the people listed.
// deploy/formats.md describes the file. Everything lies in the caller's arena; called by
// client/cli.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/core/local.h"
#include "client/core/transfer.h"

struct roster_input {
    struct view bytes;
    const struct local *local; // borrows
    const struct judge_programme *programme;
    int64_t from_ms; // of new memberships where the row says nothing
    bool complete;   // the file lists everybody of its schools: who is missing has left
    int64_t now_ms;
    const struct transfer_row *under_way; // borrows; of transfer_list
    size_t n_under_way;
};

enum roster_outcome {
    ROSTER_NEW,
    ROSTER_CHANGED, // fields or offices
    ROSTER_MOVED,   // another workshop or school
    ROSTER_ENDED,   // leaves: the row has an end, or the file is complete and lacks the person
    ROSTER_SAME,
    ROSTER_MISSING, // of a school of the file, not in it; nothing is done (see `complete`)
    ROSTER_BAD,
    ROSTER_JOINED, // was under way from another district
    ROSTER_OUTCOMES
};

struct roster_entry {
    size_t row; // as a spreadsheet counts; 0: not in the file
    enum roster_outcome outcome;
    const char *name;
    const char *unit;         // where to: name of the workshop or school
    const char *from_unit;    // JOINED, MOVED, ENDED, MISSING: where from; else ""
    const char *column;       // BAD: header at fault
    const Lx__Reason *reason; // BAD
    struct uuid person;
    struct uuid stream;           // of the operations
    Lx__Operation *operations[6]; // person, memberships; in this order
    size_t n_operations;
    uint64_t version; // of the person's row that was compared with; 0: new
    bool queued;      // roster_apply has put it into the outbox
};

// A unit whose printed size is not the number of people listed.
struct roster_size {
    struct uuid unit;
    const char *code;
    const char *name;
    uint32_t printed;
    uint32_t listed;
};

struct roster_result {
    const char *charset;
    struct roster_entry *entries; // rows in their order, then who is not in the file
    size_t count;
    size_t counts[ROSTER_OUTCOMES];
    struct roster_size *sizes; // differences only
    size_t n_sizes;
    size_t listed;      // people of the file
    size_t grouped;     // of them in a workshop
    Lx__Reason *reason; // the file as a whole cannot be read
};

// STATUS_OK also when rows are bad. STATUS_NO_MEMORY when the arena is full.
enum status roster_read(const struct roster_input *input, struct arena *arena,
                        struct roster_result *out_result) MUST_USE;

// Judges every entry's operations and puts the good ones into the outbox, one transaction. An entry
// that is refused becomes BAD with its reason; the others go in.
enum status roster_apply(struct store *store, const struct roster_input *input, struct arena *arena,
                         struct roster_result *result) MUST_USE;

// "new", "changed", ...
const char *roster_outcome_name(enum roster_outcome outcome);
