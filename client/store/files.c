// The files beside the database: the device's key and certificate, the CA. Each is written whole or
// not at all, and which three belong together the database says. See store.h.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/store/db.h"

#define FILE_MAX_BYTES (64 * 1024) // PEM files of a few KiB

static enum status identity_number(struct store *store, int64_t *out_number) {
    return store_config_get_int(store, STORE_CONFIG_IDENTITY, 0, out_number);
}

static const char *path_of(struct store *store, const char *name, int64_t identity,
                           struct arena *arena) {
    if (identity == 0) // the first one
        return arena_format(arena, "%s/%s", store->home, name);
    return arena_format(arena, "%s/%s.%lld", store->home, name, (long long)identity);
}

const char *store_file_path(struct store *store, const char *name, struct arena *arena) {
    int64_t number;
    enum status status = identity_number(store, &number);
    return status == STATUS_OK ? path_of(store, name, number, arena) : NULL;
}

static enum status write_all(int fd, struct view content) {
    for (size_t done = 0; done < content.size;) {
        ssize_t n = write(fd, content.data + done, content.size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return STATUS_IO;
        done += (size_t)n;
    }
    return fsync(fd) == 0 ? STATUS_OK : STATUS_IO;
}

static enum status write_temporary(const char *path, struct view content) {
    (void)unlink(path); // of a former crash
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return STATUS_IO;
    enum status status = write_all(fd, content);
    if (close(fd) != 0)
        status = STATUS_IO;
    return status;
}

enum status files_sync_folder(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return STATUS_IO;
    enum status status = fsync(fd) == 0 ? STATUS_OK : STATUS_IO;
    close(fd);
    return status;
}

static enum status write_file(struct store *store, const char *name, int64_t identity,
                              struct view content) {
    struct arena *arena = arena_new(0);
    const char *path = arena ? path_of(store, name, identity, arena) : NULL;
    const char *temporary = path ? arena_format(arena, "%s.new", path) : NULL;
    enum status status = temporary ? write_temporary(temporary, content) : STATUS_NO_MEMORY;
    if (status == STATUS_OK && rename(temporary, path) != 0)
        status = STATUS_IO;
    if (status == STATUS_OK)
        status = files_sync_folder(store->home);
    if (status == STATUS_IO)
        (void)db_error(store, status, "writing %s: %s", path, strerror(errno));
    arena_free(&arena);
    return status;
}

enum status store_file_write(struct store *store, const char *name, struct view content) {
    int64_t number;
    TRY(identity_number(store, &number));
    return write_file(store, name, number, content);
}

enum status store_identity_put(struct store *store, const struct store_identity *identity) {
    struct view device;
    struct arena *arena = arena_new(0);
    if (!arena)
        return STATUS_NO_MEMORY;
    enum status status = store_config_get(store, STORE_CONFIG_DEVICE, arena, &device);
    arena_free(&arena);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    int64_t number;
    TRY(identity_number(store, &number));
    number += status == STATUS_OK; // no file in use is touched
    TRY(write_file(store, STORE_FILE_CA, number, identity->ca));
    TRY(write_file(store, STORE_FILE_KEY, number, identity->key));
    TRY(write_file(store, STORE_FILE_CERTIFICATE, number, identity->certificate));
    TRY(store_config_set_int(store, STORE_CONFIG_IDENTITY, number));
    return store_config_set(store, STORE_CONFIG_DEVICE, identity->device);
}

void store_identity_tidy(struct store *store) {
    static const char *const names[] = {STORE_FILE_CA, STORE_FILE_KEY, STORE_FILE_CERTIFICATE};
    int64_t number = 0;
    struct arena *arena = identity_number(store, &number) == STATUS_OK ? arena_new(0) : NULL;
    for (size_t i = 0; arena && number > 0 && i < sizeof names / sizeof names[0]; i++) {
        const char *path = path_of(store, names[i], number - 1, arena);
        if (path)
            (void)unlink(path); // what is left does no harm but lie there
    }
    arena_free(&arena);
}

static enum status read_all(int fd, struct arena *arena, struct view *out_content) {
    struct stat info;
    if (fstat(fd, &info) != 0)
        return STATUS_IO;
    if (info.st_size > FILE_MAX_BYTES)
        return STATUS_LIMIT;
    uint8_t *data = arena_alloc(arena, (size_t)info.st_size + 1);
    if (!data)
        return STATUS_NO_MEMORY;
    ssize_t n = pread(fd, data, (size_t)info.st_size, 0);
    if (n != info.st_size)
        return STATUS_IO;
    *out_content = view_from(data, (size_t)n);
    return STATUS_OK;
}

enum status store_file_read(struct store *store, const char *name, struct arena *arena,
                            struct view *out_content) {
    const char *path = store_file_path(store, name, arena);
    if (!path)
        return STATUS_NO_MEMORY;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? STATUS_NOT_FOUND
                               : db_error(store, STATUS_IO, "%s: %s", path, strerror(errno));
    enum status status = read_all(fd, arena, out_content);
    close(fd);
    return status;
}
