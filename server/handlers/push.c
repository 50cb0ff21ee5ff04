// Push: the request. Reads the groups, starts each on its way, answers when all have their verdict.
#include "server/handlers/push.h"

#include <string.h>

#include "common/base/log.h"
#include "common/wire/unpack.h"
#include "server/handlers.h"
#include "server/handlers/table.h"

#define RETRY_MS 1000

// ---- reading ----

static const char *field_of(struct push *push, size_t group, const char *rest) {
    const char *field = arena_format(request_arena(push->request), "groups[%zu].%s", group, rest);
    return field != NULL ? field : "groups";
}

// An operation that is no message: the request changes nothing.
static void refuse_operation(struct push *push, size_t group, size_t operation,
                             const struct scan_fault *fault) {
    struct arena *arena = request_arena(push->request);
    const char *field = arena_format(arena, "groups[%zu].operations[%zu]%s%s", group, operation,
                                     fault->field[0] != '\0' ? "." : "", fault->field);
    const struct reason_info *info = reason_find((uint32_t)fault->reason);
    const char *value = fault->value;
    size_t n_values = info != NULL && info->parameters[0] != '\0' ? 1 : 0;
    const Lx__Reason *reason = reason_new_v(arena, fault->reason, field, &value, n_values);
    if (reason != NULL)
        request_fail_reason(push->request, reason);
    else
        request_fail(push->request, REASON_MESSAGE_TOO_LARGE, NULL, NULL);
}

// false: the request is answered.
static bool read_operations(struct push_group *group, const Lx__PushGroup *message) {
    struct push *push = group->push;
    struct arena *arena = request_arena(push->request);
    group->scope_version = UINT64_MAX;
    for (size_t i = 0; i < group->n; i++) {
        struct view bytes = view_from(message->operations[i].data, message->operations[i].len);
        const ProtobufCMessage *unpacked = NULL;
        struct scan_fault fault = {0};
        if (unpack_message(&lx__operation__descriptor, bytes, &SCAN_LIMITS_REQUEST, arena,
                           &unpacked, &fault) != STATUS_OK) {
            refuse_operation(push, group->index, i, &fault);
            return false;
        }
        group->operations[i] = (Lx__Operation *)unpacked;
        digest_operation(bytes, group->hashes[i]);
        if (group->operations[i]->scope_version < group->scope_version)
            group->scope_version = group->operations[i]->scope_version;
    }
    return true;
}

static bool check_head(struct push_group *group, const Lx__PushGroup *message) {
    struct push *push = group->push;
    size_t i = group->index;
    if (!message->has_stream ||
        uuid_from_bytes(view_from(message->stream.data, message->stream.len), &group->stream) !=
            STATUS_OK)
        request_fail(push->request, REASON_ID_MALFORMED, field_of(push, i, "stream"), NULL);
    else if (message->first_op_seq == 0 || message->first_op_seq > INT64_MAX - PUSH_MAX_OPERATIONS)
        request_fail(push->request, REASON_FIELD_INVALID, field_of(push, i, "first_op_seq"), NULL);
    else if (message->n_operations == 0)
        request_fail(push->request, REASON_FIELD_MISSING, field_of(push, i, "operations"), NULL);
    else
        return true;
    return false;
}

static bool read_group(struct push_group *group, const Lx__PushGroup *message) {
    struct arena *arena = request_arena(group->push->request);
    lx__pushed_group__init(&group->answer);
    if (!check_head(group, message))
        return false;
    group->first_op_seq = message->first_op_seq;
    group->n = message->n_operations;
    group->part = (struct push_part){0, group->n};
    group->operations = arena_array(arena, group->n, sizeof(*group->operations));
    group->hashes = arena_array(arena, group->n, sizeof(*group->hashes));
    if (group->operations == NULL || group->hashes == NULL) {
        request_fail(group->push->request, REASON_MESSAGE_TOO_LARGE, NULL, NULL);
        return false;
    }
    return read_operations(group, message);
}

static bool check_size(struct request *request, const Lx__PushRequest *message) {
    size_t operations = 0;
    for (size_t i = 0; i < message->n_groups; i++)
        operations += message->groups[i]->n_operations;
    if (message->n_groups == 0)
        request_fail(request, REASON_FIELD_MISSING, "groups", NULL);
    else if (message->n_groups > PUSH_MAX_GROUPS || operations > PUSH_MAX_OPERATIONS)
        request_fail(request, REASON_TOO_MANY, "groups", "500", NULL);
    else
        return true;
    return false;
}

