// transfer out, list, in: moving people between districts.
#include "client/cli/cmd.h"

#include "client/cli/json.h"
#include "client/cli/subject.h"
#include "client/cli/table.h"
#include "client/core/transfer.h"
#include "common/base/clock.h"

static bool open_maker(struct cli *cli, struct transfer_maker *out_maker,
                       struct local **out_local) {
    char error[256] = "";
    enum status status = local_load(cli->store, cli->arena, out_local, error);
    *out_maker = (struct transfer_maker){cli->store, *out_local, cli->arena, clock_now_ms()};
    if (status == STATUS_OK)
        return true;
    if (error[0])
        cli_error(cli, "%s", error);
    else
        cli_store_failed(cli, status);
    return false;
}

// The day of an option at 00:00, else now.
static bool read_day(struct cli *cli, const char *name, int64_t *io_time_ms) {
    const char *text = cli_option(cli, name);
    int32_t day;
    if (!text)
        return true;
    if (clock_parse_day(view_from_string(text), &day) != STATUS_OK) {
        cli_error(cli, _("--%s wants YYYY-MM-DD, not \"%s\""), name, text);
        return false;
    }
    *io_time_ms = clock_day_start_ms(day);
    return true;
}

static enum cli_exit tell(struct cli *cli, enum status status, const struct transfer_made *made,
                          const char *done) {
    if (status != STATUS_OK)
        return cli_store_failed(cli, status);
    if (made->reason) {
        cli_show_reason(cli, NULL, made->reason);
        return CLI_EXIT_REFUSED;
    }
    if (cli->json) {
        struct json json;
        json_open(&json, cli->out);
        json_begin(&json, NULL, '{');
        json_text(&json, "transfer", subject_uuid(cli, made->id));
        json_end(&json, '}');
        json_close(&json);
    } else {
        fprintf(cli->out, "%s\n", done);
    }
    return CLI_EXIT_OK;
}

enum cli_exit cmd_transfer_out(struct cli *cli) {
    struct store_row person, district;
    struct transfer_maker maker;
    struct transfer_made made;
    struct local *local;
    const char *to = cli_option(cli, "to");
    if (!to) {
        cli_error(cli, _("--to is needed: the district that the person goes to"));
        return CLI_EXIT_USAGE;
    }
    if (!subject_find(cli, cli->arguments[0], &person) || !subject_find_unit(cli, to, &district))
        return CLI_EXIT_UNKNOWN;
    if (person.kind != STORE_KIND_PERSON) {
        cli_error(cli, _("\"%s\" is a unit: only people are transferred so"), cli->arguments[0]);
        return CLI_EXIT_USAGE;
    }
    if (!open_maker(cli, &maker, &local))
        return CLI_EXIT_FAILED;
    int64_t left_ms = maker.now_ms;
    if (!read_day(cli, "at", &left_ms))
        return CLI_EXIT_USAGE;
    enum status status = transfer_send_out(&maker, person.id, district.id, left_ms, &made);
    return tell(cli, status, &made,
                _("Sent out. The other district takes the person in with transfer in."));
}

// ---- list ----

static enum status add_row(struct cli *cli, struct table *table, const struct transfer_row *row) {
    char day[20];
    clock_format_local_time(row->left_ms, day);
    TRY(table_row(table));
    TRY(table_text(table, subject_uuid(cli, row->id)));
    TRY(table_text(table, cli->json ? (row->out ? "out" : "in") : row->out ? _("out") : _("in")));
    TRY(table_text(table, row->name[0] ? row->name : subject_name(cli, row->person)));
    TRY(table_text(table, subject_name(cli, row->unit)));
    TRY(table_text(table, day));
    return table_text(table, row->local ? _("waiting") : _("stored"));
}

enum cli_exit cmd_transfer_list(struct cli *cli) {
    const struct table_column columns[] = {
        {"transfer", _("Transfer"), TABLE_TEXT}, {"side", _("Way"), TABLE_TEXT},
        {"name", _("Name"), TABLE_TEXT},         {"district", _("Other district"), TABLE_TEXT},
        {"left", _("Left"), TABLE_TEXT},         {"state", _("State"), TABLE_TEXT},
    };
    struct transfer_row *rows;
    size_t count;
    struct table *table = table_new(cli->arena, columns, sizeof columns / sizeof columns[0]);
    enum status status = transfer_list(cli->store, cli->arena, &rows, &count);
    for (size_t i = 0; table && status == STATUS_OK && i < count; i++)
        status = add_row(cli, table, &rows[i]);
    if (status != STATUS_OK || !table)
        return cli_store_failed(cli, table ? status : STATUS_NO_MEMORY);
    if (cli->json) {
        table_print_json(table, cli->out);
        fputc('\n', cli->out);
    } else if (count == 0) {
        fprintf(cli->out, _("Nobody is under way between districts.\n"));
    } else {
        table_print(table, cli->out);
    }
    return CLI_EXIT_OK;
}

// ---- in ----

// By the id of the transfer or the name of the person. NULL: said why.
static const struct transfer_row *find_row(struct cli *cli, const char *text) {
    struct transfer_row *rows;
    size_t count;
    const struct transfer_row *found = NULL;
    struct uuid id = {{0}};
    bool is_id = uuid_parse(view_from_string(text), &id) == STATUS_OK;
    enum status status = transfer_list(cli->store, cli->arena, &rows, &count);
    if (status != STATUS_OK) {
        cli_store_failed(cli, status);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        bool same = is_id ? uuid_equal(rows[i].id, id)
                          : view_equal(view_from_string(rows[i].name), view_from_string(text));
        if (!same)
            continue;
        if (found && !uuid_equal(found->id, rows[i].id)) {
            cli_error(cli, _("several people under way are called \"%s\": use the transfer's id"),
                      text);
            return NULL;
        }
        found = &rows[i];
    }
    if (!found)
        cli_error(cli, _("nobody called \"%s\" is under way (has this home been synced?)"), text);
    return found;
}

enum cli_exit cmd_transfer_in(struct cli *cli) {
    struct store_row unit;
    struct transfer_maker maker;
    struct transfer_made made;
    struct local *local;
    const char *code = cli_option(cli, "unit");
    if (!code) {
        cli_error(cli, _("--unit is needed: the workshop or school that the person joins"));
        return CLI_EXIT_USAGE;
    }
    const struct transfer_row *row = find_row(cli, cli->arguments[0]);
    if (!row || !subject_find_unit(cli, code, &unit))
        return CLI_EXIT_UNKNOWN;
    if (!open_maker(cli, &maker, &local))
        return CLI_EXIT_FAILED;
    struct transfer_home home = {.unit = unit.id, .from_ms = maker.now_ms};
    const struct judge_programme *programme = local_programme(local, cli_option(cli, "programme"));
    if (!programme) {
        cli_error(cli, _("this home knows no programme \"%s\" (has it been synced?)"),
                  cli_option(cli, "programme") ? cli_option(cli, "programme") : "");
        return CLI_EXIT_UNKNOWN;
    }
    home.programme = programme->number;
    if (!read_day(cli, "from", &home.from_ms))
        return CLI_EXIT_USAGE;
    enum status status = transfer_take_in(&maker, row, &home, &made);
    return tell(cli, status, &made,
                _("Taken in. All that is recorded about the person comes along."));
}
