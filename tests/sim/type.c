// What a person types at a device: records, voids, roster changes, all judged by the client's own
// rules before they enter the outbox, as on the command line.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/core/local.h"
#include "client/store/outbox.h"
#include "client/store/replica.h"
#include "common/base/clock.h"
#include "tests/sim/world.h"

#define FIRST_DAY_MS INT64_C(1622476800000)

struct typing {
    struct device *device;
    struct arena *arena; // owns
    struct local *local;
    int64_t now_ms;
    Lx__Operation *operation;
    struct uuid stream;
};

static ProtobufCBinaryData bytes_of(struct typing *typing, struct uuid id) {
    uint8_t *copy = arena_alloc(typing->arena, UUID_SIZE);
    if (copy == NULL)
        abort();
    memcpy(copy, id.bytes, UUID_SIZE);
    return (ProtobufCBinaryData){UUID_SIZE, copy};
}

static struct uuid id_of(ProtobufCBinaryData bytes) {
    struct uuid id = {{0}};
    if (bytes.len == UUID_SIZE)
        memcpy(id.bytes, bytes.data, UUID_SIZE);
    return id;
}

static void *make(struct typing *typing, size_t size) {
    void *memory = arena_alloc(typing->arena, size);
    if (memory == NULL)
        abort();
    return memory;
}

// A word and a number.
static char *text(struct typing *typing, const char *word, unsigned value) {
    char *made = make(typing, 64);
    snprintf(made, 64, "%s%u", word, value);
    return made;
}

static void new_operation(struct typing *typing) {
    typing->operation = make(typing, sizeof *typing->operation);
    lx__operation__init(typing->operation);
}

// Judges and keeps; false: the judge or the home does not take it.
static bool keep(struct typing *typing) {
    struct store *store = typing->device->store;
    Lx__Reason **reasons = NULL;
    int64_t entry = 0;
    if (local_judge(typing->local, typing->stream, typing->now_ms, 1, &typing->operation,
                    typing->arena, &reasons) != STATUS_OK)
        return false;
    if (reasons[0] != NULL) {
        count(COUNT_JUDGED_AWAY);
        trace("judged away: reason %u %s", reasons[0]->reason,
              reasons[0]->text != NULL ? reasons[0]->text : "");
        return false;
    }
    enum status status = store_begin(store);
    if (status == STATUS_OK)
        status =
            store_add_operation(store, typing->stream, typing->operation, typing->now_ms, &entry);
    if (status == STATUS_OK)
        status = store_commit(store);
    if (status != STATUS_OK) {
        store_rollback(store);
        trace("not kept: %s", store_error(store));
        return false;
    }
    typing->device->typed++;
    history_typed(typing->device, entry, typing->operation);
    trace("typed entry %ld", (long)entry);
    return true;
}

// ---- records ----

static const struct people_person *choose_person(const struct typing *typing) {
    const struct people *people = &typing->local->people;
    return people->n_persons > 0 ? &people->persons[sim_below((uint32_t)people->n_persons)] : NULL;
}

static Lx__Fact *new_fact(struct typing *typing, Lx__FactKind kind, struct uuid subject) {
    new_operation(typing);
    Lx__Fact *fact = make(typing, sizeof *fact);
    lx__fact__init(fact);
    typing->operation->fact = fact;
    fact->has_id = fact->has_kind = fact->has_occurred_at_ms = 1;
    fact->has_subject = fact->has_programme = 1;
    fact->id = bytes_of(typing, uuid_new_v7(typing->now_ms));
    fact->kind = kind;
    fact->programme = 1;
    fact->subject = bytes_of(typing, subject);
    // A day of the programme, whatever the device's clock says.
    fact->occurred_at_ms = FIRST_DAY_MS + sim_between(0, 100) * INT64_C(86400000);
    return fact;
}

static void set_quantity(Lx__Fact *fact, int64_t quantity) {
    fact->has_quantity = 1;
    fact->quantity = quantity;
}

// A platform's row: whoever imports it again makes another fact with the same key, with the same
// content in half of the cases.
static void set_source_key(struct typing *typing, Lx__Fact *fact) {
    uint32_t row = 1 + sim_below(40);
    fact->has_source_key = 1;
    fact->source_key.len = 32;
    fact->source_key.data = make(typing, 32);
    memset(fact->source_key.data, (int)row, 32);
    if (sim_below(2) == 0)
        return;
    fact->item = (char *)"online"; // protobuf-c does not write to it
    fact->occurred_at_ms = FIRST_DAY_MS + row * INT64_C(86400000);
    set_quantity(fact, 50 * (1 + row % 12));
}

