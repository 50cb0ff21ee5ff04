// record add, void, accept, grade: one fact at a time, judged here as the server will, then kept in
// the outbox.
#include "client/cli/cmd.h"

#include <stdlib.h>
#include <string.h>

#include "client/cli/json.h"
#include "client/cli/subject.h"
#include "client/core/local.h"
#include "client/store/outbox.h"
#include "common/base/clock.h"
#include "common/domain/fact_kind.h"
#include "common/text/yaml.h"

#define MAX_LIST 64 // fields, authors or points of one submission

// A fact being made; everything lives in the arena.
struct draft {
    struct cli *cli;
    struct local *local;
    Lx__Operation *operation;
    Lx__Fact *fact;
    struct uuid stream;
    int64_t now_ms;
};

static ProtobufCBinaryData bytes_of(struct cli *cli, struct uuid id) {
    uint8_t *copy = arena_alloc(cli->arena, UUID_SIZE);
    if (copy)
        memcpy(copy, id.bytes, UUID_SIZE);
    return (ProtobufCBinaryData){copy ? UUID_SIZE : 0, copy};
}

static bool draft_open(struct draft *draft, struct cli *cli, Lx__FactKind kind) {
    char error[256] = "";
    *draft = (struct draft){.cli = cli, .now_ms = cli_now_ms(cli)};
    enum status status = local_load(cli->store, cli->arena, &draft->local, error);
    if (status != STATUS_OK) {
        if (error[0])
            cli_error(cli, "%s", error);
        else
            cli_store_failed(cli, status);
        return false;
    }
    draft->operation = arena_alloc(cli->arena, sizeof *draft->operation);
    draft->fact = arena_alloc(cli->arena, sizeof *draft->fact);
    if (!draft->operation || !draft->fact) {
        cli_no_memory(cli);
        return false;
    }
    lx__operation__init(draft->operation);
    lx__fact__init(draft->fact);
    draft->operation->fact = draft->fact;
    draft->fact->has_id = draft->fact->has_kind = draft->fact->has_occurred_at_ms = 1;
    draft->fact->id = bytes_of(cli, uuid_new_v7(draft->now_ms));
    draft->fact->kind = kind;
    draft->fact->occurred_at_ms = draft->now_ms;
    return true;
}

static bool set_programme(struct draft *draft) {
    const char *code = cli_option(draft->cli, "programme");
    const struct judge_programme *programme = local_programme(draft->local, code);
    if (!programme) {
        cli_error(draft->cli, _("this home knows no programme \"%s\" (has it been synced?)"),
                  code ? code : "");
        return false;
    }
    draft->fact->has_programme = 1;
    draft->fact->programme = programme->number;
    return true;
}

static bool set_subject(struct draft *draft, struct uuid subject) {
    draft->fact->has_subject = 1;
    draft->fact->subject = bytes_of(draft->cli, subject);
    if (store_home_stream(draft->cli->store, subject, &draft->stream) == STATUS_OK)
        return true;
    cli_error(draft->cli, _("it is not known here where records about %s belong"),
              subject_name(draft->cli, subject));
    return false;
}

// ---- options ----

static bool parse_time(struct cli *cli, const char *name, bool *out_given, int64_t *io_time_ms) {
    const char *text = cli_option(cli, name);
    int32_t day;
    *out_given = text != NULL;
    if (!text || clock_parse_local_time(view_from_string(text), io_time_ms) == STATUS_OK)
        return true;
    if (clock_parse_day(view_from_string(text), &day) == STATUS_OK) {
        *io_time_ms = clock_day_start_ms(day);
        return true;
    }
    cli_error(cli, _("--%s wants YYYY-MM-DD or YYYY-MM-DD HH:MM, not \"%s\""), name, text);
    return false;
}

static bool parse_quantity(struct draft *draft, const char *text) {
    int64_t hundredths = 0;
    if (yaml_parse_hundredths(view_from_string(text), &hundredths) != STATUS_OK) {
        cli_error(draft->cli, _("\"%s\" is no number with at most two decimals"), text);
        return false;
    }
    draft->fact->has_quantity = 1;
    draft->fact->quantity = hundredths;
    return true;
}

static bool parse_of(struct draft *draft, const char *text, struct store_row *out_row) {
    if (!subject_find_fact(draft->cli, text, out_row))
        return false;
    draft->fact->has_of = 1;
    draft->fact->of = bytes_of(draft->cli, out_row->id);
    return true;
}

