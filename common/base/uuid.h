// 16-byte ids: UUIDv7 for records (time-ordered), version 8 for what is made from the data itself,
// any version for units.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/base/view.h"

#define UUID_SIZE 16
#define UUID_TEXT_SIZE 37 // with NUL

struct uuid {
    uint8_t bytes[UUID_SIZE];
};

// Version 7 from the given time and 74 random bits (the kernel's; never fails).
struct uuid uuid_new_v7(int64_t now_ms);
// Deterministic id (version 8) from a name: first 16 bytes of SHA-256 are set by the caller in
// `digest`.
struct uuid uuid_from_digest(const uint8_t digest[16]);
bool uuid_equal(struct uuid a, struct uuid b);
int uuid_compare(struct uuid a, struct uuid b); // <0, 0, >0 in byte order
bool uuid_is_nil(struct uuid id);
int uuid_version(struct uuid id); // 0: of another variant than RFC 9562's, so without a version
enum status uuid_parse(struct view text,
                       struct uuid *out_id) MUST_USE; // canonical 36 characters, either case
void uuid_format(struct uuid id, char out_text[UUID_TEXT_SIZE]);
// From a protobuf bytes field: must be 16 bytes.
enum status uuid_from_bytes(struct view bytes, struct uuid *out_id) MUST_USE;
