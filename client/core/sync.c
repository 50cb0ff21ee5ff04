// The sync engine's phases and scope. See sync.h; push and pull have files of their own.
#include "client/core/sync.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/core/sync_internal.h"
#include "common/wire/unpack.h"

#define MAX_RESCOPES 5 // in one round: a scope that moves faster is a server's defect

struct sync *sync_new(struct store *store, const struct sync_options *options) {
    struct sync *sync = calloc(1, sizeof *sync);
    if (!sync)
        return NULL;
    sync->store = store;
    sync->options = *options;
    sync->arena = arena_new(0);
    sync->scope_arena = arena_new(0);
    if (!sync->arena || !sync->scope_arena)
        sync_free(&sync);
    return sync;
}

void sync_free(struct sync **handle) {
    struct sync *sync = *handle;
    if (!sync)
        return;
    *handle = NULL;
    if (sync->failure)
        lx__reason__free_unpacked(sync->failure, NULL);
    arena_free(&sync->arena);
    arena_free(&sync->scope_arena);
    free(sync);
}

// ---- phases ----

void sync_set_phase(struct sync *sync, enum sync_phase phase) {
    // Rows: from. Offline and failed can be reached from everywhere.
    static const unsigned legal[] = {
        [SYNC_PHASE_OFFLINE] = 1u << SYNC_PHASE_SCOPE,
        [SYNC_PHASE_SCOPE] = 1u << SYNC_PHASE_PUSH,
        [SYNC_PHASE_PUSH] = 1u << SYNC_PHASE_HEADS | 1u << SYNC_PHASE_SCOPE,
        [SYNC_PHASE_HEADS] = 1u << SYNC_PHASE_PULL | 1u << SYNC_PHASE_SCOPE,
        [SYNC_PHASE_PULL] = 1u << SYNC_PHASE_PUSH | 1u << SYNC_PHASE_SCOPE |
                            1u << SYNC_PHASE_WATCH | 1u << SYNC_PHASE_DONE,
        [SYNC_PHASE_WATCH] = 1u << SYNC_PHASE_PULL | 1u << SYNC_PHASE_PUSH | 1u << SYNC_PHASE_SCOPE,
        [SYNC_PHASE_DONE] = 1u << SYNC_PHASE_PUSH | 1u << SYNC_PHASE_SCOPE,
        [SYNC_PHASE_FAILED] = 0,
    };
    bool always = phase == SYNC_PHASE_OFFLINE || phase == SYNC_PHASE_FAILED;
    assert(always || (legal[sync->phase] & 1u << phase));
    sync->phase = phase;
}

void sync_fail(struct sync *sync, const Lx__Reason *reason, const char *text) {
    if (sync->phase == SYNC_PHASE_FAILED)
        return;
    snprintf(sync->failure_text, sizeof sync->failure_text, "%s",
             reason && reason->text ? reason->text : text);
    if (reason) {
        size_t size = lx__reason__get_packed_size(reason);
        uint8_t *bytes = malloc(size + 1);
        if (bytes)
            sync->failure = lx__reason__unpack(NULL, lx__reason__pack(reason, bytes), bytes);
        free(bytes);
    }
    sync_set_phase(sync, SYNC_PHASE_FAILED);
}

bool sync_check(struct sync *sync, enum status status) {
    if (status == STATUS_OK)
        return true;
    store_rollback(sync->store);
    sync->home_busy = status == STATUS_AGAIN;
    const char *text = store_error(sync->store);
    sync_fail(sync, NULL, text[0] ? text : status_name(status));
    return false;
}

enum status sync_begin(struct sync *sync) {
    enum status status = store_begin_in(sync->store, &sync->history);
    sync->outdated = status == STATUS_CONFLICT;
    return status;
}

uint32_t sync_new_token(struct sync *sync) {
    if (++sync->last_token == 0)
        ++sync->last_token;
    return sync->last_token;
}

void sync_connected(struct sync *sync, const struct store_history *history) {
    sync_disconnected(sync);
    if (sync->failure)
        lx__reason__free_unpacked(sync->failure, NULL);
    sync->failure = NULL;
    sync->failure_text[0] = '\0';
    sync->needs_login = sync->home_busy = sync->outdated = false;
    sync->rescopes = 0;
    sync->n_held_foreign = 0;
    sync->progress.streams_held = sync->progress.streams_broken = 0;
    sync_set_phase(sync, SYNC_PHASE_SCOPE);
    if (history)
        sync->history = *history;
    else
        sync_check(sync, store_history_get(sync->store, &sync->history));
}

void sync_disconnected(struct sync *sync) {
    sync->token = 0;
    sync->pulls = 0;
    sync->wake_ms = 0;
    sync->again_scope = sync->again_push = false;
    for (size_t i = 0; i < sync->n_streams; i++)
        sync->streams[i].pull = SYNC_PULL_IDLE;
    sync->progress.streams_to_pull = 0;
    sync_set_phase(sync, SYNC_PHASE_OFFLINE);
}

