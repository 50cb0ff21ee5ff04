// Compiled schemes, each in an arena of its own that goes when a newer version takes its place.
#include "server/scheme_cache.h"

#include <stdlib.h>

#include "common/assess/scheme.h"
#include "common/base/log.h"

#define MAX_PROGRAMMES 64 // a city runs a handful

struct scheme_cache {
    size_t count;
    struct judge_programme programmes[MAX_PROGRAMMES]; // ascending by number
    uint32_t versions[MAX_PROGRAMMES];
    struct arena *arenas[MAX_PROGRAMMES]; // owns
};

struct scheme_cache *scheme_cache_new(void) {
    return calloc(1, sizeof(struct scheme_cache));
}

void scheme_cache_free(struct scheme_cache **cache) {
    if (*cache == NULL)
        return;
    for (size_t i = 0; i < (*cache)->count; i++)
        arena_free(&(*cache)->arenas[i]);
    free(*cache);
    *cache = NULL;
}

// The programme's place; makes one at the end of its order when it is new. MAX_PROGRAMMES: full.
static size_t place_of(struct scheme_cache *cache, uint32_t programme) {
    size_t at = 0;
    while (at < cache->count && cache->programmes[at].number < programme)
        at++;
    if (at < cache->count && cache->programmes[at].number == programme)
        return at;
    if (cache->count == MAX_PROGRAMMES)
        return MAX_PROGRAMMES;
    for (size_t i = cache->count; i > at; i--) {
        cache->programmes[i] = cache->programmes[i - 1];
        cache->versions[i] = cache->versions[i - 1];
        cache->arenas[i] = cache->arenas[i - 1];
    }
    cache->programmes[at] = (struct judge_programme){programme, NULL};
    cache->arenas[at] = NULL;
    cache->count++;
    return at;
}

enum status scheme_cache_put(struct scheme_cache *cache, uint32_t programme, uint32_t version,
                             struct view bytes) {
    struct arena *arena = arena_new(0);
    if (arena == NULL)
        return STATUS_NO_MEMORY;
    struct scheme_error error = {0};
    const struct scheme *scheme = NULL;
    char *copy = arena_string(arena, bytes); // borrowed strings must live as long as the arena
    enum status status = STATUS_NO_MEMORY;
    if (copy != NULL)
        status = scheme_load(view_from(copy, bytes.size), arena, &scheme, &error);
    size_t at = status == STATUS_OK ? place_of(cache, programme) : MAX_PROGRAMMES;
    if (at == MAX_PROGRAMMES) {
        log_error("scheme version %u of programme %u is not used: %s %s: %s", version, programme,
                  status_name(status), error.field, error.message);
        arena_free(&arena);
        return status == STATUS_OK ? STATUS_LIMIT : status;
    }
    arena_free(&cache->arenas[at]);
    cache->arenas[at] = arena;
    cache->versions[at] = version;
    cache->programmes[at].scheme = scheme;
    return STATUS_OK;
}

const struct judge_programme *scheme_cache_programmes(const struct scheme_cache *cache,
                                                      size_t *out_count) {
    *out_count = cache->count;
    return cache->programmes;
}

uint32_t scheme_cache_version(const struct scheme_cache *cache, size_t i) {
    return cache->versions[i];
}
