// record import and roster import: files of platforms and schools. What is good goes into the
// outbox, what is bad is listed with row and column.
#include "client/cli/cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/json.h"
#include "client/cli/table.h"
#include "client/core/import.h"
#include "client/core/local.h"
#include "client/core/roster.h"
#include "common/base/buf.h"
#include "common/base/clock.h"

#define FILE_MAX_BYTES (256u * 1024 * 1024) // a million rows of a platform's export
#define READ_BYTES 65536

// The whole file in `out_bytes`, which the caller frees.
static bool read_file(struct cli *cli, const char *path, struct buf *out_bytes) {
    FILE *file = fopen(path, "rb");
    bool good = file != NULL;
    while (good) {
        uint8_t *room;
        if (buf_reserve(out_bytes, READ_BYTES, &room) != STATUS_OK) {
            errno = ENOMEM;
            good = false;
            break;
        }
        size_t size = fread(room, 1, READ_BYTES, file);
        buf_commit(out_bytes, size);
        if (buf_size(out_bytes) > FILE_MAX_BYTES) {
            errno = EFBIG;
            good = false;
        }
        if (size < READ_BYTES)
            break;
    }
    good = good && !ferror(file);
    if (!good)
        cli_error(cli, "%s: %s", path, strerror(errno));
    if (file != NULL)
        fclose(file);
    return good;
}

// What both commands need: the home's view and the programme; without one the code says why.
static enum cli_exit load(struct cli *cli, struct local **out_local,
                          const struct judge_programme **out_programme) {
    char error[256] = "";
    const char *code = cli_option(cli, "programme");
    enum status status = local_load(cli->store, cli->arena, out_local, error);
    if (status != STATUS_OK && error[0] != '\0') {
        cli_error(cli, "%s", error);
        return CLI_EXIT_FAILED;
    }
    if (status != STATUS_OK)
        return cli_store_failed(cli, status);
    *out_programme = local_programme(*out_local, code);
    if (*out_programme != NULL)
        return CLI_EXIT_OK;
    cli_error(cli, _("this home knows no programme \"%s\" (has it been synced?)"),
              code != NULL ? code : "");
    return CLI_EXIT_UNKNOWN;
}

static struct table *make_table(struct cli *cli, const struct table_column *columns, size_t count) {
    struct table_column *copy = arena_array(cli->arena, count, sizeof *copy);
    if (copy == NULL)
        return NULL;
    memcpy(copy, columns, count * sizeof *copy);
    return table_new(cli->arena, copy, count);
}

static enum cli_exit exit_for(size_t good, size_t bad) {
    if (bad == 0)
        return CLI_EXIT_OK;
    return good > 0 ? CLI_EXIT_PARTLY : CLI_EXIT_REFUSED;
}

// ---- record import ----

static enum status add_bad_row(struct cli *cli, struct table *table,
                               const struct evidence_row *row) {
    TRY(table_row(table));
    TRY(table_int(table, (long long)row->row));
    TRY(table_text(table, row->column));
    return table_text(table, cli_reason(cli, row->reason));
}

static enum status list_bad_rows(struct cli *cli, const struct evidence_result *result,
                                 struct table **out_table) {
    const struct table_column columns[] = {{"row", _("Row"), TABLE_NUMBER},
                                           {"column", _("Column"), TABLE_TEXT},
                                           {"reason", _("Why not"), TABLE_TEXT}};
    *out_table = make_table(cli, columns, sizeof columns / sizeof columns[0]);
    if (*out_table == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < result->count; i++)
        if (result->rows[i].outcome == EVIDENCE_BAD)
            TRY(add_bad_row(cli, *out_table, &result->rows[i]));
    return STATUS_OK;
}

static void print_import_json(struct cli *cli, const struct evidence_result *result,
                              const struct table *bad) {
    fprintf(cli->out, "{\"kind\":");
    json_write_string(result->format, cli->out);
    fprintf(cli->out, ",\"charset\":");
    json_write_string(result->charset, cli->out);
    fprintf(cli->out, ",\"new\":%zu,\"same\":%zu,\"changed\":%zu,\"bad\":%zu,\"rows\":",
            result->counts[EVIDENCE_NEW], result->counts[EVIDENCE_SAME],
            result->counts[EVIDENCE_CHANGED], result->counts[EVIDENCE_BAD]);
    table_print_json(bad, cli->out);
    fprintf(cli->out, "}\n");
}

static enum cli_exit show_import(struct cli *cli, const struct evidence_result *result) {
    const size_t *counts = result->counts;
    struct table *bad;
    if (list_bad_rows(cli, result, &bad) != STATUS_OK)
        return cli_no_memory(cli);
    if (cli->json) {
        print_import_json(cli, result, bad);
    } else {
        fprintf(cli->out, _("%s, %s: %zu new, %zu the same, %zu changed, %zu bad\n"),
                result->format, result->charset, counts[EVIDENCE_NEW], counts[EVIDENCE_SAME],
                counts[EVIDENCE_CHANGED], counts[EVIDENCE_BAD]);
        if (table_rows(bad) > 0)
            table_print(bad, cli->out);
    }
    return exit_for(result->count - counts[EVIDENCE_BAD], counts[EVIDENCE_BAD]);
}

