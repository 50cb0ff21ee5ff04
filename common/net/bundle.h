// The containers of bundles and receipts: CMS (RFC 5652, 5083, 5753) as OpenSSL makes and reads it.
// A bundle is signed by the device that wrote it and encrypted to the deployment's bundle
// certificate; a receipt is signed by a server and encrypted with the key that came in the bundle.
// Functions on bytes, without files but for the server's keys; safe from any thread. Called by
// client/core/bundle.c and, on the thread pool, by server/handlers/bundle.c.
#pragma once

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/base/view.h"
#include "common/net/ca.h"
#include "common/wire/reason.h"

#define BUNDLE_RECEIPT_KEY_SIZE 32
#define BUNDLE_MAX_KEYS 8       // current and former ones
#define BUNDLE_EXPIRED_DAYS 400 // a device's certificate may have expired so long ago

// The server's part: CA certificate, bundle keys with their certificates, and the server's own key,
// which signs receipts. Opaque; never changes; held and freed by one thread, used by all.
struct bundle_keys;

struct bundle_key_files { // PEM; borrows
    const char *ca_certificate;
    const char *bundle_certificates; // the current one first, former ones behind it
    const char *bundle_keys;         // theirs, in any order
    const char *server_certificate;
    const char *server_key;
};

// STATUS_INVALID, STATUS_IO: out_error says what is wrong with which file.
enum status bundle_keys_load(const struct bundle_key_files *files, struct bundle_keys **out_keys,
                             char *out_error, size_t error_size) MUST_USE;
struct bundle_keys *bundle_keys_hold(struct bundle_keys *keys);
void bundle_keys_free(struct bundle_keys **keys); // the last holder's frees
// DER of the current certificate; valid while the keys are held.
struct view bundle_keys_certificate(const struct bundle_keys *keys);
// 32 bytes: which deployment this is.
const uint8_t *bundle_keys_deployment(const struct bundle_keys *keys);

// SHA-256 of the CA's public key. STATUS_INVALID: no certificate.
enum status bundle_deployment(struct view ca_pem, uint8_t out_deployment[CA_DEVICE_SIZE]) MUST_USE;

// Who writes a bundle, and for whom.
struct bundle_writer {
    struct view ca_pem;
    struct view device_certificate_pem;
    struct view device_key_pem;
    struct view bundle_certificate_der;
    int64_t now_ms; // trusted: clamped between times that servers have told
};

// Appends the container, DER. STATUS_DENIED: the bundle certificate is not the deployment's, or not
// valid now; STATUS_INVALID: the device's files cannot be used.
enum status bundle_seal(const struct bundle_writer *writer, struct view content,
                        struct buf *out_container) MUST_USE;
// Appends the content. REASON_NONE, or why it is refused: bundle_key_unknown, bundle_changed,
// bundle_foreign, bundle_expired; message_too_large: no memory. out_device: whose signature is
// right.
enum reason_id bundle_open(const struct bundle_keys *keys, struct view container, int64_t now_ms,
                           uint8_t out_device[CA_DEVICE_SIZE], struct buf *out_content);

enum status bundle_seal_receipt(const struct bundle_keys *keys,
                                const uint8_t key[BUNDLE_RECEIPT_KEY_SIZE], struct view content,
                                struct buf *out_container) MUST_USE;
// REASON_NONE, or why it is refused: bundle_changed (the key included), bundle_foreign.
enum reason_id bundle_open_receipt(struct view ca_pem, const uint8_t key[BUNDLE_RECEIPT_KEY_SIZE],
                                   struct view container, struct buf *out_content);
