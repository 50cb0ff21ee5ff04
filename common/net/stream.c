// One descriptor with TLS and one event. What a TLS call waits for is remembered per direction,
// because a read may have to write first (a key update, say) and the other way round.
#include "common/net/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/net/ca.h"
#include "common/net/tls_internal.h"

enum stream_state {
    STREAM_STATE_HANDSHAKE,
    STREAM_STATE_OPEN,
    STREAM_STATE_FAILED, // nothing may be sent any more, not even close_notify
};

struct stream {
    int fd;                  // owns
    SSL *ssl;                // owns
    struct event event;      // armed for `armed`
    struct event_base *base; // borrows
    stream_ready_fn ready;
    void *user;  // borrows
    char *error; // owns; NULL: none
    enum stream_state state;
    short armed;       // EV_READ, EV_WRITE
    short read_needs;  // what the next stream_read waits for
    short write_needs; // what the next stream_write waits for
    unsigned want;     // STREAM_READ, STREAM_WRITE
};

static void on_event(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    struct stream *stream = user;
    stream->ready(stream->user);
}

static void arm(struct stream *stream) {
    short needs = 0;
    if (stream->want & STREAM_READ)
        needs |= stream->read_needs;
    if (stream->want & STREAM_WRITE)
        needs |= stream->write_needs;
    if (needs == stream->armed)
        return;
    if (stream->armed != 0)
        event_del(&stream->event);
    stream->armed = needs;
    if (needs == 0)
        return;
    event_assign(&stream->event, stream->base, stream->fd, (short)(needs | EV_PERSIST), on_event,
                 stream);
    if (event_add(&stream->event, NULL) != 0)
        stream->armed = 0; // out of memory: the deadline closes the connection
}

static struct stream *stream_new(struct tls_context *tls, struct event_base *base, int fd,
                                 const char *server_name) {
    struct stream *stream = calloc(1, sizeof *stream);
    SSL *ssl = stream != NULL ? tls_new_ssl(tls, fd, server_name) : NULL;
    if (ssl == NULL) {
        free(stream);
        close(fd);
        return NULL;
    }
    stream->fd = fd;
    stream->ssl = ssl;
    stream->base = base;
    stream->read_needs = EV_READ;
    stream->write_needs = EV_WRITE;
    return stream;
}

struct stream *stream_new_server(struct tls_context *tls, struct event_base *base, int fd,
                                 stream_ready_fn ready, void *user) {
    struct stream *stream = stream_new(tls, base, fd, NULL);
    if (stream == NULL)
        return NULL;
    stream->ready = ready;
    stream->user = user;
    stream_want(stream, STREAM_READ);
    return stream;
}

struct stream *stream_new_client(struct tls_context *tls, struct event_base *base, int fd,
                                 const char *server_name, stream_ready_fn ready, void *user) {
    struct stream *stream = stream_new(tls, base, fd, server_name);
    if (stream == NULL)
        return NULL;
    stream->ready = ready;
    stream->user = user;
    stream_want(stream, STREAM_WRITE);
    return stream;
}

void stream_free(struct stream **stream_at) {
    struct stream *stream = *stream_at;
    if (stream == NULL)
        return;
    if (stream->armed != 0)
        event_del(&stream->event);
    if (stream->state == STREAM_STATE_OPEN) {
        ERR_clear_error();
        SSL_shutdown(stream->ssl);
    }
    SSL_free(stream->ssl);
    ERR_clear_error();
    close(stream->fd);
    free(stream->error);
    free(stream);
    *stream_at = NULL;
}

static enum io_result fail(struct stream *stream, const char *text, const char *detail) {
    stream->state = STREAM_STATE_FAILED;
    free(stream->error);
    if (asprintf(&stream->error, "%s%s%s", text, detail != NULL ? ": " : "",
                 detail != NULL ? detail : "") < 0)
        stream->error = NULL;
    ERR_clear_error();
    return IO_ERROR;
}

