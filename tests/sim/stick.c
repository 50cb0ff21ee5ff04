// Files that people carry: one stick for the whole world. A home without a network writes what
// waits as a bundle; another one sends it, perhaps late, twice, damaged or what is no bundle, and
// puts a receipt beside it, which its author may read, or somebody else, or nobody.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/core/bundle.h"
#include "tests/sim/world.h"

#define MAX_FILES 96
#define MAX_SIZE ((size_t)1024 * 1024)

struct file {
    char path[32];
    bool receipt;
    uint8_t device[32]; // of its author; of a receipt: of the bundle's
};

static struct disk *disk; // owns
static struct file files[MAX_FILES];
static unsigned n_files;
static unsigned next_number;

void stick_begin(void) {
    n_files = next_number = 0;
    disk = disk_new("/stick", sim_random());
}

void stick_end(void) {
    disk_free(&disk);
}

// One with a name that no other has; it is not there yet.
static struct file new_file(bool receipt, const uint8_t device[32]) {
    struct file file = {.receipt = receipt};
    snprintf(file.path, sizeof file.path, "/stick/%u.lxb", next_number++);
    memcpy(file.device, device, sizeof file.device);
    return file;
}

static void keep(const struct file *file) {
    if (n_files < MAX_FILES)
        files[n_files++] = *file;
}

// Mostly one that is meant for it.
static const struct file *choose(bool receipt) {
    const struct file *file = NULL;
    for (int tries = 0; tries < 8 && n_files > 0; tries++) {
        file = &files[sim_below(n_files)];
        if (file->receipt == receipt || sim_below(10) == 0)
            return file;
    }
    return file;
}

static void write_bundle(struct device *device, struct client *client) {
    struct bundle_written written;
    struct file file = new_file(false, device->id);
    enum client_result result = client_bundle_write(client, file.path, &written);
    trace("bundle write: %d, %lu operations, %lu left, %zu files", (int)result, written.operations,
          written.left, written.n_files);
    if (result != CLIENT_OK || written.n_files == 0)
        return;
    count(COUNT_BUNDLE_WRITTEN);
    keep(&file);
}

// ---- carrying ----

// A copy of which the end is missing, or a bit is another one.
static bool damage(const struct file *file, const char *path) {
    static uint8_t bytes[MAX_SIZE];
    int from = open(file->path, O_RDONLY | O_CLOEXEC);
    ssize_t size = from >= 0 ? pread(from, bytes, sizeof bytes, 0) : -1;
    int to = size > 0 ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    bool done = to >= 0;
    if (done) {
        uint32_t at = sim_below((uint32_t)size);
        if (sim_below(2) == 0)
            size = at;
        else
            bytes[at] ^= (uint8_t)(1 << sim_below(8));
        done = write(to, bytes, (size_t)size) == size;
    }
    if (to >= 0)
        close(to);
    if (from >= 0)
        close(from);
    return done;
}

static void carry_damaged(struct client *client, const struct file *file) {
    struct file copy = new_file(false, file->device);
    struct bundle_carried carried;
    if (!damage(file, copy.path))
        return;
    enum client_result result = client_bundle_carry(client, copy.path, NULL, &carried);
    trace("bundle carry of a damaged file: %d", (int)result);
    if (result == CLIENT_OK || carried.parts > 0)
        finding("a damaged bundle was taken");
    count(COUNT_BUNDLE_DAMAGED);
    (void)unlink(copy.path);
}

// Was its author's device revoked so long ago that nothing of it may be taken?
static bool is_revoked(const struct file *file) {
    for (unsigned i = 0; i < world_device_count; i++)
        if (memcmp(world_devices[i].id, file->device, sizeof file->device) == 0)
            return !scope_lets_in(&world_devices[i], sim_now_us());
    return false;
}

static void carry(struct client *client) {
    struct bundle_carried carried;
    const struct file *file = choose(false);
    if (file == NULL)
        return;
    if (sim_below(6) == 0) {
        carry_damaged(client, file);
        return;
    }
    bool revoked = is_revoked(file);
    bool wants_receipt = sim_below(8) > 0;
    struct file receipt = new_file(true, file->device);
    enum client_result result =
        client_bundle_carry(client, file->path, wants_receipt ? receipt.path : NULL, &carried);
    trace("bundle carry %s: %d, %u parts, %u repeated, %u gap, %u held; %lu of %lu answered, %lu "
          "refused; reason %u",
          file->path, (int)result, carried.parts, carried.parts_repeated, carried.parts_gap,
          carried.parts_held, carried.answered, carried.operations, carried.refused,
          client->failure_reason != NULL ? client->failure_reason->reason : 0);
    if (result != CLIENT_OK)
        return;
    if (file->receipt)
        finding("a receipt was taken for a bundle");
    if (revoked && carried.answered > 0)
        finding("let in: a bundle of a device that was revoked");
    count(carried.parts_repeated > 0 ? COUNT_BUNDLE_REPEATED : COUNT_BUNDLE_CARRIED);
    if (wants_receipt)
        keep(&receipt);
}

static void read_receipt(struct device *device, struct client *client) {
    struct bundle_receipt told;
    const struct file *file = choose(true);
    if (file == NULL)
        return;
    enum client_result result = client_bundle_receipt(client, file->path, &told);
    trace("bundle receipt %s: %d, %lu stored, %lu refused, %lu missing, %lu held; reason %u",
          file->path, (int)result, told.stored, told.refused, told.missing, told.held,
          client->failure_reason != NULL ? client->failure_reason->reason : 0);
    if (result != CLIENT_OK)
        return;
    count(COUNT_RECEIPT_READ);
    if (!file->receipt)
        finding("%s takes a bundle for a receipt", device->account);
}

void stick_command(struct device *device, enum command command) {
    struct client client;
    if (client_init(&client, device->store, "simulated") != STATUS_OK)
        abort();
    if (command == COMMAND_BUNDLE_WRITE)
        write_bundle(device, &client);
    else if (command == COMMAND_BUNDLE_CARRY)
        carry(&client);
    else
        read_receipt(device, &client);
    client_free(&client);
}
