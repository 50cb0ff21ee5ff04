// The reader of PEM: one thing after the other, rubbish between, nothing encrypted, no prompt.
#include "common/net/pem.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GOLDEN "tests/golden/bundle/"

static void what_is_in_files_comes_in_order(void **state) {
    (void)state;
    struct buf bytes = {0};
    assert_int_equal(pem_read_file(GOLDEN "server.pem", &bytes), STATUS_OK);
    assert_int_equal(buf_append_string(&bytes, "rubbish between\n"), STATUS_OK);
    assert_int_equal(pem_read_file(GOLDEN "server.key", &bytes), STATUS_OK);
    assert_int_equal(pem_read_file(GOLDEN "ca.pem", &bytes), STATUS_OK);
    BIO *place = pem_open(buf_view(&bytes));
    X509 *server = pem_next_certificate(place);
    EVP_PKEY *key = pem_next_private_key(place);
    X509 *ca = pem_next_certificate(place);
    assert_int_equal(X509_check_private_key(server, key), 1);
    assert_int_equal(X509_verify(server, X509_get0_pubkey(ca)), 1);
    assert_null(pem_next_certificate(place));
    assert_int_equal(ERR_peek_error(), 0);
    X509_free(server);
    X509_free(ca);
    EVP_PKEY_free(key);
    BIO_free(place);
    pem_forget(&bytes);
    assert_null(bytes.data);
}

static void nothing_is_nothing(void **state) {
    (void)state;
    struct buf bytes = {0};
    errno = 0;
    assert_int_equal(pem_read_file(GOLDEN "nowhere.pem", &bytes), STATUS_IO);
    assert_int_equal(errno, ENOENT);
    assert_null(pem_open(buf_view(&bytes)));
    assert_null(pem_next_certificate(NULL));
    assert_null(pem_next_private_key(NULL));
    assert_null(pem_next_public_key(NULL));
}

// Asked for a password the program would hang at a terminal.
static void encrypted_keys_are_none(void **state) {
    (void)state;
    BIO *place = BIO_new(BIO_s_mem());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_int_equal(
        PEM_write_bio_PKCS8PrivateKey(place, key, EVP_aes_256_cbc(), "secret", 6, NULL, NULL), 1);
    assert_null(pem_next_private_key(place));
    assert_int_equal(ERR_peek_error(), 0);
    assert_int_equal(PEM_write_bio_PUBKEY(place, key), 1);
    EVP_PKEY *open = pem_next_public_key(place);
    assert_int_equal(EVP_PKEY_eq(open, key), 1);
    EVP_PKEY_free(open);
    EVP_PKEY_free(key);
    BIO_free(place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_files_comes_in_order),
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(encrypted_keys_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
