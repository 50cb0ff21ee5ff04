// Rosters by stream: a hash table with chains; when it is full the oldest entry goes.
#include "server/roster_cache.h"

#include <stdlib.h>
#include <string.h>

#include "server/handlers.h"
#include "server/worker.h"

#define BUCKETS 1024

struct entry {
    struct roster *roster; // owns
    int64_t loaded_at_ms;
    struct entry *next;
};

struct roster_cache {
    struct entry *buckets[BUCKETS];
    size_t count;
};

// A question to the database.
struct asking {
    struct arena *arena; // owns
    struct worker *worker;
    struct uuid stream;
    bool keep;
    roster_done_fn done;
    void *user;
};

// Columns of roster_of.
enum {
    COLUMN_WHAT,
    COLUMN_VERSION,
    COLUMN_SUBJECT,
    COLUMN_HOME,
    COLUMN_HOME_VERSION,
    COLUMN_PROGRAMME,
    COLUMN_UNIT,
    COLUMN_ROLE,
    COLUMN_FROM,
    COLUMN_UNTIL
};

struct roster_cache *roster_cache_new(void) {
    return calloc(1, sizeof(struct roster_cache));
}

static struct entry **bucket_of(struct roster_cache *cache, struct uuid stream) {
    uint32_t hash; // ids are random in their last bytes
    memcpy(&hash, stream.bytes + UUID_SIZE - sizeof(hash), sizeof(hash));
    return &cache->buckets[hash % BUCKETS];
}

// The link that points at the stream's entry; at NULL when there is none.
static struct entry **find_link(struct roster_cache *cache, struct uuid stream) {
    struct entry **link = bucket_of(cache, stream);
    while (*link != NULL && !uuid_equal((*link)->roster->stream, stream))
        link = &(*link)->next;
    return link;
}

static void drop(struct roster_cache *cache, struct entry **link) {
    struct entry *entry = *link;
    *link = entry->next;
    roster_free(&entry->roster);
    free(entry);
    cache->count--;
}

void roster_cache_forget(struct roster_cache *cache, struct uuid stream) {
    struct entry **link = find_link(cache, stream);
    if (*link != NULL)
        drop(cache, link);
}

void roster_cache_free(struct roster_cache **cache) {
    if (*cache == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while ((*cache)->buckets[i] != NULL)
            drop(*cache, &(*cache)->buckets[i]);
    free(*cache);
    *cache = NULL;
}

static void drop_oldest(struct roster_cache *cache) {
    struct entry **oldest = NULL;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct entry **link = &cache->buckets[i]; *link != NULL; link = &(*link)->next)
            if (oldest == NULL || (*link)->loaded_at_ms < (*oldest)->loaded_at_ms)
                oldest = link;
    drop(cache, oldest);
}

// Takes the roster; frees it when it can't be kept.
static void keep(struct roster_cache *cache, struct roster *roster, int64_t now_ms) {
    struct entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL) {
        roster_free(&roster);
        return;
    }
    roster_cache_forget(cache, roster->stream);
    if (cache->count >= ROSTER_CACHE_STREAMS)
        drop_oldest(cache);
    struct entry **bucket = bucket_of(cache, roster->stream);
    *entry = (struct entry){roster, now_ms, *bucket};
    *bucket = entry;
    cache->count++;
}

static struct roster_row read_row(const struct db_result *result, int row) {
    return (struct roster_row){
        .what = (enum roster_row_kind)db_int8(result, row, COLUMN_WHAT),
        .version = (uint64_t)db_int8(result, row, COLUMN_VERSION),
        .subject = db_uuid(result, row, COLUMN_SUBJECT),
        .home = db_uuid(result, row, COLUMN_HOME),
        .home_version = (uint64_t)db_int8(result, row, COLUMN_HOME_VERSION),
        .unit = db_uuid(result, row, COLUMN_UNIT),
        .role = (int)db_int8(result, row, COLUMN_ROLE),
        .from_ms =
            db_is_null(result, row, COLUMN_FROM) ? 0 : db_timestamptz_ms(result, row, COLUMN_FROM),
        .until_ms = db_is_null(result, row, COLUMN_UNTIL)
                        ? 0
                        : db_timestamptz_ms(result, row, COLUMN_UNTIL),
    };
}

static enum status read_roster(const struct asking *asking, const struct db_result *result,
                               struct roster **out_roster) {
    int rows = db_rows(result);
    struct roster *roster = roster_new(asking->stream, (size_t)rows);
    if (roster == NULL)
        return STATUS_NO_MEMORY;
    for (int i = 0; i < rows; i++) {
        struct roster_row row = read_row(result, i);
        roster_add(roster, &row);
    }
    enum status status = roster_finish(roster, asking->worker->handlers->units);
    if (status != STATUS_OK)
        roster_free(&roster);
    *out_roster = roster;
    return status;
}

static void on_rows(void *user, enum status status, const struct db_result *result) {
    struct asking *asking = user;
    struct arena *arena = asking->arena;
    struct handlers *handlers = asking->worker->handlers;
    struct roster *roster = NULL;
    if (status == STATUS_OK)
        status = read_roster(asking, result, &roster);
    asking->done(asking->user, status, roster);
    if (roster != NULL && asking->keep)
        keep(handlers->rosters, roster, worker_now_ms(asking->worker));
    else
        roster_free(&roster);
    arena_free(&arena);
}

static void ask(struct worker *worker, struct uuid person, struct asking *asking) {
    struct db_params *params = db_params_new(asking->arena);
    db_param_uuid(params, person);
    db_param_uuid(params, asking->stream);
    db_query(worker->reads, DB_SCOPE_NONE, "roster_of", params, on_rows, asking);
}

void roster_cache_get(struct worker *worker, const struct scope *scope, struct uuid stream,
                      int64_t max_age_ms, roster_done_fn done, void *user) {
    struct roster_cache *cache = worker->handlers->rosters;
    bool in_scope = scope_find_stream(scope, stream) != NULL;
    struct entry *entry = in_scope ? *find_link(cache, stream) : NULL;
    if (entry != NULL && worker_now_ms(worker) - entry->loaded_at_ms < max_age_ms) {
        done(user, STATUS_OK, entry->roster);
        return;
    }
    struct arena *arena = arena_new(0);
    struct asking *asking = arena != NULL ? arena_alloc(arena, sizeof(*asking)) : NULL;
    if (asking == NULL) {
        arena_free(&arena);
        done(user, STATUS_NO_MEMORY, NULL);
        return;
    }
    *asking = (struct asking){arena, worker, stream, in_scope, done, user};
    ask(worker, scope->person, asking);
}
