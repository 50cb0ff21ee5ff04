// stats: the server's figures of a unit, with the moment up to which they are true. Figures that do
// not yet contain what this home was last acknowledged are asked for again, for a few seconds.
#include "client/cli/cmd.h"

#include <string.h>
#include <time.h>

#include "client/cli/subject.h"
#include "client/cli/table.h"
#include "client/store/outbox.h"
#include "common/base/clock.h"
#include "proto/statistics.pb-c.h"

#define PAGE_LINES 500
#define CATCH_UP_MS 5000 // how long the figures may lag before they are shown as they are
#define CATCH_UP_PAUSE_MS 100

static const struct {
    const char *name;
    Lx__StatisticsBy by;
} levels[] = {
    {"unit", LX__STATISTICS_BY__BY_UNIT},           {"district", LX__STATISTICS_BY__BY_DISTRICT},
    {"school", LX__STATISTICS_BY__BY_SCHOOL},       {"workshop", LX__STATISTICS_BY__BY_WORKSHOP},
    {"indicator", LX__STATISTICS_BY__BY_INDICATOR}, {"stage", LX__STATISTICS_BY__BY_STAGE},
};

struct stats {
    struct cli *cli;
    Lx__StatisticsRequest request;
    struct table *table;
    const Lx__StatisticsReply *last;
};

static bool read_by(struct cli *cli, Lx__StatisticsBy *out_by) {
    const char *name = cli_option(cli, "by");
    *out_by = LX__STATISTICS_BY__BY_UNIT;
    for (size_t i = 0; name && i < sizeof levels / sizeof levels[0]; i++)
        if (strcmp(levels[i].name, name) == 0) {
            *out_by = levels[i].by;
            return true;
        }
    if (!name)
        return true;
    cli_error(cli, _("--by wants unit, district, school, workshop, indicator or stage"));
    return false;
}

// --unit, else the unit of the first grant that has not ended.
static bool read_unit(struct cli *cli, struct uuid *out_unit) {
    const char *text = cli_option(cli, "unit");
    struct store_row row;
    struct store_grant *grants;
    size_t count = 0;
    if (text) {
        bool found = subject_find_unit(cli, text, &row);
        *out_unit = row.id;
        return found;
    }
    if (store_grants(cli->store, cli->arena, &count, &grants) == STATUS_OK)
        for (size_t i = 0; i < count; i++)
            if (grants[i].until_ms == 0 || grants[i].until_ms > clock_now_ms()) {
                *out_unit = grants[i].unit;
                return true;
            }
    cli_error(cli, _("which unit? Give --unit CODE, or sync first"));
    return false;
}

static bool read_programme(struct cli *cli, uint32_t *out_number) {
    struct store_query query = {.kind = STORE_KIND_PROGRAMME};
    struct store_rows rows;
    const char *code = cli_option(cli, "programme");
    if (store_find(cli->store, &query, cli->arena, &rows) != STATUS_OK)
        return false;
    for (size_t i = 0; i < rows.count; i++) {
        const Lx__Programme *programme = rows.rows[i].row->programme;
        if (!code || strcmp(programme->code, code) == 0) {
            *out_number = programme->number;
            return true;
        }
    }
    cli_error(cli, _("this home knows no programme \"%s\" (has it been synced?)"),
              code ? code : "");
    return false;
}

// The newest acknowledged place of every stream.
static enum status set_at_least(struct stats *stats) {
    struct cli *cli = stats->cli;
    struct store_stream *streams;
    size_t count = 0;
    struct outbox_entries acked;
    TRY(store_streams(cli->store, cli->arena, &count, &streams));
    TRY(store_outbox(cli->store, OUTBOX_ACKED, cli->arena, &acked));
    stats->request.at_least = arena_array(cli->arena, count + 1, sizeof *stats->request.at_least);
    if (!stats->request.at_least)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        Lx__AtLeast *at_least = arena_alloc(cli->arena, sizeof *at_least);
        if (!at_least)
            return STATUS_NO_MEMORY;
        lx__at_least__init(at_least);
        at_least->has_stream = at_least->has_seq = 1;
        at_least->stream = (ProtobufCBinaryData){UUID_SIZE, streams[i].stream.bytes};
        for (size_t j = 0; j < acked.count; j++)
            if (uuid_equal(acked.entries[j].stream, streams[i].stream) &&
                acked.entries[j].ack_seq > at_least->seq)
                at_least->seq = acked.entries[j].ack_seq;
        if (at_least->seq > 0)
            stats->request.at_least[stats->request.n_at_least++] = at_least;
    }
    return STATUS_OK;
}

static enum status add_line(struct table *table, const Lx__StatisticsLine *line) {
    const uint64_t counts[] = {line->teachers, line->passed,   line->open, line->failed,
                               line->exempt,   line->subjects, line->done, line->started,
                               line->late,     line->missed};
    const int64_t sums[] = {line->points, line->online_hours, line->school_hours, line->credits};
    TRY(table_row(table));
    TRY(table_text(table, line->code));
    TRY(table_text(table, line->name));
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        TRY(table_int(table, (long long)counts[i]));
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++)
        TRY(table_hundredths(table, sums[i]));
    return STATUS_OK;
}

