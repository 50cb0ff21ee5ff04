// What a roster row changes: the person's fields, the home membership, the offices. Each change is
// an operation that names the version it was compared with.
#include <stdlib.h>
#include <string.h>

#include "client/core/roster_internal.h"
#include "client/store/outbox.h"
#include "common/wire/digest.h"

#define OPERATIONS_MAX (sizeof((struct roster_entry *)0)->operations / sizeof(Lx__Operation *))

static struct uuid id_of(ProtobufCBinaryData bytes) {
    struct uuid id;
    return uuid_from_bytes(view_from(bytes.data, bytes.len), &id) == STATUS_OK ? id
                                                                               : (struct uuid){0};
}

static bool same_string(const char *a, const char *b) {
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool same_person(const Lx__Person *a, const Lx__Person *b) {
    return same_string(a->name, b->name) && same_string(a->teacher_no, b->teacher_no) &&
           same_string(a->account, b->account) && same_string(a->title, b->title) &&
           a->certificate == b->certificate && a->in_post == b->in_post &&
           a->established == b->established && a->full_time == b->full_time &&
           a->birth_year == b->birth_year;
}

static enum status add_operation(struct roster_reading *reading, Lx__Operation **out_operation) {
    struct roster_entry *entry = reading->entry;
    Lx__Operation *operation = arena_alloc(reading->arena, sizeof *operation);
    if (operation == NULL || entry->n_operations == OPERATIONS_MAX)
        return STATUS_NO_MEMORY;
    lx__operation__init(operation);
    entry->operations[entry->n_operations++] = operation;
    *out_operation = operation;
    return STATUS_OK;
}

static enum status add_person(struct roster_reading *reading, const struct roster_line *line) {
    Lx__Operation *operation;
    if (line->known != NULL && same_person(line->known->person, &line->person))
        return STATUS_OK;
    TRY(add_operation(reading, &operation));
    operation->person = arena_alloc(reading->arena, sizeof *operation->person);
    if (operation->person == NULL)
        return STATUS_NO_MEMORY;
    *operation->person = line->person;
    operation->has_person_version = true;
    operation->person_version = line->known != NULL ? line->known->version : 0;
    if (reading->entry->outcome == ROSTER_SAME)
        reading->entry->outcome = ROSTER_CHANGED;
    return STATUS_OK;
}

static ProtobufCBinaryData bytes_of(struct arena *arena, struct uuid id) {
    uint8_t *bytes = arena_alloc(arena, UUID_SIZE);
    if (bytes != NULL)
        memcpy(bytes, id.bytes, UUID_SIZE);
    return (ProtobufCBinaryData){bytes != NULL ? UUID_SIZE : 0, bytes};
}

// Two devices that read the same file make the same membership.
static struct uuid membership_id(struct uuid person, struct uuid unit,
                                 const Lx__Membership *membership) {
    uint8_t digest[DIGEST_SHA256_SIZE];
    const int64_t numbers[] = {membership->programme, membership->role, membership->from_ms};
    uint8_t text[sizeof numbers];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)((uint64_t)numbers[i / 8] >> (56 - 8 * (i % 8)));
    const struct view parts[] = {VIEW_LITERAL("lianxiao membership "),
                                 view_from(person.bytes, UUID_SIZE),
                                 view_from(unit.bytes, UUID_SIZE), view_from(text, sizeof text)};
    digest_sha256_parts(parts, sizeof parts / sizeof parts[0], digest);
    return uuid_from_digest(digest);
}

