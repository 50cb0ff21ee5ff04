// outbox, outbox retry, outbox drop: what was recorded here and what became of it.
#include "client/cli/cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/subject.h"
#include "client/cli/table.h"
#include "client/store/outbox.h"
#include "common/base/clock.h"

static const char *state_text(const struct outbox_entry *entry) {
    static const char *const texts[] = {
        [OUTBOX_WAITING] = N_("waiting"),
        [OUTBOX_ACKED] = N_("stored"),
        [OUTBOX_REFUSED] = N_("refused"),
        [OUTBOX_ARCHIVED] = N_("put away"),
    };
    if (entry->blocked_by != 0)
        return _("blocked");
    if (entry->bundled)
        return _("in a bundle");
    return _(texts[entry->state]);
}

static const char *state_key(const struct outbox_entry *entry) {
    static const char *const keys[] = {
        [OUTBOX_WAITING] = "waiting",
        [OUTBOX_ACKED] = "stored",
        [OUTBOX_REFUSED] = "refused",
        [OUTBOX_ARCHIVED] = "archived",
    };
    if (entry->bundled)
        return "bundled";
    return entry->blocked_by != 0 ? "blocked" : keys[entry->state];
}

static const char *what_text(struct cli *cli, const Lx__Operation *operation) {
    if (operation->fact)
        return subject_kind_name(cli, operation->fact->kind);
    if (operation->transfer)
        return _("transfer");
    return operation->person ? _("person") : _("membership");
}

static const char *about_text(struct cli *cli, const Lx__Operation *operation) {
    if (operation->fact)
        return subject_name(cli, subject_id_of(&operation->fact->subject));
    if (operation->person)
        return operation->person->name;
    if (operation->transfer)
        return subject_name(cli, subject_id_of(&operation->transfer->person));
    return subject_name(cli, subject_id_of(&operation->membership->person));
}

// With what became of the entry that blocks this one, so that its number can be acted on.
static enum status add_blocked(struct cli *cli, struct table *table, long long blocked_by) {
    char text[128];
    struct outbox_entry blocker;
    TRY(store_outbox_get(cli->store, blocked_by, cli->arena, &blocker));
    if (blocker.state == OUTBOX_REFUSED)
        snprintf(text, sizeof text, _("waits for entry %lld, which was refused"), blocked_by);
    else if (blocker.state == OUTBOX_ARCHIVED)
        snprintf(text, sizeof text, _("waits for entry %lld, which was put away"), blocked_by);
    else
        snprintf(text, sizeof text, _("waits for entry %lld, which the server does not take"),
                 blocked_by);
    return table_text(table, text);
}

static enum status add_reason(struct cli *cli, struct table *table,
                              const struct outbox_entry *entry) {
    if (entry->blocked_by != 0)
        return add_blocked(cli, table, (long long)entry->blocked_by);
    bool told = entry->reason != NULL || entry->state == OUTBOX_REFUSED;
    return table_text(table, told ? cli_reason(cli, entry->reason) : NULL);
}

static enum status add_row(struct cli *cli, struct table *table, const struct outbox_entry *entry) {
    char time[20];
    clock_format_local_time(entry->created_ms, time);
    TRY(table_row(table));
    TRY(table_int(table, entry->id));
    TRY(table_text(table, cli->json ? state_key(entry) : state_text(entry)));
    TRY(table_text(table, time));
    TRY(table_text(table, what_text(cli, entry->operation)));
    TRY(table_text(table, about_text(cli, entry->operation)));
    TRY(table_text(table, entry->operation->fact ? entry->operation->fact->item : NULL));
    TRY(add_reason(cli, table, entry));
    return cli->json && entry->blocked_by != 0 ? table_int(table, entry->blocked_by) : STATUS_OK;
}

// Without --all what is done with is left out: stored and put away.
static bool is_shown(const struct cli *cli, const struct outbox_entry *entry) {
    return cli_option(cli, "all") || entry->state == OUTBOX_WAITING ||
           entry->state == OUTBOX_REFUSED;
}

enum cli_exit cmd_outbox(struct cli *cli) {
    const struct table_column columns[] = {
        {"id", _("No."), TABLE_NUMBER},      {"state", _("State"), TABLE_TEXT},
        {"time", _("Recorded"), TABLE_TEXT}, {"kind", _("What"), TABLE_TEXT},
        {"subject", _("About"), TABLE_TEXT}, {"item", _("Item"), TABLE_TEXT},
        {"reason", _("Reason"), TABLE_TEXT}, {"blocked_by", NULL, TABLE_NUMBER},
    };
    size_t n_columns = sizeof columns / sizeof columns[0];
    struct outbox_entries entries;
    // For people the number stands in the reason.
    struct table *table = table_new(cli->arena, columns, cli->json ? n_columns : n_columns - 1);
    enum status status = store_outbox(cli->store, 0, cli->arena, &entries);
    for (size_t i = 0; table && status == STATUS_OK && i < entries.count; i++)
        if (is_shown(cli, &entries.entries[i]))
            status = add_row(cli, table, &entries.entries[i]);
    if (status != STATUS_OK || !table)
        return cli_store_failed(cli, table ? status : STATUS_NO_MEMORY);
    if (cli->json) {
        table_print_json(table, cli->out);
        fputc('\n', cli->out);
    } else if (table_rows(table) == 0) {
        fprintf(cli->out, _("Nothing waits and nothing was refused.\n"));
    } else {
        table_print(table, cli->out);
    }
    return CLI_EXIT_OK;
}

static bool read_id(struct cli *cli, int64_t *out_id) {
    char *end = NULL;
    const char *text = cli->arguments[0];
    errno = 0;
    *out_id = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *out_id > 0)
        return true;
    cli_error(cli, _("\"%s\" is no number of the outbox"), text);
    return false;
}

static enum cli_exit tell_change(struct cli *cli, enum status status, int64_t id) {
    if (status == STATUS_NOT_FOUND) {
        cli_error(cli, _("the outbox has no entry %lld"), (long long)id);
        return CLI_EXIT_UNKNOWN;
    }
    if (status == STATUS_CONFLICT) {
        cli_error(cli, _("entry %lld is stored, put away or under way: sync first"), (long long)id);
        return CLI_EXIT_REFUSED;
    }
    return status == STATUS_OK ? CLI_EXIT_OK : cli_store_failed(cli, status);
}

enum cli_exit cmd_outbox_retry(struct cli *cli) {
    int64_t id = 0;
    int64_t new_id = 0;
    if (!read_id(cli, &id))
        return CLI_EXIT_USAGE;
    enum cli_exit code =
        tell_change(cli, store_outbox_retry(cli->store, id, cli_now_ms(cli), &new_id), id);
    if (code == CLI_EXIT_OK && !cli->json)
        fprintf(cli->out, _("Entry %lld goes again as %lld.\n"), (long long)id, (long long)new_id);
    return code;
}

enum cli_exit cmd_outbox_drop(struct cli *cli) {
    int64_t id = 0;
    if (!read_id(cli, &id))
        return CLI_EXIT_USAGE;
    enum cli_exit code = tell_change(cli, store_outbox_drop(cli->store, id), id);
    if (code == CLI_EXIT_OK && !cli->json)
        fprintf(cli->out, _("Entry %lld is put away; lianxiao outbox --all still shows it.\n"),
                (long long)id);
    return code;
}
