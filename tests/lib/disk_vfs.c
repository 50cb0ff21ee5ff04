// The made-up disk as SQLite's default VFS. Paths on no disk go to the system's own VFS. Sector
// size and device characteristics are those of SQLite's unix VFS, and so is what is synced when.
// See disk.h.
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/disk_internal.h"

struct vfs_file {
    sqlite3_file base;
    struct disk *disk;      // borrows
    struct disk_file *file; // borrows
    char path[DISK_PATH_BYTES];
    unsigned run;
    bool new_log; // a new journal or log: its folder is synced with its first sync
    int level;    // SQLITE_LOCK_...
    bool shared;  // uses the shared memory
    unsigned reads, writes;
};

static sqlite3_vfs *system_vfs;
static uint64_t vfs_random;

static bool is_dead(const struct vfs_file *file) {
    return file->run != file->disk->run;
}

static int code_of(int error, int otherwise) {
    if (error == 0)
        return SQLITE_OK;
    return error == ENOSPC && otherwise == SQLITE_IOERR_WRITE ? SQLITE_FULL : otherwise;
}

// ---- bytes ----

static int vfs_read(sqlite3_file *base, void *data, int size, sqlite3_int64 offset) {
    struct vfs_file *file = (struct vfs_file *)base;
    size_t got = 0;
    int error = is_dead(file)
                    ? EIO
                    : disk_read(file->disk, file->file, data, (size_t)size, (size_t)offset, &got);
    if (error != 0)
        return SQLITE_IOERR_READ;
    memset((uint8_t *)data + got, 0, (size_t)size - got);
    return got < (size_t)size ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int vfs_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 offset) {
    struct vfs_file *file = (struct vfs_file *)base;
    int error = is_dead(file)
                    ? EIO
                    : disk_write(file->disk, file->file, data, (size_t)size, (size_t)offset);
    return code_of(error, SQLITE_IOERR_WRITE);
}

static int vfs_truncate(sqlite3_file *base, sqlite3_int64 size) {
    struct vfs_file *file = (struct vfs_file *)base;
    int error = is_dead(file) ? EIO : disk_truncate(file->disk, file->file, (size_t)size);
    return code_of(error, SQLITE_IOERR_TRUNCATE);
}

static int sync_parent(struct disk *disk, const char *path) {
    char parent[DISK_PATH_BYTES];
    disk_parent(path, parent);
    return disk_sync(disk, disk_find(disk, parent), parent);
}

static int vfs_sync(sqlite3_file *base, int flags) {
    struct vfs_file *file = (struct vfs_file *)base;
    (void)flags;
    int error = is_dead(file) ? EIO : disk_sync(file->disk, file->file, file->path);
    if (error == 0 && file->new_log) {
        error = sync_parent(file->disk, file->path);
        file->new_log = error != 0;
    }
    return code_of(error, SQLITE_IOERR_FSYNC);
}

