// Grant and GrantRevoke: roles given and taken inside the giver's own subtree.
#include "proto/account.pb-c.h"
#include "server/handlers.h"
#include "server/handlers/admin.h"
#include "server/handlers/table.h"
#include "server/worker.h"

// As of memberships: 1970 and 2100-01-01 in Asia/Shanghai.
#define FIRST_TIME_MS 0LL
#define LAST_TIME_MS 4102416000000LL

struct granting {
    struct request *request; // borrows
    const Lx__GrantRequest *message;
};

static void on_granted(void *user, enum status status, const struct db_result *result) {
    struct granting *granting = user;
    struct request *request = granting->request;
    if (status != STATUS_OK || db_rows(result) == 0) {
        request_fail_status(request, status, "grant_add");
        return;
    }
    int64_t verdict = db_int8(result, 0, 0);
    if (verdict == ADMIN_ROLE_MISFIT) {
        request_fail(request, REASON_ROLE_NOT_FOR_UNIT, "role",
                     role_find(granting->message->role)->name, NULL);
        return;
    }
    if (verdict != ADMIN_DONE) {
        request_fail(request, REASON_NOT_IN_SCOPE, NULL, NULL);
        return;
    }
    Lx__GrantReply reply = LX__GRANT_REPLY__INIT;
    struct uuid grant = db_uuid(result, 0, 1);
    reply.has_grant = true;
    reply.grant = (ProtobufCBinaryData){UUID_SIZE, grant.bytes};
    request_reply(request, &reply.base);
}

static void give(struct granting *granting) {
    struct request *request = granting->request;
    const struct session *session = session_of(request);
    const Lx__GrantRequest *message = granting->message;
    int64_t now_ms = request_received_at_ms(request);
    struct db_params *params = db_params_new(request_arena(request));
    db_param_uuid(params, session->person);
    db_param_bytea(params, view_from(session->device, REQUEST_DEVICE_SIZE));
    db_param_string(params, message->account);
    db_param_int4(params, (int32_t)message->role);
    db_param_string(params, message->unit_code);
    db_param_timestamptz(params, message->has_from_ms ? message->from_ms : now_ms);
    if (message->has_until_ms)
        db_param_timestamptz(params, message->until_ms);
    else
        db_param_null(params);
    db_param_uuid(params, uuid_new_v7(now_ms));
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "grant_add", params, on_granted,
             granting);
}

// First layer: grants of the unit are his to manage, and the role his to give.
static void on_unit(void *user, const struct unit_row *unit) {
    struct granting *granting = user;
    struct request *request = granting->request;
    const struct session *session = session_still_of(request);
    struct uuid path[UNITS_MAX_PATH];
    if (session == NULL) {
        request_fail(request, REASON_SESSION_ENDED, NULL, NULL);
        return;
    }
    size_t n =
        unit != NULL ? units_path(request_worker(request)->handlers->units, unit->id, path) : 0;
    bool allowed =
        session->checks_off || scope_may_give(session->scope, path, n, granting->message->role);
    if (unit == NULL || !allowed)
        request_fail(request, REASON_NOT_IN_SCOPE, NULL, NULL);
    else
        give(granting);
}

static bool is_time(int64_t time_ms) {
    return time_ms >= FIRST_TIME_MS && time_ms <= LAST_TIME_MS;
}

void handle_grant(struct request *request) {
    const Lx__GrantRequest *message = request_message(request);
    struct granting *granting = arena_alloc(request_arena(request), sizeof(*granting));
    if (granting == NULL)
        request_fail_status(request, STATUS_NO_MEMORY, "grant");
    else if (message->account == NULL)
        request_fail(request, REASON_FIELD_MISSING, "account", NULL);
    else if (message->unit_code == NULL)
        request_fail(request, REASON_FIELD_MISSING, "unit_code", NULL);
    else if (!message->has_role || role_find(message->role) == NULL)
        request_fail(request, REASON_FIELD_INVALID, "role", NULL);
    else if (message->has_from_ms && !is_time(message->from_ms))
        request_fail(request, REASON_FIELD_INVALID, "from_ms", NULL);
    else if (message->has_until_ms && !is_time(message->until_ms))
        request_fail(request, REASON_FIELD_INVALID, "until_ms", NULL);
    else if (message->has_until_ms &&
             message->until_ms <=
                 (message->has_from_ms ? message->from_ms : request_received_at_ms(request)))
        request_fail(request, REASON_TIME_BACKWARDS, "until_ms", NULL);
    else {
        *granting = (struct granting){request, message};
        admin_find_unit(request, message->unit_code, on_unit, granting);
    }
}

// ---- taking it away ----

struct revoking {
    struct request *request; // borrows
    struct uuid grant;
    bool for_cause;
};

static void fail_unknown(struct request *request) {
    request_fail(request, REASON_NOT_IN_SCOPE, "grant", NULL);
}

static void on_revoked(void *user, enum status status, const struct db_result *result) {
    const struct revoking *revoking = user;
    struct request *request = revoking->request;
    if (status != STATUS_OK || db_rows(result) == 0) {
        request_fail_status(request, status, "grant_revoke");
        return;
    }
    if (db_int8(result, 0, 0) != ADMIN_DONE) {
        fail_unknown(request);
        return;
    }
    session_check_all(request_worker(request)); // whom it concerns feels it at once
    Lx__GrantRevokeReply reply = LX__GRANT_REVOKE_REPLY__INIT;
    request_reply(request, &reply.base);
}

static void revoke(struct revoking *revoking) {
    struct request *request = revoking->request;
    const struct session *session = session_of(request);
    struct db_params *params = db_params_new(request_arena(request));
    db_param_uuid(params, session->person);
    db_param_bytea(params, view_from(session->device, REQUEST_DEVICE_SIZE));
    db_param_uuid(params, revoking->grant);
    db_param_bool(params, revoking->for_cause);
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "grant_revoke", params, on_revoked,
             revoking);
}

// First layer: who may give a role on a unit may take it away there.
static void on_found(void *user, enum status status, const struct db_result *result) {
    struct revoking *revoking = user;
    struct request *request = revoking->request;
    const struct session *session = session_still_of(request);
    struct uuid path[UNITS_MAX_PATH];
    if (status != STATUS_OK) {
        request_fail_status(request, status, "grant_find");
        return;
    }
    if (session == NULL || db_rows(result) == 0) {
        fail_unknown(request);
        return;
    }
    const struct units *units = request_worker(request)->handlers->units;
    size_t n = units_path(units, db_uuid(result, 0, 1), path);
    Lx__Role role = (Lx__Role)db_int8(result, 0, 0);
    if (session->checks_off || scope_may_give(session->scope, path, n, role))
        revoke(revoking);
    else
        fail_unknown(request);
}

void handle_grant_revoke(struct request *request) {
    const Lx__GrantRevokeRequest *message = request_message(request);
    struct revoking *revoking = arena_alloc(request_arena(request), sizeof(*revoking));
    if (revoking == NULL) {
        request_fail_status(request, STATUS_NO_MEMORY, "grant_revoke");
        return;
    }
    *revoking = (struct revoking){.request = request, .for_cause = message->for_cause};
    if (!message->has_grant || uuid_from_bytes(view_from(message->grant.data, message->grant.len),
                                               &revoking->grant) != STATUS_OK) {
        request_fail(request, REASON_ID_MALFORMED, "grant", NULL);
        return;
    }
    struct db_params *params = db_params_new(request_arena(request));
    db_param_uuid(params, revoking->grant);
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "grant_find", params, on_found,
             revoking);
}
