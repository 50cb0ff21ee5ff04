// A person's scope as one immutable object. See scope.h.
#include "server/scope.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"

static int compare_streams(const void *left, const void *right, void *user) {
    const struct scope_stream *streams = user;
    return uuid_compare(streams[*(const uint32_t *)left].id, streams[*(const uint32_t *)right].id);
}

// Copies an array to *at, the next free place behind the scope, and moves on.
static void *put_array(uint8_t **at, const void *values, size_t size) {
    void *copy = *at;
    if (size > 0)
        memcpy(copy, values, size);
    *at += size;
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
    char item[UUID_TEXT_SIZE + 1] = ",";
    uuid_format(stream, item + 1);
    return buf_append_string(text, buf_size(text) > 1 ? item : item + 1);
}

// Streams of whole districts are named by the district, all others one by one.
enum status scope_settings(const struct scope *scope, struct buf *districts, struct buf *streams) {
    bool city = sees_city(scope);
    TRY(buf_append_string(districts, "{"));
    TRY(buf_append_string(streams, "{"));
    if (city)
        TRY(append_district(districts, 0));
    for (size_t i = 0; i < scope->n_streams; i++) {
        const struct scope_stream *stream = &scope->streams[i];
        bool whole =
            stream->level == LX__UNIT_LEVEL__CITY ? city : sees_district(scope, stream->district);
        if (!whole)
            TRY(append_stream(streams, stream->id));
        else if (stream->level == LX__UNIT_LEVEL__DISTRICT)
            TRY(append_district(districts, stream->district));
    }
    TRY(buf_append(districts, "}", 2));
    return buf_append(streams, "}", 2);
}

// Of somebody with whole districts they are short, but found by looking at hundreds of streams.
#define SETTINGS_KEPT 160

// NULL when they are long, or memory is out.
static char *keep_settings(const struct scope *scope) {
    struct buf districts = {0}, streams = {0};
    char *kept = NULL;
    if (scope_settings(scope, &districts, &streams) == STATUS_OK &&
        buf_size(&districts) + buf_size(&streams) <= SETTINGS_KEPT)
        kept = malloc(buf_size(&districts) + buf_size(&streams));
    if (kept != NULL) {
        memcpy(kept, buf_view(&districts).data, buf_size(&districts));
        memcpy(kept + buf_size(&districts), buf_view(&streams).data, buf_size(&streams));
    }
    buf_free(&districts);
    buf_free(&streams);
    return kept;
}

static void fill_index(struct scope *scope) {
    for (size_t i = 0; i < scope->n_streams; i++)
        scope->by_id[i] = (uint32_t)i;
    qsort_r(scope->by_id, scope->n_streams, sizeof(uint32_t), compare_streams, scope->streams);
}

static uint32_t capabilities_of(Lx__Role role) {
    uint32_t mask = 0;
    for (int capability = 0; capability < CAPABILITY_COUNT; capability++)
        if (role_can(role, (enum capability)capability))
            mask |= UINT32_C(1) << capability;
    return mask;
}

// One block, the arrays behind the object in the order of their alignment: a login is mostly idle.
enum status scope_new(const struct scope_rows *rows, struct scope **out_scope) {
    _Static_assert(sizeof(struct scope) % alignof(struct scope_grant) == 0 &&
                       sizeof(struct scope_grant) % alignof(struct scope_stream) == 0 &&
                       sizeof(struct scope_stream) % alignof(uint32_t) == 0,
                   "arrays behind each other");
    size_t grants = rows->n_grants * sizeof(*rows->grants);
    size_t ended = rows->n_ended * sizeof(*rows->ended);
    size_t streams = rows->n_streams * sizeof(*rows->streams);
    struct scope *scope =
        malloc(sizeof(*scope) + grants + ended + streams + rows->n_streams * sizeof(uint32_t));
    if (scope == NULL)
        return STATUS_NO_MEMORY;
    *scope = (struct scope){.references = 1,
                            .version = rows->version,
                            .person = rows->person,
                            .n_grants = rows->n_grants,
                            .n_ended = rows->n_ended,
                            .n_streams = rows->n_streams};
    uint8_t *at = (uint8_t *)(scope + 1);
    scope->grants = put_array(&at, rows->grants, grants);
    scope->ended = put_array(&at, rows->ended, ended);
    scope->streams = put_array(&at, rows->streams, streams);
    scope->by_id = (uint32_t *)(void *)at;
    fill_index(scope);
    for (size_t i = 0; i < scope->n_grants; i++)
        scope->capabilities |= capabilities_of(scope->grants[i].role);
    scope->settings = keep_settings(scope);
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
    free(dropped->settings);
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

void scope_query(const struct scope *scope, struct db_pool *pool, const char *statement,
                 struct db_params *params, db_done_fn done, void *user) {
    struct buf districts = {0}, streams = {0};
    char person[UUID_TEXT_SIZE];
    struct db_scope settings = {.person = person};
    uuid_format(scope->person, person);
    if (scope->settings != NULL) {
        settings.districts = scope->settings;
        settings.streams = scope->settings + strlen(scope->settings) + 1;
    } else if (scope_settings(scope, &districts, &streams) == STATUS_OK) {
        settings.districts = (const char *)buf_view(&districts).data;
        settings.streams = (const char *)buf_view(&streams).data;
    } else {
        params = db_params_new(NULL); // the query fails with that
    }
    db_query(pool, settings, statement, params, done, user);
    buf_free(&districts);
    buf_free(&streams);
}
