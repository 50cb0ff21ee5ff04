// Client and server score by the same rules: where a home holds all that somebody's standing comes
// from, what it computes is what the server has written, byte for byte.
#include "client/core/standing.h"

#include <string.h>

#include "client/store/outbox.h"
#include "client/store/replica.h"
#include "common/base/clock.h"
#include "tests/sim/world.h"

// The server's word as the home has it; NULL: none.
static const Lx__Standing *told(struct store *store, struct uuid subject, struct arena *arena) {
    struct store_query query = {.kind = STORE_KIND_STANDING, .subject = &subject};
    struct store_rows rows;
    if (store_find(store, &query, arena, &rows) != STATUS_OK || rows.count == 0)
        return NULL;
    return rows.rows[0].row->standing;
}

static void compare(const struct device *device, const struct local *local, struct uuid subject,
                    struct arena *arena) {
    const Lx__Standing *standing = told(device->store, subject, arena);
    struct standing own;
    int32_t as_of = 0;
    if (standing == NULL || local->n_programmes == 0 || standing->as_of == NULL ||
        clock_parse_day(view_from_string(standing->as_of), &as_of) != STATUS_OK)
        return;
    enum status status =
        standing_local(device->store, local, &local->programmes[0], subject, as_of, arena, &own);
    if (status == STATUS_NOT_FOUND)
        return; // it does not hold everything
    char text[UUID_TEXT_SIZE];
    uuid_format(subject, text);
    struct view receipt = view_from(standing->receipt.data, standing->receipt.len);
    count(COUNT_STANDING);
    if (status != STATUS_OK)
        finding("%s cannot compute the standing of %s: %s", device->account, text,
                status_name(status));
    else if (own.state != standing->state || own.points != standing->points ||
             own.total != standing->total || !view_equal(own.receipt, receipt))
        finding("%s computes another standing of %s than the server: state %d and %d, points %ld "
                "and %ld, schemes %u and %u, receipts of %zu and %zu bytes%s",
                device->account, text, (int)own.state, (int)standing->state, (long)own.points,
                (long)standing->points, local->programmes[0].scheme->source->version,
                standing->scheme_version, own.receipt.size, receipt.size,
                view_equal(own.receipt, receipt) ? "" : " that differ");
}

void standing_check(const struct device *device) {
    struct arena *arena = arena_new(0);
    struct outbox_counts counts = {0};
    struct local *local;
    char error[256] = "";
    if (store_outbox_counts(device->store, &counts) != STATUS_OK ||
        local_load(device->store, arena, &local, error) != STATUS_OK) {
        finding("%s cannot be read: %s", device->account, error);
    } else if (counts.waiting == 0) { // else it knows more than the server
        for (size_t i = 0; i < local->people.n_persons; i++)
            compare(device, local, local->people.persons[i].id, arena);
        for (size_t i = 0; i < local->people.n_units; i++)
            compare(device, local, local->people.units[i].id, arena);
    }
    arena_free(&arena);
}
