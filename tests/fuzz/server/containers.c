// Bundles without CMS: a container is its content, signed by the device of the world and sealed to
// its deployment. So what lies behind signature and encryption is reached by any input; CMS itself
// is read by fuzz_container. Functions called __wrap_ are put in by the linker's --wrap.
#include <string.h>

#include "common/net/bundle.h"
#include "tests/fuzz/server/world.h"

struct bundle_keys *__wrap_bundle_keys_hold(struct bundle_keys *keys);
void __wrap_bundle_keys_free(struct bundle_keys **keys);
struct view __wrap_bundle_keys_certificate(const struct bundle_keys *keys);
const uint8_t *__wrap_bundle_keys_deployment(const struct bundle_keys *keys);
enum reason_id __wrap_bundle_open(const struct bundle_keys *keys, struct view container,
                                  int64_t now_ms, uint8_t out_device[CA_DEVICE_SIZE],
                                  struct buf *out_content);
enum status __wrap_bundle_seal_receipt(const struct bundle_keys *keys,
                                       const uint8_t key[BUNDLE_RECEIPT_KEY_SIZE],
                                       struct view content, struct buf *out_container);

static char stand_in; // of the keys: nobody looks into it

struct bundle_keys *world_bundle_keys(void) {
    return (struct bundle_keys *)&stand_in;
}

struct bundle_keys *__wrap_bundle_keys_hold(struct bundle_keys *keys) {
    return keys;
}

void __wrap_bundle_keys_free(struct bundle_keys **keys) {
    *keys = NULL;
}

struct view __wrap_bundle_keys_certificate(const struct bundle_keys *keys) {
    (void)keys;
    return view_from_string("certificate");
}

const uint8_t *__wrap_bundle_keys_deployment(const struct bundle_keys *keys) {
    static uint8_t deployment[CA_DEVICE_SIZE];
    (void)keys;
    memset(deployment, WORLD_DEPLOYMENT, sizeof deployment);
    return deployment;
}

// Nothing is as good as a wrong signature.
enum reason_id __wrap_bundle_open(const struct bundle_keys *keys, struct view container,
                                  int64_t now_ms, uint8_t out_device[CA_DEVICE_SIZE],
                                  struct buf *out_content) {
    (void)keys;
    (void)now_ms;
    memset(out_device, WORLD_DEVICE, CA_DEVICE_SIZE);
    if (container.size == 0)
        return REASON_BUNDLE_CHANGED;
    return buf_append(out_content, container.data, container.size) == STATUS_OK
               ? REASON_NONE
               : REASON_MESSAGE_TOO_LARGE;
}

enum status __wrap_bundle_seal_receipt(const struct bundle_keys *keys,
                                       const uint8_t key[BUNDLE_RECEIPT_KEY_SIZE],
                                       struct view content, struct buf *out_container) {
    (void)keys;
    (void)key;
    return buf_append(out_container, content.data, content.size);
}
