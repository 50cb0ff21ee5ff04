// libFuzzer: the content of one part of a bundle file, behind signature and encryption (see
// server/containers.c), to the handler that takes it in. Byte 0: role of the carrier, bit 3: wants
// a receipt, bit 4: the same twice, bit 5: he hangs up; byte 1: size of the database's tape, which
// follows; the rest is an lx.Bundle. The head outside says what the content says.
#include <string.h>

#include "common/wire/bundle_file.h"
#include "common/wire/unpack.h"
#include "proto/bundle.pb-c.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/server/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#define HEAD 2
#define REQUEST 7

enum { FLAG_ROLES = 7, FLAG_RECEIPT = 8, FLAG_TWICE = 16, FLAG_HANG_UP = 32 };

static struct bundle_head head_of(struct view content, struct arena *arena) {
    struct bundle_head head = {
        .version = BUNDLE_FILE_VERSION, .kind = BUNDLE_KIND_BUNDLE, .part = 1, .parts = 1};
    const ProtobufCMessage *message = NULL;
    struct scan_fault fault;
    memset(head.deployment, WORLD_DEPLOYMENT, sizeof head.deployment);
    if (unpack_message(&lx__bundle__descriptor, content, &SCAN_LIMITS_REQUEST, arena, &message,
                       &fault) != STATUS_OK)
        return head;
    const Lx__Bundle *bundle = (const Lx__Bundle *)message;
    head.part = (uint16_t)bundle->part;
    head.parts = (uint16_t)bundle->parts;
    if (bundle->id.len == UUID_SIZE)
        memcpy(head.id.bytes, bundle->id.data, UUID_SIZE);
    return head;
}

static void send(struct view content, uint8_t flags, size_t tape_size) {
    struct arena *arena = arena_new(0);
    struct buf part = {0};
    struct view request;
    struct bundle_head head = head_of(content, arena);
    Lx__BundleRequest message = LX__BUNDLE_REQUEST__INIT;
    if (bundle_file_append(&head, content, &part) == STATUS_OK) {
        message.has_part = message.has_receipt = true;
        message.part = (ProtobufCBinaryData){buf_size(&part), (uint8_t *)buf_view(&part).data};
        message.receipt = (flags & FLAG_RECEIPT) != 0;
        if (unpack_pack(&message.base, arena, &request) == STATUS_OK) {
            world_send_frame(0, LX__METHOD__BUNDLE, REQUEST, request);
            world_work(tape_size % 8);
            if ((flags & FLAG_HANG_UP) != 0)
                world_hang_up(0);
            if ((flags & FLAG_TWICE) != 0)
                world_send_frame(0, LX__METHOD__BUNDLE, REQUEST + 1, request);
        }
    }
    buf_free(&part);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < HEAD || size - HEAD < data[1])
        return 0;
    struct view tape = {data + HEAD, data[1]};
    const struct world_options options = {.role = (Lx__Role)((data[0] & FLAG_ROLES) + 1)};
    world_begin(&options);
    world_connect(0, true);
    world_greet(0, true);
    world_tape(tape);
    send(view_from(tape.data + tape.size, size - HEAD - tape.size), data[0], tape.size);
    world_end();
    return 0;
}

// Three of four mutations keep to the grammar of the content.
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    if (size < HEAD || size - HEAD < data[1] || seed % 4 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    size_t at = HEAD + (size_t)data[1];
    return at +
           mutate_message(&lx__bundle__descriptor, data + at, size - at, max_size - at, seed / 4);
}
