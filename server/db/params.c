// Binary parameters in PostgreSQL's wire format (big-endian; arrays with their element's type).
#include <endian.h>
#include <string.h>

#include "server/db/internal.h"
#include "server/db/wire_format.h"

#define FIRST_CAPACITY 16
#define MAX_PARAMS 512

// Stands for all that there was no memory for: nothing is ever added to it.
static struct db_params failed_params = {.failed = true};

struct db_params *db_params_new(struct arena *arena) {
    struct db_params *params = arena != NULL ? arena_alloc(arena, sizeof *params) : NULL;
    if (params == NULL)
        return &failed_params;
    params->arena = arena;
    return params;
}

// Arrays of twice the size, with the old content.
static bool grow(struct db_params *params) {
    int capacity = params->capacity > 0 ? 2 * params->capacity : FIRST_CAPACITY;
    size_t n = (size_t)params->n;
    const char **values = arena_array(params->arena, (size_t)capacity, sizeof *values);
    int *lengths = arena_array(params->arena, (size_t)capacity, sizeof *lengths);
    int *formats = arena_array(params->arena, (size_t)capacity, sizeof *formats);
    if (values == NULL || lengths == NULL || formats == NULL || capacity > MAX_PARAMS)
        return false;
    if (n > 0) {
        memcpy(values, params->values, n * sizeof *values);
        memcpy(lengths, params->lengths, n * sizeof *lengths);
        memcpy(formats, params->formats, n * sizeof *formats);
    }
    params->values = values;
    params->lengths = lengths;
    params->formats = formats;
    params->capacity = capacity;
    return true;
}

static void add(struct db_params *params, const void *bytes, size_t size) {
    if (params->n == params->capacity && !grow(params)) {
        params->failed = true;
        return;
    }
    params->values[params->n] = bytes;
    params->lengths[params->n] = (int)size;
    params->formats[params->n] = 1;
    params->n++;
}

// Room for a value of `size` bytes that is added as the next parameter; NULL: failed.
static uint8_t *add_room(struct db_params *params, size_t size) {
    if (params->failed)
        return NULL;
    uint8_t *room = size <= INT32_MAX ? arena_alloc(params->arena, size > 0 ? size : 1) : NULL;
    if (room == NULL) {
        params->failed = true;
        return NULL;
    }
    add(params, room, size);
    return room;
}

void db_param_null(struct db_params *params) {
    if (!params->failed)
        add(params, NULL, 0);
}

static void put_u16(uint8_t *room, uint16_t value) {
    value = htobe16(value);
    memcpy(room, &value, sizeof value);
}

static void put_u32(uint8_t *room, uint32_t value) {
    value = htobe32(value);
    memcpy(room, &value, sizeof value);
}

static void put_u64(uint8_t *room, uint64_t value) {
    value = htobe64(value);
    memcpy(room, &value, sizeof value);
}

void db_param_bool(struct db_params *params, bool value) {
    uint8_t *room = add_room(params, 1);
    if (room != NULL)
        room[0] = value;
}

void db_param_int2(struct db_params *params, int16_t value) {
    uint8_t *room = add_room(params, 2);
    if (room != NULL)
        put_u16(room, (uint16_t)value);
}

void db_param_int4(struct db_params *params, int32_t value) {
    uint8_t *room = add_room(params, 4);
    if (room != NULL)
        put_u32(room, (uint32_t)value);
}

void db_param_int8(struct db_params *params, int64_t value) {
    uint8_t *room = add_room(params, 8);
    if (room != NULL)
        put_u64(room, (uint64_t)value);
}

void db_param_float8(struct db_params *params, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    db_param_int8(params, (int64_t)bits);
}

void db_param_bytea(struct db_params *params, struct view value) {
    if (value.data == NULL) {
        db_param_null(params);
        return;
    }
    uint8_t *room = add_room(params, value.size);
    if (room != NULL)
        memcpy(room, value.data, value.size);
}

void db_param_text(struct db_params *params, struct view value) {
    db_param_bytea(params, value);
}

void db_param_string(struct db_params *params, const char *value) {
    if (value == NULL)
        db_param_null(params);
    else
        db_param_text(params, view_from(value, strlen(value)));
}

void db_param_uuid(struct db_params *params, struct uuid value) {
    uint8_t *room = add_room(params, UUID_SIZE);
    if (room != NULL)
        memcpy(room, value.bytes, UUID_SIZE);
}

void db_param_timestamptz(struct db_params *params, int64_t time_ms) {
    db_param_int8(params, wire_timestamp(time_ms));
}

void db_param_date(struct db_params *params, int32_t day) {
    db_param_int4(params, day - WIRE_EPOCH_DAY);
}

// ---- arrays ----

static bool is_null_at(const bool *nulls, size_t i) {
    return nulls != NULL && nulls[i];
}

static size_t count_nulls(const bool *nulls, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += is_null_at(nulls, i);
    return count;
}

// Adds an array parameter with its header; returns where the elements go. NULL: failed or no
// elements.
static uint8_t *add_array(struct db_params *params, uint32_t element_type, size_t n, bool has_null,
                          size_t elements_size) {
    if (n > WIRE_MAX_ELEMENTS) {
        params->failed = true;
        return NULL;
    }
    size_t header = n > 0 ? WIRE_ARRAY_HEADER : WIRE_EMPTY_ARRAY_HEADER;
    uint8_t *room = add_room(params, header + elements_size);
    if (room == NULL)
        return NULL;
    put_u32(room, n > 0 ? 1 : 0); // dimensions
    put_u32(room + 4, has_null);
    put_u32(room + 8, element_type);
    if (n == 0)
        return NULL;
    put_u32(room + 12, (uint32_t)n);
    put_u32(room + 16, 1); // lower bound
    return room + header;
}

