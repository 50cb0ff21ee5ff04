// Who may sign and who can read: the containers of bundles and receipts. See bundle.h.
#include "common/net/bundle.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/ca_internal.h"
#include "common/net/cms.h"
#include "common/net/pem.h"

#define DAY_MS (24LL * 60 * 60 * 1000)

struct bundle_keys {
    unsigned holders;
    X509 *ca;                                         // owns
    struct cms_recipient recipients[BUNDLE_MAX_KEYS]; // owns; the current one first
    size_t n;
    struct buf certificate; // owns; DER of the current one
    X509 *server;           // owns
    EVP_PKEY *server_key;   // owns
    uint8_t deployment[CA_DEVICE_SIZE];
};

// ---- whose certificate is it ----

enum part { PART_DEVICE, PART_SERVER, PART_BUNDLE };

// The CA signed it, and for this: neither a server nor the bundle key may pass for a device.
static bool is_issued_for(X509 *certificate, X509 *ca, enum part part) {
    bool issued = X509_verify(certificate, X509_get0_pubkey(ca)) == 1;
    ERR_clear_error();
    if (!issued || X509_check_ca(certificate) != 0 || !ca_is_p256(X509_get0_pubkey(certificate)))
        return false;
    uint32_t usage = X509_get_key_usage(certificate);
    uint32_t extended = X509_get_extended_key_usage(certificate);
    if (usage == UINT32_MAX) // no such extension
        return false;
    if (part == PART_BUNDLE)
        return (usage & KU_KEY_AGREEMENT) != 0;
    return (usage & KU_DIGITAL_SIGNATURE) != 0 && extended != UINT32_MAX &&
           (extended & (part == PART_DEVICE ? XKU_SSL_CLIENT : XKU_SSL_SERVER)) != 0;
}

enum status bundle_deployment(struct view ca_pem, uint8_t out_deployment[CA_DEVICE_SIZE]) {
    X509 *ca = ca_read_certificate_pem(ca_pem);
    if (ca == NULL)
        return STATUS_INVALID;
    enum status status = ca_key_digest(X509_get_X509_PUBKEY(ca), out_deployment);
    X509_free(ca);
    return status;
}

// ---- the server's keys ----

static bool read_recipients(struct bundle_keys *keys, struct view pem) {
    BIO *place = pem_open(pem);
    X509 *read;
    while (keys->n < BUNDLE_MAX_KEYS && (read = pem_next_certificate(place)) != NULL)
        keys->recipients[keys->n++].certificate = read;
    BIO_free(place);
    return keys->n > 0;
}

// Gives each key to its certificate; true when every certificate has one.
static bool read_recipient_keys(struct bundle_keys *keys, struct view pem) {
    BIO *place = pem_open(pem);
    size_t given = 0;
    EVP_PKEY *read;
    while ((read = pem_next_private_key(place)) != NULL) {
        size_t i = 0;
        while (i < keys->n && (keys->recipients[i].key != NULL ||
                               X509_check_private_key(keys->recipients[i].certificate, read) != 1))
            i++;
        if (i < keys->n) {
            keys->recipients[i].key = read;
            given++;
        } else {
            EVP_PKEY_free(read);
        }
    }
    BIO_free(place);
    ERR_clear_error(); // a key that is not this certificate's is no failure
    return given == keys->n;
}

static bool are_bundle_certificates(const struct bundle_keys *keys) {
    for (size_t i = 0; i < keys->n; i++)
        if (!is_issued_for(keys->recipients[i].certificate, keys->ca, PART_BUNDLE))
            return false;
    return true;
}

