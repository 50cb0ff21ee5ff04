// What a home shows of what was typed in it, looked at after each sync (I4).
#include <inttypes.h>
#include <string.h>

#include "client/store/db.h"
#include "client/store/outbox.h"
#include "tests/sim/history.h"

// Pulls that were answered with "the unit is under way" since the device's last sync had ended; the
// last place: no device's.
static size_t told_moving[WORLD_MAX_DEVICES + 1];

void sight_begin(void) {
    memset(told_moving, 0, sizeof told_moving);
}

static size_t *moving_of(const struct machine *client) {
    unsigned i = 0;
    while (i < WORLD_MAX_DEVICES && &world_devices[i].machine != client)
        i++;
    return &told_moving[i];
}

void sight_moving(const struct machine *client) {
    (*moving_of(client))++;
}

static bool is_in_scope(const struct device *device, struct uuid stream) {
    struct store_stream state;
    return store_stream_get(device->store, stream, &state) == STATUS_OK && state.cursor > 0;
}

// A sync that is done has brought the whole stream, but when it was told that the unit is under
// way: then some pages may have come before, and the rest comes when it has arrived.
static bool is_brought(const struct device *device, struct uuid stream) {
    struct store_stream state;
    return *moving_of(&device->machine) == 0 ||
           store_stream_get(device->store, stream, &state) != STATUS_OK || state.proved;
}

// May it be out of sight? It may have moved with its subject, or the scope has ended.
static bool may_be_away(const struct device *device, const struct typed *typed,
                        const struct outbox_entry *entry) {
    struct uuid home;
    return !is_in_scope(device, entry->stream) ||
           store_home_stream(device->store, typed->subject, &home) != STATUS_OK ||
           transfer_has_moved(typed->subject, entry->stream);
}

// Its person was told of a refusal, and it goes again since the server was restored: it comes back
// into the view when it is stored.
static bool was_refused(const struct device *device, const struct typed *typed) {
    int64_t before = 0;
    bool told = false;
    size_t n_sents;
    const struct sent *sents = history_sents(&n_sents);
    for (size_t i = 0; i < n_sents; i++)
        told = told || (sents[i].refused && uuid_equal(sents[i].record, typed->record));
    return told &&
           db_int(device->store, &before, "select again from outbox where id = ?1", "i",
                  typed->entry) == STATUS_OK &&
           before >= OUTBOX_REFUSED;
}

// An imported row that was there is seen under the id that came first.
static bool sees(const struct device *device, const struct typed *typed, struct arena *own) {
    struct store_row row;
    const struct typed *twin = NULL;
    bool seen =
        store_find_id(device->store, STORE_KIND_FACT, typed->record, own, &row) == STATUS_OK;
    while (!seen && (twin = history_twin(typed, twin)) != NULL)
        seen = store_find_id(device->store, STORE_KIND_FACT, twin->record, own, &row) == STATUS_OK;
    return seen;
}

static void look_at(const struct device *device, struct typed *typed, bool in_step,
                    struct arena *own) {
    struct outbox_entry entry;
    bool was_seen = typed->seen;
    typed->seen = false;
    if (store_outbox_get(device->store, typed->entry, own, &entry) != STATUS_OK ||
        entry.state == OUTBOX_REFUSED || entry.state == OUTBOX_ARCHIVED ||
        was_refused(device, typed))
        return;
    typed->seen = sees(device, typed, own);
    bool expected = was_seen || (in_step && is_brought(device, entry.stream));
    if (expected && !typed->seen && !may_be_away(device, typed, &entry))
        finding("%s does not see its own entry %" PRId64 ", state %d, %s", device->account,
                typed->entry, (int)entry.state, in_step ? "in step" : "any more");
}

// What a sync that is done has left out, the server must have told it.
static void check_brought(const struct device *device) {
    int64_t left_out = 0;
    size_t told = *moving_of(&device->machine);
    if (db_int(device->store, &left_out, "select count(*) from stream where whole = 0", "") !=
            STATUS_OK ||
        left_out <= (int64_t)told)
        return;
    finding("%s: %" PRId64 " streams do not prove whole after a sync, %zu are under way",
            device->account, left_out, told);
}

// A device sees its own writes, the newest ones: all when it is in step, and what it has seen
// whatever became of its sync.
void history_synced(const struct device *device, bool in_step) {
    struct arena *own = arena_new(0);
    size_t n_typeds;
    struct typed *typeds = history_typeds(&n_typeds);
    size_t looked = disk_is_off(device->disk) ? 20 : 0;
    if (in_step && looked == 0)
        check_brought(device);
    for (size_t i = n_typeds; i-- > 0 && looked < 20;) {
        struct typed *typed = &typeds[i];
        if (typed->client != &device->machine || typed->archived || !typed->is_fact)
            continue;
        looked++;
        look_at(device, typed, in_step, own);
    }
    *moving_of(&device->machine) = 0;
    arena_free(&own);
}
