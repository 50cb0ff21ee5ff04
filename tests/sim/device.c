// One home and its program: a fiber that carries out what its person wants and syncs, as the
// command line does, with the product's own client core.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/core/client.h"
#include "common/wire/digest.h"
#include "tests/sim/world.h"

#define PASSWORD "simulated"

struct device world_devices[WORLD_MAX_DEVICES];
unsigned world_device_count;

// ---- making ----

static void enter_device(const struct device *device) {
    struct arena *arena = arena_new(0);
    struct db_params *params = db_params_new(arena);
    db_param_bytea(params, view_from(device->id, sizeof device->id));
    db_param_string(params, device->account);
    struct db_result *result = base_ask(
        "insert into lx.device (device, unit, certificate_until, label) select $1, g.unit, "
        "now() + interval '20 years', $2 from lx.account a join lx.role_grant g on "
        "g.person = a.person where a.account = $2 limit 1",
        params);
    base_free(&result);
    arena_free(&arena);
}

static enum status put_identity(struct device *device, struct store *store) {
    char hex[65];
    for (size_t i = 0; i < sizeof device->id; i++)
        snprintf(hex + 2 * i, 3, "%02x", device->id[i]);
    TRY(store_file_write(store, STORE_FILE_CERTIFICATE, view_from(hex, 64)));
    TRY(store_file_write(store, STORE_FILE_KEY, view_from_string("the device's key")));
    TRY(store_file_write(store, STORE_FILE_CA, view_from_string(STICK_CA)));
    TRY(store_begin(store));
    TRY(store_config_set(store, STORE_CONFIG_SERVER, view_from_string("server:7443")));
    TRY(store_config_set(store, STORE_CONFIG_DEVICE, view_from(device->id, sizeof device->id)));
    return store_commit(store);
}

static void new_identity(struct device *device) {
    char name[64];
    snprintf(name, sizeof name, "device %d, %u", device->number, device->identity++);
    digest_sha256(view_from_string(name), device->id);
    device->revoked_us = 0;
    enter_device(device);
    operator_ends();
}

static struct store *open_store(struct device *device) {
    char error[256] = "";
    struct store *store = NULL;
    if (store_open(device->home, "simulated", error, &store) != STATUS_OK &&
        !disk_is_off(device->disk))
        finding("home %d cannot be opened: %s", device->number, error);
    return store;
}

// The entry that a repetition has made; 0: there is none.
static int64_t find_repetition(const struct device *device, struct arena *arena) {
    struct outbox_entries all;
    if (store_outbox(device->store, 0, arena, &all) != STATUS_OK)
        return 0;
    for (size_t i = 0; i < all.count; i++)
        if (all.entries[i].retry_of == device->asked_entry)
            return all.entries[i].id;
    return 0;
}

// A commit that failed when the power went may have been carried out all the same: now it has or
// has not.
static void look_what_became(struct device *device) {
    struct arena *arena = arena_new(0);
    struct outbox_entry entry;
    if (store_outbox_get(device->store, device->asked_entry, arena, &entry) == STATUS_OK &&
        entry.state == OUTBOX_ARCHIVED) {
        trace("entry %ld was put away all the same", (long)entry.id);
        history_archived(device, entry.id, find_repetition(device, arena));
    }
    device->asked_entry = 0;
    arena_free(&arena);
}

// NULL in device->store: the power is gone.
static void open_home(struct device *device) {
    device->store = open_store(device);
    if (device->store != NULL && device->asked_entry != 0)
        look_what_became(device);
}

void device_make(struct device *device, int number, const char *account) {
    *device = (struct device){.number = number};
    snprintf(device->account, sizeof device->account, "acc.%s", account);
    snprintf(device->machine.name, sizeof device->machine.name, "device %d", number);
    snprintf(device->home, sizeof device->home, "/disk/%d", number);
    device->pull_limit = 1 + sim_below(sim_below(2) == 0 ? 5 : 500);
    new_identity(device);
    device->disk = disk_new(device->home, sim_random());
    struct store *store = open_store(device);
    if (store == NULL || put_identity(device, store) != STATUS_OK)
        finding("home %d cannot be made", number);
    store_close(&store);
}

void device_remove(struct device *device) {
    disk_free(&device->disk);
}

void device_clone(struct device *device, int number, struct device *original) {
    original->copied = true;
    *device = *original;
    device->number = number;
    snprintf(device->machine.name, sizeof device->machine.name, "device %d", number);
    snprintf(device->home, sizeof device->home, "/disk/%d", number);
    device->disk = disk_clone(original->disk, device->home, sim_random());
    device->store = NULL;
    device->fiber = NULL;
    device->n_queue = 0;
    device->typed = 0;
    history_cloned(device, original);
}

