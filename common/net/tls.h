// TLS 1.3 contexts of both sides: ALPN lianxiao/1, P-256 and X25519, no session cache, no tickets,
// no early data, no renegotiation. common/net is the only folder with SSL_*.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

struct tls_context; // opaque; shared by the streams made from it, which keep what they need alive

#define TLS_EXPIRED_GRACE_DAYS                                                                     \
    400 // an expired device certificate still gets a handshake so long (Renew)

struct tls_server_options {
    const char *cert_file; // PEM chain
    const char *key_file;  // PEM
    const char *ca_file; // PEM: who may have signed a device certificate (asked for, not required)
};

struct tls_client_options {
    const char *ca_file;   // PEM: who must have signed the server's certificate
    const char *cert_file; // PEM, the device's own; NULL before enrolment
    const char *key_file;
    int64_t trusted_time_ms; // T: newest time seen from a server, or the build's; the server's
                             // certificate is checked at clamp(own clock, T, T + 400 days)
};

// out_error: what is wrong with which file, for the operator. STATUS_INVALID, STATUS_IO,
// STATUS_NO_MEMORY.
enum status tls_server_new(const struct tls_server_options *options, struct tls_context **out_tls,
                           char *out_error, size_t error_size) MUST_USE;
enum status tls_client_new(const struct tls_client_options *options, struct tls_context **out_tls,
                           char *out_error, size_t error_size) MUST_USE;
void tls_free(struct tls_context **tls);

// clamp(clock, T, T + 400 days): the time at which a client judges the server's certificate.
int64_t tls_check_time_ms(int64_t clock_ms, int64_t trusted_time_ms);
