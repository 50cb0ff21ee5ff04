// Rows of audit against the entries of seals, and those that no seal covers.
#include <string.h>

#include "server/audit/rows.h"
#include "server/audit/verification.h"

// The erasure of a submission's body; its target is the fact.
static const struct view ERASE = VIEW_LITERAL("submission_erase");

static enum status remember(struct audit *audit, int32_t district, int64_t seal,
                            const struct db_result *result, int row) {
    struct uuid fact;
    TRY(audit_take_note(audit, district, seal, result, row));
    if (!view_equal(db_text(result, row, ACTION_ACTION), ERASE) ||
        uuid_parse(db_text(result, row, ACTION_TARGET), &fact) != STATUS_OK)
        return STATUS_OK;
    enum status status =
        uuid_map_add(&audit->erased, fact, (size_t)db_timestamptz_us(result, row, ACTION_AT));
    return status == STATUS_EXISTS ? STATUS_OK : status;
}

static enum status check_action(struct audit *audit, int32_t district,
                                const struct audit_entry *entry, const struct db_result *result,
                                int row) {
    struct uuid id = entry->entry.id;
    const char *name = audit_name_row(audit, "audit", id);
    audit->result->actions++;
    enum status status = uuid_map_add(&audit->sealed_actions, id, (size_t)entry->seal);
    if (status == STATUS_EXISTS)
        audit_tell(audit, district, entry->seal, name, "it is sealed twice");
    else
        TRY(status);
    if (db_is_null(result, row, ACTION_DISTRICT)) {
        audit_tell(audit, district, entry->seal, name, "the row is missing");
        return STATUS_OK;
    }
    struct entry found;
    TRY(rows_entry(result, row, ENTRY_ACTION, entry->algorithm, &audit->scratch, &found));
    if (memcmp(found.leaf, entry->entry.leaf, SEAL_HASH_SIZE) != 0)
        audit_tell(audit, district, entry->seal, name, "the row is not what was sealed");
    if (db_int8(result, row, ACTION_SEAL) != entry->seal)
        audit_tell(audit, district, entry->seal, name, "the row names another seal: %lld",
                   (long long)db_int8(result, row, ACTION_SEAL));
    return remember(audit, district, entry->seal, result, row);
}

enum status audit_check_actions(struct audit *audit, int32_t district,
                                const struct audit_entry *entries, size_t n) {
    struct db_params *params = audit_params(audit, district);
    struct uuid *ids = arena_array(audit->page, n + 1, sizeof *ids);
    if (ids == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        ids[i] = entries[i].entry.id;
    db_param_uuid_array(params, n, ids, NULL);
    struct db_result *result = NULL;
    enum status status = db_sync_query(audit->db, "audit_actions", params, &result);
    if (status == STATUS_OK && (size_t)db_rows(result) != n)
        status = STATUS_CORRUPT;
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        status = check_action(audit, district, &entries[i], result, (int)i);
    db_sync_free_result(&result);
    return status;
}

static enum status check_rest(struct audit *audit, int32_t district, const struct db_result *result,
                              int row) {
    struct uuid id = db_uuid(result, row, ACTION_ID);
    int64_t at_us = db_timestamptz_us(result, row, ACTION_AT);
    if (uuid_map_find(&audit->sealed_actions, id) != UUID_MAP_NONE)
        return STATUS_OK;
    const char *name = audit_name_row(audit, "audit", id);
    if (!db_is_null(result, row, ACTION_SEAL)) {
        audit_tell(audit, district, db_int8(result, row, ACTION_SEAL), name,
                   "the row names this seal, which does not cover it: it was put in");
        return STATUS_OK;
    }
    audit->result->unsealed++;
    if (at_us < audit->newest_seal_us - AUDIT_LATE_US)
        audit_tell(audit, district, 0, name,
                   "it is not sealed, but says that it is older than the newest seal");
    else if (at_us < audit->now_us - AUDIT_UNSEALED_US)
        audit_tell(audit, district, 0, name,
                   "it has not been sealed for %lld s: is the server running, with audit_key set?",
                   (long long)((audit->now_us - at_us) / 1000000));
    return remember(audit, district, 0, result, row);
}

enum status audit_rest_of_actions(struct audit *audit, int32_t district) {
    return audit_each_row(audit, district, "audit_action_list", ACTION_ID, check_rest);
}
