// CodeIssue: a one-time code with which a device enrols for a unit.
#include <string.h>

#include "proto/account.pb-c.h"
#include "server/handlers.h"
#include "server/handlers/admin.h"
#include "server/handlers/table.h"
#include "server/secret.h"
#include "server/worker.h"

#define DEFAULT_HOURS 72
#define MAX_HOURS 720
#define MAX_TRIES 5 // new codes when the first characters are in use; they are random

struct issuing {
    struct request *request; // borrows
    const char *unit_code;
    int32_t hours;
    unsigned tries;
    char code[SECRET_CODE_SIZE];
};

static void issue(struct issuing *issuing);

static void on_issued(void *user, enum status status, const struct db_result *result) {
    struct issuing *issuing = user;
    struct request *request = issuing->request;
    if (status != STATUS_OK || db_rows(result) == 0) {
        request_fail_status(request, status, "code_issue");
        return;
    }
    int64_t verdict = db_int8(result, 0, 0);
    if (verdict == ADMIN_EXISTS && ++issuing->tries < MAX_TRIES) {
        issue(issuing);
        return;
    }
    if (verdict != ADMIN_DONE) {
        request_fail(request, REASON_NOT_IN_SCOPE, "unit_code", NULL);
        return;
    }
    Lx__CodeIssueReply reply = LX__CODE_ISSUE_REPLY__INIT;
    reply.code = issuing->code;
    reply.has_until_ms = true;
    reply.until_ms = db_timestamptz_ms(result, 0, 1);
    request_reply(request, &reply.base);
}

static void issue(struct issuing *issuing) {
    struct request *request = issuing->request;
    const struct session *session = session_of(request);
    char lookup[SECRET_LOOKUP_SIZE];
    uint8_t hash[SECRET_HASH_SIZE];
    if (secret_new_code(issuing->code) != STATUS_OK ||
        secret_hash_code(view_from_string(issuing->code), hash) != STATUS_OK ||
        secret_lookup_code(view_from_string(issuing->code), lookup) != STATUS_OK) {
        request_fail_status(request, STATUS_IO, "code");
        return;
    }
    struct db_params *params = db_params_new(request_arena(request));
    db_param_uuid(params, session->person);
    db_param_bytea(params, view_from(session->device, REQUEST_DEVICE_SIZE));
    db_param_string(params, issuing->unit_code);
    db_param_string(params, lookup);
    db_param_bytea(params, view_from(hash, SECRET_HASH_SIZE));
    db_param_int4(params, issuing->hours);
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "code_issue", params, on_issued,
             issuing);
}

static void on_unit(void *user, const struct unit_row *unit) {
    struct issuing *issuing = user;
    struct request *request = issuing->request;
    if (unit == NULL || !handlers_can(request, unit->id, CAPABILITY_MANAGE_DEVICES))
        request_fail(request, REASON_NOT_IN_SCOPE, "unit_code", NULL);
    else
        issue(issuing);
}

void handle_code_issue(struct request *request) {
    const Lx__CodeIssueRequest *message = request_message(request);
    struct issuing *issuing = arena_alloc(request_arena(request), sizeof(*issuing));
    uint32_t hours = message->has_valid_hours ? message->valid_hours : DEFAULT_HOURS;
    if (message->unit_code == NULL) {
        request_fail(request, REASON_FIELD_MISSING, "unit_code", NULL);
        return;
    }
    if (hours == 0 || hours > MAX_HOURS) {
        request_fail(request, REASON_FIELD_INVALID, "valid_hours", NULL);
        return;
    }
    if (issuing == NULL) {
        request_fail_status(request, STATUS_NO_MEMORY, "code_issue");
        return;
    }
    *issuing = (struct issuing){
        .request = request, .unit_code = message->unit_code, .hours = (int32_t)hours};
    admin_find_unit(request, message->unit_code, on_unit, issuing);
}
