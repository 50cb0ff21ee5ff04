// The assessor without the server, for tests/integration/test_assessor.py.
// Usage: lx_assessor_main run DSN      until SIGTERM
//        lx_assessor_main verify DSN   prints differences and a last line; exit code 0: none, 1:
//        some, 3: not caught up
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "server/assessor.h"
#include "server/assessor/verify.h"
#include "server/config.h"

static void print_line(void *user, const char *line) {
    (void)user;
    puts(line);
}

static int verify(const char *dsn) {
    struct db_sync *db = NULL;
    char error[256] = "";
    if (db_sync_open(dsn, "verify", &db, error, sizeof(error)) != STATUS_OK) {
        fprintf(stderr, "%s\n", error);
        return 2;
    }
    struct verify_result result;
    enum status status = verify_run(db, 20000, print_line, NULL, &result);
    if (status != STATUS_OK)
        fprintf(stderr, "verify: %s: %s\n", status_name(status), db_sync_error(db));
    printf("standings %zu wrong %zu rollups %zu wrong %zu waiting %zu\n", result.standings,
           result.standings_wrong, result.rollups, result.rollups_wrong, result.waiting);
    db_sync_close(&db);
    if (status != STATUS_OK)
        return status == STATUS_AGAIN ? 3 : 2;
    return result.standings_wrong + result.rollups_wrong == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
    log_open("assessor", LOG_LEVEL_INFO);
    if (argc != 3)
        return 2;
    if (strcmp(argv[1], "verify") == 0)
        return verify(argv[2]);
    static struct config config;
    (void)snprintf(config.dsn_assessor, sizeof(config.dsn_assessor), "%s", argv[2]);
    return assessor_run(&config, -1);
}
