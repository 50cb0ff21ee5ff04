// The snapshot: one walk over the local view per kind of row, then indices.
#include "client/core/local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/store/replica.h"

#define WAY_STEPS 4 // workshop, school, district, city

static struct uuid id_of(bool has, ProtobufCBinaryData bytes) {
    struct uuid id = {0};
    if (has && uuid_from_bytes(view_from(bytes.data, bytes.len), &id) != STATUS_OK)
        return (struct uuid){0};
    return id;
}

static const char *text_of(const char *text) {
    return text != NULL ? text : "";
}

static enum status find_rows(struct store *store, enum store_kind kind, struct arena *arena,
                             struct store_rows *out_rows) {
    const struct store_query query = {.kind = kind};
    return store_find(store, &query, arena, out_rows);
}

static bool is_lead(const Lx__Unit *unit) {
    for (size_t i = 0; i < unit->n_attributes; i++) {
        const Lx__UnitAttribute *attribute = unit->attributes[i];
        if (attribute->key != NULL && strcmp(attribute->key, "lead_school") == 0)
            return attribute->value != NULL && strcmp(attribute->value, "true") == 0;
    }
    return false;
}

static enum status load_units(struct store *store, struct arena *arena, struct people *people) {
    struct store_rows rows;
    TRY(find_rows(store, STORE_KIND_UNIT, arena, &rows));
    people->units = arena_array(arena, rows.count + 1, sizeof *people->units);
    if (people->units == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < rows.count; i++) {
        const Lx__Unit *unit = rows.rows[i].row->unit;
        if (unit == NULL)
            continue;
        people->units[people->n_units++] = (struct people_unit){
            .id = id_of(unit->has_id, unit->id),
            .parent = id_of(unit->has_parent, unit->parent),
            .level = unit->level,
            .code = text_of(unit->code),
            .name = text_of(unit->name),
            .printed_size = unit->printed_size,
            .lead_school = is_lead(unit),
            .moving = unit->has_moving_to,
            .closed = unit->has_closed_ms,
        };
    }
    return STATUS_OK;
}

static enum status load_persons(struct store *store, struct arena *arena, struct people *people) {
    struct store_rows rows;
    TRY(find_rows(store, STORE_KIND_PERSON, arena, &rows));
    people->persons = arena_array(arena, rows.count + 1, sizeof *people->persons);
    if (people->persons == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < rows.count; i++) {
        const Lx__Person *person = rows.rows[i].row->person;
        if (person != NULL)
            people->persons[people->n_persons++] =
                (struct people_person){.id = rows.rows[i].id,
                                       .home = rows.rows[i].stream,
                                       .version = rows.rows[i].version,
                                       .person = person};
    }
    return STATUS_OK;
}

static enum status load_memberships(struct store *store, struct arena *arena, struct local *local) {
    struct store_rows rows;
    TRY(find_rows(store, STORE_KIND_MEMBERSHIP, arena, &rows));
    local->memberships = arena_array(arena, rows.count + 1, sizeof *local->memberships);
    if (local->memberships == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < rows.count; i++)
        if (rows.rows[i].row->membership != NULL)
            local->memberships[local->n_memberships++] = (struct local_membership){
                .version = rows.rows[i].version, .membership = rows.rows[i].row->membership};
    return STATUS_OK;
}

static int compare_facts(const void *a, const void *b) {
    return uuid_compare(((const struct local_fact *)a)->id, ((const struct local_fact *)b)->id);
}

const struct local_fact *local_find_fact(const struct local *local, struct uuid id) {
    struct local_fact key = {.id = id};
    return local->n_facts == 0
               ? NULL
               : bsearch(&key, local->facts, local->n_facts, sizeof key, compare_facts);
}

static void mark_voided(struct local *local) {
    for (size_t i = 0; i < local->n_facts; i++) {
        const Lx__Fact *fact = local->facts[i].fact.fact;
        if (fact->kind != LX__FACT_KIND__VOID)
            continue;
        const struct local_fact *of = local_find_fact(local, id_of(fact->has_of, fact->of));
        if (of != NULL)
            local->facts[of - local->facts].fact.voided = true;
    }
}

static void list_known(struct local *local) {
    for (size_t i = 0; i < local->n_facts; i++) {
        const Lx__Fact *fact = local->facts[i].fact.fact;
        if (!fact->has_source_key || fact->source_key.len != EVIDENCE_KEY_SIZE)
            continue;
        struct evidence_known *known = &local->known[local->n_known++];
        memcpy(known->key, fact->source_key.data, EVIDENCE_KEY_SIZE);
        known->fact = fact;
        known->voided = local->facts[i].fact.voided;
    }
}