static int vfs_size(sqlite3_file *base, sqlite3_int64 *out_size) {
    const struct vfs_file *file = (const struct vfs_file *)base;
    *out_size = (sqlite3_int64)file->file->now.size;
    return is_dead(file) ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

// ---- locks ----

static bool other(const void *owner, const struct vfs_file *file) {
    return owner && owner != file;
}

static int take_level(struct vfs_file *file, int level) {
    struct disk_file *on = file->file;
    if (other(on->exclusive, file) || other(on->pending, file))
        return SQLITE_BUSY;
    if (level == SQLITE_LOCK_SHARED) {
        on->n_shared++;
        return SQLITE_OK;
    }
    if (other(on->reserved, file))
        return SQLITE_BUSY;
    if (level == SQLITE_LOCK_RESERVED) {
        on->reserved = file;
        return SQLITE_OK;
    }
    on->pending = file;
    if (on->n_shared > 1)
        return SQLITE_BUSY;
    on->exclusive = file;
    return SQLITE_OK;
}

static int vfs_lock(sqlite3_file *base, int level) {
    struct vfs_file *file = (struct vfs_file *)base;
    if (is_dead(file))
        return SQLITE_IOERR_LOCK;
    if (file->level >= level)
        return SQLITE_OK;
    int code = take_level(file, level);
    if (code == SQLITE_OK)
        file->level = level;
    return code;
}

static int vfs_unlock(sqlite3_file *base, int level) {
    struct vfs_file *file = (struct vfs_file *)base;
    struct disk_file *on = file->file;
    if (is_dead(file) || file->level <= level)
        return SQLITE_OK;
    if (on->reserved == file)
        on->reserved = NULL;
    if (on->pending == file)
        on->pending = NULL;
    if (on->exclusive == file)
        on->exclusive = NULL;
    if (level == SQLITE_LOCK_NONE)
        on->n_shared--;
    file->level = level;
    return SQLITE_OK;
}

static int vfs_check_reserved(sqlite3_file *base, int *out_reserved) {
    const struct disk_file *on = ((struct vfs_file *)base)->file;
    *out_reserved = on->reserved || on->pending || on->exclusive;
    return SQLITE_OK;
}

// ---- shared memory ----

static int shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **out) {
    struct vfs_file *file = (struct vfs_file *)base;
    struct disk_shared *shared = &file->file->shared;
    *out = NULL;
    if (is_dead(file) || file->disk->off)
        return SQLITE_IOERR_SHMMAP;
    shared->users += !file->shared;
    file->shared = true;
    if (region >= shared->n_regions && !extend)
        return SQLITE_OK;
    while (region >= shared->n_regions) {
        shared->regions =
            disk_memory(shared->regions, (size_t)shared->n_regions + 1, sizeof *shared->regions);
        uint8_t *fresh = disk_memory(NULL, (size_t)size, 1);
        shared->regions[shared->n_regions++] = memset(fresh, 0, (size_t)size);
    }
    *out = shared->regions[region];
    return SQLITE_OK;
}

static int shm_lock_one(struct vfs_file *file, int i, int flags) {
    struct disk_shared *shared = &file->file->shared;
    unsigned bit = 1u << i;
    bool reads = file->reads & bit;
    if (flags & SQLITE_SHM_UNLOCK) {
        shared->readers[i] -= reads;
        if (shared->writer[i] == file)
            shared->writer[i] = NULL;
        file->reads &= ~bit;
        return SQLITE_OK;
    }
    if (other(shared->writer[i], file))
        return SQLITE_BUSY;
    if (flags & SQLITE_SHM_SHARED) {
        shared->readers[i] += !reads;
        file->reads |= bit;
        return SQLITE_OK;
    }
    if (shared->readers[i] > (unsigned)reads)
        return SQLITE_BUSY;
    shared->writer[i] = file;
    return SQLITE_OK;
}

static int shm_lock(sqlite3_file *base, int offset, int n, int flags) {
    struct vfs_file *file = (struct vfs_file *)base;
    if (is_dead(file))
        return SQLITE_IOERR_SHMLOCK;
    for (int i = offset; i < offset + n; i++) {
        int code = shm_lock_one(file, i, flags);
        if (code == SQLITE_OK)
            continue;
        while (--i >= offset) // all or none
            (void)shm_lock_one(file, i, SQLITE_SHM_UNLOCK);
        return code;
    }
    return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *base) {
    (void)base;
    __sync_synchronize();
}

static int shm_unmap(sqlite3_file *base, int delete) {
    struct vfs_file *file = (struct vfs_file *)base;
    struct disk_shared *shared = &file->file->shared;
    (void)delete;
    if (is_dead(file) || !file->shared)
        return SQLITE_OK;
    for (int i = 0; i < DISK_LOCKS; i++)
        (void)shm_lock_one(file, i, SQLITE_SHM_UNLOCK);
    file->shared = false;
    if (--shared->users > 0)
        return SQLITE_OK;
    // As with a real file: the first one to come makes the index anew from the log.
    for (int i = 0; i < shared->n_regions; i++)
        free(shared->regions[i]);
    free(shared->regions);
    shared->regions = NULL;
    shared->n_regions = 0;
    return SQLITE_OK;
}

