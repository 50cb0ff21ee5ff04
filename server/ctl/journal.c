// `epoch accept`, and the lines that every other command's own changes add to the security journal.
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
