// The golden bundle and receipt of tests/golden/bundle, which the openssl command made: this code
// must find in them what contents.txt says, today and with every later version.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/net/bundle.h"
#include "common/net/pem.h"
#include "common/wire/bundle_file.h"

#define GOLDEN "tests/golden/bundle/"
#define NOW_MS INT64_C(1795500000000) // the certificates are valid then
#define MAX_CONTENT 4096

static const uint8_t receipt_key[BUNDLE_RECEIPT_KEY_SIZE] = {1, 2, 3};

static struct buf read_file(const char *path) {
    struct buf bytes = {0};
    assert_int_equal(pem_read_file(path, &bytes), STATUS_OK);
    return bytes;
}

// Of contents.txt: "kind part hex".
static struct view expected_content(const char *kind, unsigned part, uint8_t room[MAX_CONTENT]) {
    FILE *file = fopen(GOLDEN "contents.txt", "re");
    char name[16], hex[2 * MAX_CONTENT + 1];
    unsigned number;
    size_t size = 0;
    assert_non_null(file);
    assert_non_null(fgets(hex, sizeof hex, file)); // the heading
    while (fscanf(file, "%15s %u %8192s", name, &number, hex) == 3)
        if (strcmp(name, kind) == 0 && number == part)
            for (; hex[2 * size] != '\0'; size++) {
                unsigned byte;
                assert_int_equal(sscanf(hex + 2 * size, "%2x", &byte), 1);
                room[size] = (uint8_t)byte;
            }
    fclose(file);
    assert_true(size > 0);
    return view_from(room, size);
}

static void assert_content(const struct buf *content, const char *kind, unsigned part) {
    uint8_t room[MAX_CONTENT];
    struct view expected = expected_content(kind, part, room);
    assert_int_equal(buf_size(content), expected.size);
    assert_memory_equal(buf_view(content).data, expected.data, expected.size);
}

static void the_bundle_opens(void **state) {
    (void)state;
    static const struct bundle_key_files files = {GOLDEN "ca.pem", GOLDEN "bundle.pem",
                                                  GOLDEN "bundle.key", GOLDEN "server.pem",
                                                  GOLDEN "server.key"};
    struct bundle_keys *keys = NULL;
    char error[256] = "";
    struct buf file = read_file(GOLDEN "bundle.lxb");
    struct view rest = buf_view(&file);
    struct bundle_head head;
    assert_int_equal(bundle_keys_load(&files, &keys, error, sizeof error), STATUS_OK);
    assert_int_equal(bundle_file_check(rest, &head), REASON_NONE);
    assert_int_equal(head.parts, 2);
    assert_memory_equal(head.deployment, bundle_keys_deployment(keys), BUNDLE_DEPLOYMENT_SIZE);
    for (unsigned i = 1; i <= 2; i++) {
        struct bundle_part part;
        struct buf content = {0};
        uint8_t device[CA_DEVICE_SIZE];
        assert_int_equal(bundle_file_take(&rest, &part), REASON_NONE);
        assert_int_equal(part.head.part, i);
        assert_int_equal(bundle_open(keys, part.container, NOW_MS, device, &content), REASON_NONE);
        assert_content(&content, "bundle", i);
        buf_free(&content);
    }
    bundle_keys_free(&keys);
    buf_free(&file);
}

static void the_receipt_opens(void **state) {
    (void)state;
    struct buf file = read_file(GOLDEN "receipt.lxb"), ca = read_file(GOLDEN "ca.pem");
    struct buf content = {0};
    struct view rest = buf_view(&file);
    struct bundle_part part;
    assert_int_equal(bundle_file_take(&rest, &part), REASON_NONE);
    assert_int_equal(part.head.kind, BUNDLE_KIND_RECEIPT);
    assert_int_equal(bundle_open_receipt(buf_view(&ca), receipt_key, part.container, &content),
                     REASON_NONE);
    assert_content(&content, "receipt", 1);
    buf_free(&content);
    buf_free(&ca);
    buf_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bundle_opens),
        cmocka_unit_test(the_receipt_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
