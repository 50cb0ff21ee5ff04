// A worker of the real server without sockets, PostgreSQL, threads and clocks: connections over
// memory (stream.c), a database that answers what the input says (fake_db.c), and everything
// between, from the frame to the reply, as it is in lianxiaod. Fuzz targets feed it bytes; it
// checks what comes out.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/uuid.h"
#include "common/base/view.h"
#include "proto/ledger.pb-c.h"
#include "proto/wire.pb-c.h"

// The ids of the world: 0199c0de-0000-7000-8000-0000000000NN, as in proto/vectors.
enum world_id {
    WORLD_CITY = 1,
    WORLD_DISTRICT,
    WORLD_SCHOOL,
    WORLD_WORKSHOP,
    WORLD_OTHER_DISTRICT,
    WORLD_OTHER_SCHOOL,
    WORLD_OTHER_WORKSHOP,
    WORLD_UNITS_END,
    WORLD_ME = 0x10,
    WORLD_TEACHER,
    WORLD_OTHER_TEACHER,
    WORLD_RECORD = 0x20, // records of the stream: this and above
};

#define WORLD_CONNS 3              // connections side by side
#define WORLD_DEVICE 0xd1          // each byte of the device's id
#define WORLD_DEPLOYMENT 0xde      // and of the deployment's
#define WORLD_NOW_MS 1637200000000 // 2021-11-18

struct world_options {
    Lx__Role role;       // whose login it is
    bool checks_off;     // the server's layer of permission is off
    bool device_expired; // the certificate of connections with a device
};

struct bundle_keys;

struct bundle_keys *world_bundle_keys(void); // a stand-in, see containers.c
struct uuid world_uuid(int number);
struct view world_scheme(void);       // packed, of programme 1
Lx__Role world_role(void);            // of the options
struct uuid world_unit_of_role(void); // where the login's grant is

// Everything is fresh and the same for the same input; the process keeps only constants.
void world_begin(const struct world_options *options);
// What the database says from now on; before, its answers are the usual ones. Nothing may wait.
void world_tape(struct view tape);
// Ends connections and worker; aborts when something is left over or was not answered.
void world_end(void);

// Opens the connection `i`; with_device: it shows a certificate.
void world_connect(size_t i, bool with_device);
// Hello, with a token when `login` is set.
void world_greet(size_t i, bool login);
// Bytes from the peer; they are read at once. Nothing when the connection is not there (any more).
void world_send(size_t i, struct view bytes);
void world_send_frame(size_t i, uint16_t method, uint32_t request, struct view payload);
// The peer goes away, in the middle of whatever is under way.
void world_hang_up(size_t i);
// Answers up to n calls of the database and the thread pool, and everything that follows from them.
// False: nothing waits any more.
bool world_work(size_t n);
// Wakes what is woken by time in the real server: checks of logins, deadlines, nudges.
void world_tick(int64_t passed_ms);
bool world_is_open(size_t i);
// Frames that the connection has got so far, all of them well-formed.
size_t world_answers(size_t i);

struct world_answer {
    uint8_t kind;  // Lx__FrameKind; 0: none yet
    Lx__Code code; // of an error
    size_t size;
    uint8_t payload[16384]; // its first bytes
};

// The newest of those frames.
const struct world_answer *world_last(size_t i);
