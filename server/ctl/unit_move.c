// `unit move`, `unit moves`: a school goes to another district, a workshop to another school. Into
// another district it takes three steps of the database, each whole by itself and repeatable: when
// this program is killed between them, the same command goes on where it stopped. `unit merge`,
// `unit close`: a unit goes into another one, or ends.
#include "server/ctl/ctl.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/uuid.h"

#define WAIT_S_MAX 3600
#define WAIT_S 60
#define PAUSE_NS (100 * 1000 * 1000)

// Verdicts of unit_move and unit_move_in (sql/README.md).
enum { MOVE_DONE = 1, MOVE_UNDER_WAY, MOVE_NO_UNIT, MOVE_UNFIT, MOVE_OTHER, MOVE_THERE };
enum { IN_DONE = 1, IN_WAIT, IN_UNKNOWN, IN_CLASH, IN_TAKEN };

static enum ctl_exit read_wait(struct ctl *ctl, long *out_seconds) {
    const char *text = ctl_value(ctl, "wait");
    *out_seconds = WAIT_S;
    if (text == NULL)
        return CTL_EXIT_DONE;
    return ctl_parse_number("wait", text, 0, WAIT_S_MAX, out_seconds);
}

static enum ctl_exit begin(struct ctl *ctl, const char *to, int64_t *out_verdict,
                           struct uuid *out_move) {
    struct db_params *params = db_params_new(ctl->arena);
    struct db_result *result = NULL;
    db_param_string(params, ctl->operator_);
    db_param_uuid(params, uuid_new_v7(clock_now_ms()));
    db_param_string(params, ctl->arguments[0]);
    db_param_string(params, to);
    enum ctl_exit exit_code =
        ctl_query(ctl, "select verdict, move from lx.unit_move($1, $2, $3, $4)", params, &result);
    if (exit_code == CTL_EXIT_DONE) {
        *out_verdict = db_int8(result, 0, 0);
        *out_move = db_uuid(result, 0, 1);
    }
    db_sync_free_result(&result);
    return exit_code;
}

static enum ctl_exit refuse(const struct ctl *ctl, int64_t verdict, const char *to) {
    const char *code = ctl->arguments[0];
    switch (verdict) {
    case MOVE_NO_UNIT:
        return ctl_refuse("there is no unit %s", code);
    case MOVE_UNFIT:
        return ctl_refuse("%s cannot be under %s: schools move to a district, workshops to a "
                          "school, and to none that is closed",
                          code, to);
    case MOVE_OTHER:
        return ctl_refuse("%s, a part of it or %s is under way elsewhere, or something is on its "
                          "way into %s: see lianxiaoctl unit moves, and end that with unit move",
                          code, to, code);
    default:
        return ctl_refuse("the database gave verdict %lld", (long long)verdict);
    }
}

static void tell_clash(const struct ctl *ctl, struct view what, struct uuid id) {
    char text[UUID_TEXT_SIZE];
    uuid_format(id, text);
    fprintf(stderr,
            "lianxiaoctl: %s cannot go in: %.*s of %s is taken there. It stays under way. Have it "
            "changed there and give the same command again, or take the unit back with --back\n",
            ctl->arguments[0], (int)what.size, (const char *)what.data, text);
}

static enum ctl_exit ask_in(struct ctl *ctl, struct uuid move, bool back, int64_t *out_verdict) {
    struct db_params *params = db_params_new(ctl->arena);
    struct db_result *result = NULL;
    db_param_string(params, ctl->operator_);
    db_param_uuid(params, move);
    db_param_bool(params, back);
    enum ctl_exit exit_code = ctl_query(
        ctl, "select verdict, what, id from lx.unit_move_in($1, $2, $3)", params, &result);
    *out_verdict = exit_code == CTL_EXIT_DONE ? db_int8(result, 0, 0) : 0;
    if (*out_verdict == IN_CLASH)
        tell_clash(ctl, db_text(result, 0, 1), db_uuid(result, 0, 2));
    db_sync_free_result(&result);
    return exit_code;
}

