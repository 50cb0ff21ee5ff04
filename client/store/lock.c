// See lock.h. The kernel drops the lock with the process, so a kill leaves none behind; the text
// in the file is only read while somebody else holds the lock.
#include "client/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"

#define POLL_MS 25 // between two tries: short against a person's patience, long against the CPU

enum status lock_open(struct lock *lock, const char *path) {
    lock->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return lock->fd < 0 ? STATUS_IO : STATUS_OK;
}

static enum status lock_try(struct lock *lock) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(lock->fd, F_OFD_SETLK, &whole) == 0)
        return STATUS_OK;
    return errno == EAGAIN || errno == EACCES || errno == EINTR ? STATUS_AGAIN : STATUS_IO;
}

static void lock_sign(struct lock *lock, const char *program) {
    char text[LOCK_HOLDER_SIZE] = {0};
    snprintf(text, sizeof text, "pid %d (%.90s)", (int)getpid(), program);
    // Fixed size, so that a shorter text leaves no rest of the former one. Failing to sign is no
    // failure to lock: the text is for people.
    ssize_t written = pwrite(lock->fd, text, sizeof text, 0);
    (void)written;
}

static void lock_read_holder(struct lock *lock, char *out_holder) {
    memset(out_holder, 0, LOCK_HOLDER_SIZE);
    if (pread(lock->fd, out_holder, LOCK_HOLDER_SIZE - 1, 0) <= 0)
        snprintf(out_holder, LOCK_HOLDER_SIZE, "another program");
}

enum status lock_take(struct lock *lock, const char *program, int wait_ms, char *out_holder) {
    int64_t deadline_ms = clock_monotonic_ms() + wait_ms;
    enum status status;
    while ((status = lock_try(lock)) == STATUS_AGAIN) {
        if (clock_monotonic_ms() >= deadline_ms) {
            lock_read_holder(lock, out_holder);
            return STATUS_AGAIN;
        }
        struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
    if (status == STATUS_OK)
        lock_sign(lock, program);
    return status;
}

void lock_release(struct lock *lock) {
    struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    (void)fcntl(lock->fd, F_OFD_SETLK, &whole);
}

void lock_close(struct lock *lock) {
    if (lock->fd >= 0)
        close(lock->fd);
    lock->fd = -1;
}
