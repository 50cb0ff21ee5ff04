// What must be known before a group is judged: facts that its operations are about, where the
// persons of its memberships live, and a programme that is newer than what this worker has read.
// One query each, only when there is something to ask.
#include <stdlib.h>
#include <string.h>

#include "common/wire/unpack.h"
#include "server/handlers.h"
#include "server/handlers/push.h"

// Columns of facts_by_id.
enum {
    FACT_ID,
    FACT_DISTRICT,
    FACT_STREAM,
    FACT_PROGRAMME,
    FACT_KIND,
    FACT_SUBJECT,
    FACT_ITEM,
    FACT_OCCURRED_AT,
    FACT_QUANTITY,
    FACT_OF,
    FACT_ACTOR,
    FACT_VOIDED,
    FACT_SUBMISSION
};

// Columns of homes_of.
enum { HOME_PERSON, HOME_STREAM, HOME_GONE_TO, HOME_LEFT_AT };

static struct arena *arena_of(const struct push_group *group) {
    return request_arena(group->push->request);
}

static void look_up_homes(struct push_group *group);

// ---- facts ----

static bool part_brings(const struct push_group *group, ProtobufCBinaryData id) {
    for (size_t i = group->part.from; i < group->part.to; i++) {
        const Lx__Fact *fact = group->operations[i]->fact;
        if (fact != NULL && push_same_id(fact->id, id))
            return true;
    }
    return false;
}

static size_t collect_facts(const struct push_group *group, struct uuid *out_ids) {
    size_t n = 0;
    for (size_t i = group->part.from; i < group->part.to; i++) {
        const Lx__Fact *fact = group->operations[i]->fact;
        if (fact == NULL || !fact->has_of || part_brings(group, fact->of))
            continue;
        if (uuid_from_bytes(view_from(fact->of.data, fact->of.len), &out_ids[n]) == STATUS_OK)
            n++;
    }
    return n;
}

static ProtobufCBinaryData copy_uuid(struct arena *arena, struct uuid id) {
    struct uuid *copy = arena_alloc(arena, sizeof(*copy));
    if (copy == NULL)
        return (ProtobufCBinaryData){0, NULL};
    *copy = id;
    return (ProtobufCBinaryData){UUID_SIZE, copy->bytes};
}

static enum status read_submission(struct arena *arena, struct view packed,
                                   const Lx__Submission **out_submission) {
    const ProtobufCMessage *message = NULL;
    struct scan_fault fault;
    *out_submission = NULL;
    if (packed.data == NULL)
        return packed.size > 0 ? STATUS_NO_MEMORY : STATUS_OK;
    enum status status = unpack_message(&lx__submission__descriptor, packed, &SCAN_LIMITS_REPLY,
                                        arena, &message, &fault);
    *out_submission = (const Lx__Submission *)message;
    return status;
}

// The stored fact as a message, as far as judging needs it. False: out of memory; judged without
// the half of it, records would be refused for good.
static bool read_fact(struct arena *arena, const struct db_result *result, int row,
                      struct judging_fact *out_fact) {
    struct judging_fact found = {.id = db_uuid(result, row, FACT_ID),
                                 .stream = db_uuid(result, row, FACT_STREAM),
                                 .subject = db_uuid(result, row, FACT_SUBJECT),
                                 .actor = db_uuid(result, row, FACT_ACTOR),
                                 .voided = db_bool(result, row, FACT_VOIDED)};
    Lx__Fact *fact = &found.fact;
    lx__fact__init(fact);
    fact->has_id = fact->has_programme = fact->has_kind = fact->has_subject = true;
    fact->id = copy_uuid(arena, found.id);
    fact->programme = (uint32_t)db_int8(result, row, FACT_PROGRAMME);
    fact->kind = (Lx__FactKind)db_int8(result, row, FACT_KIND);
    fact->subject = copy_uuid(arena, db_uuid(result, row, FACT_SUBJECT));
    if (!db_is_null(result, row, FACT_ITEM))
        fact->item = arena_string(arena, db_text(result, row, FACT_ITEM));
    fact->has_occurred_at_ms = !db_is_null(result, row, FACT_OCCURRED_AT);
    if (fact->has_occurred_at_ms)
        fact->occurred_at_ms = db_timestamptz_ms(result, row, FACT_OCCURRED_AT);
    fact->has_quantity = !db_is_null(result, row, FACT_QUANTITY);
    fact->quantity = db_int8(result, row, FACT_QUANTITY);
    fact->has_of = !db_is_null(result, row, FACT_OF);
    if (fact->has_of)
        fact->of = copy_uuid(arena, db_uuid(result, row, FACT_OF));
    struct view packed = db_bytea(result, row, FACT_SUBMISSION);
    if (packed.data != NULL)
        packed.data = (const uint8_t *)arena_string(arena, packed);
    enum status status = read_submission(arena, packed, &found.submission);
    *out_fact = found;
    return status != STATUS_NO_MEMORY && fact->id.data != NULL && fact->subject.data != NULL &&
           (fact->item != NULL || db_is_null(result, row, FACT_ITEM)) &&
           (fact->of.data != NULL || !fact->has_of);
}

