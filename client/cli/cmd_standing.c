// standing: computed here where this home holds everything, else the server's last word.
#include "client/cli/cmd.h"

#include <string.h>

#include "client/cli/json.h"
#include "client/cli/subject.h"
#include "client/cli/table.h"
#include "client/core/standing.h"
#include "common/assess/receipt.h"
#include "common/base/clock.h"

// One standing, whichever way it came.
struct shown {
    Lx__StandingState state;
    int64_t points, total;
    const char *as_of;
    bool here; // computed by this program
    struct view receipt;
};

static const char *state_text(Lx__StandingState state) {
    static const char *const texts[] = {
        [LX__STANDING_STATE__STANDING_UNKNOWN] = "?", [LX__STANDING_STATE__OPEN] = N_("open"),
        [LX__STANDING_STATE__PASSED] = N_("passed"),  [LX__STANDING_STATE__FAILED] = N_("failed"),
        [LX__STANDING_STATE__EXEMPT] = N_("exempt"),
    };
    return (size_t)state < sizeof texts / sizeof texts[0] ? _(texts[state]) : "?";
}

static const char *state_key(Lx__StandingState state) {
    static const char *const keys[] = {"unknown", "open", "passed", "failed", "exempt"};
    return (size_t)state < sizeof keys / sizeof keys[0] ? keys[state] : "unknown";
}

static enum status from_here(struct cli *cli, const struct local *local,
                             const struct judge_programme *programme, struct uuid subject,
                             struct shown *out) {
    struct standing standing;
    char text[11];
    int32_t as_of = clock_day_of(cli_now_ms(cli));
    const char *given = cli_option(cli, "as-of");
    if (given && clock_parse_day(view_from_string(given), &as_of) != STATUS_OK)
        return STATUS_INVALID;
    TRY(standing_local(cli->store, local, programme, subject, as_of, cli->arena, &standing));
    clock_format_day(as_of, text);
    *out = (struct shown){
        .state = standing.state,
        .points = standing.points,
        .total = standing.total,
        .as_of = arena_string(cli->arena, view_from_string(text)),
        .here = true,
        .receipt = standing.receipt,
    };
    return STATUS_OK;
}

static enum status from_server(struct cli *cli, const struct judge_programme *programme,
                               struct uuid subject, struct shown *out) {
    struct store_query query = {.kind = STORE_KIND_STANDING, .subject = &subject};
    struct store_rows rows;
    TRY(store_find(cli->store, &query, cli->arena, &rows));
    for (size_t i = 0; i < rows.count; i++) {
        const Lx__Standing *standing = rows.rows[i].row->standing;
        if (standing->programme != programme->number)
            continue;
        *out = (struct shown){
            .state = standing->state,
            .points = standing->points,
            .total = standing->total,
            .as_of = standing->as_of,
            .receipt = view_from(standing->receipt.data, standing->receipt.len),
        };
        return STATUS_OK;
    }
    return STATUS_NOT_FOUND;
}

static const char *hundredths(struct cli *cli, int64_t value) {
    const char *sign = value < 0 ? "-" : "";
    long long amount = value < 0 ? -value : value;
    const char *text = arena_format(cli->arena, "%s%lld.%02lld", sign, amount / 100, amount % 100);
    return text ? text : "";
}

// A record as a person knows it: its title (else its kind), about whom, on what day. NULL: it is
// not in this home.
static const char *name_fact(void *user, struct uuid id) {
    struct cli *cli = user;
    struct store_row found;
    char day[11];
    if (store_find_id(cli->store, STORE_KIND_FACT, id, cli->arena, &found) != STATUS_OK)
        return NULL;
    const Lx__Row *row = found.row;
    const char *what = row->submission && row->submission->title
                           ? row->submission->title
                           : subject_kind_name(cli, row->fact->kind);
    clock_format_day(clock_day_of(row->fact->occurred_at_ms), day);
    return arena_format(cli->arena, "%s  %s  %s", what,
                        subject_name(cli, subject_id_of(&row->fact->subject)), day);
}

