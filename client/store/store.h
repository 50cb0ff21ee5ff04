// The client's home: one SQLite database and a few files, all 0600, shared by several programs.
// Every write transaction and checkpoint runs under one lock on the home. The store owns its
// connection and statements; client/core and client/cli call it. See replica.h and outbox.h, too.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/base/uuid.h"
#include "common/base/view.h"

struct store; // opaque; one per program and home, used by one thread

#define STORE_SCHEMA_VERSION 5
#define STORE_LOCK_WAIT_MS 5000 // then the caller is told who holds the home

// Opens or creates the home (folder 0700) and brings its schema up to date. `program` names the
// caller to others who wait for the lock. On failure *out_store is NULL and `out_error` (may be
// NULL, else >= 256 bytes) says why in English. STATUS_CORRUPT: a newer or foreign database.
enum status store_open(const char *home, const char *program, char *out_error,
                       struct store **out_store) MUST_USE;
void store_close(struct store **store); // rolls back what is open; takes NULL
const char *store_home(const struct store *store);
// English text of the last failure of a call on this store; for STATUS_AGAIN who holds the home.
const char *store_error(const struct store *store);
// For tests and for programs that must not wait long.
void store_set_lock_wait_ms(struct store *store, int wait_ms);
// For tests: the write-ahead log is copied back when it is longer than this many pages.
void store_set_log_pages(struct store *store, int pages);

// One write transaction: takes the lock on the home, then begins. STATUS_AGAIN after
// STORE_LOCK_WAIT_MS: store_error says pid and program of the holder. Transactions do not nest.
enum status store_begin(struct store *store) MUST_USE;
enum status
store_commit(struct store *store) MUST_USE; // durable when it returns; ends it on failure, too
void store_rollback(struct store *store);   // no-op when none is open
bool store_in_transaction(const struct store *store);
// Changes whenever any program has committed to this home.
enum status store_change_counter(struct store *store, uint64_t *out_counter) MUST_USE;

// ---- configuration: small values by name ----

#define STORE_CONFIG_SERVER "server"     // host:port
#define STORE_CONFIG_DEVICE "device"     // 32 bytes: SHA-256 of the public key
#define STORE_CONFIG_IDENTITY "identity" // number behind the names of its files, decimal text
#define STORE_CONFIG_ACCOUNT "account"
#define STORE_CONFIG_PERSON "person" // 16 bytes
#define STORE_CONFIG_PERSON_NAME "person_name"
#define STORE_CONFIG_SESSION "session_token"       // 32 bytes; absent: logged out
#define STORE_CONFIG_SCOPE_VERSION "scope_version" // decimal text
#define STORE_CONFIG_SERVER_TIME "server_time_ms"  // newest time seen from a server, decimal text
#define STORE_CONFIG_SKEW "skew_ms"                // server's clock minus ours, decimal text
#define STORE_CONFIG_LAST_SYNC "last_sync_ms"      // end of the last complete sync, decimal text
#define STORE_CONFIG_DB_EPOCH "db_epoch"           // 16 bytes, as Hello told
#define STORE_CONFIG_EPOCH_SINCE "epoch_since_ms"  // server's time when it told so first
#define STORE_CONFIG_BUNDLE_CERTIFICATE "bundle_certificate" // DER; absent: bundles are not taken
#define STORE_CONFIG_DOUBTFUL "doubtful_ms"      // acknowledged until then: by a database of before
#define STORE_CONFIG_HEALED_EPOCH "healed_epoch" // under which all that is stored was so

// What a server's answers are about: the keys of a device, in the history of one database. Another
// program may change either while an answer is under way: it hears of a restore, or enrols anew.
struct store_history {
    uint8_t device[32]; // STORE_CONFIG_DEVICE; zeros: none
    uint8_t db_epoch[16];
};

enum status store_history_get(struct store *store, struct store_history *out_history) MUST_USE;
// store_begin for what was asked under this history. STATUS_CONFLICT: the home has another one now,
// and no transaction is open.
enum status store_begin_in(struct store *store, const struct store_history *history) MUST_USE;

// Copies into the arena. STATUS_NOT_FOUND: not set.
enum status store_config_get(struct store *store, const char *name, struct arena *arena,
                             struct view *out_value) MUST_USE;
// What was never set is `absent`.
enum status store_config_get_int(struct store *store, const char *name, int64_t absent,
                                 int64_t *out_value) MUST_USE;
// Setters need an open transaction. An empty view removes the value.
enum status store_config_set(struct store *store, const char *name, struct view value) MUST_USE;
enum status store_config_set_int(struct store *store, const char *name, int64_t value) MUST_USE;

// ---- files beside the database, written whole (temporary file, fsync, rename) ----

// All belong to one identity: its number (STORE_CONFIG_IDENTITY, absent: none yet) stands behind
// their names, so that the three and the database change in one moment.
#define STORE_FILE_KEY "device.key"         // PEM, the device's private key
#define STORE_FILE_CERTIFICATE "device.crt" // PEM
#define STORE_FILE_CA "ca.crt"              // PEM, the deployment's own CA

// Of the identity in use.
enum status store_file_write(struct store *store, const char *name, struct view content) MUST_USE;
enum status store_file_read(struct store *store, const char *name, struct arena *arena,
                            struct view *out_content) MUST_USE;
// Absolute path in the arena; NULL when memory is out.
const char *store_file_path(struct store *store, const char *name, struct arena *arena) MUST_USE;

struct store_identity {
    struct view device; // for STORE_CONFIG_DEVICE
    struct view key, certificate, ca;
};

// A new identity, in force when the open transaction is committed; until then, and if it never is,
// the former one is whole.
enum status store_identity_put(struct store *store, const struct store_identity *identity) MUST_USE;
// After that commit: removes the former identity's files.
void store_identity_tidy(struct store *store);

// ---- grants of this login, as the server last told ----

struct store_grant {
    struct uuid id;
    uint32_t role; // enum Lx__Role
    struct uuid unit;
    int64_t from_ms;
    int64_t until_ms; // 0: open
};

enum status store_grants(struct store *store, struct arena *arena, size_t *out_count,
                         struct store_grant **out_grants) MUST_USE;
