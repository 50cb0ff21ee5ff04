// Scope: what this login may see and do now, and the next op_seq of this device per stream.
#include <string.h>

#include "common/net/bundle.h"
#include "proto/account.pb-c.h"
#include "server/handlers.h"
#include "server/handlers/table.h"
#include "server/worker.h"

struct asking {
    struct request *request; // borrows
    struct scope *scope;     // holds a reference
};

static void fail(struct asking *asking, enum status status) {
    scope_drop(&asking->scope);
    request_fail_status(asking->request, status, "scope");
}

static Lx__Grant *make_grant(struct arena *arena, const struct scope *scope,
                             const struct scope_grant *grant) {
    Lx__Grant *message = arena_alloc(arena, sizeof(*message));
    if (message == NULL)
        return NULL;
    lx__grant__init(message);
    message->has_id = message->has_person = message->has_role = message->has_unit = true;
    message->id = (ProtobufCBinaryData){UUID_SIZE, (uint8_t *)grant->id.bytes};
    message->person = (ProtobufCBinaryData){UUID_SIZE, (uint8_t *)scope->person.bytes};
    message->role = grant->role;
    message->unit = (ProtobufCBinaryData){UUID_SIZE, (uint8_t *)grant->unit.bytes};
    message->has_from_ms = true;
    message->from_ms = grant->from_ms;
    message->has_until_ms = grant->until_ms != 0;
    message->until_ms = grant->until_ms;
    return message;
}

static enum status fill_grants(const struct scope *scope, struct arena *arena,
                               Lx__ScopeReply *reply) {
    reply->grants = arena_array(arena, scope->n_grants + 1, sizeof(Lx__Grant *));
    if (reply->grants == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < scope->n_grants; i++) {
        Lx__Grant *grant = make_grant(arena, scope, &scope->grants[i]);
        if (grant == NULL)
            return STATUS_NO_MEMORY;
        reply->grants[reply->n_grants++] = grant;
    }
    return STATUS_OK;
}

// The scope's order, the city first; streams the query did not name have no operation yet.
static enum status fill_streams(const struct scope *scope, const struct db_result *result,
                                struct arena *arena, Lx__ScopeReply *reply) {
    size_t n = scope->n_streams;
    reply->streams = arena_array(arena, n + 1, sizeof(ProtobufCBinaryData));
    reply->next_op_seq = arena_array(arena, n + 1, sizeof(uint64_t));
    if (reply->streams == NULL || reply->next_op_seq == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        reply->streams[i] = (ProtobufCBinaryData){UUID_SIZE, (uint8_t *)scope->streams[i].id.bytes};
        reply->next_op_seq[i] = 1;
    }
    for (int row = 0; row < db_rows(result); row++) {
        const struct scope_stream *stream = scope_find_stream(scope, db_uuid(result, row, 0));
        if (stream != NULL)
            reply->next_op_seq[stream - scope->streams] = (uint64_t)db_int8(result, row, 1);
    }
    reply->n_streams = reply->n_next_op_seq = n;
    return STATUS_OK;
}

static void on_next_ops(void *user, enum status status, const struct db_result *result) {
    struct asking *asking = user;
    struct arena *arena = request_arena(asking->request);
    Lx__ScopeReply reply = LX__SCOPE_REPLY__INIT;
    if (status == STATUS_OK)
        status = fill_grants(asking->scope, arena, &reply);
    if (status == STATUS_OK)
        status = fill_streams(asking->scope, result, arena, &reply);
    if (status != STATUS_OK) {
        fail(asking, status);
        return;
    }
    reply.has_scope_version = true;
    reply.scope_version = asking->scope->version;
    const struct bundle_keys *keys = request_worker(asking->request)->bundle_keys;
    struct view certificate = keys != NULL ? bundle_keys_certificate(keys) : (struct view){NULL, 0};
    reply.has_bundle_certificate = certificate.size > 0;
    reply.bundle_certificate = (ProtobufCBinaryData){certificate.size, (uint8_t *)certificate.data};
    struct scope *scope = asking->scope; // the reply points into it, the request's arena goes
    request_reply(asking->request, &reply.base);
    scope_drop(&scope);
}

// Asked anew, not as the session has it: a client asks when it was told that something changed.
static void on_scope(void *user, enum status status, struct scope *scope) {
    struct asking *asking = user;
    struct request *request = asking->request;
    struct arena *arena = request_arena(request);
    asking->scope = scope;
    struct uuid *streams =
        status == STATUS_OK ? arena_array(arena, scope->n_streams + 1, sizeof(*streams)) : NULL;
    if (streams == NULL) {
        fail(asking, status == STATUS_OK ? STATUS_NO_MEMORY : status);
        return;
    }
    struct session *session = session_still_of(request);
    if (session != NULL)
        session_adopt_scope(session, scope);
    for (size_t i = 0; i < scope->n_streams; i++)
        streams[i] = scope->streams[i].id;
    struct db_params *params = db_params_new(arena);
    db_param_bytea(params, view_from(request_context(request)->device, REQUEST_DEVICE_SIZE));
    db_param_uuid_array(params, scope->n_streams, streams, NULL);
    scope_query(scope, request_worker(request)->reads, "next_ops", params, on_next_ops, asking);
}

void handle_scope(struct request *request) {
    struct asking *asking = arena_alloc(request_arena(request), sizeof(*asking));
    if (asking == NULL) {
        request_fail_status(request, STATUS_NO_MEMORY, "scope");
        return;
    }
    *asking = (struct asking){request, NULL};
    scope_load(request_worker(request), session_of(request)->person, on_scope, asking);
}
