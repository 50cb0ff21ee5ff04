// The connections of the world: common/net/stream.h over memory. Called by world.c.
#pragma once

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/net/stream.h"

// The stream that was made last, and calls that the kernel would make.
struct stream *memory_stream_last(void);
void memory_stream_show_device(struct stream *stream, int64_t until_ms); // before the handshake
void memory_stream_arrive(struct stream *stream, struct view bytes);
void memory_stream_end(struct stream *stream); // the peer sends nothing more
// Tells the owner of the stream when there is something for him; the owner may free it.
// False: nothing was to be told.
bool memory_stream_ready(struct stream *stream);
struct buf *memory_stream_sent(struct stream *stream); // what the server has written
// Where the stream says that it was freed (it sets the pointer to NULL).
void memory_stream_watch(struct stream *stream, struct stream **place);
