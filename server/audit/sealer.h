// The sealer: once a second and district, a signed seal over the rows of op_run and audit that no
// seal covers yet, linked to the seal before. Runs in the assessor's process, on its connection,
// between rounds. Owns the key.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/wire/seal.h"
#include "server/db/sync.h"

struct sealer_options {
    const char *key_path;
    enum seal_algorithm algorithm;
    int interval_ms; // between two seals of a district
};

struct sealer; // opaque
// STATUS_INVALID with a reason in out_error: the key can't be read.
enum status sealer_open(const struct sealer_options *options, struct sealer **out_sealer,
                        char *out_error, size_t error_size) MUST_USE;
void sealer_free(struct sealer **sealer);

// Seals what is there if the interval has passed since the last turn (or `at_once`). A failure
// leaves everything to the next turn; db_sync_is_broken says whether the connection still serves.
enum status sealer_turn(struct sealer *sealer, struct db_sync *db, int64_t monotonic_ms,
                        bool at_once) MUST_USE;
