// Pull: the newest state of a stream's rows above a cursor, with count and digest at its head.
#include "server/handlers/pull.h"

#include <string.h>

#include "common/base/plant.h"
#include "common/wire/frame.h"
#include "server/handlers.h"
#include "server/handlers/table.h"
#include "server/worker.h"

#define DEFAULT_ROWS 500
#define MAX_ROWS 1000
#define MOVING_RETRY_MS 1000
#define KIND_MOVING (-1)                  // instead of rows: they are under way to another district
#define REPLY_BYTES (FRAME_CAP_REPLY / 2) // a page ends here: rows may be large, a reply may not

struct pulling {
    struct request *request; // borrows
    struct uuid stream;
    uint64_t cursor;
    bool has_began; // an older client says nothing of it, and finds out by count and digest
    uint64_t began;
    uint32_t limit;
    uint64_t scope_version;
};

// Forbidden and unknown streams get this same answer.
static void fail_unknown(struct request *request) {
    request_fail(request, REASON_STREAM_UNKNOWN, "stream", NULL);
}

// Rows until the limit or until the page is large enough. STATUS_LIMIT: the page ends early.
static enum status add_rows(const struct db_result *result, struct arena *arena,
                            Lx__PullReply *reply) {
    size_t size = 0;
    for (int i = 0; i < db_rows(result) && !db_is_null(result, i, PULL_KIND); i++) {
        Lx__Row *row = pull_read_row(result, i, arena);
        if (row == NULL)
            return reply->n_rows > 0 ? STATUS_LIMIT : STATUS_NO_MEMORY;
        size += lx__row__get_packed_size(row);
        if (size > REPLY_BYTES && reply->n_rows > 0)
            return STATUS_LIMIT;
        reply->rows[reply->n_rows++] = row;
    }
    return STATUS_OK;
}

static void fill_head(const struct pulling *pulling, const struct db_result *result,
                      Lx__PullReply *reply) {
    reply->has_stream = reply->has_cursor = reply->has_more = reply->has_head = true;
    reply->has_live_count = reply->has_digest = reply->has_scope_version = true;
    reply->stream = (ProtobufCBinaryData){UUID_SIZE, (uint8_t *)pulling->stream.bytes};
    reply->head = (uint64_t)db_int8(result, 0, PULL_HEAD);
    reply->live_count = (uint64_t)db_int8(result, 0, PULL_LIVE);
    reply->digest = (uint64_t)db_int8(result, 0, PULL_DIGEST);
    reply->scope_version = pulling->scope_version;
    reply->has_snapshot = reply->snapshot = db_bool(result, 0, PULL_SNAPSHOT);
}

// What the checker of histories must find; nothing in a release.
static void plant_bugs(const struct pulling *pulling, Lx__PullReply *reply) {
    if (PLANTED(PLANT_SKIPPED_ROW) && reply->n_rows > 2) {
        reply->n_rows--;
        memmove(reply->rows + 1, reply->rows + 2, (reply->n_rows - 1) * sizeof(*reply->rows));
    }
    if (PLANTED(PLANT_REORDER) && reply->n_rows > 2) {
        Lx__Row *first = reply->rows[0], *second = reply->rows[1];
        uint64_t seq = first->seq;
        first->seq = second->seq;
        second->seq = seq;
        reply->rows[0] = second;
        reply->rows[1] = first;
    }
    if (PLANTED(PLANT_STALE_CURSOR) && pulling->cursor > 0) {
        reply->n_rows = 0;
        reply->cursor = reply->head = pulling->cursor;
        reply->more = false;
    }
}

