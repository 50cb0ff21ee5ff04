// status: this device, this account, what waits, how fresh the replica is.
#include "client/cli/cmd.h"

#include "client/cli/json.h"
#include "client/cli/subject.h"
#include "client/store/outbox.h"
#include "client/store/witness.h"
#include "common/base/clock.h"

struct status_view {
    const char *server, *account, *person;
    bool enrolled, logged_in;
    int64_t last_sync_ms, skew_ms; // 0: never
    struct outbox_counts counts;
    uint64_t blocked;
    size_t streams, whole, n_grants, n_witnesses;
    bool chain_went_back;
    struct store_grant *grants;
};

static const char *text_of(struct cli *cli, const char *name) {
    struct view value;
    if (store_config_get(cli->store, name, cli->arena, &value) != STATUS_OK)
        return NULL;
    return arena_string(cli->arena, value);
}

static bool has(struct cli *cli, const char *name) {
    struct view value;
    return store_config_get(cli->store, name, cli->arena, &value) == STATUS_OK;
}

static int64_t number_of(struct cli *cli, const char *name) {
    int64_t value = 0;
    return store_config_get_int(cli->store, name, 0, &value) == STATUS_OK ? value : 0;
}

static enum status read_all(struct cli *cli, struct status_view *out) {
    struct store_stream *streams;
    *out = (struct status_view){
        .server = text_of(cli, STORE_CONFIG_SERVER),
        .account = text_of(cli, STORE_CONFIG_ACCOUNT),
        .person = text_of(cli, STORE_CONFIG_PERSON_NAME),
        .enrolled = has(cli, STORE_CONFIG_DEVICE),
        .logged_in = has(cli, STORE_CONFIG_SESSION),
        .last_sync_ms = number_of(cli, STORE_CONFIG_LAST_SYNC),
        .skew_ms = number_of(cli, STORE_CONFIG_SKEW),
    };
    TRY(store_outbox_counts(cli->store, &out->counts));
    TRY(store_outbox_blocked(cli->store, &out->blocked));
    TRY(store_grants(cli->store, cli->arena, &out->n_grants, &out->grants));
    TRY(store_streams(cli->store, cli->arena, &out->streams, &streams));
    struct store_witness *witnesses;
    TRY(store_witnesses(cli->store, cli->arena, &out->n_witnesses, &witnesses));
    TRY(store_witness_went_back(cli->store, &out->chain_went_back));
    for (size_t i = 0; i < out->streams; i++)
        out->whole += streams[i].whole;
    return STATUS_OK;
}

static void show_json(struct cli *cli, const struct status_view *view) {
    struct json json;
    json_open(&json, cli->out);
    json_begin(&json, NULL, '{');
    json_text(&json, "home", store_home(cli->store));
    json_text(&json, "server", view->server);
    json_bool(&json, "enrolled", view->enrolled);
    json_bool(&json, "logged_in", view->logged_in);
    json_text(&json, "account", view->account);
    json_text(&json, "name", view->person);
    json_int(&json, "last_sync_ms", view->last_sync_ms);
    json_int(&json, "skew_ms", view->skew_ms);
    json_int(&json, "waiting", (int64_t)view->counts.waiting);
    json_int(&json, "blocked", (int64_t)view->blocked);
    json_int(&json, "refused", (int64_t)view->counts.refused);
    json_int(&json, "stored", (int64_t)view->counts.acked);
    json_int(&json, "streams", (int64_t)view->streams);
    json_int(&json, "streams_whole", (int64_t)view->whole);
    json_int(&json, "audit_heads", (int64_t)view->n_witnesses);
    json_bool(&json, "audit_went_back", view->chain_went_back);
    json_begin(&json, "grants", '[');
    for (size_t i = 0; i < view->n_grants; i++) {
        json_begin(&json, NULL, '{');
        json_text(&json, "id", subject_uuid(cli, view->grants[i].id));
        json_text(&json, "role", subject_role_name(cli, (Lx__Role)view->grants[i].role));
        json_text(&json, "unit", subject_uuid(cli, view->grants[i].unit));
        json_end(&json, '}');
    }
    json_end(&json, ']');
    json_end(&json, '}');
    json_close(&json);
}

static void show_text(struct cli *cli, const struct status_view *view) {
    char time[20];
    FILE *out = cli->out;
    fprintf(out, _("Home: %s\n"), store_home(cli->store));
    fprintf(out, _("Server: %s\n"), view->enrolled ? view->server : _("not enrolled"));
    fprintf(out, _("Account: %s\n"), view->account ? view->account : "-");
    if (view->account && !view->logged_in)
        fprintf(out, _("Not logged in: recording works, sync needs lianxiao login.\n"));
    for (size_t i = 0; i < view->n_grants; i++)
        fprintf(out, _("Role: %s, %s\n"), subject_role_name(cli, (Lx__Role)view->grants[i].role),
                subject_name(cli, view->grants[i].unit));
    fprintf(out, _("Outbox: %llu wait (%llu of them blocked), %llu refused, %llu stored\n"),
            (unsigned long long)view->counts.waiting, (unsigned long long)view->blocked,
            (unsigned long long)view->counts.refused, (unsigned long long)view->counts.acked);
    fprintf(out, _("Replica: %zu of %zu units whole\n"), view->whole, view->streams);
    clock_format_local_time(view->last_sync_ms, time);
    fprintf(out, _("Last complete sync: %s\n"), view->last_sync_ms ? time : _("never"));
    fprintf(out, _("Audit heads kept: %zu\n"), view->n_witnesses);
    if (view->chain_went_back)
        fprintf(out, _("The server's audit chain has gone back behind a head that was kept here: a "
                       "restored database, or tampering. Keep this home, and tell the auditor.\n"));
    if (view->skew_ms > 60000 || view->skew_ms < -60000)
        fprintf(out, _("This machine's clock is %lld s off the server's.\n"),
                (long long)view->skew_ms / 1000);
}

enum cli_exit cmd_status(struct cli *cli) {
    struct status_view view;
    enum status status = read_all(cli, &view);
    if (status != STATUS_OK)
        return cli_store_failed(cli, status);
    if (cli->json)
        show_json(cli, &view);
    else
        show_text(cli, &view);
    return CLI_EXIT_OK;
}
