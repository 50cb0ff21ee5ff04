// Reads a file that a training platform exported and says for each row what it makes: a new fact,
// the same as known, another content for a known record (void + new fact), or an error that names
// row and column. Pure: directory, scheme and known facts come in, nothing is written.
// deploy/formats.md describes the files. Everything lies in the caller's arena; called by
// client/core/import.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/core/people.h"
#include "common/assess/scheme.h"
#include "common/base/arena.h"
#include "common/text/csv.h"
#include "proto/ledger.pb-c.h"

#define EVIDENCE_KEY_SIZE 32

// One kind of file.
struct evidence_format; // opaque, see evidence_formats.c

// A fact of the replica that came from a file.
struct evidence_known {
    uint8_t key[EVIDENCE_KEY_SIZE];
    const Lx__Fact *fact; // borrows
    bool voided;
};

struct evidence_input {
    struct view bytes;  // the file as it is
    const char *kind;   // name of a format; NULL: found by the header row
    const char *source; // platform, part of the source key; NULL: the format's name
    uint32_t programme; // number
    const struct scheme *scheme;
    const struct people *people;
    struct evidence_known *known; // any order; sorted in place
    size_t n_known;
    int64_t now_ms; // for the new records' ids
};

enum evidence_outcome {
    EVIDENCE_NEW,     // a fact to add
    EVIDENCE_SAME,    // known with the same content: nothing to do
    EVIDENCE_CHANGED, // known with other content: void `replaced`, add the fact
    EVIDENCE_BAD,     // see reason
};

struct evidence_row {
    size_t row; // as a spreadsheet counts
    enum evidence_outcome outcome;
    const char *column;       // header of the column at fault; "" for the whole row
    const Lx__Reason *reason; // BAD
    Lx__Fact *fact;           // NEW, CHANGED; complete
    const Lx__Fact *replaced; // CHANGED; NULL when it is void already
};

struct evidence_result {
    const char *format;  // name of the kind of file
    const char *charset; // "UTF-8", "GB18030"
    struct evidence_row *rows;
    size_t count;
    size_t counts[EVIDENCE_BAD + 1]; // rows by outcome
    Lx__Reason *reason; // the file as a whole cannot be read (after the rows before the fault)
};

// STATUS_OK also when rows or the file are bad: see the result. STATUS_NO_MEMORY when the arena is
// full.
enum status evidence_read(const struct evidence_input *input, struct arena *arena,
                          struct evidence_result *out_result) MUST_USE;

// The column of the file that a field of the judge's reason comes from ("": none); the reason's
// field is dropped where there is one.
enum status evidence_blame_column(const struct evidence_result *result, struct arena *arena,
                                  Lx__Reason *reason, const char **out_column) MUST_USE;

// Turns a row bad after all (the judge or the store refused it); keeps the counts right.
void evidence_refuse(struct evidence_result *result, size_t index, const char *column,
                     const Lx__Reason *reason);

// Names of the kinds of file, in the table's order; NULL behind the last.
const char *evidence_format_name(size_t index);
// SHA-256(programme, source, record id) or, with an empty record id, of the row's normalised
// content.
void evidence_key(uint32_t programme, const char *source, struct view record_id,
                  const Lx__Fact *content, uint8_t out_key[EVIDENCE_KEY_SIZE]);
