// The made-up disk as a whole: making and copying it, planned faults, power cuts. See disk.h; files
// and names are in disk_file.c, SQLite's methods in disk_vfs.c, the C library's in disk_libc.c.
#include "tests/lib/disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/disk_internal.h"

static struct disk *disks; // all that are mounted

uint64_t disk_random(uint64_t *state) { // splitmix64
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

// Of tests/lib/alloc.c, where a test has that, too: the disk's own memory never fails.
void alloc_spare(bool on) __attribute__((weak));

void *disk_memory(void *old, size_t n, size_t size) {
    if (alloc_spare)
        alloc_spare(true);
    void *memory = reallocarray(old, n > 0 ? n : 1, size);
    if (alloc_spare)
        alloc_spare(false);
    if (!memory) {
        fprintf(stderr, "the made-up disk is out of memory\n");
        abort();
    }
    return memory;
}

struct disk *disk_of(const char *path, const char **out_below) {
    for (struct disk *disk = disks; path && disk; disk = disk->next) {
        const char *rest = path + disk->mount_size;
        if (strncmp(path, disk->mount, disk->mount_size) == 0 && (*rest == '/' || *rest == '\0')) {
            *out_below = *rest == '/' ? rest + 1 : rest;
            return disk;
        }
    }
    return NULL;
}

bool disk_leads_to(const char *path) {
    size_t size = strlen(path);
    for (const struct disk *disk = disks; disk; disk = disk->next)
        if (strncmp(path, disk->mount, size) == 0 && disk->mount[size] == '/')
            return true;
    return false;
}

// ---- making and copying ----

static void add_entry(struct disk_names *names, const char *path, struct disk_file *file) {
    if (names->count == names->capacity) {
        names->capacity = names->capacity ? names->capacity * 2 : 8;
        names->entries = disk_memory(names->entries, names->capacity, sizeof *names->entries);
    }
    char *copy = disk_memory(NULL, strlen(path) + 1, 1);
    names->entries[names->count++] = (struct disk_entry){strcpy(copy, path), file};
}

static struct disk_file *add_file(struct disk *disk, bool folder) {
    if (disk->n_files == disk->files_capacity) {
        disk->files_capacity = disk->files_capacity ? disk->files_capacity * 2 : 8;
        disk->files = disk_memory(disk->files, disk->files_capacity, sizeof *disk->files);
    }
    struct disk_file *file = disk_memory(NULL, 1, sizeof *file);
    *file = (struct disk_file){.folder = folder};
    return disk->files[disk->n_files++] = file;
}

struct disk *disk_new(const char *mount, uint64_t seed) {
    disk_vfs_register(seed);
    struct disk *disk = disk_memory(NULL, 1, sizeof *disk);
    *disk = (struct disk){.random = seed, .next = disks, .mount_size = strlen(mount)};
    disk->mount = strcpy(disk_memory(NULL, disk->mount_size + 1, 1), mount);
    struct disk_file *root = add_file(disk, true);
    add_entry(&disk->now, "", root);
    add_entry(&disk->durable, "", root);
    disks = disk;
    return disk;
}

static void copy_bytes(struct disk_bytes *to, const struct disk_bytes *from) {
    if (to->capacity < from->size) {
        to->data = disk_memory(to->data, from->size, 1);
        to->capacity = from->size;
    }
    if (from->size > 0)
        memcpy(to->data, from->data, from->size);
    to->size = from->size;
}

struct disk *disk_clone(const struct disk *disk, const char *mount, uint64_t seed) {
    struct disk *copy = disk_new(mount, seed);
    for (size_t i = 0; i < disk->now.count; i++) {
        const struct disk_entry *entry = &disk->now.entries[i];
        if (entry->path[0] == '\0')
            continue;
        struct disk_file *file = add_file(copy, entry->file->folder);
        copy_bytes(&file->now, &entry->file->now);
        copy_bytes(&file->durable, &entry->file->now);
        add_entry(&copy->now, entry->path, file);
        add_entry(&copy->durable, entry->path, file);
    }
    return copy;
}

static void drop_changes(struct disk_file *file) {
    for (size_t i = 0; i < file->n_changes; i++)
        free(file->changes[i].data);
    file->n_changes = 0;
}

static void free_shared(struct disk_file *file) {
    for (int i = 0; i < file->shared.n_regions; i++)
        free(file->shared.regions[i]);
    free(file->shared.regions);
    file->shared = (struct disk_shared){0};
}

static void free_names(struct disk_names *names) {
    for (size_t i = 0; i < names->count; i++)
        free(names->entries[i].path);
    free(names->entries);
}

static void drop_renames(struct disk *disk) {
    for (size_t i = 0; i < disk->n_renames; i++) {
        free(disk->renames[i].from);
        free(disk->renames[i].to);
    }
    disk->n_renames = 0;
}

void disk_free(struct disk **handle) {
    struct disk *disk = *handle;
    if (!disk)
        return;
    *handle = NULL;
    for (struct disk **at = &disks; *at; at = &(*at)->next)
        if (*at == disk) {
            *at = disk->next;
            break;
        }
    for (size_t i = 0; i < disk->n_files; i++) {
        drop_changes(disk->files[i]);
        free_shared(disk->files[i]);
        free(disk->files[i]->changes);
        free(disk->files[i]->now.data);
        free(disk->files[i]->durable.data);
        free(disk->files[i]);
    }
    free(disk->files);
    free_names(&disk->now);
    free_names(&disk->durable);
    drop_renames(disk);
    free(disk->renames);
    free(disk->mount);
    free(disk);
}

// ---- names ----

static struct disk_entry *entry_of(const struct disk_names *names, const char *path) {
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->entries[i].path, path) == 0)
            return &names->entries[i];
    return NULL;
}

