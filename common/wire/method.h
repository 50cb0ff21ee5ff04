// The methods of the wire in one table: messages, size caps, what each needs. The server's dispatch
// adds a handler to each row, the client finds the reply's type here, proto/README.md prints it.
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum method_needs {
    METHOD_NEEDS_NOTHING,
    METHOD_NEEDS_NO_DEVICE, // Enrol: only without a certificate
    METHOD_NEEDS_DEVICE,    // a certificate
    METHOD_NEEDS_EXPIRED,   // Renew: a certificate, which may have expired up to 400 days ago
    METHOD_NEEDS_FIRST,     // a login, also one whose password must be changed first
    METHOD_NEEDS_LOGIN,     // a certificate and a person
};

#define METHOD_NO_CAPABILITY (-1)

struct method_info {
    uint16_t number;                           // Lx__Method
    const char *name;                          // as in wire.proto
    const ProtobufCMessageDescriptor *request; // NULL: event only
    const ProtobufCMessageDescriptor *reply;   // of an event: its message
    uint32_t cap_bytes;                        // of a request's payload
    enum method_needs needs;
    int capability; // bit number checked before the handler (common/domain/role.h); -1: none or per
                    // record
    uint8_t places; // of the FRAME_MAX_IN_FLIGHT that unanswered requests of a connection share:
                    // more for large answers, all where nothing may be read before the answer
};

const struct method_info *method_find(uint16_t number); // NULL: unknown
const struct method_info *method_at(size_t i);          // i-th row, NULL behind the last
const char *method_name(uint16_t number);               // "?" for unknown ones; for logs
