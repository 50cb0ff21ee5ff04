// `journal check` and `journal replay`: what an operator does with the security journal after a
// restore. What cannot be replayed is said with its line and what to do.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/ctl/ctl.h"
#include "server/journal.h"

#define BATCH 500
#define LACKING_SHOWN 5

// ---- reading a journal ----

static void say_where(const char *path, const struct journal_walk *walk) {
    (void)ctl_refuse(
        "%s: line %zu is broken, or lines before it are missing: the journal was changed; "
        "good up to event %" PRId64,
        path, walk->lines + 1, walk->end.no);
}

enum ctl_exit ctl_journal_check(struct ctl *ctl) {
    struct view text;
    struct journal_event event;
    const char *path = ctl->arguments[0];
    if (journal_map(path, &text) != STATUS_OK)
        return ctl_unreachable("%s: %s", path, strerror(errno));
    struct journal_walk walk = {.text = text};
    enum status status;
    int64_t first = 0;
    while ((status = journal_next(&walk, &event)) == STATUS_OK)
        if (first == 0)
            first = event.no;
    size_t torn = status == STATUS_NOT_FOUND ? walk.text.size : 0;
    if (status == STATUS_CORRUPT)
        say_where(path, &walk);
    else
        printf("events %" PRId64 " to %" PRId64 "%s\n", first, walk.end.no,
               torn > 0 ? ", then a line that was never finished (not acknowledged, no fault)"
                        : "");
    journal_unmap(&text);
    return status == STATUS_CORRUPT ? CTL_EXIT_REFUSED : CTL_EXIT_DONE;
}

// ---- replaying ----

struct replay {
    struct ctl *ctl;
    const char *path;
    struct journal_walk walk;
    struct journal_end head; // of the database
    bool is_open;
    bool anyhow; // --incomplete
    int64_t no[BATCH], at_ms[BATCH];
    struct view what[BATCH], body[BATCH];
    size_t line[BATCH];
    size_t n;
    size_t done;
    size_t left_out;
    bool is_broken; // opened all the same
};

static enum ctl_exit read_head(struct replay *replay) {
    struct db_result *row = NULL;
    enum ctl_exit exit_code = ctl_query(
        replay->ctl, "select is_open, security_no, security_hash from lx.ops_epoch()", NULL, &row);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    replay->is_open = db_bool(row, 0, 0);
    replay->head.no = db_int8(row, 0, 1);
    memcpy(replay->head.hash, db_bytea(row, 0, 2).data, JOURNAL_HASH_SIZE);
    db_sync_free_result(&row);
    return CTL_EXIT_DONE;
}

enum { LACKING_NO, LACKING_AT, LACKING_WHAT, LACKING_TOTAL };
enum { REPLAY_VERDICT, REPLAY_UNIT, REPLAY_NO, REPLAY_WHY };
enum { DONE = 1, IS_OPEN, NOT_FOLLOWING, UNIT_MISSING, NOT_STORED, LEFT_OUT };

// "line 7 (event 12, role_grant)" of what was gathered.
static const char *where(const struct replay *replay, const struct db_result *rows, int row,
                         char text[128]) {
    int64_t no = db_int8(rows, row, REPLAY_NO);
    for (size_t i = 0; i < replay->n; i++)
        if (replay->no[i] == no)
            snprintf(text, 128, "line %zu (event %" PRId64 ", %.*s)", replay->line[i], no,
                     (int)replay->what[i].size, (const char *)replay->what[i].data);
    return text;
}