static void on_facts(void *user, enum status status, const struct db_result *result) {
    struct push_group *group = user;
    if (status != STATUS_OK) {
        push_group_fail(group, status);
        return;
    }
    size_t rows = (size_t)db_rows(result);
    group->facts.facts = arena_array(arena_of(group), rows + 1, sizeof(*group->facts.facts));
    if (group->facts.facts == NULL) {
        push_group_fail(group, STATUS_NO_MEMORY);
        return;
    }
    for (size_t row = 0; row < rows; row++)
        if (!read_fact(arena_of(group), result, (int)row, &group->facts.facts[row])) {
            push_group_fail(group, STATUS_NO_MEMORY);
            return;
        }
    group->facts.n = rows;
    judging_sort_facts(&group->facts);
    look_up_homes(group);
}

static void look_up_facts(struct push_group *group) {
    struct arena *arena = arena_of(group);
    struct uuid *ids = arena_array(arena, group->n, sizeof(*ids));
    group->facts = (struct judging_facts){NULL, 0};
    if (ids == NULL) {
        push_group_fail(group, STATUS_NO_MEMORY);
        return;
    }
    size_t n = collect_facts(group, ids);
    if (n == 0) {
        look_up_homes(group);
        return;
    }
    struct db_params *params = db_params_new(arena);
    db_param_uuid(params, group->push->sender.scope->person);
    db_param_uuid(params, group->stream);
    db_param_uuid_array(params, n, ids, NULL);
    scope_query(group->push->sender.scope, group->push->worker->reads, "facts_by_id", params,
                on_facts, group);
}

// ---- homes ----

static bool has_unit(const struct push_group *group, struct uuid unit) {
    for (size_t i = 0; i < group->n_home_units; i++)
        if (uuid_equal(group->home_units[i].id, unit))
            return true;
    return false;
}

static void add_home(struct push_group *group, struct uuid person, struct uuid home) {
    const struct push *push = group->push;
    const struct units *units = push->worker->handlers->units;
    if (!push->sender.checks_off && scope_find_stream(push->sender.scope, home) == NULL)
        return; // first layer: nobody he could know of
    struct uuid path[UNITS_MAX_PATH];
    size_t n = units_path(units, home, path);
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        const struct unit_row *unit = units_find(units, path[i]);
        if (!has_unit(group, unit->id))
            group->home_units[group->n_home_units++] =
                (struct judge_unit){unit->id, unit->parent, unit->level};
    }
    group->homes[group->n_homes++] = (struct judge_subject){person, FACT_SUBJECT_TEACHER, home};
}

static enum status add_gone(struct push_group *group, const struct db_result *result, int row) {
    const struct unit_row *to =
        units_find(group->push->worker->handlers->units, db_uuid(result, row, HOME_GONE_TO));
    const char *name = arena_string(arena_of(group), view_from_string(to != NULL ? to->name : ""));
    if (name == NULL)
        return STATUS_NO_MEMORY;
    group->gone[group->n_gone++] =
        (struct judge_gone){.id = db_uuid(result, row, HOME_PERSON),
                            .district = name,
                            .left_ms = db_timestamptz_ms(result, row, HOME_LEFT_AT)};
    return STATUS_OK;
}

