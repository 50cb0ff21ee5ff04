// A home in a temporary folder and short makers of operations and rows, for the tests of the
// client's store and core. Each test owns one `struct home`.
#pragma once

#include "client/store/outbox.h"
#include "client/store/replica.h"
#include "client/store/store.h"

#define HOME_NOW_MS 1622000000000 // 2021-05-26
#define HOME_MAX_OPS 500          // of a group
#define HOME_MAX_BYTES 900000

struct home {
    char path[64];
    bool made;            // by home_open
    struct store *store;  // owns
    struct arena *arena;  // owns
    uint64_t next_number; // of the ids that are made
};

void home_open(struct home *home); // asserts
// At a place of the test's choice, which it removes itself.
void home_open_at(struct home *home, const char *path);
void home_close(struct home *home); // removes the folder that home_open made
void home_reopen(struct home *home);

struct uuid home_id(uint64_t number); // always the same id for the same number
struct uuid home_new_id(struct home *home);

// Messages in the home's arena.
Lx__Operation *home_fact(struct home *home, struct uuid id, struct uuid subject, const char *item);
Lx__Operation *home_accept(struct home *home, struct uuid id, struct uuid subject, struct uuid of);
Lx__Operation *home_person(struct home *home, struct uuid id, const char *name, uint64_t version);
Lx__Operation *home_membership(struct home *home, struct uuid id, struct uuid person);
// A live row as the server would send it.
Lx__Row *home_row(struct home *home, uint64_t seq, struct uuid id, uint64_t version,
                  const Lx__Operation *body);

int64_t home_add(struct home *home, struct uuid stream, const Lx__Operation *operation);
void home_scope(struct home *home, size_t n, const struct uuid *streams);
// A pull that proves the stream whole.
void home_pull(struct home *home, struct uuid stream, size_t n, Lx__Row *const *rows,
               uint64_t cursor);
// The next group of at most max_ops.
struct outbox_entries home_seal(struct home *home, struct uuid stream, size_t max_ops);
// STORE_CONFIG_DB_EPOCH alone, as a Hello would; the same, and healed, but for what Scope tells.
void home_set_epoch(struct home *home, uint64_t number);
void home_heal_epoch(struct home *home, uint64_t number);
// What Scope tells of one stream.
struct outbox_lost home_heal(struct home *home, struct uuid stream, uint64_t server_next);
size_t home_count(struct home *home, enum store_kind kind);
