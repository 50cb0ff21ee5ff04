// Random secrets that people or programs carry: enrolment codes, first passwords, session tokens;
// and the hashes under which the database keeps them. Used by the handlers and by lianxiaoctl.
#pragma once

#include "common/base/status.h"
#include "common/base/view.h"

#define SECRET_CODE_SIZE 15     // "XXXX-XXXX-XXXX" with NUL: 12 characters of 32, 60 bits
#define SECRET_PASSWORD_SIZE 17 // 16 characters of 32 with NUL, 80 bits
#define SECRET_LOOKUP_SIZE 5    // with NUL
#define SECRET_TOKEN_SIZE 32
#define SECRET_HASH_SIZE 32 // SHA-256

// STATUS_IO: the system has no randomness.
enum status secret_new_code(char out_code[SECRET_CODE_SIZE]) MUST_USE;
enum status secret_new_password(char out_password[SECRET_PASSWORD_SIZE]) MUST_USE;
enum status secret_new_token(uint8_t out_token[SECRET_TOKEN_SIZE]) MUST_USE;

// Hash of a code as a person typed it: case, spaces and dashes do not matter, O reads as 0, I and L
// as 1. STATUS_INVALID: it cannot be a code.
enum status secret_hash_code(struct view typed, uint8_t out_hash[SECRET_HASH_SIZE]) MUST_USE;
// Under which part of it the database finds the code: its first characters, NUL-terminated.
enum status secret_lookup_code(struct view typed, char out_lookup[SECRET_LOOKUP_SIZE]) MUST_USE;
void secret_hash_token(struct view token, uint8_t out_hash[SECRET_HASH_SIZE]);
