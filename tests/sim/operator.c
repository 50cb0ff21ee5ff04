// The operators' tool as far as the security journal goes (server/ctl/{journal,replay}.c as they
// are), and the journal's file, which outlives the database: after a restore it is replayed, and
// everybody's rights must be what they were; or it is lost as well, and the epoch is accepted
// without it.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/ctl/ctl.h"
#include "server/journal.h"
#include "tests/sim/world.h"

#define MAX_TRIES 50
#define MAX_BACKUPS 16
#define RIGHTS_SIZE (64 * 1024)

static char path[64]; // "": not made yet
static int journal_fd = -1;
static bool incomplete;                // the tool's option
static bool lost;                      // with the database: the next opening does without it
static bool anew;                      // it was lost before: what it has begins later
static int64_t first_no;               // of what it has; 0: nothing
static int64_t backed_up[MAX_BACKUPS]; // the database's last event in each
static char *rights_before;            // owns; NULL: nothing to compare with
static char *logins_before;            // owns, beside rights_before

// ---- the file ----

static _Noreturn void die(const char *what) {
    fprintf(stderr, "lx_sim: %s\n", what);
    exit(2);
}

const char *journal_path(void) {
    if (path[0] != '\0')
        return path;
    journal_fd = memfd_create("security.journal", 0); // closed with the process
    if (journal_fd < 0)
        die("the security journal cannot be made");
    snprintf(path, sizeof path, "/proc/self/fd/%d", journal_fd);
    return path;
}

static void empty_journal(void) {
    (void)journal_path();
    if (ftruncate(journal_fd, 0) != 0)
        die("the security journal cannot be emptied");
    first_no = 0;
}

// A program that dies while it writes leaves a part of a line; a full disk takes nothing.
enum status __real_journal_append(const char *to, const struct journal_event *events, size_t n,
                                  struct journal_end *out_end, char out_error[JOURNAL_ERROR_SIZE]);
enum status __wrap_journal_append(const char *to, const struct journal_event *events, size_t n,
                                  struct journal_end *out_end, char out_error[JOURNAL_ERROR_SIZE]);
enum status __wrap_journal_append(const char *to, const struct journal_event *events, size_t n,
                                  struct journal_end *out_end, char out_error[JOURNAL_ERROR_SIZE]) {
    static const char torn[] = "0123456789abcdef 0123";
    bool dead = machine_current()->dead;
    if (dead && n > 0 && sim_below(2) == 0) {
        trace("a line of the security journal is torn");
        if (pwrite(journal_fd, torn, sizeof torn - 1, lseek(journal_fd, 0, SEEK_END)) < 0)
            die("the security journal cannot be written");
    }
    if (dead || (n > 0 && sim_chance(200))) {
        snprintf(out_error, JOURNAL_ERROR_SIZE, "no space is left");
        return STATUS_IO;
    }
    enum status status = __real_journal_append(to, events, n, out_end, out_error);
    if (status == STATUS_OK && n > 0 && first_no == 0)
        first_no = events[0].no;
    return status;
}

// ---- the tool ----

// What it says to people is not the simulation's.
static void say(bool aloud) {
    static int out = -1, errors = -1, nowhere = -1;
    fflush(stdout);
    fflush(stderr);
    if (nowhere < 0) {
        out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        errors = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    }
    (void)dup2(aloud ? out : nowhere, STDOUT_FILENO);
    (void)dup2(aloud ? errors : nowhere, STDERR_FILENO);
}

typedef enum ctl_exit (*command_fn)(struct ctl *ctl);

// Runs a command as lianxiaoctl does: the epoch is looked at first, and the journal gets what the
// command has changed. `run` NULL: nothing between.
static enum ctl_exit run_tool(command_fn run) {
    static const struct ctl_option options[] = {{"incomplete", NULL, ""}, {NULL, NULL, NULL}};
    static const struct ctl_command command = {.name = "simulated", .options = options};
    struct ctl ctl = {.command = &command,
                      .operator_ = "sim",
                      .journal = journal_path(),
                      .arena = arena_new(0),
                      .arguments = {journal_path()},
                      .n_arguments = 1,
                      .values = {incomplete ? "" : NULL}};
    char error[256];
    enum ctl_exit exit_code = CTL_EXIT_UNREACHABLE;
    say(false);
    if (db_sync_open("lianxiao_ops", "lianxiaoctl", &ctl.db, error, sizeof error) == STATUS_OK)
        exit_code = ctl_epoch_check(&ctl, NULL);
    if (exit_code == CTL_EXIT_DONE && run != NULL)
        exit_code = run(&ctl);
    if (exit_code == CTL_EXIT_DONE && run != NULL)
        exit_code = ctl_journal_add(&ctl);
    say(true);
    db_sync_close(&ctl.db);
    arena_free(&ctl.arena);
    return exit_code;
}

// Until the database answers and the journal has it, as its exit code asks for.
static enum ctl_exit insist(command_fn run) {
    enum ctl_exit exit_code = CTL_EXIT_UNREACHABLE;
    for (int tries = 0; tries < MAX_TRIES && exit_code == CTL_EXIT_UNREACHABLE; tries++)
        exit_code = run_tool(run);
    return exit_code;
}

