// Writing and reading entries of a seal. See entries.h.
#include "server/audit/entries.h"

#include <endian.h>
#include <string.h>

#define DEVICE_MOST 255

enum status entry_append(struct buf *buf, const struct entry *entry) {
    uint8_t kind = (uint8_t)entry->kind;
    TRY(buf_append(buf, &kind, 1));
    TRY(buf_append(buf, entry->id.bytes, UUID_SIZE));
    if (entry->kind == ENTRY_RUN) {
        if (entry->device.size > DEVICE_MOST)
            return STATUS_INVALID;
        uint8_t size = (uint8_t)entry->device.size;
        uint64_t op_to = htobe64((uint64_t)entry->op_to);
        TRY(buf_append(buf, &size, 1));
        TRY(buf_append(buf, entry->device.data, entry->device.size));
        TRY(buf_append(buf, &op_to, sizeof op_to));
    }
    return buf_append(buf, entry->leaf, SEAL_HASH_SIZE);
}

static bool take(struct view *rest, size_t size, const uint8_t **out_at) {
    if (rest->size < size)
        return false;
    *out_at = rest->data;
    *rest = view_from(rest->data + size, rest->size - size);
    return true;
}

static bool take_copy(struct view *rest, void *out, size_t size) {
    const uint8_t *at;
    if (!take(rest, size, &at))
        return false;
    memcpy(out, at, size);
    return true;
}

static bool take_run(struct view *rest, struct entry *entry) {
    uint8_t size = 0;
    uint64_t op_to = 0;
    const uint8_t *device = NULL;
    if (!take_copy(rest, &size, 1) || !take(rest, size, &device) ||
        !take_copy(rest, &op_to, sizeof op_to))
        return false;
    entry->device = view_from(device, size);
    entry->op_to = (int64_t)be64toh(op_to);
    return true;
}

enum status entry_next(struct view *rest, struct entry *out_entry) {
    uint8_t kind = 0;
    *out_entry = (struct entry){0};
    if (rest->size == 0)
        return STATUS_NOT_FOUND;
    if (!take_copy(rest, &kind, 1) || (kind != ENTRY_RUN && kind != ENTRY_ACTION) ||
        !take_copy(rest, out_entry->id.bytes, UUID_SIZE))
        return STATUS_CORRUPT;
    out_entry->kind = (enum entry_kind)kind;
    if (kind == ENTRY_RUN && !take_run(rest, out_entry))
        return STATUS_CORRUPT;
    return take_copy(rest, out_entry->leaf, SEAL_HASH_SIZE) ? STATUS_OK : STATUS_CORRUPT;
}
