// The small city as the database tells it. See answers.h.
#include "tests/fuzz/server/answers.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/digest.h"
#include "server/db/wire_format.h"
#include "tests/fuzz/server/world.h"

#define MAX_STATEMENTS 256
#define PAST_MS 1630425600000 // 2021-09-01
#define HOUR_MS 3600000

static const struct {
    const char *name;
    enum answer_type type;
} TYPES[] = {
    {"boolean", ANSWER_BOOLEAN}, {"smallint", ANSWER_SMALLINT},
    {"integer", ANSWER_INTEGER}, {"bigint", ANSWER_BIGINT},
    {"text", ANSWER_TEXT},       {"bytea", ANSWER_BYTEA},
    {"date", ANSWER_DATE},       {"timestamp_with_time_zone", ANSWER_TIMESTAMPTZ},
    {"uuid", ANSWER_UUID},       {"void", ANSWER_VOID},
};

// ---- parameters ----

static uint32_t get_u32(const char *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return be32toh(value);
}

size_t answer_param_count(const struct db_params *params, int i) {
    if (params == NULL || i >= params->n || params->values[i] == NULL ||
        params->lengths[i] < WIRE_ARRAY_HEADER || get_u32(params->values[i]) != 1)
        return 0;
    return get_u32(params->values[i] + 12);
}

struct view answer_param_element(const struct db_params *params, int i, size_t at) {
    const char *next = params->values[i] + WIRE_ARRAY_HEADER;
    for (;; at--) {
        uint32_t size = get_u32(next);
        struct view element = {(const uint8_t *)next + 4, size};
        if (size == WIRE_NULL)
            element = (struct view){NULL, 0};
        if (at == 0)
            return element;
        next += 4 + element.size;
    }
}

static struct view param_bytes(const struct db_params *params, int i) {
    if (params == NULL || i >= params->n || params->values[i] == NULL)
        return (struct view){NULL, 0};
    return view_from(params->values[i], (size_t)params->lengths[i]);
}

static int64_t number_of(struct view bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size && i < 8; i++)
        value = value << 8 | bytes.data[i];
    return (int64_t)value;
}

static struct uuid uuid_of(struct view bytes) {
    struct uuid id = {{0}};
    if (bytes.size == UUID_SIZE)
        memcpy(id.bytes, bytes.data, UUID_SIZE);
    return id;
}

// ---- values by the names of columns ----

static const struct {
    const char *name;
    int64_t number;
} NUMBERS[] = {
    {"level", LX__UNIT_LEVEL__WORKSHOP},
    {"role", LX__ROLE__TEACHER},
    {"wait_ms", 0},
    {"to_rescore", 0},
    {"digest", 0},
    {"head", 10},
    {"must_change", 0},
    {"guest", 0},
    {"voided", 0},
    {"failures", 0},
    {"kind", 4},
    {"quantity", 100},
    {"scheme_version", 1},
    {"points", 850},
    {"total", 10000},
    {"printed_size", 35},
    {"flags", 0},
    {"day", 18949},
    {"as_of", 18949},
};

static const struct {
    const char *name, *text;
} TEXTS[] = {
    {"name", "张三"},   {"account", "zhang.san"}, {"hash", "right"}, {"code", "school"},
    {"item", "school"}, {"form", "lecture"},      {"title", "教师"}, {"unit_code", "3401030001"},
};

static const struct {
    const char *name;
    int id;
} IDS[] = {
    {"person", WORLD_ME},       {"actor", WORLD_ME},      {"subject", WORLD_TEACHER},
    {"stream", WORLD_WORKSHOP}, {"unit", WORLD_WORKSHOP}, {"home_stream", WORLD_WORKSHOP},
    {"parent", WORLD_DISTRICT},
};

static const char *const NULLS[] = {"until_at",  "of_id",      "left_at",   "revoked_at",
                                    "frozen_at", "submission", "source_key"};

