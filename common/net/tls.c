// TLS contexts. Everything that is settled once per process is settled here; stream.c only moves
// bytes.
//
// No tickets and no session cache: a resumed handshake saves 11-16% of its CPU, but carries the
// device's certificate along unchecked; accept pacing is what protects against a storm of
// reconnects.
#include "common/net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/net/ca.h"
#include "common/net/tls_internal.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

// Length-prefixed, as TLS wants it.
static const unsigned char ALPN[] = "\x0alianxiao/1";
#define ALPN_SIZE (sizeof ALPN - 1)

static int on_select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                          const unsigned char *offered, unsigned offered_size, void *user) {
    (void)ssl;
    (void)user;
    unsigned char *selected;
    if (SSL_select_next_proto(&selected, out_size, ALPN, ALPN_SIZE, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
}

// A device certificate that expired not long ago gets its handshake: it may call Renew and nothing
// else.
static int on_verify_device(int ok, X509_STORE_CTX *store) {
    if (ok || X509_STORE_CTX_get_error(store) != X509_V_ERR_CERT_HAS_EXPIRED ||
        X509_STORE_CTX_get_error_depth(store) != 0)
        return ok;
    struct ca_certificate certificate;
    if (ca_read_certificate(X509_STORE_CTX_get_current_cert(store), &certificate) != STATUS_OK)
        return 0;
    if (clock_now_ms() - certificate.not_after_ms > TLS_EXPIRED_GRACE_DAYS * DAY_MS)
        return 0;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

// The chain is checked and not kept: OpenSSL would hold it as long as the connection.
static int on_verify_chain(X509_STORE_CTX *store, void *user) {
    (void)user;
    int ok = X509_verify_cert(store);
    X509_STORE_CTX_set0_verified_chain(store, NULL);
    return ok;
}

// NO_AUTO_CHAIN: what the certificate's file has is sent, no more. OpenSSL would look for the CA's
// certificate in every handshake, by verifying its own, and send it to a peer that has it.
static bool set_common(SSL_CTX *ctx) {
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY |
                              SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(ctx, 1); // one system call a record instead of two
    return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_num_tickets(ctx, 0) == 1 &&
           SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1 &&
           SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                         "TLS_CHACHA20_POLY1305_SHA256") == 1;
}

static enum status explain(char *out_error, size_t error_size, const char *what, const char *file) {
    unsigned long code = ERR_peek_last_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    if (out_error != NULL && error_size > 0)
        snprintf(out_error, error_size, "%s %s: %s", what, file != NULL ? file : "",
                 reason != NULL ? reason : "failed");
    ERR_clear_error();
    return STATUS_INVALID;
}

static enum status load_pair(SSL_CTX *ctx, const char *cert_file, const char *key_file,
                             char *out_error, size_t error_size) {
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1)
        return explain(out_error, error_size, "certificate file", cert_file);
    if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1)
        return explain(out_error, error_size, "key file", key_file);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return explain(out_error, error_size, "key does not belong to certificate", cert_file);
    return STATUS_OK;
}

// Takes ctx over, also on failure.
static enum status make_context(SSL_CTX *ctx, bool is_server, struct tls_context **out_tls) {
    struct tls_context *tls = calloc(1, sizeof *tls);
    if (tls == NULL || ctx == NULL || !set_common(ctx)) {
        free(tls);
        SSL_CTX_free(ctx);
        return STATUS_NO_MEMORY;
    }
    tls->ssl_ctx = ctx;
    tls->is_server = is_server;
    *out_tls = tls;
    return STATUS_OK;
}

