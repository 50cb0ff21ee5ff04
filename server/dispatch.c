// Which handler serves which method, and what is checked before it runs. See dispatch.h.
#include "server/dispatch.h"

#include <stdio.h>

#include "proto/wire.pb-c.h"
#include "server/config.h"
#include "server/epoch.h"
#include "server/handlers/table.h"
#include "server/session.h"
#include "server/worker.h"

#define RECOVERING_RETRY_MS 5000

static const struct dispatch_row ROWS[] = {
    {LX__METHOD__PING, handle_ping},
    {LX__METHOD__HELLO, handle_hello},
    {LX__METHOD__ENROL, handle_enrol},
    {LX__METHOD__RENEW, handle_renew},
    {LX__METHOD__LOGIN, handle_login},
    {LX__METHOD__LOGOUT, handle_logout},
    {LX__METHOD__CHANGE_PASSWORD, handle_change_password},
    {LX__METHOD__SCOPE, handle_scope},
    {LX__METHOD__PUSH, handle_push},
    {LX__METHOD__PULL, handle_pull},
    {LX__METHOD__SUBSCRIBE, handle_subscribe},
    {LX__METHOD__BUNDLE, handle_bundle},
    {LX__METHOD__STANDING, handle_standing},
    {LX__METHOD__STATISTICS, handle_statistics},
    {LX__METHOD__CODE_ISSUE, handle_code_issue},
    {LX__METHOD__USER_ADD, handle_user_add},
    {LX__METHOD__GRANT, handle_grant},
    {LX__METHOD__GRANT_REVOKE, handle_grant_revoke},
};

handler_fn dispatch_find(uint16_t method) {
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        if (ROWS[i].method == method)
            return ROWS[i].handler;
    return NULL;
}

// What the method needs and the connection has not; REASON_NONE: all is there.
static enum reason_id missing_need(const struct request_context *context, enum method_needs needs) {
    switch (needs) {
    case METHOD_NEEDS_NOTHING:
        return REASON_NONE;
    case METHOD_NEEDS_NO_DEVICE:
        return context->has_device ? REASON_DEVICE_ENROLLED : REASON_NONE;
    case METHOD_NEEDS_EXPIRED:
        return context->has_device ? REASON_NONE : REASON_DEVICE_NEEDED;
    case METHOD_NEEDS_DEVICE:
    case METHOD_NEEDS_FIRST:
    case METHOD_NEEDS_LOGIN:
    default:
        break;
    }
    if (!context->has_device)
        return REASON_DEVICE_NEEDED;
    if (context->device_expired)
        return REASON_CERTIFICATE_EXPIRED;
    bool needs_login = needs >= METHOD_NEEDS_FIRST && context->session == NULL;
    return needs_login ? REASON_LOGIN_NEEDED : REASON_NONE;
}

// The login, where one is needed, is known to be good: its password its own, capability, then the
// handler.
static void call_handler(struct request *request) {
    const struct method_info *method = request_method(request);
    const struct session *session = request_context(request)->session;
    if (method->needs == METHOD_NEEDS_LOGIN && session->must_change_password) {
        request_fail(request, REASON_PASSWORD_FIRST, NULL, NULL);
        return;
    }
    bool checked = method->capability != METHOD_NO_CAPABILITY &&
                   config_checks_server(request_worker(request)->config);
    if (checked && !session_has_capability(session, method->capability)) {
        char number[16];
        snprintf(number, sizeof number, "%d", method->capability);
        request_fail(request, REASON_CAPABILITY_MISSING, NULL, number, NULL);
        return;
    }
    dispatch_find(method->number)(request);
}

// A database that was restored lets nobody in before what was revoked since is revoked again; what
// comes back after an outage is looked at first.
static bool refused_by_epoch(struct request *request) {
    uint16_t method = request_method(request)->number;
    enum epoch_state state = epoch_state(request_worker(request)->epoch);
    if (state == EPOCH_OPEN || method == LX__METHOD__PING)
        return false;
    if (state == EPOCH_UNKNOWN && method == LX__METHOD__HELLO)
        return false;
    if (state == EPOCH_UNKNOWN) {
        request_fail_status(request, STATUS_AGAIN, "epoch");
        return true;
    }
    request_close_after(request);
    request_fail_later(request, REASON_RECOVERING, RECOVERING_RETRY_MS);
    return true;
}

void dispatch_request(struct request *request) {
    const struct method_info *method = request_method(request);
    if (dispatch_find(method->number) == NULL) {
        request_fail(request, REASON_METHOD_NOT_HERE, NULL, method->name, NULL);
        return;
    }
    enum reason_id missing = missing_need(request_context(request), method->needs);
    if (missing != REASON_NONE) {
        request_fail(request, missing, NULL, NULL);
        return;
    }
    if (refused_by_epoch(request))
        return;
    if (method->needs >= METHOD_NEEDS_FIRST)
        session_freshen(request, call_handler);
    else
        call_handler(request);
}
