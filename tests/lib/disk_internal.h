// What the files of the made-up disk share: files, names and the one place where a call is let
// through, fails or meets the end of the power. See disk.h.
#pragma once

#include "tests/lib/disk.h"

#define DISK_PATH_BYTES 512
#define DISK_LOCKS 8 // of SQLite's shared memory

struct disk_change {
    size_t offset;
    size_t size;
    uint8_t *data; // owns; NULL: the file was cut to `offset` bytes
};

struct disk_bytes {
    uint8_t *data; // owns
    size_t size, capacity;
};

struct disk_shared {   // SQLite's index of a write-ahead log
    uint8_t **regions; // owns
    int n_regions;
    unsigned users;
    unsigned readers[DISK_LOCKS];
    const void *writer[DISK_LOCKS];
};

struct disk_file {
    bool folder;
    struct disk_bytes now, durable;
    struct disk_change *changes; // owns: since the last fsync
    size_t n_changes, capacity;
    // SQLite's locks on a database; owners are its file objects.
    unsigned n_shared;
    const void *reserved, *pending, *exclusive;
    struct disk_shared shared;
    int locked_by; // fcntl's lock: a descriptor; 0: none
};

struct disk_entry {
    char *path; // owns; below the mount, "" is the mount itself
    struct disk_file *file;
};

struct disk_names {
    struct disk_entry *entries; // owns
    size_t count, capacity;
};

struct disk_rename { // a change of names that its folder has not been synced for
    char *from, *to; // own; from NULL: made, to NULL: removed
    struct disk_file *file;
};

struct disk_fault {
    uint64_t at; // counted in calls of its kind; 0: none
    int error;
    bool for_good;
};

struct disk {
    char *mount; // owns
    size_t mount_size;
    struct disk *next;
    struct disk_file **files; // owns: all that ever were, removed ones may be open
    size_t n_files, files_capacity;
    struct disk_names now, durable;
    struct disk_rename *renames; // owns
    size_t n_renames, renames_capacity;
    uint64_t random;
    uint64_t changes, cut_at;
    uint64_t calls[DISK_CALLS];
    uint64_t failed;
    struct disk_fault faults[DISK_CALLS];
    uint64_t room;
    void (*on_change)(void *user, uint64_t change, enum disk_call what);
    void *user;   // of on_change
    unsigned run; // open files of an earlier run are dead
    bool off;
};

// The disk that this path lies on, and the path below its mount; NULL: none of ours.
struct disk *disk_of(const char *path, const char **out_below);
bool disk_leads_to(const char *path); // a folder on the way to a mount
uint64_t disk_random(uint64_t *state);
void *disk_memory(void *old, size_t n, size_t size); // realloc; aborts when memory is out

// One call: let it through, make it fail (*out_error), or cut: it happens, unsynced, and fails.
enum disk_fate { DISK_GOES, DISK_CUT, DISK_FAILS };
enum disk_fate disk_step(struct disk *disk, enum disk_call what, bool changes, int *out_error);

// All return 0 or an errno value.
int disk_open(struct disk *disk, const char *path, bool create, struct disk_file **out_file);
int disk_write(struct disk *disk, struct disk_file *file, const void *data, size_t size,
               size_t offset);
int disk_truncate(struct disk *disk, struct disk_file *file, size_t size);
int disk_sync(struct disk *disk, struct disk_file *file, const char *path);
int disk_rename(struct disk *disk, const char *from, const char *to); // to NULL: removes
int disk_make_folder(struct disk *disk, const char *path);
int disk_read(struct disk *disk, struct disk_file *file, void *data, size_t size, size_t offset,
              size_t *out_size);
struct disk_file *disk_find(const struct disk *disk, const char *path);
// Takes the changes of a file to the plate: all (random NULL), or whatever chance will.
void disk_settle(struct disk_file *file, uint64_t *random);
void disk_parent(const char *path, char *out_parent); // DISK_PATH_BYTES; of "" it is ""

void disk_vfs_register(uint64_t seed); // disk_vfs.c
