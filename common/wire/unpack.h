// Bytes to message: scan, then protobuf-c's unpack into an arena. And back: message to bytes.
// Used for every frame on both sides and for the operations inside a push.
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/wire/scan.h"

// *out_message lives in the arena (never call protobuf_c_message_free_unpacked on it).
// STATUS_INVALID, STATUS_LIMIT: see *out_fault; STATUS_NO_MEMORY: the arena is full (fault:
// message_too_large).
enum status unpack_message(const ProtobufCMessageDescriptor *descriptor, struct view payload,
                           const struct scan_limits *limits, struct arena *arena,
                           const ProtobufCMessage **out_message,
                           struct scan_fault *out_fault) MUST_USE;

// protobuf-c's allocator on an arena, for those who unpack trusted bytes themselves. Borrows the
// arena.
ProtobufCAllocator unpack_allocator(struct arena *arena);

// Encodes into the arena; the empty view with data != NULL for an empty message; STATUS_NO_MEMORY.
enum status unpack_pack(const ProtobufCMessage *message, struct arena *arena,
                        struct view *out_bytes) MUST_USE;

// Appends header and encoded message to `out` as one frame. `message` may be NULL (no payload).
// header->length is filled in.
struct frame_header;
enum status unpack_append_frame(struct frame_header *header, const ProtobufCMessage *message,
                                struct buf *out) MUST_USE;
