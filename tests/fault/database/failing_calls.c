// Put before PostgreSQL with LD_PRELOAD, it lets one write or sync fail as a bad disk would: which
// one says the file named by LX_FAILING_CALLS, a struct plan that all processes and the test map.
//
// A sync of the WAL that fails also takes back what was written since the last one that did not, as
// the kernel does when it drops pages that it could not write: what was acknowledged on the
// strength of it would be gone. PostgreSQL writes and syncs its WAL under one lock, so the list of
// what was written has one user at a time. Called by tests/fault/failing_database.py, which knows
// the struct.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define ROOM (64u << 20)
#define PATH_SIZE 512

enum call { CALL_SYNC = 1, CALL_WRITE = 2 };
enum place { PLACE_NONE, PLACE_WAL, PLACE_DATA };

struct plan {
    int32_t call, place, error; // which calls, where, and what they fail with
    _Atomic int32_t left;       // the call that brings it to 0 fails; 0: none
    _Atomic int32_t failed;     // how many have
    _Atomic int32_t unsaved;    // what was written could not all be remembered
    _Atomic int64_t taken_back; // bytes
    _Atomic int64_t used;       // of `written`
    int64_t newest;             // place of the newest piece in `written`; -1: none
    uint8_t written[ROOM]; // struct piece and the bytes that were there before, one after another
};

struct piece {
    int64_t offset, size;
    int64_t before; // place of the piece before this one in `written`; -1: none
    ino_t file;
};

static struct plan *plan; // NULL: not asked for

static void __attribute__((constructor)) begin(void) {
    const char *path = getenv("LX_FAILING_CALLS");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    plan = mapped != MAP_FAILED ? mapped : NULL;
    close(fd);
}

// Segments of the WAL under their own name; one that is being made has another.
static enum place place_of(int fd) {
    char link[64], path[PATH_SIZE];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (plan == NULL || size <= 0)
        return PLACE_NONE;
    path[size] = '\0';
    if (strstr(path, "/pg_wal/0") != NULL)
        return PLACE_WAL;
    return strstr(path, "/base/") != NULL || strstr(path, "/global/") != NULL ||
                   strstr(path, "/pg_xact/") != NULL
               ? PLACE_DATA
               : PLACE_NONE;
}

static bool fails(enum call call, enum place place) {
    if (place == PLACE_NONE || plan->call != (int32_t)call || plan->place != (int32_t)place ||
        atomic_load(&plan->left) <= 0 || atomic_fetch_sub(&plan->left, 1) != 1)
        return false;
    atomic_fetch_add(&plan->failed, 1);
    errno = plan->error;
    return true;
}

// ---- what the WAL had before ----

static void remember(int fd, int64_t offset, size_t size) {
    struct stat info;
    int64_t at = atomic_load(&plan->used);
    if (fstat(fd, &info) != 0 || at + (int64_t)(sizeof(struct piece) + size) > ROOM) {
        atomic_store(&plan->unsaved, 1);
        return;
    }
    struct piece piece = {offset, (int64_t)size, plan->newest, info.st_ino};
    ssize_t there = pread(fd, plan->written + at + sizeof piece, size, offset);
    if (there != (ssize_t)size)
        atomic_store(&plan->unsaved, 1);
    memcpy(plan->written + at, &piece, sizeof piece);
    plan->newest = at;
    atomic_store(&plan->used, at + (int64_t)((sizeof piece + size + 7) & ~(size_t)7));
}

static void forget(void) {
    plan->newest = -1;
    atomic_store(&plan->used, 0);
}

static ssize_t real_pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    ssize_t (*next)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    return next(fd, bytes, size, offset);
}

// The newest first, so that the oldest content stands in the end.
static void take_back(int fd) {
    struct stat info;
    if (fstat(fd, &info) != 0)
        return;
    for (int64_t at = plan->newest; at >= 0;) {
        struct piece piece;
        memcpy(&piece, plan->written + at, sizeof piece);
        if (piece.file == info.st_ino &&
            real_pwrite(fd, plan->written + at + sizeof piece, (size_t)piece.size, piece.offset) ==
                piece.size)
            atomic_fetch_add(&plan->taken_back, piece.size);
        at = piece.before;
    }
    forget();
}

// ---- the calls ----

static int sync_with(const char *name, int fd) {
    enum place place = place_of(fd);
    int (*next)(int) = dlsym(RTLD_NEXT, name);
    if (fails(CALL_SYNC, place)) {
        if (place == PLACE_WAL)
            take_back(fd);
        errno = plan->error;
        return -1;
    }
    int result = next(fd);
    if (result == 0 && place == PLACE_WAL)
        forget();
    return result;
}

int fsync(int fd) {
    return sync_with("fsync", fd);
}

int fdatasync(int fd) {
    return sync_with("fdatasync", fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    enum place place = place_of(fd);
    if (fails(CALL_WRITE, place))
        return -1;
    if (place == PLACE_WAL)
        remember(fd, offset, size);
    return real_pwrite(fd, bytes, size, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t offset) {
    ssize_t (*next)(int, const struct iovec *, int, off_t) = dlsym(RTLD_NEXT, "pwritev");
    return fails(CALL_WRITE, place_of(fd)) ? -1 : next(fd, parts, n, offset);
}
