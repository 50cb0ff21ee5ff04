// Keys and certificates: the deployment's own CA, the server's certificate, devices' requests.
// Pure on bytes except where a file is named. P-256 with SHA-256 throughout. Thread-safe per
// object. Called by lianxiaoctl (ca init), the server's Enrol and Renew, the client's enrolment.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/base/view.h"

#define PKI_DEVICE_SIZE 32
#define PKI_DEVICE_DAYS 730 // two years; renewed from half-life

// A new private key, PKCS#8 PEM. The caller stores it with mode 0600.
enum status pki_key_new(struct buf *out_key_pem) MUST_USE;
// PKCS#10 in DER for that key. The subject is empty: the CA names the device.
enum status pki_csr_new(struct view key_pem, struct buf *out_csr_der) MUST_USE;
// SHA-256 of the public key (DER SubjectPublicKeyInfo) in a private key PEM.
enum status pki_key_device(struct view key_pem, uint8_t out_device[PKI_DEVICE_SIZE]) MUST_USE;

// A self-signed CA of `days`, path length 0.
enum status pki_ca_new(const char *name, int days, int64_t now_ms, struct buf *out_cert_pem,
                       struct buf *out_key_pem) MUST_USE;

struct pki_ca; // opaque: certificate and key
// out_error: what is wrong with which file.
enum status pki_ca_load(const char *cert_file, const char *key_file, struct pki_ca **out_ca,
                        char *out_error, size_t error_size) MUST_USE;
void pki_ca_free(struct pki_ca **ca);
enum status pki_ca_certificate(const struct pki_ca *ca, struct buf *out_der) MUST_USE;

// A server certificate for the host names and numeric addresses in `names`; clock skew of a day
// back.
enum status pki_sign_server(const struct pki_ca *ca, struct view key_pem, const char *const *names,
                            size_t n_names, int days, int64_t now_ms,
                            struct buf *out_cert_pem) MUST_USE;

// Checks a device's request (well-formed, signed by its own P-256 key): STATUS_INVALID if not.
enum status pki_check_csr(struct view csr_der, uint8_t out_device[PKI_DEVICE_SIZE]) MUST_USE;
// Checks and signs; CN = device id in hex, valid from a day before now for PKI_DEVICE_DAYS.
enum status pki_sign_device(const struct pki_ca *ca, struct view csr_der, int64_t now_ms,
                            struct buf *out_cert_der, uint8_t out_device[PKI_DEVICE_SIZE]) MUST_USE;

enum status pki_certificate_to_pem(struct view der, struct buf *out_pem) MUST_USE;
// Validity and device id of a certificate, DER or PEM.
enum status pki_read_certificate(struct view certificate, uint8_t out_device[PKI_DEVICE_SIZE],
                                 int64_t *out_from_ms, int64_t *out_until_ms) MUST_USE;
