// `verify`: all standings and roll-ups computed again from the ledger and compared with the stored
// ones. Writes nothing; the differences are printed by codes and ids, never by names.
#include "server/ctl/ctl.h"

#include <stdio.h>

#include "server/assessor/verify.h"

#define WAIT_S_DEFAULT 30
#define WAIT_S_MAX 86400

static void print_line(void *user, const char *line) {
    (void)user;
    puts(line);
}

enum ctl_exit ctl_verify(struct ctl *ctl) {
    const char *wait_text = ctl_value(ctl, "wait");
    long wait_s = WAIT_S_DEFAULT;
    struct verify_result result = {0};
    if (wait_text != NULL) {
        enum ctl_exit exit_code = ctl_parse_number("--wait", wait_text, 0, WAIT_S_MAX, &wait_s);
        if (exit_code != CTL_EXIT_DONE)
            return exit_code;
    }
    enum status status = verify_run(ctl->db, (int)(wait_s * 1000), print_line, NULL, &result);
    if (status == STATUS_AGAIN)
        return ctl_refuse("%zu subjects and facts still wait for the assessor after %ld s: is "
                          "lianxiaod running?",
                          result.waiting, wait_s);
    if (status != STATUS_OK)
        return ctl_database_failed(ctl, status);
    printf("%zu standings and %zu roll-ups compared: %zu and %zu differ\n", result.standings,
           result.rollups, result.standings_wrong, result.rollups_wrong);
    return result.standings_wrong + result.rollups_wrong == 0 ? CTL_EXIT_DONE : CTL_EXIT_DIFFERENT;
}
