// Statistics: figures of a unit by unit, district, school, workshop, indicator or stage, and up to
// when they are true. One statement reads roll-ups and watermark in one snapshot.
#include <string.h>

#include "common/assess/scheme.h"
#include "common/base/clock.h"
#include "proto/statistics.pb-c.h"
#include "server/handlers.h"
#include "server/handlers/table.h"
#include "server/worker.h"

#define DEFAULT_LINES 500
#define MAX_LINES 1000
#define MAX_AT_LEAST 10000
#define MAX_CODE_BYTES 128

// What the lines are; the level of units, or 0.
struct by_row {
    Lx__StatisticsBy by;
    const char *statement;
    int32_t level; // of the lines; 0: items
    bool stages;
};

static const struct by_row BY_ROWS[] = {
    {LX__STATISTICS_BY__BY_UNIT, "statistics_units", 0, false},
    {LX__STATISTICS_BY__BY_DISTRICT, "statistics_units", LX__UNIT_LEVEL__DISTRICT, false},
    {LX__STATISTICS_BY__BY_SCHOOL, "statistics_units", LX__UNIT_LEVEL__SCHOOL, false},
    {LX__STATISTICS_BY__BY_WORKSHOP, "statistics_units", LX__UNIT_LEVEL__WORKSHOP, false},
    {LX__STATISTICS_BY__BY_INDICATOR, "statistics_items", 0, false},
    {LX__STATISTICS_BY__BY_STAGE, "statistics_items", 0, true},
};

// Columns of all three statements.
enum {
    COLUMN_COMPLETE_THROUGH,
    COLUMN_SCHEME_VERSION,
    COLUMN_TO_RESCORE,
    COLUMN_DAY,
    COLUMN_COVERS,
    COLUMN_CODE,
    COLUMN_NAME,
    COLUMN_LEVEL,
    COLUMN_ROLE,
    COLUMN_SUBJECTS,
    COLUMN_PASSED,
    COLUMN_OPEN,
    COLUMN_FAILED,
    COLUMN_EXEMPT,
    COLUMN_POINTS,
    COLUMN_DONE,
    COLUMN_STARTED,
    COLUMN_LATE,
    COLUMN_MISSED,
    COLUMN_ONLINE_HOURS,
    COLUMN_SCHOOL_HOURS,
    COLUMN_CREDITS
};

struct asking {
    struct request *request; // borrows
    const struct by_row *by;
    struct uuid unit;
    uint32_t programme;
    uint32_t limit;
    struct uuid *streams; // at least
    int64_t *seqs;
    size_t n_at_least;
};

// The scheme that is in force; NULL: no such programme. Valid within this turn of the loop.
static const struct scheme *find_scheme(struct request *request, uint32_t programme) {
    size_t n = 0;
    const struct judge_programme *programmes =
        scheme_cache_programmes(request_worker(request)->handlers->schemes, &n);
    for (size_t i = 0; i < n; i++) {
        if (programmes[i].number == programme)
            return programmes[i].scheme;
    }
    return NULL;
}

// The scheme's own word for an indicator or stage, "" when it has none.
static const char *item_name(const struct scheme *scheme, bool stages, const char *code) {
    const Lx__Text *label = NULL;
    if (scheme != NULL && stages) {
        const struct stage *stage = scheme_stage(scheme, code);
        label = stage == NULL ? NULL : stage->source->label;
    } else if (scheme != NULL) {
        const struct rule *rule = scheme_rule(scheme, code);
        label = rule == NULL ? NULL : rule->source->label;
    }
    return label == NULL || label->zh == NULL ? "" : label->zh;
}

// One field of StatisticsLine from one column.
#define FILL(field, column)                                                                        \
    do {                                                                                           \
        line->has_##field = true;                                                                  \
        line->field = (__typeof__(line->field))db_int8(result, row, (column));                     \
    } while (0)

static void fill_figures(const struct db_result *result, int row, Lx__StatisticsLine *line) {
    FILL(level, COLUMN_LEVEL);
    FILL(role, COLUMN_ROLE);
    FILL(subjects, COLUMN_SUBJECTS);
    FILL(passed, COLUMN_PASSED);
    FILL(open, COLUMN_OPEN);
    FILL(failed, COLUMN_FAILED);
    FILL(exempt, COLUMN_EXEMPT);
    FILL(points, COLUMN_POINTS);
    FILL(done, COLUMN_DONE);
    FILL(started, COLUMN_STARTED);
    FILL(late, COLUMN_LATE);
    FILL(missed, COLUMN_MISSED);
    FILL(online_hours, COLUMN_ONLINE_HOURS);
    FILL(school_hours, COLUMN_SCHOOL_HOURS);
    FILL(credits, COLUMN_CREDITS);
    if (line->role == LX__ROLE__TEACHER)
        FILL(teachers, COLUMN_SUBJECTS);
}

