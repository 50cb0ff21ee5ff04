// Hello: the first request of a connection: versions, clocks, the database's epoch, and, with a
// token, the login of an earlier connection.
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/wire/frame.h"
#include "proto/wire.pb-c.h"
#include "server/epoch.h"
#include "server/handlers/table.h"
#include "server/request.h"
#include "server/session.h"
#include "server/worker.h"

#define MAX_PROGRAM 64
#define PROGRAM "lianxiaod 0.1.0"

static void answer(struct request *request, const struct session *session) {
    struct worker *worker = request_worker(request);
    const struct request_context *context = request_context(request);
    Lx__HelloReply reply = LX__HELLO_REPLY__INIT;
    reply.has_protocol = reply.has_server_time_ms = reply.has_logged_in = true;
    reply.has_max_payload_bytes = reply.has_max_in_flight = true;
    reply.protocol = FRAME_PROTOCOL;
    reply.program = (char *)PROGRAM;
    reply.server_time_ms = worker_now_ms(worker);
    reply.max_payload_bytes = FRAME_CAP_SESSION;
    reply.max_in_flight = FRAME_MAX_IN_FLIGHT;
    struct uuid epoch = epoch_id(worker->epoch);
    reply.has_db_epoch = !uuid_is_nil(epoch);
    if (reply.has_db_epoch)
        reply.db_epoch = (ProtobufCBinaryData){UUID_SIZE, epoch.bytes};
    if (context->has_device) {
        reply.has_device = true;
        reply.device = (ProtobufCBinaryData){REQUEST_DEVICE_SIZE, (uint8_t *)context->device};
    }
    reply.logged_in = session != NULL;
    if (session != NULL) {
        reply.has_scope_version = true;
        reply.scope_version = session->scope->version;
    }
    request_greeted(request);
    request_reply(request, &reply.base);
}

static void on_resumed(struct request *request, enum status status, struct session *session,
                       void *user) {
    (void)user;
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        answer(request, session); // an invalid token is no error: log in
    else
        request_fail_status(request, status, "resuming a login");
}

void handle_hello(struct request *request) {
    const Lx__HelloRequest *hello = request_message(request);
    const struct request_context *context = request_context(request);
    if (!hello->has_protocol || hello->protocol < FRAME_PROTOCOL) {
        char theirs[16];
        snprintf(theirs, sizeof theirs, "%u", hello->has_protocol ? hello->protocol : 0);
        request_close_after(request);
        request_fail(request, REASON_PROTOCOL_UNKNOWN, "protocol", theirs, "1", NULL);
        return;
    }
    if (hello->program != NULL && strlen(hello->program) > MAX_PROGRAM) {
        request_fail(request, REASON_FIELD_TOO_LONG, "program", "64", NULL);
        return;
    }
    if (hello->has_session_token && hello->session_token.len != SESSION_HASH_SIZE) {
        request_fail(request, REASON_FIELD_INVALID, "session_token", NULL);
        return;
    }
    if (hello->has_session_token && context->has_device && !context->device_expired)
        session_resume(request, view_from(hello->session_token.data, hello->session_token.len),
                       on_resumed, NULL);
    else
        answer(request, NULL);
}
