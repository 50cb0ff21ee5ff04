// One TLS connection of the generator, as little of its own CPU as can be: the measured sides share
// the machine with it. Speaks the product's frames, or HTTP/1.1 to nginx.
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/uuid.h"
#include "common/wire/frame.h"

struct event_base;
struct peer;

enum peer_protocol { PEER_LX, PEER_HTTP };

// An answer came: its frame, or NULL for HTTP. Runs on the loop.
typedef void (*peer_answer_fn)(struct peer *peer, const struct frame *frame, void *user);

struct peer {
    enum peer_protocol protocol;
    SSL *ssl;            // owns
    struct event *event; // owns
    bool wants_write;
    struct buf out; // owns
    struct frame_reader reader;
    unsigned http_ends; // how much of "\r\n\r\n" has come
    peer_answer_fn on_answer;
    void *user;
    // of a pushing device
    struct uuid stream;
    struct view subjects; // borrows: 16 bytes each, taken in turn
    uint64_t next_op;
    struct view payload; // borrows: of a call with a payload of its own
    // of a run
    int64_t due_ns; // when the request under way was due; 0: none under way
    uint64_t left;  // requests still to be sent
};

// What is opened to where. `token` may be empty.
struct peer_target {
    enum peer_protocol protocol;
    const char *host; // numeric
    int port;
    SSL_CTX *tls;
};

// A context that trusts one CA; cert_file may be NULL. Exits with a message on failure, as all here
// does: a generator that cannot go on has nothing to measure.
SSL_CTX *peer_context(const char *ca_file, const char *cert_file, const char *key_file,
                      enum peer_protocol protocol);
// Connects and shakes hands, blocking; then it is ready for the loop.
void peer_open(struct peer *peer, const struct peer_target *target, struct event_base *base);
void peer_close(struct peer *peer);
// Only TCP, TLS with full handshake, and gone.
void peer_shake(const struct peer_target *target);
void peer_send(struct peer *peer, struct view bytes);
