// See fake_server.h.
#include "tests/unit/client/core/fake_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/digest.h"
#include "common/wire/reason.h"
#include "common/wire/unpack.h"
#include "proto/account.pb-c.h"
#include "proto/wire.pb-c.h"

static void *take(struct fake_server *server, size_t n, size_t size) {
    void *memory = arena_array(server->arena, n + 1, size);
    assert_non_null(memory);
    return memory;
}

static ProtobufCBinaryData id_bytes(struct fake_server *server, struct uuid id) {
    uint8_t *copy = take(server, 1, UUID_SIZE);
    memcpy(copy, id.bytes, UUID_SIZE);
    return (ProtobufCBinaryData){UUID_SIZE, copy};
}

void fake_open(struct fake_server *server) {
    memset(server, 0, sizeof *server);
    server->arena = arena_new(0);
    server->scope_version = 1;
    server->n_streams = FAKE_STREAMS;
    for (size_t i = 0; i < FAKE_MAX_STREAMS; i++) {
        server->streams[i].id = home_id(i + 1);
        server->streams[i].in_scope = true;
    }
}

void fake_close(struct fake_server *server) {
    arena_free(&server->arena);
}

static struct fake_stream *find_stream(struct fake_server *server, ProtobufCBinaryData id) {
    for (size_t i = 0; i < server->n_streams; i++)
        if (id.len == UUID_SIZE && memcmp(server->streams[i].id.bytes, id.data, UUID_SIZE) == 0)
            return &server->streams[i];
    return NULL;
}

static struct fake_row *find_row(struct fake_stream *stream, struct uuid id, Lx__RowState state) {
    for (size_t i = 0; i < stream->n_rows; i++)
        if (stream->rows[i].state == state && uuid_equal(stream->rows[i].id, id))
            return &stream->rows[i];
    return NULL;
}

static Lx__Operation *decode(struct fake_server *server, struct view bytes) {
    ProtobufCAllocator allocator = unpack_allocator(server->arena);
    Lx__Operation *operation = lx__operation__unpack(&allocator, bytes.size, bytes.data);
    assert_non_null(operation);
    return operation;
}

// The row that an operation makes.
static void row_of(const Lx__Operation *operation, Lx__Row *out_row) {
    lx__row__init(out_row);
    out_row->fact = operation->fact;
    out_row->person = operation->person;
    out_row->membership = operation->membership;
    if (operation->fact) {
        out_row->id = operation->fact->id;
        out_row->subject = operation->fact->subject;
    } else if (operation->person) {
        out_row->id = out_row->subject = operation->person->id;
    } else {
        out_row->id = operation->membership->id;
        out_row->subject = operation->membership->person;
    }
}

void fake_put_row(struct fake_server *server, size_t index, const Lx__Row *body) {
    struct fake_stream *stream = &server->streams[index];
    struct uuid id;
    assert_int_equal(uuid_from_bytes(view_from(body->id.data, body->id.len), &id), STATUS_OK);
    struct fake_row *row = find_row(stream, id, LX__ROW_STATE__ROW_LIVE);
    if (row && body->fact)
        server->stored_twice++;
    if (!row) {
        assert_true(stream->n_rows < FAKE_ROWS);
        row = &stream->rows[stream->n_rows++];
        *row = (struct fake_row){.state = LX__ROW_STATE__ROW_LIVE, .id = id};
    }
    assert_int_equal(
        uuid_from_bytes(view_from(body->subject.data, body->subject.len), &row->subject),
        STATUS_OK);
    row->version++;
    row->seq = ++stream->head;
    assert_int_equal(unpack_pack(&body->base, server->arena, &row->body), STATUS_OK);
}

void fake_put(struct fake_server *server, size_t stream, const Lx__Operation *operation) {
    Lx__Row row;
    row_of(operation, &row);
    fake_put_row(server, stream, &row);
}

void fake_leave(struct fake_server *server, size_t index, struct uuid subject) {
    struct fake_stream *stream = &server->streams[index];
    for (size_t i = 0; i < stream->n_rows;)
        if (uuid_equal(stream->rows[i].subject, subject))
            stream->rows[i] = stream->rows[--stream->n_rows];
        else
            i++;
    stream->rows[stream->n_rows++] = (struct fake_row){
        .seq = ++stream->head, .state = LX__ROW_STATE__ROW_LEFT, .id = subject, .subject = subject};
    (void)server;
}

void fake_prune(struct fake_server *server, size_t index) {
    struct fake_stream *stream = &server->streams[index];
    for (size_t i = 0; i < stream->n_rows;) {
        if (stream->rows[i].state == LX__ROW_STATE__ROW_LIVE) {
            i++;
            continue;
        }
        if (stream->rows[i].seq > stream->floor)
            stream->floor = stream->rows[i].seq;
        stream->rows[i] = stream->rows[--stream->n_rows];
    }
}

uint64_t fake_live_count(const struct fake_stream *stream, uint64_t *out_digest) {
    uint64_t count = 0;
    *out_digest = 0;
    for (size_t i = 0; i < stream->n_rows; i++)
        if (stream->rows[i].state == LX__ROW_STATE__ROW_LIVE) {
            count++;
            *out_digest ^= digest_row(stream->rows[i].id, stream->rows[i].version);
        }
    return count;
}

