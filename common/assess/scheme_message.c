// Schemes as canonical bytes, and their errors as text.
#include <stdio.h>

#include "common/assess/scheme_yaml.h"
#include "common/wire/unpack.h"

enum status scheme_pack(const Lx__Scheme *scheme, struct arena *arena, struct view *out_bytes) {
    return unpack_pack(&scheme->base, arena, out_bytes);
}

enum status scheme_load(struct view bytes, struct arena *arena, const struct scheme **out_scheme,
                        struct scheme_error *out_error) {
    // A scheme has many small parts; its size is limited by the frame or the column it came in.
    struct scan_limits limits = SCAN_LIMITS_REPLY;
    limits.max_fields = 200000;
    struct scan_fault fault;
    const ProtobufCMessage *message;
    *out_error = (struct scheme_error){0};
    enum status status =
        unpack_message(&lx__scheme__descriptor, bytes, &limits, arena, &message, &fault);
    if (status == STATUS_NO_MEMORY)
        return status;
    if (status != STATUS_OK) {
        snprintf(out_error->field, sizeof(out_error->field), "%.90s", fault.field);
        snprintf(out_error->message, sizeof(out_error->message),
                 "these bytes are not a scheme that this program can read");
        return STATUS_INVALID;
    }
    return scheme_compile((const Lx__Scheme *)message, arena, out_scheme, out_error);
}

char *scheme_error_format(const struct scheme_error *error, const char *file, struct arena *arena) {
    if (error->line == 0)
        return arena_format(arena, "%s: %s: %s", file, error->field, error->message);
    return arena_format(arena, "%s:%u: %s: %s", file, error->line, error->field, error->message);
}
