// The sync engine's way down: heads of all streams at once, then pages of those that have moved,
// proved whole by count and digest.
#include "client/core/sync_internal.h"
#include "common/wire/reason.h"

// ---- heads ----

bool sync_heads_next(struct sync *sync, struct sync_request *out_request) {
    if (sync->token != 0)
        return false;
    arena_reset(sync->arena);
    Lx__SubscribeRequest *request = arena_alloc(sync->arena, sizeof *request);
    ProtobufCBinaryData *streams = arena_array(sync->arena, sync->n_streams + 1, sizeof *streams);
    if (!request || !streams) {
        sync_check(sync, STATUS_NO_MEMORY);
        return false;
    }
    lx__subscribe_request__init(request);
    for (size_t i = 0; i < sync->n_streams; i++)
        streams[i] = (ProtobufCBinaryData){UUID_SIZE, sync->streams[i].id.bytes};
    request->streams = streams;
    request->n_streams = sync->n_streams;
    sync->token = sync_new_token(sync);
    *out_request = (struct sync_request){sync->token, LX__METHOD__SUBSCRIBE, &request->base};
    return true;
}

void sync_want_pull(struct sync *sync, struct sync_stream *stream) {
    if (stream->pull != SYNC_PULL_IDLE)
        return;
    stream->pull = SYNC_PULL_WANTED;
    sync->progress.streams_to_pull++;
}

static void take_head(struct sync *sync, struct sync_stream *stream, uint64_t head) {
    struct store_stream stored;
    if (!sync_check(sync, store_stream_get(sync->store, stream->id, &stored)))
        return;
    stream->head = head;
    stream->cursor = stored.cursor;
    if (head < stored.cursor) // the server was restored: what it has is what counts
        stream->restart = true;
    if (head != stored.cursor || !stored.proved)
        sync_want_pull(sync, stream);
}

void sync_heads_reply(struct sync *sync, const Lx__SubscribeReply *reply) {
    for (size_t i = 0; i < reply->n_heads; i++) {
        struct uuid id;
        const ProtobufCBinaryData *bytes = &reply->heads[i]->stream;
        struct sync_stream *stream = NULL;
        if (uuid_from_bytes(view_from(bytes->data, bytes->len), &id) == STATUS_OK)
            stream = sync_find_stream(sync, id);
        if (stream)
            take_head(sync, stream, reply->heads[i]->head);
    }
    if (sync->phase == SYNC_PHASE_HEADS)
        sync_set_phase(sync, SYNC_PHASE_PULL);
}

void sync_on_nudge(struct sync *sync, const Lx__Nudge *nudge) {
    if (sync->phase == SYNC_PHASE_OFFLINE || sync->phase == SYNC_PHASE_FAILED)
        return;
    if (nudge->has_scope_changed && nudge->scope_changed) {
        sync->again_scope = true;
        sync->rescopes = 0; // told, not found in passing
        return sync_advance(sync);
    }
    struct uuid id;
    struct sync_stream *stream = NULL;
    if (uuid_from_bytes(view_from(nudge->stream.data, nudge->stream.len), &id) == STATUS_OK)
        stream = sync_find_stream(sync, id);
    if (!stream || nudge->head <= stream->cursor)
        return;
    stream->head = nudge->head;
    sync_want_pull(sync, stream);
    if (sync->phase == SYNC_PHASE_WATCH)
        sync_set_phase(sync, SYNC_PHASE_PULL);
}

// ---- pages ----

static bool make_pull(struct sync *sync, struct sync_stream *stream,
                      struct sync_request *out_request) {
    arena_reset(sync->arena);
    Lx__PullRequest *request = arena_alloc(sync->arena, sizeof *request);
    if (!request) {
        sync_check(sync, STATUS_NO_MEMORY);
        return false;
    }
    lx__pull_request__init(request);
    request->has_stream = request->has_cursor = request->has_limit = request->has_began = 1;
    request->stream = (ProtobufCBinaryData){UUID_SIZE, stream->id.bytes};
    request->cursor = stream->restart ? 0 : stream->cursor;
    request->began = stream->began;
    request->limit = sync->options.pull_limit ? sync->options.pull_limit : SYNC_PULL_LIMIT;
    stream->token = sync_new_token(sync);
    stream->pull = SYNC_PULL_ASKED;
    sync->pulls++;
    *out_request = (struct sync_request){stream->token, LX__METHOD__PULL, &request->base};
    return true;
}

bool sync_pull_next(struct sync *sync, struct sync_request *out_request) {
    // After a change of scope nothing new is asked: the open pulls end first.
    if (sync->pulls < SYNC_MAX_IN_FLIGHT && !sync->again_scope)
        for (size_t i = 0; i < sync->n_streams; i++)
            if (sync->streams[i].pull == SYNC_PULL_WANTED)
                return make_pull(sync, &sync->streams[i], out_request);
    sync_advance(sync);
    return false;
}

struct sync_stream *sync_pull_by_token(struct sync *sync, uint32_t token) {
    for (size_t i = 0; i < sync->n_streams && sync->pulls > 0; i++)
        if (sync->streams[i].pull == SYNC_PULL_ASKED && sync->streams[i].token == token)
            return &sync->streams[i];
    return NULL;
}

