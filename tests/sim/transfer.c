// People who move to another district: sent out by one, taken in by the other, taken back by the
// first, some of them by both at once. And that nobody and nothing is there twice.
#include "client/core/transfer.h"

#include "client/store/outbox.h"
#include "tests/sim/world.h"

static const struct people_unit *choose_unit(const struct people *people, Lx__UnitLevel level) {
    for (int tries = 0; tries < 20 && people->n_units > 0; tries++) {
        const struct people_unit *unit = &people->units[sim_below((uint32_t)people->n_units)];
        if (unit->level == level)
            return unit;
    }
    return NULL;
}

// The operation that the client's core has just put into the outbox is its newest.
static void note(struct device *device, struct arena *arena, enum status status,
                 const struct transfer_made *made) {
    struct outbox_entries entries;
    if (status != STATUS_OK || made->reason != NULL) {
        count(COUNT_JUDGED_AWAY);
        trace("transfer not made: %s, reason %u", status_name(status),
              made->reason != NULL ? made->reason->reason : 0);
        return;
    }
    if (store_outbox(device->store, OUTBOX_WAITING, arena, &entries) != STATUS_OK ||
        entries.count == 0)
        return;
    const struct outbox_entry *entry = &entries.entries[entries.count - 1];
    device->typed++;
    history_typed(device, entry->id, entry->operation);
    trace("typed entry %ld, a transfer", (long)entry->id);
}

// Mostly somebody about whom something is recorded.
static struct uuid choose_person(const struct local *local) {
    struct uuid id = local->people.persons[sim_below((uint32_t)local->people.n_persons)].id;
    for (int tries = 0; tries < 10 && local->n_facts > 0; tries++) {
        const Lx__Fact *fact = local->facts[sim_below((uint32_t)local->n_facts)].fact.fact;
        struct uuid subject;
        if (uuid_from_bytes(view_from(fact->subject.data, fact->subject.len), &subject) ==
                STATUS_OK &&
            people_find_person(&local->people, subject) != NULL)
            return subject;
    }
    return id;
}

static void send_out(struct device *device, const struct transfer_maker *maker) {
    const struct people *people = &maker->local->people;
    const struct people_unit *to = choose_unit(people, LX__UNIT_LEVEL__DISTRICT);
    struct transfer_made made = {0};
    if (to == NULL || people->n_persons == 0)
        return;
    struct uuid person = choose_person(maker->local);
    int64_t left_ms = sim_wall_ms() - sim_between(0, 3600 * 1000);
    enum status status = transfer_send_out(maker, person, to->id, left_ms, &made);
    note(device, maker->arena, status, &made);
}

static void take_in(struct device *device, const struct transfer_maker *maker,
                    const struct transfer_row *row) {
    const struct people *people = &maker->local->people;
    const struct people_unit *unit = choose_unit(people, LX__UNIT_LEVEL__WORKSHOP);
    struct transfer_made made = {0};
    if (unit == NULL)
        return;
    int64_t from_ms = sim_wall_ms() > row->left_ms ? sim_wall_ms() : row->left_ms;
    const struct transfer_home home = {.unit = unit->id, .programme = 1, .from_ms = from_ms};
    enum status status = transfer_take_in(maker, row, &home, &made);
    note(device, maker->arena, status, &made);
}

void transfer_type(struct device *device, const struct local *local, struct arena *arena,
                   int64_t now_ms) {
    const struct transfer_maker maker = {device->store, local, arena, now_ms};
    struct transfer_row *rows;
    size_t n = 0;
    if (transfer_list(device->store, arena, &rows, &n) != STATUS_OK)
        return;
    if (n > 0 && sim_below(3) > 0)
        take_in(device, &maker, &rows[sim_below((uint32_t)n)]);
    else
        send_out(device, &maker);
}

static void count_all(enum count what, const char *sql) {
    for (int64_t n = base_number(sql); n > 0; n--)
        count(what);
}

// What has moved between districts is in one of them or under way, never both.
void transfer_check(void) {
    struct db_result *result = base_ask(
        "with r as (select 'fact' as what, id from lx.fact"
        " union all select 'person', id from lx.person"
        " union all select 'membership', id from lx.membership"
        " union all select 'person', person from lx.transit_package where taken_by is null"
        " union all select 'fact', (f->>'id')::uuid from lx.transit_package,"
        " jsonb_array_elements(body->'facts') f where taken_by is null"
        " union all select k.what, (r->>'id')::uuid from lx.unit_package k join lx.unit_move m on"
        " m.district = k.district and m.id = k.move, jsonb_array_elements(k.rows) r"
        " where m.taken_by is null and k.what in ('fact', 'person', 'membership'))"
        " select what, id, count(*) from r group by what, id having count(*) > 1 order by id",
        NULL);
    for (int row = 0; result != NULL && row < db_rows(result); row++) {
        char id[UUID_TEXT_SIZE];
        uuid_format(db_uuid(result, row, 1), id);
        finding("double: %.*s %s is there %d times", (int)db_text(result, row, 0).size,
                (const char *)db_text(result, row, 0).data, id, (int)db_int8(result, row, 2));
    }
    base_free(&result);
    count_all(COUNT_TRANSFER_OUT, "select count(*) from lx.transit_package");
    count_all(COUNT_TRANSFER_IN,
              "select count(*) from lx.transit_package where taken_by is not null");
}

// Whoever is under way, alone or with a unit, has no row of a person. A unit's rows keep their
// streams, so in the streams of a unit that is under way people are where they were.
bool transfer_has_moved(struct uuid person, struct uuid from) {
    struct arena *arena = arena_new(0);
    struct db_params *params = db_params_new(arena);
    db_param_uuid(params, person);
    db_param_uuid(params, from);
    struct db_result *result = base_ask(
        "select from (select stream from lx.person where id = $1"
        " union all select to_unit from lx.transit_package where person = $1 and taken_by is null"
        " union all select (r->>'stream')::uuid from lx.unit_package k join lx.unit_move m on"
        " m.district = k.district and m.id = k.move, jsonb_array_elements(k.rows) r"
        " where m.taken_by is null and k.what = 'person' and (r->>'id')::uuid = $1) p"
        " where p.stream <> $2",
        params);
    bool moved = result != NULL && db_rows(result) > 0;
    base_free(&result);
    arena_free(&arena);
    return moved;
}
