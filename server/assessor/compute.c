// A batch of subjects: loaded, scored one by one with a scratch arena, outcomes kept.
#include "server/assessor/compute.h"

#include <stdlib.h>
#include <string.h>

#include "server/assessor/load.h"

// Of all that is loaded for one batch and of one subject's scoring; far above what a batch of the
// busiest subjects has taken, so that a runaway ends in an error and not in the machine's memory.
#define BATCH_BYTES ((size_t)512 * 1024 * 1024)
#define SCRATCH_BYTES ((size_t)64 * 1024 * 1024)

struct computation computation_new(struct db_sync *db, struct arena *arena, int32_t district,
                                   const struct scheme *scheme) {
    return (struct computation){.db = db,
                                .arena = arena,
                                .district = district,
                                .scheme = scheme,
                                .by_subject = {.arena = arena}};
}

static enum status make_room(struct computation *computation) {
    if (computation->n < computation->capacity)
        return STATUS_OK;
    size_t capacity = computation->capacity == 0 ? 64 : computation->capacity * 2;
    struct outcome *outcomes = arena_array(computation->arena, capacity, sizeof(*outcomes));
    if (outcomes == NULL)
        return STATUS_NO_MEMORY;
    if (computation->n > 0)
        memcpy(outcomes, computation->outcomes, computation->n * sizeof(*outcomes));
    computation->outcomes = outcomes;
    computation->capacity = capacity;
    return STATUS_OK;
}

static enum status keep_bytes(struct arena *arena, struct view bytes, struct view *out_copy) {
    const char *copy = arena_string(arena, bytes);
    *out_copy = view_from(copy, bytes.size);
    return copy == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status keep_outcome(struct computation *computation, const struct subject *subject,
                                const struct standing *standing, struct view figures) {
    TRY(make_room(computation));
    struct outcome outcome = {.subject = subject->id,
                              .level = subject->level,
                              .stream = subject->stream,
                              .as_of = subject->as_of,
                              .role = assess_role_of(standing->kind),
                              .state = standing->state,
                              .points = standing->points,
                              .total = standing->total,
                              .n_offices = subject->n_offices};
    TRY(keep_bytes(computation->arena, standing->receipt, &outcome.receipt));
    TRY(keep_bytes(computation->arena, figures, &outcome.figures));
    struct uuid *offices = arena_array(computation->arena, subject->n_offices, sizeof(*offices));
    if (offices == NULL)
        return STATUS_NO_MEMORY;
    if (subject->n_offices > 0)
        memcpy(offices, subject->offices, subject->n_offices * sizeof(*offices));
    outcome.offices = offices;
    TRY(uuid_map_add(&computation->by_subject, subject->id, computation->n));
    computation->outcomes[computation->n++] = outcome;
    return STATUS_OK;
}

static enum subject_kind kind_of(int level) {
    if (level == COMPUTE_PERSON)
        return SUBJECT_KIND_TEACHER;
    return level == COMPUTE_WORKSHOP ? SUBJECT_KIND_WORKSHOP : SUBJECT_KIND_SCHOOL;
}

static enum status score(struct computation *computation, const struct subject *subject,
                         struct arena *scratch) {
    struct assess_input input = {
        .scheme = computation->scheme,
        .kind = kind_of(subject->level),
        .subject = subject->id,
        .as_of = subject->as_of,
        .facts = subject->facts,
        .n_facts = subject->n_facts,
        .certificate = subject->certificate,
        .in_post = subject->in_post,
        .established = subject->established,
        .homes = subject->homes,
        .n_homes = subject->n_homes,
        .selections = subject->selections,
        .n_selections = subject->n_selections,
        .below = subject->below,
        .n_below = subject->n_below,
        .holders = subject->holders,
        .n_holders = subject->n_holders,
        .lead_school = subject->lead_school,
    };
    struct standing standing;
    struct view figures;
    TRY(assess(&input, scratch, &standing));
    TRY(figures_pack(computation->scheme, &standing, &subject->units, scratch, &figures));
    return keep_outcome(computation, subject, &standing, figures);
}

static enum status score_all(struct computation *computation, const struct batch *batch,
                             struct arena *scratch) {
    for (size_t i = 0; i < batch->n; i++) {
        const struct subject *subject = &batch->subjects[i];
        bool concerned =
            subject->level != COMPUTE_PERSON || subject->member || subject->n_facts > 0;
        if (!subject->exists || !concerned)
            continue;
        arena_reset(scratch);
        TRY(score(computation, subject, scratch));
    }
    return STATUS_OK;
}

static enum status open_batch(struct batch *batch, int level, const struct uuid *ids,
                              const int32_t *as_of, size_t n) {
    batch->n = n;
    batch->by_id.arena = batch->arena;
    batch->subjects = arena_array(batch->arena, n, sizeof(*batch->subjects));
    if (batch->subjects == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        batch->subjects[i] = (struct subject){.id = ids[i], .as_of = as_of[i], .level = level};
        TRY(uuid_map_add(&batch->by_id, ids[i], i));
    }
    return STATUS_OK;
}

static enum status load_all(struct batch *batch, int level) {
    if (level == COMPUTE_PERSON) {
        TRY(load_people(batch));
        TRY(load_memberships(batch));
    } else {
        TRY(load_units(batch));
        TRY(load_below(batch));
    }
    TRY(load_facts(batch));
    return load_selections(batch);
}

static enum status compute(struct computation *computation, int level, const struct uuid *subjects,
                           const int32_t *as_of, size_t n) {
    if (n == 0)
        return STATUS_OK;
    struct arena *arena = arena_new(BATCH_BYTES);
    struct arena *scratch = arena_new(SCRATCH_BYTES);
    enum status status = STATUS_NO_MEMORY;
    if (arena != NULL && scratch != NULL) {
        struct batch batch = {.computation = computation, .arena = arena};
        status = open_batch(&batch, level, subjects, as_of, n);
        if (status == STATUS_OK)
            status = load_all(&batch, level);
        if (status == STATUS_OK)
            status = score_all(computation, &batch, scratch);
    }
    arena_free(&arena);
    arena_free(&scratch);
    return status;
}

enum status compute_people(struct computation *computation, const struct uuid *subjects,
                           const int32_t *as_of, size_t n) {
    return compute(computation, COMPUTE_PERSON, subjects, as_of, n);
}

enum status compute_units(struct computation *computation, int level, const struct uuid *subjects,
                          const int32_t *as_of, size_t n) {
    return compute(computation, level, subjects, as_of, n);
}
