// Messages of the protocol with something in every field, made from their descriptors.
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#include "common/base/arena.h"

// Requests and replies of all methods, NULL behind the last.
const ProtobufCMessageDescriptor *messages_at(size_t i);
// In the arena; lists have two elements, messages are filled three levels deep.
ProtobufCMessage *messages_filled(const ProtobufCMessageDescriptor *descriptor,
                                  struct arena *arena);
