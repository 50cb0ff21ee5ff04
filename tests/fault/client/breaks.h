// Runs a session once for each of its changing calls, in a child process that breaks this very
// call, and counts what came of it. The program says how a call is broken and what must hold
// afterwards.
#pragma once

#include "tests/fault/client/session.h"

struct breaks {
    const char *name;
    // May a call like this be worth it? NULL: each is.
    bool (*wants)(enum disk_call what, uint64_t change, uint64_t seed);
    // Before the call: plans what happens to it. False: this call is left alone.
    bool (*plan)(struct session *session, uint64_t change, enum disk_call what, uint64_t seed);
    // After the session has stopped with this status: recover, check, go on.
    bool (*finish)(struct session *session, enum status status, uint64_t seed);
};

struct break_counts {
    uint64_t calls; // of the session
    uint64_t broken;
    uint64_t wrong;
};

// The main function of such a program: no arguments, the short form (every call once for each of
// `seeds`); --seed N --seconds T, seeds from N on for T seconds, and the counts as one line of
// JSON;
// --seed N --only CALL, what a finding says to repeat it.
struct breaks_form {
    const struct breaks *list;
    size_t n;
    uint64_t short_seeds;
    const char *json_broken; // names in the JSON line
    const char *json_wrong;
};
int breaks_main(int argc, char **argv, const struct breaks_form *form);