// As an enrolment does it, without the certificate's journey.
void device_enrol_again(struct device *device) {
    new_identity(device);
    if (put_identity(device, device->store) != STATUS_OK || store_begin(device->store) != STATUS_OK)
        finding("%s cannot be enrolled again", device->account);
    if (store_config_set(device->store, STORE_CONFIG_SESSION, view_from(NULL, 0)) != STATUS_OK ||
        store_outbox_new_device(device->store) != STATUS_OK ||
        store_commit(device->store) != STATUS_OK)
        finding("%s cannot be enrolled again", device->account);
    history_new_device(device);
    trace("%s is enrolled again", device->machine.name);
}

// ---- syncing ----

static bool keep_watching(void *user) {
    const struct device *device = user;
    return device->n_queue == 0 && !device->stop && device->watching;
}

static bool keep_going(void *user) {
    const struct device *device = user;
    return !device->stop;
}

static void sync_home(struct device *device, bool watch) {
    struct client client;
    const struct client_sync_options options = {.watch = watch,
                                                .pull_limit = device->pull_limit,
                                                .keep_going = watch ? keep_watching : keep_going,
                                                .user = device};
    struct sync_progress progress = {0};
    if (client_init(&client, device->store, "simulated") != STATUS_OK)
        abort();
    enum client_result result = client_sync(&client, &options, &progress);
    history_synced(device, result == CLIENT_OK);
    device->last_result = (int)result; // a login is no sync
    if (result == CLIENT_NOT_LOGGED_IN)
        result = client_login(&client, device->account, PASSWORD, NULL);
    trace("sync: result %d, %s; pushed %lu refused %lu pulled %lu held %zu restarts %lu broken %zu",
          (int)result, client.failure_text, progress.pushed, progress.refused, progress.pulled,
          progress.streams_held, progress.restarts, progress.streams_broken);
    if (progress.streams_broken > 0)
        finding("%zu streams of %s do not prove whole", progress.streams_broken, device->account);
    client_free(&client);
}

// ---- the program ----

static void obey(struct device *device) {
    enum command command = device->queue[0];
    memmove(device->queue, device->queue + 1, --device->n_queue * sizeof device->queue[0]);
    device->busy = true;
    if (command == COMMAND_SYNC) {
        sync_home(device, false);
    } else if (command == COMMAND_RESTART) {
        store_close(&device->store);
        fiber_sleep(sim_between(SIM_MS, SIM_SECOND));
        open_home(device);
    } else if (command == COMMAND_BUNDLE_WRITE || command == COMMAND_BUNDLE_CARRY ||
               command == COMMAND_BUNDLE_RECEIPT) {
        stick_command(device, command);
    } else {
        type_command(device, command);
    }
    device->busy = false;
}

// The power is back, or somebody starts the program again.
static void come_up(struct device *device) {
    store_close(&device->store);
    trace("has crashed");
    disk_crash(device->disk, sim_random());
    fiber_sleep(sim_between(SIM_MS, 2 * SIM_SECOND));
    open_home(device);
}

void device_crash(struct device *device) {
    if (device->store == NULL)
        return;
    count(COUNT_CLIENT_CRASH);
    disk_cut_after(device->disk, 1 + sim_below(60));
}

static void live(void *user) {
    struct device *device = user;
    trace("starts");
    open_home(device);
    while (!device->stop) {
        if (device->store == NULL) {
            come_up(device);
            continue;
        }
        if (device->n_queue > 0)
            obey(device);
        else if (device->watching)
            sync_home(device, true);
        else
            fiber_wait(sim_now_us() + 10 * SIM_SECOND);
        if (disk_is_off(device->disk))
            come_up(device);
        if (device->n_queue == 0 && !device->stop)
            fiber_sleep(sim_between(SIM_MS, 100 * SIM_MS));
    }
    store_close(&device->store);
    trace("ends");
}

void device_start(struct device *device) {
    device->stop = false;
    device->machine.dead = false;
    device->busy = false;
    device->fiber = fiber_start(&device->machine, live, device);
}

void device_order(struct device *device, enum command command) {
    size_t capacity = sizeof device->queue / sizeof device->queue[0];
    if (device->n_queue < capacity)
        device->queue[device->n_queue++] = command;
    fiber_wake(device->fiber);
}

bool device_is_idle(const struct device *device) {
    return device->n_queue == 0 && !device->busy;
}

void device_stop(struct device *device) {
    device->stop = true;
    fiber_wake(device->fiber);
}
