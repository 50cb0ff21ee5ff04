// The made-up disk under the C library's calls that the store uses for its files beside the
// database and for its lock. The linker sends those calls here (--wrap, see CMakeLists.txt); paths
// and descriptors that are not ours go on to the C library. See disk.h.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/disk_internal.h"

#define FIRST_FD 0x100000 // far above what the system gives out
#define MAX_FDS 64

int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
ssize_t __real_read(int fd, void *data, size_t size);
ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t __real_pread(int fd, void *data, size_t size, off_t offset);
int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_mkdir(const char *path, mode_t mode);
int __real_fstat(int fd, struct stat *out);
int __real_fchmod(int fd, mode_t mode);
int __real_fcntl(int fd, int command, ...);
char *__real_realpath(const char *path, char *out);

int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
ssize_t __wrap_read(int fd, void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_fstat(int fd, struct stat *out);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_fcntl(int fd, int command, ...);
char *__wrap_realpath(const char *path, char *out);

struct descriptor {
    struct disk *disk; // borrows; NULL: free
    struct disk_file *file;
    char path[DISK_PATH_BYTES];
    size_t offset;
    unsigned run;
};

static struct descriptor descriptors[MAX_FDS];

static struct descriptor *ours(int fd) {
    if (fd < FIRST_FD || fd >= FIRST_FD + MAX_FDS)
        return NULL;
    struct descriptor *descriptor = &descriptors[fd - FIRST_FD];
    return descriptor->disk ? descriptor : NULL;
}

static int result(int error) {
    errno = error;
    return error == 0 ? 0 : -1;
}

static bool is_dead(const struct descriptor *descriptor) {
    return descriptor->run != descriptor->disk->run;
}

static int free_place(void) {
    for (int i = 0; i < MAX_FDS; i++)
        if (!descriptors[i].disk)
            return i;
    return -1;
}

static int open_ours(struct disk *disk, const char *path, int flags) {
    int place = free_place();
    if (place < 0)
        return result(EMFILE);
    struct descriptor *descriptor = &descriptors[place];
    if ((flags & O_EXCL) && disk_find(disk, path))
        return result(EEXIST);
    int error = disk_open(disk, path, flags & O_CREAT, &descriptor->file);
    if (error != 0)
        return result(error);
    memccpy(descriptor->path, path, '\0', sizeof descriptor->path - 1);
    descriptor->disk = disk;
    descriptor->offset = 0;
    descriptor->run = disk->run;
    return FIRST_FD + place;
}

int __wrap_open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    const char *below;
    struct disk *disk = disk_of(path, &below);
    return disk ? open_ours(disk, below, flags) : __real_open(path, flags, mode);
}

int __wrap_close(int fd) {
    struct descriptor *descriptor = ours(fd);
    if (!descriptor)
        return __real_close(fd);
    if (!is_dead(descriptor) && descriptor->file->locked_by == fd)
        descriptor->file->locked_by = 0;
    *descriptor = (struct descriptor){0};
    return 0;
}

static ssize_t write_at(struct descriptor *descriptor, const void *data, size_t size,
                        size_t offset) {
    int error = is_dead(descriptor)
                    ? EIO
                    : disk_write(descriptor->disk, descriptor->file, data, size, offset);
    return error == 0 ? (ssize_t)size : result(error);
}

ssize_t __wrap_write(int fd, const void *data, size_t size) {
    struct descriptor *descriptor = ours(fd);
    if (!descriptor)
        return __real_write(fd, data, size);
    ssize_t written = write_at(descriptor, data, size, descriptor->offset);
    descriptor->offset += written > 0 ? (size_t)written : 0;
    return written;
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset) {
    struct descriptor *descriptor = ours(fd);
    return descriptor ? write_at(descriptor, data, size, (size_t)offset)
                      : __real_pwrite(fd, data, size, offset);
}

ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset) {
    struct descriptor *descriptor = ours(fd);
    size_t got = 0;
    if (!descriptor)
        return __real_pread(fd, data, size, offset);
    int error = is_dead(descriptor) ? EIO
                                    : disk_read(descriptor->disk, descriptor->file, data, size,
                                                (size_t)offset, &got);
    return error == 0 ? (ssize_t)got : result(error);
}

ssize_t __wrap_read(int fd, void *data, size_t size) {
    struct descriptor *descriptor = ours(fd);
    if (!descriptor)
        return __real_read(fd, data, size);
    ssize_t got = __wrap_pread(fd, data, size, (off_t)descriptor->offset);
    descriptor->offset += got > 0 ? (size_t)got : 0;
    return got;
}

int __wrap_fsync(int fd) {
    struct descriptor *descriptor = ours(fd);
    if (!descriptor)
        return __real_fsync(fd);
    return result(is_dead(descriptor)
                      ? EIO
                      : disk_sync(descriptor->disk, descriptor->file, descriptor->path));
}

int __wrap_rename(const char *from, const char *to) {
    const char *below_from;
    const char *below_to;
    struct disk *disk = disk_of(from, &below_from);
    if (!disk)
        return __real_rename(from, to);
    return result(disk_of(to, &below_to) == disk ? disk_rename(disk, below_from, below_to) : EXDEV);
}

int __wrap_unlink(const char *path) {
    const char *below;
    struct disk *disk = disk_of(path, &below);
    return disk ? result(disk_rename(disk, below, NULL)) : __real_unlink(path);
}

int __wrap_mkdir(const char *path, mode_t mode) {
    const char *below;
    struct disk *disk = disk_of(path, &below);
    if (disk)
        return result(disk_make_folder(disk, below));
    return disk_leads_to(path) ? result(EEXIST) : __real_mkdir(path, mode);
}

int __wrap_fstat(int fd, struct stat *out) {
    struct descriptor *descriptor = ours(fd);
    if (!descriptor)
        return __real_fstat(fd, out);
    *out = (struct stat){
        .st_size = (off_t)descriptor->file->now.size,
        .st_mode = descriptor->file->folder ? S_IFDIR | 0700 : S_IFREG | 0600,
        .st_nlink = 1,
    };
    return result(is_dead(descriptor) ? EIO : 0);
}

int __wrap_fchmod(int fd, mode_t mode) {
    struct descriptor *descriptor = ours(fd);
    return descriptor ? result(is_dead(descriptor) ? EIO : 0) : __real_fchmod(fd, mode);
}

static int set_lock(struct descriptor *descriptor, int fd, short type) {
    int *locked_by = &descriptor->file->locked_by;
    if (is_dead(descriptor))
        return result(EIO);
    if (*locked_by != 0 && *locked_by != fd)
        return result(EAGAIN);
    *locked_by = type == F_UNLCK ? 0 : fd;
    return 0;
}

int __wrap_fcntl(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *); // a number comes the same way
    va_end(arguments);
    struct descriptor *descriptor = ours(fd);
    if (!descriptor)
        return __real_fcntl(fd, command, argument);
    if (command == F_OFD_SETLK)
        return set_lock(descriptor, fd, ((const struct flock *)argument)->l_type);
    return result(EINVAL);
}

char *__wrap_realpath(const char *path, char *out) {
    const char *below;
    struct disk *disk = disk_of(path, &below);
    if (!disk)
        return __real_realpath(path, out);
    errno = ENOENT;
    return disk_find(disk, below) ? strdup(path) : NULL;
}
