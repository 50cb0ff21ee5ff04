// The frame: a 12-byte big-endian header, then one protobuf message.
//
//   0        4        6      7       8            12
//   | length | method | kind | flags | request id | payload ... |
//
// A reader is an incremental state machine over bytes, without descriptor and clock: the server's
// connections and the client's link feed it whatever arrived. Nothing is allocated before the cap
// check.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/base/view.h"

#define FRAME_HEADER_SIZE 12
#define FRAME_PROTOCOL 1                  // version in Hello
#define FRAME_ALPN "lianxiao/1"           // application protocol in TLS
#define FRAME_DEFAULT_PORT 7443           // TCP
#define FRAME_CAP_GREETING (4 * 1024)     // payload bytes a server accepts before login
#define FRAME_CAP_SESSION (1024 * 1024)   // ... after login
#define FRAME_CAP_REPLY (4 * 1024 * 1024) // payload bytes a client accepts
#define FRAME_MAX_IN_FLIGHT 32            // places of unanswered requests per connection

struct frame_header {
    uint32_t length; // payload bytes; 0 is legal
    uint16_t method; // Lx__Method
    uint8_t kind;    // Lx__FrameKind
    uint8_t flags;   // must be 0 in protocol 1
    uint32_t request_id;
};

void frame_encode_header(const struct frame_header *header, uint8_t out_bytes[FRAME_HEADER_SIZE]);
void frame_decode_header(const uint8_t bytes[FRAME_HEADER_SIZE], struct frame_header *out_header);

enum frame_state {
    FRAME_STATE_HEADER, // the next byte belongs to a header
    FRAME_STATE_BODY,   // the header is known, the payload is not whole
    FRAME_STATE_BROKEN, // the length was over the cap: nothing more can be read
};

struct frame {
    struct frame_header header;
    struct view payload; // borrows from the input or the reader; valid until the next frame_read
};

struct frame_reader {
    enum frame_state state;
    uint32_t cap_bytes; // of the payload; may be changed between frames
    uint8_t header_bytes[FRAME_HEADER_SIZE];
    size_t header_have;
    struct frame_header header;
    struct buf body; // owns: the part of a payload that came in pieces
};

void frame_reader_init(struct frame_reader *reader, uint32_t cap_bytes);
void frame_reader_free(struct frame_reader *reader);
// Memory of the last payload is given back; call when out_frame is no longer used and nothing
// waits.
void frame_reader_trim(struct frame_reader *reader);
// A frame has begun and is not whole: the frame's deadline runs.
bool frame_reader_is_inside(const struct frame_reader *reader);

// Reads from the front of *bytes and moves it on. STATUS_OK: *out_frame is a whole frame (bytes of
// the next may be left). STATUS_AGAIN: all bytes are taken, more are needed. STATUS_LIMIT: the
// length is over the cap; out_frame->header tells whose (to answer it), the connection must be
// closed. STATUS_NO_MEMORY: close, too.
enum status frame_read(struct frame_reader *reader, struct view *bytes,
                       struct frame *out_frame) MUST_USE;
