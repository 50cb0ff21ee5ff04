// A client's scripted life on the made-up disk: enrolment, records, files, roster changes, sync
// rounds with a server in memory, retries, voids, a new device, checkpoints. Each step can be done
// again after it was cut: then it does what is missing. The tests of power cuts, failing writes and
// failing allocations break it where they like, recover, check and go on to the same end.
#pragma once

#include "tests/lib/disk.h"
#include "tests/unit/client/core/fake_server.h"
#include "tests/unit/client/core/import_world.h"

#define SESSION_MOUNT "/disk/session"
#define SESSION_HOME SESSION_MOUNT "/home"
#define SESSION_DATABASE SESSION_HOME "/lianxiao.db"
#define SESSION_ENTRIES 64
#define SESSION_STEPS 40
#define SESSION_LOG_PAGES 40 // a checkpoint every few steps

// What the outbox held when a step said that it was done.
struct session_entry {
    int64_t id;
    struct uuid record;
    enum outbox_state state;
    uint8_t hash[16];
};

struct session {
    struct disk *disk;          // owns
    struct import_world world;  // its home is the session's
    struct fake_server *server; // one for the program: one session at a time
    struct store_grant grant;   // of the login
    int server_device;          // that the server has seen last: 'A', 'B'
    unsigned server_done;       // events at the server that have happened, a bit for each
    const int64_t *moves;       // borrows; added to the true time, each for a step; may be NULL
    size_t n_moves;
    size_t step;     // the next one
    char error[256]; // of the step that failed
    struct session_entry entries[SESSION_ENTRIES];
    size_t n_entries;
    int adds[SESSION_STEPS]; // entries that each step adds, from a run without faults
    uint64_t final;          // what that run ended with; 0: not run yet
};

// Makes the disk, the server and its city; the home does not exist yet.
void session_open(struct session *session, uint64_t seed);
void session_close(struct session *session);

// Opens the home if need be and does the next steps until one fails or all are done. The status and
// the store's words are those of the step that failed.
enum status session_run(struct session *session);
const char *session_step_name(const struct session *session); // of the next step
const char *session_error(const struct session *session);
// The program is gone: forgets the open home without a word.
void session_drop_home(struct session *session);

// After a break: opens the home and checks it against what was said to be done. False: it prints
// what is wrong.
bool session_check(struct session *session);
// All steps are done: the end is that of a run without faults (the first call remembers it).
bool session_check_end(struct session *session);
