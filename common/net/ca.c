// Keys and certificates of a deployment, made and read with OpenSSL's X509 functions.
// Every function frees what it made on every way out and leaves OpenSSL's error queue empty.
#include "common/net/ca.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/net/ca_internal.h"
#include "common/net/pem.h"

#define SERIAL_BYTES 16 // 128 random bits: unique without a counter
#define BACKDATE_S 3600 // certificates begin an hour ago, for peers whose clock is behind
#define DAY_S 86400
#define MAX_NAMES_BYTES 1024 // all names of one server, as an extension's text

struct ca {
    X509 *certificate; // owns
    EVP_PKEY *key;     // owns
    unsigned holders;
};

// An extension as OpenSSL's configuration language writes it.
struct extension {
    int nid;
    const char *value;
};

// What a certificate shall say, beside its key.
struct issuing {
    const char *common_name;
    int days;
    const struct extension *extensions;
    size_t n_extensions;
};

// Moves what a memory BIO holds to the end of the buffer.
static enum status append_bio(BIO *bio, struct buf *out) {
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);
    return size > 0 ? buf_append(out, data, (size_t)size) : STATUS_NO_MEMORY;
}

static enum status append_key_pem(EVP_PKEY *key, struct buf *out) {
    BIO *bio = BIO_new(BIO_s_mem());
    enum status status = STATUS_NO_MEMORY;
    if (bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
        status = append_bio(bio, out);
    BIO_free(bio);
    return status;
}

static enum status append_certificate_pem(X509 *certificate, struct buf *out) {
    BIO *bio = BIO_new(BIO_s_mem());
    enum status status = STATUS_NO_MEMORY;
    if (bio != NULL && PEM_write_bio_X509(bio, certificate) == 1)
        status = append_bio(bio, out);
    BIO_free(bio);
    return status;
}

enum status ca_append_certificate_der(X509 *certificate, struct buf *out) {
    unsigned char *der = NULL;
    int size = i2d_X509(certificate, &der);
    enum status status = size > 0 ? buf_append(out, der, (size_t)size) : STATUS_NO_MEMORY;
    OPENSSL_free(der);
    return status;
}

EVP_PKEY *ca_read_key_pem(struct view pem) {
    BIO *place = pem_open(pem);
    EVP_PKEY *key = pem_next_private_key(place);
    BIO_free(place);
    return key;
}

X509 *ca_read_certificate_pem(struct view pem) {
    BIO *place = pem_open(pem);
    X509 *certificate = pem_next_certificate(place);
    BIO_free(place);
    return certificate;
}

// The whole view must be one certificate.
X509 *ca_read_certificate_der(struct view der) {
    const unsigned char *end = der.data;
    X509 *certificate = der.size > 0 ? d2i_X509(NULL, &end, (long)der.size) : NULL;
    if (certificate != NULL && end != der.data + der.size) {
        X509_free(certificate);
        certificate = NULL;
    }
    ERR_clear_error();
    return certificate;
}

bool ca_is_p256(const EVP_PKEY *key) {
    char group[32] = "";
    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
           strcmp(group, SN_X9_62_prime256v1) == 0;
}

// SHA-256 of a SubjectPublicKeyInfo.
enum status ca_key_digest(X509_PUBKEY *public_key, uint8_t out_digest[CA_DEVICE_SIZE]) {
    unsigned char *der = NULL;
    int size = i2d_X509_PUBKEY(public_key, &der);
    if (size <= 0)
        return STATUS_INVALID;
    SHA256(der, (size_t)size, out_digest);
    OPENSSL_free(der);
    return STATUS_OK;
}

static bool set_serial(X509 *certificate) {
    unsigned char bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); // positive, and always the same length
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool done =
        number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done;
}

static bool set_times(X509 *certificate, int64_t now_ms, int days) {
    time_t from = (time_t)(now_ms / 1000) - BACKDATE_S;
    time_t until = (time_t)(now_ms / 1000) + (time_t)days * DAY_S;
    return ASN1_TIME_set(X509_getm_notBefore(certificate), from) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), until) != NULL;
}

static bool set_subject(X509 *certificate, const char *common_name) {
    X509_NAME *name = X509_get_subject_name(certificate); // borrows
    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Lianxiao",
                                      -1, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name,
                                      -1, -1, 0) == 1;
}