static void end_pull(struct sync *sync, struct sync_stream *stream, enum sync_pull_state state) {
    stream->pull = state;
    sync->progress.streams_to_pull--;
}

// Another program on this home may have pulled meanwhile: then this page starts at the wrong place.
static enum status is_overtaken(struct sync *sync, struct sync_stream *stream,
                                bool *out_overtaken) {
    struct store_stream stored;
    TRY(store_stream_get(sync->store, stream->id, &stored));
    *out_overtaken = !stream->restart && stored.cursor != stream->cursor;
    stream->cursor = stored.cursor;
    return STATUS_OK;
}

static enum status apply_page(struct sync *sync, struct sync_stream *stream,
                              const Lx__PullReply *reply, bool *out_mismatch) {
    struct store_stream stored;
    // Too old a cursor: tombstones are gone since, so the page begins the stream anew.
    bool anew = stream->restart || reply->snapshot;
    if (anew)
        TRY(store_stream_restart(sync->store, stream->id));
    if (anew || stream->cursor == 0)
        stream->began = reply->head;
    TRY(store_pull_apply(sync->store, stream->id, reply->n_rows, reply->rows, reply->cursor));
    TRY(store_stream_get(sync->store, stream->id, &stored));
    bool at_head = !reply->more && reply->cursor == reply->head;
    bool same = stored.live_count == reply->live_count && stored.digest == reply->digest;
    *out_mismatch = at_head && !same;
    sync->progress.pulled += reply->n_rows;
    stream->restart = false;
    stream->cursor = reply->cursor;
    stream->head = reply->head > stream->head ? reply->head : stream->head;
    return at_head && same ? store_stream_set_proved(sync->store, stream->id) : STATUS_OK;
}

struct page {
    bool overtaken; // nothing was applied
    bool mismatch;  // at the head, and count or digest differ
};

static enum status apply(struct sync *sync, struct sync_stream *stream, const Lx__PullReply *reply,
                         struct page *out_page) {
    TRY(sync_begin(sync));
    TRY(is_overtaken(sync, stream, &out_page->overtaken));
    if (!out_page->overtaken)
        TRY(apply_page(sync, stream, reply, &out_page->mismatch));
    return store_commit(sync->store);
}

// Count or digest differ: a fresh start mends a replica, but only one a round.
static void take_mismatch(struct sync *sync, struct sync_stream *stream) {
    if (stream->restarted) {
        sync->progress.streams_broken++;
        return end_pull(sync, stream, SYNC_PULL_BROKEN);
    }
    stream->restart = stream->restarted = true;
    sync->progress.restarts++;
    stream->pull = SYNC_PULL_WANTED;
}

// The stream's next step after a page that was applied.
static void go_on(struct sync *sync, struct sync_stream *stream, const Lx__PullReply *reply,
                  uint64_t asked) {
    bool more = reply->more || reply->cursor < reply->head;
    if (more && reply->cursor <= asked)
        return sync_fail(sync, NULL, "the server sends the same page again and again");
    stream->pull = SYNC_PULL_WANTED;
    if (!more)
        end_pull(sync, stream, SYNC_PULL_IDLE);
}

void sync_pull_reply(struct sync *sync, struct sync_stream *stream, const Lx__PullReply *reply) {
    struct page page = {false, false};
    uint64_t asked = stream->restart || reply->snapshot ? 0 : stream->cursor;
    sync->pulls--;
    enum status status = apply(sync, stream, reply, &page);
    if (reply->has_scope_version && reply->scope_version != sync->scope_version)
        sync->again_scope = true;
    if (!sync_check(sync, status))
        return;
    if (page.overtaken)
        stream->pull = SYNC_PULL_WANTED;
    else if (page.mismatch)
        take_mismatch(sync, stream);
    else
        go_on(sync, stream, reply, asked);
    sync_advance(sync);
}

bool sync_is_moving(const Lx__Error *error) {
    return error->reason && error->reason->reason == REASON_UNIT_MOVING;
}

// Its rows are between two districts, which may take long: the others do not wait for it. When it
// has arrived the scope changes, and with the scope's next reading it is asked for again.
void sync_pull_moving(struct sync *sync, struct sync_stream *stream) {
    sync->pulls--;
    sync->progress.streams_moving++;
    end_pull(sync, stream, SYNC_PULL_IDLE);
}

void sync_pull_error(struct sync *sync, struct sync_stream *stream, const Lx__Error *error) {
    sync->pulls--;
    if (error->reason && error->reason->reason == REASON_CURSOR_AHEAD)
        return take_mismatch(sync, stream); // the server was restored: what it has is what counts
    if (error->code != LX__CODE__PERMISSION_DENIED && error->code != LX__CODE__NOT_FOUND)
        return sync_fail(sync, error->reason, "the server refused a pull");
    // The stream has left the scope since it was read.
    end_pull(sync, stream, SYNC_PULL_IDLE);
    sync->again_scope = true;
}