// Why TLS itself failed: the certificate check's word if that was it, else OpenSSL's reason.
static enum io_result fail_tls(struct stream *stream) {
    long verify = SSL_get_verify_result(stream->ssl);
    unsigned long code = ERR_peek_last_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    if (stream->state == STREAM_STATE_HANDSHAKE && verify != X509_V_OK)
        return fail(stream, "certificate refused", X509_verify_cert_error_string(verify));
    return fail(stream, "TLS", reason != NULL ? reason : "protocol error");
}

// The outcome of an SSL call that did not succeed; *needs is what the same call waits for.
static enum io_result explain(struct stream *stream, int result, short *needs) {
    int saved_errno = errno;
    int error = SSL_get_error(stream->ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        *needs = error == SSL_ERROR_WANT_READ ? EV_READ : EV_WRITE;
        arm(stream);
        return IO_AGAIN;
    }
    if (error == SSL_ERROR_ZERO_RETURN)
        return IO_EOF;
    if (error == SSL_ERROR_SYSCALL) {
        if (saved_errno == 0 || saved_errno == ECONNRESET || saved_errno == EPIPE) {
            stream->state = STREAM_STATE_FAILED;
            return IO_EOF;
        }
        return fail(stream, "connection", strerror(saved_errno));
    }
    return fail_tls(stream);
}

enum io_result stream_handshake(struct stream *stream) {
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(stream->ssl);
    if (result == 1) {
        if (!tls_has_alpn(stream->ssl))
            return fail(stream, "the peer does not speak lianxiao/1", NULL);
        stream->state = STREAM_STATE_OPEN;
        stream->read_needs = EV_READ;
        stream->write_needs = EV_WRITE;
        stream_want(stream, STREAM_READ);
        return IO_OK;
    }
    short needs = 0;
    enum io_result outcome = explain(stream, result, &needs);
    if (outcome == IO_AGAIN) {
        stream->read_needs = needs;
        stream->write_needs = needs;
        stream_want(stream, STREAM_READ);
    }
    return outcome;
}

enum io_result stream_read(struct stream *stream, uint8_t *room, size_t size, size_t *out_size) {
    ERR_clear_error();
    errno = 0;
    int result = SSL_read_ex(stream->ssl, room, size, out_size);
    if (result == 1) {
        if (stream->read_needs != EV_READ) {
            stream->read_needs = EV_READ;
            arm(stream);
        }
        return IO_OK;
    }
    return explain(stream, result, &stream->read_needs);
}

enum io_result stream_write(struct stream *stream, struct view bytes, size_t *out_size) {
    ERR_clear_error();
    errno = 0;
    int result = SSL_write_ex(stream->ssl, bytes.data, bytes.size, out_size);
    if (result == 1) {
        if (stream->write_needs != EV_WRITE) {
            stream->write_needs = EV_WRITE;
            arm(stream);
        }
        return IO_OK;
    }
    return explain(stream, result, &stream->write_needs);
}

void stream_want(struct stream *stream, unsigned directions) {
    stream->want = directions;
    arm(stream);
}

bool stream_has_pending(const struct stream *stream) {
    return SSL_has_pending(stream->ssl) == 1;
}

// What OpenSSL would hold as long as the connection goes: the certificates behind the peer's own
// (clients like to send the CA's along: 5 KiB), and what the own one says, with its key and the
// key's copy of the curve (4 KiB).
bool stream_take_peer(struct stream *stream, uint8_t out_device[32], int64_t *out_until_ms) {
    struct ca_certificate certificate;
    X509 *peer = SSL_get0_peer_certificate(stream->ssl);
    if (peer == NULL || ca_read_certificate(peer, &certificate) != STATUS_OK)
        return false;
    memcpy(out_device, certificate.device, CA_DEVICE_SIZE);
    *out_until_ms = certificate.not_after_ms;
    STACK_OF(X509) *behind = SSL_get_peer_cert_chain(stream->ssl);
    while (behind != NULL && sk_X509_num(behind) > 0)
        X509_free(sk_X509_pop(behind));
    tls_forget_peer(peer);
    ERR_clear_error();
    return true;
}

const char *stream_error(const struct stream *stream) {
    return stream->error != NULL ? stream->error : "";
}

int stream_fd(const struct stream *stream) {
    return stream->fd;
}
