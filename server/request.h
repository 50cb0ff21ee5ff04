// One request: its arena, its unpacked message and the duty to answer it exactly once. Handlers see
// nothing else of the connection. Opened by conn.c, freed by the answer; the arena lives until
// then.
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/wire/method.h"
#include "common/wire/reason.h"

struct request; // opaque
struct worker;
struct session;

#define REQUEST_DEVICE_SIZE 32

// What a connection knows of its peer. Lives until the last request of the connection is answered,
// also when the peer is gone.
struct request_context {
    uint8_t device[REQUEST_DEVICE_SIZE]; // SHA-256 of the public key
    bool has_device;
    bool device_expired;     // only Renew is allowed
    int64_t device_until_ms; // end of the certificate
    char peer[48];           // numeric address
    struct session *session; // owned by the connection, NULL before login
};

// A handler answers now or later (from a callback), exactly once; freeing unanswered asserts.
const void *request_message(const struct request *request); // e.g. const Lx__PullRequest *
struct arena *request_arena(struct request *request);
struct worker *request_worker(struct request *request);
const struct request_context *request_context(const struct request *request);
// The login that the connection had when the request came, NULL: none. It stays valid until the
// answer, also when the connection has another login, or none, by then.
struct session *request_session(const struct request *request);
const struct method_info *request_method(const struct request *request);
uint64_t request_number(const struct request *request); // for log lines, unique per worker
int64_t
request_received_at_ms(const struct request *request); // wall clock when the frame was whole

// Answers and frees. The message may lie in the request's arena. A reply over FRAME_CAP_REPLY
// becomes an error `internal`.
void request_reply(struct request *request, const ProtobufCMessage *reply);
// Answers with Error: code and text from the table. After `field` (NULL: none) one const char * per
// parameter of the reason, then NULL.
void request_fail(struct request *request, enum reason_id reason, const char *field, ...)
    __attribute__((sentinel));
// The same and retry_after_ms.
void request_fail_later(struct request *request, enum reason_id reason, uint32_t retry_after_ms);
// Answers with Error from a finished Reason (of the judge, say).
void request_fail_reason(struct request *request, const Lx__Reason *reason);
// A database status that the handler has no own answer for: AGAIN, IO -> database_unavailable
// (retry 1 s), else internal, with `what` in the log.
void request_fail_status(struct request *request, enum status status, const char *what);

// The peer is gone: answering is still the duty and drops the answer.
bool request_orphaned(const struct request *request);

// A login's place in its connection's lists: part of the login, so that replacing one needs no
// memory.
struct held_session {
    struct held_session *next;
    struct session *session;
    void (*release)(struct session *session);
};

// Puts a login on the connection (or takes it away with NULL). The connection owns it from now on
// and calls `release` at its end or when replaced; sessions still in use by open requests live
// until those are answered. Raises the payload cap.
void request_set_session(struct request *request, struct held_session *held);
// Hello was good: from its answer on the connection takes other methods.
void request_greeted(struct request *request);
// Closes the connection when the answers given so far are sent (after revocation, say).
void request_close_after(struct request *request);
