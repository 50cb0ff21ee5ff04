// The scan of a raw payload. One recursion level per message level, bounded by the limits; every
// byte is looked at once. See scan.h.
#include "common/wire/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// 500 operations or 10,000 streams in a request with room; a full page of rows in a reply.
const struct scan_limits SCAN_LIMITS_REQUEST = {20000, SCAN_MAX_DEPTH, false};
const struct scan_limits SCAN_LIMITS_REPLY = {400000, SCAN_MAX_DEPTH, true};

#define MAX_FIELDS 64       // of one message type: a bit each in the mask of fields seen
#define MAX_VARINT_BYTES 10 // of 64 bits
#define MAX_LENGTH_BYTES 5  // of a tag or a length: protobuf-c reads no more
#define MAX_FIELD_NUMBER 536870911u

enum wire_type {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_FIXED32 = 5,
};

static const uint8_t WIRE_TYPE_OF[] = {
    [PROTOBUF_C_TYPE_INT32] = WIRE_VARINT,     [PROTOBUF_C_TYPE_SINT32] = WIRE_VARINT,
    [PROTOBUF_C_TYPE_SFIXED32] = WIRE_FIXED32, [PROTOBUF_C_TYPE_INT64] = WIRE_VARINT,
    [PROTOBUF_C_TYPE_SINT64] = WIRE_VARINT,    [PROTOBUF_C_TYPE_SFIXED64] = WIRE_FIXED64,
    [PROTOBUF_C_TYPE_UINT32] = WIRE_VARINT,    [PROTOBUF_C_TYPE_FIXED32] = WIRE_FIXED32,
    [PROTOBUF_C_TYPE_UINT64] = WIRE_VARINT,    [PROTOBUF_C_TYPE_FIXED64] = WIRE_FIXED64,
    [PROTOBUF_C_TYPE_FLOAT] = WIRE_FIXED32,    [PROTOBUF_C_TYPE_DOUBLE] = WIRE_FIXED64,
    [PROTOBUF_C_TYPE_BOOL] = WIRE_VARINT,      [PROTOBUF_C_TYPE_ENUM] = WIRE_VARINT,
    [PROTOBUF_C_TYPE_STRING] = WIRE_BYTES,     [PROTOBUF_C_TYPE_BYTES] = WIRE_BYTES,
    [PROTOBUF_C_TYPE_MESSAGE] = WIRE_BYTES,
};

struct scan {
    const struct scan_limits *limits; // borrows
    struct scan_fault *fault;         // borrows
    uint32_t fields;                  // seen so far
    uint32_t depth;
};

// What is known of one message level while it is read.
struct level {
    const ProtobufCMessageDescriptor *descriptor; // borrows
    struct view rest;
    uint64_t seen;               // singular fields, a bit each
    uint32_t counts[MAX_FIELDS]; // elements of repeated fields
};

struct field_value {
    unsigned wire_type;
    uint64_t number; // varint, or the fixed value
    struct view bytes;
};

static enum status set_fault(struct scan *scan, enum reason_id reason) {
    scan->fault->reason = reason;
    const struct reason_info *info = reason_find((uint32_t)reason);
    return info != NULL && info->code == LX__CODE__RESOURCE_EXHAUSTED ? STATUS_LIMIT
                                                                      : STATUS_INVALID;
}

// Puts this level's field before the path found further down.
static void prefix_path(struct scan_fault *fault, const struct level *level,
                        const ProtobufCFieldDescriptor *field) {
    char below[SCAN_FIELD_SIZE];
    memcpy(below, fault->field, sizeof below);
    const char *dot = below[0] != '\0' ? "." : "";
    int written;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t i = (size_t)(field - level->descriptor->fields);
        uint32_t index = level->counts[i] > 0 ? level->counts[i] - 1 : 0;
        written = snprintf(fault->field, sizeof fault->field, "%s[%" PRIu32 "]%s%s", field->name,
                           index, dot, below);
    } else {
        written = snprintf(fault->field, sizeof fault->field, "%s%s%s", field->name, dot, below);
    }
    if (written < 0) // cut is fine: the path is for people
        fault->field[0] = '\0';
}

