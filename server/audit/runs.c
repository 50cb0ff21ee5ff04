// Rows of op_run against the entries of seals, and those that no seal covers. Keeps of each run
// what facts and roster rows are compared with.
#include <string.h>

#include "common/wire/digest.h"
#include "server/audit/rows.h"
#include "server/audit/verification.h"

#define CHANGE_SIZE 40 // id, version, content

// ---- senders: a device's operations of one stream ----

static enum status sender_of(struct audit *audit, int32_t district, struct uuid stream,
                             struct view device, size_t *out_sender) {
    uint8_t digest[DIGEST_SHA256_SIZE];
    struct uuid key;
    const struct view parts[] = {view_from(&district, sizeof district),
                                 view_from(stream.bytes, UUID_SIZE), device};
    digest_sha256_parts(parts, 3, digest);
    memcpy(key.bytes, digest, UUID_SIZE);
    *out_sender = uuid_map_find(&audit->sender_map, key);
    if (*out_sender != UUID_MAP_NONE)
        return STATUS_OK;
    char *copy = arena_string(audit->arena, device);
    if (copy == NULL)
        return STATUS_NO_MEMORY;
    TRY(AUDIT_GROW(audit, senders));
    TRY(uuid_map_add(&audit->sender_map, key, audit->n_senders));
    audit->senders[audit->n_senders] = (struct audit_sender){
        .district = district, .stream = stream, .device = view_from(copy, device.size)};
    *out_sender = audit->n_senders++;
    return STATUS_OK;
}

static enum status count_run(struct audit *audit, int32_t district, struct uuid stream) {
    struct audit_stream *there = audit_stream_of(audit, district, stream);
    if (there == NULL)
        return STATUS_NO_MEMORY;
    there->runs++;
    return STATUS_OK;
}

// ---- what a run says that it has stored ----

static enum status take_contents(struct audit *audit, struct view bytes) {
    if (bytes.data == NULL)
        return STATUS_OK; // of before content hashes
    for (size_t at = 0; at + CONTENT_SIZE <= bytes.size; at += CONTENT_SIZE) {
        TRY(AUDIT_GROW(audit, contents));
        struct audit_content *content = &audit->contents[audit->n_contents++];
        *content = (struct audit_content){.run = (uint32_t)(audit->n_runs - 1)};
        memcpy(content->hash, bytes.data + at, CONTENT_SIZE);
    }
    return STATUS_OK;
}

static bool is_gone(const uint8_t content[CONTENT_SIZE]) {
    static const uint8_t zeros[CONTENT_SIZE];
    return memcmp(content, zeros, CONTENT_SIZE) == 0;
}

// A transfer takes a version out of one district (zeros) and brings the same into another: what it
// says stays known. Which of both came last is not asked, since districts have chains of their own.
static void take_newer(struct audit *audit, int64_t seal, struct audit_row *known,
                       const struct audit_row *change) {
    bool gone = is_gone(change->content);
    if (change->version > known->version) {
        *known = *change;
    } else if (change->version == known->version) {
        if (is_gone(known->content) && !gone) {
            *known = *change;
            known->left = true;
        } else if (!gone && memcmp(change->content, known->content, CONTENT_SIZE) != 0) {
            audit_tell(audit, 0, seal, audit_name_row(audit, "row", change->id),
                       "two runs give version %lld of it another content",
                       (long long)change->version);
        }
        known->left = known->left || gone;
    }
}

static enum status take_change(struct audit *audit, int64_t seal, const uint8_t *bytes) {
    struct audit_row change = {.run = (uint32_t)(audit->n_runs - 1)};
    memcpy(change.id.bytes, bytes, UUID_SIZE);
    for (int i = 0; i < 8; i++)
        change.version = (int64_t)((uint64_t)change.version << 8 | bytes[UUID_SIZE + i]);
    memcpy(change.content, bytes + UUID_SIZE + 8, CONTENT_SIZE);
    change.left = is_gone(change.content);
    size_t at = uuid_map_find(&audit->row_map, change.id);
    if (at == UUID_MAP_NONE) {
        TRY(AUDIT_GROW(audit, rows));
        TRY(uuid_map_add(&audit->row_map, change.id, audit->n_rows));
        audit->rows[audit->n_rows++] = change;
        return STATUS_OK;
    }
    take_newer(audit, seal, &audit->rows[at], &change);
    return STATUS_OK;
}

