// Ping: sends the payload back. Needs nothing but Hello.
#include "proto/wire.pb-c.h"
#include "server/handlers/table.h"
#include "server/request.h"

#define MAX_PAYLOAD 1024

void handle_ping(struct request *request) {
    const Lx__PingRequest *ping = request_message(request);
    if (ping->has_payload && ping->payload.len > MAX_PAYLOAD) {
        request_fail(request, REASON_FIELD_TOO_LONG, "payload", "1024", NULL);
        return;
    }
    Lx__PingReply reply = LX__PING_REPLY__INIT;
    reply.has_payload = ping->has_payload;
    reply.payload = ping->payload;
    request_reply(request, &reply.base);
}
