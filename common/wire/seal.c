// SHA-256 and SM3 by libcrypto behind one table.
#include "common/wire/seal.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static const struct algorithm {
    const char *name;   // ours
    const char *digest; // libcrypto's
} ALGORITHMS[] = {
    [SEAL_SHA256] = {"sha256", "SHA256"},
    [SEAL_SM3] = {"sm3", "SM3"},
};
#define ALGORITHM_COUNT (sizeof ALGORITHMS / sizeof ALGORITHMS[0])

const char *seal_algorithm_name(int64_t algorithm) {
    return algorithm > 0 && algorithm < (int64_t)ALGORITHM_COUNT ? ALGORITHMS[algorithm].name
                                                                 : NULL;
}

enum status seal_algorithm_parse(const char *name, enum seal_algorithm *out_algorithm) {
    for (size_t i = 1; i < ALGORITHM_COUNT; i++) {
        if (strcmp(ALGORITHMS[i].name, name) == 0) {
            *out_algorithm = (enum seal_algorithm)i;
            return STATUS_OK;
        }
    }
    return STATUS_NOT_FOUND;
}

// Fetched once a thread and kept: fetching costs more than hashing. Without it nothing sensible can
// be done.
static const EVP_MD *digest_of(enum seal_algorithm algorithm) {
    static _Thread_local const EVP_MD *digests[ALGORITHM_COUNT];
    if (digests[algorithm] == NULL)
        digests[algorithm] = EVP_MD_fetch(NULL, ALGORITHMS[algorithm].digest, NULL);
    if (digests[algorithm] == NULL)
        abort();
    return digests[algorithm];
}

static void hash_parts(enum seal_algorithm algorithm, const struct view *parts, size_t n,
                       uint8_t out_hash[SEAL_HASH_SIZE]) {
    static _Thread_local EVP_MD_CTX *context; // lives as long as its thread
    if (context == NULL)
        context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex2(context, digest_of(algorithm), NULL) != 1)
        abort();
    for (size_t i = 0; i < n; i++)
        if (parts[i].size > 0 && EVP_DigestUpdate(context, parts[i].data, parts[i].size) != 1)
            abort();
    unsigned size = 0;
    if (EVP_DigestFinal_ex(context, out_hash, &size) != 1 || size != SEAL_HASH_SIZE)
        abort();
}

void seal_leaf(enum seal_algorithm algorithm, struct view row, uint8_t out_leaf[SEAL_HASH_SIZE]) {
    const struct view parts[] = {VIEW_LITERAL("\x00"), row};
    hash_parts(algorithm, parts, 2, out_leaf);
}

void seal_root(enum seal_algorithm algorithm, const uint8_t (*leaves)[SEAL_HASH_SIZE], size_t n,
               uint8_t out_root[SEAL_HASH_SIZE]) {
    uint8_t sides[2][SEAL_HASH_SIZE];
    size_t left = 1;
    if (n == 0) {
        hash_parts(algorithm, NULL, 0, out_root);
        return;
    }
    if (n == 1) {
        memcpy(out_root, leaves[0], SEAL_HASH_SIZE);
        return;
    }
    while (left * 2 < n)
        left *= 2;
    seal_root(algorithm, leaves, left, sides[0]); // as deep as n has binary digits
    seal_root(algorithm, leaves + left, n - left, sides[1]);
    const struct view parts[] = {VIEW_LITERAL("\x01"), view_from(sides, sizeof sides)};
    hash_parts(algorithm, parts, 2, out_root);
}

static uint8_t *put_number(uint8_t *at, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    return at + size;
}

void seal_hash(const struct seal *seal, uint8_t out_hash[SEAL_HASH_SIZE]) {
    uint8_t numbers[32];
    uint8_t *at = numbers;
    at = put_number(at, (uint64_t)seal->algorithm, 4);
    at = put_number(at, (uint32_t)seal->district, 4);
    at = put_number(at, (uint64_t)seal->number, 8);
    at = put_number(at, (uint64_t)seal->sealed_at_us, 8);
    at = put_number(at, (uint32_t)seal->runs, 4);
    put_number(at, (uint32_t)seal->actions, 4);
    const struct view parts[] = {
        VIEW_LITERAL("lianxiao seal 1"),           view_from(numbers, sizeof numbers),
        view_from(seal->previous, SEAL_HASH_SIZE), view_from(seal->root, SEAL_HASH_SIZE),
        view_from(seal->key, SEAL_HASH_SIZE),
    };
    hash_parts(seal->algorithm, parts, sizeof parts / sizeof parts[0], out_hash);
}
