// One transaction per district: what is unsealed is read, hashed, signed here and written. It is
// durable before its head can reach a client, since workers read only what is committed.
#include "server/audit/sealer.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "server/audit/key.h"
#include "server/audit/rows.h"

// Rows of one seal; what is more comes with the next. A run has at most 500 operations, so this is
// a few MiB.
#define MOST_RUNS 5000
#define MOST_ACTIONS 5000
#define MOST_DISTRICTS 1000

struct sealer {
    struct audit_key *key; // owns
    enum seal_algorithm algorithm;
    int interval_ms;
    int64_t next_ms; // monotonic
};

// One seal in the making. Everything but the buffers lies in the arena.
struct making {
    struct sealer *sealer;
    struct db_sync *db;
    struct arena *arena;
    struct seal seal;
    struct buf entries, scratch;
    uint8_t (*leaves)[SEAL_HASH_SIZE];
    size_t n_leaves;
    // cursors, one per stream and device
    struct uuid *streams;
    struct view *devices;
    int64_t *op_tos, *counts;
    size_t n_senders;
    struct uuid *actions;
    size_t n_actions;
};

enum status sealer_open(const struct sealer_options *options, struct sealer **out_sealer,
                        char *out_error, size_t error_size) {
    struct sealer *sealer = calloc(1, sizeof *sealer);
    if (sealer == NULL)
        return STATUS_NO_MEMORY;
    enum status status =
        audit_key_load_file(options->key_path, &sealer->key, out_error, error_size);
    if (status != STATUS_OK) {
        sealer_free(&sealer);
        return status;
    }
    sealer->algorithm = options->algorithm;
    sealer->interval_ms = options->interval_ms;
    *out_sealer = sealer;
    return STATUS_OK;
}

void sealer_free(struct sealer **sealer) {
    if (*sealer == NULL)
        return;
    audit_key_free(&(*sealer)->key);
    free(*sealer);
    *sealer = NULL;
}

// ---- reading ----

enum { BEGIN_TAKEN, BEGIN_NUMBER, BEGIN_HASH, BEGIN_AT };

static struct db_params *params_new(const struct making *making) {
    struct db_params *params = db_params_new(making->arena);
    db_param_int4(params, making->seal.district);
    return params;
}

static enum status begin(struct making *making, bool *out_taken) {
    struct db_result *result = NULL;
    struct seal *seal = &making->seal;
    TRY(db_sync_sql(making->db, "set transaction isolation level repeatable read", NULL, NULL));
    enum status status = db_sync_query(making->db, "seal_begin", params_new(making), &result);
    if (status == STATUS_OK) {
        struct view hash = db_bytea(result, 0, BEGIN_HASH);
        *out_taken = db_bool(result, 0, BEGIN_TAKEN);
        seal->number = db_int8(result, 0, BEGIN_NUMBER) + 1;
        seal->sealed_at_us = db_timestamptz_us(result, 0, BEGIN_AT);
        if (hash.size == SEAL_HASH_SIZE)
            memcpy(seal->previous, hash.data, SEAL_HASH_SIZE);
        else if (seal->number > 1)
            status = STATUS_CORRUPT;
    }
    db_sync_free_result(&result);
    return status;
}

// Rows come sorted by stream and device: the next row of the same pair moves its cursor on.
static enum status move_cursor(struct making *making, const struct entry *entry) {
    size_t last = making->n_senders - 1;
    if (making->n_senders == 0 || !uuid_equal(making->streams[last], entry->id) ||
        !view_equal(making->devices[last], entry->device)) {
        char *device = arena_string(making->arena, entry->device);
        if (device == NULL)
            return STATUS_NO_MEMORY;
        last = making->n_senders++;
        making->streams[last] = entry->id;
        making->devices[last] = view_from(device, entry->device.size);
        making->counts[last] = 0;
    }
    making->op_tos[last] = entry->op_to;
    making->counts[last]++;
    return STATUS_OK;
}

static enum status take_rows(struct making *making, const struct db_result *result,
                             enum entry_kind kind) {
    for (int row = 0; row < db_rows(result); row++) {
        struct entry entry;
        TRY(rows_entry(result, row, kind, making->seal.algorithm, &making->scratch, &entry));
        TRY(entry_append(&making->entries, &entry));
        memcpy(making->leaves[making->n_leaves++], entry.leaf, SEAL_HASH_SIZE);
        if (kind == ENTRY_RUN)
            TRY(move_cursor(making, &entry));
        else
            making->actions[making->n_actions++] = entry.id;
    }
    return STATUS_OK;
}

