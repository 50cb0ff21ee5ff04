// Bundles without CMS: what is signed and encrypted in the world is told here by a hash, so that no
// key and no random number of OpenSSL's plays a part. A bundle says which device has signed it, a
// receipt is read only with the key that came in the bundle; a changed byte is found. In the place
// of common/net/bundle, and the place where the simulation learns what is inside.
#include "common/net/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/digest.h"
#include "tests/sim/world.h"

struct bundle_keys {
    uint8_t deployment[CA_DEVICE_SIZE];
};

enum status bundle_deployment(struct view ca_pem, uint8_t out_deployment[CA_DEVICE_SIZE]) {
    digest_sha256(ca_pem, out_deployment);
    return STATUS_OK;
}

enum status bundle_keys_load(const struct bundle_key_files *files, struct bundle_keys **out_keys,
                             char *out_error, size_t error_size) {
    static struct bundle_keys keys;
    (void)files;
    (void)out_error;
    (void)error_size;
    *out_keys = &keys;
    return bundle_deployment(view_from_string(STICK_CA), keys.deployment);
}

struct bundle_keys *bundle_keys_hold(struct bundle_keys *keys) {
    return keys;
}

void bundle_keys_free(struct bundle_keys **keys) {
    *keys = NULL;
}

struct view bundle_keys_certificate(const struct bundle_keys *keys) {
    (void)keys;
    return view_from_string("the deployment's bundle certificate");
}

const uint8_t *bundle_keys_deployment(const struct bundle_keys *keys) {
    return keys->deployment;
}

// ---- containers: hash of secret and content, then the content ----

static enum status put(struct view secret, struct view content, struct buf *out) {
    uint8_t hash[DIGEST_SHA256_SIZE];
    const struct view parts[] = {secret, content};
    digest_sha256_parts(parts, 2, hash);
    TRY(buf_append(out, hash, sizeof hash));
    return buf_append(out, content.data, content.size);
}

static enum reason_id take(struct view secret, struct view container, struct buf *out_content) {
    uint8_t hash[DIGEST_SHA256_SIZE];
    if (container.size < sizeof hash)
        return REASON_BUNDLE_CHANGED;
    const struct view content =
        view_from(container.data + sizeof hash, container.size - sizeof hash);
    const struct view parts[] = {secret, content};
    digest_sha256_parts(parts, 2, hash);
    if (memcmp(hash, container.data, sizeof hash) != 0)
        return REASON_BUNDLE_CHANGED;
    return buf_append(out_content, content.data, content.size) == STATUS_OK
               ? REASON_NONE
               : REASON_MESSAGE_TOO_LARGE;
}

// The device's certificate is its id in hexadecimal; it stands before the container.
enum status bundle_seal(const struct bundle_writer *writer, struct view content,
                        struct buf *out_container) {
    struct view device = writer->device_certificate_pem;
    if (device.size != (size_t)2 * CA_DEVICE_SIZE)
        return STATUS_INVALID;
    history_bundled(content);
    TRY(buf_append(out_container, device.data, device.size));
    return put(device, content, out_container);
}

enum reason_id bundle_open(const struct bundle_keys *keys, struct view container, int64_t now_ms,
                           uint8_t out_device[CA_DEVICE_SIZE], struct buf *out_content) {
    size_t size = (size_t)2 * CA_DEVICE_SIZE;
    unsigned byte;
    (void)keys;
    (void)now_ms;
    if (container.size < size)
        return REASON_BUNDLE_CHANGED;
    for (size_t i = 0; i < CA_DEVICE_SIZE; i++) {
        char digits[3] = {(char)container.data[2 * i], (char)container.data[2 * i + 1], '\0'};
        if (sscanf(digits, "%2x", &byte) != 1)
            return REASON_BUNDLE_CHANGED;
        out_device[i] = (uint8_t)byte;
    }
    return take(view_from(container.data, size),
                view_from(container.data + size, container.size - size), out_content);
}

enum status bundle_seal_receipt(const struct bundle_keys *keys,
                                const uint8_t key[BUNDLE_RECEIPT_KEY_SIZE], struct view content,
                                struct buf *out_container) {
    (void)keys;
    return put(view_from(key, BUNDLE_RECEIPT_KEY_SIZE), content, out_container);
}

enum reason_id bundle_open_receipt(struct view ca_pem, const uint8_t key[BUNDLE_RECEIPT_KEY_SIZE],
                                   struct view container, struct buf *out_content) {
    (void)ca_pem;
    enum reason_id reason = take(view_from(key, BUNDLE_RECEIPT_KEY_SIZE), container, out_content);
    if (reason == REASON_NONE)
        history_receipt(buf_view(out_content));
    return reason;
}
