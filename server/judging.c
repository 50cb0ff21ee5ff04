// From operations to a group of the pile. See judging.h.
#include "server/judging.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/plant.h"
#include "common/wire/unpack.h"

static int compare_facts(const void *left, const void *right) {
    const struct judging_fact *a = left, *b = right;
    return uuid_compare(a->id, b->id);
}

void judging_sort_facts(struct judging_facts *facts) {
    if (facts->n > 1)
        qsort(facts->facts, facts->n, sizeof(*facts->facts), compare_facts);
}

static const struct judging_fact *find_fact(const struct judging_facts *facts, struct uuid id) {
    if (facts == NULL || facts->n == 0)
        return NULL;
    const struct judging_fact key = {.id = id};
    return bsearch(&key, facts->facts, facts->n, sizeof(key), compare_facts);
}

// First layer: a fact is there for who sees its stream, or writes about its subject here.
static bool may_see(const struct judging_input *input, const struct judging_fact *found) {
    return input->checks_off || scope_find_stream(input->scope, found->stream) != NULL ||
           roster_find_subject(input->roster, found->subject) < input->roster->n_subjects;
}

static bool on_find_fact(void *user, struct uuid id, struct judge_fact *out_fact) {
    const struct judging_input *input = user;
    const struct judging_fact *found = find_fact(input->facts, id);
    if (found == NULL || !may_see(input, found))
        return false;
    *out_fact = (struct judge_fact){.fact = &found->fact,
                                    .submission = found->submission,
                                    .actor = found->actor,
                                    .voided = found->voided};
    return true;
}

// Was this written while the grant was in force, as far as its author knew? As in push_judge.sql.
static bool written_under(const struct judging_input *input, const struct scope_grant *ended) {
    return input->scope_version >= (uint64_t)ended->from_ms &&
           input->scope_version < (uint64_t)ended->until_ms;
}

static const struct judge_unit *find_unit(const struct roster *roster, struct uuid id) {
    for (size_t i = 0; i < roster->n_units; i++)
        if (uuid_equal(roster->units[i].id, id))
            return &roster->units[i];
    return NULL;
}

// On which unit of the stream's way a role counts. A grant that ended since its unit's part was
// moved away names that part (scope_of): the office is that of the unit above it now.
static struct uuid unit_of(const struct judging_input *input, const struct scope_grant *grant) {
    const struct role_info *role = role_find(grant->role);
    const struct judge_unit *unit = find_unit(input->roster, grant->unit);
    while (role != NULL && unit != NULL && (role->units & (1u << unit->level)) == 0)
        unit = find_unit(input->roster, unit->parent);
    return unit != NULL ? unit->id : grant->unit;
}

static struct judge_role role_of(const struct judging_input *input,
                                 const struct scope_grant *grant) {
    return (struct judge_role){.role = grant->role,
                               .unit = unit_of(input, grant),
                               .from_ms = grant->from_ms,
                               .until_ms = grant->until_ms};
}

// Grants in force, and those that ended lately for operations that were written before: the judge
// knows for how long they still let something in.
static enum status fill_roles(const struct judging_input *input, struct arena *arena,
                              struct judge_context *context) {
    const struct scope *scope = input->scope;
    struct judge_role *roles =
        arena_array(arena, scope->n_grants + scope->n_ended + 1, sizeof(struct judge_role));
    if (roles == NULL)
        return STATUS_NO_MEMORY;
    size_t n = 0;
    for (size_t i = 0; i < scope->n_grants; i++)
        roles[n++] = role_of(input, &scope->grants[i]);
    for (size_t i = 0; i < scope->n_ended; i++)
        if (written_under(input, &scope->ended[i]))
            roles[n++] = role_of(input, &scope->ended[i]);
    context->roles = roles;
    context->n_roles = n;
    return STATUS_OK;
}

static enum status add_gone(const struct judging_input *input, struct arena *arena,
                            struct judge_context *context) {
    if (input->n_more_gone == 0)
        return STATUS_OK;
    struct judge_gone *gone =
        arena_array(arena, context->n_gone + input->n_more_gone, sizeof(*gone));
    if (gone == NULL)
        return STATUS_NO_MEMORY;
    if (context->n_gone > 0)
        memcpy(gone, context->gone, context->n_gone * sizeof(*gone));
    memcpy(gone + context->n_gone, input->more_gone, input->n_more_gone * sizeof(*gone));
    context->gone = gone;
    context->n_gone += input->n_more_gone;
    return STATUS_OK;
}

// Joins what the roster has with what was looked up besides.
static enum status add_more(const struct judging_input *input, struct arena *arena,
                            struct judge_context *context) {
    TRY(add_gone(input, arena, context));
    if (input->n_more_subjects == 0)
        return STATUS_OK;
    size_t n_subjects = context->n_subjects + input->n_more_subjects;
    size_t n_units = context->n_units + input->n_more_units;
    struct judge_subject *subjects = arena_array(arena, n_subjects, sizeof(*subjects));
    struct judge_unit *units = arena_array(arena, n_units, sizeof(*units));
    if (subjects == NULL || units == NULL)
        return STATUS_NO_MEMORY;
    memcpy(subjects, context->subjects, context->n_subjects * sizeof(*subjects));
    memcpy(subjects + context->n_subjects, input->more_subjects,
           input->n_more_subjects * sizeof(*subjects));
    memcpy(units, context->units, context->n_units * sizeof(*units));
    if (input->n_more_units > 0)
        memcpy(units + context->n_units, input->more_units, input->n_more_units * sizeof(*units));
    context->subjects = subjects;
    context->n_subjects = n_subjects;
    context->units = units;
    context->n_units = n_units;
    return STATUS_OK;
}