static bool add_extensions(X509 *certificate, X509 *issuer, const struct extension *extensions,
                           size_t n) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (size_t i = 0; i < n; i++) {
        X509_EXTENSION *made =
            X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
        bool added = made != NULL && X509_add_ext(certificate, made, -1) == 1;
        X509_EXTENSION_free(made);
        if (!added)
            return false;
    }
    return true;
}

// A certificate with everything but extensions and signature; NULL on failure.
static X509 *begin_certificate(const char *common_name, EVP_PKEY *public_key, int64_t now_ms,
                               int days) {
    X509 *certificate = X509_new();
    if (certificate != NULL && X509_set_version(certificate, X509_VERSION_3) == 1 &&
        set_serial(certificate) && set_times(certificate, now_ms, days) &&
        set_subject(certificate, common_name) && X509_set_pubkey(certificate, public_key) == 1)
        return certificate;
    X509_free(certificate);
    return NULL;
}

static enum status finish_certificate(X509 *certificate, X509 *issuer, EVP_PKEY *issuer_key,
                                      const struct extension *extensions, size_t n) {
    if (X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
        add_extensions(certificate, issuer, extensions, n) &&
        X509_sign(certificate, issuer_key, EVP_sha256()) > 0)
        return STATUS_OK;
    ERR_clear_error();
    return STATUS_NO_MEMORY;
}

enum status ca_create(const char *name, int64_t now_ms, struct buf *out_certificate_pem,
                      struct buf *out_key_pem) {
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
    };
    enum status status = STATUS_NO_MEMORY;
    EVP_PKEY *key = EVP_EC_gen(SN_X9_62_prime256v1);
    X509 *certificate = key != NULL ? begin_certificate(name, key, now_ms, CA_VALID_DAYS) : NULL;
    if (certificate != NULL)
        status = finish_certificate(certificate, certificate, key, extensions,
                                    sizeof(extensions) / sizeof(extensions[0]));
    if (status == STATUS_OK)
        status = append_certificate_pem(certificate, out_certificate_pem);
    if (status == STATUS_OK)
        status = append_key_pem(key, out_key_pem);
    X509_free(certificate);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return status;
}

enum status ca_load(struct view certificate_pem, struct view key_pem, struct ca **out_ca) {
    struct ca *ca = calloc(1, sizeof(*ca));
    if (ca == NULL)
        return STATUS_NO_MEMORY;
    ca->holders = 1;
    ca->certificate = ca_read_certificate_pem(certificate_pem);
    ca->key = ca_read_key_pem(key_pem);
    if (ca->certificate == NULL || ca->key == NULL ||
        X509_check_private_key(ca->certificate, ca->key) != 1 ||
        X509_check_ca(ca->certificate) == 0) {
        ca_free(&ca);
        ERR_clear_error();
        return STATUS_INVALID;
    }
    *out_ca = ca;
    return STATUS_OK;
}

enum status ca_load_files(const char *certificate_file, const char *key_file, struct ca **out_ca,
                          char *out_error, size_t error_size) {
    struct buf certificate = {0}, key = {0};
    const char *culprit = certificate_file;
    enum status status = pem_read_file(certificate_file, &certificate);
    if (status == STATUS_OK) {
        culprit = key_file;
        status = pem_read_file(key_file, &key);
    }
    if (status == STATUS_OK)
        status = ca_load(buf_view(&certificate), buf_view(&key), out_ca);
    if (status == STATUS_INVALID)
        snprintf(out_error, error_size, "%s and %s are not a CA's certificate and its key",
                 certificate_file, key_file);
    else if (status != STATUS_OK)
        snprintf(out_error, error_size, "%s: %s", culprit, strerror(errno));
    buf_free(&certificate);
    pem_forget(&key);
    return status;
}

struct ca *ca_hold(struct ca *ca) {
    ca->holders++;
    return ca;
}

void ca_free(struct ca **ca_at) {
    struct ca *ca = *ca_at;
    *ca_at = NULL;
    if (ca == NULL || --ca->holders > 0)
        return;
    X509_free(ca->certificate);
    EVP_PKEY_free(ca->key);
    free(ca);
}

enum status ca_certificate_der(const struct ca *ca, struct buf *out_der) {
    return ca_append_certificate_der(ca->certificate, out_der);
}

