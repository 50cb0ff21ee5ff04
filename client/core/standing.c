// See standing.h: collects assess's input from the snapshot of client/core/local, teachers first,
// then their workshops, then the school.
#include "client/core/standing.h"

#include <string.h>

#include "client/store/replica.h"
#include "common/base/clock.h"

// What all subjects of one question share.
struct scoring {
    struct store *store;
    const struct local *local;
    const struct judge_programme *programme;
    int32_t as_of;
    int64_t until_ms; // end of as_of
    struct arena *arena;
};

static struct uuid id_of(const ProtobufCBinaryData *bytes) {
    struct uuid id = {{0}};
    if (uuid_from_bytes(view_from(bytes->data, bytes->len), &id) != STATUS_OK)
        memset(&id, 0, sizeof id);
    return id;
}

static enum status need_whole(const struct scoring *scoring, struct uuid stream) {
    struct store_stream state;
    TRY(store_stream_get(scoring->store, stream, &state));
    return state.whole ? STATUS_OK : STATUS_NOT_FOUND;
}

// ---- facts ----

static bool is_about(const struct scoring *scoring, const Lx__Fact *fact, struct uuid subject) {
    return fact->programme == scoring->programme->number &&
           uuid_equal(id_of(&fact->subject), subject);
}

static enum status collect_facts(const struct scoring *scoring, struct assess_input *input) {
    const struct local *local = scoring->local;
    struct fact *facts = arena_array(scoring->arena, local->n_facts + 1, sizeof *facts);
    if (!facts)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < local->n_facts; i++) {
        const struct judge_fact *known = &local->facts[i].fact;
        if (!is_about(scoring, known->fact, input->subject))
            continue;
        TRY(fact_from_message(known->fact, &facts[input->n_facts]));
        facts[input->n_facts++].actor = known->actor;
    }
    input->facts = facts;
    return STATUS_OK;
}

static enum status add_selections(const struct scoring *scoring, struct uuid school,
                                  struct selection *selections, size_t *n) {
    const struct local *local = scoring->local;
    TRY(need_whole(scoring, school));
    for (size_t i = 0; i < local->n_facts; i++) {
        const struct judge_fact *known = &local->facts[i].fact;
        if (known->voided || known->fact->kind != LX__FACT_KIND__COURSE_RANGE ||
            !is_about(scoring, known->fact, school))
            continue;
        selections[(*n)++] = (struct selection){
            .unit = school,
            .item = known->fact->item ? known->fact->item : "",
            .occurred_at_ms = known->fact->occurred_at_ms,
        };
    }
    return STATUS_OK;
}

// ---- homes ----

static bool is_home(const struct scoring *scoring, const Lx__Membership *membership) {
    return membership->programme == scoring->programme->number &&
           membership->role == LX__ROLE__TEACHER && !membership->guest;
}

static bool holds_now(const struct scoring *scoring, const Lx__Membership *membership) {
    int64_t until_ms = membership->has_until_ms ? membership->until_ms : INT64_MAX;
    return membership->from_ms < scoring->until_ms && until_ms >= scoring->until_ms;
}

static enum status make_home(const struct scoring *scoring, const Lx__Membership *membership,
                             struct home *out_home) {
    struct uuid unit = id_of(&membership->unit);
    const struct people *people = &scoring->local->people;
    const struct people_unit *found = people_find_unit(people, unit);
    const struct people_unit *school = people_school_of(people, unit);
    if (!found || !school)
        return STATUS_NOT_FOUND;
    *out_home = (struct home){
        .from_ms = membership->from_ms,
        .until_ms = membership->has_until_ms ? membership->until_ms : INT64_MAX,
        .school = school->id,
    };
    if (found->level == LX__UNIT_LEVEL__WORKSHOP)
        out_home->workshop = unit;
    return STATUS_OK;
}

static enum status collect_homes(const struct scoring *scoring, struct assess_input *input) {
    const struct local *local = scoring->local;
    struct home *homes = arena_array(scoring->arena, local->n_memberships + 1, sizeof *homes);
    if (!homes)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < local->n_memberships; i++) {
        const Lx__Membership *membership = local->memberships[i].membership;
        if (is_home(scoring, membership) && uuid_equal(id_of(&membership->person), input->subject))
            TRY(make_home(scoring, membership, &homes[input->n_homes++]));
    }
    input->homes = homes;
    return STATUS_OK;
}

static bool seen_before(const struct assess_input *input, size_t place) {
    for (size_t i = 0; i < place; i++)
        if (uuid_equal(input->homes[i].school, input->homes[place].school))
            return true;
    return false;
}

static enum status collect_selections(const struct scoring *scoring, struct assess_input *input) {
    size_t room = input->n_homes * scoring->local->n_facts + 1;
    struct selection *selections = arena_array(scoring->arena, room, sizeof *selections);
    if (!selections)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < input->n_homes; i++)
        if (!seen_before(input, i))
            TRY(add_selections(scoring, input->homes[i].school, selections, &input->n_selections));
    input->selections = selections;
    return STATUS_OK;
}

// ---- subjects ----

static struct assess_input new_input(const struct scoring *scoring, enum subject_kind kind,
                                     struct uuid subject) {
    return (struct assess_input){
        .scheme = scoring->programme->scheme,
        .kind = kind,
        .subject = subject,
        .as_of = scoring->as_of,
    };
}

