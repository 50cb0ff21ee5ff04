// Packs and sums what subjects add to roll-ups. Everything lies in the caller's arenas.
#include "server/assessor/figures.h"

#include <stdlib.h>
#include <string.h>

#include "common/wire/unpack.h"

static ProtobufCBinaryData bytes_of(const struct uuid *id) {
    return (ProtobufCBinaryData){.len = UUID_SIZE, .data = (uint8_t *)id->bytes};
}

static enum status pack_row(const struct contribution *from, struct arena *arena,
                            Lx__FiguresRow **out_row) {
    Lx__FiguresRow *row = arena_alloc(arena, sizeof(*row));
    if (row == NULL)
        return STATUS_NO_MEMORY;
    lx__figures_row__init(row);
    row->has_role = 1;
    row->role = from->role;
    // A stage may have the name of a rule.
    row->item = from->kind == CONTRIBUTION_STAGE ? arena_format(arena, "stage:%s", from->item)
                                                 : (char *)from->item;
    if (row->item == NULL)
        return STATUS_NO_MEMORY;
    row->n_values = CONTRIBUTION_VALUES;
    row->values = (int64_t *)from->value; // only read while packing
    *out_row = row;
    return STATUS_OK;
}

enum status figures_pack(const struct scheme *scheme, const struct standing *standing,
                         const struct figures_home *home, struct arena *arena,
                         struct view *out_bytes) {
    Lx__Figures figures = LX__FIGURES__INIT;
    ProtobufCBinaryData units[3];
    struct view summary;
    TRY(summary_pack(scheme, &standing->summary, arena, &summary));
    figures.has_summary = 1;
    figures.summary.len = summary.size;
    figures.summary.data = (uint8_t *)summary.data;
    if (!uuid_is_nil(home->district)) {
        units[figures.n_units++] = bytes_of(&home->district);
        if (!uuid_is_nil(home->school))
            units[figures.n_units++] = bytes_of(&home->school);
        if (!uuid_is_nil(home->workshop))
            units[figures.n_units++] = bytes_of(&home->workshop);
        figures.units = units;
        figures.n_rows = standing->n_contributions;
        figures.rows = arena_array(arena, figures.n_rows, sizeof(*figures.rows));
        if (figures.rows == NULL)
            return STATUS_NO_MEMORY;
        for (size_t i = 0; i < figures.n_rows; i++)
            TRY(pack_row(&standing->contributions[i], arena, &figures.rows[i]));
    }
    return unpack_pack(&figures.base, arena, out_bytes);
}

static bool is_sound(const Lx__Figures *figures) {
    for (size_t i = 0; i < figures->n_units; i++) {
        if (figures->units[i].len != UUID_SIZE)
            return false;
    }
    for (size_t i = 0; i < figures->n_rows; i++) {
        if (figures->rows[i]->n_values != CONTRIBUTION_VALUES || figures->rows[i]->item == NULL)
            return false;
    }
    return figures->n_units <= 3;
}

enum status figures_unpack(struct view bytes, struct arena *arena,
                           const Lx__Figures **out_figures) {
    *out_figures = NULL;
    if (bytes.size == 0)
        return STATUS_OK;
    ProtobufCAllocator allocator = unpack_allocator(arena);
    const Lx__Figures *figures = lx__figures__unpack(&allocator, bytes.size, bytes.data);
    if (figures == NULL || !is_sound(figures))
        return STATUS_CORRUPT;
    *out_figures = figures;
    return STATUS_OK;
}

static struct uuid unit_at(const Lx__Figures *figures, size_t i) {
    struct uuid id = {{0}};
    if (figures != NULL && i < figures->n_units)
        memcpy(id.bytes, figures->units[i].data, UUID_SIZE);
    return id;
}

struct figures_home figures_units(const Lx__Figures *figures) {
    return (struct figures_home){.district = unit_at(figures, 0),
                                 .school = unit_at(figures, 1),
                                 .workshop = unit_at(figures, 2)};
}

// Where each column of rollup comes from, in the order of rollup_apply.
static const enum contribution_value column_of[FIGURES_COLUMNS] = {
    VALUE_SUBJECTS,     VALUE_OPEN,         VALUE_PASSED,  VALUE_FAILED,   VALUE_EXEMPT,
    VALUE_POINTS,       VALUE_STARTED,      VALUE_DONE,    VALUE_LATE,     VALUE_MISSED,
    VALUE_ONLINE_HOURS, VALUE_SCHOOL_HOURS, VALUE_CREDITS, VALUE_SUBJECTS,
};

static enum status add_row(struct figures_sums *sums, struct uuid unit, const Lx__FiguresRow *row,
                           int sign) {
    if (sums->n == sums->capacity) {
        size_t capacity = sums->capacity == 0 ? 256 : sums->capacity * 2;
        struct figures_sum *rows = arena_array(sums->arena, capacity, sizeof(*rows));
        if (rows == NULL)
            return STATUS_NO_MEMORY;
        if (sums->n > 0)
            memcpy(rows, sums->rows, sums->n * sizeof(*rows));
        sums->rows = rows;
        sums->capacity = capacity;
    }
    struct figures_sum *sum = &sums->rows[sums->n++];
    sum->key = (struct figures_key){.unit = unit, .role = (int32_t)row->role, .item = row->item};
    for (size_t i = 0; i < FIGURES_COLUMNS; i++)
        sum->columns[i] = sign * row->values[column_of[i]];
    return STATUS_OK;
}

enum status figures_add(struct figures_sums *sums, const Lx__Figures *figures, int sign) {
    if (figures == NULL)
        return STATUS_OK;
    for (size_t unit = 0; unit < figures->n_units; unit++) {
        for (size_t row = 0; row < figures->n_rows; row++)
            TRY(add_row(sums, unit_at(figures, unit), figures->rows[row], sign));
    }
    return STATUS_OK;
}

int figures_key_compare(const struct figures_key *a, const struct figures_key *b) {
    int order = uuid_compare(a->unit, b->unit);
    if (order == 0)
        order = (a->role > b->role) - (a->role < b->role);
    return order != 0 ? order : strcmp(a->item, b->item);
}

static int compare_sums(const void *a, const void *b) {
    return figures_key_compare(&((const struct figures_sum *)a)->key,
                               &((const struct figures_sum *)b)->key);
}

static bool is_zero(const struct figures_sum *sum) {
    for (size_t i = 0; i < FIGURES_COLUMNS; i++) {
        if (sum->columns[i] != 0)
            return false;
    }
    return true;
}

void figures_fold(struct figures_sums *sums) {
    if (sums->n == 0)
        return;
    qsort(sums->rows, sums->n, sizeof(*sums->rows), compare_sums);
    size_t kept = 0;
    for (size_t i = 0; i < sums->n; i++) {
        struct figures_sum *last = kept == 0 ? NULL : &sums->rows[kept - 1];
        if (last != NULL && compare_sums(last, &sums->rows[i]) == 0) {
            for (size_t c = 0; c < FIGURES_COLUMNS; c++)
                last->columns[c] += sums->rows[i].columns[c];
        } else {
            if (last != NULL && is_zero(last))
                kept--;
            sums->rows[kept++] = sums->rows[i];
        }
    }
    sums->n = is_zero(&sums->rows[kept - 1]) ? kept - 1 : kept;
}
