// Rights, units, programmes and accounts against the audit: every change of such a row leaves an
// action "row" in the city's chain with a hash of what the row says since (lx.audit_row), so each
// row is what the newest action about it says, and none is missing.
#include <string.h>

#include "common/wire/digest.h"
#include "server/audit/rows.h"
#include "server/audit/verification.h"

// Reference rows are the whole city's, so their actions lie in its chain.
#define CITY 0

static const struct view ROW = VIEW_LITERAL("row");
static const struct view GONE = VIEW_LITERAL("{\"content\": null}");

enum { REFERENCE_TARGET, REFERENCE_DETAIL };

static struct uuid hash_of(struct view text) {
    uint8_t digest[DIGEST_SHA256_SIZE];
    struct uuid hash;
    digest_sha256(text, digest);
    memcpy(hash.bytes, digest, UUID_SIZE);
    return hash;
}

static bool is_newer(const struct audit_note *note, int64_t seal, int64_t at_us) {
    return seal != note->seal ? seal > note->seal : at_us > note->at_us;
}

enum status audit_take_note(struct audit *audit, int32_t district, int64_t seal,
                            const struct db_result *result, int row) {
    if (district != CITY || !view_equal(db_text(result, row, ACTION_ACTION), ROW))
        return STATUS_OK;
    struct view target = db_text(result, row, ACTION_TARGET);
    struct view detail = db_text(result, row, ACTION_DETAIL);
    struct audit_note note = {.seal = seal > 0 ? seal : INT64_MAX,
                              .at_us = db_timestamptz_us(result, row, ACTION_AT),
                              .detail = hash_of(detail),
                              .gone = view_equal(detail, GONE)};
    size_t at = uuid_map_find(&audit->note_map, hash_of(target));
    if (at != UUID_MAP_NONE) {
        note.target = audit->notes[at].target;
        if (is_newer(&audit->notes[at], note.seal, note.at_us))
            audit->notes[at] = note;
        return STATUS_OK;
    }
    note.target = arena_string(audit->arena, target);
    if (note.target == NULL)
        return STATUS_NO_MEMORY;
    TRY(AUDIT_GROW(audit, notes));
    TRY(uuid_map_add(&audit->note_map, hash_of(target), audit->n_notes));
    audit->notes[audit->n_notes++] = note;
    return STATUS_OK;
}

static int64_t seal_of(const struct audit_note *note) {
    return note->seal != INT64_MAX ? note->seal : 0;
}

static enum status check_row(struct audit *audit, const struct db_result *result, int row) {
    struct view target = db_text(result, row, REFERENCE_TARGET);
    size_t at = uuid_map_find(&audit->note_map, hash_of(target));
    audit->result->reference_rows++;
    if (at == UUID_MAP_NONE) {
        const char *name = arena_string(audit->page, target);
        audit_tell(audit, CITY, 0, name != NULL ? name : "row", "no action has made it");
        return STATUS_OK;
    }
    struct audit_note *note = &audit->notes[at];
    note->found = true;
    if (!uuid_equal(note->detail, hash_of(db_text(result, row, REFERENCE_DETAIL))))
        audit_tell(audit, CITY, seal_of(note), note->target,
                   "it is not what the newest action about it says");
    return STATUS_OK;
}

enum status audit_check_reference(struct audit *audit) {
    struct db_result *result = NULL;
    arena_reset(audit->page);
    enum status status = db_sync_query(audit->db, "audit_reference", NULL, &result);
    for (int row = 0; status == STATUS_OK && row < db_rows(result); row++)
        status = check_row(audit, result, row);
    db_sync_free_result(&result);
    for (size_t i = 0; status == STATUS_OK && i < audit->n_notes; i++) {
        const struct audit_note *note = &audit->notes[i];
        if (!note->found && !note->gone)
            audit_tell(audit, CITY, seal_of(note), note->target, "it is missing");
    }
    return status;
}