static enum ctl_exit say_verdict(struct replay *replay, const struct db_result *rows, int row) {
    char unit[UUID_TEXT_SIZE], line[128] = "";
    struct view why = db_text(rows, row, REPLAY_WHY);
    switch (db_int8(rows, row, REPLAY_VERDICT)) {
    case DONE:
        return CTL_EXIT_DONE;
    case LEFT_OUT:
        replay->left_out++;
        (void)ctl_refuse("%s: %s is left out, and what its row gave before is ended: %.*s",
                         replay->path, where(replay, rows, row, line), (int)why.size,
                         (const char *)why.data);
        return CTL_EXIT_DONE;
    case UNIT_MISSING:
        uuid_format(db_uuid(rows, row, REPLAY_UNIT), unit);
        return ctl_refuse("%s: %s speaks of unit %s, which the database has lost: import the units "
                          "again (lianxiaoctl unit import), then replay again. If no file has it "
                          "any more: --incomplete leaves out what is about it",
                          replay->path, where(replay, rows, row, line), unit);
    case NOT_STORED:
        return ctl_refuse("%s: %s cannot be stored: %.*s. The database stays closed. --incomplete "
                          "leaves such lines out and ends what their rows gave before; give again "
                          "by hand what is missing then",
                          replay->path, where(replay, rows, row, line), (int)why.size,
                          (const char *)why.data);
    case IS_OPEN:
        return ctl_refuse("the database is open: there is nothing to replay");
    default:
        return ctl_refuse("%s: its events do not follow the database's last one", replay->path);
    }
}

// What was gathered, as one transaction; the last one opens the epoch.
static enum ctl_exit send(struct replay *replay, bool last) {
    struct ctl *ctl = replay->ctl;
    struct db_result *row = NULL;
    struct db_params *params = db_params_new(ctl->arena);
    db_param_string(params, ctl->operator_);
    db_param_int8_array(params, replay->n, replay->no, NULL);
    db_param_int8_array(params, replay->n, replay->at_ms, NULL);
    db_param_text_array(params, replay->n, replay->what);
    db_param_text_array(params, replay->n, replay->body);
    db_param_bytea(params, view_from(replay->head.hash, JOURNAL_HASH_SIZE));
    db_param_bool(params, last);
    db_param_bool(params, replay->anyhow);
    enum ctl_exit exit_code =
        ctl_query(ctl,
                  "select verdict, unit, no, why from lx.security_replay($1, $2::int8[], "
                  "$3::int8[], $4::text[], $5::text[], $6, $7, $8)",
                  params, &row);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    for (int i = 0; i < db_rows(row) && exit_code == CTL_EXIT_DONE; i++)
        exit_code = say_verdict(replay, row, i);
    db_sync_free_result(&row);
    replay->done += replay->n;
    replay->n = 0;
    return exit_code;
}

// Walks to the event after the database's last one.
static enum status skip_known(struct replay *replay, struct journal_event *event) {
    enum status status;
    while ((status = journal_next(&replay->walk, event)) == STATUS_OK &&
           event->no < replay->head.no)
        ;
    return status;
}

// The journal must know the database's last event, or begin right after it.
static bool fits(const struct replay *replay, const struct journal_event *event) {
    if (event->no == replay->head.no)
        return memcmp(event->hash, replay->head.hash, JOURNAL_HASH_SIZE) == 0;
    return event->no == replay->head.no + 1 &&
           memcmp(event->before, replay->head.hash, JOURNAL_HASH_SIZE) == 0;
}

// A broken line among those that the database has anyway: what follows the database's own last
// event proves itself. STATUS_NOT_FOUND: nothing does.
static enum status find_head(struct replay *replay, struct journal_event *event) {
    struct journal_walk *walk = &replay->walk;
    struct view line;
    for (; journal_peek(walk, &line); journal_skip(walk, line)) {
        if (journal_parse(line, event) == STATUS_OK && fits(replay, event)) {
            walk->end = (struct journal_end){.no = 0}; // the head is in its place
            return journal_next(walk, event);
        }
    }
    return STATUS_NOT_FOUND;
}

static enum ctl_exit put_all(struct replay *replay, struct journal_event *event,
                             enum status *status) {
    for (; *status == STATUS_OK; *status = journal_next(&replay->walk, event)) {
        if (event->no <= replay->head.no)
            continue;
        if (replay->n == BATCH) {
            enum ctl_exit exit_code = send(replay, false);
            if (exit_code != CTL_EXIT_DONE)
                return exit_code;
        }
        replay->line[replay->n] = replay->walk.lines;
        replay->no[replay->n] = event->no;
        replay->at_ms[replay->n] = event->at_ms;
        replay->what[replay->n] = event->what;
        replay->body[replay->n++] = event->body;
        replay->head = replay->walk.end;
    }
    return CTL_EXIT_DONE;
}