// ---- scope and heads ----

static void add_grant(struct fake_server *server, Lx__ScopeReply *reply) {
    Lx__Grant *grant = take(server, 1, sizeof *grant);
    lx__grant__init(grant);
    grant->has_id = grant->has_unit = grant->has_role = grant->has_from_ms = 1;
    grant->id = id_bytes(server, server->grant->id);
    grant->unit = id_bytes(server, server->grant->unit);
    grant->role = (Lx__Role)server->grant->role;
    grant->from_ms = server->grant->from_ms;
    reply->grants = take(server, 1, sizeof *reply->grants);
    reply->grants[reply->n_grants++] = grant;
}

static const ProtobufCMessage *answer_scope(struct fake_server *server) {
    Lx__ScopeReply *reply = take(server, 1, sizeof *reply);
    lx__scope_reply__init(reply);
    reply->has_scope_version = 1;
    reply->scope_version = server->scope_version;
    reply->streams = take(server, server->n_streams, sizeof *reply->streams);
    reply->next_op_seq = take(server, server->n_streams, sizeof *reply->next_op_seq);
    for (size_t i = 0; i < server->n_streams; i++) {
        if (!server->streams[i].in_scope)
            continue;
        reply->next_op_seq[reply->n_streams] = server->streams[i].n_ops + 1;
        reply->streams[reply->n_streams++] = id_bytes(server, server->streams[i].id);
    }
    reply->n_next_op_seq = reply->n_streams;
    if (server->grant)
        add_grant(server, reply);
    return &reply->base;
}

static const ProtobufCMessage *answer_subscribe(struct fake_server *server,
                                                const Lx__SubscribeRequest *request) {
    Lx__SubscribeReply *reply = take(server, 1, sizeof *reply);
    lx__subscribe_reply__init(reply);
    reply->heads = take(server, request->n_streams, sizeof *reply->heads);
    for (size_t i = 0; i < request->n_streams; i++) {
        const struct fake_stream *stream = find_stream(server, request->streams[i]);
        Lx__StreamHead *head = take(server, 1, sizeof *head);
        lx__stream_head__init(head);
        assert_non_null(stream);
        head->has_stream = head->has_head = 1;
        head->stream = id_bytes(server, stream->id);
        head->head = stream->head;
        reply->heads[reply->n_heads++] = head;
    }
    return &reply->base;
}

// ---- push ----

static Lx__Reason *make_reason(struct fake_server *server, uint32_t number) {
    Lx__Reason *reason = take(server, 1, sizeof *reason);
    lx__reason__init(reason);
    reason->has_reason = 1;
    reason->reason = number;
    return reason;
}

static Lx__RefusedOperation *make_refused(struct fake_server *server, uint64_t op_seq) {
    Lx__RefusedOperation *refused = take(server, 1, sizeof *refused);
    lx__refused_operation__init(refused);
    refused->has_op_seq = 1;
    refused->op_seq = op_seq;
    refused->reason = make_reason(server, 211);
    return refused;
}

static void take_operation(struct fake_server *server, struct fake_stream *stream,
                           const Lx__PushGroup *group, size_t i, Lx__PushedGroup *answer) {
    uint64_t op_seq = group->first_op_seq + i;
    struct view bytes = view_from(group->operations[i].data, group->operations[i].len);
    uint8_t hash[16];
    digest_operation(bytes, hash);
    if (op_seq <= stream->n_ops) {
        if (memcmp(stream->ops[op_seq - 1].hash, hash, 16) != 0)
            server->hash_clashes++;
    } else {
        const Lx__Operation *operation = decode(server, bytes);
        assert_true(stream->n_ops < FAKE_OPS);
        struct fake_op *op = &stream->ops[stream->n_ops++];
        memcpy(op->hash, hash, 16);
        op->refused =
            operation->fact && operation->fact->item && strcmp(operation->fact->item, "bad") == 0;
        if (!op->refused)
            fake_put(server, (size_t)(stream - server->streams), operation);
    }
    if (stream->ops[op_seq - 1].refused)
        answer->refused[answer->n_refused++] = make_refused(server, op_seq);
}

