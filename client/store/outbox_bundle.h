// What of the outbox travels in bundles: files that somebody carries to the server. A bundle names
// operations by their keys and changes nothing about them; they wait until an answer comes, by a
// receipt or by the network. Caller: client/core/bundle.c.
#pragma once

#include "client/store/outbox.h"

#define OUTBOX_RECEIPT_KEY_SIZE 32

// Operations of one stream with contiguous keys, as one push group.
struct outbox_group {
    struct uuid stream;
    uint64_t first_op_seq;
    struct view *operations; // encoded
    size_t count;
    size_t bytes;
};

struct outbox_groups {
    struct outbox_group *groups; // ascending by stream and key
    size_t count;
};

// Gives keys to everything that may go (as store_outbox_seal does, group by group), and lists all
// that waits under a key. out_left: operations that must wait for the answer to others first. Needs
// an open transaction; everything in the arena.
enum status store_outbox_seal_all(struct store *store, size_t max_ops, size_t max_bytes,
                                  struct arena *arena, struct outbox_groups *out_groups,
                                  uint64_t *out_left) MUST_USE;

// A bundle of this device, remembered so that its receipt can be read, and that its keys are never
// given to other operations. The setters need an open transaction.
enum status store_bundle_add(struct store *store, struct uuid id,
                             const uint8_t key[OUTBOX_RECEIPT_KEY_SIZE], int64_t now_ms) MUST_USE;
enum status store_bundle_add_group(struct store *store, struct uuid id, uint32_t part,
                                   const struct outbox_group *group) MUST_USE;

struct store_bundle {
    int64_t created_ms;
    uint8_t receipt_key[OUTBOX_RECEIPT_KEY_SIZE];
    uint64_t operations;
    uint64_t waiting; // of them
};

// STATUS_NOT_FOUND: not written by this device.
enum status store_bundle_get(struct store *store, struct uuid id,
                             struct store_bundle *out_bundle) MUST_USE;
// Does the bundle hold exactly these operations in this part? STATUS_NOT_FOUND: no.
enum status store_bundle_has_group(struct store *store, struct uuid id, uint32_t part,
                                   struct uuid stream, const uint64_t range[2]) MUST_USE;