static void on_homes(void *user, enum status status, const struct db_result *result) {
    struct push_group *group = user;
    if (status != STATUS_OK) {
        push_group_fail(group, status);
        return;
    }
    size_t rows = (size_t)db_rows(result);
    group->homes = arena_array(arena_of(group), rows + 1, sizeof(*group->homes));
    group->home_units =
        arena_array(arena_of(group), rows * UNITS_MAX_PATH + 1, sizeof(*group->home_units));
    group->gone = arena_array(arena_of(group), rows + 1, sizeof(*group->gone));
    if (group->homes == NULL || group->home_units == NULL || group->gone == NULL)
        status = STATUS_NO_MEMORY;
    for (int row = 0; status == STATUS_OK && row < (int)rows; row++) {
        if (db_is_null(result, row, HOME_STREAM))
            status = add_gone(group, result, row);
        else
            add_home(group, db_uuid(result, row, HOME_PERSON), db_uuid(result, row, HOME_STREAM));
    }
    if (status == STATUS_OK)
        push_group_judge(group);
    else
        push_group_fail(group, status);
}

static size_t collect_persons(const struct push_group *group, struct uuid *out_ids) {
    size_t n = 0;
    for (size_t i = group->part.from; i < group->part.to; i++) {
        const Lx__Membership *membership = group->operations[i]->membership;
        const Lx__Transfer *transfer = group->operations[i]->transfer;
        ProtobufCBinaryData person = membership != NULL ? membership->person
                                     : transfer != NULL ? transfer->person
                                                        : (ProtobufCBinaryData){0, NULL};
        if (uuid_from_bytes(view_from(person.data, person.len), &out_ids[n]) == STATUS_OK)
            n++;
    }
    return n;
}

static void look_up_homes(struct push_group *group) {
    struct arena *arena = arena_of(group);
    group->n_homes = group->n_home_units = group->n_gone = 0;
    struct uuid *ids = group->is_roster ? arena_array(arena, group->n, sizeof(*ids)) : NULL;
    size_t n = ids != NULL ? collect_persons(group, ids) : 0;
    if (n == 0) {
        push_group_judge(group);
        return;
    }
    struct db_params *params = db_params_new(arena);
    db_param_uuid(params, group->stream);
    db_param_uuid_array(params, n, ids, NULL);
    scope_query(group->push->sender.scope, group->push->worker->reads, "homes_of", params, on_homes,
                group);
}

// ---- programmes ----

static bool is_known(const struct push_group *group, uint32_t programme) {
    size_t n = 0;
    const struct judge_programme *programmes =
        scheme_cache_programmes(group->push->worker->handlers->schemes, &n);
    for (size_t i = 0; i < n; i++)
        if (programmes[i].number == programme)
            return true;
    return false;
}

static const Lx__Membership *membership_of(const Lx__Operation *operation) {
    return operation->transfer != NULL ? operation->transfer->membership : operation->membership;
}

static bool knows_programmes(const struct push_group *group) {
    for (size_t i = group->part.from; i < group->part.to; i++) {
        const Lx__Operation *operation = group->operations[i];
        if (operation->fact != NULL && !is_known(group, operation->fact->programme))
            return false;
        const Lx__Membership *membership = membership_of(operation);
        if (membership != NULL && !is_known(group, membership->programme))
            return false;
    }
    return true;
}

// A programme that could not be looked for is not unknown: nothing is refused for that.
static void on_schemes(void *user, enum status status) {
    if (status == STATUS_OK)
        look_up_facts(user);
    else
        push_group_fail(user, status == STATUS_NO_MEMORY ? STATUS_AGAIN : status);
}

void push_lookup(struct push_group *group) {
    if (group->schemes_read || knows_programmes(group)) {
        look_up_facts(group);
        return;
    }
    group->schemes_read = true; // once: what is unknown then is refused
    handlers_refresh_schemes(group->push->worker, on_schemes, group);
}