void sync_advance(struct sync *sync) {
    if (sync->phase == SYNC_PHASE_FAILED || sync->token != 0 || sync->pulls > 0)
        return;
    if (sync->again_scope) {
        sync->again_scope = false;
        if (sync->phase == SYNC_PHASE_SCOPE)
            return; // is about to be asked
        if (++sync->rescopes > MAX_RESCOPES)
            return sync_fail(sync, NULL, "the scope keeps changing while it is read");
        return sync_set_phase(sync, SYNC_PHASE_SCOPE);
    }
    if (sync->progress.streams_to_pull > 0 || sync->phase != SYNC_PHASE_PULL)
        return;
    // Who left a stream may have gone to one whose unit is under way: nothing goes before that has
    // come.
    if (sync->progress.streams_moving == 0 && !sync_check(sync, store_settle(sync->store)))
        return;
    if (sync->again_push) {
        sync->again_push = false;
        return sync_set_phase(sync, SYNC_PHASE_PUSH);
    }
    sync_set_phase(sync, sync->options.watch ? SYNC_PHASE_WATCH : SYNC_PHASE_DONE);
}

// ---- scope ----

static bool scope_next(struct sync *sync, struct sync_request *out_request) {
    static const Lx__ScopeRequest message = LX__SCOPE_REQUEST__INIT;
    if (sync->token != 0)
        return false;
    sync->token = sync_new_token(sync);
    *out_request = (struct sync_request){sync->token, LX__METHOD__SCOPE, &message.base};
    return true;
}

static int compare_streams(const void *a, const void *b) {
    return uuid_compare(((const struct sync_stream *)a)->id, ((const struct sync_stream *)b)->id);
}

struct sync_stream *sync_find_stream(struct sync *sync, struct uuid id) {
    struct sync_stream key = {.id = id};
    if (sync->n_streams == 0)
        return NULL;
    return bsearch(&key, sync->streams, sync->n_streams, sizeof key, compare_streams);
}

static enum status read_grants(const Lx__ScopeReply *reply, struct store_grant *out_grants) {
    for (size_t i = 0; i < reply->n_grants; i++) {
        const Lx__Grant *grant = reply->grants[i];
        struct store_grant *out = &out_grants[i];
        TRY(uuid_from_bytes(view_from(grant->id.data, grant->id.len), &out->id));
        TRY(uuid_from_bytes(view_from(grant->unit.data, grant->unit.len), &out->unit));
        out->role = (uint32_t)grant->role;
        out->from_ms = grant->from_ms;
        out->until_ms = grant->until_ms;
    }
    return STATUS_OK;
}

// What a restored server has lost goes again with the push that follows.
static enum status heal(struct sync *sync, const Lx__ScopeReply *reply,
                        const struct uuid *streams) {
    struct outbox_lost lost;
    struct sync_progress *progress = &sync->progress;
    for (size_t i = 0; i < reply->n_streams && i < reply->n_next_op_seq; i++) {
        if (reply->next_op_seq[i] == 0)
            continue;
        TRY(store_outbox_heal(sync->store, streams[i], reply->next_op_seq[i], &lost));
        progress->streams_healed += lost.any;
        progress->sent_again += lost.records;
        if (lost.records > 0 &&
            (progress->restored_before_ms == 0 || lost.before_ms < progress->restored_before_ms))
            progress->restored_before_ms = lost.before_ms;
    }
    return store_outbox_heal_epoch(sync->store);
}

static enum status put_scope(struct sync *sync, const Lx__ScopeReply *reply,
                             const struct store_grant *grants, const struct uuid *streams) {
    TRY(sync_begin(sync));
    TRY(store_scope_put(sync->store, grants, reply->n_grants, streams, reply->n_streams));
    TRY(store_config_set_int(sync->store, STORE_CONFIG_SCOPE_VERSION,
                             (int64_t)reply->scope_version));
    TRY(store_config_set(sync->store, STORE_CONFIG_BUNDLE_CERTIFICATE,
                         view_from(reply->bundle_certificate.data, reply->bundle_certificate.len)));
    TRY(heal(sync, reply, streams));
    return store_commit(sync->store);
}

static enum status make_streams(struct sync *sync, const Lx__ScopeReply *reply,
                                const struct uuid *streams) {
    arena_reset(sync->scope_arena);
    sync->n_streams = 0;
    sync->streams = arena_array(sync->scope_arena, reply->n_streams + 1, sizeof *sync->streams);
    if (!sync->streams)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < reply->n_streams; i++) {
        struct store_stream stored;
        TRY(store_stream_get(sync->store, streams[i], &stored));
        sync->streams[i] = (struct sync_stream){
            .id = streams[i],
            .cursor = stored.cursor,
            .server_next_op = i < reply->n_next_op_seq ? reply->next_op_seq[i] : 0,
        };
    }
    sync->n_streams = reply->n_streams;
    qsort(sync->streams, sync->n_streams, sizeof *sync->streams, compare_streams);
    return STATUS_OK;
}