static void remove_entry(struct disk_names *names, const char *path) {
    struct disk_entry *entry = entry_of(names, path);
    if (!entry)
        return;
    free(entry->path);
    *entry = names->entries[--names->count];
}

static void apply_rename(struct disk_names *names, const struct disk_rename *change) {
    if (change->from)
        remove_entry(names, change->from);
    if (!change->to)
        return;
    remove_entry(names, change->to);
    add_entry(names, change->to, change->file);
}

struct disk_file *disk_find(const struct disk *disk, const char *path) {
    const struct disk_entry *entry = entry_of(&disk->now, path);
    return entry ? entry->file : NULL;
}

void disk_parent(const char *path, char *out_parent) {
    const char *slash = strrchr(path, '/');
    snprintf(out_parent, DISK_PATH_BYTES, "%.*s", slash ? (int)(slash - path) : 0, path);
}

static char *copy_or_null(const char *text) {
    return text ? strcpy(disk_memory(NULL, strlen(text) + 1, 1), text) : NULL;
}

static void change_names(struct disk *disk, const char *from, const char *to,
                         struct disk_file *file) {
    if (disk->n_renames == disk->renames_capacity) {
        disk->renames_capacity = disk->renames_capacity ? disk->renames_capacity * 2 : 8;
        disk->renames = disk_memory(disk->renames, disk->renames_capacity, sizeof *disk->renames);
    }
    struct disk_rename *change = &disk->renames[disk->n_renames++];
    *change = (struct disk_rename){copy_or_null(from), copy_or_null(to), file};
    apply_rename(&disk->now, change);
}

static void sync_folder(struct disk *disk, const char *folder) {
    size_t kept = 0;
    for (size_t i = 0; i < disk->n_renames; i++) {
        struct disk_rename change = disk->renames[i];
        char parent[DISK_PATH_BYTES];
        disk_parent(change.to ? change.to : change.from, parent);
        if (strcmp(parent, folder) != 0) {
            disk->renames[kept++] = change;
            continue;
        }
        apply_rename(&disk->durable, &change);
        free(change.from);
        free(change.to);
    }
    disk->n_renames = kept;
}

int disk_rename(struct disk *disk, const char *from, const char *to) {
    int error = 0;
    struct disk_file *file = disk_find(disk, from);
    if (!file)
        return ENOENT;
    enum disk_fate fate = disk_step(disk, DISK_NAME, true, &error);
    if (fate != DISK_FAILS)
        change_names(disk, from, to, file);
    return error;
}

static int make_name(struct disk *disk, const char *path, enum disk_call what, bool folder) {
    char parent[DISK_PATH_BYTES];
    int error = 0;
    disk_parent(path, parent);
    if (!disk_find(disk, parent))
        return ENOENT;
    enum disk_fate fate = disk_step(disk, what, true, &error);
    if (fate != DISK_FAILS)
        change_names(disk, NULL, path, add_file(disk, folder));
    return error;
}

int disk_make_folder(struct disk *disk, const char *path) {
    return disk_find(disk, path) ? EEXIST : make_name(disk, path, DISK_NAME, true);
}

int disk_open(struct disk *disk, const char *path, bool create, struct disk_file **out_file) {
    int error = 0;
    *out_file = disk_find(disk, path);
    if (*out_file) {
        (void)disk_step(disk, DISK_OPEN, false, &error);
        return error;
    }
    if (!create)
        return disk->off ? EIO : ENOENT;
    error = make_name(disk, path, DISK_OPEN, false);
    *out_file = disk_find(disk, path);
    return error;
}

