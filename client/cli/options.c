// The command line: which command, its options and arguments; --help from the table. See cli.h.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"
#include "common/base/view.h"
#include "common/domain/fact_kind.h"
#include "common/domain/role.h"
#include "common/text/utf8.h"

static const struct cli_option common_options[] = {
    {"home", N_("DIR"),
     N_("folder of this device and account (else $LIANXIAO_HOME, else"
        " ~/.local/share/lianxiao)")},
    {"json", NULL, N_("machine-readable output")},
    {"help", NULL, N_("this page")},
    {NULL, NULL, NULL},
};

static const struct cli_option *find_in(const struct cli_option *options, struct view name) {
    for (; options && options->name; options++)
        if (view_equal(name, view_from_string(options->name)))
            return options;
    return NULL;
}

static const struct cli_option *find_option(const struct cli *cli, struct view name) {
    const struct cli_option *option = find_in(common_options, name);
    if (!option && cli->command)
        option = find_in(cli->command->options, name);
    return option;
}

const char *cli_option(const struct cli *cli, const char *name) {
    for (int i = cli->n_given; i > 0; i--)
        if (strcmp(cli->given[i - 1].name, name) == 0)
            return cli->given[i - 1].value;
    return NULL;
}

const char *cli_option_next(const struct cli *cli, const char *name, int *place) {
    while (*place < cli->n_given) {
        const struct cli_given *given = &cli->given[(*place)++];
        if (strcmp(given->name, name) == 0)
            return given->value;
    }
    return NULL;
}

bool cli_option_number(struct cli *cli, const char *name, int64_t lowest, int64_t highest,
                       int64_t *io_value) {
    const char *text = cli_option(cli, name);
    char *end = NULL;
    if (!text)
        return true;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && value >= lowest && value <= highest) {
        *io_value = value;
        return true;
    }
    cli_error(cli, _("--%s wants a whole number from %lld to %lld, not \"%s\""), name,
              (long long)lowest, (long long)highest, text);
    return false;
}

// ---- help ----

static void print_padded(const char *text, size_t width, FILE *out) {
    size_t used = utf8_width(view_from_string(text));
    fprintf(out, "  %s%*s  ", text, used < width ? (int)(width - used) : 0, "");
}

static void print_options(const struct cli *cli, const struct cli_option *options) {
    for (; options && options->name; options++) {
        char left[96];
        snprintf(left, sizeof left, "--%s%s%s", options->name, options->value ? " " : "",
                 options->value ? _(options->value) : "");
        print_padded(left, 22, cli->out);
        fprintf(cli->out, "%s\n", _(options->help));
    }
}

// The options that a kind of record wants, those it may have in brackets.
static void print_fields(const struct fact_kind_info *kind, FILE *out) {
    static const char *const options[FACT_FIELD_COUNT] = {
        [FACT_FIELD_ITEM] = "--item",   [FACT_FIELD_UNTIL] = "--until",
        [FACT_FIELD_OF] = "--of",       [FACT_FIELD_QUANTITY] = "--quantity",
        [FACT_FIELD_FORM] = "--form",   [FACT_FIELD_SUBMISSION] = "--title",
        [FACT_FIELD_SOURCE_KEY] = NULL, // of imported files only
    };
    for (size_t i = 0; i < FACT_FIELD_COUNT; i++)
        if (options[i] && kind->fields[i] != FACT_FORBIDDEN)
            fprintf(out, kind->fields[i] == FACT_REQUIRED ? "  %s" : "  [%s]", options[i]);
    fputc('\n', out);
}

static void print_kinds(const struct cli *cli) {
    size_t count;
    const struct fact_kind_info *kinds = fact_kind_table(&count);
    fprintf(cli->out, "\n%s\n", _("KIND is one of:"));
    for (size_t i = 0; i < count; i++) {
        bool zh = cli->language == REASON_LANGUAGE_ZH;
        print_padded(kinds[i].name, 16, cli->out);
        fputs(zh ? kinds[i].zh : kinds[i].en, cli->out);
        print_fields(&kinds[i], cli->out);
    }
}

static void print_roles(const struct cli *cli) {
    size_t count;
    const struct role_info *roles = role_table(&count);
    fprintf(cli->out, "\n%s\n", _("ROLE is one of:"));
    for (size_t i = 0; i < count; i++) {
        if (roles[i].capabilities == 0)
            continue; // no login yet
        print_padded(roles[i].name, 16, cli->out);
        fprintf(cli->out, "%s\n", cli->language == REASON_LANGUAGE_ZH ? roles[i].zh : roles[i].en);
    }
}

// Words of --help that stand for one of a table's rows.
static const struct {
    const char *word;
    void (*print)(const struct cli *cli);
} word_lists[] = {{"KIND", print_kinds}, {"ROLE", print_roles}};

static bool command_takes(const struct cli_command *command, const char *word) {
    const struct cli_option *option = command->options;
    for (; option && option->name; option++)
        if (option->value && strcmp(option->value, word) == 0)
            return true;
    return strstr(command->arguments, word) != NULL;
}

