// A call to the disk fails (a broken sector, a full disk, an fsync that did not) in a client's
// session: the step says so or has done all of it, what was said before stays, a power cut later
// takes nothing of it, and the next try goes on to the same end.
#include <errno.h>
#include <stdio.h>

#include "tests/fault/client/breaks.h"

// A write is one of hundreds alike: each seed takes another quarter of them.
static bool wants_write(enum disk_call what, uint64_t change, uint64_t seed) {
    return what == DISK_WRITE && (change + seed) % 4 == 0;
}

static bool wants_sync(enum disk_call what, uint64_t change, uint64_t seed) {
    (void)change;
    (void)seed;
    return what == DISK_SYNC;
}

static bool wants_other(enum disk_call what, uint64_t change, uint64_t seed) {
    (void)change;
    (void)seed;
    return what == DISK_OPEN || what == DISK_NAME;
}

static bool break_once(struct session *session, uint64_t change, enum disk_call what,
                       uint64_t seed) {
    (void)change;
    (void)seed;
    disk_fail(session->disk, what, 1, EIO, false);
    return true;
}

static bool fill_up(struct session *session, uint64_t change, enum disk_call what, uint64_t seed) {
    (void)change;
    (void)seed;
    if (what != DISK_WRITE)
        return false;
    disk_fail(session->disk, what, 1, ENOSPC, true);
    return true;
}

// One time in three the machine loses power after the failure, before anything is tried again; one
// time another program goes on.
static bool go_on(struct session *session, enum status status, uint64_t seed) {
    if (status != STATUS_OK && session_error(session)[0] == '\0') {
        printf("  wrong: status %d without a word why\n", (int)status);
        return false;
    }
    disk_heal(session->disk);
    if (seed / 4 % 3 != 0)
        session_drop_home(session);
    if (seed / 4 % 3 == 1)
        disk_crash(session->disk, seed);
    if (!session_check(session) || session_run(session) != STATUS_OK)
        return false;
    session_drop_home(session);
    disk_crash(session->disk, seed + 1);
    return session_check(session) && session_check_end(session);
}

int main(int argc, char **argv) {
    static const struct breaks list[] = {
        {"write", wants_write, break_once, go_on},
        {"full", wants_write, fill_up, go_on},
        {"sync", wants_sync, break_once, go_on},
        {"other", wants_other, break_once, go_on},
    };
    const struct breaks_form form = {list, sizeof list / sizeof list[0], 1, "failures", "wrong"};
    return breaks_main(argc, argv, &form);
}