static void on_rows(void *user, enum status status, const struct db_result *result) {
    struct pulling *pulling = user;
    struct request *request = pulling->request;
    struct arena *arena = request_arena(request);
    Lx__PullReply reply = LX__PULL_REPLY__INIT;
    if (status != STATUS_OK) {
        request_fail_status(request, status, "pull");
        return;
    }
    if (db_rows(result) == 0) {
        fail_unknown(request);
        return;
    }
    if (!db_is_null(result, 0, PULL_KIND) && db_int8(result, 0, PULL_KIND) == KIND_MOVING) {
        request_fail_later(request, REASON_UNIT_MOVING, MOVING_RETRY_MS);
        return;
    }
    fill_head(pulling, result, &reply);
    if (pulling->cursor > reply.head) {
        const char *head = arena_format(arena, "%llu", (unsigned long long)reply.head);
        request_fail(request, REASON_CURSOR_AHEAD, "cursor", head != NULL ? head : "?", NULL);
        return;
    }
    reply.rows = arena_array(arena, (size_t)db_rows(result), sizeof(Lx__Row *));
    status = reply.rows != NULL ? add_rows(result, arena, &reply) : STATUS_NO_MEMORY;
    if (status != STATUS_OK && status != STATUS_LIMIT) {
        request_fail_status(request, status, "pull rows");
        return;
    }
    // what was not asked for is ahead of the last row; without that all up to the head is there
    reply.more = status == STATUS_LIMIT || reply.n_rows == pulling->limit;
    reply.cursor = reply.more ? reply.rows[reply.n_rows - 1]->seq : reply.head;
    reply.more = reply.more && reply.cursor < reply.head;
    plant_bugs(pulling, &reply);
    request_reply(request, &reply.base);
}

// The district that the stream lies in; false: not this person's to see, or unknown.
static bool find_district(struct request *request, struct uuid stream, int32_t *out_district) {
    const struct session *session = session_of(request);
    const struct scope_stream *found = scope_find_stream(session->scope, stream);
    if (found != NULL) {
        *out_district = found->district;
        return true;
    }
    const struct unit_row *unit = units_find(request_worker(request)->handlers->units, stream);
    if (!session->checks_off || unit == NULL)
        return false;
    *out_district = unit->district;
    return true;
}

static void ask(struct pulling *pulling, int32_t district) {
    struct request *request = pulling->request;
    const struct scope *scope = session_of(request)->scope;
    struct db_params *params = db_params_new(request_arena(request));
    pulling->scope_version = scope->version;
    db_param_int4(params, district);
    db_param_uuid(params, pulling->stream);
    db_param_int8(params, (int64_t)pulling->cursor);
    db_param_int4(params, (int32_t)pulling->limit);
    if (pulling->has_began)
        db_param_int8(params, (int64_t)pulling->began);
    else
        db_param_null(params);
    scope_query(scope, request_worker(request)->reads, "pull", params, on_rows, pulling);
}

void handle_pull(struct request *request) {
    const Lx__PullRequest *message = request_message(request);
    struct pulling *pulling = arena_alloc(request_arena(request), sizeof(*pulling));
    int32_t district = 0;
    if (pulling == NULL) {
        request_fail_status(request, STATUS_NO_MEMORY, "pull");
        return;
    }
    *pulling = (struct pulling){.request = request,
                                .cursor = message->cursor,
                                .has_began = message->has_began,
                                .began = message->began};
    pulling->limit = message->has_limit ? message->limit : DEFAULT_ROWS;
    if (!message->has_stream ||
        uuid_from_bytes(view_from(message->stream.data, message->stream.len), &pulling->stream) !=
            STATUS_OK)
        request_fail(request, REASON_ID_MALFORMED, "stream", NULL);
    else if (message->cursor > INT64_MAX)
        request_fail(request, REASON_FIELD_INVALID, "cursor", NULL);
    else if (message->began > INT64_MAX)
        request_fail(request, REASON_FIELD_INVALID, "began", NULL);
    else if (pulling->limit == 0 || pulling->limit > MAX_ROWS)
        request_fail(request, REASON_FIELD_INVALID, "limit", NULL);
    else if (!find_district(request, pulling->stream, &district))
        fail_unknown(request);
    else
        ask(pulling, district);
}
