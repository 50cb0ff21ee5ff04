// stats: the server's figures of a unit, with the moment up to which they are true. Figures that do
// not yet contain what this home was last acknowledged are asked for again, for a few seconds.
#include "client/cli/cmd.h"

#include <stddef.h>
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
    TRY(store_streams(cli->store, cli->arena, &count, &streams));
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
        TRY(store_outbox_last_ack(cli->store, streams[i].stream, &at_least->seq));
        if (at_least->seq > 0)
            stats->request.at_least[stats->request.n_at_least++] = at_least;
    }
    return STATUS_OK;
}

enum shown { SHOWN_UNITS = 1, SHOWN_RULES = 2, SHOWN_ALWAYS = 3 };
enum figure { FIGURE_TEXT, FIGURE_ROLE, FIGURE_COUNT, FIGURE_SUM };

// The columns: for lines of units, for those of indicators and stages, or for both.
static const struct {
    const char *key;
    const char *header;
    enum shown shown;
    enum figure figure;
    size_t offset; // in Lx__StatisticsLine
} figures[] = {
    {"code", N_("Code"), SHOWN_ALWAYS, FIGURE_TEXT, offsetof(Lx__StatisticsLine, code)},
    {"name", N_("Name"), SHOWN_ALWAYS, FIGURE_TEXT, offsetof(Lx__StatisticsLine, name)},
    {"role", N_("Of"), SHOWN_RULES, FIGURE_ROLE, offsetof(Lx__StatisticsLine, role)},
    {"teachers", N_("Teachers"), SHOWN_UNITS, FIGURE_COUNT, offsetof(Lx__StatisticsLine, teachers)},
    {"passed", N_("Passed"), SHOWN_UNITS, FIGURE_COUNT, offsetof(Lx__StatisticsLine, passed)},
    {"open", N_("Open"), SHOWN_UNITS, FIGURE_COUNT, offsetof(Lx__StatisticsLine, open)},
    {"failed", N_("Failed"), SHOWN_UNITS, FIGURE_COUNT, offsetof(Lx__StatisticsLine, failed)},
    {"exempt", N_("Exempt"), SHOWN_UNITS, FIGURE_COUNT, offsetof(Lx__StatisticsLine, exempt)},
    {"subjects", N_("Asked"), SHOWN_RULES, FIGURE_COUNT, offsetof(Lx__StatisticsLine, subjects)},
    {"done", N_("Done"), SHOWN_RULES, FIGURE_COUNT, offsetof(Lx__StatisticsLine, done)},
    {"started", N_("Started"), SHOWN_RULES, FIGURE_COUNT, offsetof(Lx__StatisticsLine, started)},
    {"late", N_("Late"), SHOWN_RULES, FIGURE_COUNT, offsetof(Lx__StatisticsLine, late)},
    {"missed", N_("Missed"), SHOWN_RULES, FIGURE_COUNT, offsetof(Lx__StatisticsLine, missed)},
    {"points", N_("Points"), SHOWN_ALWAYS, FIGURE_SUM, offsetof(Lx__StatisticsLine, points)},
    {"online_hours", N_("Online hours"), SHOWN_UNITS, FIGURE_SUM,
     offsetof(Lx__StatisticsLine, online_hours)},
    {"school_hours", N_("School hours"), SHOWN_UNITS, FIGURE_SUM,
     offsetof(Lx__StatisticsLine, school_hours)},
    {"credits", N_("Credits"), SHOWN_UNITS, FIGURE_SUM, offsetof(Lx__StatisticsLine, credits)},
};
#define N_FIGURES (sizeof figures / sizeof figures[0])

static enum shown shown_by(Lx__StatisticsBy by) {
    bool rules = by == LX__STATISTICS_BY__BY_INDICATOR || by == LX__STATISTICS_BY__BY_STAGE;
    return rules ? SHOWN_RULES : SHOWN_UNITS;
}

static enum status add_figure(struct stats *stats, enum figure figure, const void *field) {
    struct table *table = stats->table;
    switch (figure) {
    case FIGURE_ROLE:
        return table_text(table, subject_role_name(stats->cli, *(const Lx__Role *)field));
    case FIGURE_COUNT:
        return table_int(table, (long long)*(const uint64_t *)field);
    case FIGURE_SUM:
        return table_hundredths(table, *(const int64_t *)field);
    case FIGURE_TEXT:
        break;
    }
    return table_text(table, *(char *const *)field);
}

static enum status add_line(struct stats *stats, const Lx__StatisticsLine *line) {
    TRY(table_row(stats->table));
    for (size_t i = 0; i < N_FIGURES; i++)
        if (figures[i].shown & shown_by(stats->request.by))
            TRY(add_figure(stats, figures[i].figure, (const char *)line + figures[i].offset));
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
            if (add_line(stats, stats->last->lines[i]) != STATUS_OK)
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

static struct table *new_table(struct cli *cli, enum shown shown) {
    struct table_column *columns = arena_array(cli->arena, N_FIGURES, sizeof *columns);
    size_t n = 0;
    if (!columns)
        return NULL;
    for (size_t i = 0; i < N_FIGURES; i++) {
        bool text = figures[i].figure == FIGURE_TEXT || figures[i].figure == FIGURE_ROLE;
        if (figures[i].shown & shown)
            columns[n++] = (struct table_column){figures[i].key, _(figures[i].header),
                                                 text ? TABLE_TEXT : TABLE_NUMBER};
    }
    return table_new(cli->arena, columns, n);
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
    stats.table = new_table(cli, shown_by(stats.request.by));
    enum status status = stats.table ? set_at_least(&stats) : STATUS_NO_MEMORY;
    if (status != STATUS_OK)
        return cli_store_failed(cli, status);
    enum client_result result = ask_all(&stats);
    if (result != CLIENT_OK)
        return cli_client_result(cli, result);
    show(&stats);
    return CLI_EXIT_OK;
}