static enum status take_run(struct audit *audit, const struct db_result *result, int row,
                            size_t sender, int64_t seal) {
    struct view contents = db_bytea(result, row, RUN_CONTENTS);
    struct view changes = db_bytea(result, row, RUN_CHANGES);
    TRY(AUDIT_GROW(audit, runs));
    struct audit_run *run = &audit->runs[audit->n_runs++];
    *run = (struct audit_run){
        .sender = sender,
        .op_from = db_int8(result, row, RUN_OP_FROM),
        .op_to = db_int8(result, row, RUN_OP_TO),
        .seq_from = db_int8(result, row, RUN_SEQ_FROM),
        .received_at_us = db_timestamptz_us(result, row, RUN_RECEIVED_AT),
        .seal = seal,
        .person = db_uuid(result, row, RUN_PERSON),
        .flags = (int32_t)db_int8(result, row, RUN_FLAGS),
        .covered = contents.data != NULL,
        .contents = audit->n_contents,
        .n_contents = contents.size / CONTENT_SIZE,
    };
    audit->any_uncovered = audit->any_uncovered || !run->covered;
    audit->senders[sender].present += seal > 0;
    TRY(take_contents(audit, contents));
    for (size_t at = 0; at + CHANGE_SIZE <= changes.size; at += CHANGE_SIZE)
        TRY(take_change(audit, seal, changes.data + at));
    return STATUS_OK;
}

// ---- runs that are sealed ----

// A run that is gone: pruned by age, or removed. The newest of its sender must stay.
static void miss_run(struct audit *audit, int32_t district, const struct audit_entry *entry,
                     size_t sender) {
    const struct entry *key = &entry->entry;
    audit->senders[sender].newest_missing = true;
    if (entry->sealed_at_us < audit->now_us - AUDIT_PRUNE_US) {
        audit->senders[sender].pruned++;
        audit->result->pruned++;
        return;
    }
    audit_tell(audit, district, entry->seal,
               audit_name_run(audit, key->id, key->device, key->op_to), "the row is missing");
}

static enum status check_run(struct audit *audit, int32_t district, const struct audit_entry *entry,
                             const struct db_result *result, int row) {
    const struct entry *key = &entry->entry;
    size_t index;
    TRY(sender_of(audit, district, key->id, key->device, &index));
    TRY(count_run(audit, district, key->id));
    audit->result->runs++;
    audit->senders[index].sealed++;
    if (key->op_to <= audit->senders[index].op_to)
        audit_tell(audit, district, entry->seal,
                   audit_name_run(audit, key->id, key->device, key->op_to),
                   "it is sealed twice, or behind a later one");
    else
        audit->senders[index].op_to = key->op_to;
    if (db_is_null(result, row, RUN_DISTRICT)) {
        miss_run(audit, district, entry, index);
        return STATUS_OK;
    }
    struct entry found;
    audit->senders[index].newest_missing = false;
    TRY(rows_entry(result, row, ENTRY_RUN, entry->algorithm, &audit->scratch, &found));
    if (memcmp(found.leaf, key->leaf, SEAL_HASH_SIZE) != 0)
        audit_tell(audit, district, entry->seal,
                   audit_name_run(audit, key->id, key->device, key->op_to),
                   "the row is not what was sealed");
    return take_run(audit, result, row, index, entry->seal);
}

enum status audit_check_runs(struct audit *audit, int32_t district,
                             const struct audit_entry *entries, size_t n) {
    struct db_params *params = audit_params(audit, district);
    struct uuid *streams = arena_array(audit->page, n + 1, sizeof *streams);
    struct view *devices = arena_array(audit->page, n + 1, sizeof *devices);
    int64_t *op_tos = arena_array(audit->page, n + 1, sizeof *op_tos);
    if (streams == NULL || devices == NULL || op_tos == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        streams[i] = entries[i].entry.id;
        devices[i] = entries[i].entry.device;
        op_tos[i] = entries[i].entry.op_to;
    }
    db_param_uuid_array(params, n, streams, NULL);
    db_param_bytea_array(params, n, devices);
    db_param_int8_array(params, n, op_tos, NULL);
    struct db_result *result = NULL;
    enum status status = db_sync_query(audit->db, "audit_runs", params, &result);
    if (status == STATUS_OK && (size_t)db_rows(result) != n)
        status = STATUS_CORRUPT; // one row a key, or the table has lost its primary key
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        status = check_run(audit, district, &entries[i], result, (int)i);
    db_sync_free_result(&result);
    return status;
}

// ---- runs that are not ----

static bool is_known(const struct audit *audit, size_t sender, int64_t op_to, size_t n_runs) {
    for (size_t i = 0; i < n_runs; i++)
        if (audit->runs[i].sender == sender && audit->runs[i].op_to == op_to)
            return true;
    return false;
}

