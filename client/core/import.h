// Puts the rows of an evidence file into the outbox: each is judged as the server will judge it,
// the good ones go in with one transaction, the bad ones stay listed. Called by client/cli.
#pragma once

#include "client/core/evidence.h"
#include "client/core/local.h"
#include "client/store/store.h"

// Judges and stores what `result` (of evidence_read) found new or changed. Rows that the judge
// refuses become bad with its reason. Nothing is stored unless STATUS_OK comes back.
enum status import_apply(struct store *store, const struct local *local, int64_t now_ms,
                         struct arena *arena, struct evidence_result *result) MUST_USE;