static enum status make_context(const struct judging_input *input, struct arena *arena,
                                struct judge_context *out_context) {
    *out_context = (struct judge_context){
        .sender = input->scope->person,
        .received_at_ms = input->received_at_ms,
        .programmes = input->programmes,
        .n_programmes = input->n_programmes,
        .find_fact = on_find_fact,
        .find_user = (void *)input, // only read
        .checks_off = input->checks_off,
    };
    roster_fill_context(input->roster, out_context);
    TRY(fill_roles(input, arena, out_context));
    return add_more(input, arena, out_context);
}

// ---- accepted facts ----

struct sorting {
    const struct judging_input *input;
    struct arena *arena;
    struct pile_target *targets;
    size_t n_targets;
    struct pile_fact *facts;
    size_t n_facts;
};

static uint32_t target_of(struct sorting *sorting, struct uuid home, uint64_t version) {
    for (size_t i = 0; i < sorting->n_targets; i++)
        if (uuid_equal(sorting->targets[i].stream, home))
            return (uint32_t)i;
    sorting->targets[sorting->n_targets] = (struct pile_target){
        .stream = home, .needs = 1u << CAPABILITY_READ, .roster_version = version};
    return (uint32_t)sorting->n_targets++;
}

// A vacant office's reviews go up: a district or the city then reviews with what it has for
// schools.
static enum capability held_for(const struct sorting *sorting, enum capability capability) {
    uint32_t held = sorting->input->scope->capabilities;
    bool goes_up =
        capability == CAPABILITY_REVIEW_TEACHER || capability == CAPABILITY_REVIEW_WORKSHOP;
    return goes_up && (held >> capability & 1) == 0 && (held >> CAPABILITY_REVIEW_SCHOOL & 1) != 0
               ? CAPABILITY_REVIEW_SCHOOL
               : capability;
}

// What writing the fact needs over its subject's unit; for a void what the voided kind needs.
static uint32_t needs_of(const struct sorting *sorting, const Lx__Fact *fact,
                         enum fact_subject subject) {
    Lx__FactKind kind = fact->kind;
    struct uuid of;
    if (kind == LX__FACT_KIND__VOID &&
        uuid_from_bytes(view_from(fact->of.data, fact->of.len), &of) == STATUS_OK) {
        const struct judging_fact *found = find_fact(sorting->input->facts, of);
        for (size_t i = 0; found == NULL && i < sorting->n_facts; i++) {
            const Lx__Fact *other = sorting->facts[i].fact;
            if (other->id.len == UUID_SIZE && memcmp(other->id.data, of.bytes, UUID_SIZE) == 0)
                kind = other->kind;
        }
        if (found != NULL)
            kind = found->fact.kind;
    }
    enum capability capability = held_for(sorting, fact_kind_capability(kind, subject));
    return (uint32_t)capability < CAPABILITY_COUNT ? 1u << capability : 1u << CAPABILITY_READ;
}

static struct uuid id_of(ProtobufCBinaryData bytes) {
    struct uuid id = {{0}};
    if (bytes.len == UUID_SIZE)
        memcpy(id.bytes, bytes.data, UUID_SIZE);
    return id;
}

static struct view text_of(const char *text) {
    return text != NULL ? view_from_string(text) : view_from(NULL, 0);
}

static int64_t microseconds(int64_t time_ms) {
    return (int64_t)((uint64_t)time_ms * 1000); // the judge has refused what does not fit
}

// What the audit chain will know the fact by: the row as the database is about to store it.
static void hash_content(struct pile_fact *added) {
    const Lx__Fact *fact = added->fact;
    uint8_t submission[DIGEST_SHA256_SIZE];
    struct content_fact content = {
        .id = id_of(fact->id),
        .subject = id_of(fact->subject),
        .programme = (int32_t)fact->programme,
        .kind = (int32_t)fact->kind,
        .has_occurred_at = true,
        .occurred_at_us = microseconds(fact->occurred_at_ms),
        .has_until_at = fact->has_until_ms,
        .until_at_us = microseconds(fact->until_ms),
        .has_quantity = fact->has_quantity,
        .quantity = fact->quantity,
        .has_of = fact->has_of,
        .of = id_of(fact->of),
        .item = text_of(fact->item),
        .form = text_of(fact->form),
    };
    if (fact->has_source_key)
        content.source_key = view_from(fact->source_key.data, fact->source_key.len);
    if (added->submission.size > 0) {
        digest_sha256(added->submission, submission);
        content.submission_sha256 = view_from(submission, sizeof submission);
    }
    content_of_fact(&content, added->content);
}