static bool about_person(struct typing *typing, const struct people_person *person) {
    Lx__Fact *fact;
    switch (sim_below(5)) {
    case 0:
        fact = new_fact(typing, LX__FACT_KIND__DISCUSSION, person->id);
        fact->item = text(typing, "topic", sim_below(20));
        break;
    case 1:
        fact = new_fact(typing, LX__FACT_KIND__ATTENDANCE, person->id);
        fact->item = text(typing, "activity", sim_below(20));
        fact->form = (char *)"lecture"; // protobuf-c does not write to it
        set_quantity(fact, 50 * (1 + sim_below(8)));
        break;
    case 2:
        fact = new_fact(typing, LX__FACT_KIND__CERTIFICATION, person->id);
        fact->item = text(typing, "A", 1 + sim_below(4));
        set_quantity(fact, 300);
        break;
    default:
        fact = new_fact(typing, LX__FACT_KIND__CREDIT_HOURS, person->id);
        fact->item = (char *)(sim_below(2) == 0 ? "online" : "school");
        set_quantity(fact, 50 * (1 + sim_below(12)));
        if (sim_below(3) == 0)
            set_source_key(typing, fact);
    }
    typing->stream = person->home;
    return keep(typing);
}

static bool about_unit(struct typing *typing) {
    static const char *const items[] = {"a.survey", "a.staff", "a.kickoff", "h.plan", "a.dev_plan"};
    const struct people *people = &typing->local->people;
    const struct people_unit *unit = &people->units[sim_below((uint32_t)people->n_units)];
    const char *item = items[sim_below(5)];
    bool submits = item[0] == 'h' || item[2] == 'd';
    Lx__Fact *fact =
        new_fact(typing, submits ? LX__FACT_KIND__SUBMITTED : LX__FACT_KIND__DUTY_DONE, unit->id);
    fact->item = (char *)item;
    if (submits) {
        Lx__Submission *submission = make(typing, sizeof *submission);
        Lx__TemplateField *field = make(typing, sizeof *field);
        lx__submission__init(submission);
        lx__template_field__init(field);
        field->key = (char *)"body";
        field->value = text(typing, "what was planned", sim_below(1000));
        submission->title = text(typing, "plan", sim_below(1000));
        submission->n_fields = 1;
        submission->fields = make(typing, sizeof *submission->fields);
        submission->fields[0] = field;
        typing->operation->submission = submission;
    }
    typing->stream = unit->id;
    return keep(typing);
}

static void type_record(struct typing *typing) {
    const struct people_person *person = choose_person(typing);
    for (uint32_t n = 1 + sim_below(5); n > 0; n--) {
        if (typing->local->people.n_units > 0 && (person == NULL || sim_below(4) == 0))
            (void)about_unit(typing);
        else if (person != NULL)
            (void)about_person(typing, person);
        if (sim_below(2) == 0)
            person = choose_person(typing);
    }
}

static void type_void(struct typing *typing) {
    const struct local *local = typing->local;
    if (local->n_facts == 0)
        return;
    const struct local_fact *of = &local->facts[sim_below((uint32_t)local->n_facts)];
    Lx__Fact *fact = new_fact(typing, LX__FACT_KIND__VOID, id_of(of->fact.fact->subject));
    fact->has_of = 1;
    fact->of = bytes_of(typing, of->id);
    fact->occurred_at_ms = typing->now_ms;
    typing->stream = of->stream;
    (void)keep(typing);
}

// ---- the roster ----

static void add_membership(struct typing *typing, struct uuid person, struct uuid unit) {
    new_operation(typing);
    Lx__Membership *membership = make(typing, sizeof *membership);
    lx__membership__init(membership);
    typing->operation->membership = membership;
    membership->has_id = membership->has_person = membership->has_programme = 1;
    membership->has_unit = membership->has_role = membership->has_from_ms = 1;
    membership->id = bytes_of(typing, uuid_new_v7(typing->now_ms));
    membership->person = bytes_of(typing, person);
    membership->programme = 1;
    membership->unit = bytes_of(typing, unit);
    membership->role = LX__ROLE__TEACHER;
    membership->from_ms = sim_wall_ms() - sim_between(0, 3600 * 1000);
}

// Mostly one of the home's own streams: what lies outside is judged away.
static const struct people_unit *choose_workshop(const struct typing *typing) {
    const struct people *people = &typing->local->people;
    bool anywhere = sim_below(5) == 0;
    for (int tries = 0; tries < 40 && people->n_units > 0; tries++) {
        const struct people_unit *unit = &people->units[sim_below((uint32_t)people->n_units)];
        struct store_stream stream;
        if (unit->level == LX__UNIT_LEVEL__WORKSHOP &&
            (anywhere || store_stream_get(typing->device->store, unit->id, &stream) == STATUS_OK))
            return unit;
    }
    return NULL;
}

