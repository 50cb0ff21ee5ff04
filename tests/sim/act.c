// What happens in the city: people type and sync, and every few operations something goes wrong.
#include "tests/sim/world.h"

static bool never(void *user) {
    (void)user;
    return false;
}

static struct device *any_device(void) {
    return &world_devices[sim_below(world_device_count)];
}

static void person_acts(void) {
    static const enum command mostly[] = {
        COMMAND_RECORD,        COMMAND_RECORD,       COMMAND_RECORD,       COMMAND_RECORD,
        COMMAND_VOID,          COMMAND_PERSON,       COMMAND_CHANGE,       COMMAND_MOVE,
        COMMAND_RETRY,         COMMAND_DROP,         COMMAND_SYNC,         COMMAND_SYNC,
        COMMAND_SYNC,          COMMAND_SYNC,         COMMAND_TRANSFER,     COMMAND_TRANSFER,
        COMMAND_BUNDLE_WRITE,  COMMAND_BUNDLE_CARRY, COMMAND_BUNDLE_CARRY, COMMAND_BUNDLE_RECEIPT,
        COMMAND_BUNDLE_RECEIPT};
    struct device *device = any_device();
    if (sim_below(12) == 0)
        device->watching = !device->watching;
    device_order(device, mostly[sim_below(sizeof mostly / sizeof mostly[0])]);
}

void world_act(unsigned operations) {
    for (unsigned i = 0; i < operations; i++) {
        person_acts();
        if (sim_below(5) == 0)
            fault_happen();
        int64_t pause_us =
            sim_below(20) == 0 ? sim_between(0, 2 * SIM_SECOND) : sim_between(0, 150 * SIM_MS);
        (void)sim_run(sim_now_us() + pause_us, never, NULL);
    }
}
