// lianxiaoctl: finds the command, reads its arguments and options, connects with the role it needs.
// The commands themselves are in the other files of this folder.
#include "server/ctl/ctl.h"

#include <assert.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"

#define ARENA_LIMIT_BYTES ((size_t)512 << 20) // a city's units and a scheme need a few MiB

static const char about[] =
    "usage: lianxiaoctl COMMAND [ARGUMENTS] [OPTIONS]\n"
    "The operators' tool of Lianxiao. It talks to PostgreSQL directly, through a local socket.\n\n";

static const char common_options[] =
    "\nOptions of every command:\n"
    "  --dsn DSN               the database, as libpq writes it: \"host=/run/pg "
    "dbname=lianxiao\";\n"
    "                          also from the environment: LIANXIAO_DSN\n"
    "  --journal FILE          the security journal, as lianxiaod has it: what is changed is "
    "noted\n"
    "                          there before the command ends; also: LIANXIAO_JOURNAL. Without it\n"
    "                          the server notes it, within a second\n"
    "  --help                  this page, or that of one command\n"
    "\nExit codes: 0 done, 1 refused (the reason is on stderr), 2 wrong command line,\n"
    "3 database or file not reachable, 4 verify found a difference\n";

static void print_help(void) {
    size_t count;
    const struct ctl_command *commands = ctl_commands(&count);
    fputs(about, stdout);
    puts("Commands:");
    for (size_t i = 0; i < count; i++)
        printf("  %-15s %-17s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
    fputs(common_options, stdout);
}

static void print_command_help(const struct ctl_command *command) {
    printf("usage: lianxiaoctl %s%s%s [OPTIONS]\n%s\n", command->name,
           command->arguments[0] ? " " : "", command->arguments, command->help);
    if (command->options[0].name != NULL)
        puts("\nOptions:");
    for (const struct ctl_option *option = command->options; option->name != NULL; option++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", option->name, option->placeholder ? " " : "",
                 option->placeholder ? option->placeholder : "");
        printf("  %-23s %s\n", left, option->help);
    }
    fputs(common_options, stdout);
}

// Matches one or two words; *out_words says how many.
static const struct ctl_command *find_command(int argc, char **argv, int *out_words) {
    size_t count;
    const struct ctl_command *commands = ctl_commands(&count);
    for (int words = 2; words >= 1; words--) {
        char name[64];
        if (argc < 1 + words)
            continue;
        snprintf(name, sizeof name, "%s%s%s", argv[1], words == 2 ? " " : "",
                 words == 2 ? argv[2] : "");
        for (size_t i = 0; i < count; i++) {
            if (strcmp(commands[i].name, name) == 0) {
                *out_words = words;
                return &commands[i];
            }
        }
    }
    return NULL;
}

static enum ctl_exit usage(const char *what, const char *detail) {
    fprintf(stderr, "lianxiaoctl: %s%s%s; see lianxiaoctl --help\n", what, detail[0] ? ": " : "",
            detail);
    return CTL_EXIT_USAGE;
}

// Finds `--name` or `--name=value` among the command's options; -1: none.
static int find_option(const struct ctl_command *command, const char *text, size_t name_size) {
    for (int i = 0; command->options[i].name != NULL; i++)
        if (strlen(command->options[i].name) == name_size &&
            strncmp(command->options[i].name, text, name_size) == 0)
            return i;
    return -1;
}

// Where the value of an option of every command goes; NULL: it is none.
static const char **find_common(struct ctl *ctl, const char *name, size_t name_size) {
    if (name_size == 3 && strncmp(name, "dsn", 3) == 0)
        return &ctl->dsn;
    return name_size == 7 && strncmp(name, "journal", 7) == 0 ? &ctl->journal : NULL;
}

// One option at argv[*at]; moves *at to its last word.
static enum ctl_exit read_option(struct ctl *ctl, int argc, char **argv, int *at) {
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t name_size = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const char **common = find_common(ctl, name, name_size);
    int index = common != NULL ? -1 : find_option(ctl->command, name, name_size);
    if (common == NULL && index < 0)
        return usage("unknown option", argv[*at]);
    const char *value = "";
    if (common != NULL || ctl->command->options[index].placeholder != NULL) {
        if (equals != NULL)
            value = equals + 1;
        else if (*at + 1 < argc)
            value = argv[++*at];
        else
            return usage("this option needs a value", argv[*at]);
    } else if (equals != NULL) {
        return usage("this option takes no value", argv[*at]);
    }
    *(common != NULL ? common : &ctl->values[index]) = value;
    return CTL_EXIT_DONE;
}