static bool is_address(const char *name) {
    uint8_t room[16];
    return inet_pton(AF_INET, name, room) == 1 || inet_pton(AF_INET6, name, room) == 1;
}

// "DNS:a,IP:127.0.0.1". Names are letters, digits, '.', '-', ':' only: the text is OpenSSL's
// configuration language.
static enum status format_names(const char *const *names, size_t n,
                                char out_text[MAX_NAMES_BYTES]) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:";
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        size_t size = strlen(names[i]);
        if (size == 0 || strspn(names[i], allowed) != size)
            return STATUS_INVALID;
        int written = snprintf(out_text + used, MAX_NAMES_BYTES - used, "%s%s:%s", i > 0 ? "," : "",
                               is_address(names[i]) ? "IP" : "DNS", names[i]);
        if (written < 0 || (size_t)written >= MAX_NAMES_BYTES - used)
            return STATUS_LIMIT;
        used += (size_t)written;
    }
    return n > 0 ? STATUS_OK : STATUS_INVALID;
}

// A new key and a certificate for it, both PEM, appended.
static enum status issue(const struct ca *ca, const struct issuing *what, int64_t now_ms,
                         struct buf *out_certificate_pem, struct buf *out_key_pem) {
    enum status status = STATUS_NO_MEMORY;
    EVP_PKEY *key = EVP_EC_gen(SN_X9_62_prime256v1);
    X509 *certificate =
        key != NULL ? begin_certificate(what->common_name, key, now_ms, what->days) : NULL;
    if (certificate != NULL)
        status = finish_certificate(certificate, ca->certificate, ca->key, what->extensions,
                                    what->n_extensions);
    if (status == STATUS_OK)
        status = append_certificate_pem(certificate, out_certificate_pem);
    if (status == STATUS_OK)
        status = append_key_pem(key, out_key_pem);
    X509_free(certificate);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return status;
}

enum status ca_issue_server(const struct ca *ca, const char *const *names, size_t n_names,
                            int64_t now_ms, struct buf *out_certificate_pem,
                            struct buf *out_key_pem) {
    char alternative[MAX_NAMES_BYTES];
    char common_name[65];
    TRY(format_names(names, n_names, alternative));
    snprintf(common_name, sizeof(common_name), "%.64s", names[0]); // X.520 allows 64
    const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_alt_name, alternative},
        {NID_authority_key_identifier, "keyid"},
    };
    const struct issuing what = {common_name, CA_SERVER_VALID_DAYS, extensions,
                                 sizeof(extensions) / sizeof(extensions[0])};
    return issue(ca, &what, now_ms, out_certificate_pem, out_key_pem);
}

enum status ca_issue_bundle(const struct ca *ca, int64_t now_ms, struct buf *out_certificate_pem,
                            struct buf *out_key_pem) {
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,keyAgreement"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid"},
    };
    static const struct issuing what = {"bundles", CA_BUNDLE_VALID_DAYS, extensions,
                                        sizeof(extensions) / sizeof(extensions[0])};
    return issue(ca, &what, now_ms, out_certificate_pem, out_key_pem);
}

// A request that is one whole PKCS#10 with a P-256 key and a right signature of that key; else
// NULL.
static X509_REQ *read_csr(struct view der) {
    if (der.size == 0 || der.size > CA_MAX_CSR_BYTES)
        return NULL;
    const unsigned char *end = der.data;
    X509_REQ *csr = d2i_X509_REQ(NULL, &end, (long)der.size);
    EVP_PKEY *key = csr != NULL ? X509_REQ_get0_pubkey(csr) : NULL; // borrows
    if (key == NULL || end != der.data + der.size || !ca_is_p256(key) ||
        X509_REQ_verify(csr, key) != 1) {
        X509_REQ_free(csr);
        csr = NULL;
    }
    ERR_clear_error();
    return csr;
}

enum status ca_csr_device(struct view csr_der, uint8_t out_device[CA_DEVICE_SIZE]) {
    X509_REQ *csr = read_csr(csr_der);
    if (csr == NULL)
        return STATUS_INVALID;
    enum status status = ca_key_digest(X509_REQ_get_X509_PUBKEY(csr), out_device);
    X509_REQ_free(csr);
    return status;
}