// What is wrong with which file; NULL: nothing.
static const char *fill_keys(struct bundle_keys *keys, const struct bundle_key_files *files,
                             const struct buf contents[5]) {
    keys->ca = ca_read_certificate_pem(buf_view(&contents[0]));
    if (keys->ca == NULL ||
        ca_key_digest(X509_get_X509_PUBKEY(keys->ca), keys->deployment) != STATUS_OK)
        return files->ca_certificate;
    if (!read_recipients(keys, buf_view(&contents[1])) || !are_bundle_certificates(keys))
        return files->bundle_certificates;
    if (!read_recipient_keys(keys, buf_view(&contents[2])))
        return files->bundle_keys;
    keys->server = ca_read_certificate_pem(buf_view(&contents[3]));
    if (keys->server == NULL)
        return files->server_certificate;
    keys->server_key = ca_read_key_pem(buf_view(&contents[4]));
    if (keys->server_key == NULL || X509_check_private_key(keys->server, keys->server_key) != 1)
        return files->server_key;
    return NULL;
}

static enum status fill_from_files(struct bundle_keys *keys, const struct bundle_key_files *files,
                                   struct buf contents[5], char *out_error, size_t error_size) {
    const char *const names[5] = {files->ca_certificate, files->bundle_certificates,
                                  files->bundle_keys, files->server_certificate, files->server_key};
    for (size_t i = 0; i < 5; i++) {
        enum status status = pem_read_file(names[i], &contents[i]);
        if (status != STATUS_OK) {
            snprintf(out_error, error_size, "%s: %s", names[i], strerror(errno));
            return status;
        }
    }
    const char *culprit = fill_keys(keys, files, contents);
    ERR_clear_error();
    if (culprit != NULL) {
        snprintf(out_error, error_size,
                 "%s: not what lianxiaoctl ca init and ca bundle-key have made with this CA",
                 culprit);
        return STATUS_INVALID;
    }
    return ca_append_certificate_der(keys->recipients[0].certificate, &keys->certificate);
}

enum status bundle_keys_load(const struct bundle_key_files *files, struct bundle_keys **out_keys,
                             char *out_error, size_t error_size) {
    struct buf contents[5] = {0};
    struct bundle_keys *keys = calloc(1, sizeof(*keys));
    if (keys == NULL)
        return STATUS_NO_MEMORY;
    keys->holders = 1;
    enum status status = fill_from_files(keys, files, contents, out_error, error_size);
    for (size_t i = 0; i < 5; i++)
        pem_forget(&contents[i]);
    if (status != STATUS_OK)
        bundle_keys_free(&keys);
    *out_keys = keys;
    return status;
}

struct bundle_keys *bundle_keys_hold(struct bundle_keys *keys) {
    keys->holders++;
    return keys;
}

void bundle_keys_free(struct bundle_keys **keys_at) {
    struct bundle_keys *keys = *keys_at;
    *keys_at = NULL;
    if (keys == NULL || --keys->holders > 0)
        return;
    for (size_t i = 0; i < keys->n; i++) {
        X509_free(keys->recipients[i].certificate);
        EVP_PKEY_free(keys->recipients[i].key);
    }
    X509_free(keys->ca);
    X509_free(keys->server);
    EVP_PKEY_free(keys->server_key);
    buf_free(&keys->certificate);
    free(keys);
}

struct view bundle_keys_certificate(const struct bundle_keys *keys) {
    return buf_view(&keys->certificate);
}

const uint8_t *bundle_keys_deployment(const struct bundle_keys *keys) {
    return keys->deployment;
}

// ---- a bundle ----

static bool is_valid_at(const X509 *certificate, int64_t now_ms, int64_t grace_ms) {
    struct ca_certificate read;
    return ca_read_certificate(certificate, &read) == STATUS_OK && now_ms >= read.not_before_ms &&
           now_ms <= read.not_after_ms + grace_ms;
}

