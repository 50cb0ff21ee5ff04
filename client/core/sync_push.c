// The sync engine's way up: groups of the outbox, one request in flight, each stream in its order.
#include <string.h>

#include "client/core/sync_internal.h"
#include "client/store/witness.h"
#include "common/wire/reason.h"

static ProtobufCBinaryData bytes_of(struct view view) {
    return (ProtobufCBinaryData){view.size,
                                 (uint8_t *)view.data}; // protobuf-c does not write to it
}

static Lx__PushGroup *make_group(struct sync *sync, struct uuid stream,
                                 const struct outbox_entries *entries) {
    Lx__PushGroup *group = arena_alloc(sync->arena, sizeof *group);
    ProtobufCBinaryData *operations = arena_array(sync->arena, entries->count, sizeof *operations);
    uint8_t *id = arena_alloc(sync->arena, UUID_SIZE);
    if (!group || !operations || !id)
        return NULL;
    lx__push_group__init(group);
    for (int i = 0; i < UUID_SIZE; i++)
        id[i] = stream.bytes[i];
    group->has_stream = group->has_first_op_seq = 1;
    group->stream = (ProtobufCBinaryData){UUID_SIZE, id};
    group->first_op_seq = entries->entries[0].op_seq;
    for (size_t i = 0; i < entries->count; i++)
        operations[i] = bytes_of(entries->entries[i].bytes);
    group->n_operations = entries->count;
    group->operations = operations;
    return group;
}

// A stream that is not in scope is sent all the same: what was written in good faith before a move
// is the server's to judge.
static bool is_held(struct sync *sync, struct uuid id) {
    const struct sync_stream *stream = sync_find_stream(sync, id);
    if (stream)
        return stream->held;
    for (size_t i = 0; i < sync->n_held_foreign; i++)
        if (uuid_equal(sync->held_foreign[i], id))
            return true;
    return false;
}

static void hold(struct sync *sync, struct uuid id) {
    struct sync_stream *stream = sync_find_stream(sync, id);
    if (is_held(sync, id))
        return;
    sync->progress.streams_held++;
    if (stream)
        stream->held = true;
    else if (sync->n_held_foreign < SYNC_MAX_HELD_FOREIGN)
        sync->held_foreign[sync->n_held_foreign++] = id;
    else
        sync_fail(sync, NULL, "too many streams outside the scope are refused");
}

static enum status add_group(struct sync *sync, Lx__PushRequest *request, struct uuid stream,
                             size_t *ops, size_t *bytes) {
    struct outbox_entries entries;
    TRY(store_outbox_seal(sync->store, stream, *ops, *bytes, sync->arena, &entries));
    if (entries.count == 0)
        return STATUS_OK;
    Lx__PushGroup *group = make_group(sync, stream, &entries);
    if (!group)
        return STATUS_NO_MEMORY;
    sync->sent_fresh[request->n_groups] = entries.fresh;
    request->groups[request->n_groups++] = group;
    *ops -= entries.count;
    for (size_t i = 0; i < entries.count; i++)
        *bytes -= entries.entries[i].bytes.size < *bytes ? entries.entries[i].bytes.size : *bytes;
    return STATUS_OK;
}

static enum status make_request(struct sync *sync, Lx__PushRequest **out_request) {
    size_t count = 0;
    struct uuid *streams;
    TRY(store_outbox_streams(sync->store, sync->arena, &count, &streams));
    Lx__PushRequest *request = arena_alloc(sync->arena, sizeof *request);
    if (!request)
        return STATUS_NO_MEMORY;
    lx__push_request__init(request);
    request->groups = arena_array(sync->arena, count + 1, sizeof(Lx__PushGroup *));
    sync->sent_fresh = arena_array(sync->arena, count + 1, sizeof *sync->sent_fresh);
    if (!request->groups || !sync->sent_fresh)
        return STATUS_NO_MEMORY;
    size_t ops = SYNC_PUSH_MAX_OPS;
    size_t bytes = SYNC_PUSH_MAX_BYTES;
    // A group needs a fair part of the room, or a group that was cut small stays cut small.
    for (size_t i = 0; i < count && ops > 0 && bytes > SYNC_PUSH_MAX_BYTES / 8; i++)
        if (!is_held(sync, streams[i]))
            TRY(add_group(sync, request, streams[i], &ops, &bytes));
    *out_request = request;
    return STATUS_OK;
}

bool sync_push_next(struct sync *sync, struct sync_request *out_request) {
    Lx__PushRequest *request = NULL;
    if (sync->token != 0)
        return false;
    arena_reset(sync->arena);
    if (!sync_check(sync, make_request(sync, &request)) || request == NULL)
        return false;
    if (request->n_groups == 0) {
        sync_set_phase(sync, SYNC_PHASE_HEADS);
        return false;
    }
    sync->token = sync_new_token(sync);
    sync->sent = request;
    *out_request = (struct sync_request){sync->token, LX__METHOD__PUSH, &request->base};
    return true;
}

// ---- answers ----

static const Lx__PushGroup *find_sent(const struct sync *sync, const Lx__PushedGroup *group) {
    for (size_t i = 0; i < sync->sent->n_groups; i++)
        if (memcmp(sync->sent->groups[i]->stream.data, group->stream.data, UUID_SIZE) == 0)
            return sync->sent->groups[i];
    return NULL;
}

