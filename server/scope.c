// A person's scope as one immutable object. See scope.h.
#include "server/scope.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"

static int compare_streams(const void *left, const void *right, void *user) {
    const struct scope_stream *streams = user;
    return uuid_compare(streams[*(const uint32_t *)left].id, streams[*(const uint32_t *)right].id);
}

static void *copy_array(const void *values, size_t n, size_t size) {
    void *copy = calloc(n > 0 ? n : 1, size);
    if (copy != NULL && n > 0)
        memcpy(copy, values, n * size);
    return copy;
}

// Does a grant on the district itself, or on the city, cover it whole?
static bool sees_district(const struct scope *scope, int32_t district) {
    for (size_t i = 0; i < scope->n_grants; i++) {
        const struct scope_grant *grant = &scope->grants[i];
        if (grant->level == LX__UNIT_LEVEL__CITY)
            return true;
        if (grant->level == LX__UNIT_LEVEL__DISTRICT && grant->district == district)
            return true;
    }
    return false;
}

static bool sees_city(const struct scope *scope) {
    for (size_t i = 0; i < scope->n_grants; i++)
        if (scope->grants[i].level == LX__UNIT_LEVEL__CITY)
            return true;
    return false;
}

static enum status append_district(struct buf *text, int32_t district) {
    return buf_format(text, "%s%d", buf_size(text) > 1 ? "," : "", (int)district);
}

static enum status append_stream(struct buf *text, struct uuid stream) {
    char room[UUID_TEXT_SIZE];
    uuid_format(stream, room);
    return buf_format(text, "%s%s", buf_size(text) > 1 ? "," : "", room);
}

// Streams of whole districts are named by the district, all others one by one.
static enum status write_settings(const struct scope *scope, struct buf *districts,
                                  struct buf *streams) {
    TRY(buf_append_string(districts, "{"));
    TRY(buf_append_string(streams, "{"));
    if (sees_city(scope))
        TRY(append_district(districts, 0));
    for (size_t i = 0; i < scope->n_streams; i++) {
        const struct scope_stream *stream = &scope->streams[i];
        bool whole = stream->level == LX__UNIT_LEVEL__CITY ? sees_city(scope)
                                                           : sees_district(scope, stream->district);
        if (!whole)
            TRY(append_stream(streams, stream->id));
        else if (stream->level == LX__UNIT_LEVEL__DISTRICT)
            TRY(append_district(districts, stream->district));
    }
    TRY(buf_append(districts, "}", 2));
    return buf_append(streams, "}", 2);
}

static enum status fill_settings(struct scope *scope) {
    struct buf districts = {0}, streams = {0};
    enum status status = write_settings(scope, &districts, &streams);
    if (status == STATUS_OK) {
        scope->districts = strdup((const char *)buf_view(&districts).data);
        scope->stream_list = strdup((const char *)buf_view(&streams).data);
        if (scope->districts == NULL || scope->stream_list == NULL)
            status = STATUS_NO_MEMORY;
    }
    buf_free(&districts);
    buf_free(&streams);
    return status;
}

static bool fill_index(struct scope *scope) {
    scope->by_id = calloc(scope->n_streams > 0 ? scope->n_streams : 1, sizeof(uint32_t));
    if (scope->by_id == NULL)
        return false;
    for (size_t i = 0; i < scope->n_streams; i++)
        scope->by_id[i] = (uint32_t)i;
    qsort_r(scope->by_id, scope->n_streams, sizeof(uint32_t), compare_streams, scope->streams);
    return true;
}

static uint32_t capabilities_of(Lx__Role role) {
    uint32_t mask = 0;
    for (int capability = 0; capability < CAPABILITY_COUNT; capability++)
        if (role_can(role, (enum capability)capability))
            mask |= UINT32_C(1) << capability;
    return mask;
}

enum status scope_new(const struct scope_rows *rows, struct scope **out_scope) {
    struct scope *scope = calloc(1, sizeof(*scope));
    if (scope == NULL)
        return STATUS_NO_MEMORY;
    scope->references = 1;
    scope->version = rows->version;
    scope->person = rows->person;
    uuid_format(rows->person, scope->person_text);
    scope->n_grants = rows->n_grants;
    scope->n_ended = rows->n_ended;
    scope->n_streams = rows->n_streams;
    scope->grants = copy_array(rows->grants, rows->n_grants, sizeof(*rows->grants));
    scope->ended = copy_array(rows->ended, rows->n_ended, sizeof(*rows->ended));
    scope->streams = copy_array(rows->streams, rows->n_streams, sizeof(*rows->streams));
    if (scope->grants == NULL || scope->ended == NULL || scope->streams == NULL ||
        !fill_index(scope) || fill_settings(scope) != STATUS_OK) {
        scope_drop(&scope);
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < scope->n_grants; i++)
        scope->capabilities |= capabilities_of(scope->grants[i].role);
    *out_scope = scope;
    return STATUS_OK;
}

struct scope *scope_hold(struct scope *scope) {
    scope->references++;
    return scope;
}

void scope_drop(struct scope **scope) {
    struct scope *dropped = *scope;
    *scope = NULL;
    if (dropped == NULL || --dropped->references > 0)
        return;
    free(dropped->grants);
    free(dropped->ended);
    free(dropped->streams);
    free(dropped->by_id);
    free(dropped->districts);
    free(dropped->stream_list);
    free(dropped);
}

const struct scope_stream *scope_find_stream(const struct scope *scope, struct uuid stream) {
    size_t low = 0, high = scope->n_streams;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct scope_stream *found = &scope->streams[scope->by_id[middle]];
        int order = uuid_compare(stream, found->id);
        if (order == 0)
            return found;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool is_on_path(struct uuid unit, const struct uuid *path, size_t n_path) {
    for (size_t i = 0; i < n_path; i++)
        if (uuid_equal(unit, path[i]))
            return true;
    return false;
}

bool scope_can_over(const struct scope *scope, const struct uuid *path, size_t n_path,
                    enum capability capability) {
    for (size_t i = 0; i < scope->n_grants; i++)
        if (role_can(scope->grants[i].role, capability) &&
            is_on_path(scope->grants[i].unit, path, n_path))
            return true;
    return false;
}

bool scope_had_over(const struct scope *scope, const struct uuid *path, size_t n_path) {
    for (size_t i = 0; i < scope->n_ended; i++)
        if (is_on_path(scope->ended[i].unit, path, n_path))
            return true;
    return false;
}

bool scope_may_give(const struct scope *scope, const struct uuid *path, size_t n_path,
                    Lx__Role role) {
    for (size_t i = 0; i < scope->n_grants; i++) {
        const struct scope_grant *grant = &scope->grants[i];
        if (role_can(grant->role, CAPABILITY_MANAGE_GRANTS) && role_may_give(grant->role, role) &&
            is_on_path(grant->unit, path, n_path))
            return true;
    }
    return false;
}

struct db_scope scope_db(const struct scope *scope) {
    return (struct db_scope){scope->districts, scope->stream_list, scope->person_text};
}
