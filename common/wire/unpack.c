// Scan and unpack into an arena, pack into an arena or a buffer. See unpack.h.
#include "common/wire/unpack.h"

#include "common/wire/frame.h"

static void *allocate(void *arena, size_t size) {
    return arena_alloc(arena, size);
}

static void release(void *arena, void *pointer) {
    (void)arena;
    (void)pointer; // the arena frees all at once
}

ProtobufCAllocator unpack_allocator(struct arena *arena) {
    return (ProtobufCAllocator){.alloc = allocate, .free = release, .allocator_data = arena};
}

enum status unpack_message(const ProtobufCMessageDescriptor *descriptor, struct view payload,
                           const struct scan_limits *limits, struct arena *arena,
                           const ProtobufCMessage **out_message, struct scan_fault *out_fault) {
    TRY(scan_message(descriptor, payload, limits, out_fault));
    ProtobufCAllocator allocator = unpack_allocator(arena);
    *out_message = protobuf_c_message_unpack(descriptor, &allocator, payload.size, payload.data);
    if (*out_message != NULL)
        return STATUS_OK;
    out_fault->reason = REASON_MESSAGE_TOO_LARGE; // the scan lets nothing else through
    return STATUS_NO_MEMORY;
}

enum status unpack_pack(const ProtobufCMessage *message, struct arena *arena,
                        struct view *out_bytes) {
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = arena_alloc(arena, size > 0 ? size : 1);
    if (bytes == NULL)
        return STATUS_NO_MEMORY;
    *out_bytes = view_from(bytes, protobuf_c_message_pack(message, bytes));
    return STATUS_OK;
}

enum status unpack_append_frame(struct frame_header *header, const ProtobufCMessage *message,
                                struct buf *out) {
    size_t size = message != NULL ? protobuf_c_message_get_packed_size(message) : 0;
    if (size > FRAME_CAP_REPLY)
        return STATUS_LIMIT;
    uint8_t *room;
    TRY(buf_reserve(out, FRAME_HEADER_SIZE + size, &room));
    header->length = (uint32_t)size;
    frame_encode_header(header, room);
    if (size > 0)
        protobuf_c_message_pack(message, room + FRAME_HEADER_SIZE);
    buf_commit(out, FRAME_HEADER_SIZE + size);
    return STATUS_OK;
}
