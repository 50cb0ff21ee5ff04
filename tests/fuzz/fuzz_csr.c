// libFuzzer: any bytes as a device's certificate request (Enrol, Renew) and as a certificate that a
// server sends (EnrolReply). What is taken is signed, and the certificate is the request's device.
#include <stdlib.h>
#include <string.h>

#include "common/net/ca.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS 1637200000000

static void check(bool holds) {
    if (!holds)
        abort();
}

static const struct ca *make_ca(void) {
    static struct ca *ca;
    struct buf certificate = {0}, key = {0};
    if (ca != NULL)
        return ca;
    check(ca_create("fuzz", NOW_MS, &certificate, &key) == STATUS_OK &&
          ca_load(buf_view(&certificate), buf_view(&key), &ca) == STATUS_OK);
    buf_free(&certificate);
    buf_free(&key);
    return ca;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct view bytes = {data, size};
    struct ca_certificate read;
    struct buf certificate = {0};
    uint8_t asked[CA_DEVICE_SIZE], signed_for[CA_DEVICE_SIZE];
    if (ca_csr_device(bytes, asked) == STATUS_OK) {
        check(size <= CA_MAX_CSR_BYTES);
        check(ca_sign_device(make_ca(), bytes, NOW_MS, signed_for, &certificate) == STATUS_OK);
        check(memcmp(asked, signed_for, sizeof asked) == 0);
        check(ca_parse_certificate(buf_view(&certificate), &read) == STATUS_OK);
        check(memcmp(asked, read.device, sizeof asked) == 0);
    } else {
        check(ca_sign_device(make_ca(), bytes, NOW_MS, signed_for, &certificate) != STATUS_OK);
    }
    buf_free(&certificate);
    (void)!ca_parse_certificate(bytes, &read);
    return 0;
}
