// See peer.h.
#include "peer.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define READ_SIZE 16384

SSL_CTX *peer_context(const char *ca_file, const char *cert_file, const char *key_file,
                      enum peer_protocol protocol) {
    static const unsigned char lx[] = "\x0alianxiao/1";
    static const unsigned char http[] = "\x08http/1.1";
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (!tls || SSL_CTX_load_verify_locations(tls, ca_file, NULL) != 1)
        fatal("cannot read the CA %s", ca_file);
    SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set1_groups_list(tls, "X25519");
    if (protocol == PEER_LX ? SSL_CTX_set_alpn_protos(tls, lx, sizeof lx - 1)
                            : SSL_CTX_set_alpn_protos(tls, http, sizeof http - 1))
        fatal("ALPN");
    if (cert_file && (SSL_CTX_use_certificate_chain_file(tls, cert_file) != 1 ||
                      SSL_CTX_use_PrivateKey_file(tls, key_file, SSL_FILETYPE_PEM) != 1))
        fatal("cannot read %s and %s", cert_file, key_file);
    return tls;
}

static SSL *connect_tls(const struct peer_target *target) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)target->port)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, target->host, &address.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fatal("cannot connect to %s:%d", target->host, target->port);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    SSL *ssl = SSL_new(target->tls);
    if (!ssl || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1) {
        ERR_print_errors_fp(stderr);
        fatal("TLS to %s:%d failed", target->host, target->port);
    }
    return ssl;
}

static void close_tls(SSL *ssl) {
    int fd = SSL_get_fd(ssl);
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
    close(fd);
}

void peer_shake(const struct peer_target *target) {
    close_tls(connect_tls(target));
}

// ---- on the loop ----

static void on_ready(evutil_socket_t fd, short what, void *user);

static void watch(struct peer *peer, bool wants_write) {
    struct event_base *base = event_get_base(peer->event);
    if (peer->wants_write == wants_write)
        return;
    peer->wants_write = wants_write;
    event_del(peer->event);
    event_assign(peer->event, base, SSL_get_fd(peer->ssl),
                 (short)(EV_READ | EV_PERSIST | (wants_write ? EV_WRITE : 0)), on_ready, peer);
    event_add(peer->event, NULL);
}

static void write_out(struct peer *peer) {
    while (buf_size(&peer->out) > 0) {
        struct view bytes = buf_view(&peer->out);
        int n = SSL_write(peer->ssl, bytes.data, (int)bytes.size);
        if (n <= 0 && SSL_get_error(peer->ssl, n) == SSL_ERROR_WANT_WRITE)
            break;
        if (n <= 0)
            fatal("the server closed a connection");
        buf_consume(&peer->out, (size_t)n);
    }
    watch(peer, buf_size(&peer->out) > 0);
}

static void take_frames(struct peer *peer, struct view bytes) {
    struct frame frame;
    enum status status;
    while ((status = frame_read(&peer->reader, &bytes, &frame)) == STATUS_OK)
        peer->on_answer(peer, &frame, peer->user);
    if (status != STATUS_AGAIN)
        fatal("a frame that is too large");
}

// nginx answers `return 200` with a head only.
static void take_heads(struct peer *peer, struct view bytes) {
    static const char end[] = "\r\n\r\n";
    for (size_t i = 0; i < bytes.size; i++) {
        peer->http_ends = bytes.data[i] == (uint8_t)end[peer->http_ends] ? peer->http_ends + 1
                          : bytes.data[i] == '\r'                        ? 1
                                                                         : 0;
        if (peer->http_ends == sizeof end - 1) {
            peer->http_ends = 0;
            peer->on_answer(peer, NULL, peer->user);
        }
    }
}

static void read_in(struct peer *peer) {
    uint8_t room[READ_SIZE];
    for (;;) {
        int n = SSL_read(peer->ssl, room, sizeof room);
        if (n <= 0 && SSL_get_error(peer->ssl, n) == SSL_ERROR_WANT_READ)
            return;
        if (n <= 0)
            fatal("the server closed a connection");
        if (peer->protocol == PEER_LX)
            take_frames(peer, view_from(room, (size_t)n));
        else
            take_heads(peer, view_from(room, (size_t)n));
        if (!SSL_has_pending(peer->ssl) && n < READ_SIZE) // epoll tells when more is there
            return;
    }
}

static void on_ready(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    if (what & EV_WRITE)
        write_out(user);
    if (what & EV_READ)
        read_in(user);
}

void peer_open(struct peer *peer, const struct peer_target *target, struct event_base *base) {
    peer->protocol = target->protocol;
    peer->ssl = connect_tls(target);
    frame_reader_init(&peer->reader, FRAME_CAP_REPLY);
    int fd = SSL_get_fd(peer->ssl);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    peer->event = event_new(base, fd, EV_READ | EV_PERSIST, on_ready, peer);
    if (!peer->event || event_add(peer->event, NULL) != 0)
        fatal("no memory");
}

void peer_close(struct peer *peer) {
    event_free(peer->event);
    close_tls(peer->ssl);
    frame_reader_free(&peer->reader);
    buf_free(&peer->out);
}

void peer_send(struct peer *peer, struct view bytes) {
    if (buf_append(&peer->out, bytes.data, bytes.size) != STATUS_OK)
        fatal("no memory");
    write_out(peer);
}
