// Keys and certificates of a deployment: its CA, the server's certificate, the devices'
// certificates. Functions over PEM and DER bytes: no clock, and no files but ca_load_files. Private
// keys are P-256. Called by lianxiaoctl (ca init), the server's enrolment handlers (on the thread
// pool) and the client (key, CSR).
#pragma once

#include <openssl/types.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/base/view.h"

#define CA_DEVICE_SIZE 32         // a device is the SHA-256 of its SubjectPublicKeyInfo (DER)
#define CA_VALID_DAYS 7300        // of the CA's own certificate: 20 years, a deployment's life
#define CA_SERVER_VALID_DAYS 730  // of a server's certificate
#define CA_BUNDLE_VALID_DAYS 3650 // of the certificate that bundles are encrypted to: 10 years
#define CA_DEVICE_VALID_DAYS 730  // of a device's certificate: 2 years, renewed from half-life
#define CA_MAX_CSR_BYTES 2048     // a P-256 request has about 250 bytes

// Opaque: certificate and private key of a CA, loaded. Never changes, so threads may sign with it
// side by side; it is held and freed by one thread only.
struct ca;

// What a certificate says, as far as we use it.
struct ca_certificate {
    uint8_t device[CA_DEVICE_SIZE]; // SHA-256 of its public key
    int64_t not_before_ms;
    int64_t not_after_ms;
};

// A new CA: certificate and private key, both PEM, appended to the buffers. name: the common name,
// at most 64 bytes.
enum status ca_create(const char *name, int64_t now_ms, struct buf *out_certificate_pem,
                      struct buf *out_key_pem) MUST_USE;
// STATUS_INVALID: not PEM, or the key does not belong to the certificate. The caller owns *out_ca
// (ca_free).
enum status ca_load(struct view certificate_pem, struct view key_pem, struct ca **out_ca) MUST_USE;
// The same from two PEM files; out_error (may be NULL) says what is wrong with which.
enum status ca_load_files(const char *certificate_file, const char *key_file, struct ca **out_ca,
                          char *out_error, size_t error_size) MUST_USE;
// One holder more, who gives it back by ca_free: for work that outlives a reload.
struct ca *ca_hold(struct ca *ca);
// The last holder's frees it.
void ca_free(struct ca **ca);
// The CA's certificate, DER, appended.
enum status ca_certificate_der(const struct ca *ca, struct buf *out_der) MUST_USE;

// A key and a certificate for a server that is reached by `names` (DNS names or IP addresses; at
// least one), PEM.
enum status ca_issue_server(const struct ca *ca, const char *const *names, size_t n_names,
                            int64_t now_ms, struct buf *out_certificate_pem,
                            struct buf *out_key_pem) MUST_USE;
// A key and a certificate to which bundles (common/net/bundle.h) are encrypted, PEM, appended.
enum status ca_issue_bundle(const struct ca *ca, int64_t now_ms, struct buf *out_certificate_pem,
                            struct buf *out_key_pem) MUST_USE;
// Signs a device's request (PKCS#10, DER): its signature must be right and its key P-256, nothing
// else in it is used. STATUS_INVALID: the request is at fault. Appends the certificate (DER);
// out_device is the device's identity.
enum status ca_sign_device(const struct ca *ca, struct view csr_der, int64_t now_ms,
                           uint8_t out_device[CA_DEVICE_SIZE],
                           struct buf *out_certificate_der) MUST_USE;

// Identity of the key in a request, after checking it like ca_sign_device does.
enum status ca_csr_device(struct view csr_der, uint8_t out_device[CA_DEVICE_SIZE]) MUST_USE;
// Identity of a private key, PEM.
enum status ca_key_device(struct view key_pem, uint8_t out_device[CA_DEVICE_SIZE]) MUST_USE;
// A new P-256 private key, PEM, appended.
enum status ca_new_key(struct buf *out_key_pem) MUST_USE;
// A request (PKCS#10, DER) for the key, appended.
enum status ca_new_csr(struct view key_pem, struct buf *out_csr_der) MUST_USE;
// Reads a certificate, DER or PEM.
enum status ca_parse_certificate(struct view certificate,
                                 struct ca_certificate *out_certificate) MUST_USE;
// The same of a certificate that OpenSSL holds (a peer's, say).
enum status ca_read_certificate(const X509 *certificate,
                                struct ca_certificate *out_certificate) MUST_USE;
// DER to PEM, appended.
enum status ca_certificate_to_pem(struct view certificate_der, struct buf *out_pem) MUST_USE;