// Puts an element's length before it; returns where the next byte goes.
static uint8_t *put_length(uint8_t *at, bool is_null, size_t size) {
    put_u32(at, is_null ? WIRE_NULL : (uint32_t)size);
    return at + 4;
}

void db_param_bool_array(struct db_params *params, size_t n, const bool *values,
                         const bool *nulls) {
    size_t null_count = count_nulls(nulls, n);
    uint8_t *at = add_array(params, WIRE_TYPE_BOOL, n, null_count > 0, 4 * n + (n - null_count));
    for (size_t i = 0; at != NULL && i < n; i++) {
        at = put_length(at, is_null_at(nulls, i), 1);
        if (!is_null_at(nulls, i))
            *at++ = values[i];
    }
}

void db_param_int2_array(struct db_params *params, size_t n, const int16_t *values,
                         const bool *nulls) {
    size_t null_count = count_nulls(nulls, n);
    uint8_t *at =
        add_array(params, WIRE_TYPE_INT2, n, null_count > 0, 4 * n + 2 * (n - null_count));
    for (size_t i = 0; at != NULL && i < n; i++) {
        at = put_length(at, is_null_at(nulls, i), 2);
        if (!is_null_at(nulls, i)) {
            put_u16(at, (uint16_t)values[i]);
            at += 2;
        }
    }
}

static void add_int4_array(struct db_params *params, uint32_t type, size_t n, const int32_t *values,
                           const bool *nulls, int32_t minus) {
    size_t null_count = count_nulls(nulls, n);
    uint8_t *at = add_array(params, type, n, null_count > 0, 4 * n + 4 * (n - null_count));
    for (size_t i = 0; at != NULL && i < n; i++) {
        at = put_length(at, is_null_at(nulls, i), 4);
        if (!is_null_at(nulls, i)) {
            put_u32(at, (uint32_t)(values[i] - minus));
            at += 4;
        }
    }
}

void db_param_int4_array(struct db_params *params, size_t n, const int32_t *values,
                         const bool *nulls) {
    add_int4_array(params, WIRE_TYPE_INT4, n, values, nulls, 0);
}

void db_param_date_array(struct db_params *params, size_t n, const int32_t *days,
                         const bool *nulls) {
    add_int4_array(params, WIRE_TYPE_DATE, n, days, nulls, WIRE_EPOCH_DAY);
}

static void add_int8_array(struct db_params *params, uint32_t type, size_t n, const int64_t *values,
                           const bool *nulls) {
    size_t null_count = count_nulls(nulls, n);
    uint8_t *at = add_array(params, type, n, null_count > 0, 4 * n + 8 * (n - null_count));
    for (size_t i = 0; at != NULL && i < n; i++) {
        at = put_length(at, is_null_at(nulls, i), 8);
        if (!is_null_at(nulls, i)) {
            int64_t value = type == WIRE_TYPE_TIMESTAMPTZ ? wire_timestamp(values[i]) : values[i];
            put_u64(at, (uint64_t)value);
            at += 8;
        }
    }
}

void db_param_int8_array(struct db_params *params, size_t n, const int64_t *values,
                         const bool *nulls) {
    add_int8_array(params, WIRE_TYPE_INT8, n, values, nulls);
}

void db_param_timestamptz_array(struct db_params *params, size_t n, const int64_t *times_ms,
                                const bool *nulls) {
    add_int8_array(params, WIRE_TYPE_TIMESTAMPTZ, n, times_ms, nulls);
}

void db_param_uuid_array(struct db_params *params, size_t n, const struct uuid *values,
                         const bool *nulls) {
    size_t null_count = count_nulls(nulls, n);
    uint8_t *at =
        add_array(params, WIRE_TYPE_UUID, n, null_count > 0, 4 * n + UUID_SIZE * (n - null_count));
    for (size_t i = 0; at != NULL && i < n; i++) {
        at = put_length(at, is_null_at(nulls, i), UUID_SIZE);
        if (!is_null_at(nulls, i)) {
            memcpy(at, values[i].bytes, UUID_SIZE);
            at += UUID_SIZE;
        }
    }
}

static void add_view_array(struct db_params *params, uint32_t type, size_t n,
                           const struct view *values) {
    size_t size = 4 * n;
    bool has_null = false;
    for (size_t i = 0; i < n; i++) {
        size += values[i].data != NULL ? values[i].size : 0;
        has_null |= values[i].data == NULL;
    }
    uint8_t *at = add_array(params, type, n, has_null, size);
    for (size_t i = 0; at != NULL && i < n; i++) {
        at = put_length(at, values[i].data == NULL, values[i].size);
        if (values[i].data != NULL) {
            memcpy(at, values[i].data, values[i].size);
            at += values[i].size;
        }
    }
}

void db_param_text_array(struct db_params *params, size_t n, const struct view *values) {
    add_view_array(params, WIRE_TYPE_TEXT, n, values);
}

void db_param_bytea_array(struct db_params *params, size_t n, const struct view *values) {
    add_view_array(params, WIRE_TYPE_BYTEA, n, values);
}
