// bundle write, carry, receipt, show: operations as files, for places without a network.
#include "client/cli/cmd.h"

#include "client/cli/json.h"
#include "client/core/bundle.h"
#include "common/base/clock.h"

// ---- write ----

static void show_written_json(struct cli *cli, const struct bundle_written *written) {
    struct json json;
    json_open(&json, cli->out);
    json_begin(&json, NULL, '{');
    json_begin(&json, "files", '[');
    for (size_t i = 0; i < written->n_files; i++)
        json_text(&json, NULL, written->files[i]);
    json_end(&json, ']');
    json_int(&json, "operations", (int64_t)written->operations);
    json_int(&json, "left", (int64_t)written->left);
    json_end(&json, '}');
    json_close(&json);
}

static void show_written(struct cli *cli, const struct bundle_written *written) {
    if (written->operations == 0) {
        fprintf(cli->out, _("Nothing waits: no file was written.\n"));
        return;
    }
    for (size_t i = 0; i < written->n_files; i++)
        fprintf(cli->out, "%s\n", written->files[i]);
    fprintf(cli->out,
            _("%llu records are in it. They also wait here until a receipt or a sync answers.\n"
              "Anybody who is logged in somewhere with a network sends it: lianxiao bundle carry"
              " FILE --receipt RECEIPT\n"),
            (unsigned long long)written->operations);
    if (written->left > 0)
        fprintf(cli->out,
                _("%llu records need the answer to others first: they go into the next bundle"
                  " after the receipt.\n"),
                (unsigned long long)written->left);
}

enum cli_exit cmd_bundle_write(struct cli *cli) {
    struct bundle_written written;
    enum client_result result = client_bundle_write(&cli->client, cli->arguments[0], &written);
    if (result != CLIENT_OK)
        return cli_client_result(cli, result);
    if (cli->json)
        show_written_json(cli, &written);
    else
        show_written(cli, &written);
    return written.left > 0 ? CLI_EXIT_PARTLY : CLI_EXIT_OK;
}

// ---- carry ----

static void show_carried_json(struct cli *cli, const struct bundle_carried *carried) {
    struct json json;
    json_open(&json, cli->out);
    json_begin(&json, NULL, '{');
    json_int(&json, "parts", carried->parts);
    json_int(&json, "parts_repeated", carried->parts_repeated);
    json_int(&json, "parts_gap", carried->parts_gap);
    json_int(&json, "parts_held", carried->parts_held);
    json_int(&json, "operations", (int64_t)carried->operations);
    json_int(&json, "answered", (int64_t)carried->answered);
    json_int(&json, "refused", (int64_t)carried->refused);
    json_end(&json, '}');
    json_close(&json);
}

static void show_carried(struct cli *cli, const char *file, const struct bundle_carried *carried) {
    if (carried->parts_repeated == carried->parts)
        fprintf(cli->out, _("%s: was brought before; nothing new.\n"), file);
    else
        fprintf(cli->out, _("%s: %llu of %llu records have their answer, %llu of them refused.\n"),
                file, (unsigned long long)carried->answered,
                (unsigned long long)carried->operations, (unsigned long long)carried->refused);
    if (carried->parts_gap > 0)
        cli_error(cli,
                  _("%s: an earlier file of the same device is missing: bring that one, then this"
                    " one again"),
                  file);
    if (carried->parts_held > 0)
        cli_error(cli,
                  _("%s: some of it is not taken; its author sees why from the receipt or at the"
                    " next sync"),
                  file);
}

enum cli_exit cmd_bundle_carry(struct cli *cli) {
    const char *receipt = cli_option(cli, "receipt");
    enum cli_exit code = CLI_EXIT_OK;
    if (receipt && cli->n_arguments > 1) {
        cli_error(cli, _("--receipt goes with one file at a time"));
        return CLI_EXIT_USAGE;
    }
    for (int i = 0; i < cli->n_arguments; i++) {
        struct bundle_carried carried;
        enum client_result result =
            client_bundle_carry(&cli->client, cli->arguments[i], receipt, &carried);
        if (result != CLIENT_OK)
            return cli_client_result(cli, result);
        if (cli->json)
            show_carried_json(cli, &carried);
        else
            show_carried(cli, cli->arguments[i], &carried);
        if (carried.parts_gap + carried.parts_held > 0)
            code = CLI_EXIT_PARTLY;
    }
    return code;
}

