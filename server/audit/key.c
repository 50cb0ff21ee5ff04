// Ed25519 by libcrypto. What is signed is a label and the hash of the seal.
#include "server/audit/key.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/pem.h"
#include "common/wire/digest.h"

#define LABEL "lianxiao sign 1"
#define MESSAGE_SIZE (sizeof LABEL - 1 + SEAL_HASH_SIZE)
#define RING_MOST 16 // a new key every few years

struct audit_key {
    EVP_PKEY *pkey; // owns
    uint8_t id[SEAL_HASH_SIZE];
};

struct audit_ring {
    size_t n;
    struct audit_key keys[RING_MOST];
};

static enum status set_id(struct audit_key *key) {
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(key->pkey, &der);
    if (size <= 0)
        return STATUS_NO_MEMORY;
    digest_sha256(view_from(der, (size_t)size), key->id);
    OPENSSL_free(der);
    return STATUS_OK;
}

static void make_message(const uint8_t hash[SEAL_HASH_SIZE], uint8_t out_message[MESSAGE_SIZE]) {
    memcpy(out_message, LABEL, sizeof LABEL - 1);
    memcpy(out_message + sizeof LABEL - 1, hash, SEAL_HASH_SIZE);
}

// ---- making ----

static enum status append_bio(BIO *bio, bool written, struct buf *out) {
    char *data = NULL;
    long size = written ? BIO_get_mem_data(bio, &data) : 0;
    return size > 0 ? buf_append(out, data, (size_t)size) : STATUS_NO_MEMORY;
}

enum status audit_key_create(struct buf *out_private_pem, struct buf *out_public_pem) {
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    BIO *secret = BIO_new(BIO_s_mem());
    BIO *open = BIO_new(BIO_s_mem());
    enum status status = STATUS_NO_MEMORY;
    if (pkey != NULL && secret != NULL && open != NULL) {
        status = append_bio(secret,
                            PEM_write_bio_PrivateKey(secret, pkey, NULL, NULL, 0, NULL, NULL) == 1,
                            out_private_pem);
        if (status == STATUS_OK)
            status = append_bio(open, PEM_write_bio_PUBKEY(open, pkey) == 1, out_public_pem);
    }
    BIO_free(open);
    BIO_free(secret);
    EVP_PKEY_free(pkey);
    return status;
}

// ---- the private key ----

static EVP_PKEY *read_private(const char *path) {
    struct buf bytes = {0};
    enum status status = pem_read_file(path, &bytes);
    BIO *place = status == STATUS_OK ? pem_open(buf_view(&bytes)) : NULL;
    EVP_PKEY *pkey = pem_next_private_key(place);
    BIO_free(place);
    pem_forget(&bytes);
    return pkey;
}

enum status audit_key_load_file(const char *path, struct audit_key **out_key, char *out_error,
                                size_t error_size) {
    errno = 0;
    struct audit_key *key = calloc(1, sizeof *key);
    if (key == NULL)
        return STATUS_NO_MEMORY;
    key->pkey = read_private(path);
    if (key->pkey == NULL || !EVP_PKEY_is_a(key->pkey, "ED25519") || set_id(key) != STATUS_OK) {
        (void)snprintf(out_error, error_size, "%s: %s", path,
                       key->pkey == NULL && errno != 0 ? strerror(errno)
                                                       : "not an Ed25519 private key (PEM)");
        audit_key_free(&key);
        return STATUS_INVALID;
    }
    *out_key = key;
    return STATUS_OK;
}

void audit_key_free(struct audit_key **key) {
    if (*key == NULL)
        return;
    EVP_PKEY_free((*key)->pkey);
    free(*key);
    *key = NULL;
}

const uint8_t *audit_key_id(const struct audit_key *key) {
    return key->id;
}

enum status audit_key_sign(const struct audit_key *key, const uint8_t hash[SEAL_HASH_SIZE],
                           uint8_t out_signature[SEAL_SIGNATURE_SIZE]) {
    uint8_t message[MESSAGE_SIZE];
    size_t size = SEAL_SIGNATURE_SIZE;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    make_message(hash, message);
    bool done = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
                EVP_DigestSign(context, out_signature, &size, message, sizeof message) == 1 &&
                size == SEAL_SIGNATURE_SIZE;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return done ? STATUS_OK : STATUS_NO_MEMORY;
}

// ---- public keys ----

enum status audit_ring_read(struct view pem, struct audit_ring **out_ring) {
    struct audit_ring *ring = calloc(1, sizeof *ring);
    BIO *place = pem_open(pem);
    enum status status = ring != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    while (status == STATUS_OK && ring->n < RING_MOST) {
        struct audit_key *key = &ring->keys[ring->n];
        key->pkey = pem_next_public_key(place);
        if (key->pkey == NULL)
            break;
        ring->n++;
        status = EVP_PKEY_is_a(key->pkey, "ED25519") ? set_id(key) : STATUS_INVALID;
    }
    BIO_free(place);
    if (status == STATUS_OK && ring->n == 0)
        status = STATUS_NOT_FOUND;
    if (status != STATUS_OK)
        audit_ring_free(&ring);
    *out_ring = ring;
    return status;
}

void audit_ring_free(struct audit_ring **ring) {
    if (*ring == NULL)
        return;
    for (size_t i = 0; i < (*ring)->n; i++)
        EVP_PKEY_free((*ring)->keys[i].pkey);
    free(*ring);
    *ring = NULL;
}

static const struct audit_key *find(const struct audit_ring *ring,
                                    const uint8_t id[SEAL_HASH_SIZE]) {
    for (size_t i = 0; i < ring->n; i++)
        if (memcmp(ring->keys[i].id, id, SEAL_HASH_SIZE) == 0)
            return &ring->keys[i];
    return NULL;
}

bool audit_ring_has(const struct audit_ring *ring, const uint8_t id[SEAL_HASH_SIZE]) {
    return find(ring, id) != NULL;
}

bool audit_ring_verify(const struct audit_ring *ring, const uint8_t id[SEAL_HASH_SIZE],
                       const uint8_t hash[SEAL_HASH_SIZE], struct view signature) {
    uint8_t message[MESSAGE_SIZE];
    const struct audit_key *key = find(ring, id);
    EVP_MD_CTX *context = key != NULL ? EVP_MD_CTX_new() : NULL;
    make_message(hash, message);
    bool good =
        context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
        EVP_DigestVerify(context, signature.data, signature.size, message, sizeof message) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}