static bool set_times(struct draft *draft) {
    bool given = false;
    int64_t until_ms = 0;
    if (!parse_time(draft->cli, "at", &given, &draft->fact->occurred_at_ms) ||
        !parse_time(draft->cli, "until", &given, &until_ms))
        return false;
    draft->fact->has_until_ms = given;
    draft->fact->until_ms = until_ms;
    return true;
}

static bool set_values(struct draft *draft) {
    struct store_row of;
    struct cli *cli = draft->cli;
    const char *quantity = cli_option(cli, "quantity");
    const char *of_text = cli_option(cli, "of");
    draft->fact->item = (char *)cli_option(cli, "item"); // protobuf-c does not write to them
    draft->fact->form = (char *)cli_option(cli, "form");
    if (quantity && !parse_quantity(draft, quantity))
        return false;
    return !of_text || parse_of(draft, of_text, &of);
}

// ---- submission ----

static size_t collect(const struct cli *cli, const char *name, const char **out_values) {
    int place = 0;
    size_t count = 0;
    const char *value;
    while (count < MAX_LIST && (value = cli_option_next(cli, name, &place)) != NULL)
        out_values[count++] = value;
    return count;
}

static Lx__TemplateField *make_field(struct cli *cli, const char *text) {
    const char *equals = strchr(text, '=');
    Lx__TemplateField *field = arena_alloc(cli->arena, sizeof *field);
    if (!equals || !field) {
        cli_error(cli, _("--field wants KEY=TEXT, not \"%s\""), text);
        return NULL;
    }
    lx__template_field__init(field);
    field->key = arena_string(cli->arena, view_from(text, (size_t)(equals - text)));
    field->value = (char *)(equals + 1); // protobuf-c does not write to it
    return field->key ? field : NULL;
}

static bool set_fields(struct cli *cli, Lx__Submission *submission) {
    const char *values[MAX_LIST];
    size_t count = collect(cli, "field", values);
    submission->fields = arena_array(cli->arena, count + 1, sizeof *submission->fields);
    if (!submission->fields)
        return false;
    for (size_t i = 0; i < count; i++) {
        submission->fields[i] = make_field(cli, values[i]);
        if (!submission->fields[i])
            return false;
        submission->n_fields++;
    }
    return true;
}

static bool set_authors(struct cli *cli, Lx__Submission *submission) {
    const char *values[MAX_LIST];
    size_t count = collect(cli, "author", values);
    submission->authors = arena_array(cli->arena, count + 1, sizeof *submission->authors);
    if (!submission->authors)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct store_row row;
        if (!subject_find(cli, values[i], &row))
            return false;
        submission->authors[submission->n_authors++] = bytes_of(cli, row.id);
    }
    return true;
}

static bool set_points(struct cli *cli, Lx__Submission *submission) {
    const char *values[MAX_LIST];
    size_t count = collect(cli, "point", values);
    submission->points = arena_array(cli->arena, count + 1, sizeof *submission->points);
    if (!submission->points)
        return false;
    for (size_t i = 0; i < count; i++)
        submission->points[submission->n_points++] = (char *)values[i];
    return true;
}

static bool set_file(struct cli *cli, Lx__Submission *submission) {
    int64_t duration_s = 0;
    int64_t size_bytes = 0;
    if (!cli_option_number(cli, "duration", 0, UINT32_MAX, &duration_s) ||
        !cli_option_number(cli, "size", 0, INT64_MAX, &size_bytes))
        return false;
    submission->has_duration_s = cli_option(cli, "duration") != NULL;
    submission->duration_s = (uint32_t)duration_s;
    submission->has_size_bytes = cli_option(cli, "size") != NULL;
    submission->size_bytes = (uint64_t)size_bytes;
    submission->file_name = (char *)cli_option(cli, "file");
    return true;
}

static bool set_submission(struct draft *draft) {
    struct cli *cli = draft->cli;
    Lx__Submission *submission = arena_alloc(cli->arena, sizeof *submission);
    if (!submission)
        return false;
    lx__submission__init(submission);
    submission->title = (char *)cli_option(cli, "title");
    if (!set_fields(cli, submission) || !set_authors(cli, submission) ||
        !set_points(cli, submission) || !set_file(cli, submission))
        return false;
    draft->operation->submission = submission;
    return true;
}

// ---- keeping ----

