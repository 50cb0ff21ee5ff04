// A roster file that lists somebody who is under way between districts: he joins, by the second
// half of his transfer, unless the file contradicts what is known of him. Of who is under way only
// the name is known here, so it is the name that finds him.
#include "client/core/roster_internal.h"

// His row in the district of the file's school. *out_several: that could be more than one.
static const struct transfer_row *find(const struct roster_reading *reading,
                                       const struct roster_line *line, bool *out_several) {
    const struct roster_input *input = reading->input;
    const struct transfer_row *found = NULL;
    *out_several = false;
    for (size_t i = 0; i < input->n_under_way; i++) {
        const struct transfer_row *row = &input->under_way[i];
        if (!uuid_equal(row->stream, line->school->parent) ||
            !view_equal(view_from_string(row->name), reading->fields[ROSTER_NAME]))
            continue;
        *out_several = *out_several || found != NULL;
        found = row;
    }
    return found;
}

enum status roster_find_under_way(struct roster_reading *reading, struct roster_line *line) {
    bool several;
    const struct transfer_row *row = line->known == NULL ? find(reading, line, &several) : NULL;
    if (row == NULL)
        return STATUS_OK;
    if (several)
        return roster_set_bad(reading, ROSTER_NAME, REASON_ROW_UNDER_WAY_SEVERAL, row->name);
    if (row->out)
        return roster_set_bad(reading, ROSTER_NAME, REASON_ROW_SENT_OUT, row->name);
    line->joins = row;
    return STATUS_OK;
}

enum status roster_join(struct roster_reading *reading, const struct roster_line *line) {
    const struct transfer_row *row = line->joins;
    struct roster_entry *entry = reading->entry;
    const struct people_unit *from =
        people_find_unit(&reading->input->local->people, line->joins->unit);
    bool dated = reading->fields[ROSTER_FROM].size > 0;
    int64_t now_ms = reading->input->now_ms;
    if (line->until_ms != 0)
        return roster_set_bad(reading, ROSTER_UNTIL, REASON_ROW_JOINS_AND_LEAVES, row->name);
    if (dated && line->from_ms < row->left_ms)
        return roster_set_bad(reading, ROSTER_FROM, REASON_TRANSFER_TOO_EARLY, NULL);
    bool waits = roster_has_home(reading, row->person); // in the outbox
    entry->outcome = waits ? ROSTER_SAME : ROSTER_JOINED;
    entry->from_unit = from != NULL ? from->name : "";
    if (waits)
        return STATUS_OK;
    int64_t from_ms = dated ? line->from_ms : now_ms > row->left_ms ? now_ms : row->left_ms;
    return roster_add_join(reading, row->id, line->home->id, from_ms);
}