static void fill_person(struct typing *typing, Lx__Person *person) {
    lx__person__init(person);
    person->name = text(typing, "Newcomer", sim_below(1000));
    person->has_certificate = person->has_in_post = person->has_established = 1;
    person->certificate = person->in_post = person->established = 1;
    person->has_birth_year = 1;
    person->birth_year = 1960 + sim_below(40);
}

static void type_person(struct typing *typing) {
    const struct people_unit *unit = choose_workshop(typing);
    if (unit == NULL)
        return;
    struct uuid id = uuid_new_v7(typing->now_ms);
    new_operation(typing);
    Lx__Person *person = make(typing, sizeof *person);
    fill_person(typing, person);
    person->has_id = 1;
    person->id = bytes_of(typing, id);
    if (sim_below(2) == 0)
        person->teacher_no = text(typing, "N", sim_below(12)); // two may take the same
    typing->operation->person = person;
    typing->stream = unit->id;
    if (!keep(typing))
        return;
    add_membership(typing, id, unit->id);
    (void)keep(typing);
}

static void type_change(struct typing *typing) {
    const struct people_person *known = choose_person(typing);
    if (known == NULL)
        return;
    new_operation(typing);
    Lx__Person *person = make(typing, sizeof *person);
    *person = *known->person;
    person->name = text(typing, "Renamed", sim_below(1000));
    typing->operation->person = person;
    typing->operation->has_person_version = 1;
    typing->operation->person_version = known->version;
    typing->stream = known->home;
    (void)keep(typing);
}

static void end_memberships(struct typing *typing, struct uuid person) {
    const struct local *local = typing->local;
    for (size_t i = 0; i < local->n_memberships; i++) {
        const Lx__Membership *old = local->memberships[i].membership;
        if (!uuid_equal(id_of(old->person), person) || old->has_until_ms || old->guest ||
            old->role != LX__ROLE__TEACHER)
            continue;
        new_operation(typing);
        typing->operation->membership = make(typing, sizeof *old);
        *typing->operation->membership = *old;
        typing->operation->has_membership_version = 1;
        typing->operation->membership_version = local->memberships[i].version;
        typing->operation->membership->has_until_ms = 1;
        typing->operation->membership->until_ms =
            sim_wall_ms() > old->from_ms ? sim_wall_ms() : old->from_ms + 1;
        (void)keep(typing);
    }
}

static void type_move(struct typing *typing) {
    const struct people_person *known = choose_person(typing);
    const struct people_unit *unit = choose_workshop(typing);
    if (known == NULL || unit == NULL || uuid_equal(unit->id, known->home))
        return;
    count(COUNT_MOVE);
    typing->stream = known->home;
    end_memberships(typing, known->id);
    add_membership(typing, known->id, unit->id);
    (void)keep(typing);
}

// ---- the outbox ----

static void choose_entry(struct typing *typing, enum command command) {
    struct store *store = typing->device->store;
    struct outbox_entries entries;
    int64_t id = 0;
    enum outbox_state state = command == COMMAND_RETRY ? OUTBOX_REFUSED : OUTBOX_WAITING;
    if (store_outbox(store, state, typing->arena, &entries) != STATUS_OK || entries.count == 0)
        return;
    const struct outbox_entry *entry = &entries.entries[sim_below((uint32_t)entries.count)];
    enum status status = command == COMMAND_RETRY
                             ? store_outbox_retry(store, entry->id, typing->now_ms, &id)
                             : store_outbox_drop(store, entry->id);
    if (status == STATUS_OK)
        history_archived(typing->device, entry->id, id);
    else if (disk_is_off(typing->device->disk))
        typing->device->asked_entry = entry->id;
    trace("%s of entry %ld: %s, new %ld", command == COMMAND_RETRY ? "retry" : "drop",
          (long)entry->id, status_name(status), (long)id);
}

void type_command(struct device *device, enum command command) {
    char error[256] = "";
    struct typing typing = {.device = device, .arena = arena_new(0), .now_ms = clock_now_ms()};
    if (local_load(device->store, typing.arena, &typing.local, error) != STATUS_OK) {
        trace("the home cannot be read: %s", error);
    } else if (typing.local->n_programmes > 0) { // else it has never been synced
        if (command == COMMAND_RECORD)
            type_record(&typing);
        else if (command == COMMAND_VOID)
            type_void(&typing);
        else if (command == COMMAND_PERSON)
            type_person(&typing);
        else if (command == COMMAND_CHANGE)
            type_change(&typing);
        else if (command == COMMAND_MOVE)
            type_move(&typing);
        else if (command == COMMAND_TRANSFER)
            transfer_type(device, typing.local, typing.arena, typing.now_ms);
        else
            choose_entry(&typing, command);
    }
    arena_free(&typing.arena);
}
