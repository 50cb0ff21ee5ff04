// Units by id (sorted array) and by code (a second sorted index). See units.h.
#include "server/units.h"

#include <stdlib.h>
#include <string.h>

struct units {
    struct unit_row **by_id;   // owns the rows; ascending
    struct unit_row **by_code; // borrows; ascending, then by id: codes may be twice for a moment
    size_t count;
    size_t capacity;
};

struct units *units_new(void) {
    return calloc(1, sizeof(struct units));
}

static void row_free(struct unit_row *row) {
    if (row == NULL)
        return;
    free(row->code);
    free(row->name);
    free(row);
}

void units_free(struct units **units) {
    if (*units == NULL)
        return;
    for (size_t i = 0; i < (*units)->count; i++)
        row_free((*units)->by_id[i]);
    free((*units)->by_id);
    free((*units)->by_code);
    free(*units);
    *units = NULL;
}

// First place whose id is not below; the same for codes.
static size_t place_of_id(const struct units *units, struct uuid id) {
    size_t low = 0, high = units->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (uuid_compare(units->by_id[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int compare_code(const struct unit_row *row, struct view code, struct uuid id) {
    int order = view_compare(view_from_string(row->code), code);
    return order != 0 ? order : uuid_compare(row->id, id);
}

static size_t place_of_code(const struct units *units, struct view code, struct uuid id) {
    size_t low = 0, high = units->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_code(units->by_code[middle], code, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum status reserve(struct units *units) {
    if (units->count < units->capacity)
        return STATUS_OK;
    size_t capacity = units->capacity > 0 ? 2 * units->capacity : 64;
    struct unit_row **by_id = realloc(units->by_id, capacity * sizeof(*by_id));
    if (by_id == NULL)
        return STATUS_NO_MEMORY;
    units->by_id = by_id;
    struct unit_row **by_code = realloc(units->by_code, capacity * sizeof(*by_code));
    if (by_code == NULL)
        return STATUS_NO_MEMORY;
    units->by_code = by_code;
    units->capacity = capacity;
    return STATUS_OK;
}

static void insert_at(struct unit_row **rows, size_t count, size_t place, struct unit_row *row) {
    memmove(rows + place + 1, rows + place, (count - place) * sizeof(*rows));
    rows[place] = row;
}

static void remove_row(struct units *units, struct uuid id) {
    size_t place = place_of_id(units, id);
    if (place == units->count || !uuid_equal(units->by_id[place]->id, id))
        return;
    struct unit_row *row = units->by_id[place];
    size_t code_place = place_of_code(units, view_from_string(row->code), id);
    size_t behind = units->count - 1;
    memmove(units->by_id + place, units->by_id + place + 1,
            (behind - place) * sizeof(*units->by_id));
    memmove(units->by_code + code_place, units->by_code + code_place + 1,
            (behind - code_place) * sizeof(*units->by_code));
    units->count--;
    row_free(row);
}

static char *copy_text(struct view text) {
    return text.data != NULL ? strndup((const char *)text.data, text.size) : strdup("");
}

enum status units_put(struct units *units, struct uuid id, struct uuid parent, Lx__UnitLevel level,
                      int32_t district, struct view texts[2]) {
    TRY(reserve(units));
    struct unit_row *row = calloc(1, sizeof(*row));
    if (row == NULL)
        return STATUS_NO_MEMORY;
    *row = (struct unit_row){.id = id, .parent = parent, .level = level, .district = district};
    row->code = copy_text(texts[0]);
    row->name = copy_text(texts[1]);
    if (row->code == NULL || row->name == NULL) {
        row_free(row);
        return STATUS_NO_MEMORY;
    }
    remove_row(units, id);
    insert_at(units->by_id, units->count, place_of_id(units, id), row);
    insert_at(units->by_code, units->count, place_of_code(units, view_from_string(row->code), id),
              row);
    units->count++;
    return STATUS_OK;
}

size_t units_count(const struct units *units) {
    return units->count;
}

const struct unit_row *units_find(const struct units *units, struct uuid id) {
    size_t place = place_of_id(units, id);
    bool found = place < units->count && uuid_equal(units->by_id[place]->id, id);
    return found ? units->by_id[place] : NULL;
}

const struct unit_row *units_find_code(const struct units *units, struct view code) {
    size_t place = place_of_code(units, code, (struct uuid){{0}}); // the first of that code
    bool found =
        place < units->count && view_equal(view_from_string(units->by_code[place]->code), code);
    return found ? units->by_code[place] : NULL;
}

size_t units_path(const struct units *units, struct uuid id, struct uuid out_path[UNITS_MAX_PATH]) {
    size_t n = 0;
    const struct unit_row *unit = units_find(units, id);
    while (unit != NULL && n < UNITS_MAX_PATH) {
        out_path[n++] = unit->id;
        unit = uuid_is_nil(unit->parent) ? NULL : units_find(units, unit->parent);
    }
    return n;
}