static enum status read_rows(struct making *making, const char *statement, int32_t most,
                             enum entry_kind kind, int32_t *out_n) {
    struct db_params *params = params_new(making);
    db_param_int4(params, most);
    struct db_result *result = NULL;
    enum status status = db_sync_query(making->db, statement, params, &result);
    if (status == STATUS_OK) {
        *out_n = db_rows(result);
        status = take_rows(making, result, kind);
    }
    db_sync_free_result(&result);
    return status;
}

static bool make_room(struct making *making) {
    struct arena *arena = making->arena;
    making->leaves = arena_array(arena, MOST_RUNS + MOST_ACTIONS, sizeof *making->leaves);
    making->streams = arena_array(arena, MOST_RUNS, sizeof *making->streams);
    making->devices = arena_array(arena, MOST_RUNS, sizeof *making->devices);
    making->op_tos = arena_array(arena, MOST_RUNS, sizeof *making->op_tos);
    making->counts = arena_array(arena, MOST_RUNS, sizeof *making->counts);
    making->actions = arena_array(arena, MOST_ACTIONS, sizeof *making->actions);
    return making->leaves != NULL && making->streams != NULL && making->devices != NULL &&
           making->op_tos != NULL && making->counts != NULL && making->actions != NULL;
}

// ---- writing ----

static enum status put(struct making *making) {
    struct seal *seal = &making->seal;
    uint8_t hash[SEAL_HASH_SIZE], signature[SEAL_SIGNATURE_SIZE];
    memcpy(seal->key, audit_key_id(making->sealer->key), SEAL_HASH_SIZE);
    seal_root(seal->algorithm, (const uint8_t(*)[SEAL_HASH_SIZE])making->leaves, making->n_leaves,
              seal->root);
    seal_hash(seal, hash);
    TRY(audit_key_sign(making->sealer->key, hash, signature));
    struct db_params *params = params_new(making);
    db_param_int8(params, seal->number);
    db_param_int8(params, seal->sealed_at_us);
    db_param_int4(params, seal->runs);
    db_param_int4(params, seal->actions);
    db_param_int4(params, (int32_t)seal->algorithm);
    db_param_bytea(params, view_from(seal->previous, SEAL_HASH_SIZE));
    db_param_bytea(params, view_from(seal->root, SEAL_HASH_SIZE));
    db_param_bytea(params, view_from(hash, SEAL_HASH_SIZE));
    db_param_bytea(params, view_from(seal->key, SEAL_HASH_SIZE));
    db_param_bytea(params, view_from(signature, sizeof signature));
    db_param_bytea(params, buf_view(&making->entries));
    db_param_uuid_array(params, making->n_senders, making->streams, NULL);
    db_param_bytea_array(params, making->n_senders, making->devices);
    db_param_int8_array(params, making->n_senders, making->op_tos, NULL);
    db_param_int8_array(params, making->n_senders, making->counts, NULL);
    db_param_uuid_array(params, making->n_actions, making->actions, NULL);
    return db_sync_query(making->db, "seal_put", params, NULL);
}

static enum status make(struct making *making) {
    bool taken = false;
    TRY(begin(making, &taken));
    if (!taken)
        return STATUS_OK;
    if (!make_room(making))
        return STATUS_NO_MEMORY;
    TRY(read_rows(making, "seal_runs", MOST_RUNS, ENTRY_RUN, &making->seal.runs));
    TRY(read_rows(making, "seal_actions", MOST_ACTIONS, ENTRY_ACTION, &making->seal.actions));
    return making->n_leaves > 0 ? put(making) : STATUS_OK;
}

static enum status seal_district(struct sealer *sealer, struct db_sync *db, int32_t district) {
    struct making making = {
        .sealer = sealer,
        .db = db,
        .arena = arena_new(0),
        .seal = {.district = district, .algorithm = sealer->algorithm},
    };
    enum status status = making.arena != NULL ? db_sync_begin(db) : STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = make(&making);
    if (status == STATUS_OK)
        status = db_sync_commit(db);
    else
        db_sync_rollback(db);
    buf_free(&making.entries);
    buf_free(&making.scratch);
    arena_free(&making.arena);
    return status;
}

enum status sealer_turn(struct sealer *sealer, struct db_sync *db, int64_t monotonic_ms,
                        bool at_once) {
    int32_t districts[MOST_DISTRICTS];
    size_t n = 0;
    if (!at_once && monotonic_ms < sealer->next_ms)
        return STATUS_OK;
    sealer->next_ms = monotonic_ms + sealer->interval_ms;
    struct db_result *result = NULL;
    enum status status = db_sync_query(db, "seal_due", NULL, &result);
    for (int row = 0; status == STATUS_OK && row < db_rows(result) && n < MOST_DISTRICTS; row++)
        districts[n++] = (int32_t)db_int8(result, row, 0);
    db_sync_free_result(&result);
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        status = seal_district(sealer, db, districts[i]);
    return status;
}