// ---- receipt ----

static void show_receipt(struct cli *cli, const struct bundle_receipt *receipt) {
    if (cli->json) {
        struct json json;
        json_open(&json, cli->out);
        json_begin(&json, NULL, '{');
        json_int(&json, "stored", (int64_t)receipt->stored);
        json_int(&json, "refused", (int64_t)receipt->refused);
        json_int(&json, "missing", (int64_t)receipt->missing);
        json_int(&json, "held", (int64_t)receipt->held);
        json_end(&json, '}');
        json_close(&json);
        return;
    }
    fprintf(cli->out, _("%llu records are stored, %llu refused (lianxiao outbox says why).\n"),
            (unsigned long long)receipt->stored, (unsigned long long)receipt->refused);
    if (receipt->missing > 0)
        fprintf(cli->out,
                _("%llu records wait for an earlier file: have that one carried, then this one"
                  " again.\n"),
                (unsigned long long)receipt->missing);
    if (receipt->held > 0)
        fprintf(cli->out, _("%llu records were not taken: lianxiao outbox says why.\n"),
                (unsigned long long)receipt->held);
}

enum cli_exit cmd_bundle_receipt(struct cli *cli) {
    struct bundle_receipt receipt;
    enum client_result result = client_bundle_receipt(&cli->client, cli->arguments[0], &receipt);
    if (result != CLIENT_OK)
        return cli_client_result(cli, result);
    show_receipt(cli, &receipt);
    return receipt.refused + receipt.missing + receipt.held > 0 ? CLI_EXIT_PARTLY : CLI_EXIT_OK;
}

// ---- show ----

static void show_info_json(struct cli *cli, const struct bundle_info *info, const char *id) {
    struct json json;
    json_open(&json, cli->out);
    json_begin(&json, NULL, '{');
    json_text(&json, "kind", info->head.kind == BUNDLE_KIND_RECEIPT ? "receipt" : "bundle");
    json_text(&json, "id", id);
    json_int(&json, "parts", info->head.parts);
    json_int(&json, "bytes", (int64_t)info->bytes);
    json_bool(&json, "ours", info->ours);
    json_bool(&json, "mine", info->mine);
    if (info->mine) {
        json_int(&json, "created_ms", info->created_ms);
        json_int(&json, "operations", (int64_t)info->operations);
        json_int(&json, "waiting", (int64_t)info->waiting);
    }
    json_end(&json, '}');
    json_close(&json);
}

static void show_info(struct cli *cli, const struct bundle_info *info, const char *id) {
    char time[20];
    bool is_receipt = info->head.kind == BUNDLE_KIND_RECEIPT;
    fprintf(cli->out,
            is_receipt ? _("Receipt of bundle %s: whole, %zu bytes.\n")
                       : _("Bundle %s: whole, %zu bytes.\n"),
            id, info->bytes);
    if (!info->ours)
        fprintf(cli->out, _("It belongs to another deployment than this device.\n"));
    if (!info->mine) {
        fprintf(cli->out, _("Another device wrote the bundle; only the server can read it.\n"));
        return;
    }
    clock_format_local_time(info->created_ms, time);
    fprintf(cli->out, _("This device wrote the bundle at %s: %llu records, %llu still wait.\n"),
            time, (unsigned long long)info->operations, (unsigned long long)info->waiting);
}

enum cli_exit cmd_bundle_show(struct cli *cli) {
    struct bundle_info info;
    char id[UUID_TEXT_SIZE];
    enum client_result result = client_bundle_show(&cli->client, cli->arguments[0], &info);
    if (result != CLIENT_OK)
        return cli_client_result(cli, result);
    uuid_format(info.head.id, id);
    if (cli->json)
        show_info_json(cli, &info, id);
    else
        show_info(cli, &info, id);
    return CLI_EXIT_OK;
}