bool operator_begins(void) {
    bool open = insist(NULL) == CTL_EXIT_DONE &&
                base_number("select count(*) from lx.epoch where opened_at is not null") == 1;
    if (open)
        scope_opened();
    return open;
}

void operator_ends(void) {
    enum ctl_exit exit_code = insist(ctl_journal_add);
    if (exit_code != CTL_EXIT_DONE)
        finding("the security journal does not take an operator's change: %d", (int)exit_code);
}

// ---- a restore ----

// One text of a query's only column; owned by the caller.
static char *ask_text(const char *sql) {
    struct db_result *result = base_ask(sql, NULL);
    struct view text = result != NULL ? db_text(result, 0, 0) : view_from_string("");
    char *copy = strndup((const char *)text.data, text.size);
    base_free(&result);
    if (copy == NULL)
        die("out of memory");
    return copy;
}

static char *ask_rights(void) {
    return ask_text("select coalesce(string_agg(r.line, chr(10) order by r.line), '') from ("
                    "select 'grant ' || to_jsonb(g)::text as line from lx.role_grant g union all "
                    "select 'account ' || to_jsonb(a)::text from lx.account a union all "
                    "select 'device ' || to_jsonb(d)::text from lx.device d) r");
}

static char *ask_logins(void) {
    return ask_text("select coalesce(string_agg(encode(s.token_hash, 'hex'), ' '), '') from "
                    "lx.session s where s.closed_at is null and s.until_at > now()");
}

static void forget_rights(void) {
    free(rights_before);
    free(logins_before);
    rights_before = logins_before = NULL;
}

// The last event that the journal has; -1: it cannot be read.
static int64_t journal_last(void) {
    struct journal_end end = {0};
    char error[JOURNAL_ERROR_SIZE];
    return __real_journal_append(journal_path(), NULL, 0, &end, error) == STATUS_OK ? end.no : -1;
}

static int64_t database_last(void) {
    return base_number("select no from lx.security_head");
}

void journal_backup(int backup) {
    backed_up[backup % MAX_BACKUPS] = database_last();
}

// One that was begun after a former loss has a gap before it: no replay can cross that.
static bool journal_reaches(int backup) {
    int64_t last = backed_up[backup % MAX_BACKUPS];
    return !anew || (first_no > 0 && first_no <= last + 1);
}

bool journal_before_restore(int backup) {
    forget_rights();
    if (sim_below(6) == 0 || !journal_reaches(backup)) {
        trace("the security journal is lost with the database, or began after the backup");
        empty_journal();
        lost = anew = true;
    } else if (!lost && journal_last() == database_last()) { // else: acknowledged to nobody
        rights_before = ask_rights();
        logins_before = ask_logins();
    }
    return lost;
}

// The first line of one text that the other has not.
static void tell_first(const char *of, const char *other, const char *what) {
    char *copy = strdup(of), *rest = NULL;
    if (copy == NULL)
        die("out of memory");
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strstr(other, line) != NULL)
            continue;
        finding("rights: %s the restore: %.400s", what, line);
        break;
    }
    free(copy);
}

static void compare_rights(void) {
    char *rights = ask_rights(), *logins = ask_logins(), *rest = NULL;
    if (rights_before != NULL && strcmp(rights, rights_before) != 0) {
        tell_first(rights_before, rights, "gone with");
        tell_first(rights, rights_before, "back with");
    }
    for (char *login = strtok_r(logins, " ", &rest); logins_before != NULL && login != NULL;
         login = strtok_r(NULL, " ", &rest))
        if (strstr(logins_before, login) == NULL)
            finding("rights: an ended login is back with the restore: %s", login);
    if (rights_before != NULL)
        count(COUNT_RIGHTS_COMPARED);
    free(rights);
    free(logins);
    forget_rights();
}

// The server died between a change and its line, and the backup has the change: the tool asks
// whether the file is the last one, which it is here. It may ask in no other case.
static enum ctl_exit replay(void) {
    enum ctl_exit exit_code = insist(ctl_journal_replay);
    if (exit_code != CTL_EXIT_REFUSED || journal_last() <= 0 || journal_last() >= database_last())
        return exit_code;
    incomplete = true;
    exit_code = insist(ctl_journal_replay);
    incomplete = false;
    trace("the database has more than the journal");
    count(COUNT_JOURNAL_BEHIND);
    return exit_code;
}

void operator_opens(void *user) {
    (void)user;
    if (operator_begins()) { // by itself: the journal has nothing that the database has not
        trace("the epoch is open");
        forget_rights();
        return;
    }
    enum ctl_exit exit_code = lost ? insist(ctl_epoch_accept) : replay();
    trace("the operator opens the epoch %s the journal: %d", lost ? "without" : "with",
          (int)exit_code);
    if (exit_code != CTL_EXIT_DONE)
        finding("the epoch cannot be opened: %d", (int)exit_code);
    else
        scope_opened();
    count(lost ? COUNT_JOURNAL_LOST : COUNT_REPLAY);
    lost = false;
    compare_rights();
}

void operator_begin(void) {
    empty_journal();
    forget_rights();
    lost = anew = false;
}