static void print_command_help(const struct cli *cli) {
    const struct cli_command *command = cli->command;
    fprintf(cli->out, _("Usage: %s %s%s%s [options]\n"), CLI_PROGRAM, command->name,
            command->arguments[0] ? " " : "", command->arguments);
    fprintf(cli->out, "\n%s\n\n%s\n", _(command->help), _("Options:"));
    print_options(cli, command->options);
    print_options(cli, common_options);
    for (size_t i = 0; i < sizeof word_lists / sizeof word_lists[0]; i++)
        if (command_takes(command, word_lists[i].word))
            word_lists[i].print(cli);
}

static void print_program_help(const struct cli *cli) {
    fprintf(cli->out, _("Usage: %s COMMAND [options]\n"), CLI_PROGRAM);
    fprintf(cli->out, "\n%s\n", _("Commands:"));
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        print_padded(command->name, 16, cli->out);
        fprintf(cli->out, "%s\n", _(command->help));
    }
    fprintf(cli->out, "\n%s\n", _("Options of every command:"));
    print_options(cli, common_options);
    fprintf(cli->out, "\n%s\n", _("Exit codes:"));
    cli_print_exits(cli->out);
}

// ---- parsing ----

// Commands of two words come before those of one, so "grant revoke" is not "grant" with an
// argument.
static const struct cli_command *find_command(int argc, char **argv, int *out_words) {
    for (*out_words = 2; *out_words > 0; (*out_words)--) {
        char name[64];
        if (argc < *out_words)
            continue;
        snprintf(name, sizeof name, "%s%s%s", argv[0], *out_words == 2 ? " " : "",
                 *out_words == 2 ? argv[1] : "");
        for (const struct cli_command *command = cli_commands; command->name; command++)
            if (strcmp(command->name, name) == 0)
                return command;
    }
    return NULL;
}

static bool give(struct cli *cli, const char *name, const char *value) {
    if (cli->n_given == CLI_MAX_GIVEN) {
        cli_error(cli, _("too many options"));
        return false;
    }
    cli->given[cli->n_given++] = (struct cli_given){name, value};
    return true;
}

// One "--x", "--x=value" or "--x value"; moves *at behind it.
static bool take_option(struct cli *cli, int argc, char **argv, int *at) {
    const char *text = argv[*at] + 2;
    const char *equals = strchr(text, '=');
    size_t size = equals ? (size_t)(equals - text) : strlen(text);
    const struct cli_option *option = find_option(cli, view_from(text, size));
    (*at)++;
    if (!option) {
        cli_error(cli, _("unknown option --%.*s; see %s %s --help"), (int)size, text, CLI_PROGRAM,
                  cli->command ? cli->command->name : "");
        return false;
    }
    if (!option->value && equals) {
        cli_error(cli, _("--%s takes no value"), option->name);
        return false;
    }
    if (!option->value)
        return give(cli, option->name, "");
    if (!equals && *at >= argc) {
        cli_error(cli, _("--%s wants a value (%s)"), option->name, _(option->value));
        return false;
    }
    return give(cli, option->name, equals ? equals + 1 : argv[(*at)++]);
}

// Options may stand between arguments; what follows "--" is an argument.
static bool take_all(struct cli *cli, int argc, char **argv, const char **arguments) {
    bool only_arguments = false;
    for (int at = 0; at < argc;) {
        bool is_option = !only_arguments && strncmp(argv[at], "--", 2) == 0;
        if (is_option && argv[at][2] == '\0') {
            only_arguments = true;
            at++;
        } else if (is_option) {
            if (!take_option(cli, argc, argv, &at))
                return false;
        } else {
            arguments[cli->n_arguments++] = argv[at++];
        }
    }
    return true;
}

static bool count_arguments(struct cli *cli) {
    const struct cli_command *command = cli->command;
    if (cli->n_arguments >= command->min_arguments &&
        (command->max_arguments < 0 || cli->n_arguments <= command->max_arguments))
        return true;
    cli_error(cli, _("usage: %s %s %s; see --help"), CLI_PROGRAM, command->name,
              command->arguments);
    return false;
}

static bool unknown_command(struct cli *cli, int argc, char **argv) {
    if (argc == 0)
        print_program_help(cli);
    else
        cli_error(cli, _("unknown command \"%s\"; %s --help lists them"), argv[0], CLI_PROGRAM);
    return false;
}

bool cli_parse(struct cli *cli, int argc, char **argv, enum cli_exit *out_exit) {
    int words = 0;
    const char **arguments = arena_array(cli->arena, (size_t)argc + 1, sizeof *arguments);
    *out_exit = CLI_EXIT_USAGE;
    if (!arguments)
        return false;
    cli->arguments = arguments;
    cli->command = find_command(argc, argv, &words);
    bool wants_help = argc > 0 && strcmp(argv[0], "--help") == 0;
    if (wants_help) {
        print_program_help(cli);
        *out_exit = CLI_EXIT_OK;
        return false;
    }
    if (!cli->command)
        return unknown_command(cli, argc, argv);
    if (!take_all(cli, argc - words, argv + words, arguments))
        return false;
    if (cli_option(cli, "help")) {
        print_command_help(cli);
        *out_exit = CLI_EXIT_OK;
        return false;
    }
    cli->json = cli_option(cli, "json") != NULL;
    cli->home = cli_option(cli, "home");
    return count_arguments(cli);
}
