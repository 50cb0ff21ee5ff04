// Passwords: what is acceptable, and yescrypt hashes by libxcrypt. Pure functions without state.
// Each hash costs about 10 ms and 16 MiB, so the server calls these on its thread pool, never on
// the loop. lianxiaoctl calls them directly.
#pragma once

#include <stdbool.h>

#include "common/base/status.h"
#include "common/base/view.h"

#define PASSWORD_MIN_CHARACTERS 8
#define PASSWORD_MAX_CHARACTERS 128
#define PASSWORD_MAX_BYTES 511 // what crypt takes
#define PASSWORD_HASH_SIZE 384 // with NUL: room for every hash that crypt makes

// UTF-8 of 8 to 128 characters without control characters.
bool password_is_acceptable(struct view password);
// A new salt and hash, NUL-terminated. STATUS_INVALID: not acceptable. STATUS_NO_MEMORY: crypt had
// none.
enum status password_hash(struct view password, char out_hash[PASSWORD_HASH_SIZE]) MUST_USE;
// STATUS_OK: the password is right. STATUS_DENIED: it is not. stored: the stored hash, or NULL for
// an account that does not exist: the same work is done and the answer is STATUS_DENIED.
// STATUS_NO_MEMORY, STATUS_CORRUPT (stored is no hash).
enum status password_check(struct view password, const char *stored) MUST_USE;
