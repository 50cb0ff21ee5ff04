// The server's configuration: a table of keys (name, type, default, help, reloadable), read from a
// `key = value` file and --set key=value. --show-config prints it. Programs hold it read-only; a
// reload makes a new one and takes over the reloadable keys only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/base/status.h"

#define CONFIG_TEXT_SIZE 512

struct config {
    char listen[CONFIG_TEXT_SIZE]; // numeric address, v4 or v6
    int port;                      // 0: any free one (tests); the log line says which
    int workers;                   // 0: one per 4 cores
    char dsn_api[CONFIG_TEXT_SIZE];
    char dsn_auth[CONFIG_TEXT_SIZE];     // "": dsn_api
    char dsn_assessor[CONFIG_TEXT_SIZE]; // "": no assessor is started
    int db_readers;                      // pipelined reading connections per worker
    int db_writers;                      // writing connections per worker, depth 1
    int db_depth;                        // segments in flight per reading connection
    int db_wait_ms;                      // a call waits so long for a connection
    char cert[CONFIG_TEXT_SIZE];         // PEM chain of the server
    char key[CONFIG_TEXT_SIZE];
    char ca_cert[CONFIG_TEXT_SIZE];          // signs and verifies devices
    char ca_key[CONFIG_TEXT_SIZE];           // "": this node can't enrol
    char security_journal[CONFIG_TEXT_SIZE]; // "": none is kept
    char bundle_cert[CONFIG_TEXT_SIZE];      // PEM, current and former; "": takes no bundles
    char bundle_key[CONFIG_TEXT_SIZE];
    int bundles_per_minute;   // parts that one login carries: each is audited
    int max_connections;      // per node; shared out to the workers
    int accept_budget;        // connections taken per wake of the listener
    int handshake_timeout_ms; // from accept to the end of the handshake
    int hello_timeout_ms;     // from there to a finished login (Hello, Enrol or Login answered)
    int frame_timeout_ms;     // from the first byte of a frame to its last
    int write_timeout_ms;     // a peer that reads nothing of what is waiting for it
    int idle_timeout_ms;      // after the last complete frame of a login
    int max_unsent_bytes;     // per connection: above it the server stops reading
    int request_memory_bytes; // arena of one request
    int threads;              // of the thread pool, per worker
    int thread_queue;         // jobs waiting for them, beyond: busy
    int session_idle_minutes;
    int session_hours;
    char audit_key[CONFIG_TEXT_SIZE]; // "": nothing is sealed
    char audit_hash[16];              // sha256, sm3
    int audit_interval_ms;            // between two seals of a district
    int drain_timeout_ms;             // SIGTERM: what is in flight may finish
    char checks[16];    // both, server_only, sql_only: which permission layers are on (tests of P2)
    char log_level[16]; // debug, info, warning, error
};

enum config_type { CONFIG_TYPE_TEXT, CONFIG_TYPE_INT };

struct config_key {
    const char *name;
    enum config_type type;
    size_t offset; // in struct config
    const char *default_value;
    int min, max; // of an int
    bool reloadable;
    const char *help;
};

extern const struct config_key CONFIG_KEYS[];
extern const size_t CONFIG_KEY_COUNT;

// Where a configuration came from, to read it again.
struct config_source {
    const char *file;        // NULL: none
    const char *const *sets; // "key=value", borrowed from the command line
    size_t n_sets;
};

// Defaults, file, then --set in order.
enum status config_load(struct config *config, const struct config_source *source,
                        FILE *errors) MUST_USE;
void config_set_defaults(struct config *config);
// Messages for a person go to `errors`: file, line, key, what is wrong, what is allowed.
enum status config_set(struct config *config, const char *key, const char *value,
                       FILE *errors) MUST_USE;
enum status config_read_file(struct config *config, const char *path, FILE *errors) MUST_USE;
// Takes the reloadable keys of `fresh`, names the others that differ in the log.
void config_reload(struct config *config, const struct config *fresh);
void config_show(const struct config *config, FILE *out);
bool config_checks_server(const struct config *config); // the server's permission layer is on
