// See messages.h.
#include "tests/fault/alloc/messages.h"

#include <stdlib.h>
#include <string.h>

#include "common/wire/method.h"

#define MAX_DEPTH 3
#define LIST 2

const ProtobufCMessageDescriptor *messages_at(size_t wanted) {
    size_t at = 0;
    for (size_t i = 0; method_at(i); i++) {
        const ProtobufCMessageDescriptor *both[] = {method_at(i)->request, method_at(i)->reply};
        for (size_t j = 0; j < 2; j++)
            if (both[j] && at++ == wanted)
                return both[j];
    }
    return NULL;
}

static void *must(void *memory) {
    if (!memory)
        abort();
    return memory;
}

static ProtobufCMessage *fill(const ProtobufCMessageDescriptor *descriptor, struct arena *arena,
                              int depth);

static size_t size_of(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        break;
    }
    return 4;
}

static void put_value(const ProtobufCFieldDescriptor *field, void *place, struct arena *arena,
                      int depth) {
    static uint8_t bytes[16] = {1, 2, 3};
    const ProtobufCBinaryData data = {sizeof bytes, bytes};
    if (field->type == PROTOBUF_C_TYPE_STRING)
        *(char **)place = must(arena_string(arena, view_from_string("文字")));
    else if (field->type == PROTOBUF_C_TYPE_BYTES)
        memcpy(place, &data, sizeof data);
    else if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        *(ProtobufCMessage **)place = fill(field->descriptor, arena, depth + 1);
    else if (field->type == PROTOBUF_C_TYPE_ENUM)
        *(int *)place = ((const ProtobufCEnumDescriptor *)field->descriptor)->values[0].value;
    else
        *(uint8_t *)place = 1;
}

static void fill_field(const ProtobufCFieldDescriptor *field, uint8_t *message, struct arena *arena,
                       int depth) {
    uint8_t *place = message + field->offset;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && depth == MAX_DEPTH)
        return;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t size = size_of(field->type);
        uint8_t *list = must(arena_array(arena, LIST, size));
        for (size_t i = 0; i < LIST; i++)
            put_value(field, list + i * size, arena, depth);
        *(uint8_t **)place = list;
        *(size_t *)(message + field->quantifier_offset) = LIST;
        return;
    }
    put_value(field, place, arena, depth);
    if (field->quantifier_offset != 0)
        *(protobuf_c_boolean *)(message + field->quantifier_offset) = 1;
}

static ProtobufCMessage *fill(const ProtobufCMessageDescriptor *descriptor, struct arena *arena,
                              int depth) {
    ProtobufCMessage *message = must(arena_alloc(arena, descriptor->sizeof_message));
    protobuf_c_message_init(descriptor, message);
    for (unsigned i = 0; i < descriptor->n_fields; i++)
        fill_field(&descriptor->fields[i], (uint8_t *)message, arena, depth);
    return message;
}

ProtobufCMessage *messages_filled(const ProtobufCMessageDescriptor *descriptor,
                                  struct arena *arena) {
    return fill(descriptor, arena, 0);
}
