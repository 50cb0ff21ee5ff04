// libFuzzer and AFL++: sequences of messages on up to three connections of one worker, with a
// database that answers what the input says: logins, frames that wait while others come, peers that
// go, time that passes. Byte 0: who logs in; then steps, each an operation (see run_step).
#include <stdlib.h>
#include <string.h>

#include "common/wire/frame.h"
#include "common/wire/method.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/server/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#define MAX_STEPS 200
#define MAX_WORK 100000

// The low three bits of a step; bits 3 and 4 choose the connection, 5 and up are for the step.
enum step {
    STEP_CONNECT, // bit 5: without a certificate
    STEP_FRAME,   // method, request id, length (2 bytes), payload
    STEP_RAW,     // length, bytes
    STEP_WORK,    // bits 5..7: how many calls of the database are answered; 0: all
    STEP_HANG_UP,
    STEP_TICK,  // tenths of a second
    STEP_TAPE,  // length, what the database says from now on
    STEP_GREET, // bit 5: with a token
};

struct reader {
    const uint8_t *at;
    size_t left;
};

static uint8_t take(struct reader *reader) {
    if (reader->left == 0)
        return 0;
    reader->left--;
    return *reader->at++;
}

static struct view take_bytes(struct reader *reader, size_t size) {
    struct view bytes = {reader->at, size < reader->left ? size : reader->left};
    reader->at += bytes.size;
    reader->left -= bytes.size;
    return bytes;
}

static void greet(size_t conn, bool login) {
    static const uint8_t hello[36] = {0x08, 1, 0x22, 32}; // protocol, session_token
    world_send_frame(conn, LX__METHOD__HELLO, 255, view_from(hello, login ? sizeof hello : 2));
}

static void send_frame(struct reader *reader, size_t conn) {
    uint16_t method = take(reader);
    uint8_t request = take(reader);
    size_t size = (size_t)take(reader) << 8;
    size |= take(reader);
    world_send_frame(conn, method, request, take_bytes(reader, size));
}

static void run_step(struct reader *reader) {
    uint8_t byte = take(reader);
    size_t conn = (byte >> 3 & 3) % WORLD_CONNS;
    switch ((enum step)(byte & 7)) {
    case STEP_CONNECT:
        world_connect(conn, (byte & 32) == 0);
        break;
    case STEP_FRAME:
        send_frame(reader, conn);
        break;
    case STEP_RAW:
        world_send(conn, take_bytes(reader, take(reader)));
        break;
    case STEP_WORK:
        world_work(byte >> 5 != 0 ? byte >> 5 : MAX_WORK);
        break;
    case STEP_HANG_UP:
        world_hang_up(conn);
        break;
    case STEP_TICK:
        world_tick((int64_t)take(reader) * 100);
        break;
    case STEP_TAPE:
        world_work(MAX_WORK);
        world_tape(take_bytes(reader, take(reader)));
        break;
    case STEP_GREET:
    default:
        greet(conn, (byte & 32) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct reader reader = {data + 1, size - 1};
    const struct world_options options = {.role = (Lx__Role)((data[0] & 7) + 1),
                                          .checks_off = (data[0] & 8) != 0,
                                          .device_expired = (data[0] & 16) != 0};
    world_begin(&options);
    for (int i = 0; i < MAX_STEPS && reader.left > 0; i++)
        run_step(&reader);
    world_end();
    return 0;
}

// ---- the payload of one of the frames, changed by its grammar ----

#define FRAME_HEAD 5 // step, method, request id, length

// Where the n-th frame begins; counts them when n is SIZE_MAX.
static size_t find_frame(const uint8_t *data, size_t size, size_t n, size_t *out_count) {
    size_t at = 1;
    *out_count = 0;
    while (at < size) {
        size_t begin = at, skip = 1;
        unsigned step = data[at] & 7;
        if (step == STEP_FRAME && size - at >= FRAME_HEAD) {
            skip = FRAME_HEAD + ((size_t)data[at + 3] << 8 | data[at + 4]);
            if ((*out_count)++ == n)
                return begin;
        } else if ((step == STEP_RAW || step == STEP_TAPE) && size - at >= 2) {
            skip = 2 + (size_t)data[at + 1];
        } else if (step == STEP_TICK) {
            skip = 2;
        }
        at += skip;
    }
    return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    size_t count = 0;
    (void)find_frame(data, size, SIZE_MAX, &count);
    size_t at = count > 0 ? find_frame(data, size, seed / 4 % count, &count) : size;
    const struct method_info *method = at < size ? method_find(data[at + 1]) : NULL;
    if (seed % 4 == 0 || method == NULL || method->request == NULL)
        return LLVMFuzzerMutate(data, size, max_size);
    static uint8_t payload[UINT16_MAX];
    size_t body = at + FRAME_HEAD, had = (size_t)data[at + 3] << 8 | data[at + 4];
    had = had < size - body ? had : size - body;
    size_t rest = size - body - had, room = max_size - size + had;
    memcpy(payload, data + body, had);
    size_t now = mutate_message(method->request, payload, had,
                                room < sizeof payload ? room : sizeof payload, seed / 4);
    memmove(data + body + now, data + body + had, rest);
    memcpy(data + body, payload, now);
    data[at + 3] = (uint8_t)(now >> 8);
    data[at + 4] = (uint8_t)now;
    return body + now + rest;
}