// NULL: the arena is full.
static Lx__StatisticsLine *make_line(const struct asking *asking, const struct db_result *result,
                                     int row) {
    struct arena *arena = request_arena(asking->request);
    Lx__StatisticsLine *line = arena_alloc(arena, sizeof(*line));
    if (line == NULL)
        return NULL;
    lx__statistics_line__init(line);
    fill_figures(result, row, line);
    line->code = arena_string(arena, db_text(result, row, COLUMN_CODE));
    if (line->code == NULL)
        return NULL;
    struct view name = db_text(result, row, COLUMN_NAME);
    if (name.data == NULL)
        name = view_from_string(item_name(find_scheme(asking->request, asking->programme),
                                          asking->by->stages, line->code));
    line->name = arena_string(arena, name);
    return line->name == NULL ? NULL : line;
}

// One line more than asked for says that there is more; lines of the last code stay together.
static enum status fill_lines(const struct asking *asking, const struct db_result *result,
                              Lx__StatisticsReply *reply) {
    reply->lines =
        arena_array(request_arena(asking->request), (size_t)db_rows(result) + 1, sizeof(void *));
    if (reply->lines == NULL)
        return STATUS_NO_MEMORY;
    for (int row = 0; row < db_rows(result) && !db_is_null(result, row, COLUMN_CODE); row++) {
        bool same = row > 0 && view_equal(db_text(result, row, COLUMN_CODE),
                                          db_text(result, row - 1, COLUMN_CODE));
        if (reply->n_lines >= asking->limit && !same) {
            reply->more = true;
            break;
        }
        Lx__StatisticsLine *line = make_line(asking, result, row);
        if (line == NULL)
            return STATUS_NO_MEMORY;
        reply->lines[reply->n_lines++] = line;
    }
    reply->has_more = true;
    return STATUS_OK;
}

static void fill_mark(const struct db_result *result, char day[11], Lx__StatisticsReply *reply) {
    reply->has_complete_through_ms = !db_is_null(result, 0, COLUMN_COMPLETE_THROUGH);
    if (reply->has_complete_through_ms)
        reply->complete_through_ms = db_timestamptz_ms(result, 0, COLUMN_COMPLETE_THROUGH);
    reply->has_scheme_version = reply->has_to_rescore = reply->has_covers_at_least = true;
    reply->scheme_version = (uint32_t)db_int8(result, 0, COLUMN_SCHEME_VERSION);
    reply->to_rescore = (uint64_t)db_int8(result, 0, COLUMN_TO_RESCORE);
    reply->covers_at_least = db_bool(result, 0, COLUMN_COVERS);
    if (!db_is_null(result, 0, COLUMN_DAY)) {
        clock_format_day(db_date(result, 0, COLUMN_DAY), day);
        reply->as_of = day;
    }
}

static void on_figures(void *user, enum status status, const struct db_result *result) {
    struct asking *asking = user;
    Lx__StatisticsReply reply = LX__STATISTICS_REPLY__INIT;
    char day[11];
    if (status == STATUS_OK && db_rows(result) == 0) {
        request_fail(asking->request, REASON_NOT_IN_SCOPE, "unit", NULL);
        return;
    }
    if (status == STATUS_OK) {
        fill_mark(result, day, &reply);
        status = fill_lines(asking, result, &reply);
    }
    if (status != STATUS_OK)
        request_fail_status(asking->request, status, "statistics");
    else
        request_reply(asking->request, &reply.base);
}

static bool lists_units(const struct by_row *by) {
    return strcmp(by->statement, "statistics_units") == 0;
}

// Takes params without what the figures shall contain, which all statements end with.
static void ask(struct asking *asking, const char *statement, struct db_params *params) {
    struct request *request = asking->request;
    db_param_uuid_array(params, asking->n_at_least, asking->streams, NULL);
    db_param_int8_array(params, asking->n_at_least, asking->seqs, NULL);
    scope_query(session_of(request)->scope, request_worker(request)->reads, statement, params,
                on_figures, asking);
}

// The unit's own line.
static void ask_line(struct asking *asking) {
    struct db_params *params = db_params_new(request_arena(asking->request));
    db_param_int4(params, (int32_t)asking->programme);
    db_param_uuid(params, asking->unit);
    ask(asking, "statistics_unit", params);
}

