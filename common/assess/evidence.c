// Sorting, repeats and voids. Order of the input never shows in the output.
#include "common/assess/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/sort.h"

static int compare_int64(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

// By id; equal ids are the same fact, sorted further only so that the result never depends on
// order.
static int compare_ids(const void *a, const void *b) {
    const struct fact *first = *(const struct fact *const *)a;
    const struct fact *second = *(const struct fact *const *)b;
    int order = uuid_compare(first->id, second->id);
    if (order == 0)
        order = compare_int64(first->kind, second->kind);
    if (order == 0)
        order = compare_int64(first->occurred_at_ms, second->occurred_at_ms);
    if (order == 0)
        order = compare_int64(first->until_ms, second->until_ms);
    return order != 0 ? order : compare_int64(first->quantity, second->quantity);
}

static int compare_uuids(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct uuid));
}

static int compare_age(const struct fact *first, const struct fact *second) {
    int order = compare_int64(first->occurred_at_ms, second->occurred_at_ms);
    return order != 0 ? order : uuid_compare(first->id, second->id);
}

static int compare_items(const void *a, const void *b) {
    const struct fact *first = *(const struct fact *const *)a;
    const struct fact *second = *(const struct fact *const *)b;
    int order = compare_int64(first->kind, second->kind);
    if (order == 0)
        order = strcmp(first->item, second->item);
    return order != 0 ? order : compare_age(first, second);
}

static int compare_ofs(const void *a, const void *b) {
    const struct fact *first = *(const struct fact *const *)a;
    const struct fact *second = *(const struct fact *const *)b;
    int order = compare_int64(first->kind, second->kind);
    if (order == 0)
        order = uuid_compare(first->of, second->of);
    if (order == 0)
        order = compare_int64(second->quantity, first->quantity);
    return order != 0 ? order : compare_age(first, second);
}

// Drops what a VOID names and the voids themselves. `facts` are sorted by id.
static size_t apply_voids(const struct fact **facts, size_t n, struct uuid *voided) {
    size_t n_voided = 0;
    for (size_t i = 0; i < n; i++) {
        if (facts[i]->kind == LX__FACT_KIND__VOID)
            voided[n_voided++] = facts[i]->of;
    }
    sort_list(voided, n_voided, sizeof(*voided), compare_uuids);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool gone = facts[i]->kind == LX__FACT_KIND__VOID ||
                    bsearch(&facts[i]->id, voided, n_voided, sizeof(*voided), compare_uuids);
        if (!gone)
            facts[kept++] = facts[i];
    }
    return kept;
}

enum status evidence_open(const struct fact *facts, size_t n, uint32_t programme, int64_t until_ms,
                          struct arena *arena, struct evidence *out_evidence) {
    const struct fact **list = arena_array(arena, n + 1, sizeof(*list));
    const struct fact **by_of = arena_array(arena, n + 1, sizeof(*by_of));
    struct uuid *voided = arena_array(arena, n + 1, sizeof(*voided));
    if (list == NULL || by_of == NULL || voided == NULL)
        return STATUS_NO_MEMORY;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool in_time = facts[i].occurred_at_ms < until_ms || facts[i].kind == LX__FACT_KIND__VOID;
        if (facts[i].programme == programme && in_time)
            list[kept++] = &facts[i];
    }
    sort_list(list, kept, sizeof(*list), compare_ids);
    size_t unique = 0;
    for (size_t i = 0; i < kept; i++) {
        if (unique == 0 || !uuid_equal(list[unique - 1]->id, list[i]->id))
            list[unique++] = list[i];
    }
    unique = apply_voids(list, unique, voided);
    size_t about = 0;
    for (size_t i = 0; i < unique; i++) {
        if (!uuid_is_nil(list[i]->of))
            by_of[about++] = list[i];
    }
    sort_list(list, unique, sizeof(*list), compare_items);
    sort_list(by_of, about, sizeof(*by_of), compare_ofs);
    *out_evidence = (struct evidence){list, by_of, unique, about};
    return STATUS_OK;
}

// Key for the searches below; the parts after the kind may be left out.
struct key {
    Lx__FactKind kind;
    const char *item;      // NULL: any
    const struct uuid *of; // NULL: any
};

static int compare_key(const struct fact *fact, const struct key *key) {
    int order = compare_int64(fact->kind, key->kind);
    if (order == 0 && key->item != NULL)
        order = strcmp(fact->item, key->item);
    if (order == 0 && key->of != NULL)
        order = uuid_compare(fact->of, *key->of);
    return order;
}

// First index whose fact is not before the key (past = 0) or is behind it (past = 1).
static size_t bound(const struct fact *const *facts, size_t n, const struct key *key, int past) {
    size_t low = 0;
    size_t high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_key(facts[middle], key) < past)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct fact_range find(const struct fact *const *facts, size_t n, const struct key *key) {
    size_t from = bound(facts, n, key, 0);
    return (struct fact_range){facts + from, bound(facts, n, key, 1) - from};
}

struct fact_range evidence_of_kind(const struct evidence *evidence, Lx__FactKind kind) {
    struct key key = {kind, NULL, NULL};
    return find(evidence->by_item, evidence->n, &key);
}

struct fact_range evidence_of_item(const struct evidence *evidence, Lx__FactKind kind,
                                   const char *item) {
    struct key key = {kind, item, NULL};
    return find(evidence->by_item, evidence->n, &key);
}

struct fact_range evidence_about(const struct evidence *evidence, Lx__FactKind kind,
                                 struct uuid of) {
    struct key key = {kind, NULL, &of};
    return find(evidence->by_of, evidence->n_by_of, &key);
}
