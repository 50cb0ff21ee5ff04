// audit export: the heads of the server's audit chain that this home has seen, for an auditor
// (lianxiaoctl audit verify --from).
#include "client/cli/cmd.h"

#include <errno.h>
#include <string.h>

#include "client/store/witness.h"

static bool write_heads(FILE *file, const struct store_witness *witnesses, size_t n) {
    bool done = fprintf(file, "lianxiao audit heads 1\n") > 0;
    for (size_t i = 0; done && i < n; i++)
        done = fprintf(file, "%s\n", witnesses[i].line) > 0;
    return done;
}

enum cli_exit cmd_audit_export(struct cli *cli) {
    const char *path = cli->arguments[0];
    struct store_witness *witnesses = NULL;
    size_t n = 0;
    enum status status = store_witnesses(cli->store, cli->arena, &n, &witnesses);
    if (status != STATUS_OK)
        return cli_store_failed(cli, status);
    FILE *file = fopen(path, "wxe"); // what an auditor was given is not written over
    bool done = file != NULL && write_heads(file, witnesses, n);
    if (file != NULL && fclose(file) != 0)
        done = false;
    if (!done) {
        cli_error(cli, "%s: %s", path, strerror(errno));
        return CLI_EXIT_UNKNOWN;
    }
    fprintf(cli->out, _("Audit heads written: %zu\n"), n);
    return CLI_EXIT_OK;
}