static enum status read_varint(struct scan *scan, struct view *rest, uint64_t *out_value) {
    uint64_t value = 0;
    for (size_t i = 0; i < MAX_VARINT_BYTES; i++) {
        if (i >= rest->size)
            return set_fault(scan, REASON_MESSAGE_TRUNCATED);
        uint8_t byte = rest->data[i];
        if (i == MAX_VARINT_BYTES - 1 && byte > 1)
            return set_fault(scan, REASON_VARINT_TOO_LONG);
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            rest->data += i + 1;
            rest->size -= i + 1;
            *out_value = value;
            return STATUS_OK;
        }
    }
    return set_fault(scan, REASON_VARINT_TOO_LONG);
}

// A tag or a length: a number of 32 bits, which padding must not make longer.
static enum status read_short_varint(struct scan *scan, struct view *rest, uint64_t *out_value) {
    const uint8_t *begin = rest->data;
    TRY(read_varint(scan, rest, out_value));
    if (rest->data - begin > MAX_LENGTH_BYTES)
        return set_fault(scan, REASON_VARINT_TOO_LONG);
    return STATUS_OK;
}

static enum status take_bytes(struct scan *scan, struct view *rest, uint64_t size,
                              struct view *out_bytes) {
    if (size > rest->size)
        return set_fault(scan, REASON_MESSAGE_TRUNCATED);
    *out_bytes = (struct view){rest->data, (size_t)size};
    rest->data += size;
    rest->size -= (size_t)size;
    return STATUS_OK;
}

static enum status read_value(struct scan *scan, struct view *rest, struct field_value *out_value) {
    uint64_t size = 0;
    switch (out_value->wire_type) {
    case WIRE_VARINT:
        return read_varint(scan, rest, &out_value->number);
    case WIRE_FIXED64:
        return take_bytes(scan, rest, 8, &out_value->bytes);
    case WIRE_FIXED32:
        return take_bytes(scan, rest, 4, &out_value->bytes);
    case WIRE_BYTES:
        TRY(read_short_varint(scan, rest, &size));
        return take_bytes(scan, rest, size, &out_value->bytes);
    default: // groups (3, 4) and the types that do not exist
        return set_fault(scan, REASON_WIRE_TYPE_WRONG);
    }
}

