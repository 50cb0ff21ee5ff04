// Works on the encoding itself: tag by tag, with the descriptor for what belongs where. See
// mutate.h.
#include "tests/fuzz/mutate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ledger.pb-c.h"

#define MAX_FIELDS 64
#define MAX_DEPTH 6
#define ROOM 8192
#define NOW_MS 1637200000000 // of the world
#define DAY_MS 86400000LL

struct writer {
    uint8_t bytes[ROOM];
    size_t n;
};

// One field of an encoded message.
struct part {
    size_t at, end; // tag included
    size_t body;    // of a length-delimited field: where its content begins
    uint32_t number;
    unsigned type;
};

static uint32_t state;

static uint32_t dice(uint32_t sides) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % sides;
}

static void put(struct writer *writer, const void *bytes, size_t n) {
    if (n > ROOM - writer->n)
        n = ROOM - writer->n;
    if (n > 0)
        memcpy(writer->bytes + writer->n, bytes, n);
    writer->n += n;
}

static void put_varint(struct writer *writer, uint64_t value) {
    uint8_t bytes[10];
    size_t n = 0;
    for (; value >= 128; value >>= 7)
        bytes[n++] = (uint8_t)(value | 128);
    bytes[n++] = (uint8_t)value;
    put(writer, bytes, n);
}

// ---- values ----

static uint64_t odd_number(const char *name) {
    static const int64_t numbers[] = {0,   1,   2,  3,    5,         100,       500,
                                      501, 999, -1, 1000, INT32_MAX, INT64_MAX, INT64_MIN};
    if (strstr(name, "_ms") != NULL && dice(4) != 0)
        return (uint64_t)(NOW_MS + ((int64_t)dice(800) - 790) * DAY_MS / 4);
    if (strstr(name, "programme") != NULL && dice(8) != 0)
        return 1;
    if (dice(3) == 0)
        return dice(2000);
    return (uint64_t)numbers[dice(sizeof numbers / sizeof numbers[0])];
}

static void put_text(struct writer *writer) {
    static const char *const texts[] = {"",
                                        "school",
                                        "online",
                                        "张三",
                                        "K7QF-2M9X-T4RD",
                                        "zhang.san",
                                        "3401030001",
                                        "3401030001-01",
                                        "340100",
                                        "first-password-1",
                                        "=1+1",
                                        "%n%s",
                                        "A1",
                                        "\xe2\x80\xae",
                                        "a\nb",
                                        "plan",
                                        "lecture",
                                        "T00000001",
                                        "../../x",
                                        "'; drop table x; --",
                                        "hours",
                                        "practice",
                                        "G1",
                                        "research-plan",
                                        "a"};
    const char *text = texts[dice(sizeof texts / sizeof texts[0])];
    size_t size = strlen(text);
    unsigned times = dice(30) == 0 ? dice(200) : 1;
    put_varint(writer, size * times);
    while (times-- > 0)
        put(writer, text, size);
}

static void put_bytes(struct writer *writer, const char *name) {
    uint8_t id[32] = {0x01, 0x99, 0xc0, 0xde, 0, 0, 0x70, 0, 0x80};
    bool long_one = strstr(name, "token") != NULL || strstr(name, "key") != NULL ||
                    strstr(name, "sha256") != NULL;
    size_t size = long_one ? 32 : 16;
    id[15] = (uint8_t)(dice(4) == 0 ? dice(256) : 1 + dice(40));
    if (dice(16) == 0)
        size = dice(33);
    if (dice(16) == 0)
        id[6] = (uint8_t)dice(256);
    put_varint(writer, size);
    put(writer, id, size);
}

static void put_field(struct writer *writer, const ProtobufCFieldDescriptor *field, int depth);

static void put_content(struct writer *out, const ProtobufCMessageDescriptor *descriptor,
                        int depth) {
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        unsigned times = field->label == PROTOBUF_C_LABEL_REPEATED ? dice(3) : dice(4) != 0;
        while (times-- > 0)
            put_field(out, field, depth + 1);
    }
}

static void put_message(struct writer *writer, const ProtobufCMessageDescriptor *descriptor,
                        int depth) {
    struct writer *inner = calloc(1, sizeof *inner);
    if (inner == NULL)
        abort();
    if (depth < MAX_DEPTH)
        put_content(inner, descriptor, depth);
    put_varint(writer, inner->n);
    put(writer, inner->bytes, inner->n);
    free(inner);
}

// The bytes of PushGroup.operations are messages, too.
static const ProtobufCMessageDescriptor *message_of(const ProtobufCFieldDescriptor *field) {
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return field->descriptor;
    return strcmp(field->name, "operations") == 0 ? &lx__operation__descriptor : NULL;
}

static void put_enum(struct writer *writer, const ProtobufCEnumDescriptor *values) {
    if (dice(20) == 0)
        put_varint(writer, odd_number(""));
    else
        put_varint(writer, (uint64_t)values->values[dice(values->n_values)].value);
}

