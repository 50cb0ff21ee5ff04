// The parts of a bundle file. See bundle_file.h; proto/README.md has the layout.
#include "common/wire/bundle_file.h"

#include <string.h>

// Where the fields of a head lie; all numbers are big-endian.
enum {
    AT_MAGIC = 0,
    AT_VERSION = 8,
    AT_KIND = 9,
    AT_PART = 10,
    AT_PARTS = 12,
    AT_RESERVED = 14,
    AT_LENGTH = 16,
    AT_ID = 20,
    AT_DEPLOYMENT = 36
};

#define MAGIC_SIZE 8
static const uint8_t MAGIC[MAGIC_SIZE] = {'L', 'X', 'B', 'U', 'N', 'D', 'L', 'E'};

static void put16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, (uint16_t)(value >> 16));
    put16(at + 2, (uint16_t)value);
}

static uint16_t get16(const uint8_t *at) {
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at) {
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

enum status bundle_file_append(const struct bundle_head *head, struct view container,
                               struct buf *out) {
    uint8_t bytes[BUNDLE_FILE_HEAD_SIZE] = {0};
    uint8_t checksum[DIGEST_SHA256_SIZE];
    if (container.size > BUNDLE_FILE_MAX_PART - BUNDLE_FILE_HEAD_SIZE - DIGEST_SHA256_SIZE)
        return STATUS_LIMIT;
    memcpy(bytes + AT_MAGIC, MAGIC, MAGIC_SIZE);
    bytes[AT_VERSION] = head->version;
    bytes[AT_KIND] = (uint8_t)head->kind;
    put16(bytes + AT_PART, head->part);
    put16(bytes + AT_PARTS, head->parts);
    put32(bytes + AT_LENGTH, (uint32_t)container.size);
    memcpy(bytes + AT_ID, head->id.bytes, UUID_SIZE);
    memcpy(bytes + AT_DEPLOYMENT, head->deployment, BUNDLE_DEPLOYMENT_SIZE);
    const struct view parts[] = {view_from(bytes, sizeof bytes), container};
    digest_sha256_parts(parts, 2, checksum);
    TRY(buf_append(out, bytes, sizeof bytes));
    TRY(buf_append(out, container.data, container.size));
    return buf_append(out, checksum, sizeof checksum);
}

static void read_head(const uint8_t *bytes, struct bundle_head *out_head) {
    *out_head = (struct bundle_head){
        .version = bytes[AT_VERSION],
        .kind = (enum bundle_kind)bytes[AT_KIND],
        .part = get16(bytes + AT_PART),
        .parts = get16(bytes + AT_PARTS),
    };
    memcpy(out_head->id.bytes, bytes + AT_ID, UUID_SIZE);
    memcpy(out_head->deployment, bytes + AT_DEPLOYMENT, BUNDLE_DEPLOYMENT_SIZE);
}

static bool checksum_fits(struct view whole) {
    uint8_t checksum[DIGEST_SHA256_SIZE];
    size_t covered = whole.size - DIGEST_SHA256_SIZE;
    digest_sha256(view_from(whole.data, covered), checksum);
    return memcmp(checksum, whole.data + covered, sizeof checksum) == 0;
}

// What a right checksum does not say: a program that wrote nonsense.
static bool head_is_sane(const uint8_t *bytes, const struct bundle_head *head) {
    return (head->kind == BUNDLE_KIND_BUNDLE || head->kind == BUNDLE_KIND_RECEIPT) &&
           head->part >= 1 && head->part <= head->parts && head->parts <= BUNDLE_FILE_MAX_PARTS &&
           get16(bytes + AT_RESERVED) == 0;
}

enum reason_id bundle_file_take(struct view *rest, struct bundle_part *out_part) {
    size_t known = rest->size < MAGIC_SIZE ? rest->size : MAGIC_SIZE;
    if (rest->size > 0 && memcmp(rest->data, MAGIC, known) != 0)
        return REASON_BUNDLE_NOT_ONE;
    if (rest->size < BUNDLE_FILE_HEAD_SIZE)
        return REASON_BUNDLE_CUT;
    const uint8_t *bytes = rest->data;
    read_head(bytes, &out_part->head);
    size_t length = get32(bytes + AT_LENGTH);
    if (length > BUNDLE_FILE_MAX_PART - BUNDLE_FILE_HEAD_SIZE - DIGEST_SHA256_SIZE)
        return REASON_BUNDLE_TOO_LARGE;
    size_t size = BUNDLE_FILE_HEAD_SIZE + length + DIGEST_SHA256_SIZE;
    if (rest->size < size)
        return REASON_BUNDLE_CUT;
    out_part->whole = view_from(bytes, size);
    out_part->container = view_from(bytes + BUNDLE_FILE_HEAD_SIZE, length);
    if (!checksum_fits(out_part->whole))
        return REASON_BUNDLE_CHANGED;
    if (out_part->head.version != BUNDLE_FILE_VERSION)
        return REASON_BUNDLE_VERSION;
    if (!head_is_sane(bytes, &out_part->head))
        return REASON_BUNDLE_CONTENT;
    *rest = view_from(bytes + size, rest->size - size);
    return REASON_NONE;
}

static bool goes_on(const struct bundle_head *first, const struct bundle_head *next,
                    uint16_t part) {
    return next->kind == first->kind && next->part == part && next->parts == first->parts &&
           uuid_equal(next->id, first->id) &&
           memcmp(next->deployment, first->deployment, BUNDLE_DEPLOYMENT_SIZE) == 0;
}

enum reason_id bundle_file_check(struct view file, struct bundle_head *out_head) {
    struct view rest = file;
    if (file.size > BUNDLE_FILE_MAX_BYTES)
        return REASON_BUNDLE_TOO_LARGE;
    for (uint16_t part = 1; part == 1 || part <= out_head->parts; part++) {
        struct bundle_part read = {0};
        enum reason_id reason = bundle_file_take(&rest, &read);
        if (part == 1)
            *out_head = read.head;
        if (reason != REASON_NONE)
            return reason;
        if (!goes_on(out_head, &read.head, part))
            return REASON_BUNDLE_CHANGED;
    }
    return rest.size == 0 ? REASON_NONE : REASON_BUNDLE_CHANGED;
}
