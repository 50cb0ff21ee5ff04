// The two halves of a transfer, and the list of who is under way. See transfer.h.
#include "client/core/transfer.h"

#include <string.h>

#include "client/store/outbox.h"
#include "client/store/replica.h"

// ---- the list ----

static struct uuid read_id(ProtobufCBinaryData bytes) {
    struct uuid id = {{0}};
    if (bytes.len == UUID_SIZE)
        memcpy(id.bytes, bytes.data, UUID_SIZE);
    return id;
}

static bool has_row(const struct transfer_row *rows, size_t count, const struct transfer_row *row) {
    for (size_t i = 0; i < count; i++)
        if (uuid_equal(rows[i].id, row->id) && rows[i].out == row->out)
            return true;
    return false;
}

enum status transfer_list(struct store *store, struct arena *arena, struct transfer_row **out_rows,
                          size_t *out_count) {
    struct store_query query = {.kind = STORE_KIND_TRANSIT};
    struct store_rows rows;
    *out_count = 0;
    TRY(store_find(store, &query, arena, &rows));
    *out_rows = arena_array(arena, rows.count + 1, sizeof **out_rows);
    if (*out_rows == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < rows.count; i++) {
        const Lx__Transit *transit = rows.rows[i].row->transit;
        struct transfer_row row = {
            .id = read_id(transit->transfer),
            .person = read_id(transit->person),
            .name = transit->name != NULL ? transit->name : "",
            .unit = read_id(transit->unit),
            .out = transit->step == LX__TRANSFER_STEP__TRANSFER_OUT,
            .local = rows.rows[i].local,
            .left_ms = transit->left_ms,
            .stream = rows.rows[i].stream,
        };
        if (!has_row(*out_rows, *out_count, &row))
            (*out_rows)[(*out_count)++] = row;
    }
    return STATUS_OK;
}

// ---- the halves ----

// An operation and all that it is made of, beside its ids.
struct half {
    Lx__Operation operation;
    Lx__Transfer transfer;
    Lx__Membership membership;
    struct uuid id, person, unit, membership_id;
};

static ProtobufCBinaryData bytes_of(struct uuid *id) {
    return (ProtobufCBinaryData){UUID_SIZE, id->bytes};
}

static struct half *half_new(const struct transfer_maker *maker, struct uuid id, struct uuid person,
                             Lx__TransferStep step) {
    struct half *half = arena_alloc(maker->arena, sizeof *half);
    if (half == NULL)
        return NULL;
    lx__operation__init(&half->operation);
    lx__transfer__init(&half->transfer);
    lx__membership__init(&half->membership);
    half->id = id;
    half->person = person;
    half->operation.transfer = &half->transfer;
    half->transfer.has_id = half->transfer.has_person = half->transfer.has_step = 1;
    half->transfer.id = bytes_of(&half->id);
    half->transfer.person = bytes_of(&half->person);
    half->transfer.step = step;
    return half;
}

static enum status queue(const struct transfer_maker *maker, struct uuid stream,
                         const struct half *half, struct transfer_made *out_made) {
    Lx__Reason **reasons;
    Lx__Operation *operation = arena_alloc(maker->arena, sizeof *operation);
    if (operation == NULL)
        return STATUS_NO_MEMORY;
    *operation = half->operation;
    TRY(local_judge(maker->local, stream, maker->now_ms, 1, &operation, maker->arena, &reasons));
    *out_made = (struct transfer_made){.id = half->id, .reason = reasons[0]};
    if (reasons[0] != NULL)
        return STATUS_OK;
    TRY(store_begin(maker->store));
    enum status status = store_add_operation(maker->store, stream, operation, maker->now_ms, NULL);
    if (status == STATUS_OK)
        return store_commit(maker->store);
    store_rollback(maker->store);
    return status;
}

enum status transfer_send_out(const struct transfer_maker *maker, struct uuid person,
                              struct uuid district, int64_t left_ms,
                              struct transfer_made *out_made) {
    const struct people_person *known = people_find_person(&maker->local->people, person);
    if (known == NULL)
        return STATUS_NOT_FOUND;
    struct half *half =
        half_new(maker, uuid_new_v7(maker->now_ms), person, LX__TRANSFER_STEP__TRANSFER_OUT);
    if (half == NULL)
        return STATUS_NO_MEMORY;
    half->unit = district;
    half->operation.has_person_version = 1;
    half->operation.person_version = known->version;
    half->transfer.has_to = half->transfer.has_left_ms = 1;
    half->transfer.to = bytes_of(&half->unit);
    half->transfer.left_ms = left_ms;
    return queue(maker, known->home, half, out_made);
}

enum status transfer_take_in(const struct transfer_maker *maker, const struct transfer_row *row,
                             const struct transfer_home *home, struct transfer_made *out_made) {
    struct half *half = half_new(maker, row->id, row->person, LX__TRANSFER_STEP__TRANSFER_IN);
    if (half == NULL)
        return STATUS_NO_MEMORY;
    Lx__Membership *membership = &half->membership;
    half->unit = home->unit;
    half->membership_id = uuid_new_v7(maker->now_ms);
    half->transfer.membership = membership;
    membership->has_id = membership->has_person = membership->has_unit = 1;
    membership->has_programme = membership->has_role = membership->has_from_ms = 1;
    membership->id = bytes_of(&half->membership_id);
    membership->person = bytes_of(&half->person);
    membership->unit = bytes_of(&half->unit);
    membership->programme = home->programme;
    membership->role = LX__ROLE__TEACHER;
    membership->from_ms = home->from_ms;
    return queue(maker, home->unit, half, out_made);
}
