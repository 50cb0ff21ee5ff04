// The seals of one district, from the first to the newest: numbers, links, hashes, signatures,
// roots and the heads that were kept elsewhere. Their entries are compared with the rows in heaps.
#include <stdlib.h>
#include <string.h>

#include "server/audit/verification.h"

#define SEALS_PAGE 200
#define HEAP 2000 // entries compared in one query

enum {
    SEAL_NUMBER,
    SEAL_SEALED_AT,
    SEAL_RUNS,
    SEAL_ACTIONS,
    SEAL_ALGORITHM,
    SEAL_PREVIOUS,
    SEAL_ROOT,
    SEAL_HASH,
    SEAL_KEY,
    SEAL_SIGNATURE,
    SEAL_ENTRIES
};

struct heap {
    struct audit_entry *entries;
    size_t n, room;
};

struct chain {
    struct audit *audit;
    int32_t district;
    int64_t number; // of the seal before
    int64_t sealed_at_us;
    uint8_t hash[SEAL_HASH_SIZE]; // what it should be
    struct arena *arena;          // owns; entries in the heaps borrow from it
    struct heap runs, actions;
    uint8_t (*leaves)[SEAL_HASH_SIZE]; // owns; of one seal
    size_t leaves_room;
};

static void tell(struct chain *chain, int64_t number, const char *what) {
    audit_tell(chain->audit, chain->district, number, "", "%s", what);
}

// ---- heaps ----

static enum status flush(struct chain *chain) {
    enum status status =
        audit_check_runs(chain->audit, chain->district, chain->runs.entries, chain->runs.n);
    if (status == STATUS_OK)
        status = audit_check_actions(chain->audit, chain->district, chain->actions.entries,
                                     chain->actions.n);
    chain->runs.n = chain->actions.n = 0;
    arena_reset(chain->arena);
    return status;
}

static enum status add_to_heap(struct heap *heap, const struct audit_entry *entry) {
    TRY(audit_grow((void **)&heap->entries, heap->n, &heap->room, sizeof *heap->entries));
    heap->entries[heap->n++] = *entry;
    return STATUS_OK;
}

// ---- one seal ----

static enum status read_entries(struct chain *chain, const struct seal *seal, struct view bytes,
                                size_t *out_leaves) {
    int32_t counts[2] = {0, 0};
    struct view rest = bytes;
    struct audit_entry entry = {
        .seal = seal->number, .sealed_at_us = seal->sealed_at_us, .algorithm = seal->algorithm};
    enum status status;
    *out_leaves = 0;
    while ((status = entry_next(&rest, &entry.entry)) == STATUS_OK) {
        bool is_run = entry.entry.kind == ENTRY_RUN;
        TRY(audit_grow((void **)&chain->leaves, *out_leaves, &chain->leaves_room, SEAL_HASH_SIZE));
        memcpy(chain->leaves[(*out_leaves)++], entry.entry.leaf, SEAL_HASH_SIZE);
        counts[is_run ? 0 : 1]++;
        TRY(add_to_heap(is_run ? &chain->runs : &chain->actions, &entry));
    }
    if (status == STATUS_CORRUPT)
        tell(chain, seal->number, "its list of entries is broken");
    else if (counts[0] != seal->runs || counts[1] != seal->actions)
        tell(chain, seal->number, "it counts other rows than it lists");
    return STATUS_OK;
}

static bool take_hash(const struct db_result *result, int row, int column,
                      uint8_t out_hash[SEAL_HASH_SIZE]) {
    struct view bytes = db_bytea(result, row, column);
    if (bytes.size != SEAL_HASH_SIZE)
        return false;
    memcpy(out_hash, bytes.data, SEAL_HASH_SIZE);
    return true;
}

static bool read_seal(const struct chain *chain, const struct db_result *result, int row,
                      struct seal *out_seal) {
    int64_t algorithm = db_int8(result, row, SEAL_ALGORITHM);
    *out_seal = (struct seal){
        .district = chain->district,
        .number = db_int8(result, row, SEAL_NUMBER),
        .sealed_at_us = db_timestamptz_us(result, row, SEAL_SEALED_AT),
        .runs = (int32_t)db_int8(result, row, SEAL_RUNS),
        .actions = (int32_t)db_int8(result, row, SEAL_ACTIONS),
    };
    if (seal_algorithm_name(algorithm) == NULL)
        return false;
    out_seal->algorithm = (enum seal_algorithm)algorithm;
    return take_hash(result, row, SEAL_PREVIOUS, out_seal->previous) &&
           take_hash(result, row, SEAL_ROOT, out_seal->root) &&
           take_hash(result, row, SEAL_KEY, out_seal->key);
}

