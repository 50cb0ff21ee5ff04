// The two layers of a bundle's container, each made and read by OpenSSL's CMS functions: SignedData
// inside, AuthEnvelopedData (AES-256-GCM) outside. Only the one shape of each that bundles have is
// read: one signer with signed attributes over SHA-256, one recipient, plain data inside. Private
// to common/net. All functions leave OpenSSL's error queue empty.
#pragma once

#include <openssl/types.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/base/view.h"

// Appends SignedData with the certificate inside, DER.
enum status cms_sign(X509 *certificate, EVP_PKEY *key, struct view content,
                     struct buf *out) MUST_USE;
// Appends the content; *out_signer is the certificate whose key signed it (the caller frees it), of
// which nothing else is known yet. STATUS_INVALID: not such a message, or the signature is wrong.
enum status cms_verify(struct view message, X509 **out_signer, struct buf *out_content) MUST_USE;

// To a P-256 certificate that has a subject key identifier: ECDH with SHA-256, AES-256 key wrap.
enum status cms_encrypt_to(X509 *recipient, struct view content, struct buf *out) MUST_USE;
// With a key that both have: AES-256 key wrap.
enum status cms_encrypt_with(const uint8_t key[32], struct view content, struct buf *out) MUST_USE;

struct cms_recipient {
    X509 *certificate;
    EVP_PKEY *key;
};

// STATUS_NOT_FOUND: for none of the recipients; STATUS_INVALID: not such a message, or changed.
enum status cms_decrypt_to(struct view message, const struct cms_recipient *recipients, size_t n,
                           struct buf *out_content) MUST_USE;
enum status cms_decrypt_with(struct view message, const uint8_t key[32],
                             struct buf *out_content) MUST_USE;