// A run may be younger than the newest seal, if it goes on where the sender was and is no older
// than it can be.
static void check_young(struct audit *audit, const struct audit_run *run, int64_t before,
                        const struct db_result *result, int row) {
    uint8_t root[DIGEST_SHA256_SIZE];
    int32_t district = audit->senders[run->sender].district;
    const char *name = audit_name_run_of(audit, run);
    digest_sha256(db_bytea(result, row, RUN_HASHES), root);
    if (run->op_from != before + 1)
        audit_tell(audit, district, 0, name,
                   "it is not sealed, and does not go on where the one before ended");
    if (!view_equal(view_from(root, sizeof root), db_bytea(result, row, RUN_ROOT)))
        audit_tell(audit, district, 0, name, "its root is not that of its hashes");
    if (run->received_at_us < audit->newest_seal_us - AUDIT_LATE_US)
        audit_tell(audit, district, 0, name,
                   "it is not sealed, but says that it is older than the newest seal");
    else if (run->received_at_us < audit->now_us - AUDIT_UNSEALED_US)
        audit_tell(audit, district, 0, name,
                   "it has not been sealed for %lld s: is the server running, with audit_key set?",
                   (long long)((audit->now_us - run->received_at_us) / 1000000));
}

static enum status read_sender(struct audit *audit, size_t sender, const struct db_result *result) {
    const struct audit_sender *of = &audit->senders[sender];
    size_t sealed = audit->n_runs;
    int64_t before = of->op_to;
    for (int row = 0; row < db_rows(result); row++) {
        int64_t op_to = db_int8(result, row, RUN_OP_TO);
        if (op_to <= of->op_to) {
            if (!is_known(audit, sender, op_to, sealed))
                audit_tell(audit, of->district, 0,
                           audit_name_run(audit, of->stream, of->device, op_to),
                           "no seal covers it, though later ones are sealed: it was put in");
            continue;
        }
        audit->result->unsealed++;
        TRY(take_run(audit, result, row, sender, 0));
        TRY(count_run(audit, of->district, of->stream));
        check_young(audit, &audit->runs[audit->n_runs - 1], before, result, row);
        before = op_to;
    }
    return STATUS_OK;
}

enum { SENDER_STREAM, SENDER_DEVICE, SENDER_RUNS, SENDER_OP_TO, SENDER_SEALED_RUNS, SENDER_SEALED };

static enum status check_sender(struct audit *audit, int32_t district,
                                const struct db_result *result, int row) {
    size_t sender;
    struct uuid stream = db_uuid(result, row, SENDER_STREAM);
    struct view device = db_bytea(result, row, SENDER_DEVICE);
    TRY(sender_of(audit, district, stream, device, &sender));
    const struct audit_sender *of = &audit->senders[sender];
    const char *name = audit_name_run(audit, stream, device, of->op_to);
    if (db_int8(result, row, SENDER_SEALED) != of->op_to)
        audit_tell(audit, district, 0, name,
                   "the sealer's cursor stands at %lld instead: what comes may be passed over",
                   (long long)db_int8(result, row, SENDER_SEALED));
    if (db_int8(result, row, SENDER_SEALED_RUNS) != of->sealed)
        audit_tell(audit, district, 0, name,
                   "the sealer's cursor counts %lld runs, %lld are sealed",
                   (long long)db_int8(result, row, SENDER_SEALED_RUNS), (long long)of->sealed);
    if (of->newest_missing && of->pruned > 0)
        audit_tell(audit, district, 0, name, "the newest run of a device was pruned");
    if (db_int8(result, row, SENDER_RUNS) == of->present &&
        db_int8(result, row, SENDER_OP_TO) == (of->present > 0 ? of->op_to : 0))
        return STATUS_OK;
    struct db_params *params = db_params_new(audit->arena);
    db_param_int4(params, district);
    db_param_uuid(params, stream);
    db_param_bytea(params, of->device);
    struct db_result *runs = NULL;
    enum status status = db_sync_query(audit->db, "audit_sender_runs", params, &runs);
    if (status == STATUS_OK)
        status = read_sender(audit, sender, runs);
    db_sync_free_result(&runs);
    return status;
}

enum status audit_rest_of_runs(struct audit *audit, int32_t district) {
    struct db_result *result = NULL;
    enum status status =
        db_sync_query(audit->db, "audit_senders", audit_params(audit, district), &result);
    for (int row = 0; status == STATUS_OK && row < db_rows(result); row++)
        status = check_sender(audit, district, result, row);
    db_sync_free_result(&result);
    return status;
}