static enum status seal(const struct bundle_writer *writer, X509 *device, EVP_PKEY *key,
                        struct view content, struct buf *out) {
    struct buf inner = {0};
    X509 *ca = ca_read_certificate_pem(writer->ca_pem);
    X509 *recipient = ca_read_certificate_der(writer->bundle_certificate_der);
    enum status status = STATUS_DENIED;
    if (ca != NULL && recipient != NULL && is_issued_for(recipient, ca, PART_BUNDLE) &&
        is_valid_at(recipient, writer->now_ms, 0))
        status = cms_sign(device, key, content, &inner);
    if (status == STATUS_OK)
        status = cms_encrypt_to(recipient, buf_view(&inner), out);
    X509_free(ca);
    X509_free(recipient);
    if (inner.data != NULL)
        explicit_bzero(inner.data, inner.capacity);
    buf_free(&inner);
    return status;
}

enum status bundle_seal(const struct bundle_writer *writer, struct view content,
                        struct buf *out_container) {
    X509 *device = ca_read_certificate_pem(writer->device_certificate_pem);
    EVP_PKEY *key = ca_read_key_pem(writer->device_key_pem);
    enum status status = STATUS_INVALID;
    if (device != NULL && key != NULL)
        status = seal(writer, device, key, content, out_container);
    X509_free(device);
    EVP_PKEY_free(key);
    return status;
}

static enum reason_id judge_device(const struct bundle_keys *keys, X509 *signer, int64_t now_ms,
                                   uint8_t out_device[CA_DEVICE_SIZE]) {
    if (!is_issued_for(signer, keys->ca, PART_DEVICE))
        return REASON_BUNDLE_FOREIGN;
    if (!is_valid_at(signer, now_ms, BUNDLE_EXPIRED_DAYS * DAY_MS))
        return REASON_BUNDLE_EXPIRED;
    return ca_key_digest(X509_get_X509_PUBKEY(signer), out_device) == STATUS_OK
               ? REASON_NONE
               : REASON_BUNDLE_CHANGED;
}

enum reason_id bundle_open(const struct bundle_keys *keys, struct view container, int64_t now_ms,
                           uint8_t out_device[CA_DEVICE_SIZE], struct buf *out_content) {
    struct buf inner = {0};
    X509 *signer = NULL;
    enum reason_id reason = REASON_BUNDLE_CHANGED;
    enum status status = cms_decrypt_to(container, keys->recipients, keys->n, &inner);
    bool is_ours = status != STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = cms_verify(buf_view(&inner), &signer, out_content);
    if (!is_ours)
        reason = REASON_BUNDLE_KEY_UNKNOWN;
    else if (status == STATUS_NO_MEMORY)
        reason = REASON_MESSAGE_TOO_LARGE;
    else if (status == STATUS_OK)
        reason = judge_device(keys, signer, now_ms, out_device);
    X509_free(signer);
    buf_free(&inner);
    return reason;
}

// ---- a receipt ----

enum status bundle_seal_receipt(const struct bundle_keys *keys,
                                const uint8_t key[BUNDLE_RECEIPT_KEY_SIZE], struct view content,
                                struct buf *out_container) {
    struct buf inner = {0};
    enum status status = cms_sign(keys->server, keys->server_key, content, &inner);
    if (status == STATUS_OK)
        status = cms_encrypt_with(key, buf_view(&inner), out_container);
    buf_free(&inner);
    return status;
}

enum reason_id bundle_open_receipt(struct view ca_pem, const uint8_t key[BUNDLE_RECEIPT_KEY_SIZE],
                                   struct view container, struct buf *out_content) {
    struct buf inner = {0};
    X509 *signer = NULL;
    X509 *ca = ca_read_certificate_pem(ca_pem);
    enum reason_id reason = REASON_BUNDLE_CHANGED;
    if (ca != NULL && cms_decrypt_with(container, key, &inner) == STATUS_OK &&
        cms_verify(buf_view(&inner), &signer, out_content) == STATUS_OK)
        reason = is_issued_for(signer, ca, PART_SERVER) ? REASON_NONE : REASON_BUNDLE_FOREIGN;
    X509_free(signer);
    X509_free(ca);
    buf_free(&inner);
    return reason;
}
