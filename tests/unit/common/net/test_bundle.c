// Containers of bundles and receipts: what was sealed opens for whom it is meant, and nobody else;
// no cut, flipped, foreign or borrowed container gives content.
#include "common/net/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/net/ca.h"

#define NOW_MS INT64_C(1790000000000)
#define DAY_MS INT64_C(86400000)
#define CONTENT "what a school has recorded"

// A deployment with one device, its files in a folder.
struct world {
    char folder[64];
    struct buf ca_pem, ca_key, device_key, device_der, device_pem, bundle_pem, bundle_key;
    struct buf server_pem, server_key;
    uint8_t device[CA_DEVICE_SIZE];
    struct ca *ca;
    struct bundle_keys *keys;
};

static void write_file(const struct world *world, const char *name, const struct buf *content) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", world->folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(content->data + content->start, 1, buf_size(content), file),
                     buf_size(content));
    assert_int_equal(fclose(file), 0);
}

static enum status load_keys(const struct world *world, struct bundle_keys **out_keys) {
    char paths[5][128];
    static const char *const names[5] = {"ca.pem", "bundle.pem", "bundle.key", "server.pem",
                                         "server.key"};
    char error[256] = "";
    for (size_t i = 0; i < 5; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s", world->folder, names[i]);
    const struct bundle_key_files files = {paths[0], paths[1], paths[2], paths[3], paths[4]};
    enum status status = bundle_keys_load(&files, out_keys, error, sizeof error);
    assert_true((status == STATUS_OK) == (error[0] == '\0'));
    return status;
}

static void write_files(const struct world *world) {
    write_file(world, "ca.pem", &world->ca_pem);
    write_file(world, "bundle.pem", &world->bundle_pem);
    write_file(world, "bundle.key", &world->bundle_key);
    write_file(world, "server.pem", &world->server_pem);
    write_file(world, "server.key", &world->server_key);
}

static void make_device(struct world *world, int64_t at_ms) {
    struct buf csr = {0};
    buf_reset(&world->device_key);
    buf_reset(&world->device_der);
    buf_reset(&world->device_pem);
    assert_int_equal(ca_new_key(&world->device_key), STATUS_OK);
    assert_int_equal(ca_new_csr(buf_view(&world->device_key), &csr), STATUS_OK);
    assert_int_equal(
        ca_sign_device(world->ca, buf_view(&csr), at_ms, world->device, &world->device_der),
        STATUS_OK);
    assert_int_equal(ca_certificate_to_pem(buf_view(&world->device_der), &world->device_pem),
                     STATUS_OK);
    buf_free(&csr);
}

static struct world *world_new(void) {
    static const char *const names[] = {"localhost"};
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    strcpy(world->folder, "/tmp/lx-test-bundle-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    assert_int_equal(ca_create("Test", NOW_MS, &world->ca_pem, &world->ca_key), STATUS_OK);
    assert_int_equal(ca_load(buf_view(&world->ca_pem), buf_view(&world->ca_key), &world->ca),
                     STATUS_OK);
    make_device(world, NOW_MS);
    assert_int_equal(ca_issue_bundle(world->ca, NOW_MS, &world->bundle_pem, &world->bundle_key),
                     STATUS_OK);
    assert_int_equal(
        ca_issue_server(world->ca, names, 1, NOW_MS, &world->server_pem, &world->server_key),
        STATUS_OK);
    write_files(world);
    assert_int_equal(load_keys(world, &world->keys), STATUS_OK);
    return world;
}

static void world_free(struct world **world_at) {
    struct world *world = *world_at;
    static const char *const names[] = {"ca.pem", "bundle.pem", "bundle.key", "server.pem",
                                        "server.key"};
    char path[128];
    for (size_t i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%s/%s", world->folder, names[i]);
        unlink(path);
    }
    rmdir(world->folder);
    struct buf *bufs[] = {&world->ca_pem,     &world->ca_key,     &world->device_key,
                          &world->device_der, &world->device_pem, &world->bundle_pem,
                          &world->bundle_key, &world->server_pem, &world->server_key};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        buf_free(bufs[i]);
    bundle_keys_free(&world->keys);
    ca_free(&world->ca);
    free(world);
    *world_at = NULL;
}

static int set_up(void **state) {
    *state = world_new();
    return 0;
}

static int tear_down(void **state) {
    world_free((struct world **)state);
    return 0;
}

static struct buf bundle_der(const struct world *world) {
    struct bundle_keys *keys = world->keys;
    struct buf der = {0};
    struct view certificate = bundle_keys_certificate(keys);
    assert_int_equal(buf_append(&der, certificate.data, certificate.size), STATUS_OK);
    return der;
}

static enum status seal(const struct world *world, const struct world *recipient, int64_t now_ms,
                        struct buf *out) {
    const struct bundle_writer writer = {
        .ca_pem = buf_view(&world->ca_pem),
        .device_certificate_pem = buf_view(&world->device_pem),
        .device_key_pem = buf_view(&world->device_key),
        .bundle_certificate_der = bundle_keys_certificate(recipient->keys),
        .now_ms = now_ms,
    };
    return bundle_seal(&writer, view_from_string(CONTENT), out);
}

static enum reason_id open_at(const struct world *world, const struct buf *container,
                              int64_t now_ms) {
    uint8_t device[CA_DEVICE_SIZE];
    struct buf content = {0};
    enum reason_id reason = bundle_open(world->keys, buf_view(container), now_ms, device, &content);
    if (reason == REASON_NONE) {
        assert_memory_equal(device, world->device, CA_DEVICE_SIZE);
        assert_true(view_equal(buf_view(&content), view_from_string(CONTENT)));
    }
    buf_free(&content);
    return reason;
}

static void a_bundle_opens_at_its_deployment(void **state) {
    const struct world *world = *state;
    struct buf container = {0};
    assert_int_equal(seal(world, world, NOW_MS, &container), STATUS_OK);
    assert_int_equal(open_at(world, &container, NOW_MS), REASON_NONE);
    assert_null(memmem(container.data, container.end, CONTENT, strlen(CONTENT)));
    // nor is the device to be seen: its certificate is inside
    assert_null(memmem(container.data, container.end, world->device_der.data + 60, 40));
    buf_free(&container);
}

static void it_may_be_old_but_not_too_old(void **state) {
    const struct world *world = *state;
    struct buf container = {0};
    assert_int_equal(seal(world, world, NOW_MS, &container), STATUS_OK);
    const int64_t ends_ms = NOW_MS + CA_DEVICE_VALID_DAYS * DAY_MS;
    assert_int_equal(open_at(world, &container, ends_ms + 399 * DAY_MS), REASON_NONE);
    assert_int_equal(open_at(world, &container, ends_ms + 401 * DAY_MS), REASON_BUNDLE_EXPIRED);
    assert_int_equal(open_at(world, &container, NOW_MS - DAY_MS), REASON_BUNDLE_EXPIRED);
    buf_free(&container);
}

static void every_cut_gives_nothing(void **state) {
    const struct world *world = *state;
    struct buf container = {0};
    assert_int_equal(seal(world, world, NOW_MS, &container), STATUS_OK);
    size_t whole = container.end;
    for (container.end = container.start; container.end < whole; container.end++)
        assert_int_equal(open_at(world, &container, NOW_MS), REASON_BUNDLE_CHANGED);
    assert_int_equal(open_at(world, &container, NOW_MS), REASON_NONE);
    assert_int_equal(buf_append(&container, "", 1), STATUS_OK);
    assert_int_equal(open_at(world, &container, NOW_MS), REASON_BUNDLE_CHANGED);
    buf_free(&container);
}

// As somebody does it who mends the file's checksum. A few bits of the container say nothing
// (version numbers that no reader looks at): then the content is the same, which open_at compares.
static void no_flipped_bit_gives_another_content(void **state) {
    const struct world *world = *state;
    struct buf container = {0};
    size_t harmless = 0;
    assert_int_equal(seal(world, world, NOW_MS, &container), STATUS_OK);
    for (size_t bit = 0; bit < container.end * 8; bit++) {
        container.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        enum reason_id reason = open_at(world, &container, NOW_MS);
        harmless += reason == REASON_NONE;
        assert_true(reason == REASON_NONE || reason == REASON_BUNDLE_CHANGED ||
                    reason == REASON_BUNDLE_KEY_UNKNOWN);
        container.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    print_message("%zu of %zu flipped bits say nothing\n", harmless, container.end * 8);
    assert_true(harmless < 64);
    buf_free(&container);
}

static void other_deployments_are_told(void **state) {
    const struct world *world = *state;
    struct world *foreign = world_new();
    struct buf container = {0};
    // for another deployment's key
    assert_int_equal(seal(foreign, foreign, NOW_MS, &container), STATUS_OK);
    assert_int_equal(open_at(world, &container, NOW_MS), REASON_BUNDLE_KEY_UNKNOWN);
    // a client does not encrypt to a certificate of another CA
    buf_reset(&container);
    assert_int_equal(seal(foreign, world, NOW_MS, &container), STATUS_DENIED);
    assert_int_equal(buf_size(&container), 0);
    world_free(&foreign);
    buf_free(&container);
}

static enum reason_id open_signed_by(const struct world *world, struct view ca_pem,
                                     struct view certificate_pem, struct view key_pem) {
    struct buf container = {0}, bundle = bundle_der(world);
    const struct bundle_writer writer = {ca_pem, certificate_pem, key_pem, buf_view(&bundle),
                                         NOW_MS};
    assert_int_equal(bundle_seal(&writer, view_from_string(CONTENT), &container), STATUS_OK);
    enum reason_id reason = open_at(world, &container, NOW_MS);
    buf_free(&bundle);
    buf_free(&container);
    return reason;
}

static void only_devices_of_this_deployment_sign(void **state) {
    struct world *world = *state;
    struct world *foreign = world_new();
    struct view ca = buf_view(&world->ca_pem);
    assert_int_equal(
        open_signed_by(world, ca, buf_view(&foreign->device_pem), buf_view(&foreign->device_key)),
        REASON_BUNDLE_FOREIGN);
    assert_int_equal(
        open_signed_by(world, ca, buf_view(&world->server_pem), buf_view(&world->server_key)),
        REASON_BUNDLE_FOREIGN);
    assert_int_equal(
        open_signed_by(world, ca, buf_view(&world->bundle_pem), buf_view(&world->bundle_key)),
        REASON_BUNDLE_FOREIGN);
    assert_int_equal(open_signed_by(world, ca, ca, buf_view(&world->ca_key)),
                     REASON_BUNDLE_FOREIGN);
    // another device's certificate with one's own key: nothing comes of it
    struct buf container = {0};
    const struct bundle_writer writer = {ca, buf_view(&world->device_pem),
                                         buf_view(&foreign->device_key),
                                         bundle_keys_certificate(world->keys), NOW_MS};
    assert_int_equal(bundle_seal(&writer, view_from_string(CONTENT), &container), STATUS_INVALID);
    world_free(&foreign);
    buf_free(&container);
}

static void former_keys_still_open(void **state) {
    struct world *world = *state;
    struct buf container = {0}, pem = {0}, key = {0};
    assert_int_equal(seal(world, world, NOW_MS, &container), STATUS_OK);
    assert_int_equal(ca_issue_bundle(world->ca, NOW_MS, &pem, &key), STATUS_OK);
    struct view old_pem = buf_view(&world->bundle_pem), old_key = buf_view(&world->bundle_key);
    struct bundle_keys *renewed = NULL;
    write_file(world, "bundle.pem", &pem);
    assert_int_equal(load_keys(world, &renewed), STATUS_INVALID); // the key is the former one's
    write_file(world, "bundle.key", &key);
    assert_int_equal(load_keys(world, &renewed), STATUS_OK);
    struct bundle_keys *former = world->keys;
    world->keys = renewed;
    assert_int_equal(open_at(world, &container, NOW_MS), REASON_BUNDLE_KEY_UNKNOWN);
    bundle_keys_free(&renewed);
    assert_int_equal(buf_append(&pem, old_pem.data, old_pem.size), STATUS_OK);
    assert_int_equal(buf_append(&key, old_key.data, old_key.size), STATUS_OK);
    write_file(world, "bundle.pem", &pem);
    write_file(world, "bundle.key", &key);
    assert_int_equal(load_keys(world, &world->keys), STATUS_OK);
    assert_int_equal(open_at(world, &container, NOW_MS), REASON_NONE);
    assert_false(view_equal(bundle_keys_certificate(former), bundle_keys_certificate(world->keys)));
    bundle_keys_free(&former);
    buf_free(&container);
    buf_free(&pem);
    buf_free(&key);
}

static void a_receipt_opens_with_its_key_only(void **state) {
    const struct world *world = *state;
    struct world *foreign = world_new();
    uint8_t key[BUNDLE_RECEIPT_KEY_SIZE] = {1, 2, 3};
    struct buf receipt = {0}, content = {0};
    struct view ca = buf_view(&world->ca_pem);
    assert_int_equal(bundle_seal_receipt(world->keys, key, view_from_string(CONTENT), &receipt),
                     STATUS_OK);
    assert_int_equal(bundle_open_receipt(ca, key, buf_view(&receipt), &content), REASON_NONE);
    assert_true(view_equal(buf_view(&content), view_from_string(CONTENT)));
    assert_int_equal(
        bundle_open_receipt(buf_view(&foreign->ca_pem), key, buf_view(&receipt), &content),
        REASON_BUNDLE_FOREIGN);
    size_t whole = receipt.end;
    for (receipt.end = receipt.start; receipt.end < whole; receipt.end++)
        assert_int_equal(bundle_open_receipt(ca, key, buf_view(&receipt), &content),
                         REASON_BUNDLE_CHANGED);
    key[0] ^= 1;
    assert_int_equal(bundle_open_receipt(ca, key, buf_view(&receipt), &content),
                     REASON_BUNDLE_CHANGED);
    world_free(&foreign);
    buf_free(&receipt);
    buf_free(&content);
}

// A device that could sign receipts could make another forget what it recorded.
static void a_device_signs_no_receipt(void **state) {
    struct world *world = *state;
    const uint8_t key[BUNDLE_RECEIPT_KEY_SIZE] = {9};
    struct buf receipt = {0}, content = {0};
    struct bundle_keys *keys = NULL;
    write_file(world, "server.pem", &world->device_pem);
    write_file(world, "server.key", &world->device_key);
    assert_int_equal(load_keys(world, &keys), STATUS_OK);
    assert_int_equal(bundle_seal_receipt(keys, key, view_from_string(CONTENT), &receipt),
                     STATUS_OK);
    assert_int_equal(
        bundle_open_receipt(buf_view(&world->ca_pem), key, buf_view(&receipt), &content),
        REASON_BUNDLE_FOREIGN);
    bundle_keys_free(&keys);
    buf_free(&receipt);
    buf_free(&content);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_bundle_opens_at_its_deployment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_may_be_old_but_not_too_old, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_cut_gives_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_flipped_bit_gives_another_content, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_deployments_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_devices_of_this_deployment_sign, set_up, tear_down),
        cmocka_unit_test_setup_teardown(former_keys_still_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_receipt_opens_with_its_key_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_device_signs_no_receipt, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
