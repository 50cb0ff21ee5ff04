// A short list that is read as a whole. See seal_heads.h.
#include "server/seal_heads.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/seal.h"
#include "server/worker.h"

#define MOST_DISTRICTS 1000
#define REFRESH_MS 1000

enum { HEAD_DISTRICT, HEAD_NUMBER, HEAD_HASH, HEAD_ALGORITHM, HEAD_SEALED_AT };

struct head {
    int32_t district;
    int64_t number, sealed_at_ms;
    uint32_t algorithm;
    uint8_t hash[SEAL_HASH_SIZE];
};

struct seal_heads {
    struct worker *worker; // borrows
    size_t n;
    struct head heads[MOST_DISTRICTS];
    int64_t next_ms; // monotonic
    bool under_way;
};

struct seal_heads *seal_heads_new(struct worker *worker) {
    struct seal_heads *heads = calloc(1, sizeof *heads);
    if (heads != NULL)
        heads->worker = worker;
    return heads;
}

void seal_heads_free(struct seal_heads **heads) {
    free(*heads);
    *heads = NULL;
}

static void on_heads(void *user, enum status status, const struct db_result *result) {
    struct seal_heads *heads = user;
    heads->under_way = false;
    if (status != STATUS_OK)
        return; // the next second asks again
    heads->n = 0;
    for (int row = 0; row < db_rows(result) && heads->n < MOST_DISTRICTS; row++) {
        struct view hash = db_bytea(result, row, HEAD_HASH);
        if (hash.size != SEAL_HASH_SIZE)
            continue;
        struct head *head = &heads->heads[heads->n++];
        head->district = (int32_t)db_int8(result, row, HEAD_DISTRICT);
        head->number = db_int8(result, row, HEAD_NUMBER);
        head->algorithm = (uint32_t)db_int8(result, row, HEAD_ALGORITHM);
        head->sealed_at_ms = db_timestamptz_ms(result, row, HEAD_SEALED_AT);
        memcpy(head->hash, hash.data, SEAL_HASH_SIZE);
    }
}

void seal_heads_refresh(struct seal_heads *heads, int64_t monotonic_ms) {
    if (heads->under_way || monotonic_ms < heads->next_ms)
        return;
    heads->next_ms = monotonic_ms + REFRESH_MS;
    heads->under_way = true;
    db_query(heads->worker->reads, DB_SCOPE_NONE, "seal_heads", NULL, on_heads, heads);
}

static const struct head *find(const struct seal_heads *heads, int32_t district) {
    for (size_t i = 0; i < heads->n; i++)
        if (heads->heads[i].district == district)
            return &heads->heads[i];
    return NULL;
}

Lx__SealHead *seal_heads_find(const struct seal_heads *heads, int32_t district,
                              struct arena *arena) {
    const struct head *head = find(heads, district);
    if (head == NULL)
        return NULL;
    Lx__SealHead *message = arena_alloc(arena, sizeof *message);
    uint8_t *hash = arena_alloc(arena, SEAL_HASH_SIZE);
    if (message == NULL || hash == NULL)
        return NULL;
    lx__seal_head__init(message);
    memcpy(hash, head->hash, SEAL_HASH_SIZE);
    message->has_district = message->has_number = message->has_hash = true;
    message->has_algorithm = message->has_sealed_at_ms = true;
    message->district = (uint32_t)head->district;
    message->number = (uint64_t)head->number;
    message->algorithm = head->algorithm;
    message->sealed_at_ms = head->sealed_at_ms;
    message->hash = (ProtobufCBinaryData){SEAL_HASH_SIZE, hash};
    return message;
}