static enum status add_membership(struct roster_reading *reading, Lx__Role role, struct uuid unit,
                                  int64_t from_ms) {
    Lx__Operation *operation;
    TRY(add_operation(reading, &operation));
    Lx__Membership *membership = arena_alloc(reading->arena, sizeof *membership);
    if (membership == NULL)
        return STATUS_NO_MEMORY;
    lx__membership__init(membership);
    operation->membership = membership;
    membership->has_programme = membership->has_role = membership->has_from_ms = true;
    membership->programme = reading->input->programme->number;
    membership->role = role;
    membership->from_ms = from_ms;
    membership->has_id = membership->has_person = membership->has_unit = true;
    struct uuid id = membership_id(reading->entry->person, unit, membership);
    membership->id = bytes_of(reading->arena, id);
    membership->person = bytes_of(reading->arena, reading->entry->person);
    membership->unit = bytes_of(reading->arena, unit);
    bool full = membership->id.data != NULL && membership->person.data != NULL &&
                membership->unit.data != NULL;
    return full ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status roster_add_join(struct roster_reading *reading, struct uuid transfer, struct uuid unit,
                            int64_t from_ms) {
    TRY(add_membership(reading, LX__ROLE__TEACHER, unit, from_ms));
    Lx__Operation *operation = reading->entry->operations[reading->entry->n_operations - 1];
    Lx__Transfer *half = arena_alloc(reading->arena, sizeof *half);
    if (half == NULL)
        return STATUS_NO_MEMORY;
    lx__transfer__init(half);
    half->has_id = half->has_person = half->has_step = true;
    half->id = bytes_of(reading->arena, transfer);
    half->person = operation->membership->person;
    half->step = LX__TRANSFER_STEP__TRANSFER_IN;
    half->membership = operation->membership;
    operation->membership = NULL;
    operation->transfer = half;
    return half->id.data != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status end_membership(struct roster_reading *reading,
                                  const struct local_membership *old, int64_t until_ms) {
    Lx__Operation *operation;
    TRY(add_operation(reading, &operation));
    operation->membership = arena_alloc(reading->arena, sizeof *operation->membership);
    if (operation->membership == NULL)
        return STATUS_NO_MEMORY;
    *operation->membership = *old->membership;
    operation->has_membership_version = true;
    operation->membership_version = old->version;
    operation->membership->has_until_ms = true;
    // A membership lasts at least a moment: one that ends before it began would be refused.
    operation->membership->until_ms =
        until_ms > old->membership->from_ms ? until_ms : old->membership->from_ms + 1;
    return STATUS_OK;
}

// The open membership of this person in the role; the home one for TEACHER.
static const struct local_membership *find_open(const struct roster_reading *reading,
                                                struct uuid person, Lx__Role role) {
    const struct local *local = reading->input->local;
    for (size_t i = 0; i < local->n_memberships; i++) {
        const Lx__Membership *membership = local->memberships[i].membership;
        if (membership->role == role && !membership->guest && !membership->has_until_ms &&
            membership->programme == reading->input->programme->number &&
            uuid_equal(id_of(membership->person), person))
            return &local->memberships[i];
    }
    return NULL;
}

bool roster_has_home(const struct roster_reading *reading, struct uuid person) {
    return find_open(reading, person, LX__ROLE__TEACHER) != NULL;
}

static const char *unit_name(const struct roster_reading *reading, struct uuid id) {
    const struct people_unit *unit = people_find_unit(&reading->input->local->people, id);
    return unit != NULL ? unit->name : "";
}

// A move begins today unless the row says when; it cannot begin before the membership that it ends.
static int64_t change_time(const struct roster_reading *reading, const struct roster_line *line) {
    return reading->fields[ROSTER_FROM].size > 0 ? line->from_ms : reading->input->now_ms;
}

// Whoever left and comes back begins anew, not before the end of the last time.
static int64_t home_from(const struct roster_reading *reading, const struct roster_line *line) {
    const struct local *local = reading->input->local;
    int64_t from_ms = line->from_ms;
    for (size_t i = 0; i < local->n_memberships; i++) {
        const Lx__Membership *membership = local->memberships[i].membership;
        if (membership->role != LX__ROLE__TEACHER || membership->guest ||
            !membership->has_until_ms ||
            membership->programme != reading->input->programme->number ||
            !uuid_equal(id_of(membership->person), reading->entry->person))
            continue;
        int64_t earliest_ms = change_time(reading, line);
        if (earliest_ms < membership->until_ms)
            earliest_ms = membership->until_ms;
        from_ms = from_ms > earliest_ms ? from_ms : earliest_ms;
    }
    return from_ms;
}

static enum status compare_home(struct roster_reading *reading, const struct roster_line *line) {
    struct roster_entry *entry = reading->entry;
    const struct local_membership *old = find_open(reading, entry->person, LX__ROLE__TEACHER);
    if (old == NULL) {
        TRY(add_membership(reading, LX__ROLE__TEACHER, line->home->id, home_from(reading, line)));
        Lx__Membership *added = entry->operations[entry->n_operations - 1]->membership;
        added->has_until_ms = line->until_ms > added->from_ms; // came and left again
        added->until_ms = added->has_until_ms ? line->until_ms : 0;
        return STATUS_OK;
    }
    struct uuid unit = id_of(old->membership->unit);
    if (uuid_equal(unit, line->home->id))
        return STATUS_OK;
    int64_t time_ms = change_time(reading, line);
    entry->outcome = ROSTER_MOVED;
    entry->from_unit = unit_name(reading, unit);
    TRY(end_membership(reading, old, time_ms));
    return add_membership(reading, LX__ROLE__TEACHER, line->home->id,
                          time_ms > old->membership->from_ms ? time_ms
                                                             : old->membership->from_ms + 1);
}

static enum status compare_office(struct roster_reading *reading, const struct roster_line *line,
                                  Lx__Role role, bool wanted) {
    struct roster_entry *entry = reading->entry;
    struct uuid unit = role == LX__ROLE__HEAD ? line->home->id : line->school->id;
    const struct local_membership *old = find_open(reading, entry->person, role);
    bool there = old != NULL && uuid_equal(id_of(old->membership->unit), unit);
    // Without a roles column the file says nothing about offices.
    if (wanted == there || (!wanted && reading->fields[ROSTER_ROLES].size == 0))
        return STATUS_OK;
    if (entry->outcome == ROSTER_SAME)
        entry->outcome = ROSTER_CHANGED;
    if (old != NULL)
        TRY(end_membership(reading, old, change_time(reading, line)));
    if (!wanted)
        return STATUS_OK;
    return add_membership(reading, role, unit,
                          old != NULL || line->known != NULL ? change_time(reading, line)
                                                             : line->from_ms);
}

static enum status end_person(struct roster_reading *reading, int64_t until_ms) {
    static const Lx__Role roles[] = {LX__ROLE__HEAD, LX__ROLE__SCHOOL_ADMIN, LX__ROLE__TEACHER};
    struct roster_entry *entry = reading->entry;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        const struct local_membership *old = find_open(reading, entry->person, roles[i]);
        if (old == NULL)
            continue;
        entry->outcome = ROSTER_ENDED;
        entry->from_unit = unit_name(reading, id_of(old->membership->unit));
        TRY(end_membership(reading, old, until_ms));
    }
    return STATUS_OK;
}

enum status roster_compare(struct roster_reading *reading, const struct roster_line *line) {
    struct roster_entry *entry = reading->entry;
    entry->outcome = line->known == NULL ? ROSTER_NEW : ROSTER_SAME;
    entry->version = line->known != NULL ? line->known->version : 0;
    if (line->until_ms != 0 && line->known != NULL) {
        entry->stream = line->known->home;
        return end_person(reading, line->until_ms);
    }
    TRY(add_person(reading, line));
    TRY(compare_home(reading, line));
    TRY(compare_office(reading, line, LX__ROLE__HEAD, line->head));
    TRY(compare_office(reading, line, LX__ROLE__SCHOOL_ADMIN, line->school_admin));
    // Somebody known without a home in this programme joins it: that is a change.
    if (entry->outcome == ROSTER_SAME && entry->n_operations > 0)
        entry->outcome = ROSTER_CHANGED;
    return STATUS_OK;
}

static bool is_listed(const struct roster_result *result, size_t rows, struct uuid person) {
    for (size_t i = 0; i < rows; i++)
        if (uuid_equal(result->entries[i].person, person))
            return true;
    return false;
}

static bool is_school_listed(const struct roster_reading *reading, size_t rows,
                             const struct people_unit *school) {
    const struct people *people = &reading->input->local->people;
    for (size_t i = 0; i < rows && school != NULL; i++)
        if (reading->result->entries[i].outcome != ROSTER_BAD &&
            people_school_of(people, reading->result->entries[i].stream) == school)
            return true;
    return false;
}

enum status roster_compare_missing(struct roster_reading *reading) {
    const struct people *people = &reading->input->local->people;
    struct roster_result *result = reading->result;
    size_t rows = result->count;
    for (size_t i = 0; i < people->n_persons; i++) {
        const struct people_person *person = &people->persons[i];
        const struct local_membership *home = find_open(reading, person->id, LX__ROLE__TEACHER);
        if (home == NULL || is_listed(result, rows, person->id) ||
            !is_school_listed(reading, rows, people_school_of(people, person->home)))
            continue;
        reading->entry = &result->entries[result->count++];
        *reading->entry = (struct roster_entry){.outcome = ROSTER_MISSING,
                                                .name = person->person->name,
                                                .unit = "",
                                                .from_unit = unit_name(reading, person->home),
                                                .column = "",
                                                .person = person->id,
                                                .stream = person->home,
                                                .version = person->version};
        if (reading->input->complete)
            TRY(end_person(reading, reading->input->now_ms));
        result->counts[reading->entry->outcome]++;
    }
    return STATUS_OK;
}

// ---- applying ----

static void refuse(struct roster_result *result, struct roster_entry *entry,
                   const Lx__Reason *reason) {
    result->counts[entry->outcome]--;
    entry->outcome = ROSTER_BAD;
    entry->reason = reason;
    result->counts[ROSTER_BAD]++;
}

// Entries of one stream are judged together: making a context walks over all people.
static int compare_streams(const void *a, const void *b) {
    const struct roster_entry *left = *(struct roster_entry *const *)a;
    const struct roster_entry *right = *(struct roster_entry *const *)b;
    int order = uuid_compare(left->stream, right->stream);
    return order != 0 ? order : (left > right) - (left < right);
}

static enum status judge_run(const struct roster_input *input, struct arena *arena,
                             struct roster_result *result, struct roster_entry **run,
                             size_t count) {
    Lx__Operation **operations =
        arena_array(arena, count * OPERATIONS_MAX, sizeof(Lx__Operation *));
    Lx__Reason **reasons;
    size_t n = 0;
    if (operations == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < run[i]->n_operations; j++)
            operations[n++] = run[i]->operations[j];
    TRY(local_judge(input->local, run[0]->stream, input->now_ms, n, operations, arena, &reasons));
    n = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < run[i]->n_operations; j++, n++)
            if (reasons[n] != NULL && run[i]->outcome != ROSTER_BAD)
                refuse(result, run[i], reasons[n]);
    return STATUS_OK;
}