static int64_t usual_number(const struct answer_column *column) {
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++)
        if (strcmp(NUMBERS[i].name, column->name) == 0)
            return NUMBERS[i].number;
    if (strcmp(column->name, "idle_until") == 0)
        return WORLD_NOW_MS + HOUR_MS;
    return column->type == ANSWER_TIMESTAMPTZ ? PAST_MS : 1;
}

static struct view usual_text(const char *name) {
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++)
        if (strcmp(TEXTS[i].name, name) == 0)
            return view_from_string(TEXTS[i].text);
    return view_from_string("x");
}

static struct answer_value usual(const struct answer_column *column, bool *out_id_of_row) {
    struct answer_value value = {.number = usual_number(column), .bytes = view_from("", 0)};
    *out_id_of_row = true;
    for (size_t i = 0; i < sizeof IDS / sizeof IDS[0]; i++) {
        if (strcmp(IDS[i].name, column->name) != 0)
            continue;
        value.id = world_uuid(IDS[i].id);
        *out_id_of_row = false;
    }
    for (size_t i = 0; i < sizeof NULLS / sizeof NULLS[0]; i++)
        value.is_null = value.is_null || strcmp(NULLS[i], column->name) == 0;
    if (column->type == ANSWER_TEXT)
        value.bytes = usual_text(column->name);
    if (strcmp(column->name, "db_epoch") == 0)
        value.bytes = view_from("sixteen bytes...", UUID_SIZE);
    return value;
}

// ---- statements whose rows hang together ----

static struct answer_value unit_cell(struct answer_value value, const struct db_params *params,
                                     const char *name, int row) {
    (void)params;
    static const int parents[] = {0,
                                  0,
                                  WORLD_CITY,
                                  WORLD_DISTRICT,
                                  WORLD_SCHOOL,
                                  WORLD_CITY,
                                  WORLD_OTHER_DISTRICT,
                                  WORLD_OTHER_SCHOOL};
    static const int levels[] = {0, 1, 2, 3, 4, 2, 3, 4};
    static const char *const codes[] = {"",           "340100",        "340103",
                                        "3401030001", "3401030001-01", "340104",
                                        "3401040001", "3401040001-01"};
    int number = row + 1;
    if (strcmp(name, "id") == 0)
        value.id = world_uuid(number);
    if (strcmp(name, "parent") == 0) {
        value.is_null = parents[number] == 0;
        value.id = world_uuid(parents[number]);
    }
    if (strcmp(name, "level") == 0)
        value.number = levels[number];
    if (strcmp(name, "code") == 0)
        value.bytes = view_from_string(codes[number]);
    if (strcmp(name, "district") == 0)
        value.number = number == WORLD_CITY ? 0 : number < WORLD_OTHER_DISTRICT ? 1 : 2;
    return value;
}

// The login's one grant, then the streams: the city's and those from its unit down.
static struct answer_value scope_cell(struct answer_value value, const struct db_params *params,
                                      const char *name, int row) {
    (void)params;
    int unit = world_unit_of_role().bytes[UUID_SIZE - 1];
    int number = row == 0 ? unit : row == 1 ? WORLD_CITY : unit + row - 2;
    if (strcmp(name, "row_kind") == 0)
        value.number = row == 0 ? 1 : 2;
    if (strcmp(name, "role") == 0)
        value.number = world_role();
    if (strcmp(name, "unit") == 0 || (strcmp(name, "id") == 0 && row > 0))
        value.id = world_uuid(number);
    if (strcmp(name, "level") == 0)
        value.number = number <= WORLD_WORKSHOP ? number : number - 3;
    if (strcmp(name, "district") == 0)
        value.number = number == WORLD_CITY ? 0 : number < WORLD_OTHER_DISTRICT ? 1 : 2;
    return value;
}

static int scope_rows(void) {
    int unit = world_unit_of_role().bytes[UUID_SIZE - 1];
    int below = unit == WORLD_CITY ? WORLD_UNITS_END : WORLD_WORKSHOP + 1;
    return unit == WORLD_CITY ? below - unit + 1 : 2 + below - unit;
}