static enum cli_exit import_bytes(struct cli *cli, struct view bytes) {
    struct local *local = NULL;
    const struct judge_programme *programme = NULL;
    struct evidence_result result;
    enum cli_exit exit = load(cli, &local, &programme);
    if (programme == NULL)
        return exit;
    const struct evidence_input input = {.bytes = bytes,
                                         .kind = cli_option(cli, "kind"),
                                         .source = cli_option(cli, "source"),
                                         .programme = programme->number,
                                         .scheme = programme->scheme,
                                         .people = &local->people,
                                         .known = local->known,
                                         .n_known = local->n_known,
                                         .now_ms = cli_now_ms(cli)};
    if (evidence_read(&input, cli->arena, &result) != STATUS_OK)
        return cli_no_memory(cli);
    enum status status = import_apply(cli->store, local, input.now_ms, cli->arena, &result);
    if (status != STATUS_OK)
        return cli_store_failed(cli, status);
    if (result.reason != NULL)
        cli_show_reason(cli, cli->arguments[0], result.reason);
    if (result.reason != NULL && result.count == 0)
        return CLI_EXIT_REFUSED;
    exit = show_import(cli, &result);
    return result.reason != NULL && exit == CLI_EXIT_OK ? CLI_EXIT_PARTLY : exit;
}

enum cli_exit cmd_record_import(struct cli *cli) {
    struct buf bytes = {0};
    enum cli_exit exit = CLI_EXIT_UNKNOWN;
    if (read_file(cli, cli->arguments[0], &bytes))
        exit = import_bytes(cli, buf_view(&bytes));
    buf_free(&bytes);
    return exit;
}

// ---- roster import ----

static const char *outcome_text(enum roster_outcome outcome) {
    static const char *const texts[ROSTER_OUTCOMES] = {
        [ROSTER_NEW] = N_("new"),       [ROSTER_CHANGED] = N_("changed"),
        [ROSTER_MOVED] = N_("moved"),   [ROSTER_ENDED] = N_("ended"),
        [ROSTER_SAME] = N_("the same"), [ROSTER_MISSING] = N_("missing"),
        [ROSTER_BAD] = N_("bad"),       [ROSTER_JOINED] = N_("joins")};
    return _(texts[outcome]);
}

static const char *verdict_text(const struct roster_entry *entry) {
    if (entry->outcome == ROSTER_BAD)
        return _("refused");
    return entry->queued ? _("queued") : "";
}

static enum status add_entry(struct cli *cli, struct table *table,
                             const struct roster_entry *entry) {
    TRY(table_row(table));
    TRY(entry->row > 0 ? table_int(table, (long long)entry->row) : table_text(table, NULL));
    TRY(table_text(table, outcome_text(entry->outcome)));
    TRY(table_text(table, entry->name));
    TRY(table_text(table, entry->from_unit));
    TRY(table_text(table, entry->unit));
    TRY(table_int(table, (long long)entry->version));
    TRY(table_text(table, verdict_text(entry)));
    TRY(table_text(table, entry->column));
    return table_text(table, entry->reason != NULL ? cli_reason(cli, entry->reason) : NULL);
}

static enum status list_entries(struct cli *cli, const struct roster_result *result,
                                struct table **out_table) {
    const struct table_column columns[] = {
        {"row", _("Row"), TABLE_NUMBER},       {"outcome", _("Difference"), TABLE_TEXT},
        {"name", _("Name"), TABLE_TEXT},       {"from", _("From"), TABLE_TEXT},
        {"unit", _("Unit"), TABLE_TEXT},       {"version", _("Version"), TABLE_NUMBER},
        {"verdict", _("Verdict"), TABLE_TEXT}, {"column", _("Column"), TABLE_TEXT},
        {"reason", _("Why not"), TABLE_TEXT}};
    *out_table = make_table(cli, columns, sizeof columns / sizeof columns[0]);
    if (*out_table == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < result->count; i++)
        if (cli->json || result->entries[i].outcome != ROSTER_SAME)
            TRY(add_entry(cli, *out_table, &result->entries[i]));
    return STATUS_OK;
}

