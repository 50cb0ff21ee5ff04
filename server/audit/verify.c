// The order of the verification, and what its parts share. See verification.h.
#include "server/audit/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/digest.h"
#include "server/audit/verification.h"

#define MOST_DISTRICTS 1000

// ---- findings ----

void audit_tell(struct audit *audit, int32_t district, int64_t seal, const char *row,
                const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    audit->result->findings++;
    const struct audit_finding finding = {district, seal, row, text};
    if (audit->options->on_finding != NULL)
        audit->options->on_finding(audit->options->user, &finding);
}

const char *audit_name_run(struct audit *audit, struct uuid stream, struct view device,
                           int64_t op_to) {
    char text[UUID_TEXT_SIZE], hex[17] = "";
    uuid_format(stream, text);
    for (size_t i = 0; i < 8 && i < device.size; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", device.data[i]);
    const char *name = arena_format(audit->page, "op_run stream %s device %s op_to %lld", text, hex,
                                    (long long)op_to);
    return name != NULL ? name : "op_run";
}

const char *audit_name_run_of(struct audit *audit, const struct audit_run *run) {
    const struct audit_sender *sender = &audit->senders[run->sender];
    return audit_name_run(audit, sender->stream, sender->device, run->op_to);
}

const char *audit_name_row(struct audit *audit, const char *table, struct uuid id) {
    char text[UUID_TEXT_SIZE];
    uuid_format(id, text);
    const char *name = arena_format(audit->page, "%s %s", table, text);
    return name != NULL ? name : table;
}

// ---- what the parts share ----

enum status audit_grow(void **array, size_t n, size_t *room, size_t size) {
    if (n < *room)
        return STATUS_OK;
    size_t more = *room == 0 ? 1024 : *room * 2;
    void *bigger = reallocarray(*array, more, size);
    if (bigger == NULL)
        return STATUS_NO_MEMORY;
    *array = bigger;
    *room = more;
    return STATUS_OK;
}

struct db_params *audit_params(struct audit *audit, int32_t district) {
    arena_reset(audit->page);
    struct db_params *params = db_params_new(audit->page);
    db_param_int4(params, district);
    return params;
}

static enum status read_page(struct audit *audit, int32_t district, const char *statement,
                             struct uuid after, struct db_result **out_result) {
    struct db_params *params = audit_params(audit, district);
    db_param_uuid(params, after);
    db_param_int4(params, AUDIT_PAGE);
    return db_sync_query(audit->db, statement, params, out_result);
}

enum status audit_each_row(struct audit *audit, int32_t district, const char *statement,
                           int id_column, audit_row_fn on_row) {
    struct uuid after = {{0}};
    int n = AUDIT_PAGE;
    while (n == AUDIT_PAGE) {
        struct db_result *result = NULL;
        enum status status = read_page(audit, district, statement, after, &result);
        n = status == STATUS_OK ? db_rows(result) : 0;
        for (int row = 0; status == STATUS_OK && row < n; row++)
            status = on_row(audit, district, result, row);
        if (n > 0)
            after = db_uuid(result, n - 1, id_column);
        db_sync_free_result(&result);
        TRY(status);
    }
    return STATUS_OK;
}

// A stream that has moved has rows of the audit in both districts.
static struct uuid key_of_stream(int32_t district, struct uuid stream) {
    for (int i = 0; i < 4; i++)
        stream.bytes[i] ^= (uint8_t)((uint32_t)district >> (8 * i));
    return stream;
}

struct audit_stream *audit_stream_of(struct audit *audit, int32_t district, struct uuid stream) {
    struct uuid key = key_of_stream(district, stream);
    size_t at = uuid_map_find(&audit->stream_map, key);
    if (at != UUID_MAP_NONE)
        return &audit->streams[at];
    if (AUDIT_GROW(audit, streams) != STATUS_OK ||
        uuid_map_add(&audit->stream_map, key, audit->n_streams) != STATUS_OK)
        return NULL;
    audit->streams[audit->n_streams] = (struct audit_stream){.id = stream, .district = district};
    return &audit->streams[audit->n_streams++];
}

enum status audit_count_row(struct audit *audit, int32_t district, struct uuid stream,
                            struct uuid id, int64_t version, int64_t seq) {
    struct audit_stream *there = audit_stream_of(audit, district, stream);
    if (there == NULL)
        return STATUS_NO_MEMORY;
    if (there->district != district)
        audit_tell(audit, district, 0, audit_name_row(audit, "row", id),
                   "it lies in another district than its stream");
    there->live++;
    there->digest ^= digest_row(id, (uint64_t)version);
    if (seq > there->most_seq)
        there->most_seq = seq;
    return STATUS_OK;
}

// ---- the order ----

static enum status read_now(struct audit *audit) {
    struct db_result *result = NULL;
    TRY(db_sync_sql(audit->db, "set transaction isolation level repeatable read, read only", NULL,
                    NULL));
    // Contents of reference rows are hashes of their JSON.
    TRY(db_sync_sql(audit->db, "set local timezone to 'UTC'", NULL, NULL));
    TRY(db_sync_sql(audit->db, "set local bytea_output to 'hex'", NULL, NULL));
    enum status status =
        db_sync_sql(audit->db, "select pg_catalog.clock_timestamp()", NULL, &result);
    if (status == STATUS_OK)
        audit->now_us = db_timestamptz_us(result, 0, 0);
    db_sync_free_result(&result);
    return status;
}

static enum status list_districts(struct audit *audit, int32_t *out_districts, size_t *out_n) {
    struct db_result *result = NULL;
    enum status status = db_sync_query(audit->db, "audit_districts", NULL, &result);
    *out_n = 0;
    for (int row = 0; status == STATUS_OK && row < db_rows(result); row++) {
        if (*out_n == MOST_DISTRICTS)
            status = STATUS_LIMIT;
        else
            out_districts[(*out_n)++] = (int32_t)db_int8(result, row, 0);
    }
    db_sync_free_result(&result);
    return status;
}

static void ask_for_witnesses(struct audit *audit) {
    for (size_t i = 0; i < audit->options->n_witnesses; i++) {
        const struct audit_witness *witness = &audit->options->witnesses[i];
        if (!witness->found && witness->district == AUDIT_ANY_DISTRICT)
            audit_tell(audit, 0, 0, "", "a head that was given is in no chain");
        else if (!witness->found)
            audit_tell(audit, witness->district, witness->number, "",
                       "an earlier head names this seal, and the chain has none with its hash");
    }
}

static enum status verify_all(struct audit *audit) {
    int32_t districts[MOST_DISTRICTS];
    size_t n = 0, left = 0;
    TRY(read_now(audit));
    TRY(list_districts(audit, districts, &n));
    for (size_t i = 0; i < n; i++) {
        TRY(audit_walk_chain(audit, districts[i]));
        TRY(audit_rest_of_runs(audit, districts[i]));
        TRY(audit_rest_of_actions(audit, districts[i]));
    }
    ask_for_witnesses(audit);
    for (size_t i = 0; i < n; i++)
        TRY(audit_check_people(audit, districts[i]));
    TRY(audit_sort_contents(audit));
    for (size_t i = 0; i < n; i++)
        TRY(audit_check_facts(audit, districts[i]));
    audit_missing_rows(audit, &left);
    audit_missing_facts(audit, left);
    TRY(audit_check_reference(audit));
    return audit_check_heads(audit);
}

static void audit_close(struct audit *audit) {
    free(audit->senders);
    free(audit->runs);
    free(audit->contents);
    free(audit->by_hash);
    free(audit->rows);
    free(audit->people);
    free(audit->streams);
    free(audit->notes);
    buf_free(&audit->scratch);
    arena_free(&audit->page);
    arena_free(&audit->arena);
}

enum status audit_verify(struct db_sync *db, const struct audit_options *options,
                         struct audit_result *out_result) {
    *out_result = (struct audit_result){0};
    struct audit audit = {.db = db, .options = options, .result = out_result};
    audit.arena = arena_new(0);
    audit.page = arena_new(0);
    struct uuid_map *maps[] = {&audit.sender_map, &audit.row_map,        &audit.person_map,
                               &audit.stream_map, &audit.sealed_actions, &audit.erased,
                               &audit.note_map};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
        maps[i]->arena = audit.arena;
    enum status status =
        audit.arena != NULL && audit.page != NULL ? db_sync_begin(db) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = verify_all(&audit);
        db_sync_rollback(db); // nothing was written
    }
    audit_close(&audit);
    return status;
}