static enum client_result ask_page(struct stats *stats) {
    const ProtobufCMessage *answer = NULL;
    enum client_result result =
        client_ask(&stats->cli->client, LX__METHOD__STATISTICS, &stats->request.base, &answer);
    if (result == CLIENT_OK)
        stats->last = (const Lx__StatisticsReply *)answer;
    return result;
}

static enum client_result ask_first_page(struct stats *stats) {
    int64_t deadline_ms = clock_monotonic_ms() + CATCH_UP_MS;
    for (;;) {
        enum client_result result = ask_page(stats);
        bool behind =
            result == CLIENT_OK && stats->request.n_at_least > 0 && !stats->last->covers_at_least;
        if (!behind || clock_monotonic_ms() >= deadline_ms)
            return result;
        struct timespec pause = {.tv_nsec = CATCH_UP_PAUSE_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
}

static enum client_result ask_all(struct stats *stats) {
    enum client_result result = ask_first_page(stats);
    while (result == CLIENT_OK) {
        for (size_t i = 0; i < stats->last->n_lines; i++)
            if (add_line(stats->table, stats->last->lines[i]) != STATUS_OK)
                return CLIENT_LOCAL;
        if (!stats->last->more || stats->last->n_lines == 0)
            break;
        stats->request.after = stats->last->lines[stats->last->n_lines - 1]->code;
        result = ask_page(stats);
    }
    return result;
}

static void show(struct stats *stats) {
    struct cli *cli = stats->cli;
    char until[20];
    clock_format_local_time(stats->last->complete_through_ms, until);
    if (cli_option(cli, "csv"))
        return table_print_csv(stats->table, cli->out);
    if (cli->json) {
        fprintf(cli->out,
                "{\"complete_through_ms\": %lld, \"scheme_version\": %u, \"to_rescore\": %llu,"
                " \"covers_at_least\": %s, \"lines\": ",
                (long long)stats->last->complete_through_ms, stats->last->scheme_version,
                (unsigned long long)stats->last->to_rescore,
                stats->last->covers_at_least ? "true" : "false");
        table_print_json(stats->table, cli->out);
        fputs("}\n", cli->out);
        return;
    }
    table_print(stats->table, cli->out);
    fprintf(cli->out, _("Every record stored before %s is in these figures.\n"), until);
    if (stats->request.n_at_least > 0 && !stats->last->covers_at_least)
        fprintf(cli->out, _("What this device sent last is not yet in them.\n"));
    if (stats->last->to_rescore > 0)
        fprintf(cli->out, _("%llu subjects are still being scored anew.\n"),
                (unsigned long long)stats->last->to_rescore);
}

static struct table *new_table(struct cli *cli) {
    const struct table_column columns[] = {
        {"code", _("Code"), TABLE_TEXT},
        {"name", _("Name"), TABLE_TEXT},
        {"teachers", _("Teachers"), TABLE_NUMBER},
        {"passed", _("Passed"), TABLE_NUMBER},
        {"open", _("Open"), TABLE_NUMBER},
        {"failed", _("Failed"), TABLE_NUMBER},
        {"exempt", _("Exempt"), TABLE_NUMBER},
        {"subjects", _("Asked"), TABLE_NUMBER},
        {"done", _("Done"), TABLE_NUMBER},
        {"started", _("Started"), TABLE_NUMBER},
        {"late", _("Late"), TABLE_NUMBER},
        {"missed", _("Missed"), TABLE_NUMBER},
        {"points", _("Points"), TABLE_NUMBER},
        {"online_hours", _("Online hours"), TABLE_NUMBER},
        {"school_hours", _("School hours"), TABLE_NUMBER},
        {"credits", _("Credits"), TABLE_NUMBER},
    };
    struct table_column *copy = arena_alloc(cli->arena, sizeof columns);
    if (!copy)
        return NULL;
    memcpy(copy, columns, sizeof columns);
    return table_new(cli->arena, copy, sizeof columns / sizeof columns[0]);
}

enum cli_exit cmd_stats(struct cli *cli) {
    struct stats stats = {.cli = cli, .request = LX__STATISTICS_REQUEST__INIT};
    struct uuid unit;
    stats.request.has_programme = stats.request.has_unit = stats.request.has_by = 1;
    stats.request.has_limit = 1;
    stats.request.limit = PAGE_LINES;
    if (!read_by(cli, &stats.request.by))
        return CLI_EXIT_USAGE;
    if (!read_unit(cli, &unit) || !read_programme(cli, &stats.request.programme))
        return CLI_EXIT_UNKNOWN;
    stats.request.unit = (ProtobufCBinaryData){UUID_SIZE, unit.bytes};
    stats.table = new_table(cli);
    enum status status = stats.table ? set_at_least(&stats) : STATUS_NO_MEMORY;
    if (status != STATUS_OK)
        return cli_store_failed(cli, status);
    enum client_result result = ask_all(&stats);
    if (result != CLIENT_OK)
        return cli_client_result(cli, result);
    show(&stats);
    return CLI_EXIT_OK;
}