static bool show_receipt(struct cli *cli, const struct judge_programme *programme,
                         const struct shown *shown) {
    Lx__Receipt *receipt = NULL;
    struct receipt_words words = {
        .language = cli->language == REASON_LANGUAGE_ZH ? LANGUAGE_ZH : LANGUAGE_EN,
        .name_fact = name_fact,
        .user = cli,
    };
    if (receipt_unpack(shown->receipt, cli->arena, &receipt) != STATUS_OK)
        return false;
    const char *text = receipt_format(programme->scheme, receipt, &words, cli->arena);
    if (text)
        fputs(text, cli->out);
    return text != NULL;
}

static void show_json(struct cli *cli, struct uuid subject, const struct shown *shown) {
    struct json json;
    json_open(&json, cli->out);
    json_begin(&json, NULL, '{');
    json_text(&json, "subject", subject_uuid(cli, subject));
    json_text(&json, "name", subject_name(cli, subject));
    json_text(&json, "state", state_key(shown->state));
    json_hundredths(&json, "points", shown->points);
    json_hundredths(&json, "total", shown->total);
    json_text(&json, "as_of", shown->as_of);
    json_text(&json, "computed", shown->here ? "here" : "server");
    if (cli_option(cli, "receipt")) {
        char *hex = arena_alloc(cli->arena, shown->receipt.size * 2 + 1);
        for (size_t i = 0; hex && i < shown->receipt.size; i++)
            snprintf(hex + i * 2, 3, "%02x", shown->receipt.data[i]);
        json_text(&json, "receipt", hex);
    }
    json_end(&json, '}');
    json_close(&json);
}

static enum cli_exit show(struct cli *cli, const struct judge_programme *programme,
                          struct uuid subject, const struct shown *shown) {
    if (cli->json) {
        show_json(cli, subject, shown);
        return CLI_EXIT_OK;
    }
    fprintf(cli->out, _("%s: %s, %s of %s points on %s (%s)\n"), subject_name(cli, subject),
            state_text(shown->state), hundredths(cli, shown->points), hundredths(cli, shown->total),
            shown->as_of ? shown->as_of : "-",
            shown->here ? _("computed here") : _("as the server said"));
    if (!cli_option(cli, "receipt") || show_receipt(cli, programme, shown))
        return CLI_EXIT_OK;
    cli_error(cli, _("the receipt cannot be read by this version of the program"));
    return CLI_EXIT_FAILED;
}

enum cli_exit cmd_standing(struct cli *cli) {
    char error[256] = "";
    struct local *local;
    struct store_row subject;
    struct shown shown;
    if (!subject_find(cli, cli->arguments[0], &subject))
        return CLI_EXIT_UNKNOWN;
    enum status status = local_load(cli->store, cli->arena, &local, error);
    if (status != STATUS_OK) {
        if (!error[0])
            return cli_store_failed(cli, status);
        cli_error(cli, "%s", error);
        return CLI_EXIT_FAILED;
    }
    const struct judge_programme *programme = local_programme(local, cli_option(cli, "programme"));
    if (!programme) {
        const char *code = cli_option(cli, "programme");
        cli_error(cli, _("this home knows no programme \"%s\" (has it been synced?)"),
                  code ? code : "");
        return CLI_EXIT_UNKNOWN;
    }
    status = from_here(cli, local, programme, subject.id, &shown);
    if (status == STATUS_INVALID) {
        cli_error(cli, _("--%s wants YYYY-MM-DD, not \"%s\""), "as-of", cli_option(cli, "as-of"));
        return CLI_EXIT_USAGE;
    }
    if (status == STATUS_NOT_FOUND)
        status = from_server(cli, programme, subject.id, &shown);
    if (status == STATUS_NOT_FOUND) {
        cli_error(cli, _("the server has not yet said where %s stands"),
                  subject_name(cli, subject.id));
        return CLI_EXIT_UNKNOWN;
    }
    if (status != STATUS_OK)
        return cli_store_failed(cli, status);
    return show(cli, programme, subject.id, &shown);
}
