// Judging per stream (additions first, then the voids of what they replace), then one transaction.
#include "client/core/import.h"

#include <stdlib.h>
#include <string.h>

#include "client/store/outbox.h"

// One operation of one row.
struct step {
    size_t row; // index in the result
    bool is_void;
    struct uuid stream;
    Lx__Operation *operation;
};

struct steps {
    struct step *list; // arena
    size_t count;
};

static enum status add_step(struct steps *steps, struct arena *arena, size_t row,
                            struct uuid stream, Lx__Fact *fact) {
    Lx__Operation *operation = arena_alloc(arena, sizeof *operation);
    if (operation == NULL)
        return STATUS_NO_MEMORY;
    lx__operation__init(operation);
    operation->fact = fact;
    steps->list[steps->count++] =
        (struct step){row, fact->kind == LX__FACT_KIND__VOID, stream, operation};
    return STATUS_OK;
}

static enum status make_void(const Lx__Fact *replaced, int64_t now_ms, struct arena *arena,
                             Lx__Fact **out_fact) {
    struct uuid id = uuid_new_v7(now_ms);
    Lx__Fact *fact = arena_alloc(arena, sizeof *fact);
    uint8_t *bytes = arena_alloc(arena, UUID_SIZE);
    if (fact == NULL || bytes == NULL)
        return STATUS_NO_MEMORY;
    memcpy(bytes, id.bytes, UUID_SIZE);
    lx__fact__init(fact);
    fact->has_id = fact->has_programme = fact->has_kind = fact->has_subject = fact->has_of = true;
    fact->id = (ProtobufCBinaryData){UUID_SIZE, bytes};
    fact->programme = replaced->programme;
    fact->kind = LX__FACT_KIND__VOID;
    fact->subject = replaced->subject;
    fact->of = replaced->id;
    fact->has_occurred_at_ms = true;
    fact->occurred_at_ms = now_ms;
    *out_fact = fact;
    return STATUS_OK;
}

static enum status add_row(const struct local *local, int64_t now_ms, struct arena *arena,
                           struct evidence_result *result, size_t index, struct steps *steps) {
    const struct evidence_row *row = &result->rows[index];
    struct uuid subject;
    struct uuid old;
    TRY(uuid_from_bytes(view_from(row->fact->subject.data, row->fact->subject.len), &subject));
    const struct people_person *person = people_find_person(&local->people, subject);
    if (person == NULL)
        return STATUS_CORRUPT; // the row was matched with somebody of this directory
    TRY(add_step(steps, arena, index, person->home, row->fact));
    if (row->replaced == NULL)
        return STATUS_OK;
    Lx__Fact *fact;
    TRY(uuid_from_bytes(view_from(row->replaced->id.data, row->replaced->id.len), &old));
    const struct local_fact *stored = local_find_fact(local, old);
    if (stored == NULL)
        return STATUS_CORRUPT;
    TRY(make_void(row->replaced, now_ms, arena, &fact));
    return add_step(steps, arena, index, stored->stream, fact);
}

static int compare_steps(const void *a, const void *b) {
    const struct step *left = a;
    const struct step *right = b;
    if (left->is_void != right->is_void)
        return left->is_void ? 1 : -1;
    int order = uuid_compare(left->stream, right->stream);
    if (order != 0)
        return order;
    return (left->row > right->row) - (left->row < right->row);
}

static int compare_rows(const void *a, const void *b) {
    const struct step *left = a;
    const struct step *right = b;
    if (left->row != right->row)
        return left->row < right->row ? -1 : 1;
    return (int)right->is_void - (int)left->is_void; // the void first
}

static enum status judge_run(const struct local *local, int64_t now_ms, struct arena *arena,
                             struct evidence_result *result, const struct step *run, size_t count) {
    Lx__Operation **operations = arena_array(arena, count + 1, sizeof(Lx__Operation *));
    Lx__Reason **reasons;
    if (operations == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        operations[i] = run[i].operation;
    TRY(local_judge(local, run[0].stream, now_ms, count, operations, arena, &reasons));
    for (size_t i = 0; i < count; i++) {
        const char *column;
        if (reasons[i] == NULL || result->rows[run[i].row].outcome == EVIDENCE_BAD)
            continue;
        TRY(evidence_blame_column(result, arena, reasons[i], &column));
        evidence_refuse(result, run[i].row, column, reasons[i]);
    }
    return STATUS_OK;
}

static enum status judge_steps(const struct local *local, int64_t now_ms, struct arena *arena,
                               struct evidence_result *result, struct steps *steps) {
    if (steps->count > 0)
        qsort(steps->list, steps->count, sizeof *steps->list, compare_steps);
    for (size_t from = 0; from < steps->count;) {
        size_t to = from + 1;
        while (to < steps->count && steps->list[to].is_void == steps->list[from].is_void &&
               uuid_equal(steps->list[to].stream, steps->list[from].stream))
            to++;
        TRY(judge_run(local, now_ms, arena, result, &steps->list[from], to - from));
        from = to;
    }
    return STATUS_OK;
}

static enum status store_steps(struct store *store, int64_t now_ms,
                               const struct evidence_result *result, struct steps *steps) {
    if (steps->count > 0)
        qsort(steps->list, steps->count, sizeof *steps->list, compare_rows);
    for (size_t i = 0; i < steps->count; i++) {
        int64_t id;
        const struct step *step = &steps->list[i];
        if (result->rows[step->row].outcome != EVIDENCE_BAD)
            TRY(store_add_operation(store, step->stream, step->operation, now_ms, &id));
    }
    return STATUS_OK;
}

enum status import_apply(struct store *store, const struct local *local, int64_t now_ms,
                         struct arena *arena, struct evidence_result *result) {
    struct steps steps = {.list = arena_array(arena, 2 * result->count + 1, sizeof(struct step))};
    if (steps.list == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < result->count; i++)
        if (result->rows[i].outcome == EVIDENCE_NEW || result->rows[i].outcome == EVIDENCE_CHANGED)
            TRY(add_row(local, now_ms, arena, result, i, &steps));
    TRY(judge_steps(local, now_ms, arena, result, &steps));
    TRY(store_begin(store));
    enum status status = store_steps(store, now_ms, result, &steps);
    if (status == STATUS_OK)
        return store_commit(store);
    store_rollback(store);
    return status;
}
