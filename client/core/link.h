// One connection to a server: dial, TLS, Hello, then requests and their answers, in any order.
// Owns the loop, the stream and what waits to be sent. One thread; every wait has a deadline.
// Called by client/core/account.c and client/core/session.c.
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/base/view.h"
#include "proto/wire.pb-c.h"

struct link; // opaque

#define LINK_ERROR_SIZE 256
#define LINK_DIAL_MS 10000 // name, TCP and TLS together with Hello get twice this
#define LINK_CALL_MS 30000 // an answer: a login behind others may take seconds

struct link_options {
    const char *server;    // "host:port", "[v6]:port" or "host" (port 7443)
    const char *ca_file;   // PEM
    const char *cert_file; // NULL before enrolment
    const char *key_file;
    int64_t trusted_time_ms;   // newest time seen from a server; 0: never
    struct view session_token; // empty: none
    const char *program;       // shown to the operator
};

// Whom to tell what arrives; any may be NULL. Messages are valid until the callback returns.
// Callbacks run inside link_wait and link_call only.
struct link_handler {
    void (*on_reply)(void *user, uint32_t id, uint16_t method, const ProtobufCMessage *reply);
    void (*on_error)(void *user, uint32_t id, const Lx__Error *error);
    void (*on_event)(void *user, uint16_t method, const ProtobufCMessage *event);
    void *user;
};

// STATUS_NOT_FOUND: no such host; STATUS_IO: not reachable or lost; STATUS_DENIED: certificate not
// trusted; STATUS_INVALID: the address or a file is wrong, or the server refused Hello. out_error
// (LINK_ERROR_SIZE) says it in English.
enum status link_open(const struct link_options *options, struct link **out_link,
                      char *out_error) MUST_USE;
void link_close(struct link **link); // sends what fits; takes NULL
const Lx__HelloReply *link_hello(const struct link *link);
const char *link_error(const struct link *link); // why the last call failed

void link_set_handler(struct link *link, const struct link_handler *handler);
// Queues a request. STATUS_IO: the connection is lost.
enum status link_send(struct link *link, uint16_t method, const ProtobufCMessage *message,
                      uint32_t *out_id) MUST_USE;
// Runs until something was received or wait_ms passed (STATUS_OK both), or the connection is lost
// (STATUS_IO).
enum status link_wait(struct link *link, int wait_ms) MUST_USE;

struct link_answer {
    const ProtobufCMessage *reply; // in the arena; NULL when the server refused
    const Lx__Error *error;        // in the arena; NULL when it did not
};

// One request and its answer. STATUS_DENIED: answer->error says why. STATUS_IO: lost, or
// no answer in LINK_CALL_MS.
enum status link_call(struct link *link, uint16_t method, const ProtobufCMessage *message,
                      struct arena *arena, struct link_answer *out_answer) MUST_USE;
