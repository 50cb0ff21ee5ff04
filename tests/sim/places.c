// Who has been in which stream: whatever was delivered as a stream's row is about somebody who is
// there or has been. The database knows that until it is restored or tombstones go, so it is asked
// before; what it knew then holds for what the server had sent by then, however late that arrives.
#include <stdlib.h>

#include "tests/sim/world.h"

struct place {
    struct uuid stream, subject;
    int64_t us; // kept: pages that were sent until then; delivered: when this one was sent
};

struct places {
    struct place *all; // owns
    size_t n, capacity;
};

static struct places kept;
static struct places delivered; // since the newest check

static void add(struct places *places, struct place place) {
    if (places->n == places->capacity) {
        places->capacity = places->capacity * 2 + 64;
        places->all = realloc(places->all, places->capacity * sizeof *places->all);
        if (places->all == NULL)
            abort();
    }
    places->all[places->n++] = place;
}

static void ask(int64_t until_us) {
    struct db_result *result =
        base_ask("select stream, id from lx.person"
                 " union select stream, subject from lx.left_stream"
                 " union select (r->>'stream')::uuid, (r->>case k.what when 'person' then 'id' else"
                 " 'subject' end)::uuid from lx.unit_package k, jsonb_array_elements(k.rows) r"
                 " where k.what in ('person', 'left_stream')",
                 NULL);
    for (int row = 0; result != NULL && row < db_rows(result); row++)
        add(&kept, (struct place){db_uuid(result, row, 0), db_uuid(result, row, 1), until_us});
    base_free(&result);
}

static bool was_there(const struct place *place) {
    for (size_t i = 0; i < kept.n; i++)
        if (uuid_equal(kept.all[i].subject, place->subject) &&
            uuid_equal(kept.all[i].stream, place->stream) && kept.all[i].us >= place->us)
            return true;
    return false;
}

static void tell(const struct place *place) {
    char stream[UUID_TEXT_SIZE], subject[UUID_TEXT_SIZE];
    uuid_format(place->stream, stream);
    uuid_format(place->subject, subject);
    finding("leak: a row about %s came in stream %s, where it never was", subject, stream);
}

void places_begin(void) {
    kept.n = delivered.n = 0;
}

void places_end(void) {
    free(kept.all);
    free(delivered.all);
    kept = delivered = (struct places){0};
}

// A unit's own rows are in its stream.
void places_delivered(struct uuid stream, struct uuid subject, int64_t sent_us) {
    if (!uuid_equal(stream, subject))
        add(&delivered, (struct place){stream, subject, sent_us});
}

void places_check(void) {
    size_t n = kept.n;
    ask(INT64_MAX);
    for (size_t i = 0; i < delivered.n; i++) {
        struct place place = delivered.all[i];
        if (was_there(&place))
            continue;
        tell(&place);
        place.us = INT64_MAX; // once is enough
        add(&kept, place);
    }
    kept.n = n;
    delivered.n = 0;
}

void places_keep(void) {
    places_check();
    ask(sim_now_us() + WORLD_GRACE_US);
}