static void list_lacking(const struct db_result *rows) {
    int n = db_rows(rows);
    for (int i = 0; i < n; i++) {
        struct view at = db_text(rows, i, LACKING_AT), what = db_text(rows, i, LACKING_WHAT);
        fprintf(stderr, "  not in it: event %" PRId64 ", %.*s, %.*s\n",
                db_int8(rows, i, LACKING_NO), (int)at.size, (const char *)at.data, (int)what.size,
                (const char *)what.data);
    }
    if (n > 0 && db_int8(rows, 0, LACKING_TOTAL) > n)
        fprintf(stderr, "  and %" PRId64 " more\n", db_int8(rows, 0, LACKING_TOTAL) - n);
}

static enum ctl_exit ask_lacking(struct replay *replay, struct db_result **out_rows) {
    const struct journal_end *end = &replay->walk.end;
    struct db_params *params = db_params_new(replay->ctl->arena);
    db_param_int8(params, end->no);
    db_param_bytea(params, view_from(end->hash, JOURNAL_HASH_SIZE));
    db_param_int4(params, LACKING_SHOWN);
    return ctl_query(replay->ctl, "select no, at, what, total from lx.security_lacking($1, $2, $3)",
                     params, out_rows);
}

// A journal that ends before the database: if its end is one of the database's own events, there is
// nothing to replay. Only an operator can know that it was not cut off there.
static enum ctl_exit say_lacking(struct replay *replay) {
    struct db_result *rows = NULL;
    int64_t last = replay->walk.end.no;
    enum ctl_exit exit_code = ask_lacking(replay, &rows);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    if (db_rows(rows) == 0)
        exit_code = ctl_refuse("%s: ends with event %" PRId64 ", before the database's own last "
                               "event %" PRId64 ", and with none of the database's: it is a copy "
                               "from long before, or another database's. Replay the one that the "
                               "server wrote; if it is lost: lianxiaoctl epoch accept",
                               replay->path, last, replay->head.no);
    else if (!replay->anyhow)
        exit_code =
            ctl_refuse("%s: ends with event %" PRId64 ", and the database has %" PRId64
                       " more (below). Either the server ended before it had written them: "
                       "if this is the file that it wrote last, nothing is missing, replay "
                       "it again with --incomplete. Or it was cut off, or is a former copy: "
                       "replay the newest one, else whoever was revoked since is let in "
                       "again",
                       replay->path, last, db_int8(rows, 0, LACKING_TOTAL));
    list_lacking(rows);
    db_sync_free_result(&rows);
    return exit_code;
}

static enum ctl_exit open_epoch(struct replay *replay) {
    enum ctl_exit exit_code = send(replay, true);
    if (exit_code == CTL_EXIT_DONE)
        printf("%zu events replayed up to %" PRId64 "; the database is open\n",
               replay->done - replay->left_out, replay->head.no);
    if (exit_code == CTL_EXIT_DONE && replay->is_broken)
        puts("the journal cannot be continued: begin a new security_journal (and LIANXIAO_JOURNAL) "
             "before lianxiaod starts");
    if (exit_code == CTL_EXIT_DONE && replay->left_out > 0)
        printf("%zu lines were left out, see above: give again by hand what is missing\n",
               replay->left_out);
    return exit_code;
}

static enum ctl_exit end_gathered(struct replay *replay) {
    struct ctl *ctl = replay->ctl;
    struct db_result *row = NULL;
    struct db_params *params = db_params_new(ctl->arena);
    db_param_string(params, ctl->operator_);
    db_param_text_array(params, replay->n, replay->what);
    db_param_text_array(params, replay->n, replay->body);
    enum ctl_exit exit_code = ctl_query(
        ctl, "select verdict from lx.security_end_all($1, $2::text[], $3::text[])", params, &row);
    if (exit_code == CTL_EXIT_DONE && db_int8(row, 0, 0) != DONE)
        exit_code = ctl_refuse("the database is open: there is nothing to replay");
    db_sync_free_result(&row);
    replay->n = 0;
    return exit_code;
}