static enum status score_teacher(const struct scoring *scoring, struct uuid person,
                                 struct standing *out) {
    const struct people_person *found = people_find_person(&scoring->local->people, person);
    struct assess_input input = new_input(scoring, SUBJECT_KIND_TEACHER, person);
    if (!found)
        return STATUS_NOT_FOUND;
    TRY(need_whole(scoring, found->home));
    input.certificate = found->person->certificate;
    input.in_post = found->person->in_post;
    input.established = found->person->established;
    TRY(collect_facts(scoring, &input));
    TRY(collect_homes(scoring, &input));
    TRY(collect_selections(scoring, &input));
    return assess(&input, scoring->arena, out);
}

// Is the membership's unit this one or a workshop of it?
static bool lies_in(const struct scoring *scoring, const Lx__Membership *membership,
                    struct uuid unit) {
    struct uuid at = id_of(&membership->unit);
    const struct people_unit *found = people_find_unit(&scoring->local->people, at);
    return uuid_equal(at, unit) || (found && uuid_equal(found->parent, unit));
}

static enum status add_teacher(const struct scoring *scoring, const Lx__Membership *membership,
                               struct summary *summaries, size_t *n) {
    struct standing standing;
    struct uuid person = id_of(&membership->person);
    for (size_t i = 0; i < *n; i++)
        if (uuid_equal(summaries[i].subject, person))
            return STATUS_OK;
    TRY(score_teacher(scoring, person, &standing));
    summaries[(*n)++] = standing.summary;
    return STATUS_OK;
}

// Teachers below the unit, and whoever holds its office.
static enum status collect_people(const struct scoring *scoring, Lx__Role office,
                                  struct summary *below, struct assess_input *input) {
    const struct local *local = scoring->local;
    struct summary *holders =
        arena_array(scoring->arena, local->n_memberships + 1, sizeof *holders);
    if (!holders)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < local->n_memberships; i++) {
        const Lx__Membership *membership = local->memberships[i].membership;
        if (membership->programme != scoring->programme->number || !holds_now(scoring, membership))
            continue;
        if (is_home(scoring, membership) && lies_in(scoring, membership, input->subject))
            TRY(add_teacher(scoring, membership, below, &input->n_below));
        if (membership->role == office && uuid_equal(id_of(&membership->unit), input->subject))
            TRY(add_teacher(scoring, membership, holders, &input->n_holders));
    }
    input->holders = holders;
    return STATUS_OK;
}

static enum status score_workshop(const struct scoring *scoring, struct uuid workshop,
                                  struct standing *out) {
    const struct local *local = scoring->local;
    struct assess_input input = new_input(scoring, SUBJECT_KIND_WORKSHOP, workshop);
    struct summary *below = arena_array(scoring->arena, local->n_memberships + 1, sizeof *below);
    if (!below)
        return STATUS_NO_MEMORY;
    TRY(need_whole(scoring, workshop));
    TRY(collect_facts(scoring, &input));
    TRY(collect_people(scoring, LX__ROLE__HEAD, below, &input));
    input.below = below;
    return assess(&input, scoring->arena, out);
}

static enum status score_school(const struct scoring *scoring, struct uuid school,
                                struct standing *out) {
    const struct local *local = scoring->local;
    const struct people *people = &local->people;
    const struct people_unit *found = people_find_unit(people, school);
    struct assess_input input = new_input(scoring, SUBJECT_KIND_SCHOOL, school);
    input.lead_school = found && found->lead_school;
    struct summary *below =
        arena_array(scoring->arena, local->n_memberships + people->n_units + 1, sizeof *below);
    if (!below)
        return STATUS_NO_MEMORY;
    TRY(need_whole(scoring, school));
    TRY(collect_facts(scoring, &input));
    // All streams first: a teacher of an unseen workshop would be missing without a trace.
    for (size_t i = 0; i < people->n_units; i++)
        if (uuid_equal(people->units[i].parent, school))
            TRY(need_whole(scoring, people->units[i].id));
    TRY(collect_people(scoring, LX__ROLE__SCHOOL_ADMIN, below, &input));
    for (size_t i = 0; i < people->n_units; i++) {
        struct standing workshop;
        if (!uuid_equal(people->units[i].parent, school) || people->units[i].closed)
            continue;
        if (people->units[i].moving)
            return STATUS_NOT_FOUND; // the server knows what the school is without it
        TRY(score_workshop(scoring, people->units[i].id, &workshop));
        below[input.n_below++] = workshop.summary;
    }
    input.below = below;
    return assess(&input, scoring->arena, out);
}

enum status standing_local(struct store *store, const struct local *local,
                           const struct judge_programme *programme, struct uuid subject,
                           int32_t as_of, struct arena *arena, struct standing *out_standing) {
    const struct people_unit *unit = people_find_unit(&local->people, subject);
    const struct scoring scoring = {
        .store = store,
        .local = local,
        .programme = programme,
        .as_of = as_of,
        .until_ms = clock_day_start_ms(as_of + 1),
        .arena = arena,
    };
    if (!unit)
        return score_teacher(&scoring, subject, out_standing);
    if (unit->closed || unit->moving) // its last standing stays
        return STATUS_NOT_FOUND;
    if (unit->level == LX__UNIT_LEVEL__WORKSHOP)
        return score_workshop(&scoring, subject, out_standing);
    if (unit->level == LX__UNIT_LEVEL__SCHOOL)
        return score_school(&scoring, subject, out_standing);
    return STATUS_NOT_FOUND;
}