// The old district's figures give the unit back first, so that nobody counts twice: the assessor's
// next round, usually within a second.
static enum ctl_exit bring_in(struct ctl *ctl, struct uuid move, bool back) {
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    int64_t verdict = IN_WAIT;
    long seconds;
    enum ctl_exit exit_code = read_wait(ctl, &seconds);
    int64_t end_ms = clock_monotonic_ms() + 1000 * seconds;
    while (exit_code == CTL_EXIT_DONE && verdict == IN_WAIT) {
        exit_code = ask_in(ctl, move, back, &verdict);
        if (verdict != IN_WAIT || clock_monotonic_ms() >= end_ms)
            break;
        (void)nanosleep(&pause, NULL);
    }
    if (exit_code != CTL_EXIT_DONE || verdict == IN_DONE)
        return exit_code;
    if (verdict == IN_WAIT)
        return ctl_refuse("%s is under way: the old district's figures have not given it back yet. "
                          "Is the assessor running? Give the same command again",
                          ctl->arguments[0]);
    if (verdict == IN_TAKEN)
        return ctl_refuse("%s has arrived already", ctl->arguments[0]);
    return verdict == IN_CLASH ? CTL_EXIT_REFUSED
                               : ctl_refuse("the database gave verdict %lld", (long long)verdict);
}

static enum ctl_exit end(struct ctl *ctl, struct uuid move) {
    struct db_params *params = db_params_new(ctl->arena);
    struct db_result *result = NULL;
    db_param_uuid(params, move);
    enum ctl_exit exit_code =
        ctl_query(ctl, "select verdict from lx.unit_move_end($1)", params, &result);
    db_sync_free_result(&result);
    return exit_code;
}

static enum ctl_exit list(struct ctl *ctl, struct db_result **out_result) {
    return ctl_query(ctl,
                     "select move, unit_code, from_code, to_code, left_at, people, arrived "
                     "from lx.unit_moves()",
                     NULL, out_result);
}

static enum ctl_exit take_back(struct ctl *ctl) {
    const char *code = ctl->arguments[0];
    struct db_result *result = NULL;
    struct uuid move = {{0}};
    enum ctl_exit exit_code = list(ctl, &result);
    for (int i = 0; exit_code == CTL_EXIT_DONE && i < db_rows(result); i++)
        if (view_equal(db_text(result, i, 1), view_from_string(code)))
            move = db_uuid(result, i, 0);
    db_sync_free_result(&result);
    if (exit_code == CTL_EXIT_DONE && uuid_is_nil(move))
        return ctl_refuse("%s is not under way", code);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = bring_in(ctl, move, true);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = end(ctl, move);
    if (exit_code == CTL_EXIT_DONE)
        printf("%s is back where it was\n", code);
    return exit_code;
}

enum ctl_exit ctl_unit_move(struct ctl *ctl) {
    const char *to = ctl_value(ctl, "to");
    int64_t verdict = 0;
    struct uuid move;
    if ((to != NULL) == (ctl_value(ctl, "back") != NULL))
        return ctl_refuse("say --to and the new parent's code, or --back");
    if (to == NULL)
        return take_back(ctl);
    enum ctl_exit exit_code = begin(ctl, to, &verdict, &move);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    if (verdict == MOVE_UNDER_WAY) {
        printf("%s is under way to %s\n", ctl->arguments[0], to);
        exit_code = bring_in(ctl, move, false);
        if (exit_code == CTL_EXIT_DONE)
            exit_code = end(ctl, move);
        if (exit_code != CTL_EXIT_DONE)
            return exit_code;
    } else if (verdict != MOVE_DONE && verdict != MOVE_THERE) {
        return refuse(ctl, verdict, to);
    }
    printf("%s is under %s%s\n", ctl->arguments[0], to, verdict == MOVE_THERE ? " already" : "");
    return CTL_EXIT_DONE;
}

