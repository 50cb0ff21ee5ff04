// Keeps compiled schemes; a new version replaces the former one.
#include "server/assessor/schemes.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"

// A compiled scheme of the largest programme takes a tenth of it.
#define SCHEME_BYTES ((size_t)32 * 1024 * 1024)

static void free_entry(struct scheme_entry *entry) {
    arena_free(&entry->arena);
    entry->scheme = NULL;
}

static struct scheme_entry *find_entry(const struct scheme_set *cache, uint32_t number,
                                       uint32_t version) {
    for (size_t i = 0; i < cache->n; i++) {
        const struct scheme *scheme = cache->entries[i].scheme;
        if (scheme->number == number && scheme->version == version)
            return &cache->entries[i];
    }
    return NULL;
}

static enum status compile_entry(struct view bytes, uint32_t number, struct scheme_entry *entry) {
    entry->arena = arena_new(SCHEME_BYTES);
    if (entry->arena == NULL)
        return STATUS_NO_MEMORY;
    struct scheme_error error = {0};
    char *copy =
        arena_string(entry->arena, bytes); // the result of the query goes before the scheme
    enum status status = copy == NULL ? STATUS_NO_MEMORY
                                      : scheme_load(view_from(copy, bytes.size), entry->arena,
                                                    &entry->scheme, &error);
    if (status == STATUS_OK && entry->scheme->number == number)
        return STATUS_OK;
    if (status == STATUS_OK)
        log_error("scheme of programme %u says it is of %u", number, entry->scheme->number);
    else
        log_error("scheme of programme %u: %s: %s", number, error.field, error.message);
    free_entry(entry);
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

// Fills `fresh` from the rows (0 number, 2 version, 3 scheme); entries known already are moved
// over.
static enum status take_rows(struct scheme_set *cache, const struct db_result *result,
                             struct scheme_set *fresh) {
    for (int row = 0; row < db_rows(result); row++) {
        uint32_t number = (uint32_t)db_int8(result, row, 0);
        struct scheme_entry *known = find_entry(cache, number, (uint32_t)db_int8(result, row, 2));
        struct scheme_entry *entry = &fresh->entries[fresh->n];
        if (known != NULL)
            *entry = *known;
        else
            TRY(compile_entry(db_bytea(result, row, 3), number, entry));
        fresh->n += entry->scheme != NULL ? 1 : 0;
    }
    return STATUS_OK;
}

static bool holds(const struct scheme_set *cache, const struct scheme *scheme) {
    for (size_t i = 0; i < cache->n; i++) {
        if (cache->entries[i].scheme == scheme)
            return true;
    }
    return false;
}

// Frees the entries of `cache` that `kept` does not hold, and its array.
static void free_others(struct scheme_set *cache, const struct scheme_set *kept) {
    for (size_t i = 0; i < cache->n; i++) {
        if (!holds(kept, cache->entries[i].scheme))
            free_entry(&cache->entries[i]);
    }
    free(cache->entries);
    *cache = (struct scheme_set){0};
}

enum status scheme_set_refresh(struct scheme_set *cache, struct db_sync *db) {
    struct db_result *result = NULL;
    struct scheme_set fresh = {0};
    enum status status = db_sync_query(db, "schemes", NULL, &result);
    if (status == STATUS_OK) {
        fresh.entries = calloc((size_t)db_rows(result) + 1, sizeof(*fresh.entries));
        status = fresh.entries == NULL ? STATUS_NO_MEMORY : take_rows(cache, result, &fresh);
    }
    db_sync_free_result(&result);
    if (status != STATUS_OK) {
        free_others(&fresh, cache);
        return status;
    }
    free_others(cache, &fresh);
    *cache = fresh;
    return STATUS_OK;
}

void scheme_set_free(struct scheme_set *cache) {
    const struct scheme_set nothing = {0};
    free_others(cache, &nothing);
}

static bool window_acts(struct window window, int64_t after_ms, int64_t until_ms) {
    return (window.from_ms > after_ms && window.from_ms <= until_ms) ||
           (window.until_ms > after_ms && window.until_ms <= until_ms);
}

bool scheme_set_day_acts(const struct scheme_set *cache, int32_t former, int32_t today) {
    // Facts up to the end of a day count on it, so what acts is the end of the days in between.
    int64_t after_ms = clock_day_start_ms(former);
    int64_t until_ms = clock_day_start_ms(today + 1);
    for (size_t i = 0; i < cache->n; i++) {
        const struct scheme *scheme = cache->entries[i].scheme;
        for (size_t s = 0; s < scheme->n_stages; s++) {
            if (window_acts(scheme->stages[s].window, after_ms, until_ms))
                return true;
        }
        for (size_t r = 0; r < scheme->n_rules; r++) {
            if (window_acts(scheme->rules[r].window, after_ms, until_ms))
                return true;
        }
    }
    return false;
}
