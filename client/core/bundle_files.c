// Bundle files on disk: read and looked through, written whole or not at all.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/core/bundle_internal.h"
#include "common/net/bundle.h"

enum client_result bundle_refuse(struct client *client, enum reason_id reason,
                                 const struct bundle_head *head, size_t size) {
    struct arena *arena = client->arena;
    const char *text = "";
    if (reason == REASON_BUNDLE_VERSION)
        client->failure_reason =
            reason_new(arena, reason, NULL, arena_format(arena, "%u", head->version),
                       arena_format(arena, "%u", BUNDLE_FILE_VERSION), NULL);
    else if (reason == REASON_BUNDLE_TOO_LARGE)
        client->failure_reason = reason_new(arena, reason, NULL, arena_format(arena, "%zu", size),
                                            arena_format(arena, "%u", BUNDLE_FILE_MAX_BYTES), NULL);
    else
        client->failure_reason = reason_new(arena, reason, NULL, NULL);
    if (!client->failure_reason)
        text = "out of memory";
    snprintf(client->failure_text, sizeof client->failure_text, "%s", text);
    return CLIENT_REFUSED;
}

static enum client_result fail_file(struct client *client, const char *path) {
    snprintf(client->failure_text, sizeof client->failure_text, "%.200s: %s", path,
             strerror(errno));
    return CLIENT_LOCAL;
}

// Up to one byte more than a file may have: then it is refused as too large.
static ssize_t read_all(int fd, uint8_t *room) {
    size_t size = 0;
    while (size < BUNDLE_FILE_MAX_BYTES + 1) {
        ssize_t n = read(fd, room + size, BUNDLE_FILE_MAX_BYTES + 1 - size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        size += (size_t)n;
    }
    return (ssize_t)size;
}

static enum client_result read_file(struct client *client, const char *path,
                                    struct view *out_file) {
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_file(client, path);
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        close(fd);
        errno = EISDIR;
        return fail_file(client, path);
    }
    uint8_t *room = arena_alloc(client->arena, BUNDLE_FILE_MAX_BYTES + 1);
    ssize_t size = room ? read_all(fd, room) : -1;
    close(fd);
    if (!room)
        return client_fail_store(client, STATUS_NO_MEMORY);
    if (size < 0)
        return fail_file(client, path);
    *out_file = view_from(room, (size_t)size);
    return CLIENT_OK;
}

enum client_result bundle_read(struct client *client, const char *path, struct view *out_file,
                               struct bundle_head *out_head) {
    *out_head = (struct bundle_head){0};
    enum client_result result = read_file(client, path, out_file);
    if (result != CLIENT_OK)
        return result;
    enum reason_id reason = bundle_file_check(*out_file, out_head);
    return reason == REASON_NONE ? CLIENT_OK
                                 : bundle_refuse(client, reason, out_head, out_file->size);
}

enum client_result bundle_check_kind(struct client *client, const struct bundle_head *head,
                                     enum bundle_kind kind) {
    if (head->kind == kind)
        return CLIENT_OK;
    return bundle_refuse(client,
                         head->kind == BUNDLE_KIND_RECEIPT ? REASON_BUNDLE_IS_RECEIPT
                                                           : REASON_BUNDLE_IS_BUNDLE,
                         head, 0);
}

static bool write_all(int fd, struct view content) {
    for (size_t done = 0; done < content.size;) {
        ssize_t n = write(fd, content.data + done, content.size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return fsync(fd) == 0;
}

// Sticks are FAT: no hard links, no rename without overwriting. The file is made under its own name
// and taken away again when it did not get whole.
enum client_result bundle_write_new(struct client *client, const char *path, struct view content) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_file(client, path);
    bool whole = write_all(fd, content);
    int error = errno;
    if (close(fd) != 0 && whole) {
        whole = false;
        error = errno;
    }
    if (whole)
        return CLIENT_OK;
    (void)unlink(path);
    errno = error;
    return fail_file(client, path);
}

enum client_result bundle_own_deployment(struct client *client,
                                         uint8_t out_deployment[BUNDLE_DEPLOYMENT_SIZE]) {
    struct view ca;
    if (store_file_read(client->store, STORE_FILE_CA, client->arena, &ca) != STATUS_OK ||
        bundle_deployment(ca, out_deployment) != STATUS_OK)
        return CLIENT_NOT_ENROLLED;
    return CLIENT_OK;
}
