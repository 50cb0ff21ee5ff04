// A forgotten certificate is whole, and so is one whose forgetting had no memory at any step.
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/net/tls_internal.h"

static long allocations_left = -1; // -1: as many as are asked for

static const void *watched; // must not be freed: the library's own accesses are not instrumented
static bool watched_is_gone;

static bool is_refused(void) {
    if (allocations_left < 0)
        return false;
    return allocations_left == 0 || --allocations_left == 0;
}

static void *allocate(size_t size, const char *file, int line) {
    (void)file;
    (void)line;
    return size == 0 || is_refused() ? NULL : malloc(size);
}

static void *reallocate(void *old, size_t size, const char *file, int line) {
    (void)file;
    (void)line;
    if (size == 0) {
        free(old);
        return NULL;
    }
    return is_refused() ? NULL : realloc(old, size);
}

static void release(void *old, const char *file, int line) {
    (void)file;
    (void)line;
    if (old != NULL && old == watched)
        watched_is_gone = true;
    free(old);
}

static X509 *make_certificate(void) {
    X509 *certificate = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_NAME *name = X509_NAME_new();
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"a device", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_subject_name(certificate, name), 1);
    assert_int_equal(X509_set_issuer_name(certificate, name), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    X509_EXTENSION *usage =
        X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, "critical,digitalSignature");
    assert_int_equal(X509_add_ext(certificate, usage, -1), 1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_true((X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE) != 0); // caches
    X509_EXTENSION_free(usage);
    X509_NAME_free(name);
    EVP_PKEY_free(key);
    return certificate;
}

// As the session holds it: the pointer stays, and it is freed once, later.
static void a_forgotten_certificate_says_nothing(void **state) {
    (void)state;
    X509 *certificate = make_certificate();
    tls_forget_peer(certificate);
    assert_null(X509_get0_pubkey(certificate));
    assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(certificate)), 0);
    assert_int_equal(X509_get_ext_count(certificate), 0);
    tls_forget_peer(certificate); // once more: harmless
    X509_free(certificate);
}

static void memory_may_run_out_at_any_step(void **state) {
    (void)state;
    long failures = 0;
    for (long at = 1; at < 1000; at++) {
        X509 *certificate = make_certificate();
        allocations_left = at;
        watched = certificate;
        tls_forget_peer(certificate);
        watched = NULL;
        bool failed = allocations_left == 0;
        allocations_left = -1;
        assert_false(watched_is_gone);
        X509_free(certificate); // whatever is left of it
        if (!failed)
            break;
        failures = at;
    }
    assert_in_range(failures, 5, 900);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forgotten_certificate_says_nothing),
        cmocka_unit_test(memory_may_run_out_at_any_step),
    };
    if (CRYPTO_set_mem_functions(allocate, reallocate, release) != 1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
