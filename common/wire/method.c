// The table of methods. Order: by number. See method.h.
#include "common/wire/method.h"

#include "common/wire/frame.h"
#include "proto/account.pb-c.h"
#include "proto/bundle.pb-c.h"
#include "proto/ledger.pb-c.h"
#include "proto/statistics.pb-c.h"
#include "proto/wire.pb-c.h"

// Capability bits that are the same for every record of a request (common/domain/role.h names them
// all; a test of that floor compares).
enum {
    CAPABILITY_READ = 0,
    CAPABILITY_DEVICES = 9,
    CAPABILITY_USERS = 10,
    CAPABILITY_GRANTS = 11,
    CAPABILITY_STATISTICS = 12
};

#define SMALL FRAME_CAP_GREETING
#define LARGE FRAME_CAP_SESSION
// Places in flight: a page of rows may be 2 MiB, so four pages at most are under way.
#define ALL FRAME_MAX_IN_FLIGHT

#define ROW(NUMBER, lower, cap, needs, capability, places)                                         \
    {                                                                                              \
        LX__METHOD__##NUMBER, #NUMBER, &lx__##lower##_request__descriptor,                         \
            &lx__##lower##_reply__descriptor, cap, METHOD_NEEDS_##needs, capability, places        \
    }

static const struct method_info METHODS[] = {
    ROW(PING, ping, SMALL, NOTHING, METHOD_NO_CAPABILITY, 1),
    ROW(HELLO, hello, SMALL, NOTHING, METHOD_NO_CAPABILITY, ALL),
    ROW(ENROL, enrol, SMALL, NO_DEVICE, METHOD_NO_CAPABILITY, ALL),
    ROW(RENEW, renew, SMALL, EXPIRED, METHOD_NO_CAPABILITY, ALL),
    ROW(LOGIN, login, SMALL, DEVICE, METHOD_NO_CAPABILITY, ALL),
    ROW(LOGOUT, logout, SMALL, FIRST, METHOD_NO_CAPABILITY, ALL),
    ROW(CHANGE_PASSWORD, change_password, SMALL, FIRST, METHOD_NO_CAPABILITY, ALL),
    ROW(SCOPE, scope, SMALL, LOGIN, METHOD_NO_CAPABILITY, 1),
    ROW(PUSH, push, LARGE, LOGIN, METHOD_NO_CAPABILITY, 1),
    ROW(PULL, pull, SMALL, LOGIN, CAPABILITY_READ, 8),
    ROW(SUBSCRIBE, subscribe, LARGE, LOGIN, CAPABILITY_READ, 1),
    {LX__METHOD__NUDGE, "NUDGE", NULL, &lx__nudge__descriptor, 0, METHOD_NEEDS_LOGIN,
     METHOD_NO_CAPABILITY, 1},
    ROW(BUNDLE, bundle, LARGE, LOGIN, METHOD_NO_CAPABILITY, ALL),
    ROW(STANDING, standing, SMALL, LOGIN, CAPABILITY_READ, 1),
    ROW(STATISTICS, statistics, LARGE, LOGIN, CAPABILITY_STATISTICS, 1),
    ROW(CODE_ISSUE, code_issue, SMALL, LOGIN, CAPABILITY_DEVICES, 1),
    ROW(USER_ADD, user_add, SMALL, LOGIN, CAPABILITY_USERS, 1),
    ROW(GRANT, grant, SMALL, LOGIN, CAPABILITY_GRANTS, 1),
    ROW(GRANT_REVOKE, grant_revoke, SMALL, LOGIN, CAPABILITY_GRANTS, 1),
};

const struct method_info *method_at(size_t i) {
    return i < sizeof METHODS / sizeof METHODS[0] ? &METHODS[i] : NULL;
}

const struct method_info *method_find(uint16_t number) {
    for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++)
        if (METHODS[i].number == number)
            return &METHODS[i];
    return NULL;
}

const char *method_name(uint16_t number) {
    const struct method_info *method = method_find(number);
    return method != NULL ? method->name : "?";
}
