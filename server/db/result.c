// Readers of binary results. A type that does not fit is a programmer's error and asserts.
#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "server/db/internal.h"
#include "server/db/wire_format.h"

int db_rows(const struct db_result *result) {
    return PQntuples(result->pg);
}

int db_columns(const struct db_result *result) {
    return PQnfields(result->pg);
}

bool db_is_null(const struct db_result *result, int row, int column) {
    return PQgetisnull(result->pg, row, column) == 1;
}

static struct view cell(const struct db_result *result, int row, int column) {
    assert(row >= 0 && row < PQntuples(result->pg));
    assert(column >= 0 && column < PQnfields(result->pg));
    if (PQgetisnull(result->pg, row, column))
        return (struct view){NULL, 0};
    return view_from(PQgetvalue(result->pg, row, column),
                     (size_t)PQgetlength(result->pg, row, column));
}

static uint16_t get_u16(const uint8_t *bytes) {
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return be16toh(value);
}

static uint32_t get_u32(const uint8_t *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return be32toh(value);
}

static uint64_t get_u64(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return be64toh(value);
}

static int64_t number_of(struct view bytes) {
    switch (bytes.size) {
    case 0:
        return 0;
    case 1:
        return bytes.data[0];
    case 2:
        return (int16_t)get_u16(bytes.data);
    case 4:
        return (int32_t)get_u32(bytes.data);
    default:
        assert(bytes.size == 8);
        return (int64_t)get_u64(bytes.data);
    }
}

bool db_bool(const struct db_result *result, int row, int column) {
    return number_of(cell(result, row, column)) != 0;
}

int64_t db_int8(const struct db_result *result, int row, int column) {
    return number_of(cell(result, row, column));
}

double db_float8(const struct db_result *result, int row, int column) {
    int64_t bits = number_of(cell(result, row, column));
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

struct view db_text(const struct db_result *result, int row, int column) {
    return cell(result, row, column);
}

struct view db_bytea(const struct db_result *result, int row, int column) {
    return cell(result, row, column);
}

struct uuid db_uuid(const struct db_result *result, int row, int column) {
    struct view bytes = cell(result, row, column);
    struct uuid id = {{0}};
    assert(bytes.size == 0 || bytes.size == UUID_SIZE);
    if (bytes.size == UUID_SIZE)
        memcpy(id.bytes, bytes.data, UUID_SIZE);
    return id;
}

int64_t db_timestamptz_ms(const struct db_result *result, int row, int column) {
    struct view bytes = cell(result, row, column);
    return bytes.data != NULL ? wire_time_ms(number_of(bytes)) : 0;
}

int64_t db_timestamptz_us(const struct db_result *result, int row, int column) {
    struct view bytes = cell(result, row, column);
    int64_t since_1970;
    if (bytes.data == NULL)
        return 0;
    // infinity stays infinity
    if (__builtin_add_overflow(number_of(bytes), WIRE_EPOCH_MS * 1000, &since_1970))
        return INT64_MAX;
    return since_1970;
}

int32_t db_date(const struct db_result *result, int row, int column) {
    struct view bytes = cell(result, row, column);
    return bytes.data != NULL ? wire_day((int32_t)number_of(bytes)) : 0;
}

// ---- arrays ----

struct array {
    size_t n;
    const uint8_t *at; // next element
};

static struct array open_array(const struct db_result *result, int row, int column) {
    struct view bytes = cell(result, row, column);
    if (bytes.data == NULL)
        return (struct array){0, NULL};
    assert(bytes.size >= WIRE_EMPTY_ARRAY_HEADER);
    uint32_t dimensions = get_u32(bytes.data);
    assert(dimensions <= 1);
    if (dimensions == 0)
        return (struct array){0, NULL};
    return (struct array){get_u32(bytes.data + 12), bytes.data + WIRE_ARRAY_HEADER};
}

static struct view next_element(struct array *array) {
    uint32_t size = get_u32(array->at);
    array->at += 4;
    if (size == WIRE_NULL)
        return (struct view){NULL, 0};
    struct view element = {array->at, size};
    array->at += size;
    return element;
}

enum status db_int8_array(const struct db_result *result, int row, int column, struct arena *arena,
                          int64_t **out_values, size_t *out_n) {
    struct array array = open_array(result, row, column);
    *out_values = NULL;
    *out_n = array.n;
    if (array.n == 0)
        return STATUS_OK;
    *out_values = arena_array(arena, array.n, sizeof **out_values);
    if (*out_values == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < array.n; i++)
        (*out_values)[i] = number_of(next_element(&array));
    return STATUS_OK;
}

enum status db_uuid_array(const struct db_result *result, int row, int column, struct arena *arena,
                          struct uuid **out_values, size_t *out_n) {
    struct array array = open_array(result, row, column);
    *out_values = NULL;
    *out_n = array.n;
    if (array.n == 0)
        return STATUS_OK;
    *out_values = arena_array(arena, array.n, sizeof **out_values);
    if (*out_values == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < array.n; i++) {
        struct view bytes = next_element(&array);
        assert(bytes.size == 0 || bytes.size == UUID_SIZE);
        if (bytes.size == UUID_SIZE)
            memcpy((*out_values)[i].bytes, bytes.data, UUID_SIZE);
    }
    return STATUS_OK;
}

enum status db_view_array(const struct db_result *result, int row, int column, struct arena *arena,
                          struct view **out_values, size_t *out_n) {
    struct array array = open_array(result, row, column);
    *out_values = NULL;
    *out_n = array.n;
    if (array.n == 0)
        return STATUS_OK;
    *out_values = arena_array(arena, array.n, sizeof **out_values);
    if (*out_values == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < array.n; i++)
        (*out_values)[i] = next_element(&array);
    return STATUS_OK;
}

// ---- errors ----

const char *db_error_sqlstate(const struct db_result *result) {
    const char *state = result != NULL ? PQresultErrorField(result->pg, PG_DIAG_SQLSTATE) : NULL;
    return state != NULL ? state : "";
}

const char *db_error_text(const struct db_result *result) {
    const char *text =
        result != NULL ? PQresultErrorField(result->pg, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    return text != NULL ? text : "";
}

int64_t db_affected(const struct db_result *result) {
    return strtoll(PQcmdTuples(result->pg), NULL, 10);
}

// What each class of errors means to a caller; the longest matching prefix wins, first come.
static const struct {
    const char *prefix;
    enum status status;
} STATES[] = {
    {"23505", STATUS_EXISTS}, // unique
    {"40", STATUS_CONFLICT},  // serialisation, deadlock
    {"42501", STATUS_DENIED}, // privilege or policy
    {"53", STATUS_AGAIN},     // out of connections, memory, disk
    {"55P03", STATUS_AGAIN},  // lock not available
    {"57014", STATUS_AGAIN},  // statement timeout
    {"57P", STATUS_IO},       // shutdown
    {"58", STATUS_AGAIN},     // its disk: a read or write has failed, the next may not
    {"08", STATUS_IO},        // connection
    {"XX", STATUS_CORRUPT},   // internal
    {"", STATUS_INVALID},
};

enum status result_status(const PGresult *pg) {
    ExecStatusType type = PQresultStatus(pg);
    if (type == PGRES_COMMAND_OK || type == PGRES_TUPLES_OK)
        return STATUS_OK;
    const char *state = PQresultErrorField(pg, PG_DIAG_SQLSTATE);
    if (state == NULL)
        return STATUS_IO;
    size_t i = 0;
    while (strncmp(state, STATES[i].prefix, strlen(STATES[i].prefix)) != 0)
        i++;
    return STATES[i].status;
}
