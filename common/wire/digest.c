// Hashes by libcrypto with one digest context per thread, since making one costs more than a short
// hash.
#include "common/wire/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

// Lives as long as its thread; a hash that can't be had leaves nothing sensible to do.
static _Thread_local EVP_MD_CTX *context;
static _Thread_local EVP_MD *algorithm;

static EVP_MD_CTX *begin(void) {
    if (algorithm == NULL)
        algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (context == NULL)
        context = EVP_MD_CTX_new();
    if (context == NULL || algorithm == NULL || EVP_DigestInit_ex2(context, algorithm, NULL) != 1)
        abort();
    return context;
}

void digest_thread_end(void) {
    EVP_MD_CTX_free(context);
    EVP_MD_free(algorithm);
    context = NULL;
    algorithm = NULL;
}

void digest_sha256_parts(const struct view *parts, size_t n,
                         uint8_t out_digest[DIGEST_SHA256_SIZE]) {
    EVP_MD_CTX *hash = begin();
    for (size_t i = 0; i < n; i++)
        if (parts[i].size > 0 && EVP_DigestUpdate(hash, parts[i].data, parts[i].size) != 1)
            abort();
    unsigned size = 0;
    if (EVP_DigestFinal_ex(hash, out_digest, &size) != 1 || size != DIGEST_SHA256_SIZE)
        abort();
}

void digest_sha256(struct view bytes, uint8_t out_digest[DIGEST_SHA256_SIZE]) {
    digest_sha256_parts(&bytes, 1, out_digest);
}

void digest_operation(struct view encoded, uint8_t out_hash[DIGEST_OPERATION_SIZE]) {
    uint8_t digest[DIGEST_SHA256_SIZE];
    digest_sha256(encoded, digest);
    memcpy(out_hash, digest, DIGEST_OPERATION_SIZE);
}

uint64_t digest_row(struct uuid id, uint64_t version) {
    uint8_t bytes[UUID_SIZE + 8];
    memcpy(bytes, id.bytes, UUID_SIZE);
    for (int i = 0; i < 8; i++)
        bytes[UUID_SIZE + i] = (uint8_t)(version >> (56 - 8 * i));
    uint8_t digest[DIGEST_SHA256_SIZE];
    digest_sha256(view_from(bytes, sizeof bytes), digest);
    uint64_t share = 0;
    for (int i = 0; i < 8; i++)
        share = share << 8 | digest[i];
    return share;
}