static void put_field(struct writer *writer, const ProtobufCFieldDescriptor *field, int depth) {
    const uint64_t number = odd_number(field->name);
    const uint32_t tag = field->id << 3;
    if (message_of(field) != NULL) {
        put_varint(writer, tag | 2);
        put_message(writer, message_of(field), depth);
        return;
    }
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        put_varint(writer, tag | 2);
        put_text(writer);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        put_varint(writer, tag | 2);
        put_bytes(writer, field->name);
        break;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        put_varint(writer, tag | 1);
        put(writer, &number, 8);
        break;
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        put_varint(writer, tag | 5);
        put(writer, &number, 4);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        put_varint(writer, tag);
        put_enum(writer, field->descriptor);
        break;
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SINT64:
        put_varint(writer, tag);
        put_varint(writer, number << 1 ^ (number >> 63 != 0 ? UINT64_MAX : 0));
        break;
    case PROTOBUF_C_TYPE_BOOL:
        put_varint(writer, tag);
        put_varint(writer, number & 1);
        break;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_MESSAGE:
    default:
        put_varint(writer, tag);
        put_varint(writer, field->type == PROTOBUF_C_TYPE_UINT32 ? (uint32_t)number : number);
    }
}

// ---- reading ----

static bool read_varint(const uint8_t *data, size_t size, size_t *at, uint64_t *out_value) {
    *out_value = 0;
    for (unsigned shift = 0; *at < size && shift < 64; shift += 7) {
        uint8_t byte = data[(*at)++];
        *out_value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

static bool read_part(const uint8_t *data, size_t size, size_t *at, struct part *part) {
    uint64_t tag, length = 0;
    part->at = *at;
    if (!read_varint(data, size, at, &tag))
        return false;
    part->number = (uint32_t)(tag >> 3);
    part->type = tag & 7;
    if (part->type == 0 && !read_varint(data, size, at, &length))
        return false;
    if (part->type == 2 && !read_varint(data, size, at, &length))
        return false;
    part->body = *at;
    size_t skip = part->type == 1 ? 8 : part->type == 5 ? 4 : part->type == 2 ? length : 0;
    if (part->type == 3 || part->type == 4 || part->type > 5 || skip > size - *at)
        return false;
    *at += skip;
    part->end = *at;
    return true;
}

// SIZE_MAX: it is no message, or has too many fields.
static size_t read_parts(const uint8_t *data, size_t size, struct part *parts) {
    size_t n = 0;
    for (size_t at = 0; at < size; n++)
        if (n == MAX_FIELDS || !read_part(data, size, &at, &parts[n]))
            return SIZE_MAX;
    return n;
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *descriptor,
                                                const struct part *part) {
    return protobuf_c_message_descriptor_get_field(descriptor, part->number);
}

// ---- changes ----

static void change(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
                   struct writer *out, int depth);

// The chosen field: one level down when it is a message, else another value.
static void change_part(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data,
                        const struct part *part, struct writer *out, int depth) {
    const ProtobufCFieldDescriptor *field = field_of(descriptor, part);
    if (field == NULL)
        return; // unknown: dropped
    const ProtobufCMessageDescriptor *inner = message_of(field);
    if (inner == NULL || part->type != 2 || depth >= MAX_DEPTH || dice(8) == 0) {
        put_field(out, field, depth);
        return;
    }
    struct writer *content = calloc(1, sizeof *content);
    if (content == NULL)
        abort();
    change(inner, data + part->body, part->end - part->body, content, depth + 1);
    put_varint(out, part->number << 3 | 2);
    put_varint(out, content->n);
    put(out, content->bytes, content->n);
    free(content);
}

static void change(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
                   struct writer *out, int depth) {
    struct part parts[MAX_FIELDS];
    size_t n = read_parts(data, size, parts);
    if (n == SIZE_MAX) {
        put_content(out, descriptor, depth);
        return;
    }
    size_t chosen = n > 0 ? dice((uint32_t)n) : 0;
    uint32_t what = n > 0 ? dice(10) : 0;
    for (size_t i = 0; i < n; i++) {
        if (i == chosen && what == 1)
            continue; // dropped
        if (i == chosen && what > 2) {
            change_part(descriptor, data, &parts[i], out, depth);
            continue;
        }
        put(out, data + parts[i].at, parts[i].end - parts[i].at);
        if (i == chosen && what == 2) // doubled
            put(out, data + parts[i].at, parts[i].end - parts[i].at);
    }
    if (what == 0 && descriptor->n_fields > 0)
        put_field(out, &descriptor->fields[dice(descriptor->n_fields)], depth);
}

size_t mutate_message(const ProtobufCMessageDescriptor *descriptor, uint8_t *data, size_t size,
                      size_t max_size, uint32_t seed) {
    static struct writer out;
    out.n = 0;
    state = seed * 2654435761u + 1;
    state = state != 0 ? state : 1;
    change(descriptor, data, size, &out, 0);
    if (out.n > max_size)
        return size;
    if (out.n > 0)
        memcpy(data, out.bytes, out.n);
    return out.n;
}
