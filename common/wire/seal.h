// The arithmetic of the audit chain: leaves, the tree's root, the hash of a seal. Pure functions on
// bytes; the sealer, lianxiaoctl audit and tests call them. proto/README.md explains them.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/base/view.h"

#define SEAL_HASH_SIZE 32
#define SEAL_SIGNATURE_SIZE 64

// Numbers of lx.seal.algorithm and lx.SealHead.algorithm.
enum seal_algorithm { SEAL_SHA256 = 1, SEAL_SM3 = 2 };

// "sha256" or "sm3"; NULL: there is no such algorithm.
const char *seal_algorithm_name(int64_t algorithm);
// STATUS_NOT_FOUND: no such name.
enum status seal_algorithm_parse(const char *name, enum seal_algorithm *out_algorithm) MUST_USE;

// A row's leaf: H(0x00 | encoded row).
void seal_leaf(enum seal_algorithm algorithm, struct view row, uint8_t out_leaf[SEAL_HASH_SIZE]);

// Root of the tree of RFC 6962 over the leaves in their order: H(0x01 | left | right), the left
// side the largest power of two below n; of no leaves H("").
void seal_root(enum seal_algorithm algorithm, const uint8_t (*leaves)[SEAL_HASH_SIZE], size_t n,
               uint8_t out_root[SEAL_HASH_SIZE]);

// What a seal says; its hash is the head of its district's chain.
struct seal {
    int32_t district;
    int64_t number; // from 1
    enum seal_algorithm algorithm;
    int64_t sealed_at_us; // since 1970
    int32_t runs, actions;
    uint8_t previous[SEAL_HASH_SIZE]; // of number 1: zeros
    uint8_t root[SEAL_HASH_SIZE];
    uint8_t key[SEAL_HASH_SIZE]; // SHA-256 of the public key that signs (SubjectPublicKeyInfo)
};
void seal_hash(const struct seal *seal, uint8_t out_hash[SEAL_HASH_SIZE]);
