// Keeps the security journal of one worker up to date, and holds answers back until what they
// speak of is in it: what was revoked must not come back with a backup.
#pragma once

#include "server/journal.h"
#include "server/request.h"

struct journal_keeper; // opaque
struct worker;

// The worker's setting security_journal names the file, whose end is read here. *out_keeper stays
// NULL without that setting.
enum status journal_keeper_open(struct worker *worker, struct journal_keeper **out_keeper) MUST_USE;
void journal_keeper_free(struct journal_keeper **keeper); // after the worker's pools

// Where the journal ends, as far as known; NULL: there is none, or it can't be read.
const struct journal_end *journal_keeper_end(const struct journal_keeper *keeper);
// The database's last event has this number: copies what is missing.
void journal_keeper_see(struct journal_keeper *keeper, int64_t no);
// Calls `done` when all that was committed before is in the journal (STATUS_OK), or can't be
// written. From the loop, once, never before this returns.
typedef void (*journal_done_fn)(struct request *request, enum status status);
void journal_keeper_wait(struct journal_keeper *keeper, struct request *request,
                         journal_done_fn done);
