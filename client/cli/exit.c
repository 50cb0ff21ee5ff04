// What went wrong, for people, and the exit code that goes with it. See cli.h.
#include <stdarg.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/words.h"
#include "common/base/clock.h"

static const struct {
    enum cli_exit code;
    const char *text;
} cli_exits[] = {
    {CLI_EXIT_OK, N_("done")},
    {CLI_EXIT_FAILED, N_("this machine or the home failed")},
    {CLI_EXIT_USAGE, N_("wrong command line")},
    {CLI_EXIT_REFUSED, N_("refused, by the checks here or by the server")},
    {CLI_EXIT_UNKNOWN, N_("no such subject, record, entry or file")},
    {CLI_EXIT_AWAY, N_("the server cannot be reached; nothing is lost")},
    {CLI_EXIT_LOGIN, N_("enrol or log in first")},
    {CLI_EXIT_BUSY, N_("another program is using the home")},
    {CLI_EXIT_PARTLY, N_("done, but some records were refused or could not go")},
};

void cli_print_exits(FILE *out) {
    for (size_t i = 0; i < sizeof cli_exits / sizeof cli_exits[0]; i++)
        fprintf(out, "  %d  %s\n", (int)cli_exits[i].code, _(cli_exits[i].text));
}

void cli_error(const struct cli *cli, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(cli->err, "%s: ", CLI_PROGRAM);
    vfprintf(cli->err, format, arguments);
    fputc('\n', cli->err);
    va_end(arguments);
}

// The reason with its parameters in the person's language; the reason itself when memory is out.
static const Lx__Reason *in_words(struct cli *cli, const Lx__Reason *reason) {
    Lx__Reason *copy = arena_alloc(cli->arena, sizeof *copy);
    Lx__ReasonParameter *parameters =
        arena_array(cli->arena, reason->n_parameters + 1, sizeof *parameters);
    Lx__ReasonParameter **list = arena_array(cli->arena, reason->n_parameters + 1, sizeof *list);
    if (!copy || !parameters || !list)
        return reason;
    *copy = *reason;
    copy->parameters = list;
    for (size_t i = 0; i < reason->n_parameters; i++) {
        parameters[i] = *reason->parameters[i];
        list[i] = &parameters[i];
        if (parameters[i].name && parameters[i].value) // protobuf-c does not write to it
            parameters[i].value =
                (char *)words_of_parameter(cli, parameters[i].name, parameters[i].value);
    }
    return copy;
}

const char *cli_reason(struct cli *cli, const Lx__Reason *reason) {
    struct buf text = {0};
    const char *copy = NULL;
    if (reason != NULL && reason_format(in_words(cli, reason), cli->language, &text) == STATUS_OK)
        copy = arena_string(cli->arena, buf_view(&text));
    buf_free(&text);
    return copy && copy[0] ? copy : _("the server gives no reason");
}

void cli_show_reason(struct cli *cli, const char *about, const Lx__Reason *reason) {
    if (about)
        cli_error(cli, "%s: %s", about, cli_reason(cli, reason));
    else
        cli_error(cli, "%s", cli_reason(cli, reason));
}

enum cli_exit cli_no_memory(struct cli *cli) {
    cli_error(cli, _("out of memory"));
    return CLI_EXIT_FAILED;
}

int64_t cli_now_ms(struct cli *cli) {
    char wrong[20];
    char right[20];
    int64_t clock_ms = clock_now_ms();
    int64_t now_ms = client_now_ms(cli->store, clock_ms);
    if (now_ms == clock_ms)
        return now_ms;
    clock_format_local_time(clock_ms, wrong);
    clock_format_local_time(now_ms, right);
    cli_error(cli,
              _("this machine's clock is wrong (%s): %s is used, the newest time known; set the"
                " clock, or sync"),
              wrong, right);
    return now_ms;
}

enum cli_exit cli_store_failed(struct cli *cli, enum status status) {
    const char *text = store_error(cli->store);
    store_rollback(cli->store);
    if (status == STATUS_NO_MEMORY)
        return cli_no_memory(cli);
    if (status == STATUS_AGAIN) {
        cli_error(cli, _("%s is using the home: try again when it has ended"), text);
        return CLI_EXIT_BUSY;
    }
    if (status == STATUS_LIMIT) // nothing of a transaction that found no room is there
        cli_error(cli,
                  _("the disk of the home %s is full: nothing was stored; make room and do it"
                    " again"),
                  store_home(cli->store));
    else
        cli_error(cli, _("the home %s: %s"), store_home(cli->store),
                  text[0] ? text : status_name(status));
    if (status == STATUS_IO) // a sync that fails may have happened
        cli_error(cli, _("look with lianxiao outbox and lianxiao record list whether it was stored"
                         " before you do it again"));
    return CLI_EXIT_FAILED;
}

// One row a result: the code and the words; %s is client->failure_text.
static const struct {
    enum cli_exit code;
    const char *text;
} client_results[CLIENT_RESULT_COUNT] = {
    [CLIENT_OK] = {CLI_EXIT_OK, NULL},
    [CLIENT_NOT_ENROLLED] = {CLI_EXIT_LOGIN,
                             N_("this device is not enrolled: run lianxiao enroll")},
    [CLIENT_NOT_LOGGED_IN] = {CLI_EXIT_LOGIN, N_("nobody is logged in: run lianxiao login NAME")},
    [CLIENT_AWAY] = {CLI_EXIT_AWAY, N_("the server cannot be reached (%s); what was recorded waits"
                                       " here")},
    [CLIENT_UNTRUSTED] = {CLI_EXIT_REFUSED,
                          N_("the server is not the one that this device trusts (%s)")},
    [CLIENT_REFUSED] = {CLI_EXIT_REFUSED, N_("the server refused: %s")},
    [CLIENT_OTHER_ACCOUNT] = {CLI_EXIT_REFUSED,
                              N_("this home belongs to another account: use --home with a folder of"
                                 " your own")},
    [CLIENT_HOME_BUSY] = {CLI_EXIT_BUSY, N_("%s is using the home: try again when it has ended")},
    [CLIENT_LOCAL] = {CLI_EXIT_FAILED, N_("it did not work here: %s")},
    [CLIENT_STOPPED] = {CLI_EXIT_OK, NULL},
};

enum cli_exit cli_client_result(struct cli *cli, enum client_result result) {
    const char *text = client_results[result].text;
    const char *detail = cli->client.failure_text;
    if (!text)
        return client_results[result].code;
    if (cli->client.failure_reason)
        detail = cli_reason(cli, cli->client.failure_reason);
    fprintf(cli->err, "%s: ", CLI_PROGRAM);
    const char *words = _(text);
    const char *place = strstr(words, "%s");
    if (place)
        fprintf(cli->err, "%.*s%s%s\n", (int)(place - words), words, detail, place + 2);
    else
        fprintf(cli->err, "%s\n", words);
    return client_results[result].code;
}