static enum status list_sizes(struct cli *cli, const struct roster_result *result,
                              struct table **out_table) {
    const struct table_column columns[] = {{"code", _("Code"), TABLE_TEXT},
                                           {"unit", _("Unit"), TABLE_TEXT},
                                           {"printed", _("Printed"), TABLE_NUMBER},
                                           {"listed", _("Listed"), TABLE_NUMBER}};
    *out_table = make_table(cli, columns, sizeof columns / sizeof columns[0]);
    if (*out_table == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < result->n_sizes; i++) {
        TRY(table_row(*out_table));
        TRY(table_text(*out_table, result->sizes[i].code));
        TRY(table_text(*out_table, result->sizes[i].name));
        TRY(table_int(*out_table, result->sizes[i].printed));
        TRY(table_int(*out_table, result->sizes[i].listed));
    }
    return STATUS_OK;
}

static void print_roster_json(struct cli *cli, const struct roster_result *result, bool applied,
                              const struct table *entries, const struct table *sizes) {
    fprintf(cli->out, "{\"applied\":%s,\"listed\":%zu,\"grouped\":%zu,\"counts\":{",
            applied ? "true" : "false", result->listed, result->grouped);
    for (enum roster_outcome outcome = 0; outcome < ROSTER_OUTCOMES; outcome++)
        fprintf(cli->out, "%s\"%s\":%zu", outcome > 0 ? "," : "", roster_outcome_name(outcome),
                result->counts[outcome]);
    fprintf(cli->out, "},\"entries\":");
    table_print_json(entries, cli->out);
    fprintf(cli->out, ",\"sizes\":");
    table_print_json(sizes, cli->out);
    fprintf(cli->out, "}\n");
}

static void print_roster(struct cli *cli, const struct roster_result *result, bool applied,
                         const struct table *entries, const struct table *sizes) {
    const size_t *counts = result->counts;
    if (table_rows(entries) > 0)
        table_print(entries, cli->out);
    if (table_rows(sizes) > 0) {
        fprintf(cli->out, "%s\n", _("Printed sizes that differ from the people listed:"));
        table_print(sizes, cli->out);
    }
    fprintf(cli->out, _("%zu people listed, %zu of them in a workshop\n"), result->listed,
            result->grouped);
    fprintf(cli->out,
            _("%zu new, %zu joining, %zu changed, %zu moved, %zu ended, %zu the same, %zu missing,"
              " %zu bad\n"),
            counts[ROSTER_NEW], counts[ROSTER_JOINED], counts[ROSTER_CHANGED], counts[ROSTER_MOVED],
            counts[ROSTER_ENDED], counts[ROSTER_SAME], counts[ROSTER_MISSING], counts[ROSTER_BAD]);
    if (!applied)
        fprintf(cli->out, "%s\n", _("Nothing is changed yet: --apply does it."));
}

static enum cli_exit show_roster(struct cli *cli, const struct roster_result *result,
                                 bool applied) {
    struct table *entries;
    struct table *sizes;
    if (list_entries(cli, result, &entries) != STATUS_OK ||
        list_sizes(cli, result, &sizes) != STATUS_OK)
        return cli_no_memory(cli);
    if (cli->json)
        print_roster_json(cli, result, applied, entries, sizes);
    else
        print_roster(cli, result, applied, entries, sizes);
    return exit_for(result->count - result->counts[ROSTER_BAD], result->counts[ROSTER_BAD]);
}

static enum cli_exit roster_bytes(struct cli *cli, struct view bytes) {
    struct local *local = NULL;
    const struct judge_programme *programme = NULL;
    struct roster_result result;
    bool apply = cli_option(cli, "apply") != NULL;
    enum cli_exit exit = load(cli, &local, &programme);
    if (programme == NULL)
        return exit;
    struct transfer_row *under_way;
    size_t n_under_way;
    enum status listed = transfer_list(cli->store, cli->arena, &under_way, &n_under_way);
    if (listed != STATUS_OK)
        return cli_store_failed(cli, listed);
    const struct roster_input input = {.bytes = bytes,
                                       .under_way = under_way,
                                       .n_under_way = n_under_way,
                                       .local = local,
                                       .programme = programme,
                                       .from_ms = programme->scheme->whole.from_ms,
                                       .complete = cli_option(cli, "complete") != NULL,
                                       .now_ms = cli_now_ms(cli)};
    if (roster_read(&input, cli->arena, &result) != STATUS_OK)
        return cli_no_memory(cli);
    if (result.reason != NULL) {
        cli_show_reason(cli, cli->arguments[0], result.reason);
        return CLI_EXIT_REFUSED;
    }
    enum status status = apply ? roster_apply(cli->store, &input, cli->arena, &result) : STATUS_OK;
    if (status != STATUS_OK)
        return cli_store_failed(cli, status);
    return show_roster(cli, &result, apply);
}

enum cli_exit cmd_roster_import(struct cli *cli) {
    struct buf bytes = {0};
    enum cli_exit exit = CLI_EXIT_UNKNOWN;
    if (read_file(cli, cli->arguments[0], &bytes))
        exit = roster_bytes(cli, buf_view(&bytes));
    buf_free(&bytes);
    return exit;
}
