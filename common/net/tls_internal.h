// What tls.c and stream.c share and nobody else sees.
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

struct tls_context {
    SSL_CTX *ssl_ctx; // owns one reference; every SSL made from it holds another
    bool is_server;
    int64_t trusted_time_ms; // client: see tls.h
};

// A new SSL of the right role for the descriptor; NULL when memory is out. server_name: client
// only.
SSL *tls_new_ssl(const struct tls_context *tls, int fd, const char *server_name);
// The handshake agreed on our protocol.
bool tls_has_alpn(const SSL *ssl);
// The certificate loses what it says (4 KiB with its decoded key) and becomes nobody's; it stays
// where it is, as OpenSSL keeps it as long as the connection.
void tls_forget_peer(X509 *certificate);