static enum status accept_fact(struct sorting *sorting, const Lx__Operation *operation,
                               uint64_t op_seq) {
    const struct roster *roster = sorting->input->roster;
    const Lx__Fact *fact = operation->fact;
    struct uuid id, subject;
    if (uuid_from_bytes(view_from(fact->id.data, fact->id.len), &id) != STATUS_OK ||
        uuid_from_bytes(view_from(fact->subject.data, fact->subject.len), &subject) != STATUS_OK)
        return STATUS_CORRUPT; // the judge has let it pass
    size_t at = roster_find_subject(roster, subject);
    if (at == roster->n_subjects)
        return STATUS_CORRUPT;
    uint32_t index = target_of(sorting, roster->subjects[at].home, roster->home_versions[at]);
    struct pile_target *target = &sorting->targets[index];
    target->needs |= needs_of(sorting, fact, roster->subjects[at].kind);
    target->digest ^= digest_row(id, 1); // facts never change: version 1
    target->count++;
    struct pile_fact *added = &sorting->facts[sorting->n_facts];
    *added = (struct pile_fact){
        .fact = fact, .op_seq = op_seq, .target = index, .position = target->count};
    if (operation->submission != NULL)
        TRY(unpack_pack(&operation->submission->base, sorting->arena, &added->submission));
    hash_content(added);
    sorting->n_facts++;
    return STATUS_OK;
}

static enum status sort_facts(const struct judging_input *input, Lx__Reason *const *reasons,
                              struct arena *arena, struct pile_group *group) {
    struct sorting sorting = {.input = input, .arena = arena};
    sorting.targets = arena_array(arena, input->n + 1, sizeof(struct pile_target));
    sorting.facts = arena_array(arena, input->n, sizeof(struct pile_fact));
    if (sorting.targets == NULL || sorting.facts == NULL)
        return STATUS_NO_MEMORY;
    (void)target_of(&sorting, input->roster->stream, input->roster->version); // always the first
    for (size_t i = 0; i < input->n; i++)
        if (reasons[i] == NULL && !(PLANTED(PLANT_DROP) && i == 1))
            TRY(accept_fact(&sorting, input->operations[i], input->op_from + i));
    group->targets = sorting.targets;
    group->n_targets = sorting.n_targets;
    group->facts = sorting.facts;
    group->n_facts = sorting.n_facts;
    return STATUS_OK;
}

// ---- accepted roster operations ----

static enum status sort_roster(const struct judging_input *input, Lx__Reason *const *reasons,
                               struct arena *arena, struct pile_group *group) {
    struct pile_roster *roster = arena_alloc(arena, sizeof(*roster));
    struct pile_roster_row *rows = arena_array(arena, input->n, sizeof(*rows));
    if (roster == NULL || rows == NULL)
        return STATUS_NO_MEMORY;
    roster->rows = rows;
    roster->n_rows = 0;
    for (size_t i = 0; i < input->n; i++)
        if (reasons[i] == NULL)
            rows[roster->n_rows++] =
                (struct pile_roster_row){input->operations[i], input->op_from + i};
    group->detail = roster;
    group->alone = true;
    return STATUS_OK;
}

// ---- refused operations ----

static enum status pack_refused(const struct judging_input *input, Lx__Reason *const *reasons,
                                struct arena *arena, struct pile_group *group) {
    Lx__PushedGroup answer = LX__PUSHED_GROUP__INIT;
    answer.refused = arena_array(arena, input->n, sizeof(Lx__RefusedOperation *));
    if (answer.refused == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < input->n; i++) {
        if (reasons[i] == NULL)
            continue;
        Lx__RefusedOperation *refused = arena_alloc(arena, sizeof(*refused));
        if (refused == NULL)
            return STATUS_NO_MEMORY;
        lx__refused_operation__init(refused);
        refused->has_op_seq = true;
        refused->op_seq = input->op_from + i;
        refused->reason = reasons[i];
        answer.refused[answer.n_refused++] = refused;
    }
    group->n_refused = answer.n_refused;
    return unpack_pack(&answer.base, arena, &group->answer);
}

// Is there an accepted roster operation? A group of nothing but refused ones is written like facts:
// it only leaves its answer behind, for which no right over the roster is needed.
static bool has_roster_operations(const struct judging_input *input, Lx__Reason *const *reasons) {
    for (size_t i = 0; i < input->n; i++)
        if (reasons[i] == NULL && input->operations[i]->fact == NULL)
            return true;
    return false;
}

enum status judging_run(const struct judging_input *input, struct arena *arena,
                        struct pile_group *group) {
    struct judge_context context;
    Lx__Reason **reasons = NULL;
    TRY(make_context(input, arena, &context));
    TRY(judge_group(&context, input->n, input->operations, arena, &reasons));
    group->district = input->roster->district;
    group->detail = NULL; // of an earlier round
    TRY(pack_refused(input, reasons, arena, group));
    return has_roster_operations(input, reasons) ? sort_roster(input, reasons, arena, group)
                                                 : sort_facts(input, reasons, arena, group);
}
