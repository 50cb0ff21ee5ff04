// The server's map: one handler per method. What a method needs, its caps and its messages are in
// common/wire/method.c; this table adds who does it. Handlers lie in server/handlers, one file per
// noun.
#pragma once

#include "common/wire/method.h"
#include "server/request.h"

typedef void (*handler_fn)(struct request *request);

struct dispatch_row {
    uint16_t method; // Lx__Method
    handler_fn handler;
};

// The handler, NULL when the method is not served.
handler_fn dispatch_find(uint16_t method);
// Checks needs (certificate, login) and the capability bit; answers with an error when they are not
// met, else calls the handler.
void dispatch_request(struct request *request);

// The capability check asks the session's owner (server/session.c): all grants of the login
// together. Finer checks (which unit, which stream) are the handler's.
bool session_has_capability(const struct session *session, int capability);