// ---- the file as a whole ----

static int vfs_close(sqlite3_file *base) {
    (void)shm_unmap(base, 0);
    return vfs_unlock(base, SQLITE_LOCK_NONE);
}

static int vfs_control(sqlite3_file *base, int what, void *argument) {
    (void)base;
    (void)what;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int vfs_sector(sqlite3_file *base) {
    (void)base;
    return 4096;
}

static int vfs_characteristics(sqlite3_file *base) {
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; // no write changes a byte outside of it
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_unlock,
    .xCheckReservedLock = vfs_check_reserved,
    .xFileControl = vfs_control,
    .xSectorSize = vfs_sector,
    .xDeviceCharacteristics = vfs_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags,
                    int *out_flags) {
    const char *below;
    struct disk *disk = disk_of(name, &below);
    (void)vfs;
    if (!disk)
        return system_vfs->xOpen(system_vfs, name, base, flags, out_flags);
    struct vfs_file *file = (struct vfs_file *)base;
    *file = (struct vfs_file){.disk = disk, .run = disk->run};
    memccpy(file->path, below, '\0', sizeof file->path - 1);
    bool create = flags & SQLITE_OPEN_CREATE;
    bool log = flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL);
    file->new_log = create && log;
    if (disk_open(disk, below, create, &file->file) != 0)
        return SQLITE_CANTOPEN;
    file->base.pMethods = &methods;
    if (out_flags)
        *out_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    const char *below;
    struct disk *disk = disk_of(name, &below);
    (void)vfs;
    if (!disk)
        return system_vfs->xDelete(system_vfs, name, sync);
    int error = disk_rename(disk, below, NULL);
    if (error != 0)
        return error == ENOENT ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
    return sync && sync_parent(disk, below) != 0 ? SQLITE_IOERR_DIR_FSYNC : SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out_is) {
    const char *below;
    struct disk *disk = disk_of(name, &below);
    (void)vfs;
    if (!disk)
        return system_vfs->xAccess(system_vfs, name, flags, out_is);
    const struct disk_file *file = disk_find(disk, below);
    *out_is = file && (flags != SQLITE_ACCESS_EXISTS || file->folder || file->now.size > 0);
    return disk->off ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out_path) {
    const char *below;
    (void)vfs;
    if (!disk_of(name, &below))
        return system_vfs->xFullPathname(system_vfs, name, size, out_path);
    sqlite3_snprintf(size, out_path, "%s", name);
    return SQLITE_OK;
}

// Salts of logs, so that a seed gives the same bytes again.
static int vfs_randomness(sqlite3_vfs *vfs, int size, char *out) {
    (void)vfs;
    for (int i = 0; i < size; i++)
        out[i] = (char)disk_random(&vfs_random);
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us) {
    (void)vfs;
    return us; // whom we would wait for runs in this thread
}

void disk_vfs_register(uint64_t seed) {
    static sqlite3_vfs vfs;
    vfs_random = seed;
    sqlite3_randomness(0, NULL); // SQLite asks anew
    if (system_vfs)
        return;
    system_vfs = sqlite3_vfs_find(NULL);
    vfs = *system_vfs;
    vfs.zName = "disk";
    vfs.pNext = NULL;
    if (vfs.szOsFile < (int)sizeof(struct vfs_file))
        vfs.szOsFile = (int)sizeof(struct vfs_file);
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xAccess = vfs_access;
    vfs.xFullPathname = vfs_full_path;
    vfs.xRandomness = vfs_randomness;
    vfs.xSleep = vfs_sleep;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
        abort();
}