static enum status judge_all(const struct roster_input *input, struct arena *arena,
                             struct roster_result *result) {
    struct roster_entry **order =
        arena_array(arena, result->count + 1, sizeof(struct roster_entry *));
    size_t count = 0;
    if (order == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < result->count; i++)
        if (result->entries[i].outcome != ROSTER_BAD && result->entries[i].n_operations > 0)
            order[count++] = &result->entries[i];
    qsort(order, count, sizeof(struct roster_entry *), compare_streams);
    for (size_t from = 0; from < count;) {
        size_t to = from + 1;
        while (to < count && uuid_equal(order[to]->stream, order[from]->stream))
            to++;
        TRY(judge_run(input, arena, result, &order[from], to - from));
        from = to;
    }
    return STATUS_OK;
}

static enum status queue_all(struct store *store, const struct roster_input *input,
                             struct roster_result *result) {
    for (size_t i = 0; i < result->count; i++) {
        struct roster_entry *entry = &result->entries[i];
        if (entry->outcome == ROSTER_BAD || entry->n_operations == 0)
            continue;
        for (size_t j = 0; j < entry->n_operations; j++) {
            int64_t id;
            TRY(store_add_operation(store, entry->stream, entry->operations[j], input->now_ms,
                                    &id));
        }
        entry->queued = true;
    }
    return STATUS_OK;
}

enum status roster_apply(struct store *store, const struct roster_input *input, struct arena *arena,
                         struct roster_result *result) {
    TRY(judge_all(input, arena, result));
    TRY(store_begin(store));
    enum status status = queue_all(store, input, result);
    if (status == STATUS_OK)
        return store_commit(store);
    store_rollback(store);
    return status;
}
