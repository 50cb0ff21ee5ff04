// Changes an encoded message so that it stays one: fields are added, replaced, doubled, dropped,
// also deep inside, with values that the world of the fuzz targets knows. Used by custom mutators.
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

// In place; returns the new size, at most max_size. Bytes that are no message are made one anew.
size_t mutate_message(const ProtobufCMessageDescriptor *descriptor, uint8_t *data, size_t size,
                      size_t max_size, uint32_t seed);