static enum status load_server(SSL_CTX *ctx, const struct tls_server_options *options,
                               char *out_error, size_t error_size) {
    TRY(load_pair(ctx, options->cert_file, options->key_file, out_error, error_size));
    if (SSL_CTX_load_verify_file(ctx, options->ca_file) != 1)
        return explain(out_error, error_size, "CA certificate file", options->ca_file);
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(options->ca_file);
    if (names == NULL)
        return explain(out_error, error_size, "CA certificate file", options->ca_file);
    SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify_device);
    SSL_CTX_set_cert_verify_callback(ctx, on_verify_chain, NULL);
    SSL_CTX_set_alpn_select_cb(ctx, on_select_alpn, NULL);
    return STATUS_OK;
}

enum status tls_server_new(const struct tls_server_options *options, struct tls_context **out_tls,
                           char *out_error, size_t error_size) {
    struct tls_context *tls;
    ERR_clear_error();
    TRY(make_context(SSL_CTX_new(TLS_server_method()), true, &tls));
    enum status status = load_server(tls->ssl_ctx, options, out_error, error_size);
    if (status != STATUS_OK)
        tls_free(&tls);
    else
        *out_tls = tls;
    return status;
}

static enum status load_client(SSL_CTX *ctx, const struct tls_client_options *options,
                               char *out_error, size_t error_size) {
    if (SSL_CTX_load_verify_file(ctx, options->ca_file) != 1)
        return explain(out_error, error_size, "CA certificate file", options->ca_file);
    if (options->cert_file != NULL)
        TRY(load_pair(ctx, options->cert_file, options->key_file, out_error, error_size));
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_set_alpn_protos(ctx, ALPN, ALPN_SIZE) != 0)
        return STATUS_NO_MEMORY;
    return STATUS_OK;
}

enum status tls_client_new(const struct tls_client_options *options, struct tls_context **out_tls,
                           char *out_error, size_t error_size) {
    struct tls_context *tls;
    ERR_clear_error();
    TRY(make_context(SSL_CTX_new(TLS_client_method()), false, &tls));
    tls->trusted_time_ms = options->trusted_time_ms;
    enum status status = load_client(tls->ssl_ctx, options, out_error, error_size);
    if (status != STATUS_OK)
        tls_free(&tls);
    else
        *out_tls = tls;
    return status;
}

void tls_free(struct tls_context **tls) {
    if (*tls == NULL)
        return;
    SSL_CTX_free((*tls)->ssl_ctx);
    free(*tls);
    *tls = NULL;
}

int64_t tls_check_time_ms(int64_t clock_ms, int64_t trusted_time_ms) {
    int64_t latest = trusted_time_ms + TLS_EXPIRED_GRACE_DAYS * DAY_MS;
    return clock_ms < trusted_time_ms ? trusted_time_ms : clock_ms > latest ? latest : clock_ms;
}

// The server's certificate must be for this name, and is judged at a time that a wrong clock can't
// bend.
static bool expect_server(const struct tls_context *tls, SSL *ssl, const char *server_name) {
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    int64_t check_ms = tls_check_time_ms(clock_now_ms(), tls->trusted_time_ms);
    X509_VERIFY_PARAM_set_time(param, (time_t)(check_ms / 1000));
    struct in6_addr address;
    if (inet_pton(AF_INET, server_name, &address) == 1 ||
        inet_pton(AF_INET6, server_name, &address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(param, server_name) == 1;
    return SSL_set_tlsext_host_name(ssl, server_name) == 1 && SSL_set1_host(ssl, server_name) == 1;
}

SSL *tls_new_ssl(const struct tls_context *tls, int fd, const char *server_name) {
    ERR_clear_error();
    SSL *ssl = SSL_new(tls->ssl_ctx);
    if (ssl == NULL)
        return NULL;
    bool ready = SSL_set_fd(ssl, fd) == 1;
    if (tls->is_server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    if (ready && !tls->is_server)
        ready = expect_server(tls, ssl, server_name);
    if (!ready) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

bool tls_has_alpn(const SSL *ssl) {
    const unsigned char *selected;
    unsigned size;
    SSL_get0_alpn_selected(ssl, &selected, &size);
    return size == ALPN_SIZE - 1 && memcmp(selected, ALPN + 1, size) == 0;
}