enum ctl_exit ctl_unit_moves(struct ctl *ctl) {
    struct db_result *result = NULL;
    enum ctl_exit exit_code = list(ctl, &result);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    if (db_rows(result) > 0)
        printf("%-16s  %-12s  %-12s  %-19s  %8s  %s\n", "unit", "from", "to", "since", "people",
               "state");
    for (int i = 0; i < db_rows(result); i++) {
        char since[20];
        struct view unit = db_text(result, i, 1), from = db_text(result, i, 2);
        struct view to = db_text(result, i, 3);
        clock_format_local_time(db_timestamptz_ms(result, i, 4), since);
        printf("%-16.*s  %-12.*s  %-12.*s  %s  %8lld  %s\n", (int)unit.size, unit.data,
               (int)from.size, from.data, (int)to.size, to.data, since,
               (long long)db_int8(result, i, 5),
               db_bool(result, i, 6) ? "arrived, not ended" : "in transit");
    }
    db_sync_free_result(&result);
    return CTL_EXIT_DONE;
}

// ---- units that end ----

enum { CLOSED = 1, CLOSE_NO_UNIT = 3, CLOSE_UNFIT, CLOSE_MOVING, CLOSE_BEFORE, CLOSE_NOT_EMPTY };

static enum ctl_exit tell_closed(const struct ctl *ctl, int64_t verdict, const char *into) {
    const char *code = ctl->arguments[0];
    switch (verdict) {
    case CLOSED:
        printf("%s is closed\n", code);
        return CTL_EXIT_DONE;
    case CLOSE_BEFORE:
        printf("%s is closed already\n", code);
        return CTL_EXIT_DONE;
    case CLOSE_NO_UNIT:
        return ctl_refuse("there is no unit %s", code);
    case CLOSE_UNFIT:
        return into == NULL
                   ? ctl_refuse("%s is neither a school nor a workshop", code)
                   : ctl_refuse("%s cannot go into %s: both must be schools, or workshops, of one "
                                "district, and the other one open. Use unit move first for another "
                                "district",
                                code, into);
    case CLOSE_MOVING:
        return ctl_refuse("%s is under way to another district, or a part of it, or what goes into "
                          "it, or the other one: see unit moves",
                          code);
    case CLOSE_NOT_EMPTY:
        return ctl_refuse("%s has workshops or people: merge it into another unit, or end their "
                          "memberships first",
                          code);
    default:
        return ctl_refuse("the database gave verdict %lld", (long long)verdict);
    }
}

static enum ctl_exit ask_end(struct ctl *ctl, const char *sql, struct db_params *params,
                             const char *into) {
    struct db_result *result = NULL;
    enum ctl_exit exit_code = ctl_query(ctl, sql, params, &result);
    int64_t verdict = exit_code == CTL_EXIT_DONE ? db_int8(result, 0, 0) : 0;
    db_sync_free_result(&result);
    return exit_code == CTL_EXIT_DONE ? tell_closed(ctl, verdict, into) : exit_code;
}

enum ctl_exit ctl_unit_merge(struct ctl *ctl) {
    const char *into = ctl_value(ctl, "into");
    if (into == NULL)
        return ctl_refuse("say --into and the code of the unit that it goes into");
    struct db_params *params = db_params_new(ctl->arena);
    db_param_string(params, ctl->operator_);
    db_param_uuid(params, uuid_new_v7(clock_now_ms()));
    db_param_string(params, ctl->arguments[0]);
    db_param_string(params, into);
    return ask_end(ctl, "select verdict from lx.unit_merge($1, $2, $3, $4)", params, into);
}

enum ctl_exit ctl_unit_close(struct ctl *ctl) {
    struct db_params *params = db_params_new(ctl->arena);
    db_param_string(params, ctl->operator_);
    db_param_string(params, ctl->arguments[0]);
    return ask_end(ctl, "select verdict from lx.unit_close($1, $2)", params, NULL);
}