static void tell_kept(struct draft *draft, int64_t entry) {
    struct cli *cli = draft->cli;
    const char *id = subject_uuid(cli, subject_id_of(&draft->fact->id));
    if (cli->json) {
        struct json json;
        json_open(&json, cli->out);
        json_begin(&json, NULL, '{');
        json_text(&json, "id", id);
        json_int(&json, "entry", entry);
        json_end(&json, '}');
        json_close(&json);
        return;
    }
    fprintf(cli->out, _("Recorded as %s; it goes out with the next sync.\n"), id);
}

static enum cli_exit keep(struct draft *draft) {
    struct cli *cli = draft->cli;
    Lx__Reason **reasons = NULL;
    int64_t entry = 0;
    enum status status = local_judge(draft->local, draft->stream, draft->now_ms, 1,
                                     &draft->operation, cli->arena, &reasons);
    if (status != STATUS_OK)
        return cli_store_failed(cli, status);
    if (reasons[0]) {
        cli_show_reason(cli, _("not recorded"), reasons[0]);
        return CLI_EXIT_REFUSED;
    }
    status = store_begin(cli->store);
    if (status == STATUS_OK)
        status =
            store_add_operation(cli->store, draft->stream, draft->operation, draft->now_ms, &entry);
    if (status == STATUS_OK)
        status = store_commit(cli->store);
    if (status != STATUS_OK)
        return cli_store_failed(cli, status);
    tell_kept(draft, entry);
    return CLI_EXIT_OK;
}

enum cli_exit cmd_record_add(struct cli *cli) {
    struct draft draft;
    struct store_row subject;
    const struct fact_kind_info *kind = fact_kind_find_by_name(cli->arguments[0]);
    if (!kind) {
        cli_error(cli, _("\"%s\" is no kind of record; proto/tables.md lists them"),
                  cli->arguments[0]);
        return CLI_EXIT_USAGE;
    }
    if (!subject_find(cli, cli->arguments[1], &subject))
        return CLI_EXIT_UNKNOWN;
    if (!draft_open(&draft, cli, kind->kind))
        return CLI_EXIT_FAILED;
    if (!set_programme(&draft) || !set_subject(&draft, subject.id))
        return CLI_EXIT_UNKNOWN;
    if (!set_times(&draft) || !set_values(&draft))
        return CLI_EXIT_USAGE;
    if (kind->kind == LX__FACT_KIND__SUBMITTED && !set_submission(&draft))
        return CLI_EXIT_USAGE;
    return keep(&draft);
}

// ---- about another record ----

// A fact about the same subject and programme as the record that the first argument names.
static bool draft_about(struct draft *draft, struct cli *cli, Lx__FactKind kind,
                        struct store_row *out_of) {
    if (!draft_open(draft, cli, kind) || !parse_of(draft, cli->arguments[0], out_of))
        return false;
    const Lx__Fact *of = out_of->row->fact;
    draft->fact->has_programme = 1;
    draft->fact->programme = of->programme;
    return set_subject(draft, subject_id_of(&of->subject));
}

enum cli_exit cmd_record_void(struct cli *cli) {
    struct draft draft;
    struct store_row of;
    if (!draft_about(&draft, cli, LX__FACT_KIND__VOID, &of))
        return CLI_EXIT_UNKNOWN;
    return keep(&draft);
}

enum cli_exit cmd_record_accept(struct cli *cli) {
    struct draft draft;
    struct store_row of;
    if (!draft_about(&draft, cli, LX__FACT_KIND__ACCEPTED, &of))
        return CLI_EXIT_UNKNOWN;
    return keep(&draft);
}

// With --of the grade is of a submission; without it of the subject's work under an indicator.
enum cli_exit cmd_record_grade(struct cli *cli) {
    struct draft draft;
    struct store_row subject;
    struct store_row of;
    const char *of_text = cli_option(cli, "of");
    if (!subject_find(cli, cli->arguments[0], &subject))
        return CLI_EXIT_UNKNOWN;
    if (!draft_open(&draft, cli, LX__FACT_KIND__GRADE))
        return CLI_EXIT_FAILED;
    if (!set_programme(&draft) || !set_subject(&draft, subject.id) ||
        (of_text && !parse_of(&draft, of_text, &of)))
        return CLI_EXIT_UNKNOWN;
    draft.fact->item = (char *)cli->arguments[1]; // protobuf-c does not write to it
    if (!parse_quantity(&draft, cli->arguments[2]))
        return CLI_EXIT_USAGE;
    return keep(&draft);
}