int disk_sync(struct disk *disk, struct disk_file *file, const char *path) {
    int error = 0;
    enum disk_fate fate = disk_step(disk, DISK_SYNC, true, &error);
    if (fate == DISK_CUT)
        return error; // crashing decides what of it was done
    if (file->folder && fate == DISK_GOES)
        sync_folder(disk, path);
    else if (!file->folder)
        disk_settle(file, fate == DISK_GOES ? NULL : &disk->random);
    return error;
}

// ---- faults ----

enum disk_fate disk_step(struct disk *disk, enum disk_call what, bool changes, int *out_error) {
    *out_error = EIO;
    if (disk->off)
        return DISK_FAILS;
    if (changes && disk->on_change)
        disk->on_change(disk->user, disk->changes + 1, what);
    disk->calls[what]++;
    disk->changes += changes;
    if (changes && disk->changes == disk->cut_at) {
        disk->off = true;
        return DISK_CUT;
    }
    const struct disk_fault *fault = &disk->faults[what];
    bool fails = fault->at != 0 && (disk->calls[what] == fault->at ||
                                    (fault->for_good && disk->calls[what] > fault->at));
    *out_error = fails ? fault->error : 0;
    disk->failed += fails;
    return fails ? DISK_FAILS : DISK_GOES;
}

uint64_t disk_changes(const struct disk *disk) {
    return disk->changes;
}

void disk_cut_after(struct disk *disk, uint64_t n) {
    disk->cut_at = n > 0 ? disk->changes + n : 0;
}

void disk_watch(struct disk *disk,
                void (*on_change)(void *user, uint64_t change, enum disk_call what), void *user) {
    disk->on_change = on_change;
    disk->user = user;
}

bool disk_is_off(const struct disk *disk) {
    return disk->off;
}

void disk_fail(struct disk *disk, enum disk_call what, uint64_t n, int error, bool for_good) {
    disk->faults[what] = (struct disk_fault){disk->calls[what] + n, error, for_good};
}

void disk_set_room(struct disk *disk, uint64_t bytes) {
    disk->room = bytes;
}

uint64_t disk_used(const struct disk *disk) {
    uint64_t sum = 0;
    for (size_t i = 0; i < disk->now.count; i++)
        sum += disk->now.entries[i].file->now.size;
    return sum;
}

void disk_heal(struct disk *disk) {
    memset(disk->faults, 0, sizeof disk->faults);
    disk->room = 0;
}

uint64_t disk_calls(const struct disk *disk, enum disk_call what) {
    return disk->calls[what];
}

uint64_t disk_failed(const struct disk *disk) {
    return disk->failed;
}

bool disk_has(const struct disk *disk, const char *path) {
    const char *below;
    return disk_of(path, &below) == disk && disk_find(disk, below);
}

bool disk_flip(struct disk *disk, const char *path, size_t offset, uint8_t mask) {
    const char *below;
    struct disk_file *file = disk_of(path, &below) == disk ? disk_find(disk, below) : NULL;
    if (!file || offset >= file->now.size)
        return false;
    file->now.data[offset] ^= mask;
    if (offset < file->durable.size)
        file->durable.data[offset] ^= mask;
    return true;
}

// ---- the end ----

void disk_stop(struct disk *disk) {
    disk->run++;
    for (size_t i = 0; i < disk->n_files; i++) {
        struct disk_file *file = disk->files[i];
        free_shared(file);
        file->n_shared = 0;
        file->reserved = file->pending = file->exclusive = NULL;
        file->locked_by = 0;
    }
}

// What hangs below a folder whose own name is lost is lost, too.
static void drop_orphans(struct disk_names *names) {
    for (size_t i = 0; i < names->count;) {
        char parent[DISK_PATH_BYTES];
        disk_parent(names->entries[i].path, parent);
        if (entry_of(names, parent))
            i++;
        else {
            remove_entry(names, names->entries[i].path);
            i = 0;
        }
    }
}

void disk_crash(struct disk *disk, uint64_t seed) {
    uint64_t random = seed;
    size_t kept = disk->n_renames ? disk_random(&random) % (disk->n_renames + 1) : 0;
    disk_stop(disk);
    for (size_t i = 0; i < kept; i++)
        apply_rename(&disk->durable, &disk->renames[i]);
    drop_renames(disk);
    drop_orphans(&disk->durable);
    free_names(&disk->now);
    disk->now = (struct disk_names){0};
    for (size_t i = 0; i < disk->durable.count; i++)
        add_entry(&disk->now, disk->durable.entries[i].path, disk->durable.entries[i].file);
    for (size_t i = 0; i < disk->n_files; i++) {
        struct disk_file *file = disk->files[i];
        disk_settle(file, &random);
        copy_bytes(&file->now, &file->durable);
    }
    disk_heal(disk);
    disk->cut_at = 0;
    disk->off = false;
}
