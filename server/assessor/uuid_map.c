// Open addressing with linear probing, at most half full.
#include "server/assessor/uuid_map.h"

#include <string.h>

// Ids are random in their last bytes, whatever their version.
static size_t slot_of(const struct uuid_map *map, struct uuid id) {
    uint64_t tail;
    memcpy(&tail, id.bytes + 8, sizeof(tail));
    tail ^= tail >> 29;
    size_t slot = (size_t)(tail * UINT64_C(0x9e3779b97f4a7c15) >> 17) & (map->capacity - 1);
    while (map->values[slot] != UUID_MAP_NONE && !uuid_equal(map->ids[slot], id))
        slot = (slot + 1) & (map->capacity - 1);
    return slot;
}

static enum status grow(struct uuid_map *map) {
    struct uuid_map bigger = {.arena = map->arena,
                              .capacity = map->capacity == 0 ? 64 : map->capacity * 2,
                              .used = map->used};
    bigger.ids = arena_array(map->arena, bigger.capacity, sizeof(*bigger.ids));
    bigger.values = arena_array(map->arena, bigger.capacity, sizeof(*bigger.values));
    if (bigger.ids == NULL || bigger.values == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < bigger.capacity; i++)
        bigger.values[i] = UUID_MAP_NONE;
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->values[i] == UUID_MAP_NONE)
            continue;
        size_t slot = slot_of(&bigger, map->ids[i]);
        bigger.ids[slot] = map->ids[i];
        bigger.values[slot] = map->values[i];
    }
    *map = bigger;
    return STATUS_OK;
}

enum status uuid_map_add(struct uuid_map *map, struct uuid id, size_t value) {
    if (map->used * 2 >= map->capacity)
        TRY(grow(map));
    size_t slot = slot_of(map, id);
    if (map->values[slot] != UUID_MAP_NONE)
        return STATUS_EXISTS;
    map->ids[slot] = id;
    map->values[slot] = value;
    map->used++;
    return STATUS_OK;
}

size_t uuid_map_find(const struct uuid_map *map, struct uuid id) {
    if (map->capacity == 0)
        return UUID_MAP_NONE;
    return map->values[slot_of(map, id)];
}
