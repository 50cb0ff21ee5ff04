// The frame's state machine. See frame.h.
#include "common/wire/frame.h"

#include <assert.h>
#include <string.h>

static uint32_t get_u32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void put_u32(uint8_t *bytes, uint32_t value) {
    bytes[0] = (uint8_t)(value >> 24);
    bytes[1] = (uint8_t)(value >> 16);
    bytes[2] = (uint8_t)(value >> 8);
    bytes[3] = (uint8_t)value;
}

void frame_encode_header(const struct frame_header *header, uint8_t out_bytes[FRAME_HEADER_SIZE]) {
    put_u32(out_bytes, header->length);
    out_bytes[4] = (uint8_t)(header->method >> 8);
    out_bytes[5] = (uint8_t)header->method;
    out_bytes[6] = header->kind;
    out_bytes[7] = header->flags;
    put_u32(out_bytes + 8, header->request_id);
}

void frame_decode_header(const uint8_t bytes[FRAME_HEADER_SIZE], struct frame_header *out_header) {
    out_header->length = get_u32(bytes);
    out_header->method = (uint16_t)(bytes[4] << 8 | bytes[5]);
    out_header->kind = bytes[6];
    out_header->flags = bytes[7];
    out_header->request_id = get_u32(bytes + 8);
}

void frame_reader_init(struct frame_reader *reader, uint32_t cap_bytes) {
    *reader = (struct frame_reader){.state = FRAME_STATE_HEADER, .cap_bytes = cap_bytes};
}

void frame_reader_free(struct frame_reader *reader) {
    buf_free(&reader->body);
}

void frame_reader_trim(struct frame_reader *reader) {
    if (reader->state == FRAME_STATE_HEADER)
        buf_free(&reader->body);
}

bool frame_reader_is_inside(const struct frame_reader *reader) {
    return reader->state == FRAME_STATE_BODY || reader->header_have > 0;
}

static struct view take(struct view *bytes, size_t size) {
    struct view taken = {bytes->data, size};
    bytes->data += size;
    bytes->size -= size;
    return taken;
}

// Completes the 12 bytes; STATUS_AGAIN when there are not enough, STATUS_LIMIT over the cap.
static enum status read_header(struct frame_reader *reader, struct view *bytes) {
    size_t missing = FRAME_HEADER_SIZE - reader->header_have;
    struct view part = take(bytes, bytes->size < missing ? bytes->size : missing);
    if (part.size > 0)
        memcpy(reader->header_bytes + reader->header_have, part.data, part.size);
    reader->header_have += part.size;
    if (reader->header_have < FRAME_HEADER_SIZE)
        return STATUS_AGAIN;
    frame_decode_header(reader->header_bytes, &reader->header);
    reader->header_have = 0;
    if (reader->header.length > reader->cap_bytes) {
        reader->state = FRAME_STATE_BROKEN;
        return STATUS_LIMIT;
    }
    buf_reset(&reader->body);
    reader->state = FRAME_STATE_BODY;
    return STATUS_OK;
}

// A payload that lies whole in the input is handed out in place; one in pieces is collected.
static enum status read_body(struct frame_reader *reader, struct view *bytes,
                             struct view *out_payload) {
    size_t have = buf_size(&reader->body);
    size_t missing = reader->header.length - have;
    if (have == 0 && bytes->size >= missing) {
        *out_payload = take(bytes, missing);
        return STATUS_OK;
    }
    struct view part = take(bytes, bytes->size < missing ? bytes->size : missing);
    TRY(buf_append(&reader->body, part.data, part.size));
    if (part.size < missing)
        return STATUS_AGAIN;
    *out_payload = buf_view(&reader->body);
    return STATUS_OK;
}

enum status frame_read(struct frame_reader *reader, struct view *bytes, struct frame *out_frame) {
    if (reader->state == FRAME_STATE_HEADER) {
        enum status status = read_header(reader, bytes);
        out_frame->header = reader->header;
        if (status != STATUS_OK)
            return status;
    }
    if (reader->state == FRAME_STATE_BROKEN)
        return STATUS_LIMIT;
    out_frame->header = reader->header;
    TRY(read_body(reader, bytes, &out_frame->payload));
    reader->state = FRAME_STATE_HEADER;
    return STATUS_OK;
}