// ---- which group must wait for which ----

static bool brings_fact(const struct push_group *group, ProtobufCBinaryData id) {
    for (size_t i = 0; i < group->n; i++) {
        const Lx__Fact *fact = group->operations[i]->fact;
        if (fact != NULL && push_same_id(fact->id, id))
            return true;
    }
    return false;
}

static bool depends_on_another(const struct push *push, const struct push_group *group) {
    for (size_t i = 0; i < group->n; i++) {
        const Lx__Fact *fact = group->operations[i]->fact;
        if (fact == NULL || !fact->has_of || brings_fact(group, fact->of))
            continue;
        for (size_t other = 0; other < push->n_groups; other++)
            if (other != group->index && brings_fact(&push->groups[other], fact->of))
                return true;
    }
    return false;
}

// ---- answering ----

static void answer(struct push *push) {
    struct arena *arena = request_arena(push->request);
    Lx__PushReply reply = LX__PUSH_REPLY__INIT;
    scope_drop(&push->scope);
    reply.groups = arena_array(arena, push->n_groups, sizeof(Lx__PushedGroup *));
    if (push->failure != REASON_NONE) {
        request_fail_later(push->request, push->failure, push->retry_after_ms);
        return;
    }
    if (reply.groups == NULL) {
        request_fail_later(push->request, REASON_BUSY, RETRY_MS);
        return;
    }
    for (size_t i = 0; i < push->n_groups; i++)
        reply.groups[reply.n_groups++] = &push->groups[i].answer;
    reply.has_received_at_ms = true;
    reply.received_at_ms = request_received_at_ms(push->request);
    request_reply(push->request, &reply.base);
}

static struct push_group *take_dependent(struct push *push) {
    while (push->next_dependent < push->n_groups) {
        struct push_group *group = &push->groups[push->next_dependent++];
        if (group->depends)
            return group;
    }
    return NULL;
}

// Groups that name facts of other groups go one by one, when all others are stored.
static void one_less(struct push *push) {
    push->unanswered--;
    if (push->unanswered > 0)
        return;
    struct push_group *group = push->failure == REASON_NONE ? take_dependent(push) : NULL;
    if (group == NULL) {
        answer(push);
        return;
    }
    push->unanswered = 1;
    push_group_start(group);
}

void push_group_answered(struct push_group *group) {
    group->state = PUSH_GROUP_ANSWERED;
    group->answer.has_stream = true;
    group->answer.stream = (ProtobufCBinaryData){UUID_SIZE, group->stream.bytes};
    one_less(group->push);
}

void push_fail(struct push *push, enum reason_id reason, uint32_t retry_after_ms) {
    push->failure = reason;
    push->retry_after_ms = retry_after_ms;
}

// ---- the handler ----

static struct push *push_new(struct request *request, size_t n_groups) {
    struct arena *arena = request_arena(request);
    struct push *push = arena_alloc(arena, sizeof(*push));
    if (push == NULL)
        return NULL;
    *push = (struct push){.request = request, .worker = request_worker(request)};
    push->groups = arena_array(arena, n_groups, sizeof(*push->groups));
    push->n_groups = n_groups;
    return push->groups != NULL ? push : NULL;
}

static void start(struct push *push) {
    push->scope = session_hold_scope(push->request);
    push->checks_off = session_of(push->request)->checks_off;
    push->unanswered = 1;
    for (size_t i = 0; i < push->n_groups; i++) {
        push->groups[i].depends = depends_on_another(push, &push->groups[i]);
        push->unanswered += push->groups[i].depends ? 0 : 1;
    }
    for (size_t i = 0; i < push->n_groups; i++)
        if (!push->groups[i].depends)
            push_group_start(&push->groups[i]);
    one_less(push);
}

void handle_push(struct request *request) {
    const Lx__PushRequest *message = request_message(request);
    if (!check_size(request, message))
        return;
    if (!handlers_ready(request_worker(request))) {
        request_fail_later(request, REASON_BUSY,
                           RETRY_MS); // judging without schemes refuses for good
        return;
    }
    struct push *push = push_new(request, message->n_groups);
    if (push == NULL) {
        request_fail(request, REASON_MESSAGE_TOO_LARGE, NULL, NULL);
        return;
    }
    for (size_t i = 0; i < push->n_groups; i++) {
        push->groups[i].push = push;
        push->groups[i].index = i;
        if (!read_group(&push->groups[i], message->groups[i]))
            return;
    }
    start(push);
}
