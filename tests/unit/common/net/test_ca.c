// Certificates: what the CA makes is what OpenSSL's own verification accepts, and broken requests
// are refused.
#include "common/net/ca.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1790000000000)
#define DAY_MS INT64_C(86400000)

struct fixture {
    struct buf certificate;
    struct buf key;
    struct ca *ca;
};

static int set_up(void **state) {
    static struct fixture fixture;
    fixture = (struct fixture){0};
    assert_int_equal(ca_create("Test CA", NOW_MS, &fixture.certificate, &fixture.key), STATUS_OK);
    assert_int_equal(ca_load(buf_view(&fixture.certificate), buf_view(&fixture.key), &fixture.ca),
                     STATUS_OK);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    ca_free(&fixture->ca);
    ca_free(&fixture->ca); // a second time is harmless
    buf_free(&fixture->certificate);
    buf_free(&fixture->key);
    return 0;
}

static X509 *parse_der(struct view der) {
    const unsigned char *at = der.data;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.size);
    assert_non_null(certificate);
    return certificate;
}

// Verifies like a TLS peer would; 1 when the certificate may be used for `purpose` at `at_ms`.
static int verify(const struct fixture *fixture, X509 *leaf, int purpose, int64_t at_ms) {
    struct buf der = {0};
    assert_int_equal(ca_certificate_der(fixture->ca, &der), STATUS_OK);
    X509 *root = parse_der(buf_view(&der));
    X509_STORE *store = X509_STORE_new();
    X509_STORE_add_cert(store, root);
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_CTX_init(context, store, leaf, NULL), 1);
    X509_STORE_CTX_set_purpose(context, purpose);
    X509_STORE_CTX_set_time(context, 0, (time_t)(at_ms / 1000));
    int good = X509_verify_cert(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(root);
    buf_free(&der);
    return good;
}

static void make_csr(struct buf *out_key, struct buf *out_csr) {
    assert_int_equal(ca_new_key(out_key), STATUS_OK);
    assert_int_equal(ca_new_csr(buf_view(out_key), out_csr), STATUS_OK);
}

static void device_certificate_verifies_for_clients_only(void **state) {
    const struct fixture *fixture = *state;
    struct buf key = {0}, csr = {0}, der = {0};
    uint8_t device[CA_DEVICE_SIZE], asked[CA_DEVICE_SIZE];
    make_csr(&key, &csr);
    assert_int_equal(ca_sign_device(fixture->ca, buf_view(&csr), NOW_MS, device, &der), STATUS_OK);
    assert_int_equal(ca_csr_device(buf_view(&csr), asked), STATUS_OK);
    assert_memory_equal(device, asked, sizeof(device));
    assert_int_equal(ca_key_device(buf_view(&key), asked), STATUS_OK);
    assert_memory_equal(device, asked, sizeof(device));

    X509 *leaf = parse_der(buf_view(&der));
    assert_int_equal(verify(fixture, leaf, X509_PURPOSE_SSL_CLIENT, NOW_MS), 1);
    assert_int_equal(verify(fixture, leaf, X509_PURPOSE_SSL_SERVER, NOW_MS), 0);
    assert_int_equal(verify(fixture, leaf, X509_PURPOSE_SSL_CLIENT,
                            NOW_MS + (CA_DEVICE_VALID_DAYS + 1) * DAY_MS),
                     0);
    X509_free(leaf);

    struct ca_certificate read;
    assert_int_equal(ca_parse_certificate(buf_view(&der), &read), STATUS_OK);
    assert_memory_equal(read.device, device, sizeof(device));
    assert_int_equal(read.not_before_ms, NOW_MS - 3600 * 1000);
    assert_int_equal(read.not_after_ms, NOW_MS + CA_DEVICE_VALID_DAYS * DAY_MS);

    struct buf pem = {0};
    struct ca_certificate again;
    assert_int_equal(ca_certificate_to_pem(buf_view(&der), &pem), STATUS_OK);
    assert_int_equal(ca_parse_certificate(buf_view(&pem), &again), STATUS_OK);
    assert_memory_equal(again.device, device, sizeof(device));
    buf_free(&pem);
    buf_free(&key);
    buf_free(&csr);
    buf_free(&der);
}

static void the_same_key_keeps_its_identity(void **state) {
    const struct fixture *fixture = *state;
    struct buf key = {0}, first_csr = {0}, second_csr = {0}, first = {0}, second = {0};
    uint8_t one[CA_DEVICE_SIZE], two[CA_DEVICE_SIZE];
    make_csr(&key, &first_csr);
    assert_int_equal(ca_new_csr(buf_view(&key), &second_csr), STATUS_OK);
    assert_int_equal(ca_sign_device(fixture->ca, buf_view(&first_csr), NOW_MS, one, &first),
                     STATUS_OK);
    assert_int_equal(ca_sign_device(fixture->ca, buf_view(&second_csr), NOW_MS, two, &second),
                     STATUS_OK);
    assert_memory_equal(one, two, sizeof(one));
    assert_false(view_equal(buf_view(&first), buf_view(&second))); // the serial differs
    buf_free(&key);
    buf_free(&first_csr);
    buf_free(&second_csr);
    buf_free(&first);
    buf_free(&second);
}

