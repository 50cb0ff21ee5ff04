// libFuzzer: the shell of bundles and receipts: parts of a file, and CMS with the keys of
// tests/golden/bundle, as it is. Byte 0 chooses: 0 a file as carriers and servers read it, 1 a
// bundle's container, 2 a receipt's, 3 what is inside of the encryption (the signature).
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/bundle.h"
#include "common/net/cms.h"
#include "common/net/pem.h"
#include "common/wire/bundle_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define GOLDEN "tests/golden/bundle/"
#define NOW_MS INT64_C(1795500000000) // the golden certificates are valid then

static struct bundle_keys *keys;
static struct buf ca_pem;
static const uint8_t receipt_key[BUNDLE_RECEIPT_KEY_SIZE] = {1, 2, 3};

static void check(bool holds) {
    if (!holds)
        abort();
}

static void open_keys(void) {
    static const struct bundle_key_files files = {GOLDEN "ca.pem", GOLDEN "bundle.pem",
                                                  GOLDEN "bundle.key", GOLDEN "server.pem",
                                                  GOLDEN "server.key"};
    char error[256] = "";
    if (keys != NULL)
        return;
    check(pem_read_file(files.ca_certificate, &ca_pem) == STATUS_OK);
    check(bundle_keys_load(&files, &keys, error, sizeof error) == STATUS_OK);
}

static void read_container(struct view container) {
    struct buf content = {0};
    uint8_t device[CA_DEVICE_SIZE];
    (void)bundle_open(keys, container, NOW_MS, device, &content);
    buf_free(&content);
}

static void read_receipt(struct view container) {
    struct buf content = {0};
    (void)bundle_open_receipt(buf_view(&ca_pem), receipt_key, container, &content);
    buf_free(&content);
}

static void read_signed(struct view message) {
    struct buf content = {0};
    X509 *signer = NULL;
    if (cms_verify(message, &signer, &content) == STATUS_OK)
        check(signer != NULL);
    X509_free(signer);
    buf_free(&content);
}

// The whole is good exactly when all its parts are and belong together.
static void read_file(struct view file) {
    struct bundle_head head;
    enum reason_id whole = bundle_file_check(file, &head);
    struct view rest = file;
    struct bundle_part part;
    size_t n = 0;
    while (rest.size > 0 && bundle_file_take(&rest, &part) == REASON_NONE) {
        check(part.whole.data + part.whole.size == rest.data);
        n++;
        if (part.head.kind == BUNDLE_KIND_BUNDLE)
            read_container(part.container);
        else
            read_receipt(part.container);
    }
    if (whole == REASON_NONE)
        check(rest.size == 0 && n == head.parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const readers[])(struct view) = {read_file, read_container, read_receipt,
                                                   read_signed};
    open_keys();
    if (size > 0)
        readers[data[0] % 4](view_from(data + 1, size - 1));
    return 0;
}
