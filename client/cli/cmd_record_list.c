// record list and export: what this home holds, as a table, as JSON, as CSV for a spreadsheet.
#include "client/cli/cmd.h"

#include <errno.h>
#include <string.h>

#include "client/cli/subject.h"
#include "client/cli/table.h"
#include "common/base/clock.h"
#include "common/domain/fact_kind.h"

struct listing {
    struct cli *cli;
    struct table *table;
    bool full;         // whole ids and every column, for files and machines
    Lx__FactKind kind; // FACT_KIND_UNKNOWN: all
    int64_t left;      // rows that may still come
};

static const char *time_text(struct cli *cli, bool has, int64_t time_ms) {
    char text[20];
    if (!has)
        return NULL;
    clock_format_local_time(time_ms, text);
    return arena_string(cli->arena, view_from_string(text));
}

static const char *id_text(struct listing *listing, struct uuid id) {
    const char *text = subject_uuid(listing->cli, id);
    size_t size = strlen(text);
    return listing->full || size < 12 ? text : text + size - 12;
}

static enum status add_fact(void *user, const struct store_row *row) {
    struct listing *listing = user;
    struct cli *cli = listing->cli;
    const Lx__Fact *fact = row->row->fact;
    if (listing->kind != LX__FACT_KIND__FACT_KIND_UNKNOWN && fact->kind != listing->kind)
        return STATUS_OK;
    if (listing->left-- <= 0)
        return STATUS_LIMIT;
    TRY(table_row(listing->table));
    TRY(table_text(listing->table, id_text(listing, row->id)));
    TRY(table_text(listing->table, time_text(cli, true, fact->occurred_at_ms)));
    TRY(table_text(listing->table, subject_kind_name(cli, fact->kind)));
    TRY(table_text(listing->table, subject_name(cli, subject_id_of(&fact->subject))));
    TRY(table_text(listing->table, fact->item));
    TRY(fact->has_quantity ? table_hundredths(listing->table, fact->quantity)
                           : table_text(listing->table, NULL));
    TRY(table_text(listing->table, row->local ? _("waiting") : _("stored")));
    if (!listing->full)
        return STATUS_OK;
    TRY(table_text(listing->table, time_text(cli, fact->has_until_ms, fact->until_ms)));
    TRY(table_text(listing->table, fact->form));
    TRY(table_text(listing->table,
                   fact->has_of ? subject_uuid(cli, subject_id_of(&fact->of)) : NULL));
    TRY(table_text(listing->table, row->row->has_actor
                                       ? subject_name(cli, subject_id_of(&row->row->actor))
                                       : NULL));
    return table_text(listing->table, subject_uuid(cli, subject_id_of(&fact->subject)));
}

#define SHORT_COLUMNS 7
#define FULL_COLUMNS 12

static struct table *new_table(struct cli *cli, bool full) {
    const struct table_column columns[FULL_COLUMNS] = {
        {"id", _("Id"), TABLE_TEXT},
        {"time", _("Time"), TABLE_TEXT},
        {"kind", _("What"), TABLE_TEXT},
        {"subject", _("About"), TABLE_TEXT},
        {"item", _("Item"), TABLE_TEXT},
        {"quantity", _("Quantity"), TABLE_NUMBER},
        {"state", _("State"), TABLE_TEXT},
        {"until", _("Until"), TABLE_TEXT},
        {"form", _("Form"), TABLE_TEXT},
        {"of", _("Of record"), TABLE_TEXT},
        {"actor", _("Recorded by"), TABLE_TEXT},
        {"subject_id", _("Id of whom it is about"), TABLE_TEXT}, // names of units are not unique
    };
    struct table_column *copy = arena_array(cli->arena, FULL_COLUMNS, sizeof *copy);
    if (!copy)
        return NULL;
    memcpy(copy, columns, sizeof columns);
    return table_new(cli->arena, copy, full ? FULL_COLUMNS : SHORT_COLUMNS);
}

static bool read_kind(struct cli *cli, Lx__FactKind *out_kind) {
    const char *name = cli_option(cli, "kind");
    const struct fact_kind_info *kind = name ? fact_kind_find_by_name(name) : NULL;
    *out_kind = kind ? kind->kind : LX__FACT_KIND__FACT_KIND_UNKNOWN;
    if (!name || kind)
        return true;
    cli_error(cli, _("\"%s\" is no kind of record; proto/tables.md lists them"), name);
    return false;
}

static enum cli_exit fill(struct listing *listing, const struct uuid *subject) {
    struct store_query query = {.kind = STORE_KIND_FACT, .subject = subject};
    enum status status = listing->table ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = store_each(listing->cli->store, &query, add_fact, listing);
    if (status == STATUS_LIMIT && listing->left < 0)
        return CLI_EXIT_OK;
    return status == STATUS_OK ? CLI_EXIT_OK : cli_store_failed(listing->cli, status);
}

enum cli_exit cmd_record_list(struct cli *cli) {
    struct listing listing = {.cli = cli, .full = cli->json, .left = 200};
    struct store_row subject;
    bool one = cli->n_arguments > 0;
    if (!read_kind(cli, &listing.kind) ||
        !cli_option_number(cli, "limit", 1, 1000000, &listing.left))
        return CLI_EXIT_USAGE;
    if (one && !subject_find(cli, cli->arguments[0], &subject))
        return CLI_EXIT_UNKNOWN;
    listing.table = new_table(cli, listing.full);
    enum cli_exit code = fill(&listing, one ? &subject.id : NULL);
    if (code != CLI_EXIT_OK)
        return code;
    if (cli->json) {
        table_print_json(listing.table, cli->out);
        fputc('\n', cli->out);
        return CLI_EXIT_OK;
    }
    table_print(listing.table, cli->out);
    if (listing.left < 0)
        fprintf(cli->out, _("There are more: --limit N, or lianxiao export.\n"));
    return CLI_EXIT_OK;
}

enum cli_exit cmd_export(struct cli *cli) {
    struct listing listing = {.cli = cli, .full = true, .left = INT64_MAX};
    const char *path = cli_option(cli, "out");
    if (!read_kind(cli, &listing.kind))
        return CLI_EXIT_USAGE;
    listing.table = new_table(cli, true);
    enum cli_exit code = fill(&listing, NULL);
    if (code != CLI_EXIT_OK)
        return code;
    FILE *out = path ? fopen(path, "we") : cli->out;
    if (!out) {
        cli_error(cli, "%s: %s", path, strerror(errno));
        return CLI_EXIT_UNKNOWN;
    }
    if (cli->json)
        table_print_json(listing.table, out);
    else
        table_print_csv(listing.table, out);
    bool failed = ferror(out) || (path && fclose(out) != 0);
    if (!failed)
        return CLI_EXIT_OK;
    cli_error(cli, "%s: %s", path ? path : "-", strerror(errno));
    return CLI_EXIT_FAILED;
}