// Another program that syncs this home may have taken the same answer first and sent its next group
// since: then nothing moves here, and the server's last operation lies beyond what this answer
// speaks of. Or it has heard of a restore, and asks again for what lies before.
static enum status settle(struct sync *sync, struct uuid stream, const Lx__PushedGroup *group,
                          int64_t now_ms) {
    struct outbox_counts before;
    struct outbox_counts after;
    Lx__PushedGroup answer = *group;
    const Lx__PushGroup *sent = find_sent(sync, group);
    if (!sent || group->op_to < sent->first_op_seq) { // sending the same again would not end
        hold(sync, stream);
        return STATUS_OK;
    }
    if (answer.op_to >= sent->first_op_seq + sent->n_operations)
        answer.op_to = sent->first_op_seq + sent->n_operations - 1;
    TRY(store_outbox_counts(sync->store, &before));
    TRY(store_outbox_settle(sync->store, &answer, sent->first_op_seq, now_ms));
    TRY(store_outbox_counts(sync->store, &after));
    sync->progress.pushed += after.acked - before.acked;
    sync->progress.refused += after.refused - before.refused;
    return STATUS_OK;
}

// From this key on the server has nothing. 0: nobody knows, for it may refuse a stream out of scope
// without a look at what it has of it, and an answer that was lost may have stored that.
static uint64_t free_from(struct sync *sync, struct uuid id, const Lx__PushedGroup *group) {
    const struct sync_stream *stream = sync_find_stream(sync, id);
    if (stream)
        return stream->server_next_op;
    const Lx__PushGroup *sent = find_sent(sync, group);
    for (size_t i = 0; sent && i < sync->sent->n_groups; i++)
        if (sync->sent->groups[i] == sent && sync->sent_fresh[i])
            return sent->first_op_seq;
    return 0;
}

// Keys that the server has already seen are kept: its answer about them is still to come. Of a unit
// that is under way nobody can say what it has seen.
static enum status give_up(struct sync *sync, struct uuid id, const Lx__PushedGroup *group) {
    const Lx__Reason *reason = group->reason;
    uint64_t from = free_from(sync, id, group);
    hold(sync, id);
    if (from == 0 || (reason && reason->reason == REASON_UNIT_MOVING))
        return store_outbox_hold(sync->store, id, reason);
    return store_outbox_unseal(sync->store, id, from, reason);
}

static enum status mend_gap(struct sync *sync, struct uuid id, const Lx__PushedGroup *group) {
    const Lx__PushGroup *sent = find_sent(sync, group);
    if (!sent || group->expected == 0 || group->expected >= sent->first_op_seq) {
        hold(sync, id); // or it would not end
        return STATUS_OK;
    }
    enum status status = store_outbox_rewind(sync->store, id, group->expected);
    if (status != STATUS_NOT_FOUND)
        return status;
    hold(sync, id); // this home has not what the server lacks: a person must bring it, or enrol
    const Lx__Reason *reason = reason_new(sync->arena, REASON_KEYS_FORGOTTEN, NULL, NULL);
    return reason ? store_outbox_hold(sync->store, id, reason) : STATUS_NO_MEMORY;
}

static enum status take_group(struct sync *sync, const Lx__PushedGroup *group, int64_t now_ms) {
    struct uuid stream;
    TRY(uuid_from_bytes(view_from(group->stream.data, group->stream.len), &stream));
    switch (group->verdict) {
    case LX__GROUP_VERDICT__GROUP_DONE:
    case LX__GROUP_VERDICT__GROUP_REPEATED:
        return settle(sync, stream, group, now_ms);
    case LX__GROUP_VERDICT__GROUP_REFUSED:
        return give_up(sync, stream, group);
    case LX__GROUP_VERDICT__GROUP_GAP:
        return mend_gap(sync, stream, group);
    case LX__GROUP_VERDICT__GROUP_UNKNOWN:
    case _LX__GROUP_VERDICT_IS_INT_SIZE:
        break;
    }
    hold(sync, stream);
    return STATUS_OK;
}

static enum status take_groups(struct sync *sync, const Lx__PushReply *reply, int64_t now_ms) {
    TRY(sync_begin(sync));
    for (size_t i = 0; i < reply->n_groups; i++)
        TRY(take_group(sync, reply->groups[i], now_ms));
    for (size_t i = 0; i < reply->n_heads; i++)
        TRY(store_witness_put(sync->store, reply->heads[i]));
    return store_commit(sync->store);
}

// The server takes nothing more from a frozen device and closes its connections: this reason is
// what a person must read, not that the connection was lost.
static void end_when_frozen(struct sync *sync, const Lx__PushReply *reply) {
    for (size_t i = 0; i < reply->n_groups; i++) {
        const Lx__Reason *reason = reply->groups[i]->reason;
        if (reason &&
            (reason->reason == REASON_DEVICE_CLONED || reason->reason == REASON_DEVICE_FROZEN))
            sync_fail(sync, reason, "this device is frozen");
    }
}

void sync_push_reply(struct sync *sync, const Lx__PushReply *reply, int64_t now_ms) {
    if (reply->n_groups == 0)
        return sync_fail(sync, NULL, "the server answered a push without a verdict");
    if (sync_check(sync, take_groups(sync, reply, now_ms)))
        end_when_frozen(sync, reply);
}