// The size of the UTF-8 sequence at `p`, 0 when it is not one: overlong, surrogate, beyond
// U+10FFFF.
static size_t utf8_size(const uint8_t *p, size_t left) {
    uint8_t lead = p[0];
    size_t size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (size == 0 || size > left)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (lead == 0xe0 && p[1] < 0xa0) || (lead == 0xf0 && p[1] < 0x90);
    bool surrogate = lead == 0xed && p[1] >= 0xa0;
    bool beyond = lead == 0xf4 && p[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : size;
}

static enum status check_text(struct scan *scan, struct view text) {
    for (size_t i = 0; i < text.size;) {
        uint8_t byte = text.data[i];
        if (byte == 0)
            return set_fault(scan, REASON_TEXT_HAS_NUL);
        size_t size = byte < 0x80 ? 1 : utf8_size(text.data + i, text.size - i);
        if (size == 0)
            return set_fault(scan, REASON_TEXT_NOT_UTF8);
        i += size;
    }
    return STATUS_OK;
}

static enum status fault_with_value(struct scan *scan, enum reason_id reason, int64_t value) {
    snprintf(scan->fault->value, sizeof scan->fault->value, "%" PRId64, value);
    return set_fault(scan, reason);
}

static enum status check_number(struct scan *scan, const ProtobufCFieldDescriptor *field,
                                uint64_t number) {
    if (field->type == PROTOBUF_C_TYPE_UINT32 && number > UINT32_MAX)
        return set_fault(scan, REASON_FIELD_INVALID);
    if (field->type != PROTOBUF_C_TYPE_ENUM)
        return STATUS_OK;
    int64_t value = (int64_t)number; // negative ones are sign-extended to 10 bytes
    if (value < INT32_MIN || value > INT32_MAX)
        return fault_with_value(scan, REASON_ENUM_UNKNOWN, value);
    if (scan->limits->allow_unknown_enum ||
        protobuf_c_enum_descriptor_get_value(field->descriptor, (int)value) != NULL)
        return STATUS_OK;
    return fault_with_value(scan, REASON_ENUM_UNKNOWN, value);
}

static enum status count_field(struct scan *scan) {
    if (scan->fields++ < scan->limits->max_fields)
        return STATUS_OK;
    return fault_with_value(scan, REASON_TOO_MANY_FIELDS, scan->limits->max_fields);
}

// A repeated number or enum may come packed: many in one length-delimited field.
static enum status check_packed(struct scan *scan, const ProtobufCFieldDescriptor *field,
                                struct view bytes) {
    struct field_value value = {.wire_type = WIRE_TYPE_OF[field->type]};
    while (bytes.size > 0) {
        TRY(count_field(scan));
        TRY(read_value(scan, &bytes, &value));
        TRY(check_number(scan, field, value.number));
    }
    return STATUS_OK;
}

static enum status scan_level(struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
                              struct view payload);

static enum status check_value(struct scan *scan, const ProtobufCFieldDescriptor *field,
                               const struct field_value *value) {
    unsigned expected = WIRE_TYPE_OF[field->type];
    if (value->wire_type != expected) {
        bool packed = field->label == PROTOBUF_C_LABEL_REPEATED && value->wire_type == WIRE_BYTES;
        return packed ? check_packed(scan, field, value->bytes)
                      : set_fault(scan, REASON_WIRE_TYPE_WRONG);
    }
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return check_text(scan, value->bytes);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return scan_level(scan, field->descriptor, value->bytes);
    return check_number(scan, field, value->number);
}

// Marks the field as seen; a second singular one is a fault.
static enum status note_field(struct scan *scan, struct level *level,
                              const ProtobufCFieldDescriptor *field) {
    size_t i = (size_t)(field - level->descriptor->fields);
    if (i >= MAX_FIELDS)
        return set_fault(scan, REASON_INTERNAL); // raise MAX_FIELDS with the message type
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        level->counts[i]++;
        return STATUS_OK;
    }
    if (level->seen & (uint64_t)1 << i)
        return set_fault(scan, REASON_FIELD_REPEATED);
    level->seen |= (uint64_t)1 << i;
    return STATUS_OK;
}

static enum status scan_field(struct scan *scan, struct level *level) {
    uint64_t tag;
    TRY(count_field(scan));
    TRY(read_short_varint(scan, &level->rest, &tag));
    uint64_t number = tag >> 3;
    if (number == 0 || number > MAX_FIELD_NUMBER)
        return set_fault(scan, REASON_FIELD_NUMBER_INVALID);
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(level->descriptor, (unsigned)number);
    struct field_value value = {.wire_type = (unsigned)(tag & 7)};
    enum status status = read_value(scan, &level->rest, &value);
    if (field == NULL)
        return status;
    if (status == STATUS_OK)
        status = note_field(scan, level, field);
    if (status == STATUS_OK)
        status = check_value(scan, field, &value);
    if (status != STATUS_OK)
        prefix_path(scan->fault, level, field);
    return status;
}

static enum status scan_level(struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
                              struct view payload) {
    if (scan->depth >= scan->limits->max_depth)
        return fault_with_value(scan, REASON_TOO_DEEP, scan->limits->max_depth);
    scan->depth++;
    struct level level = {.descriptor = descriptor, .rest = payload};
    while (level.rest.size > 0)
        TRY(scan_field(scan, &level));
    scan->depth--;
    return STATUS_OK;
}

enum status scan_message(const ProtobufCMessageDescriptor *descriptor, struct view payload,
                         const struct scan_limits *limits, struct scan_fault *out_fault) {
    *out_fault = (struct scan_fault){.reason = REASON_NONE};
    struct scan scan = {.limits = limits, .fault = out_fault};
    return scan_level(&scan, descriptor, payload);
}
