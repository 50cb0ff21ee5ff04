// The power goes at every changing call of a client's session. After each cut the home opens, its
// database is sound, everything that was said to be done is there, nothing is twice, no key was
// used for two contents, replicas add up, key and certificate belong together, and the session goes
// on to the same end as without a cut, some of them through a second cut.
#include "tests/fault/client/breaks.h"

static bool cut(struct session *session, uint64_t change, enum disk_call what, uint64_t seed) {
    (void)change;
    (void)what;
    (void)seed;
    disk_cut_after(session->disk, 1);
    return true;
}

static bool come_back(struct session *session, uint64_t seed) {
    session_drop_home(session);
    disk_crash(session->disk, seed);
    return session_check(session);
}

static bool go_on(struct session *session, enum status status, uint64_t seed) {
    (void)status;
    if (!come_back(session, seed))
        return false;
    // Every fourth time once more, somewhere: also in what mends the first cut.
    if (seed % 4 == 0)
        disk_cut_after(session->disk, 1 + seed * 2654435761u % 200);
    if (session_run(session) != STATUS_OK || disk_is_off(session->disk)) {
        if (!disk_is_off(session->disk) || !come_back(session, seed + 1))
            return false;
        disk_cut_after(session->disk, 0);
    }
    return session_run(session) == STATUS_OK && session_check(session) &&
           session_check_end(session);
}

int main(int argc, char **argv) {
    static const struct breaks list[] = {{"cut", NULL, cut, go_on}};
    const struct breaks_form form = {list, 1, 1, "cuts", "wrong"};
    return breaks_main(argc, argv, &form);
}