static enum status load_facts(struct store *store, struct arena *arena, struct local *local) {
    struct store_rows rows;
    TRY(find_rows(store, STORE_KIND_FACT, arena, &rows));
    local->facts = arena_array(arena, rows.count + 1, sizeof *local->facts);
    local->known = arena_array(arena, rows.count + 1, sizeof *local->known);
    if (local->facts == NULL || local->known == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < rows.count; i++) {
        const Lx__Row *row = rows.rows[i].row;
        if (row->fact == NULL)
            continue;
        local->facts[local->n_facts++] = (struct local_fact){
            .id = rows.rows[i].id,
            .stream = rows.rows[i].stream,
            // An own fact that the server has not yet sent back has no actor: it is ours.
            .fact = {.fact = row->fact,
                     .submission = row->submission,
                     .actor = row->has_actor ? id_of(true, row->actor) : local->sender},
        };
    }
    if (local->n_facts > 0)
        qsort(local->facts, local->n_facts, sizeof *local->facts, compare_facts);
    mark_voided(local);
    list_known(local);
    return STATUS_OK;
}

static enum status load_programmes(struct store *store, struct arena *arena, struct local *local,
                                   char *out_error) {
    struct store_rows rows;
    TRY(find_rows(store, STORE_KIND_PROGRAMME, arena, &rows));
    local->programmes = arena_array(arena, rows.count + 1, sizeof *local->programmes);
    const char **codes = arena_array(arena, rows.count + 1, sizeof *codes);
    if (local->programmes == NULL || codes == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < rows.count; i++) {
        const Lx__Programme *programme = rows.rows[i].row->programme;
        struct scheme_error error = {0};
        if (programme == NULL)
            continue;
        struct judge_programme *slot = &local->programmes[local->n_programmes];
        struct view bytes = view_from(programme->scheme.data, programme->scheme.len);
        enum status status = scheme_load(bytes, arena, &slot->scheme, &error);
        if (status == STATUS_INVALID) {
            snprintf(out_error, 256, "programme %s: %.80s: %.120s", text_of(programme->code),
                     error.field, error.message);
            return STATUS_CORRUPT;
        }
        TRY(status);
        slot->number = programme->number;
        codes[local->n_programmes++] = text_of(programme->code);
    }
    local->programme_codes = codes;
    return STATUS_OK;
}

