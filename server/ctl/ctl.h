// lianxiaoctl, the operators' tool: what its commands share. One table of commands (commands.c) is
// parser, help and dispatch. A command gets its arguments, an arena and, where it needs one, a
// connection with the role it needs; it prints for people and returns an exit code.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/base/view.h"
#include "server/db/sync.h"

// Exit codes, printed by --help.
enum ctl_exit {
    CTL_EXIT_DONE = 0,
    CTL_EXIT_REFUSED = 1,     // the input or the database said no; the reason is on stderr
    CTL_EXIT_USAGE = 2,       // the command line is wrong
    CTL_EXIT_UNREACHABLE = 3, // no connection to the database, or a file can't be read or written
    CTL_EXIT_DIFFERENT = 4,   // verify: what is stored is not what it should be
};

enum ctl_database {
    CTL_DATABASE_NONE,
    CTL_DATABASE_MIGRATE,  // as superuser or owner: roles, schema, functions
    CTL_DATABASE_OPS,      // role lianxiao_ops
    CTL_DATABASE_ASSESSOR, // role lianxiao_assessor
    CTL_DATABASE_AUDITOR,  // role lianxiao_auditor: reads, and nothing else
};

#define CTL_OPTIONS_MAX 8

struct ctl_option {
    const char *name;        // without the dashes; NULL ends the list
    const char *placeholder; // NULL: a switch without a value
    const char *help;
};

struct ctl;

struct ctl_command {
    const char *name;      // one or two words: "unit import"
    const char *arguments; // as printed: "FILE"; "" for none
    size_t n_arguments;
    const char *help;                 // one line
    const struct ctl_option *options; // at most CTL_OPTIONS_MAX
    enum ctl_database database;
    enum ctl_exit (*run)(struct ctl *ctl);
};

// One run of the program. Owned by main.
struct ctl {
    const struct ctl_command *command;
    const char *dsn;       // borrows: --dsn or LIANXIAO_DSN
    const char *operator_; // the operating system's name of who runs this, for the audit; owns
    const char *journal;   // borrows: --journal or LIANXIAO_JOURNAL; NULL: none
    struct arena *arena;   // owns; everything a command allocates
    struct db_sync *db;    // owns; NULL when the command needs none
    const char *arguments[4];
    size_t n_arguments;
    const char
        *values[CTL_OPTIONS_MAX]; // beside command->options; "" for a given switch, else NULL
};

const struct ctl_command *ctl_commands(size_t *out_count);

// The value of an option of the running command; NULL when it was not given. Aborts when the
// command has no such option.
const char *ctl_value(const struct ctl *ctl, const char *option);
// "lianxiaoctl: ..." on stderr; always returns CTL_EXIT_REFUSED, so that commands can return it.
enum ctl_exit ctl_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
// The same for files and connections: CTL_EXIT_UNREACHABLE.
enum ctl_exit ctl_unreachable(const char *format, ...) __attribute__((format(printf, 1, 2)));
// After a failed call of the database: says what the server said.
enum ctl_exit ctl_database_failed(const struct ctl *ctl, enum status status);

// Runs `sql` with the parameters; on failure prints why and returns an exit code other than
// CTL_EXIT_DONE. The result is the caller's (db_sync_free_result).
enum ctl_exit ctl_query(struct ctl *ctl, const char *sql, struct db_params *params,
                        struct db_result **out_result) MUST_USE;

// A whole file in the arena (at most 64 MiB); failure is printed.
enum ctl_exit ctl_read_file(struct ctl *ctl, const char *path, struct view *out_text) MUST_USE;
// Creates the file with these permissions; refuses to overwrite.
enum ctl_exit ctl_write_new_file(const char *path, struct view content, unsigned mode) MUST_USE;
// A whole number of at least `least`, at most `most`; failure is printed with the option's name.
enum ctl_exit ctl_parse_number(const char *name, const char *text, long least, long most,
                               long *out_value) MUST_USE;
// The id of what a file names: always the same, so that a restored database that gets its files
// again has the streams that clients know.
struct uuid ctl_id_of(const char *what, struct view code);

enum ctl_exit ctl_ca_init(struct ctl *ctl);
enum ctl_exit ctl_ca_bundle_key(struct ctl *ctl);
enum ctl_exit ctl_migrate(struct ctl *ctl);
enum ctl_exit ctl_unit_import(struct ctl *ctl);
enum ctl_exit ctl_unit_move(struct ctl *ctl);
enum ctl_exit ctl_unit_moves(struct ctl *ctl);
enum ctl_exit ctl_unit_merge(struct ctl *ctl);
enum ctl_exit ctl_unit_close(struct ctl *ctl);
enum ctl_exit ctl_scheme_check(struct ctl *ctl);
enum ctl_exit ctl_scheme_load(struct ctl *ctl);
enum ctl_exit ctl_programme_start(struct ctl *ctl);
enum ctl_exit ctl_code_issue(struct ctl *ctl);
enum ctl_exit ctl_user_add(struct ctl *ctl);
enum ctl_exit ctl_user_reset(struct ctl *ctl);
enum ctl_exit ctl_user_disable(struct ctl *ctl);
enum ctl_exit ctl_grant(struct ctl *ctl);
enum ctl_exit ctl_grant_revoke(struct ctl *ctl);
enum ctl_exit ctl_device_list(struct ctl *ctl);
enum ctl_exit ctl_device_revoke(struct ctl *ctl);
enum ctl_exit ctl_verify(struct ctl *ctl);
enum ctl_exit ctl_status(struct ctl *ctl);
enum ctl_exit ctl_journal_check(struct ctl *ctl);
enum ctl_exit ctl_journal_replay(struct ctl *ctl);
enum ctl_exit ctl_epoch_accept(struct ctl *ctl);
// Before a command of an operator: is this still the database that it was? `end`: of a journal, or
// NULL. A restored one gets its new epoch here, too, not only from the server.
struct journal_end;
enum ctl_exit ctl_epoch_check(struct ctl *ctl, const struct journal_end *end) MUST_USE;
// After a command of an operator: its changes into the security journal.
enum ctl_exit ctl_journal_add(struct ctl *ctl);
enum ctl_exit ctl_audit_key(struct ctl *ctl);
enum ctl_exit ctl_audit_export(struct ctl *ctl);
enum ctl_exit ctl_audit_verify(struct ctl *ctl);
