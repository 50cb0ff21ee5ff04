// A disk in memory for tests: SQLite's files (as its default VFS) and the home's other files (open,
// write, fsync, rename ... of the product's code, replaced by the linker's --wrap) lie on it, and
// the power goes, a write fails or the room ends where a test says. Product code runs unchanged.
//
// What it promises after a power cut, and no more: a write is there for good when fsync of its file
// came back. Of what was written since, each sector (512 or 4096 bytes, by seed) is there or not,
// in any order. A name (made, renamed, removed) is there for good when its folder was synced; later
// changes of names survive up to some moment, in their order, as a journal keeps them. A failed
// fsync may have lost what it should have written, and a later one does not bring it back.
//
// One thread. Locks and shared memory work between the connections of this process.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk; // opaque

// An empty disk at `mount`, an absolute path that need not exist outside ("/disk/1"). Everything
// random on it comes from the seed. Aborts when memory is out.
struct disk *disk_new(const char *mount, uint64_t seed);
void disk_free(struct disk **disk); // takes NULL; close what is open on it first
// A copy as an image taken now, with everything written; nothing is open on it, no fault planned.
struct disk *disk_clone(const struct disk *disk, const char *mount, uint64_t seed);

// The calls that change a disk, and reading.
enum disk_call {
    DISK_WRITE, // write, truncate
    DISK_SYNC,  // of a file or folder
    DISK_OPEN,  // of a file
    DISK_NAME,  // rename, remove, make a folder
    DISK_READ,
    DISK_CALLS
};

// ---- power ----

// How many changing calls there were: all but DISK_READ and opening what exists.
uint64_t disk_changes(const struct disk *disk);
// The power goes in the middle of the n-th changing call from now (1: the next), which may or may
// not have happened; it and everything after it fails. 0: never.
void disk_cut_after(struct disk *disk, uint64_t n);
bool disk_is_off(const struct disk *disk);
// `on_change` is called before every changing call, with its number and kind; it may plan a cut or
// a fault for this very call (n = 1), or fork. NULL: nobody.
void disk_watch(struct disk *disk,
                void (*on_change)(void *user, uint64_t change, enum disk_call what), void *user);
// Whoever was running is gone: its open files are dead, locks and shared memory are free. What was
// not synced is kept, dropped or torn by the seed. Then the power is on again. Works without a cut,
// too. disk_stop is the end of the programs alone: everything they wrote stays.
void disk_crash(struct disk *disk, uint64_t seed);
void disk_stop(struct disk *disk);

// ---- faults ----

// The n-th call of this kind from now (1: the next) fails with `error` (EIO, ENOSPC); for_good: and
// every later one. A failed write has written its first half.
void disk_fail(struct disk *disk, enum disk_call what, uint64_t n, int error, bool for_good);
// No file grows beyond this sum of bytes (ENOSPC). 0: no limit.
void disk_set_room(struct disk *disk, uint64_t bytes);
uint64_t disk_used(const struct disk *disk);
// Ends planned faults and the limit; not a cut.
void disk_heal(struct disk *disk);
uint64_t disk_calls(const struct disk *disk, enum disk_call what); // so far
uint64_t disk_failed(const struct disk *disk);                     // calls that were made to fail

// ---- looking ----

bool disk_has(const struct disk *disk, const char *path);
// For tests that damage a file on purpose. False: no such byte.
bool disk_flip(struct disk *disk, const char *path, size_t offset, uint8_t mask);
