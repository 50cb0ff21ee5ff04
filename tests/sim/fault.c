// What goes wrong, or is done to the world, apart from the network's own accidents.
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

#define MAX_BACKUPS 8
#define YEAR_MS INT64_C(31557600000)
#define DAY_MS INT64_C(86400000)

static int backups[MAX_BACKUPS];
static size_t n_backups;
static unsigned scheme_version;
static unsigned days;
bool world_restored;
bool world_aged;

void fault_begin(void) {
    n_backups = 0;
    scheme_version = 1;
    days = 0;
    world_aged = false;
    world_restored = false;
}

static struct device *any_device(void) {
    return &world_devices[sim_below(world_device_count)];
}

// ---- the database ----

static void back_up(void) {
    if (n_backups == MAX_BACKUPS)
        return;
    backups[n_backups] = base_backup();
    scope_backup(backups[n_backups]);
    audit_backup(backups[n_backups]);
    journal_backup(backups[n_backups]);
    trace("backup %d", backups[n_backups]);
    n_backups++;
}

static void restore(void) {
    if (n_backups == 0)
        return;
    size_t which = sim_below((uint32_t)n_backups);
    count(COUNT_RESTORE);
    trace("restore of backup %d", backups[which]);
    server_stop_all(true);
    places_keep();
    bool journal_lost = journal_before_restore(backups[which]);
    base_restore(backups[which]);
    scope_restore(backups[which], journal_lost);
    audit_restore(backups[which]);
    n_backups = which + 1;
    world_restored = true;
    bool first = sim_below(2) == 0; // deploy/restore --journal, before anybody is let in
    if (first)
        operator_opens(NULL);
    server_start();
    if (!first)
        sim_at(sim_now_us() + sim_between(SIM_SECOND, 6 * SIM_SECOND), operator_opens, NULL);
}

// ---- devices ----

static void set_clock(struct device *device) {
    static const int64_t skews_ms[] = {0,       10 * YEAR_MS, -10 * YEAR_MS, DAY_MS,
                                       -DAY_MS, 300000,       -300000};
    device->machine.skew_ms = skews_ms[sim_below(7)];
    count(COUNT_CLIENT_CLOCK);
    trace("the clock of %s is wrong by %ld ms", device->machine.name,
          (long)device->machine.skew_ms);
}

static void clone_device(struct device *original) {
    if (world_device_count == WORLD_MAX_DEVICES || original->store == NULL)
        return;
    count(COUNT_CLONE);
    device_clone(&world_devices[world_device_count], (int)world_device_count + 1, original);
    world_device_count++;
    device_start(&world_devices[world_device_count - 1]);
}

// ---- all of it ----

static void change_day(void) {
    if (days == 20)
        return;
    unsigned more = 1 + sim_below(2);
    days += more;
    count(COUNT_DAY);
    sim_jump_wall((int64_t)more * DAY_MS);
    trace("%u days pass", more);
}

// Longer than tombstones are kept and clients keep what was stored: nobody restores that far back.
static void pass_a_year(void) {
    if (world_aged)
        return;
    world_aged = true;
    count(COUNT_YEAR);
    places_keep();
    sim_jump_wall(401 * DAY_MS);
    n_backups = 0;
    days = 0;
    trace("400 days pass");
    server_crash_assessor(); // in so long it was started again: tombstones go
}

void fault_happen(void) {
    static const unsigned char often[] = {0, 0, 0, 0, 1,  1,  2,  3,  3,  4,  4,  4,  5,  5,
                                          6, 7, 8, 9, 10, 11, 12, 12, 13, 13, 14, 15, 15, 15};
    switch (often[sim_below(sizeof often)]) {
    case 0:
        net_disturb();
        break;
    case 1:
        server_crash_worker(sim_below(NET_SERVERS));
        break;
    case 2:
        server_restart_worker(sim_below(NET_SERVERS));
        break;
    case 3:
        server_crash_assessor();
        break;
    case 4:
        device_crash(any_device());
        break;
    case 5:
        device_order(any_device(), COMMAND_RESTART);
        break;
    case 6:
        set_clock(any_device());
        break;
    case 7:
        scope_revoke(false);
        break;
    case 8:
        if (sim_below(4) == 0)
            scope_revoke_device();
        else
            scope_revoke(true);
        break;
    case 9:
        scope_grant();
        break;
    case 10:
        base_load_scheme(++scheme_version);
        break;
    case 11:
        if (sim_below(6) == 0)
            pass_a_year();
        else
            change_day();
        break;
    case 12:
        back_up();
        break;
    case 14:
        audit_export();
        break;
    case 15:
        units_happen();
        break;
    default:
        if (sim_below(3) == 0)
            clone_device(any_device());
        else
            restore();
    }
}
