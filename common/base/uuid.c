// 16-byte ids: making, comparing, reading and writing them.
// Owns nothing. Random bits come from the kernel.
#include "common/base/uuid.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void fill_random(uint8_t *data, size_t size) {
    while (size > 0) {
        ssize_t got = getrandom(data, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) // no kernel that runs this program lacks it; ids must never be guessable
            abort();
        data += got;
        size -= (size_t)got;
    }
}

static void set_version(struct uuid *id, unsigned version) {
    id->bytes[6] = (uint8_t)((id->bytes[6] & 0x0f) | (version << 4));
    id->bytes[8] = (uint8_t)((id->bytes[8] & 0x3f) | 0x80); // RFC 9562 variant
}

struct uuid uuid_new_v7(int64_t now_ms) {
    struct uuid id;
    fill_random(id.bytes + 6, UUID_SIZE - 6);
    uint64_t time = (uint64_t)now_ms;
    for (int i = 5; i >= 0; i--) {
        id.bytes[i] = (uint8_t)time;
        time >>= 8;
    }
    set_version(&id, 7);
    return id;
}

struct uuid uuid_from_digest(const uint8_t digest[16]) {
    struct uuid id;
    memcpy(id.bytes, digest, UUID_SIZE);
    set_version(&id, 8);
    return id;
}

bool uuid_equal(struct uuid a, struct uuid b) {
    return memcmp(a.bytes, b.bytes, UUID_SIZE) == 0;
}

static uint64_t half(const uint8_t bytes[8]) {
    uint64_t number;
    memcpy(&number, bytes, sizeof number);
    return be64toh(number);
}

int uuid_compare(struct uuid a, struct uuid b) {
    uint64_t first = half(a.bytes);
    uint64_t second = half(b.bytes);
    if (first == second) {
        first = half(a.bytes + 8);
        second = half(b.bytes + 8);
    }
    return (first > second) - (first < second);
}

bool uuid_is_nil(struct uuid id) {
    static const struct uuid nil;
    return uuid_equal(id, nil);
}

int uuid_version(struct uuid id) {
    bool is_rfc = (id.bytes[8] & 0xc0) == 0x80; // the variant whose versions these are
    return is_rfc ? id.bytes[6] >> 4 : 0;
}

static int hex_value(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

// Dashes stand before the bytes 4, 6, 8 and 10.
static bool dash_before(size_t byte) {
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

enum status uuid_parse(struct view text, struct uuid *out_id) {
    if (text.size != UUID_TEXT_SIZE - 1)
        return STATUS_INVALID;
    struct uuid id;
    const uint8_t *at = text.data;
    for (size_t i = 0; i < UUID_SIZE; i++) {
        if (dash_before(i) && *at++ != '-')
            return STATUS_INVALID;
        int high = hex_value(at[0]);
        int low = hex_value(at[1]);
        if (high < 0 || low < 0)
            return STATUS_INVALID;
        id.bytes[i] = (uint8_t)(high * 16 + low);
        at += 2;
    }
    *out_id = id;
    return STATUS_OK;
}

void uuid_format(struct uuid id, char out_text[UUID_TEXT_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    char *at = out_text;
    for (size_t i = 0; i < UUID_SIZE; i++) {
        if (dash_before(i))
            *at++ = '-';
        *at++ = digits[id.bytes[i] >> 4];
        *at++ = digits[id.bytes[i] & 0x0f];
    }
    *at = '\0';
}

enum status uuid_from_bytes(struct view bytes, struct uuid *out_id) {
    if (bytes.size != UUID_SIZE)
        return STATUS_INVALID;
    memcpy(out_id->bytes, bytes.data, UUID_SIZE);
    return STATUS_OK;
}
