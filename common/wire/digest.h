// The hashes of the protocol: SHA-256, operation hash, row digest.
// Pure functions on bytes; safe from any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/uuid.h"
#include "common/base/view.h"

#define DIGEST_SHA256_SIZE 32
#define DIGEST_OPERATION_SIZE 16

// A thread that has hashed anything frees what it kept for that before it ends.
void digest_thread_end(void);

void digest_sha256(struct view bytes, uint8_t out_digest[DIGEST_SHA256_SIZE]);
// SHA-256 over the parts one behind the other (no separator: the caller's parts must be
// unambiguous).
void digest_sha256_parts(const struct view *parts, size_t n,
                         uint8_t out_digest[DIGEST_SHA256_SIZE]);
// First 16 bytes of SHA-256 over the encoded lx.Operation.
void digest_operation(struct view encoded, uint8_t out_hash[DIGEST_OPERATION_SIZE]);
// A live row's share of its stream's digest: first 8 bytes (big-endian) of sha256(id | version as 8
// bytes big-endian). The digest of a stream is the xor over its live rows.
uint64_t digest_row(struct uuid id, uint64_t version);
