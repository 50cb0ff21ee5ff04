// Where somebody stands, computed here by common/assess from what this home holds: its own waiting
// records count, too. Only for subjects whose streams the home holds whole; for all others the
// server's standing is a synced row. Called by client/cli.
#pragma once

#include "client/core/local.h"
#include "client/store/store.h"
#include "common/assess/assess.h"

// The result lives in the arena. STATUS_NOT_FOUND: this home does not hold everything that the
// subject's score comes from (ask store for the server's standing instead). as_of: day.
enum status standing_local(struct store *store, const struct local *local,
                           const struct judge_programme *programme, struct uuid subject,
                           int32_t as_of, struct arena *arena,
                           struct standing *out_standing) MUST_USE;
