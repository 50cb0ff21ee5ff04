// A stream is a descriptor, its TLS and one plain libevent event. It never blocks, keeps no data of
// its own and knows nothing of frames. Used by the server's connections and the client's link.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/base/view.h"

struct event_base;
struct stream; // opaque
struct tls_context;

enum io_result { IO_OK, IO_AGAIN, IO_EOF, IO_ERROR };

#define STREAM_READ 1u  // wants bytes
#define STREAM_WRITE 2u // has bytes to send

// The socket is ready for something that was asked for with stream_want: call stream_handshake
// until it is done, then stream_read and stream_write. Runs on the loop; may free the stream.
typedef void (*stream_ready_fn)(void *user);

// Both take the connected (or connecting), non-blocking descriptor over, also on failure. NULL: no
// memory.
struct stream *stream_new_server(struct tls_context *tls, struct event_base *base, int fd,
                                 stream_ready_fn ready, void *user);
// server_name: host name or numeric address that the server's certificate must be for.
struct stream *stream_new_client(struct tls_context *tls, struct event_base *base, int fd,
                                 const char *server_name, stream_ready_fn ready, void *user);
// Sends close_notify if it fits, closes. Takes NULL.
void stream_free(struct stream **stream);

// IO_OK: done. IO_AGAIN: call again when ready (wanting is set by itself). Else closed or refused:
// stream_error says why. Also finishes a TCP connect.
enum io_result stream_handshake(struct stream *stream);

// IO_OK: 1..size bytes are in `room`. IO_AGAIN: nothing now. IO_EOF: the peer has closed (with or
// without close_notify: frames carry lengths).
enum io_result stream_read(struct stream *stream, uint8_t *room, size_t size, size_t *out_size);
// IO_OK: *out_size bytes (1..) are taken, the rest is to be given again. IO_AGAIN: none now; give
// the same bytes again when ready (they may have moved in memory).
enum io_result stream_write(struct stream *stream, struct view bytes, size_t *out_size);

// Which readiness to be told of: STREAM_READ and/or STREAM_WRITE, 0 for a pause. What TLS itself
// needs (a read that must write first) is added by itself.
void stream_want(struct stream *stream, unsigned directions);
// TLS or the kernel's answer holds bytes that no readiness will announce: read before waiting.
bool stream_has_pending(const struct stream *stream);

// After a server's handshake, once: the peer's device id (SHA-256 of its public key as DER
// SubjectPublicKeyInfo); false: it showed no certificate. *out_until_ms: end of the certificate;
// may be in the past (see tls.h). The certificate is forgotten with that.
bool stream_take_peer(struct stream *stream, uint8_t out_device[32], int64_t *out_until_ms);
// Why the last call failed: one line for logs and people; "" when it was a plain close.
const char *stream_error(const struct stream *stream);
int stream_fd(const struct stream *stream);