static void ask_lines(struct asking *asking, int32_t level, const char *after) {
    struct db_params *params = db_params_new(request_arena(asking->request));
    db_param_int4(params, (int32_t)asking->programme);
    db_param_uuid(params, asking->unit);
    if (lists_units(asking->by))
        db_param_int4(params, level);
    else
        db_param_bool(params, asking->by->stages);
    db_param_string(params, after);
    db_param_int4(params, (int32_t)asking->limit + 1);
    ask(asking, asking->by->statement, params);
}

// False: answered with what is wrong.
static bool read_at_least(struct asking *asking, const Lx__StatisticsRequest *message) {
    struct request *request = asking->request;
    size_t n = message->n_at_least;
    if (n > MAX_AT_LEAST) {
        request_fail(request, REASON_TOO_MANY, "at_least", "10000", NULL);
        return false;
    }
    asking->streams = arena_array(request_arena(request), n, sizeof(*asking->streams));
    asking->seqs = arena_array(request_arena(request), n, sizeof(*asking->seqs));
    if (asking->streams == NULL || asking->seqs == NULL) {
        request_fail_status(request, STATUS_NO_MEMORY, "statistics");
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const Lx__AtLeast *at = message->at_least[i];
        struct view id = view_from(at->stream.data, at->stream.len);
        if (uuid_from_bytes(id, &asking->streams[i]) != STATUS_OK || at->seq > INT64_MAX) {
            char *field = arena_format(request_arena(request), "at_least[%zu]", i);
            request_fail(request, REASON_FIELD_INVALID, field, NULL);
            return false;
        }
        asking->seqs[i] = (int64_t)at->seq;
    }
    asking->n_at_least = n;
    return true;
}

static const struct by_row *find_by(Lx__StatisticsBy by) {
    for (size_t i = 0; i < sizeof(BY_ROWS) / sizeof(BY_ROWS[0]); i++) {
        if (BY_ROWS[i].by == by)
            return &BY_ROWS[i];
    }
    return NULL;
}

// Field that is wrong by itself, NULL: none. The unit's place is looked at later.
static const char *wrong_field(struct asking *asking, const Lx__StatisticsRequest *message) {
    asking->by = find_by(message->has_by ? message->by : LX__STATISTICS_BY__BY_UNIT);
    asking->limit = message->has_limit ? message->limit : DEFAULT_LINES;
    asking->programme = message->programme;
    if (asking->by == NULL)
        return "by";
    if (asking->limit == 0 || asking->limit > MAX_LINES)
        return "limit";
    if (message->after != NULL && strlen(message->after) > MAX_CODE_BYTES)
        return "after";
    struct view unit = view_from(message->unit.data, message->unit.len);
    return uuid_from_bytes(unit, &asking->unit) == STATUS_OK ? NULL : "unit";
}

void handle_statistics(struct request *request) {
    const Lx__StatisticsRequest *message = request_message(request);
    struct asking *asking = arena_alloc(request_arena(request), sizeof(*asking));
    if (asking == NULL) {
        request_fail_status(request, STATUS_NO_MEMORY, "statistics");
        return;
    }
    asking->request = request;
    const char *field = wrong_field(asking, message);
    if (field != NULL) {
        request_fail(request, REASON_FIELD_INVALID, field, NULL);
        return;
    }
    if (find_scheme(request, asking->programme) == NULL) {
        char *number = arena_format(request_arena(request), "%u", asking->programme);
        request_fail(request, REASON_PROGRAMME_UNKNOWN, "programme", number, NULL);
        return;
    }
    const struct unit_row *unit =
        units_find(request_worker(request)->handlers->units, asking->unit);
    if (unit == NULL || !handlers_can(request, asking->unit, CAPABILITY_STATISTICS)) {
        request_fail(request, REASON_NOT_IN_SCOPE, "unit", NULL); // the same for both
        return;
    }
    int32_t level = asking->by->level == 0 ? (int32_t)unit->level : asking->by->level;
    if (level < (int32_t)unit->level) {
        request_fail(request, REASON_FIELD_INVALID, "by", NULL); // lines lie below the unit
        return;
    }
    const char *after = message->after == NULL ? "" : message->after;
    bool is_line = lists_units(asking->by) && level == (int32_t)unit->level && after[0] == '\0';
    if (!read_at_least(asking, message))
        return;
    if (is_line && level != LX__UNIT_LEVEL__CITY) // the city's is the sum of its districts'
        ask_line(asking);
    else
        ask_lines(asking, level, after);
}
