// The bytes of one file of the made-up disk: as programs see them, as they are on the plate, and
// the writes in between. See disk.h.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/disk_internal.h"

static void set_size(struct disk_bytes *bytes, size_t size) {
    if (size > bytes->capacity) {
        bytes->capacity = size > 2 * bytes->capacity ? size : 2 * bytes->capacity;
        bytes->data = disk_memory(bytes->data, bytes->capacity, 1);
    }
    if (size > bytes->size)
        memset(bytes->data + bytes->size, 0, size - bytes->size);
    bytes->size = size;
}

static void put(struct disk_bytes *bytes, const void *data, size_t size, size_t offset) {
    if (size == 0)
        return;
    if (offset + size > bytes->size)
        set_size(bytes, offset + size);
    memcpy(bytes->data + offset, data, size);
}

// Every sector of a write has its own fate.
static void put_torn(struct disk_bytes *bytes, const struct disk_change *change, uint64_t *random) {
    uint64_t dice = disk_random(random);
    size_t sector = dice & 1 ? 512 : 4096;
    bool whole = (dice & 6) != 0; // three of four writes are not torn, but there or not
    bool there = dice & 8;
    for (size_t done = 0; done < change->size;) {
        size_t part = sector - (change->offset + done) % sector;
        if (part > change->size - done)
            part = change->size - done;
        if (whole ? there : disk_random(random) & 1)
            put(bytes, change->data + done, part, change->offset + done);
        done += part;
    }
}

// Takes the waiting changes to the plate: all of them, or with chance whatever it will.
void disk_settle(struct disk_file *file, uint64_t *random) {
    for (size_t i = 0; i < file->n_changes; i++) {
        struct disk_change *change = &file->changes[i];
        if (change->data && random)
            put_torn(&file->durable, change, random);
        else if (change->data)
            put(&file->durable, change->data, change->size, change->offset);
        else if (!random || disk_random(random) & 1)
            set_size(&file->durable, change->offset);
        free(change->data);
    }
    file->n_changes = 0;
}

static void add_change(struct disk_file *file, struct disk_change change) {
    if (file->n_changes == file->capacity) {
        file->capacity = file->capacity ? file->capacity * 2 : 16;
        file->changes = disk_memory(file->changes, file->capacity, sizeof *file->changes);
    }
    file->changes[file->n_changes++] = change;
}

static void write_now(struct disk_file *file, const void *data, size_t size, size_t offset) {
    if (size == 0)
        return;
    uint8_t *copy = memcpy(disk_memory(NULL, size, 1), data, size);
    put(&file->now, data, size, offset);
    add_change(file, (struct disk_change){offset, size, copy});
}

static bool has_room(const struct disk *disk, const struct disk_file *file, size_t end) {
    return disk->room == 0 || end <= file->now.size ||
           disk_used(disk) + (end - file->now.size) <= disk->room;
}

int disk_write(struct disk *disk, struct disk_file *file, const void *data, size_t size,
               size_t offset) {
    int error = 0;
    enum disk_fate fate = disk_step(disk, DISK_WRITE, true, &error);
    if (fate == DISK_GOES && !has_room(disk, file, offset + size)) {
        disk->failed++;
        return ENOSPC;
    }
    if (fate == DISK_FAILS && !disk->off)
        write_now(file, data, size / 2, offset);
    else if (fate != DISK_FAILS)
        write_now(file, data, size, offset);
    return error;
}

int disk_truncate(struct disk *disk, struct disk_file *file, size_t size) {
    int error = 0;
    if (disk_step(disk, DISK_WRITE, true, &error) == DISK_FAILS)
        return error;
    set_size(&file->now, size);
    add_change(file, (struct disk_change){.offset = size});
    return error;
}

int disk_read(struct disk *disk, struct disk_file *file, void *data, size_t size, size_t offset,
              size_t *out_size) {
    int error = 0;
    *out_size = 0;
    if (disk_step(disk, DISK_READ, false, &error) != DISK_GOES)
        return error;
    if (offset < file->now.size)
        *out_size = size < file->now.size - offset ? size : file->now.size - offset;
    if (*out_size > 0)
        memcpy(data, file->now.data + offset, *out_size);
    return 0;
}