static Lx__PushedGroup *answer_group(struct fake_server *server, const Lx__PushGroup *group) {
    struct fake_stream *stream = find_stream(server, group->stream);
    Lx__PushedGroup *answer = take(server, 1, sizeof *answer);
    lx__pushed_group__init(answer);
    assert_non_null(stream);
    answer->has_stream = answer->has_verdict = answer->has_op_to = answer->has_seq = 1;
    answer->stream = group->stream;
    if (stream->refuse_groups) {
        answer->verdict = LX__GROUP_VERDICT__GROUP_REFUSED;
        answer->reason = stream->reason != 0 ? make_reason(server, stream->reason) : NULL;
        return answer;
    }
    if (group->first_op_seq > stream->n_ops + 1) {
        answer->verdict = LX__GROUP_VERDICT__GROUP_GAP;
        answer->has_expected = 1;
        answer->expected = stream->n_ops + 1;
        return answer;
    }
    answer->refused = take(server, group->n_operations, sizeof *answer->refused);
    bool repeated = group->first_op_seq + group->n_operations <= stream->n_ops + 1;
    unsigned clashes = server->hash_clashes;
    for (size_t i = 0; i < group->n_operations; i++)
        take_operation(server, stream, group, i, answer);
    if (server->hash_clashes > clashes) {
        answer->verdict = LX__GROUP_VERDICT__GROUP_REFUSED;
        answer->reason = make_reason(server, REASON_DEVICE_CLONED);
        return answer;
    }
    answer->verdict = repeated ? LX__GROUP_VERDICT__GROUP_REPEATED : LX__GROUP_VERDICT__GROUP_DONE;
    answer->op_to = stream->n_ops;
    answer->seq = stream->head;
    return answer;
}

static const ProtobufCMessage *answer_push(struct fake_server *server,
                                           const Lx__PushRequest *request) {
    Lx__PushReply *reply = take(server, 1, sizeof *reply);
    lx__push_reply__init(reply);
    server->pushes++;
    reply->groups = take(server, request->n_groups, sizeof *reply->groups);
    for (size_t i = 0; i < request->n_groups; i++)
        reply->groups[reply->n_groups++] = answer_group(server, request->groups[i]);
    return &reply->base;
}

// ---- pull ----

static const ProtobufCMessage *answer_moving(struct fake_server *server) {
    Lx__Error *error = take(server, 1, sizeof *error);
    lx__error__init(error);
    error->has_code = error->has_retry_after_ms = 1;
    error->code = LX__CODE__UNAVAILABLE;
    error->retry_after_ms = 1000;
    error->reason = make_reason(server, REASON_UNIT_MOVING);
    return &error->base;
}

static int compare_rows(const void *a, const void *b) {
    uint64_t left = ((const struct fake_row *)a)->seq;
    uint64_t right = ((const struct fake_row *)b)->seq;
    return left < right ? -1 : left > right;
}

static Lx__Row *make_row(struct fake_server *server, const struct fake_row *row) {
    Lx__Row *out;
    if (row->state == LX__ROW_STATE__ROW_LIVE) {
        ProtobufCAllocator allocator = unpack_allocator(server->arena);
        out = lx__row__unpack(&allocator, row->body.size, row->body.data);
        assert_non_null(out);
    } else {
        out = take(server, 1, sizeof *out);
        lx__row__init(out);
    }
    out->has_seq = out->has_state = out->has_id = out->has_version = out->has_subject = 1;
    out->seq = row->seq;
    out->state = row->state;
    out->id = id_bytes(server, row->id);
    out->version = row->version;
    out->subject = id_bytes(server, row->subject);
    return out;
}

static const ProtobufCMessage *answer_pull(struct fake_server *server,
                                           const Lx__PullRequest *request) {
    struct fake_stream *stream = find_stream(server, request->stream);
    Lx__PullReply *reply = take(server, 1, sizeof *reply);
    lx__pull_reply__init(reply);
    server->pulls++;
    assert_non_null(stream);
    if (stream->moving)
        return answer_moving(server);
    qsort(stream->rows, stream->n_rows, sizeof stream->rows[0], compare_rows);
    reply->rows = take(server, request->limit, sizeof *reply->rows);
    reply->cursor = stream->head;
    reply->snapshot = reply->has_snapshot =
        request->cursor > 0 && request->cursor < stream->floor && request->began < stream->floor;
    uint64_t cursor = reply->snapshot ? 0 : request->cursor;
    server->snapshots += reply->snapshot ? 1u : 0u;
    for (size_t i = 0; i < stream->n_rows && !reply->more; i++) {
        if (stream->rows[i].seq <= cursor)
            continue;
        reply->more = reply->n_rows == request->limit;
        if (!reply->more)
            reply->rows[reply->n_rows++] = make_row(server, &stream->rows[i]);
    }
    if (reply->more)
        reply->cursor = reply->rows[reply->n_rows - 1]->seq;
    reply->head = stream->head;
    reply->live_count = fake_live_count(stream, &reply->digest);
    if (stream->wrong_times > 0) {
        stream->wrong_times--;
        reply->digest ^= stream->wrong_digest;
    }
    reply->has_scope_version = 1;
    reply->scope_version = server->scope_version;
    return &reply->base;
}

const ProtobufCMessage *fake_answer(struct fake_server *server, uint16_t method,
                                    const ProtobufCMessage *request) {
    switch (method) {
    case LX__METHOD__SCOPE:
        return answer_scope(server);
    case LX__METHOD__SUBSCRIBE:
        return answer_subscribe(server, (const Lx__SubscribeRequest *)request);
    case LX__METHOD__PUSH:
        return answer_push(server, (const Lx__PushRequest *)request);
    case LX__METHOD__PULL:
        return answer_pull(server, (const Lx__PullRequest *)request);
    default:
        fail_msg("method %u is not the engine's", method);
        return NULL;
    }
}
