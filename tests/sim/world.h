// The simulated city at work: server processes, devices with their people, what they do, what was
// seen of it, and whether all promises were kept.
#pragma once

#include "client/store/outbox.h"
#include "client/store/replica.h"
#include "server/config.h"
#include "tests/lib/disk.h"
#include "tests/sim/fake.h"

#define WORLD_MAX_DEVICES 8
// How long what the server sends may still be of a moment before: a revocation is felt within a
// second; here queries may be four seconds late, too.
#define WORLD_GRACE_US (6 * SIM_SECOND)

// ---- server.c: two workers and the assessor ----

void server_start(void);
void server_crash_worker(unsigned index);   // and starts another one a little later
void server_restart_worker(unsigned index); // SIGTERM: drains
void server_crash_assessor(void);
void server_stop_all(bool crash); // runs until all have ended
void server_free(void);           // machines of the seed; all must have ended

// ---- device.c: a home, its person, and what the person does ----

enum command {
    COMMAND_SYNC,
    COMMAND_RECORD,   // a record of credit hours, a discussion, a submission, ...
    COMMAND_VOID,     // of one of the records that the home knows
    COMMAND_PERSON,   // a new teacher in the roster
    COMMAND_CHANGE,   // of a teacher's row
    COMMAND_MOVE,     // of a teacher to another workshop
    COMMAND_TRANSFER, // to another district, or from it
    COMMAND_RETRY,    // of what was refused
    COMMAND_DROP,
    COMMAND_BUNDLE_WRITE, // instead of a sync
    COMMAND_BUNDLE_CARRY, // somebody's
    COMMAND_BUNDLE_RECEIPT,
    COMMAND_RESTART, // of the program
    COMMAND_COUNT
};

struct device {
    int number;
    char account[32];
    uint8_t id[32];
    char home[32];     // a disk of its own
    struct disk *disk; // owns
    struct machine machine;
    struct fiber *fiber;
    struct store *store; // owns; NULL while the program does not run
    enum command queue[16];
    size_t n_queue;
    bool busy; // carries out a command
    bool watching;
    bool stop;
    bool copied;         // there is another disk with the same device
    unsigned identity;   // how often it was enrolled
    uint32_t pull_limit; // rows a page
    int last_result;     // enum client_result of the newest sync
    unsigned typed;      // operations that were put into the outbox
    int64_t asked_entry; // to be put away or repeated when the power went; 0: none
    int64_t revoked_us;  // 0: its identity is not
};

extern struct device world_devices[WORLD_MAX_DEVICES];
extern unsigned world_device_count;

// Enters the device on the server and makes its home.
void device_make(struct device *device, int number, const char *account);
void device_start(struct device *device);
void device_order(struct device *device, enum command command); // dropped when too many wait
bool device_is_idle(const struct device *device);
void device_stop(struct device *device); // ends at its next breath; see fiber_ended
void device_remove(struct device *device);
// The next few changes of the disk are the last: the power goes in the middle of one of them, or
// the program is killed. It comes up again by itself.
void device_crash(struct device *device);
// A copy of the disk as it is now, used beside the original.
void device_clone(struct device *device, int number, struct device *original);
// A new identity for a home whose device the server has frozen.
void device_enrol_again(struct device *device);

// ---- type.c: what a person types; inside the device's fiber, with its store open ----

void type_command(struct device *device, enum command command);

// ---- transfer.c: between districts ----

struct local;
void transfer_type(struct device *device, const struct local *local, struct arena *arena,
                   int64_t now_ms);
void transfer_check(void);
// The server's word: a home with a change of somebody that still waits takes that for where he is.
bool transfer_has_moved(struct uuid person, struct uuid from);

// ---- stick.c: bundles that are carried ----

#define STICK_CA "the deployment's CA" // what every home has as its ca.crt
void stick_begin(void);
void stick_end(void);
void stick_command(struct device *device, enum command command);

// ---- audit.c: the chain of seals ----

const char *audit_key_path(void);
void audit_begin(void);
void audit_backup(int backup);
void audit_restore(int backup);
void audit_export(void); // somebody keeps the heads outside the database
void audit_check(void);

// ---- standing.c: the same rules on both sides ----

void standing_check(const struct device *device);

// ---- history.c: everything that was sent and acknowledged ----

void history_typed(const struct device *device, int64_t entry, const Lx__Operation *operation);
// new_entry: that repeats it; 0: none.
void history_archived(const struct device *device, int64_t entry, int64_t new_entry);
// What is inside of a bundle that this machine makes, and of a receipt that it reads.
void history_bundled(struct view content);
void history_receipt(struct view content);
void history_cloned(const struct device *copy, const struct device *original);
void history_new_device(const struct device *device);
// After a sync, inside its fiber (sight.c); in_step: it says that it is done.
void history_synced(const struct device *device, bool in_step);
void history_begin(void);
void history_end(void);
// Every acknowledged operation is in the database.
void history_check(void);

// ---- places.c: nothing was delivered about somebody who never was in that stream ----

void places_begin(void);
void places_end(void);
void places_delivered(struct uuid stream, struct uuid subject, int64_t sent_us);
void places_check(void); // what was delivered since the last time
// Before the database forgets where people have been: checks, and keeps it.
void places_keep(void);

// ---- scope.c: who may see what, by the simulation's own books ----

void scope_begin(void);
// Could this device be served when the server sent it, or a moment before?
bool scope_lets_in(const struct device *device, int64_t sent_us);
// Could this account see the stream when the server sent it, or a moment before?
bool scope_allows(const char *account, struct uuid stream, int64_t sent_us);
void scope_revoke(bool for_cause); // some grant
void scope_grant(void);            // some role to some account that has a device
void scope_backup(int backup);
void scope_restore(int backup, bool journal_lost);
void scope_opened(void); // the database has all that the journal has
void scope_revoke_device(void);

// The unit lies under another one from now on; or all that lies under it does.
void scope_unit_put(const char *code, const char *parent);
void scope_children_put(const char *code, const char *parent);

// ---- operator.c: the operators' tool and the security journal ----

void operator_begin(void); // of a seed
const char *journal_path(void);
// Before and after something that changes rights. False: the database is closed, or does not
// answer.
bool operator_begins(void);
void operator_ends(void);
// The database is about to go. True: the journal goes, too.
bool journal_before_restore(int backup);
void journal_backup(int backup);
void operator_opens(void *user); // the new epoch, with the journal or without it

// ---- units.c: units that move, go into one another and close ----

void units_begin(void);
void units_happen(void); // an operator's tool begins something, or goes on with it
// Every move is carried on until it is over. What can go neither way stays under way, visibly.
void units_heal(void);
bool units_are_stuck(void); // some can go neither way
void units_check(void);

// ---- fault.c ----

extern bool world_restored; // since the seed began: what was acknowledged may wait again
extern bool world_aged;     // 400 days have passed: homes forget what they know to be stored
void fault_begin(void);
void fault_happen(void); // one of them

// ---- act.c ----

// So many steps of people, and what goes wrong meanwhile.
void world_act(unsigned operations);

// ---- oracle.c ----

// Heals the world and checks all promises.
void oracle_run(void);