// Header, the three units of the path, a member, his school's administrator.
static struct answer_value roster_cell(struct answer_value value, const struct db_params *params,
                                       const char *name, int row) {
    (void)params;
    static const int whats[] = {0, 1, 1, 1, 1, 2, 2, 4, 5};
    static const int subjects[] = {WORLD_WORKSHOP, WORLD_CITY,     WORLD_DISTRICT,
                                   WORLD_SCHOOL,   WORLD_WORKSHOP, WORLD_TEACHER,
                                   WORLD_ME,       WORLD_ME,       WORLD_OTHER_TEACHER};
    static const int units[] = {0,
                                0,
                                WORLD_CITY,
                                WORLD_DISTRICT,
                                WORLD_SCHOOL,
                                WORLD_WORKSHOP,
                                WORLD_WORKSHOP,
                                WORLD_WORKSHOP,
                                WORLD_SCHOOL};
    static const int roles[] = {0,
                                1,
                                2,
                                3,
                                4,
                                LX__ROLE__TEACHER,
                                LX__ROLE__TEACHER,
                                LX__ROLE__HEAD,
                                LX__ROLE__SCHOOL_ADMIN};
    if (strcmp(name, "what") == 0)
        value.number = whats[row];
    if (strcmp(name, "subject") == 0)
        value.id = world_uuid(subjects[row]);
    if (strcmp(name, "unit") == 0) {
        value.is_null = units[row] == 0;
        value.id = world_uuid(units[row]);
    }
    if (strcmp(name, "role") == 0)
        value.number = roles[row];
    return value;
}

static struct answer_value pull_cell(struct answer_value value, const struct db_params *params,
                                     const char *name, int row) {
    (void)params;
    int kind = row % 7 + 1;
    if (strcmp(name, "kind") == 0)
        value.number = kind;
    if (strcmp(name, "seq") == 0)
        value.number = row + 1;
    if (strcmp(name, "body") == 0) {
        value.is_null = kind == 1;
        value.bytes = kind == 5 ? world_scheme() : view_from("", 0);
    }
    if (strcmp(name, "code") == 0 && kind == 6)
        value.bytes = view_from_string("2021-11-18");
    if (strcmp(name, "state") == 0 && kind == 2)
        value.number = 1980;
    return value;
}

static struct answer_value push_cell(struct answer_value value, const struct db_params *params,
                                     const char *name, int row) {
    enum { OP_FROM = 4, HASHES = 5, ANSWER = 8 };
    if (strcmp(name, "group_no") == 0)
        value.number = row + 1;
    if (strcmp(name, "op_to") == 0)
        value.number = number_of(answer_param_element(params, OP_FROM, (size_t)row)) - 1 +
                       (int64_t)(answer_param_element(params, HASHES, (size_t)row).size /
                                 DIGEST_OPERATION_SIZE);
    if (strcmp(name, "answer") == 0)
        value.bytes = answer_param_element(params, ANSWER, (size_t)row);
    return value;
}

static struct answer_value roster_push_cell(struct answer_value value,
                                            const struct db_params *params, const char *name,
                                            int row) {
    enum { OP_FROM = 4, HASHES = 5, ANSWER = 8 };
    if (strcmp(name, "row_no") == 0)
        value.number = row;
    if (strcmp(name, "op_to") == 0)
        value.number = number_of(param_bytes(params, OP_FROM)) - 1 +
                       (int64_t)(param_bytes(params, HASHES).size / DIGEST_OPERATION_SIZE);
    if (strcmp(name, "answer") == 0)
        value.bytes = param_bytes(params, ANSWER);
    return value;
}

static struct answer_value scheme_cell(struct answer_value value, const struct db_params *params,
                                       const char *name, int row) {
    (void)params;
    (void)row;
    if (strcmp(name, "scheme") == 0)
        value.bytes = world_scheme();
    return value;
}