static void check_links(struct chain *chain, const struct seal *seal, struct view stored_hash,
                        struct view signature, const uint8_t hash[SEAL_HASH_SIZE]) {
    const struct audit_ring *ring = chain->audit->options->ring;
    if (memcmp(seal->previous, chain->hash, SEAL_HASH_SIZE) != 0)
        tell(chain, seal->number, "it does not follow the seal before it");
    if (!view_equal(stored_hash, view_from(hash, SEAL_HASH_SIZE)))
        tell(chain, seal->number, "its hash is not that of what it says");
    if (!audit_ring_has(ring, seal->key))
        tell(chain, seal->number, "it names a key that is not known here");
    else if (!audit_ring_verify(ring, seal->key, hash, signature))
        tell(chain, seal->number, "its signature is wrong");
    if (seal->sealed_at_us < chain->sealed_at_us)
        tell(chain, seal->number, "it is older than the seal before it");
}

static void compare_witnesses(struct chain *chain, const struct seal *seal,
                              const uint8_t hash[SEAL_HASH_SIZE]) {
    const struct audit_options *options = chain->audit->options;
    for (size_t i = 0; i < options->n_witnesses; i++) {
        struct audit_witness *witness = &options->witnesses[i];
        bool same_place = witness->district == AUDIT_ANY_DISTRICT ||
                          (witness->district == chain->district && witness->number == seal->number);
        if (same_place && memcmp(witness->hash, hash, SEAL_HASH_SIZE) == 0)
            witness->found = true;
    }
}

static enum status check_seal(struct chain *chain, const struct db_result *result, int row) {
    struct seal seal;
    uint8_t hash[SEAL_HASH_SIZE], root[SEAL_HASH_SIZE];
    size_t n = 0;
    bool whole = read_seal(chain, result, row, &seal);
    chain->audit->result->seals++;
    if (seal.number != chain->number + 1)
        tell(chain, chain->number + 1, "it is missing");
    chain->number = seal.number;
    if (!whole) {
        tell(chain, seal.number, "a hash of it has no or another size or algorithm");
        return STATUS_OK;
    }
    struct view entries = db_bytea(result, row, SEAL_ENTRIES);
    char *copy = arena_string(chain->arena, entries); // entries in the heaps outlive the result
    if (copy == NULL)
        return STATUS_NO_MEMORY;
    seal_hash(&seal, hash);
    check_links(chain, &seal, db_bytea(result, row, SEAL_HASH),
                db_bytea(result, row, SEAL_SIGNATURE), hash);
    compare_witnesses(chain, &seal, hash);
    TRY(read_entries(chain, &seal, view_from(copy, entries.size), &n));
    seal_root(seal.algorithm, (const uint8_t(*)[SEAL_HASH_SIZE])chain->leaves, n, root);
    if (memcmp(root, seal.root, SEAL_HASH_SIZE) != 0)
        tell(chain, seal.number, "its root is not that of its entries");
    memcpy(chain->hash, hash, SEAL_HASH_SIZE);
    chain->sealed_at_us = seal.sealed_at_us;
    return chain->runs.n + chain->actions.n >= HEAP ? flush(chain) : STATUS_OK;
}

static enum status walk(struct chain *chain) {
    int n = SEALS_PAGE;
    while (n == SEALS_PAGE) {
        struct db_params *params = audit_params(chain->audit, chain->district);
        db_param_int8(params, chain->number);
        db_param_int4(params, SEALS_PAGE);
        struct db_result *result = NULL;
        enum status status = db_sync_query(chain->audit->db, "audit_seals", params, &result);
        n = status == STATUS_OK ? db_rows(result) : 0;
        for (int row = 0; status == STATUS_OK && row < n; row++)
            status = check_seal(chain, result, row);
        db_sync_free_result(&result);
        TRY(status);
    }
    return flush(chain);
}

enum status audit_walk_chain(struct audit *audit, int32_t district) {
    struct chain chain = {.audit = audit, .district = district, .arena = arena_new(0)};
    enum status status = chain.arena != NULL ? walk(&chain) : STATUS_NO_MEMORY;
    audit->newest_seal_us = chain.sealed_at_us;
    free(chain.runs.entries);
    free(chain.actions.entries);
    free(chain.leaves);
    arena_free(&chain.arena);
    return status;
}
