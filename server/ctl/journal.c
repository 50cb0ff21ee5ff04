// `journal check`, `journal replay`, `epoch accept`, and the lines that every other command's own
// changes add to the security journal.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/ctl/ctl.h"
#include "server/journal.h"

#define BATCH 500

// ---- before and after a command ----

enum ctl_exit ctl_epoch_check(struct ctl *ctl, const struct journal_end *end) {
    struct db_params *params = db_params_new(ctl->arena);
    if (end != NULL) {
        db_param_int8(params, end->no);
        db_param_bytea(params, view_from(end->hash, JOURNAL_HASH_SIZE));
    } else {
        db_param_null(params);
        db_param_null(params);
    }
    struct db_result *row = NULL;
    enum ctl_exit exit_code =
        ctl_query(ctl, "select * from lx.epoch_check($1::int8, $2::bytea)", params, &row);
    db_sync_free_result(&row);
    return exit_code;
}

enum { EVENT_NO, EVENT_AT_MS, EVENT_WHAT, EVENT_BODY, EVENT_HASH, EVENT_BEFORE };

static enum ctl_exit append_rows(struct ctl *ctl, const struct db_result *rows,
                                 struct journal_end *end) {
    char error[JOURNAL_ERROR_SIZE];
    size_t n = (size_t)db_rows(rows);
    struct journal_event *events = arena_array(ctl->arena, n + 1, sizeof *events);
    if (events == NULL)
        return ctl_unreachable("out of memory");
    for (size_t i = 0; i < n; i++) {
        int row = (int)i;
        events[i] = (struct journal_event){
            .no = db_int8(rows, row, EVENT_NO),
            .at_ms = db_int8(rows, row, EVENT_AT_MS),
            .what = db_text(rows, row, EVENT_WHAT),
            .body = db_text(rows, row, EVENT_BODY),
        };
        memcpy(events[i].hash, db_bytea(rows, row, EVENT_HASH).data, JOURNAL_HASH_SIZE);
        memcpy(events[i].before, db_bytea(rows, row, EVENT_BEFORE).data, JOURNAL_HASH_SIZE);
    }
    enum status status = journal_append(ctl->journal, events, n, end, error);
    return status == STATUS_OK
               ? CTL_EXIT_DONE
               : ctl_unreachable("done, but the security journal has it not: %s", error);
}

enum ctl_exit ctl_journal_add(struct ctl *ctl) {
    struct journal_end end;
    char error[JOURNAL_ERROR_SIZE];
    if (journal_append(ctl->journal, NULL, 0, &end, error) != STATUS_OK)
        return ctl_unreachable("done, but the security journal has it not: %s", error);
    for (;;) {
        struct db_result *rows = NULL;
        struct db_params *params = db_params_new(ctl->arena);
        db_param_int8(params, end.no);
        db_param_int4(params, BATCH);
        enum ctl_exit exit_code = ctl_query(ctl,
                                            "select no, at_ms, what, body, hash, hash_before"
                                            " from lx.security_events($1::int8, $2::int4)",
                                            params, &rows);
        if (exit_code != CTL_EXIT_DONE)
            return exit_code;
        int n = db_rows(rows);
        if (n > 0)
            exit_code = append_rows(ctl, rows, &end);
        db_sync_free_result(&rows);
        if (exit_code != CTL_EXIT_DONE || n < BATCH)
            return exit_code;
    }
}

// ---- reading a journal ----

static void say_where(const char *path, const struct journal_walk *walk) {
    ctl_refuse("%s: line %zu is broken, or lines before it are missing: the journal was changed; "
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
    size_t n;
    size_t done;
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

static enum ctl_exit say_verdict(struct replay *replay, int64_t verdict, struct uuid unit) {
    char text[UUID_TEXT_SIZE];
    uuid_format(unit, text);
    if (verdict == 1)
        return CTL_EXIT_DONE;
    if (verdict == 4)
        return ctl_refuse("the journal speaks of unit %s, which the database has lost: import the "
                          "units again (lianxiaoctl unit import), then replay again",
                          text);
    return ctl_refuse(verdict == 2 ? "the database is open: there is nothing to replay"
                                   : "%s: its events do not follow the database's last one",
                      replay->path);
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
    enum ctl_exit exit_code =
        ctl_query(ctl,
                  "select verdict, unit from lx.security_replay($1, $2::int8[], "
                  "$3::int8[], $4::text[], $5::text[], $6, $7)",
                  params, &row);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    exit_code = say_verdict(replay, db_int8(row, 0, 0), db_uuid(row, 0, 1));
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
        replay->no[replay->n] = event->no;
        replay->at_ms[replay->n] = event->at_ms;
        replay->what[replay->n] = event->what;
        replay->body[replay->n++] = event->body;
        replay->head = replay->walk.end;
    }
    return CTL_EXIT_DONE;
}

// The journal must know the database's last event, or begin right after it.
static bool fits(const struct replay *replay, const struct journal_event *event) {
    if (event->no == replay->head.no)
        return memcmp(event->hash, replay->head.hash, JOURNAL_HASH_SIZE) == 0;
    return event->no == replay->head.no + 1 &&
           memcmp(event->before, replay->head.hash, JOURNAL_HASH_SIZE) == 0;
}

static enum ctl_exit run(struct replay *replay) {
    struct journal_event event;
    enum status status = skip_known(replay, &event);
    if (status == STATUS_OK && !fits(replay, &event))
        return ctl_refuse("%s: event %" PRId64 " does not follow the database's event %" PRId64
                          ": the journal begins too late, or is another database's",
                          replay->path, event.no, replay->head.no);
    if (status == STATUS_NOT_FOUND && !replay->anyhow)
        return ctl_refuse("%s: ends with event %" PRId64 ", before the database's own last event "
                          "%" PRId64 ": it was cut off, or is another database's. To open all the "
                          "same: --incomplete",
                          replay->path, replay->walk.end.no, replay->head.no);
    enum ctl_exit exit_code = put_all(replay, &event, &status);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    if (status == STATUS_CORRUPT) {
        say_where(replay->path, &replay->walk);
        if (!replay->anyhow)
            return ctl_refuse("nothing after that was replayed and the database stays closed. To "
                              "open it with what is good: --incomplete");
    }
    exit_code = send(replay, true);
    if (exit_code == CTL_EXIT_DONE)
        printf("%zu events replayed up to %" PRId64 "; the database is open\n", replay->done,
               replay->head.no);
    return exit_code;
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

enum ctl_exit ctl_epoch_accept(struct ctl *ctl) {
    struct db_result *row = NULL;
    struct db_params *params = db_params_new(ctl->arena);
    db_param_string(params, ctl->operator_);
    enum ctl_exit exit_code =
        ctl_query(ctl, "select verdict from lx.epoch_accept($1)", params, &row);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    bool done = db_int8(row, 0, 0) == 1;
    db_sync_free_result(&row);
    puts(done ? "the database is open without its journal: whoever was revoked after the restore\n"
                "point is let in again until he is revoked again; begin a new security_journal"
              : "the database was open");
    return CTL_EXIT_DONE;
}