static void broken_requests_are_refused(void **state) {
    const struct fixture *fixture = *state;
    struct buf key = {0}, csr = {0}, der = {0};
    uint8_t device[CA_DEVICE_SIZE];
    make_csr(&key, &csr);
    for (size_t i = 0; i < buf_size(&csr); i++) { // any flipped byte: no parse or no signature
        csr.data[csr.start + i] ^= 0x01;
        enum status status = ca_sign_device(fixture->ca, buf_view(&csr), NOW_MS, device, &der);
        assert_int_equal(status, STATUS_INVALID);
        csr.data[csr.start + i] ^= 0x01;
    }
    struct view cut = buf_view(&csr);
    cut.size--;
    assert_int_equal(ca_sign_device(fixture->ca, cut, NOW_MS, device, &der), STATUS_INVALID);
    assert_int_equal(buf_append(&csr, "x", 1), STATUS_OK); // something behind the end
    assert_int_equal(ca_sign_device(fixture->ca, buf_view(&csr), NOW_MS, device, &der),
                     STATUS_INVALID);
    assert_int_equal(ca_sign_device(fixture->ca, view_from(NULL, 0), NOW_MS, device, &der),
                     STATUS_INVALID);
    assert_int_equal(buf_size(&der), 0);
    buf_free(&key);
    buf_free(&csr);
    buf_free(&der);
}

static void only_p256_keys_are_signed(void **state) {
    const struct fixture *fixture = *state;
    EVP_PKEY *key = EVP_EC_gen("secp384r1");
    X509_REQ *csr = X509_REQ_new();
    X509_REQ_set_pubkey(csr, key);
    assert_true(X509_REQ_sign(csr, key, EVP_sha256()) > 0);
    unsigned char *bytes = NULL;
    int size = i2d_X509_REQ(csr, &bytes);
    struct buf der = {0};
    uint8_t device[CA_DEVICE_SIZE];
    assert_int_equal(
        ca_sign_device(fixture->ca, view_from(bytes, (size_t)size), NOW_MS, device, &der),
        STATUS_INVALID);
    OPENSSL_free(bytes);
    X509_REQ_free(csr);
    EVP_PKEY_free(key);
}

static void server_certificate_names_its_hosts(void **state) {
    const struct fixture *fixture = *state;
    const char *names[] = {"sync.example.org", "127.0.0.1", "::1"};
    struct buf pem = {0}, key = {0};
    assert_int_equal(ca_issue_server(fixture->ca, names, 3, NOW_MS, &pem, &key), STATUS_OK);
    struct view text = buf_view(&pem);
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.size);
    X509 *leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    assert_int_equal(verify(fixture, leaf, X509_PURPOSE_SSL_SERVER, NOW_MS), 1);
    assert_int_equal(verify(fixture, leaf, X509_PURPOSE_SSL_CLIENT, NOW_MS), 0);
    assert_int_equal(X509_check_host(leaf, "sync.example.org", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(leaf, "other.example.org", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(leaf, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(leaf, "::1", 0), 1);
    BIO_free(bio);
    X509_free(leaf);
    buf_free(&pem);
    buf_free(&key);
}

static void names_that_could_be_configuration_are_refused(void **state) {
    const struct fixture *fixture = *state;
    const char *bad[] = {"a,DNS:b", "", "a b", "@section"};
    struct buf pem = {0}, key = {0};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ca_issue_server(fixture->ca, &bad[i], 1, NOW_MS, &pem, &key),
                         STATUS_INVALID);
    assert_int_equal(ca_issue_server(fixture->ca, bad, 0, NOW_MS, &pem, &key), STATUS_INVALID);
    assert_int_equal(buf_size(&pem) + buf_size(&key), 0);
}

static void a_ca_needs_its_own_key(void **state) {
    const struct fixture *fixture = *state;
    struct buf other = {0};
    struct ca *ca = NULL;
    assert_int_equal(ca_new_key(&other), STATUS_OK);
    assert_int_equal(ca_load(buf_view(&fixture->certificate), buf_view(&other), &ca),
                     STATUS_INVALID);
    assert_int_equal(ca_load(VIEW_LITERAL("rubbish"), buf_view(&fixture->key), &ca),
                     STATUS_INVALID);
    assert_int_equal(ca_load(view_from(NULL, 0), buf_view(&fixture->key), &ca), STATUS_INVALID);
    assert_null(ca);
    char error[200] = "";
    assert_int_equal(ca_load_files("/no/such/file", "/no/such/key", &ca, error, sizeof(error)),
                     STATUS_IO);
    assert_string_equal(error, "/no/such/file: No such file or directory");
    buf_free(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(device_certificate_verifies_for_clients_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_same_key_keeps_its_identity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_requests_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_p256_keys_are_signed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(server_certificate_names_its_hosts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_that_could_be_configuration_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_ca_needs_its_own_key, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
