// What history.c keeps, for those who check it in files of their own.
#pragma once

#include "tests/sim/world.h"

struct sent {
    const struct machine *client;
    struct uuid stream;
    uint64_t op_seq;
    struct uuid record;
    bool is_fact;
    bool pushed;  // by itself
    bool bundled; // in a bundle: its key is never given out again
    bool former;  // under an identity, or a key, that the home has no longer
    bool acknowledged;
    bool refused;
};

struct typed {
    const struct machine *client;
    int64_t entry;
    struct uuid record;
    bool is_fact;
    struct uuid subject;
    struct uuid row; // of an imported row: what its key and content come to; nil: typed by hand
    bool archived;   // the person took it back or repeated it
    bool seen;       // in the home's view after its last sync
};

const struct sent *history_sents(size_t *out_count);
struct typed *history_typeds(size_t *out_count);
// The next after `after` (NULL: the first) that imports the same row under another id. Only one of
// them is stored.
const struct typed *history_twin(const struct typed *typed, const struct typed *after);

// ---- sight.c ----

void sight_begin(void); // of a seed
// The server has told this machine that a stream's unit is under way, instead of a page.
void sight_moving(const struct machine *client);
