// lianxiao: the client on the command line, for schools, workshops, offices and scripts.
// One command a run: parse, open the home, run, close.
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/language.h"

#define HOME_UNDER_USER ".local/share/lianxiao"

static const char *find_home(struct cli *cli) {
    const char *home = cli->home ? cli->home : getenv("LIANXIAO_HOME");
    const char *data = getenv("XDG_DATA_HOME");
    const char *user = getenv("HOME");
    if (home && home[0])
        return home;
    if (data && data[0])
        return arena_format(cli->arena, "%s/lianxiao", data);
    return arena_format(cli->arena, "%s/%s", user && user[0] ? user : ".", HOME_UNDER_USER);
}

static enum cli_exit run_command(struct cli *cli) {
    char error[256] = "";
    cli->home = find_home(cli);
    if (!cli->home)
        return cli_no_memory(cli);
    enum status status = store_open(cli->home, CLI_PROGRAM " " CLI_VERSION, error, &cli->store);
    if (status == STATUS_AGAIN) {
        cli_error(cli, _("%s is using the home: try again when it has ended"), error);
        return CLI_EXIT_BUSY;
    }
    if (status != STATUS_OK) {
        cli_error(cli, _("the home %s: %s"), cli->home, error[0] ? error : status_name(status));
        return CLI_EXIT_FAILED;
    }
    if (client_init(&cli->client, cli->store, CLI_PROGRAM " " CLI_VERSION) != STATUS_OK)
        return cli_no_memory(cli);
    enum cli_exit code = cli->command->run(cli);
    if (fflush(cli->out) != 0 && code == CLI_EXIT_OK)
        code = CLI_EXIT_FAILED;
    return code;
}

int main(int argc, char **argv) {
    struct cli cli = {.out = stdout, .err = stderr};
    enum cli_exit code = CLI_EXIT_FAILED;
    signal(SIGPIPE, SIG_IGN);
    cli.language = language_open();
    cli.arena = arena_new(0);
    if (!cli.arena)
        return CLI_EXIT_FAILED;
    if (cli_parse(&cli, argc - 1, argv + 1, &code))
        code = run_command(&cli);
    client_free(&cli.client);
    store_close(&cli.store);
    arena_free(&cli.arena);
    return (int)code;
}
