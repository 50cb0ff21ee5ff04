// What every command of `lianxiao` gets, and what it gives back. Commands lie one noun a file
// (cmd_*.c); commands.c is the table of all of them, from which --help comes.
#pragma once

#include <libintl.h>
#include <stdbool.h>
#include <stdio.h>

#include "client/core/client.h"
#include "client/store/store.h"
#include "common/base/arena.h"
#include "common/wire/reason.h"

#define CLI_PROGRAM "lianxiao"
#define CLI_VERSION "0.1.0"

// Text for people: English is the key, po/zh_CN.po has the Chinese. N_ marks text of tables.
#define _(text) gettext(text)
#define N_(text) text

// Exit codes: the table of cli_exits in exit.c says them in --help.
enum cli_exit {
    CLI_EXIT_OK = 0,
    CLI_EXIT_FAILED = 1,  // this machine or the home
    CLI_EXIT_USAGE = 2,   // the command line
    CLI_EXIT_REFUSED = 3, // the server or the local checks refused it
    CLI_EXIT_UNKNOWN = 4, // no such subject, entry, unit, file
    CLI_EXIT_AWAY = 5,    // the server cannot be reached; nothing is lost
    CLI_EXIT_LOGIN = 6,   // enrol or log in first
    CLI_EXIT_BUSY = 7,    // another program holds the home
    CLI_EXIT_PARTLY = 8,  // done, but some records were refused or wait
};

struct cli_option {
    const char *name;  // without the dashes
    const char *value; // what --help calls its value; NULL: a flag
    const char *help;  // N_()
};

#define CLI_MAX_GIVEN 64 // options on one command line

struct cli;

struct cli_command {
    const char *name;      // one or two words: "record add"
    const char *arguments; // as --help shows them: "SUBJECT", "FILE..."; "" for none
    const char *help;      // N_(), one line
    int min_arguments;
    int max_arguments;                // -1: any number
    const struct cli_option *options; // ended by a NULL name; NULL: none but the common ones
    enum cli_exit (*run)(struct cli *cli);
};

// The table; ended by a NULL name.
extern const struct cli_command cli_commands[];

struct cli {
    const struct cli_command *command;
    struct store *store;  // owns
    struct client client; // owns
    struct arena *arena;  // owns: for the whole run
    enum reason_language language;
    bool json;
    const char *home; // borrows
    struct cli_given {
        const char *name, *value; // borrow; value "" for a flag
    } given[CLI_MAX_GIVEN];
    int n_given;
    const char *const *arguments; // borrow
    int n_arguments;
    FILE *out; // borrows: stdout
    FILE *err; // borrows: stderr
};

// Value of an option of the command ("" for a flag; the last one given); NULL: not given.
const char *cli_option(const struct cli *cli, const char *name);
// The values of an option that may be given several times: start with *place 0; NULL: no more.
const char *cli_option_next(const struct cli *cli, const char *name, int *place);
// Value as a whole number; false (and a message) when it is none within the bounds.
bool cli_option_number(struct cli *cli, const char *name, int64_t lowest, int64_t highest,
                       int64_t *io_value);

// Reads the command line into cli. True: run the command. False: *out_exit is the answer (help was
// shown, or the line is wrong and was explained).
bool cli_parse(struct cli *cli, int argc, char **argv, enum cli_exit *out_exit);

// ---- telling (exit.c) ----

// One line on stderr: "lianxiao: ...". format is already translated.
void cli_error(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Says what a call of the client core came to and gives the exit code for it.
enum cli_exit cli_client_result(struct cli *cli, enum client_result result);
// The same for a failed call of the store.
enum cli_exit cli_store_failed(struct cli *cli, enum status status);
enum cli_exit cli_no_memory(struct cli *cli);
// The time for a record. A clock that is provably wrong is told.
int64_t cli_now_ms(struct cli *cli);
// A reason in the person's language, in the arena.
const char *cli_reason(struct cli *cli, const Lx__Reason *reason);
// "reason (field)" on stderr, with what it is about in front (may be NULL).
void cli_show_reason(struct cli *cli, const char *about, const Lx__Reason *reason);
// The exit codes for --help.
void cli_print_exits(FILE *out);
