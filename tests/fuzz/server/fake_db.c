// Calls wait in a queue; each is answered from the table of statements as the tape has it. See
// fake_db.h.
#include "tests/fuzz/server/fake_db.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/text/utf8.h"
#include "server/db/wire_format.h"
#include "tests/fuzz/server/answers.h"
#include "tests/fuzz/server/spare.h"
#include "tests/fuzz/server/world.h"

#define MAX_ROWS 64
#define MAX_CHANGES 8
#define POOL_CONNECTIONS 2

struct db_pool {
    char unused;
};

struct call {
    struct call *next;
    const char *statement; // borrows: literals of the server
    const struct db_params *params;
    db_done_fn done;
    void *user;
};

static struct call *first, **last = &first;
static const uint8_t *tape_at;
static size_t tape_left;
static unsigned learned;

static const struct {
    const char *statement;
    unsigned what;
} LEARNED[] = {
    {"units", FAKE_DB_UNITS},      {"schemes", FAKE_DB_SCHEMES},   {"push", FAKE_DB_PILE},
    {"push_roster", FAKE_DB_PILE}, {"roster_of", FAKE_DB_ROSTERS},
};

// ---- the pool's side ----

struct db_pool *db_pool_new(struct event_base *base, const struct db_pool_options *options) {
    (void)base;
    (void)options;
    return calloc(1, sizeof(struct db_pool));
}

void db_pool_free(struct db_pool **pool) {
    free(*pool);
    *pool = NULL;
}

// For worker.c, whose own end is not fuzzed: the world ends with all calls answered.
void db_pools_close(struct db_pool *const *pools, size_t n) {
    (void)pools;
    (void)n;
    if (first != NULL)
        abort();
}

bool db_pool_is_up(const struct db_pool *pool) {
    return pool != NULL;
}

unsigned db_pool_connections(const struct db_pool *pool) {
    (void)pool;
    return POOL_CONNECTIONS;
}

unsigned db_pool_load(const struct db_pool *pool, unsigned route) {
    (void)pool;
    (void)route;
    return 0;
}

void db_query(struct db_pool *pool, struct db_scope scope, const char *statement,
              struct db_params *params, db_done_fn done, void *user) {
    (void)pool;
    (void)scope;
    world_spare(true);
    struct call *call = calloc(1, sizeof *call);
    world_spare(false);
    if (call == NULL || statement_find(statement) < 0)
        abort();
    for (size_t i = 0; i < sizeof LEARNED / sizeof LEARNED[0]; i++)
        if (strcmp(LEARNED[i].statement, statement) == 0)
            learned |= LEARNED[i].what;
    *call = (struct call){NULL, statement, params, done, user};
    *last = call;
    last = &call->next;
}

void db_query_routed(struct db_pool *pool, unsigned route, struct db_scope scope,
                     const char *statement, struct db_params *params, db_done_fn done, void *user) {
    (void)route;
    db_query(pool, scope, statement, params, done, user);
}

// ---- the tape ----

void fake_db_begin(struct view tape) {
    if (first != NULL)
        abort(); // the world was not ended
    tape_at = tape.data;
    tape_left = tape.size;
    learned = 0;
}

uint8_t fake_db_decide(void) {
    if (tape_left == 0)
        return 0;
    tape_left--;
    return *tape_at++;
}

unsigned fake_db_learned(void) {
    return learned;
}

static struct view take_bytes(void) {
    size_t size = fake_db_decide();
    struct view bytes = {tape_at, size < tape_left ? size : tape_left};
    tape_at += bytes.size;
    tape_left -= bytes.size;
    return bytes;
}

// ---- odd values ----

static const int64_t ODD_NUMBERS[] = {
    0,         1,         2,         3,         4,         5,         7,    8,    9,  -1, 255, 256,
    INT16_MAX, INT16_MIN, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, 1000, 1001, 99, 13, 14,  16};
static const char *const ODD_TEXTS[] = {"",
                                        "=cmd|' /C calc'!A0",
                                        "%s%n",
                                        "'; drop table fact; --",
                                        "../../etc/passwd",
                                        "340103",
                                        "\xe2\x80\xae",
                                        "\n",
                                        "2021-13-45",
                                        "one"};

// PostgreSQL stores no text that is not UTF-8, and none with a NUL.
static struct view odd_text(void) {
    uint8_t choice = fake_db_decide();
    if (choice < sizeof ODD_TEXTS / sizeof ODD_TEXTS[0])
        return view_from_string(ODD_TEXTS[choice]);
    struct view bytes = take_bytes();
    bool good = utf8_check(bytes, NULL) == UTF8_FLAW_NONE &&
                (bytes.size == 0 || memchr(bytes.data, '\0', bytes.size) == NULL);
    return good && bytes.data != NULL ? bytes : view_from("", 0);
}

static void change(const struct answer_column *column, struct answer_value *value) {
    uint8_t how = fake_db_decide();
    value->is_null = how % 4 == 0;
    switch (column->type) {
    case ANSWER_TEXT:
        value->bytes = odd_text();
        break;
    case ANSWER_BYTEA:
        value->bytes = take_bytes();
        if (value->bytes.data == NULL)
            value->bytes = view_from("", 0);
        break;
    case ANSWER_UUID:
        value->id = world_uuid(fake_db_decide());
        break;
    case ANSWER_BOOLEAN:
    case ANSWER_SMALLINT:
    case ANSWER_INTEGER:
    case ANSWER_BIGINT:
    case ANSWER_DATE:
    case ANSWER_TIMESTAMPTZ:
    case ANSWER_VOID:
    default:
        value->number =
            ODD_NUMBERS[fake_db_decide() % (sizeof ODD_NUMBERS / sizeof ODD_NUMBERS[0])];
    }
}