static enum ctl_exit read_arguments(struct ctl *ctl, int argc, char **argv, int first) {
    for (int i = first; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            enum ctl_exit exit_code = read_option(ctl, argc, argv, &i);
            if (exit_code != CTL_EXIT_DONE)
                return exit_code;
        } else if (ctl->n_arguments == ctl->command->n_arguments) {
            return usage("too many arguments", argv[i]);
        } else {
            ctl->arguments[ctl->n_arguments++] = argv[i];
        }
    }
    if (ctl->n_arguments < ctl->command->n_arguments)
        return usage("missing arguments", ctl->command->arguments);
    return CTL_EXIT_DONE;
}

static bool asks_for_help(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

// The DSN with the role that the command works as, unless it names one itself.
static const char *dsn_with_role(struct ctl *ctl) {
    static const char *const users[] = {
        [CTL_DATABASE_MIGRATE] = "postgres",
        [CTL_DATABASE_OPS] = "lianxiao_ops",
        [CTL_DATABASE_ASSESSOR] = "lianxiao_assessor",
        [CTL_DATABASE_AUDITOR] = "lianxiao_auditor",
    };
    if (strstr(ctl->dsn, "user=") != NULL || strstr(ctl->dsn, "://") != NULL)
        return ctl->dsn;
    return arena_format(ctl->arena, "%s user=%s", ctl->dsn, users[ctl->command->database]);
}

static enum ctl_exit connect_database(struct ctl *ctl) {
    if (ctl->command->database == CTL_DATABASE_NONE)
        return CTL_EXIT_DONE;
    char error[256] = "";
    const char *dsn = dsn_with_role(ctl);
    if (dsn == NULL || db_sync_open(dsn, "lianxiaoctl", &ctl->db, error, sizeof error) != STATUS_OK)
        return ctl_unreachable("the database does not answer: %s", error);
    return CTL_EXIT_DONE;
}

static char *operator_name(struct arena *arena) {
    const struct passwd *user = getpwuid(getuid());
    return user != NULL ? arena_string(arena, view_from_string(user->pw_name))
                        : arena_format(arena, "uid %u", (unsigned)getuid());
}

static enum ctl_exit run(struct ctl *ctl) {
    enum ctl_exit exit_code = connect_database(ctl);
    if (exit_code == CTL_EXIT_DONE && ctl->command->database == CTL_DATABASE_OPS)
        exit_code = ctl_epoch_check(ctl, NULL);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = ctl->command->run(ctl);
    if (exit_code == CTL_EXIT_DONE && ctl->journal != NULL && ctl->journal[0] != '\0' &&
        ctl->command->database == CTL_DATABASE_OPS)
        exit_code = ctl_journal_add(ctl);
    return exit_code;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    log_open("lianxiaoctl", LOG_LEVEL_WARNING);
    int words = 0;
    const struct ctl_command *command = find_command(argc, argv, &words);
    if (asks_for_help(argc, argv)) {
        if (command != NULL)
            print_command_help(command);
        else
            print_help();
        return CTL_EXIT_DONE;
    }
    if (command == NULL)
        return (int)(argc < 2 ? usage("which command?", "") : usage("no such command", argv[1]));

    const char *dsn = getenv("LIANXIAO_DSN");
    struct ctl ctl = {.command = command,
                      .dsn = dsn != NULL ? dsn : "dbname=lianxiao",
                      .journal = getenv("LIANXIAO_JOURNAL")};
    enum ctl_exit exit_code = read_arguments(&ctl, argc, argv, 1 + words);
    if (exit_code != CTL_EXIT_DONE)
        return (int)exit_code;
    ctl.arena = arena_new(ARENA_LIMIT_BYTES);
    if (ctl.arena == NULL || (ctl.operator_ = operator_name(ctl.arena)) == NULL)
        exit_code = ctl_unreachable("out of memory");
    else
        exit_code = run(&ctl);
    db_sync_close(&ctl.db);
    arena_free(&ctl.arena);
    if (fflush(stdout) != 0)
        exit_code = ctl_unreachable("the output could not be written");
    return (int)exit_code;
}
