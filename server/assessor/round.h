// One round of a district: one transaction that reads what is new, scores whom it concerns, stores
// standings and roll-ups and says how far the figures are true. Killed anywhere, it has happened as
// a whole or not at all. Called by the assessor's process.
#pragma once

#include <stdbool.h>

#include "server/assessor/schemes.h"
#include "server/db/sync.h"

struct round_report {
    bool taken;        // false: another assessor has the district
    size_t subjects;   // assessed
    int64_t concerned; // subjects of facts that were pushed since the round before
    bool live;         // somebody is left in the first lane
    int64_t rescore;   // subjects left in the second lane
};

enum round_lane { ROUND_LANE_LIVE = 1, ROUND_LANE_RESCORE = 2 };

// A round of one lane; the live one also reads the streams and begins days. On failure nothing is
// changed (the transaction is rolled back), and the caller looks whether the connection broke.
enum status round_run(struct db_sync *db, struct scheme_set *schemes, int32_t district,
                      enum round_lane lane, struct round_report *out_report) MUST_USE;
