// sync: up and down once, or for good with --watch. Progress on a terminal, one summary at the end.
#include "client/cli/cmd.h"

#include <signal.h>
#include <unistd.h>

#include "client/cli/json.h"
#include "client/store/outbox.h"
#include "common/base/clock.h"

static volatile sig_atomic_t stopped;

static void on_signal(int number) {
    (void)number;
    stopped = 1;
}

static bool keep_going(void *user) {
    (void)user;
    return !stopped;
}

static void show_running(struct cli *cli, const struct sync *sync) {
    const struct sync_progress *progress = sync_progress(sync);
    fprintf(cli->err, "\r\033[K");
    fprintf(cli->err, _("sent %llu, refused %llu, received %llu, units left %zu"),
            (unsigned long long)progress->pushed, (unsigned long long)progress->refused,
            (unsigned long long)progress->pulled, progress->streams_to_pull);
}

static void show_waiting(struct cli *cli, int64_t wait_ms) {
    fprintf(cli->err, "\r\033[K");
    fprintf(cli->err, _("the server is away, next try in %lld s"),
            (long long)(wait_ms + 999) / 1000);
}

static void on_step(void *user, enum client_sync_state state, const struct sync *sync,
                    int64_t wait_ms) {
    struct cli *cli = user;
    if (state == CLIENT_SYNC_CONNECTING)
        fprintf(cli->err, "\r\033[K%s", _("connecting"));
    else if (state == CLIENT_SYNC_WAITING)
        show_waiting(cli, wait_ms);
    else
        show_running(cli, sync);
    fflush(cli->err);
}

// What is left in the outbox.
struct left {
    uint64_t waiting;
    uint64_t blocked; // of these
};

static enum status read_left(struct store *store, struct left *out_left) {
    struct outbox_counts counts;
    TRY(store_outbox_counts(store, &counts));
    out_left->waiting = counts.waiting;
    return store_outbox_blocked(store, &out_left->blocked);
}

static void show_json(struct cli *cli, const struct sync_progress *progress,
                      const struct left *left) {
    struct json json;
    json_open(&json, cli->out);
    json_begin(&json, NULL, '{');
    json_int(&json, "sent", (int64_t)progress->pushed);
    json_int(&json, "refused", (int64_t)progress->refused);
    json_int(&json, "received", (int64_t)progress->pulled);
    json_int(&json, "streams", (int64_t)progress->streams);
    json_int(&json, "streams_held", (int64_t)progress->streams_held);
    json_int(&json, "streams_moving", (int64_t)progress->streams_moving);
    json_int(&json, "streams_broken", (int64_t)progress->streams_broken);
    json_int(&json, "sent_again", (int64_t)progress->sent_again);
    json_int(&json, "restored_before_ms", progress->restored_before_ms);
    json_int(&json, "waiting", (int64_t)left->waiting);
    json_int(&json, "blocked", (int64_t)left->blocked);
    json_end(&json, '}');
    json_close(&json);
}

static void show_healed(struct cli *cli, const struct sync_progress *progress) {
    char time[20];
    clock_format_local_time(progress->restored_before_ms, time);
    fprintf(
        cli->out,
        _("%llu records were sent again: the server was restored from a backup of before %s.\n"),
        (unsigned long long)progress->sent_again, time);
}

static void show_summary(struct cli *cli, const struct sync_progress *progress,
                         const struct left *left) {
    fprintf(cli->out, _("Sent %llu, refused %llu, received %llu.\n"),
            (unsigned long long)progress->pushed, (unsigned long long)progress->refused,
            (unsigned long long)progress->pulled);
    if (progress->sent_again > 0)
        show_healed(cli, progress);
    if (left->waiting > 0)
        fprintf(cli->out, _("%llu still wait.\n"), (unsigned long long)left->waiting);
    if (left->blocked > 0)
        fprintf(cli->out,
                _("%llu of them cannot go before another entry; lianxiao outbox says which.\n"),
                (unsigned long long)left->blocked);
    if (progress->refused > 0 || progress->streams_held > 0)
        fprintf(cli->out, _("See lianxiao outbox for what was refused and why.\n"));
    if (progress->streams_moving > 0)
        fprintf(cli->out,
                _("%zu units are on their way to another district: nothing is lost. Sync again in"
                  " a moment.\n"),
                progress->streams_moving);
    if (progress->streams_broken > 0)
        fprintf(cli->out,
                _("%zu units do not agree with the server even after a fresh start; please"
                  " report this.\n"),
                progress->streams_broken);
}

static enum cli_exit sync_exit(const struct sync_progress *progress) {
    bool partly = progress->refused > 0 || progress->streams_held > 0 ||
                  progress->streams_moving > 0 || progress->streams_broken > 0;
    return partly ? CLI_EXIT_PARTLY : CLI_EXIT_OK;
}

enum cli_exit cmd_sync(struct cli *cli) {
    bool terminal = isatty(fileno(cli->err)) && !cli->json;
    struct client_sync_options options = {
        .watch = cli_option(cli, "watch") != NULL,
        .on_step = terminal ? on_step : NULL,
        .keep_going = keep_going,
        .user = cli,
    };
    struct sync_progress progress = {0};
    struct left left;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    enum client_result result = client_sync(&cli->client, &options, &progress);
    if (terminal)
        fprintf(cli->err, "\r\033[K");
    enum status status = read_left(cli->store, &left);
    if (status != STATUS_OK)
        return cli_store_failed(cli, status);
    if (result != CLIENT_OK && result != CLIENT_STOPPED)
        return cli_client_result(cli, result);
    if (cli->json)
        show_json(cli, &progress, &left);
    else
        show_summary(cli, &progress, &left);
    return sync_exit(&progress);
}
