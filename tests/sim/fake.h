// What the fakes tell each other and what the world does to them: loop, network, database.
#pragma once

#include <event2/event.h>

#include "server/db/db.h"
#include "tests/sim/sim.h"

// ---- fake_event.c: libevent on virtual time ----

void fake_event_fd_ready(int fd); // runs the events that wait to read it
// Runs the machine's handler of the signal on its loop (SIGTERM: drain).
void fake_event_signal(const struct machine *machine, int number);

// ---- fake_os.c ----

void fake_os_reset(void);

// ---- fake_net.c: streams, dialling, listening ----

enum { NET_SERVERS = 2 }; // worker processes

struct tls_context;
const uint8_t *fake_tls_device(const struct tls_context *tls); // NULL: no certificate

void net_reset(void); // numbers begin anew
// Cuts connections of this machine as its end would: unread bytes are lost.
void net_kill(const struct machine *machine);
// Something happens to one connection (cut now, cut at a byte that is still to come, silent, slow).
void net_disturb(void);
void net_heal(void); // none is slow any more: how long a sync takes is up to the product again
// What has arrived, frame by frame: requests at the server, answers and events at the client.
struct frame;
typedef void (*net_tap_fn)(const struct machine *client, int64_t sent_us, bool to_server,
                           const struct frame *frame);
void net_set_tap(net_tap_fn tap);

// ---- fake_db.c: one real connection for everybody ----

// Connects, builds the city if the database is new, leaves it in the state of a new seed.
enum status base_open(const char *dsn, const char *scheme_path) MUST_USE;
void base_close(void);
void base_seed_begin(uint64_t seed);
void base_seed_end(void);      // everything that the seed did is undone
void base_vacuum(void);        // between seeds
int base_backup(void);         // number of the backup
void base_restore(int backup); // nothing may be in flight; the cluster is on a new timeline then
void base_load_scheme(unsigned version); // the programme's, with another number
// A statement of the simulation's own, as the superuser; NULL: it failed (a finding). Free with
// base_free.
struct db_result *base_ask(const char *sql, struct db_params *params);
void base_free(struct db_result **result);
// One whole number from a statement without parameters.
int64_t base_number(const char *sql);