// ---- rows ----

struct shape {
    int rows;
    size_t n_changes;
    struct {
        int row, column;
    } changes[MAX_CHANGES];
};

static void store(PGresult *pg, const struct answer_column *column,
                  const struct answer_value *value, int row, int at) {
    uint8_t room[8];
    uint64_t number = (uint64_t)value->number;
    struct view bytes = value->bytes;
    if (column->type == ANSWER_TIMESTAMPTZ)
        number = (uint64_t)wire_timestamp(value->number);
    if (column->type == ANSWER_DATE)
        number = (uint64_t)(value->number - WIRE_EPOCH_DAY);
    static const size_t sizes[] = {
        [ANSWER_BOOLEAN] = 1, [ANSWER_SMALLINT] = 2,    [ANSWER_INTEGER] = 4, [ANSWER_BIGINT] = 8,
        [ANSWER_DATE] = 4,    [ANSWER_TIMESTAMPTZ] = 8, [ANSWER_VOID] = 0};
    if (column->type == ANSWER_UUID) {
        bytes = view_from(value->id.bytes, UUID_SIZE);
    } else if (column->type != ANSWER_TEXT && column->type != ANSWER_BYTEA) {
        if (column->type == ANSWER_BOOLEAN)
            number = number != 0;
        number = htobe64(number);
        memcpy(room, &number, sizeof room);
        bytes = view_from(room + sizeof room - sizes[column->type], sizes[column->type]);
    }
    char *data = value->is_null || bytes.data == NULL ? NULL : (char *)(uintptr_t)bytes.data;
    if (PQsetvalue(pg, row, at, data, data == NULL ? -1 : (int)bytes.size) == 0)
        abort();
}

static PGresult *make_result(const struct call *call, const struct answer_statement *statement,
                             const struct shape *shape) {
    PGresAttDesc columns[ANSWER_MAX_COLUMNS] = {0};
    PGresult *pg = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    for (int i = 0; i < statement->n_columns; i++)
        columns[i] = (PGresAttDesc){.name = (char *)(uintptr_t)statement->columns[i].name,
                                    .format = 1,
                                    .typlen = -1,
                                    .atttypmod = -1};
    if (pg == NULL || PQsetResultAttrs(pg, statement->n_columns, columns) == 0)
        abort();
    for (int row = 0; row < shape->rows; row++) {
        for (int i = 0; i < statement->n_columns; i++) {
            struct answer_value value = answer_cell(statement, call->params, row, i);
            for (size_t at = 0; at < shape->n_changes; at++)
                if (shape->changes[at].row == row && shape->changes[at].column == i)
                    change(&statement->columns[i], &value);
            store(pg, &statement->columns[i], &value, row, i);
        }
    }
    return pg;
}

static struct shape choose_shape(const struct call *call, const struct answer_statement *statement,
                                 uint8_t byte) {
    struct shape shape = {.rows = answer_rows(statement, call->params)};
    if (byte == 0)
        return shape;
    switch (byte >> 5) {
    case 1:
        shape.rows = shape.rows > 0 ? shape.rows - 1 : 0;
        break;
    case 2:
        shape.rows *= 5;
        break;
    case 3:
        shape.rows = fake_db_decide();
        break;
    case 4:
        shape.rows = 0;
        break;
    default:
        break;
    }
    shape.rows = shape.rows < MAX_ROWS ? shape.rows : MAX_ROWS;
    shape.n_changes = byte & (MAX_CHANGES - 1);
    for (size_t i = 0; i < shape.n_changes; i++) {
        shape.changes[i].row = fake_db_decide() % MAX_ROWS;
        shape.changes[i].column = fake_db_decide() % ANSWER_MAX_COLUMNS;
    }
    return shape;
}

// The statuses of db_done_fn. The first two say nothing more; the rest come with the error.
static const enum status FAILURES[] = {STATUS_AGAIN,   STATUS_IO,       STATUS_CONFLICT,
                                       STATUS_EXISTS,  STATUS_DENIED,   STATUS_INVALID,
                                       STATUS_CORRUPT, STATUS_NO_MEMORY};

static void fail(const struct call *call, enum status status) {
    bool silent = status == STATUS_AGAIN || status == STATUS_IO;
    struct db_result result = {silent ? NULL : PQmakeEmptyPGresult(NULL, PGRES_FATAL_ERROR)};
    call->done(call->user, status, silent ? NULL : &result);
    PQclear(result.pg);
}

bool fake_db_answer(void) {
    struct call *call = first;
    if (call == NULL)
        return false;
    first = call->next;
    last = first != NULL ? last : &first;
    uint8_t byte = fake_db_decide();
    const struct answer_statement *statement = answer_statement(call->statement);
    if (statement == NULL)
        abort(); // tests/sql says how to make the table anew
    if (byte > 0 && byte <= sizeof FAILURES / sizeof FAILURES[0]) {
        fail(call, FAILURES[byte - 1]);
    } else if (call->params != NULL && call->params->failed) {
        fail(call, STATUS_NO_MEMORY);
    } else {
        struct shape shape = choose_shape(call, statement, byte);
        struct db_result result = {make_result(call, statement, &shape)};
        call->done(call->user, STATUS_OK, &result);
        PQclear(result.pg);
    }
    free(call);
    return true;
}
