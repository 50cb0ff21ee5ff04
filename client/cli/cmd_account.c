// enroll, login, logout, passwd: this device and this account.
#include "client/cli/cmd.h"

#include <unistd.h>

#include "client/cli/json.h"
#include "client/cli/password.h"
#include "common/base/clock.h"

enum cli_exit cmd_enroll(struct cli *cli) {
    char host[65] = "";
    const char *server = cli_option(cli, "server");
    const char *ca_file = cli_option(cli, "ca");
    const char *code = cli_option(cli, "code");
    const char *label = cli_option(cli, "label");
    if (!server || !ca_file || !code) {
        cli_error(cli, _("enroll needs --server, --ca and --code"));
        return CLI_EXIT_USAGE;
    }
    if (!label && gethostname(host, sizeof host - 1) == 0)
        label = host;
    enum client_result result = client_enrol(&cli->client, server, ca_file, code, label);
    if (result != CLIENT_OK)
        return cli_client_result(cli, result);
    if (!cli->json)
        fprintf(cli->out, _("This device is enrolled at %s. Next: lianxiao login NAME\n"), server);
    return CLI_EXIT_OK;
}

static void show_login(struct cli *cli, const Lx__LoginReply *reply) {
    char until[20];
    clock_format_local_time(reply->until_ms, until);
    if (cli->json) {
        struct json json;
        json_open(&json, cli->out);
        json_begin(&json, NULL, '{');
        json_text(&json, "name", reply->name);
        json_int(&json, "until_ms", reply->until_ms);
        json_bool(&json, "must_change_password", reply->must_change_password);
        json_end(&json, '}');
        json_close(&json);
        return;
    }
    fprintf(cli->out, _("Logged in as %s, until %s.\n"), reply->name ? reply->name : "", until);
    if (reply->must_change_password)
        fprintf(cli->out, _("The password must be changed: lianxiao passwd\n"));
}

enum cli_exit cmd_login(struct cli *cli) {
    const Lx__LoginReply *reply = NULL;
    const char *password = password_ask(cli, _("Password: "), "password-file");
    if (!password)
        return CLI_EXIT_USAGE;
    enum client_result result = client_login(&cli->client, cli->arguments[0], password, &reply);
    if (result != CLIENT_OK)
        return cli_client_result(cli, result);
    show_login(cli, reply);
    return CLI_EXIT_OK;
}

enum cli_exit cmd_logout(struct cli *cli) {
    enum client_result result = client_logout(&cli->client);
    if (result != CLIENT_OK)
        return cli_client_result(cli, result);
    if (!cli->json)
        fprintf(cli->out, _("Logged out. What waits stays in the outbox.\n"));
    return CLI_EXIT_OK;
}

enum cli_exit cmd_passwd(struct cli *cli) {
    const char *old_password = password_ask(cli, _("Old password: "), "password-file");
    if (!old_password)
        return CLI_EXIT_USAGE;
    const char *new_password = password_ask(cli, _("New password: "), "new-password-file");
    if (!new_password)
        return CLI_EXIT_USAGE;
    enum client_result result = client_change_password(&cli->client, old_password, new_password);
    if (result != CLIENT_OK)
        return cli_client_result(cli, result);
    if (!cli->json)
        fprintf(cli->out, _("The password is changed.\n"));
    return CLI_EXIT_OK;
}
