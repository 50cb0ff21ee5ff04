// libFuzzer: any bytes as any message of the protocol. What the scan lets through must unpack in
// bounded memory, and encode into something that it lets through again; what it refuses names its
// reason.
#include <stdlib.h>
#include <string.h>

#include "common/wire/method.h"
#include "common/wire/unpack.h"
#include "proto/ledger.pb-c.h"
#include "proto/scheme.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// protobuf-c's structs are at most so much larger than the bytes they come from (2 bytes for an
// empty element).
#define BLOW_UP 200
#define BASE_BYTES 65536

static void check(bool holds) {
    if (!holds)
        abort();
}

static const ProtobufCMessageDescriptor *choose(uint8_t number) {
    const ProtobufCMessageDescriptor *const others[] = {
        &lx__operation__descriptor,
        &lx__scheme__descriptor,
        &lx__receipt__descriptor,
    };
    size_t n_others = sizeof others / sizeof others[0];
    size_t n_methods = 0;
    while (method_at(n_methods) != NULL)
        n_methods++;
    size_t i = number % (2 * n_methods + n_others);
    if (i < n_others)
        return others[i];
    const struct method_info *method = method_at((i - n_others) / 2);
    bool is_request = (i - n_others) % 2 == 0 && method->request != NULL;
    return is_request ? method->request : method->reply;
}

static void check_good(const ProtobufCMessageDescriptor *descriptor, struct view payload,
                       const struct scan_limits *limits) {
    struct scan_fault fault;
    const ProtobufCMessage *message = NULL;
    struct arena *arena = arena_new(BASE_BYTES + BLOW_UP * payload.size);
    check(arena != NULL);
    check(unpack_message(descriptor, payload, limits, arena, &message, &fault) == STATUS_OK);
    struct arena *second = arena_new(0);
    struct view packed;
    check(unpack_pack(message, second, &packed) == STATUS_OK);
    // A larger encoding may have more fields than the limit (packed lists become plain ones);
    // nothing else.
    enum status status = scan_message(descriptor, packed, limits, &fault);
    check(status == STATUS_OK || fault.reason == REASON_TOO_MANY_FIELDS);
    arena_free(&second);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    const ProtobufCMessageDescriptor *descriptor = choose(data[0]);
    const struct scan_limits *limits = data[1] & 1 ? &SCAN_LIMITS_REPLY : &SCAN_LIMITS_REQUEST;
    struct view payload = {data + 2, size - 2};
    struct scan_fault fault;
    enum status status = scan_message(descriptor, payload, limits, &fault);
    if (status == STATUS_OK) {
        check_good(descriptor, payload, limits);
        return 0;
    }
    check(status == STATUS_INVALID || status == STATUS_LIMIT);
    check(reason_find((uint32_t)fault.reason) != NULL && fault.reason != REASON_INTERNAL);
    check(memchr(fault.field, '\0', sizeof fault.field) != NULL);
    return 0;
}