static enum status load_login(struct store *store, struct arena *arena, struct local *local) {
    struct store_grant *grants;
    struct view person;
    size_t count;
    enum status status = store_config_get(store, STORE_CONFIG_PERSON, arena, &person);
    if (status == STATUS_OK)
        status = uuid_from_bytes(person, &local->sender);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    TRY(store_grants(store, arena, &count, &grants));
    local->roles = arena_array(arena, count + 1, sizeof *local->roles);
    if (local->roles == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        local->roles[local->n_roles++] = (struct judge_role){.role = (Lx__Role)grants[i].role,
                                                             .unit = grants[i].unit,
                                                             .from_ms = grants[i].from_ms,
                                                             .until_ms = grants[i].until_ms};
    return STATUS_OK;
}

enum status local_load(struct store *store, struct arena *arena, struct local **out_local,
                       char *out_error) {
    struct local *local = arena_alloc(arena, sizeof *local);
    if (local == NULL)
        return STATUS_NO_MEMORY;
    out_error[0] = '\0';
    TRY(load_login(store, arena, local));
    TRY(load_units(store, arena, &local->people));
    TRY(load_persons(store, arena, &local->people));
    TRY(people_index(&local->people, arena));
    TRY(load_memberships(store, arena, local));
    TRY(load_programmes(store, arena, local, out_error));
    TRY(load_facts(store, arena, local));
    *out_local = local;
    return STATUS_OK;
}

const struct judge_programme *local_programme(const struct local *local, const char *code) {
    const struct judge_programme *found = NULL;
    for (size_t i = 0; i < local->n_programmes; i++) {
        const struct judge_programme *programme = &local->programmes[i];
        if (code != NULL && code[0] != '\0' && strcmp(code, local->programme_codes[i]) != 0)
            continue;
        if (found == NULL || programme->number > found->number)
            found = programme;
    }
    return found;
}

// ---- the judge's context of one stream ----

static bool find_for_judge(void *user, struct uuid id, struct judge_fact *out_fact) {
    const struct local_fact *fact = local_find_fact(user, id);
    if (fact != NULL)
        *out_fact = fact->fact;
    return fact != NULL;
}

// Units and people of the stream's school (so that people can move inside it), and the way up.
struct context_builder {
    const struct local *local;
    const struct people_unit *school;
    struct uuid stream;
    struct judge_unit *units;
    struct judge_subject *subjects;
    struct judge_office *offices;
    struct judge_context *context;
};

static void add_unit(struct context_builder *builder, const struct people_unit *unit) {
    struct judge_context *context = builder->context;
    for (size_t i = 0; i < context->n_units; i++)
        if (uuid_equal(builder->units[i].id, unit->id))
            return;
    builder->units[context->n_units++] =
        (struct judge_unit){.id = unit->id, .parent = unit->parent, .level = unit->level};
    enum fact_subject kind = fact_subject_of_level(unit->level);
    if (kind != FACT_SUBJECT_COUNT && uuid_equal(unit->id, builder->stream))
        builder->subjects[context->n_subjects++] =
            (struct judge_subject){.id = unit->id, .kind = kind, .home = unit->id};
}

static void add_way(struct context_builder *builder, struct uuid unit) {
    const struct people_unit *at = people_find_unit(&builder->local->people, unit);
    for (int step = 0; at != NULL && step < WAY_STEPS; step++) {
        add_unit(builder, at);
        at = people_find_unit(&builder->local->people, at->parent);
    }
}

static void add_units(struct context_builder *builder) {
    const struct people *people = &builder->local->people;
    add_way(builder, builder->stream);
    for (size_t i = 0; builder->school != NULL && i < people->n_units; i++)
        if (uuid_equal(people->units[i].parent, builder->school->id))
            add_unit(builder, &people->units[i]);
}

static void add_people(struct context_builder *builder) {
    const struct people *people = &builder->local->people;
    for (size_t i = 0; i < people->n_persons; i++) {
        const struct people_person *person = &people->persons[i];
        bool here =
            uuid_equal(person->home, builder->stream) ||
            (builder->school != NULL && people_school_of(people, person->home) == builder->school);
        if (here)
            builder->subjects[builder->context->n_subjects++] = (struct judge_subject){
                .id = person->id, .kind = FACT_SUBJECT_TEACHER, .home = person->home};
    }
}

static void add_offices(struct context_builder *builder) {
    const struct local *local = builder->local;
    for (size_t i = 0; i < local->n_memberships; i++) {
        const Lx__Membership *membership = local->memberships[i].membership;
        if (membership->role == LX__ROLE__TEACHER)
            continue;
        builder->offices[builder->context->n_offices++] = (struct judge_office){
            .role = membership->role,
            .unit = id_of(membership->has_unit, membership->unit),
            .person = id_of(membership->has_person, membership->person),
            .from_ms = membership->from_ms,
            .until_ms = membership->has_until_ms ? membership->until_ms : 0,
        };
    }
}

static bool has_subject(const struct context_builder *builder, struct uuid id) {
    for (size_t i = 0; i < builder->context->n_subjects; i++)
        if (uuid_equal(builder->subjects[i].id, id))
            return true;
    return false;
}

// Memberships may name units and people of other schools: those who are moved.
static void add_named(struct context_builder *builder, size_t n, Lx__Operation *const *operations) {
    for (size_t i = 0; i < n; i++) {
        const Lx__Membership *membership = operations[i]->membership;
        if (membership == NULL)
            continue;
        struct uuid id = id_of(membership->has_person, membership->person);
        const struct people_person *person = people_find_person(&builder->local->people, id);
        add_way(builder, id_of(membership->has_unit, membership->unit));
        if (person == NULL || has_subject(builder, id))
            continue;
        add_way(builder, person->home);
        builder->subjects[builder->context->n_subjects++] =
            (struct judge_subject){.id = id, .kind = FACT_SUBJECT_TEACHER, .home = person->home};
    }
}

enum status local_judge(const struct local *local, struct uuid stream, int64_t now_ms, size_t n,
                        Lx__Operation *const *operations, struct arena *arena,
                        Lx__Reason ***out_reasons) {
    struct judge_context context = {.sender = local->sender,
                                    .stream = stream,
                                    .received_at_ms = now_ms,
                                    .roles = local->roles,
                                    .n_roles = local->n_roles,
                                    .programmes = local->programmes,
                                    .n_programmes = local->n_programmes,
                                    .find_fact = find_for_judge,
                                    .find_user = (void *)(uintptr_t)local};
    struct context_builder builder = {.local = local,
                                      .school = people_school_of(&local->people, stream),
                                      .stream = stream,
                                      .context = &context};
    size_t n_units = local->people.n_units + 1;
    builder.units = arena_array(arena, n_units, sizeof *builder.units);
    builder.subjects =
        arena_array(arena, local->people.n_persons + n_units, sizeof *builder.subjects);
    builder.offices = arena_array(arena, local->n_memberships + 1, sizeof *builder.offices);
    if (builder.units == NULL || builder.subjects == NULL || builder.offices == NULL)
        return STATUS_NO_MEMORY;
    add_units(&builder);
    add_people(&builder);
    add_named(&builder, n, operations);
    add_offices(&builder);
    context.units = builder.units;
    context.subjects = builder.subjects;
    context.offices = builder.offices;
    return judge_group(&context, n, operations, arena, out_reasons);
}
