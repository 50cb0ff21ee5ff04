// The security journal: an append-only file, kept off the database's machine, of every change of
// who may come in and what he may. One line an event:
//
//   hash before, number, time in ms, what, row as JSON      "HASH BEFORE NO AT_MS WHAT JSON\n"
//
// HASH and BEFORE are 64 hexadecimal digits; HASH = sha256(BEFORE's bytes, then the text from NO to
// the end of the line). So lines prove themselves and each other. The database makes the chain
// (sql/functions/security_note.sql), this file copies it. Several processes append, under flock.
// Used by the workers (server/journal_keeper.h) and lianxiaoctl.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/base/view.h"

#define JOURNAL_HASH_SIZE 32
#define JOURNAL_LINE_MAX (64 * 1024)
#define JOURNAL_ERROR_SIZE 512

struct journal_event {
    int64_t no;
    int64_t at_ms;
    uint8_t hash[JOURNAL_HASH_SIZE];
    uint8_t before[JOURNAL_HASH_SIZE];
    struct view what;
    struct view body;
};

// Where a journal ends. no 0: it has no event.
struct journal_end {
    int64_t no;
    uint8_t hash[JOURNAL_HASH_SIZE];
};

// One line, without its newline. STATUS_CORRUPT: not a line of a journal, or its hash is wrong. The
// event's views point into it.
enum status journal_parse(struct view line, struct journal_event *out_event) MUST_USE;

// Walks a journal from its start. `text` is moved on behind the line that is returned.
// STATUS_NOT_FOUND: the end; *text is then what is left of a line that was never finished (a torn
// write), mostly nothing. STATUS_CORRUPT: the next line is broken or does not follow; text stays.
struct journal_walk {
    struct view text;
    struct journal_end end; // of what was walked
    size_t lines;
};
// The next whole line, broken or not; false: there is none. And leaves it behind, unread.
bool journal_peek(const struct journal_walk *walk, struct view *out_line);
void journal_skip(struct journal_walk *walk, struct view line);
enum status journal_next(struct journal_walk *walk, struct journal_event *out_event) MUST_USE;

// Appends those of the events (ascending numbers) that the journal does not have, and waits until
// they are on disk; makes the file (0600) when it is not there. A line that was never finished is
// cut off first. n 0: only reads the end. STATUS_CONFLICT: they do not follow what is there;
// STATUS_CORRUPT: what is there is broken; STATUS_IO. out_error says why, for a person.
enum status journal_append(const char *path, const struct journal_event *events, size_t n,
                           struct journal_end *out_end,
                           char out_error[JOURNAL_ERROR_SIZE]) MUST_USE;

// The whole file in memory, read only. An empty file: an empty view. STATUS_IO: errno says why.
enum status journal_map(const char *path, struct view *out_text) MUST_USE;
void journal_unmap(struct view *text);
