// The judge's entry: which body an operation has, and the memory of a group (people and facts that
// earlier operations of the same group bring). The rules are in judge_*.c.
#include "common/assess/judge.h"

#include <string.h>

#include "common/assess/judge_internal.h"

static bool judge_body(struct judging *judging) {
    const Lx__Operation *operation = judging->operation;
    int bodies = (operation->fact != NULL) + (operation->person != NULL) +
                 (operation->membership != NULL) + (operation->transfer != NULL);
    if (bodies != 1)
        return judge_refuse(judging, REASON_OPERATION_BODY, NULL, NULL);
    if (operation->submission != NULL &&
        (operation->fact == NULL || operation->fact->kind != LX__FACT_KIND__SUBMITTED))
        return judge_refuse(judging, REASON_SUBMISSION_NOT_ASKED, "submission", NULL);
    if (operation->person != NULL)
        return judge_person(judging);
    if (operation->membership != NULL)
        return judge_membership(judging);
    if (operation->transfer != NULL)
        return judge_transfer(judging);
    judging->fact = operation->fact;
    return judge_fact_content(judging) && judge_fact_stage(judging) && judge_submission(judging) &&
           judge_permission(judging);
}

enum status judge_operation(const struct judge_context *context, const Lx__Operation *operation,
                            struct arena *arena, Lx__Reason **out_reason) {
    struct judging judging = {.context = context, .operation = operation, .arena = arena};
    *out_reason = NULL;
    bool accepted = judge_body(&judging);
    if (judging.no_memory || (!accepted && judging.reason == NULL))
        return STATUS_NO_MEMORY;
    *out_reason = judging.reason;
    return STATUS_OK;
}

// What earlier operations of the group have brought.
struct group_memory {
    const struct judge_context *outer;
    struct judge_fact *facts; // arena
    struct uuid *fact_ids;    // arena, beside facts
    size_t n_facts;
    struct uuid *voided; // arena
    size_t n_voided;
};

static bool find_in_group(void *user, struct uuid id, struct judge_fact *out_fact) {
    const struct group_memory *memory = user;
    bool found = memory->outer->find_fact != NULL &&
                 memory->outer->find_fact(memory->outer->find_user, id, out_fact);
    for (size_t i = 0; i < memory->n_facts && !found; i++) {
        if (uuid_equal(memory->fact_ids[i], id)) {
            *out_fact = memory->facts[i];
            found = true;
        }
    }
    for (size_t i = 0; i < memory->n_voided && found; i++)
        if (uuid_equal(memory->voided[i], id))
            out_fact->voided = true;
    return found;
}

static void remember_fact(struct group_memory *memory, const Lx__Operation *operation) {
    struct uuid id;
    const Lx__Fact *fact = operation->fact;
    if (uuid_from_bytes(view_from(fact->id.data, fact->id.len), &id) != STATUS_OK)
        return; // cannot be: it was judged
    memory->fact_ids[memory->n_facts] = id;
    memory->facts[memory->n_facts++] = (struct judge_fact){
        .fact = fact, .submission = operation->submission, .actor = memory->outer->sender};
    if (fact->kind == LX__FACT_KIND__VOID &&
        uuid_from_bytes(view_from(fact->of.data, fact->of.len), &id) == STATUS_OK)
        memory->voided[memory->n_voided++] = id;
}

// A person that an accepted operation brings can be named by later ones.
static void remember_person(struct judge_context *context, struct judge_subject *subjects,
                            const Lx__Person *person) {
    struct uuid id;
    if (uuid_from_bytes(view_from(person->id.data, person->id.len), &id) != STATUS_OK ||
        judge_find_subject(context, id) != NULL)
        return;
    subjects[context->n_subjects++] =
        (struct judge_subject){.id = id, .kind = FACT_SUBJECT_TEACHER, .home = context->stream};
}

enum status judge_group(const struct judge_context *context, size_t n,
                        Lx__Operation *const *operations, struct arena *arena,
                        Lx__Reason ***out_reasons) {
    struct group_memory memory = {.outer = context};
    struct judge_context inner = *context;
    size_t n_subjects = context->n_subjects + n;
    struct judge_subject *subjects = arena_array(arena, n_subjects + 1, sizeof *subjects);
    Lx__Reason **reasons = arena_array(arena, n + 1, sizeof *reasons);
    memory.facts = arena_array(arena, n + 1, sizeof *memory.facts);
    memory.fact_ids = arena_array(arena, n + 1, sizeof *memory.fact_ids);
    memory.voided = arena_array(arena, n + 1, sizeof *memory.voided);
    if (subjects == NULL || reasons == NULL || memory.facts == NULL || memory.fact_ids == NULL ||
        memory.voided == NULL)
        return STATUS_NO_MEMORY;
    if (context->n_subjects > 0)
        memcpy(subjects, context->subjects, context->n_subjects * sizeof *subjects);
    inner.subjects = subjects;
    inner.find_fact = find_in_group;
    inner.find_user = &memory;
    for (size_t i = 0; i < n; i++) {
        TRY(judge_operation(&inner, operations[i], arena, &reasons[i]));
        if (reasons[i] == NULL && operations[i]->fact != NULL)
            remember_fact(&memory, operations[i]);
        else if (reasons[i] == NULL && operations[i]->person != NULL)
            remember_person(&inner, subjects, operations[i]->person);
    }
    *out_reasons = reasons;
    return STATUS_OK;
}
