// Looks through a raw payload before it is unpacked, driven by the protobuf-c descriptors:
// protobuf-c itself can be made to spend seconds on one frame, to multiply memory and to take what
// is not text. Pure: no allocation, no I/O. Called by unpack.c; fuzzed by tests/fuzz/fuzz_scan.c.
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/base/view.h"
#include "common/wire/reason.h"

#define SCAN_MAX_DEPTH 16
#define SCAN_FIELD_SIZE 160

struct scan_limits {
    uint32_t max_fields;     // fields and elements in the whole message, all levels
    uint32_t max_depth;      // levels; at most SCAN_MAX_DEPTH
    bool allow_unknown_enum; // clients take values of newer servers, servers refuse them
};

// What a server allows in a request, and a client in a reply.
extern const struct scan_limits SCAN_LIMITS_REQUEST;
extern const struct scan_limits SCAN_LIMITS_REPLY;

struct scan_fault {
    enum reason_id reason;
    char field[SCAN_FIELD_SIZE]; // path, e.g. "groups[3].first_op_seq"; empty: the whole message
    char value[24];              // parameter of the reason, where it has one
};

// STATUS_OK, STATUS_INVALID or STATUS_LIMIT with *out_fault filled in. Unknown fields are skipped
// (and counted).
enum status scan_message(const ProtobufCMessageDescriptor *descriptor, struct view payload,
                         const struct scan_limits *limits, struct scan_fault *out_fault) MUST_USE;