static enum status take_scope(struct sync *sync, const Lx__ScopeReply *reply) {
    struct uuid *streams = arena_array(sync->arena, reply->n_streams + 1, sizeof *streams);
    struct store_grant *grants = arena_array(sync->arena, reply->n_grants + 1, sizeof *grants);
    if (!streams || !grants)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < reply->n_streams; i++)
        TRY(uuid_from_bytes(view_from(reply->streams[i].data, reply->streams[i].len), &streams[i]));
    TRY(read_grants(reply, grants));
    TRY(put_scope(sync, reply, grants, streams));
    return make_streams(sync, reply, streams);
}

static void scope_reply(struct sync *sync, const Lx__ScopeReply *reply) {
    arena_reset(sync->arena);
    if (!sync_check(sync, take_scope(sync, reply)))
        return;
    sync->scope_version = reply->scope_version;
    sync->progress.streams = reply->n_streams;
    sync->progress.streams_to_pull = sync->progress.streams_moving = 0;
    sync_set_phase(sync, SYNC_PHASE_PUSH);
}

// ---- the driver's calls ----

static bool phase_next(struct sync *sync, struct sync_request *out_request) {
    switch (sync->phase) {
    case SYNC_PHASE_SCOPE:
        return scope_next(sync, out_request);
    case SYNC_PHASE_PUSH:
        return sync_push_next(sync, out_request);
    case SYNC_PHASE_HEADS:
        return sync_heads_next(sync, out_request);
    case SYNC_PHASE_PULL:
        return sync_pull_next(sync, out_request);
    case SYNC_PHASE_OFFLINE:
    case SYNC_PHASE_WATCH:
    case SYNC_PHASE_DONE:
    case SYNC_PHASE_FAILED:
        break;
    }
    return false;
}

bool sync_next(struct sync *sync, int64_t monotonic_ms, struct sync_request *out_request) {
    if (sync->wake_ms > monotonic_ms)
        return false;
    sync->wake_ms = 0;
    // A phase with nothing to ask moves on at once.
    for (;;) {
        enum sync_phase before = sync->phase;
        if (phase_next(sync, out_request))
            return true;
        if (sync->phase == before)
            return false;
    }
}

int64_t sync_wake_ms(const struct sync *sync) {
    return sync->wake_ms;
}

void sync_on_reply(struct sync *sync, uint32_t token, const ProtobufCMessage *reply,
                   int64_t now_ms) {
    struct sync_stream *pulled = sync_pull_by_token(sync, token);
    if (pulled)
        return sync_pull_reply(sync, pulled, (const Lx__PullReply *)reply);
    if (token == 0 || token != sync->token)
        return;
    sync->token = 0;
    if (sync->phase == SYNC_PHASE_SCOPE)
        scope_reply(sync, (const Lx__ScopeReply *)reply);
    else if (sync->phase == SYNC_PHASE_PUSH)
        sync_push_reply(sync, (const Lx__PushReply *)reply, now_ms);
    else if (sync->phase == SYNC_PHASE_HEADS)
        sync_heads_reply(sync, (const Lx__SubscribeReply *)reply);
    sync_advance(sync);
}

// The server is well but cannot now: the same request goes again after a pause.
static bool may_wait(struct sync *sync, const Lx__Error *error, int64_t monotonic_ms) {
    if (!error->has_retry_after_ms)
        return false;
    sync->wake_ms = monotonic_ms + (int64_t)error->retry_after_ms;
    return true;
}

void sync_on_error(struct sync *sync, uint32_t token, const Lx__Error *error,
                   int64_t monotonic_ms) {
    struct sync_stream *pulled = sync_pull_by_token(sync, token);
    if (!pulled && (token == 0 || token != sync->token))
        return;
    if (pulled && sync_is_moving(error)) {
        sync_pull_moving(sync, pulled);
        return sync_advance(sync);
    }
    bool wait = may_wait(sync, error, monotonic_ms);
    if (!pulled) {
        sync->token = 0;
    } else if (wait) {
        pulled->pull = SYNC_PULL_WANTED;
        sync->pulls--;
    }
    if (wait)
        return;
    if (error->code == LX__CODE__UNAUTHENTICATED) {
        sync->needs_login = true;
        return sync_fail(sync, error->reason, "the session has ended");
    }
    if (!pulled)
        return sync_fail(sync, error->reason, "the server refused the request");
    sync_pull_error(sync, pulled, error);
    sync_advance(sync);
}

void sync_on_outbox(struct sync *sync) {
    if (sync->phase == SYNC_PHASE_WATCH || sync->phase == SYNC_PHASE_DONE)
        sync_set_phase(sync, SYNC_PHASE_PUSH);
    else if (sync->phase != SYNC_PHASE_OFFLINE && sync->phase != SYNC_PHASE_FAILED)
        sync->again_push = true;
}

enum sync_phase sync_phase(const struct sync *sync) {
    return sync->phase;
}

const struct sync_progress *sync_progress(const struct sync *sync) {
    return &sync->progress;
}

const Lx__Reason *sync_failure(const struct sync *sync) {
    return sync->failure;
}

const char *sync_failure_text(const struct sync *sync) {
    return sync->failure_text;
}

bool sync_home_busy(const struct sync *sync) {
    return sync->home_busy;
}

bool sync_is_outdated(const struct sync *sync) {
    return sync->outdated;
}

bool sync_needs_login(const struct sync *sync) {
    return sync->needs_login;
}
