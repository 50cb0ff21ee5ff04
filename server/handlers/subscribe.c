// Subscribe: which streams this connection wants to be nudged about. Every one must be in scope;
// the answer says where each is now, so that what moved meanwhile is pulled at once.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/reason.h"
#include "proto/ledger.pb-c.h"
#include "server/conn.h"
#include "server/db/db.h"
#include "server/handlers/table.h"
#include "server/nudge.h"
#include "server/request_internal.h"
#include "server/session.h"
#include "server/worker.h"

#define MAX_STREAMS 10000

static void fail_at(struct request *request, enum reason_id reason, size_t i) {
    char field[40];
    snprintf(field, sizeof field, "streams[%zu]", i);
    request_fail(request, reason, field, NULL);
}

static int compare_heads(const void *left, const void *right) {
    const struct nudge_head *a = left, *b = right;
    return uuid_compare(a->stream, b->stream);
}

// What the database knows of the streams, ascending: ten thousand are looked up in it.
static struct nudge_head *sort_heads(const struct db_result *result, struct arena *arena) {
    size_t n = (size_t)db_rows(result);
    struct nudge_head *heads = arena_array(arena, n + 1, sizeof *heads);
    for (int row = 0; heads != NULL && row < (int)n; row++)
        heads[row] = (struct nudge_head){db_uuid(result, row, 0), (int32_t)db_int8(result, row, 1),
                                         (uint64_t)db_int8(result, row, 2)};
    if (heads != NULL && n > 1)
        qsort(heads, n, sizeof *heads, compare_heads);
    return heads;
}

static bool add_head(struct request *request, Lx__SubscribeReply *reply, struct nudge_head *head) {
    Lx__StreamHead *entry = arena_alloc(request_arena(request), sizeof *entry);
    if (entry == NULL)
        return false;
    lx__stream_head__init(entry);
    entry->has_stream = entry->has_head = true;
    entry->stream = (ProtobufCBinaryData){UUID_SIZE, head->stream.bytes};
    entry->head = head->head;
    reply->heads[reply->n_heads++] = entry;
    return true;
}

static void on_heads(void *user, enum status status, const struct db_result *result) {
    struct request *request = user;
    const Lx__SubscribeRequest *subscribe = request_message(request);
    size_t n = subscribe->n_streams;
    if (status != STATUS_OK) {
        request_fail_status(request, status, "reading heads");
        return;
    }
    struct nudge_head *heads = arena_array(request_arena(request), n, sizeof *heads);
    const struct nudge_head *known = sort_heads(result, request_arena(request));
    Lx__SubscribeReply reply = LX__SUBSCRIBE_REPLY__INIT;
    reply.heads = arena_array(request_arena(request), n, sizeof(Lx__StreamHead *));
    bool memory = heads != NULL && known != NULL && reply.heads != NULL;
    for (size_t i = 0; memory && i < n; i++) {
        struct nudge_head key = {0};
        memcpy(key.stream.bytes, subscribe->streams[i].data, UUID_SIZE);
        const struct nudge_head *found =
            bsearch(&key, known, (size_t)db_rows(result), sizeof key, compare_heads);
        if (found == NULL) { // asked for and not among the rows: not in scope
            fail_at(request, REASON_STREAM_UNKNOWN, i);
            return;
        }
        heads[i] = *found;
        memory = add_head(request, &reply, &heads[i]);
    }
    if (session_still_of(request) == NULL && !request_orphaned(request)) { // whose are they?
        request_fail(request, REASON_SESSION_ENDED, NULL, NULL);
        return;
    }
    struct conn *conn = request_conn(request);
    if (memory && conn != NULL)
        memory = nudge_subscribe(conn, heads, n) == STATUS_OK;
    if (memory)
        request_reply(request, &reply.base);
    else
        request_fail(request, REASON_MESSAGE_TOO_LARGE, NULL, NULL);
}

void handle_subscribe(struct request *request) {
    const Lx__SubscribeRequest *subscribe = request_message(request);
    const struct session *session = session_of(request);
    size_t n = subscribe->n_streams;
    if (n > MAX_STREAMS) {
        request_fail(request, REASON_TOO_MANY, "streams", "10000", NULL);
        return;
    }
    struct uuid *ids = arena_array(request_arena(request), n > 0 ? n : 1, sizeof *ids);
    if (ids == NULL) {
        request_fail(request, REASON_MESSAGE_TOO_LARGE, NULL, NULL);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (subscribe->streams[i].len != UUID_SIZE) {
            fail_at(request, REASON_FIELD_INVALID, i);
            return;
        }
        memcpy(ids[i].bytes, subscribe->streams[i].data, UUID_SIZE);
        if (!session->checks_off && scope_find_stream(session->scope, ids[i]) == NULL) {
            fail_at(request, REASON_STREAM_UNKNOWN, i);
            return;
        }
    }
    struct db_params *params = db_params_new(request_arena(request));
    db_param_uuid_array(params, n, ids, NULL);
    scope_query(session->scope, request_worker(request)->reads, "heads_of", params, on_heads,
                request);
}
