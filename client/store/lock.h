// The one lock on a home: every write transaction and checkpoint of every program runs under it.
// An open-file-description lock on the file `lock`, whose text says who has it. Used by store.c.
#pragma once

#include "common/base/status.h"

#define LOCK_HOLDER_SIZE 128

struct lock {
    int fd; // owns; -1: not open
};

// Opens (creates, 0600) the lock file; does not lock.
enum status lock_open(struct lock *lock, const char *path) MUST_USE;
// Waits up to wait_ms. STATUS_AGAIN: out_holder (LOCK_HOLDER_SIZE bytes) says "pid N (program)".
enum status lock_take(struct lock *lock, const char *program, int wait_ms,
                      char *out_holder) MUST_USE;
void lock_release(struct lock *lock);
void lock_close(struct lock *lock);