enum status ca_sign_device(const struct ca *ca, struct view csr_der, int64_t now_ms,
                           uint8_t out_device[CA_DEVICE_SIZE], struct buf *out_certificate_der) {
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "clientAuth"},
        {NID_authority_key_identifier, "keyid"},
    };
    X509_REQ *csr = read_csr(csr_der);
    if (csr == NULL)
        return STATUS_INVALID;
    enum status status = ca_key_digest(X509_REQ_get_X509_PUBKEY(csr), out_device);
    char common_name[2 * CA_DEVICE_SIZE + 1] = "";
    for (size_t i = 0; status == STATUS_OK && i < CA_DEVICE_SIZE; i++)
        snprintf(common_name + 2 * i, 3, "%02x", out_device[i]);
    X509 *certificate =
        begin_certificate(common_name, X509_REQ_get0_pubkey(csr), now_ms, CA_DEVICE_VALID_DAYS);
    if (status == STATUS_OK && certificate == NULL)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = finish_certificate(certificate, ca->certificate, ca->key, extensions,
                                    sizeof(extensions) / sizeof(extensions[0]));
    if (status == STATUS_OK)
        status = ca_append_certificate_der(certificate, out_certificate_der);
    X509_free(certificate);
    X509_REQ_free(csr);
    ERR_clear_error();
    return status;
}

enum status ca_key_device(struct view key_pem, uint8_t out_device[CA_DEVICE_SIZE]) {
    EVP_PKEY *key = ca_read_key_pem(key_pem);
    unsigned char *der = NULL;
    int size = key != NULL ? i2d_PUBKEY(key, &der) : 0;
    if (size > 0)
        SHA256(der, (size_t)size, out_device);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return size > 0 ? STATUS_OK : STATUS_INVALID;
}

enum status ca_new_key(struct buf *out_key_pem) {
    EVP_PKEY *key = EVP_EC_gen(SN_X9_62_prime256v1);
    enum status status = key != NULL ? append_key_pem(key, out_key_pem) : STATUS_NO_MEMORY;
    EVP_PKEY_free(key);
    ERR_clear_error();
    return status;
}

enum status ca_new_csr(struct view key_pem, struct buf *out_csr_der) {
    EVP_PKEY *key = ca_read_key_pem(key_pem);
    if (key == NULL)
        return STATUS_INVALID;
    enum status status = STATUS_NO_MEMORY;
    X509_REQ *csr = X509_REQ_new();
    unsigned char *der = NULL;
    int size = 0;
    if (csr != NULL && X509_REQ_set_version(csr, X509_REQ_VERSION_1) == 1 &&
        X509_REQ_set_pubkey(csr, key) == 1 && X509_REQ_sign(csr, key, EVP_sha256()) > 0)
        size = i2d_X509_REQ(csr, &der);
    if (size > 0)
        status = buf_append(out_csr_der, der, (size_t)size);
    OPENSSL_free(der);
    X509_REQ_free(csr);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return status;
}

static enum status read_time(const ASN1_TIME *time, int64_t *out_time_ms) {
    struct tm parts;
    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1)
        return STATUS_INVALID;
    *out_time_ms = (int64_t)timegm(&parts) * 1000;
    return STATUS_OK;
}

enum status ca_read_certificate(const X509 *certificate, struct ca_certificate *out_certificate) {
    TRY(ca_key_digest(X509_get_X509_PUBKEY(certificate), out_certificate->device));
    TRY(read_time(X509_get0_notBefore(certificate), &out_certificate->not_before_ms));
    return read_time(X509_get0_notAfter(certificate), &out_certificate->not_after_ms);
}

enum status ca_parse_certificate(struct view certificate, struct ca_certificate *out_certificate) {
    static const char pem_mark[] = "-----BEGIN";
    bool pem = certificate.size > sizeof(pem_mark) &&
               memcmp(certificate.data, pem_mark, sizeof(pem_mark) - 1) == 0;
    X509 *read = pem ? ca_read_certificate_pem(certificate) : ca_read_certificate_der(certificate);
    if (read == NULL)
        return STATUS_INVALID;
    enum status status = ca_read_certificate(read, out_certificate);
    X509_free(read);
    return status;
}

enum status ca_certificate_to_pem(struct view certificate_der, struct buf *out_pem) {
    X509 *certificate = ca_read_certificate_der(certificate_der);
    if (certificate == NULL)
        return STATUS_INVALID;
    enum status status = append_certificate_pem(certificate, out_pem);
    X509_free(certificate);
    return status;
}