// Statements that are not just one row of usual values.
#define ROWS_OF_PARAMS (-1)
static const struct {
    const char *name;
    answer_cell_fn cell;
    int rows, echo;
} SPECIAL[] = {
    {"units", unit_cell, WORLD_UNITS_END - 1, -1},
    {"scope_of", scope_cell, ROWS_OF_PARAMS, -1},
    {"roster_of", roster_cell, 9, -1},
    {"pull", pull_cell, 7, -1},
    {"push", push_cell, ROWS_OF_PARAMS, -1},
    {"push_roster", roster_push_cell, 2, -1},
    {"schemes", scheme_cell, 1, -1},
    {"statistics_units", NULL, 2, -1},
    {"statistics_items", NULL, 3, -1},
    {"heads_of", NULL, ROWS_OF_PARAMS, 0},
    {"next_ops", NULL, ROWS_OF_PARAMS, 1},
    {"homes_of", NULL, ROWS_OF_PARAMS, 1},
    {"facts_by_id", NULL, ROWS_OF_PARAMS, 2},
    {"session_alive", NULL, ROWS_OF_PARAMS, 0},
};

// ---- the table of statements ----

static void read_column(char *word, struct answer_column *column) {
    char *colon = strchr(word, ':');
    size_t i = 0;
    if (colon == NULL || (size_t)(colon - word) >= sizeof column->name)
        abort();
    *colon = '\0';
    memcpy(column->name, word, strlen(word) + 1);
    while (strcmp(TYPES[i].name, colon + 1) != 0)
        if (++i == sizeof TYPES / sizeof TYPES[0])
            abort(); // a type that the readers of server/db do not have either
    column->type = TYPES[i].type;
    column->usual = usual(column, &column->is_id_of_row);
}

static void read_statement(char *line, struct answer_statement *statement) {
    char *rest = NULL;
    char *word = strtok_r(line, " \n", &rest);
    if (word == NULL || strlen(word) >= sizeof statement->name)
        abort();
    memcpy(statement->name, word, strlen(word) + 1);
    statement->rows = 1;
    statement->echo = -1;
    for (size_t i = 0; i < sizeof SPECIAL / sizeof SPECIAL[0]; i++) {
        if (strcmp(SPECIAL[i].name, word) != 0)
            continue;
        statement->cell = SPECIAL[i].cell;
        statement->rows = SPECIAL[i].rows;
        statement->echo = SPECIAL[i].echo;
    }
    while ((word = strtok_r(NULL, " \n", &rest)) != NULL) {
        if (statement->n_columns == ANSWER_MAX_COLUMNS)
            abort();
        read_column(word, &statement->columns[statement->n_columns++]);
    }
}

const struct answer_statement *answer_statement(const char *name) {
    static struct answer_statement statements[MAX_STATEMENTS];
    static size_t n;
    char line[4096];
    if (n == 0) {
        FILE *file = fopen("tests/fuzz/statements.txt", "r"); // run from the root of the tree
        if (file == NULL)
            abort();
        while (n < MAX_STATEMENTS && fgets(line, sizeof line, file) != NULL)
            read_statement(line, &statements[n++]);
        fclose(file);
    }
    for (size_t i = 0; i < n; i++)
        if (strcmp(statements[i].name, name) == 0)
            return &statements[i];
    return NULL;
}

int answer_rows(const struct answer_statement *statement, const struct db_params *params) {
    if (statement->rows >= 0)
        return statement->rows;
    if (statement->cell == scope_cell)
        return scope_rows();
    return (int)answer_param_count(params, statement->echo >= 0 ? statement->echo : 0);
}

struct answer_value answer_cell(const struct answer_statement *statement,
                                const struct db_params *params, int row, int column) {
    const struct answer_column *about = &statement->columns[column];
    struct answer_value value = about->usual;
    int rows = answer_rows(statement, params);
    if (about->is_id_of_row)
        value.id = world_uuid(WORLD_RECORD + row);
    if (rows == 0)
        return value; // of a row that the tape has added
    row %= rows;      // more rows than usual: the same again
    if (column == 0 && statement->echo >= 0) {
        value.bytes = answer_param_element(params, statement->echo, (size_t)row);
        value.id = uuid_of(value.bytes);
    }
    return statement->cell != NULL ? statement->cell(value, params, about->name, row) : value;
}
