// Entries of a seal read back as they were written, and nothing else reads; a signature holds for
// its hash and its key alone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/audit/entries.h"
#include "server/audit/key.h"

static void write_two(struct buf *buf) {
    uint8_t device[32];
    memset(device, 9, sizeof device);
    struct entry run = {.kind = ENTRY_RUN,
                        .id = {{1, 2, 3}},
                        .device = view_from(device, sizeof device),
                        .op_to = INT64_C(0x0102030405060708),
                        .leaf = {7}};
    struct entry action = {.kind = ENTRY_ACTION, .id = {{4, 5}}, .leaf = {8}};
    assert_int_equal(entry_append(buf, &run), STATUS_OK);
    assert_int_equal(entry_append(buf, &action), STATUS_OK);
}

static void test_entries(void **state) {
    (void)state;
    struct buf buf = {0};
    struct entry entry;
    write_two(&buf);
    assert_int_equal(buf_size(&buf), 1 + 16 + 1 + 32 + 8 + 32 + 1 + 16 + 32);
    struct view rest = buf_view(&buf);
    assert_int_equal(entry_next(&rest, &entry), STATUS_OK);
    assert_int_equal(entry.kind, ENTRY_RUN);
    assert_int_equal(entry.device.size, 32);
    assert_true(entry.op_to == INT64_C(0x0102030405060708));
    assert_int_equal(entry.leaf[0], 7);
    assert_int_equal(entry_next(&rest, &entry), STATUS_OK);
    assert_int_equal(entry.kind, ENTRY_ACTION);
    assert_int_equal(entry.id.bytes[1], 5);
    assert_int_equal(entry.leaf[0], 8);
    assert_int_equal(entry_next(&rest, &entry), STATUS_NOT_FOUND);
    buf_free(&buf);
}

static void test_cut_entries(void **state) {
    (void)state;
    struct buf buf = {0};
    struct entry entry;
    write_two(&buf);
    size_t whole = buf_size(&buf), first = 1 + 16 + 1 + 32 + 8 + 32;
    for (size_t size = 1; size < whole; size++) { // a copy of that size, so that ASan sees more
        uint8_t *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, buf_view(&buf).data, size);
        struct view rest = view_from(copy, size);
        enum status status = entry_next(&rest, &entry);
        if (size >= first && status == STATUS_OK)
            status = entry_next(&rest, &entry);
        assert_int_equal(status, size == first ? STATUS_NOT_FOUND : STATUS_CORRUPT);
        free(copy);
    }
    struct view other = VIEW_LITERAL("\x03 another kind");
    assert_int_equal(entry_next(&other, &entry), STATUS_CORRUPT);
    buf_free(&buf);
}

static struct audit_key *load(const struct buf *pem) {
    char path[] = "/tmp/lx-audit-XXXXXX", error[256] = "";
    struct audit_key *key = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    struct view text = buf_view(pem);
    assert_int_equal(write(fd, text.data, text.size), (ssize_t)text.size);
    close(fd);
    if (audit_key_load_file(path, &key, error, sizeof error) != STATUS_OK)
        assert_non_null(strstr(error, "Ed25519"));
    unlink(path);
    return key;
}

static void test_signatures(void **state) {
    (void)state;
    struct buf private_pem = {0}, public_pem = {0}, other_private = {0}, other_public = {0};
    struct audit_ring *ring = NULL, *others = NULL;
    uint8_t hash[SEAL_HASH_SIZE] = {1}, signature[SEAL_SIGNATURE_SIZE];
    assert_int_equal(audit_key_create(&private_pem, &public_pem), STATUS_OK);
    assert_int_equal(audit_key_create(&other_private, &other_public), STATUS_OK);
    struct audit_key *key = load(&private_pem);
    assert_non_null(key);
    assert_null(load(&public_pem));
    assert_int_equal(audit_key_sign(key, hash, signature), STATUS_OK);
    const struct view signed_by = view_from(signature, sizeof signature);
    assert_int_equal(audit_ring_read(buf_view(&public_pem), &ring), STATUS_OK);
    assert_int_equal(audit_ring_read(buf_view(&other_public), &others), STATUS_OK);
    assert_true(audit_ring_has(ring, audit_key_id(key)));
    assert_true(audit_ring_verify(ring, audit_key_id(key), hash, signed_by));
    assert_false(audit_ring_verify(others, audit_key_id(key), hash, signed_by));
    assert_false(audit_ring_verify(ring, audit_key_id(key), hash, view_from(signature, 63)));
    assert_false(audit_ring_verify(ring, audit_key_id(key), hash, view_from(NULL, 0)));
    hash[31] ^= 1;
    assert_false(audit_ring_verify(ring, audit_key_id(key), hash, signed_by));
    hash[31] ^= 1;
    signature[5] ^= 1;
    assert_false(audit_ring_verify(ring, audit_key_id(key), hash, signed_by));
    audit_ring_free(&others);
    // after a change of keys both stand in one file
    signature[5] ^= 1;
    assert_int_equal(
        buf_append(&other_public, buf_view(&public_pem).data, buf_view(&public_pem).size),
        STATUS_OK);
    assert_int_equal(audit_ring_read(buf_view(&other_public), &others), STATUS_OK);
    assert_true(audit_ring_verify(others, audit_key_id(key), hash, signed_by));
    audit_ring_free(&others);
    audit_ring_free(&ring);
    assert_int_equal(audit_ring_read(VIEW_LITERAL("no key"), &ring), STATUS_NOT_FOUND);
    assert_int_equal(audit_ring_read(view_from(NULL, 0), &ring), STATUS_NOT_FOUND);
    audit_key_free(&key);
    buf_free(&private_pem);
    buf_free(&public_pem);
    buf_free(&other_private);
    buf_free(&other_public);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_cut_entries),
        cmocka_unit_test(test_signatures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
