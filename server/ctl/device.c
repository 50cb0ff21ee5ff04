// `device list`, `device revoke`: the installations that may connect. A device is named by the
// first hexadecimal digits of its identity, as many as make it unique.
#include "server/ctl/ctl.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"

#define DEVICE_BYTES 32
#define DEVICE_TEXT_SIZE (2 * DEVICE_BYTES + 1)
#define PREFIX_MIN 8

static void format_device(struct view device, char out_text[DEVICE_TEXT_SIZE]) {
    size_t size = device.size < DEVICE_BYTES ? device.size : DEVICE_BYTES;
    out_text[0] = '\0';
    for (size_t i = 0; i < size; i++)
        snprintf(out_text + 2 * i, 3, "%02x", device.data[i]);
}

static enum ctl_exit list(struct ctl *ctl, struct db_result **out_result) {
    return ctl_query(ctl,
                     "select device, unit_code, enrolled_at, certificate_until, revoked_at, "
                     "frozen_at from lx.ops_device_list()",
                     NULL, out_result);
}

enum ctl_exit ctl_device_list(struct ctl *ctl) {
    struct db_result *result = NULL;
    enum ctl_exit exit_code = list(ctl, &result);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    printf("%-16s  %-16s  %-19s  %-19s  %s\n", "device", "unit", "enrolled", "certificate until",
           "state");
    for (int i = 0; i < db_rows(result); i++) {
        char device[DEVICE_TEXT_SIZE];
        char enrolled[20];
        char until[20];
        struct view unit = db_text(result, i, 1);
        format_device(db_bytea(result, i, 0), device);
        clock_format_local_time(db_timestamptz_ms(result, i, 2), enrolled);
        clock_format_local_time(db_timestamptz_ms(result, i, 3), until);
        const char *state = !db_is_null(result, i, 4)   ? "revoked"
                            : !db_is_null(result, i, 5) ? "frozen: cloned"
                                                        : "good";
        printf("%.16s  %-16.*s  %s  %s  %s\n", device, (int)unit.size, (const char *)unit.data,
               enrolled, until, state);
    }
    db_sync_free_result(&result);
    return CTL_EXIT_DONE;
}

// The one device whose text starts with `prefix`.
static enum ctl_exit find(struct ctl *ctl, const char *prefix, uint8_t out_device[DEVICE_BYTES]) {
    struct db_result *result = NULL;
    int found = 0;
    enum ctl_exit exit_code = list(ctl, &result);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    for (int i = 0; i < db_rows(result); i++) {
        char text[DEVICE_TEXT_SIZE];
        struct view device = db_bytea(result, i, 0);
        format_device(device, text);
        if (device.size == DEVICE_BYTES && strncmp(text, prefix, strlen(prefix)) == 0) {
            memcpy(out_device, device.data, DEVICE_BYTES);
            found++;
        }
    }
    db_sync_free_result(&result);
    if (found == 0)
        return ctl_refuse("there is no device %s", prefix);
    return found == 1 ? CTL_EXIT_DONE
                      : ctl_refuse("%d devices start with %s: give more digits", found, prefix);
}

enum ctl_exit ctl_device_revoke(struct ctl *ctl) {
    const char *prefix = ctl->arguments[0];
    uint8_t device[DEVICE_BYTES];
    struct db_result *result = NULL;
    if (strlen(prefix) < PREFIX_MIN)
        return ctl_refuse("give at least %d digits of the device", PREFIX_MIN);
    enum ctl_exit exit_code = find(ctl, prefix, device);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    struct db_params *params = db_params_new(ctl->arena);
    db_param_string(params, ctl->operator_);
    db_param_bytea(params, view_from(device, sizeof device));
    exit_code = ctl_query(ctl, "select verdict from lx.ops_device_revoke($1, $2)", params, &result);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    bool done = db_int8(result, 0, 0) == 1;
    db_sync_free_result(&result);
    if (!done)
        return ctl_refuse("device %s is revoked already", prefix);
    puts("the device is refused from now on");
    return CTL_EXIT_DONE;
}
