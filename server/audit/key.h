// The key pair that signs seals: Ed25519, PEM files beside the CA's. Whoever has the database but
// not this key can't make a chain. Used by the sealer (private), lianxiaoctl (both).
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/wire/seal.h"

// Makes a pair; both PEM.
enum status audit_key_create(struct buf *out_private_pem, struct buf *out_public_pem) MUST_USE;

struct audit_key; // opaque: a private key
// NULL with a reason in out_error. STATUS_INVALID: not one Ed25519 key.
enum status audit_key_load_file(const char *path, struct audit_key **out_key, char *out_error,
                                size_t error_size) MUST_USE;
void audit_key_free(struct audit_key **key);
// SHA-256 of the public key's SubjectPublicKeyInfo: lx.seal.key.
const uint8_t *audit_key_id(const struct audit_key *key);
enum status audit_key_sign(const struct audit_key *key, const uint8_t hash[SEAL_HASH_SIZE],
                           uint8_t out_signature[SEAL_SIGNATURE_SIZE]) MUST_USE;

struct audit_ring; // opaque: public keys, the one in use and those before it
// All PUBLIC KEY blocks of the text. STATUS_NOT_FOUND: there is none.
enum status audit_ring_read(struct view pem, struct audit_ring **out_ring) MUST_USE;
void audit_ring_free(struct audit_ring **ring);
bool audit_ring_has(const struct audit_ring *ring, const uint8_t id[SEAL_HASH_SIZE]);
// False also for a key that is not in the ring.
bool audit_ring_verify(const struct audit_ring *ring, const uint8_t id[SEAL_HASH_SIZE],
                       const uint8_t hash[SEAL_HASH_SIZE], struct view signature);
