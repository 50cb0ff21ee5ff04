// The write-ahead log after an fsync that failed. The kernel may have dropped what it should have
// written and calls it clean, so no later fsync brings it to the disk; but whoever opens the
// database next reads it from memory, takes the commit for good and writes behind it. A power cut
// would then take those bytes, and with them everything behind. So a commit that failed leaves a
// mark, and the next one who opens the home writes the log's bytes again before SQLite reads them.
// The mark needs no fsync: a power cut that takes it takes the bytes as well. While somebody has
// the database open, nobody reads the log anew, and what failed is overwritten by the next commit.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/store/db.h"

#define DOUBT_FILE STORE_DATABASE "-doubt"
#define PIECE 65536
#define PATH_SIZE (PATH_MAX + 32) // a home and a name in it

static bool path_in(const struct store *store, const char *name, char out_path[PATH_SIZE]) {
    return snprintf(out_path, PATH_SIZE, "%s/%s", store->home, name) < PATH_SIZE;
}

void wal_doubt(const struct store *store) {
    char path[PATH_SIZE];
    if (!path_in(store, DOUBT_FILE, path))
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        close(fd);
}

// The same bytes at the same places.
static enum status write_again(int fd) {
    static uint8_t piece[PIECE];
    off_t at = 0;
    for (ssize_t size; (size = pread(fd, piece, sizeof piece, at)) != 0; at += size) {
        if (size < 0 || pwrite(fd, piece, (size_t)size, at) != size)
            return STATUS_IO;
    }
    return fsync(fd) == 0 ? STATUS_OK : STATUS_IO;
}

static enum status mend(const char *log, const char *doubt) {
    int fd = open(log, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno != ENOENT)
        return STATUS_IO;
    enum status status = fd < 0 ? STATUS_OK : write_again(fd);
    if (fd >= 0)
        close(fd);
    if (status == STATUS_OK && unlink(doubt) != 0)
        return STATUS_IO;
    return status;
}

enum status wal_mend(struct store *store) {
    char log[PATH_SIZE], doubt[PATH_SIZE], holder[LOCK_HOLDER_SIZE];
    if (!path_in(store, STORE_DATABASE "-wal", log) || !path_in(store, DOUBT_FILE, doubt))
        return db_error(store, STATUS_LIMIT, "%s: the name is too long", store->home);
    int mark = open(doubt, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (mark < 0)
        return STATUS_OK;
    close(mark);
    enum status status = lock_take(&store->lock, store->program, store->lock_wait_ms, holder);
    if (status == STATUS_AGAIN) // who writes has it open: see above
        return STATUS_OK;
    if (status == STATUS_OK) {
        status = mend(log, doubt);
        lock_release(&store->lock);
    }
    return status == STATUS_OK ? STATUS_OK
                               : db_error(store, status, "%s: %s", log, strerror(errno));
}
