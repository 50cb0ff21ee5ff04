// What ca.c and bundle.c share: reading keys and certificates. Private to common/net. The makers of
// objects give them to the caller, who frees them; all leave OpenSSL's error queue empty.
#pragma once

#include <openssl/types.h>
#include <stdbool.h>

#include "common/net/ca.h"

EVP_PKEY *ca_read_key_pem(struct view pem);     // NULL: none, or encrypted
X509 *ca_read_certificate_pem(struct view pem); // NULL: none
X509 *ca_read_certificate_der(struct view der); // NULL: the view is not exactly one
enum status ca_append_certificate_der(X509 *certificate, struct buf *out) MUST_USE;
bool ca_is_p256(const EVP_PKEY *key);
// SHA-256 of a SubjectPublicKeyInfo.
enum status ca_key_digest(X509_PUBKEY *public_key, uint8_t out_digest[CA_DEVICE_SIZE]) MUST_USE;