// What lines behind a broken one tell is not known for sure to be the last word, but what they end
// is ended: nobody is let in whose revocation can be read. Then the database goes on from there.
static enum ctl_exit end_behind(struct replay *replay) {
    struct journal_event event;
    struct view line;
    enum ctl_exit exit_code = send(replay, false);
    while (exit_code == CTL_EXIT_DONE && journal_peek(&replay->walk, &line)) {
        journal_skip(&replay->walk, line);
        if (journal_parse(line, &event) != STATUS_OK)
            continue;
        replay->what[replay->n] = event.what;
        replay->body[replay->n++] = event.body;
        if (replay->n == BATCH)
            exit_code = end_gathered(replay);
    }
    if (exit_code == CTL_EXIT_DONE)
        exit_code = end_gathered(replay);
    return exit_code == CTL_EXIT_DONE ? read_head(replay) : exit_code;
}

// A broken line: nothing behind it counts, unless the database has proved it (find_head).
static enum ctl_exit say_broken(struct replay *replay) {
    replay->is_broken = true;
    say_where(replay->path, &replay->walk);
    return replay->anyhow
               ? CTL_EXIT_DONE
               : ctl_refuse("nothing after that was replayed and the database stays closed. Is "
                            "there a whole copy? To open it with what is good: --incomplete; what "
                            "whole lines behind it have ended is ended then, too, but whoever was "
                            "revoked by the broken one is let in again, with the password of "
                            "before, until he is revoked again");
}

static enum ctl_exit find_start(struct replay *replay, struct journal_event *event,
                                enum status *status) {
    *status = skip_known(replay, event);
    if (*status == STATUS_NOT_FOUND)
        return say_lacking(replay);
    if (*status == STATUS_CORRUPT) {
        enum ctl_exit exit_code = say_broken(replay);
        if (exit_code != CTL_EXIT_DONE || (*status = find_head(replay, event)) == STATUS_OK)
            return exit_code;
    }
    if (*status == STATUS_OK && fits(replay, event))
        return CTL_EXIT_DONE;
    return ctl_refuse("%s: no line follows the database's event %" PRId64
                      ": the journal begins too "
                      "late, or is another database's. Replay the file before it first; if that "
                      "is lost: lianxiaoctl epoch accept",
                      replay->path, replay->head.no);
}

static enum ctl_exit run(struct replay *replay) {
    struct journal_event event;
    enum status status;
    enum ctl_exit exit_code = find_start(replay, &event, &status);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = put_all(replay, &event, &status);
    if (exit_code == CTL_EXIT_DONE && status == STATUS_CORRUPT)
        exit_code = say_broken(replay);
    if (exit_code == CTL_EXIT_DONE && status == STATUS_CORRUPT)
        exit_code = end_behind(replay);
    return exit_code == CTL_EXIT_DONE ? open_epoch(replay) : exit_code;
}

// A journal that knows more than the database shows an old copy of its files, too. A broken one
// proves nothing.
static enum ctl_exit look_ahead(struct replay *replay) {
    struct journal_event event;
    struct journal_walk walk = replay->walk;
    enum status status;
    while ((status = journal_next(&walk, &event)) == STATUS_OK)
        ;
    bool whole = status == STATUS_NOT_FOUND && walk.lines > 0;
    return whole ? ctl_epoch_check(replay->ctl, &walk.end) : CTL_EXIT_DONE;
}

enum ctl_exit ctl_journal_replay(struct ctl *ctl) {
    struct view text;
    const char *path = ctl->arguments[0];
    struct replay *replay = arena_alloc(ctl->arena, sizeof *replay);
    if (replay == NULL)
        return ctl_unreachable("out of memory");
    *replay =
        (struct replay){.ctl = ctl, .path = path, .anyhow = ctl_value(ctl, "incomplete") != NULL};
    if (journal_map(path, &text) != STATUS_OK)
        return ctl_unreachable("%s: %s", path, strerror(errno));
    replay->walk.text = text;
    enum ctl_exit exit_code = look_ahead(replay);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = read_head(replay);
    if (exit_code == CTL_EXIT_DONE && replay->is_open)
        puts("the database is open: there is nothing to replay");
    else if (exit_code == CTL_EXIT_DONE)
        exit_code = run(replay);
    journal_unmap(&text);
    return exit_code;
}
