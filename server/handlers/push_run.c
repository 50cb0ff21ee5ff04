// The groups of a push: reads them, starts each on its way, and says when all have their verdict.
#include <string.h>

#include "common/wire/unpack.h"
#include "server/handlers/push.h"

// ---- reading ----

static const char *field_of(struct push *push, size_t group, const char *rest) {
    const char *field = arena_format(request_arena(push->request), "groups[%zu].%s", group, rest);
    return field != NULL ? field : "groups";
}

// An operation that is no message: the request changes nothing.
static const Lx__Reason *refuse_operation(struct push *push, size_t group, size_t operation,
                                          const struct scan_fault *fault) {
    struct arena *arena = request_arena(push->request);
    const char *field = arena_format(arena, "groups[%zu].operations[%zu]%s%s", group, operation,
                                     fault->field[0] != '\0' ? "." : "", fault->field);
    const struct reason_info *info = reason_find((uint32_t)fault->reason);
    const char *value = fault->value;
    size_t n_values = info != NULL && info->parameters[0] != '\0' ? 1 : 0;
    return reason_new_v(arena, fault->reason, field, &value, n_values);
}

// STATUS_INVALID: *out_reason says why.
static enum status read_operations(struct push_group *group, const Lx__PushGroup *message,
                                   const Lx__Reason **out_reason) {
    struct push *push = group->push;
    struct arena *arena = request_arena(push->request);
    group->scope_version = UINT64_MAX;
    for (size_t i = 0; i < group->n; i++) {
        struct view bytes = view_from(message->operations[i].data, message->operations[i].len);
        const ProtobufCMessage *unpacked = NULL;
        struct scan_fault fault = {0};
        if (unpack_message(&lx__operation__descriptor, bytes, &SCAN_LIMITS_REQUEST, arena,
                           &unpacked, &fault) != STATUS_OK) {
            *out_reason = refuse_operation(push, group->index, i, &fault);
            return STATUS_INVALID;
        }
        group->operations[i] = (Lx__Operation *)unpacked;
        digest_operation(bytes, group->hashes[i]);
        if (group->operations[i]->scope_version < group->scope_version)
            group->scope_version = group->operations[i]->scope_version;
    }
    return STATUS_OK;
}

// Two groups of one stream would be judged side by side, though one follows the other.
static bool is_stream_taken(const struct push_group *group) {
    for (size_t i = 0; i < group->index; i++)
        if (uuid_equal(group->push->groups[i].stream, group->stream))
            return true;
    return false;
}

static enum status check_head(struct push_group *group, const Lx__PushGroup *message,
                              const Lx__Reason **out_reason) {
    enum reason_id reason;
    const char *field;
    if (!message->has_stream ||
        uuid_from_bytes(view_from(message->stream.data, message->stream.len), &group->stream) !=
            STATUS_OK)
        reason = REASON_ID_MALFORMED, field = "stream";
    else if (is_stream_taken(group))
        reason = REASON_FIELD_REPEATED, field = "stream";
    else if (message->first_op_seq == 0 || message->first_op_seq > INT64_MAX - PUSH_MAX_OPERATIONS)
        reason = REASON_FIELD_INVALID, field = "first_op_seq";
    else if (message->n_operations == 0)
        reason = REASON_FIELD_MISSING, field = "operations";
    else
        return STATUS_OK;
    *out_reason = reason_new(request_arena(group->push->request), reason,
                             field_of(group->push, group->index, field), NULL);
    return STATUS_INVALID;
}

static enum status read_group(struct push_group *group, const Lx__PushGroup *message,
                              const Lx__Reason **out_reason) {
    struct arena *arena = request_arena(group->push->request);
    lx__pushed_group__init(&group->answer);
    TRY(check_head(group, message, out_reason));
    group->first_op_seq = message->first_op_seq;
    group->n = message->n_operations;
    group->part = (struct push_part){0, group->n};
    group->operations = arena_array(arena, group->n, sizeof(*group->operations));
    group->hashes = arena_array(arena, group->n, sizeof(*group->hashes));
    if (group->operations == NULL || group->hashes == NULL)
        return STATUS_NO_MEMORY;
    return read_operations(group, message, out_reason);
}

static enum status check_size(struct arena *arena, size_t n, Lx__PushGroup **messages,
                              const Lx__Reason **out_reason) {
    size_t operations = 0;
    for (size_t i = 0; i < n; i++)
        operations += messages[i]->n_operations;
    if (n == 0)
        *out_reason = reason_new(arena, REASON_FIELD_MISSING, "groups", NULL);
    else if (n > PUSH_MAX_GROUPS || operations > PUSH_MAX_OPERATIONS)
        *out_reason = reason_new(arena, REASON_TOO_MANY, "groups", "500", NULL);
    else
        return STATUS_OK;
    return STATUS_INVALID;
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

static bool is_stored(const struct push_group *group) {
    return group->answer.verdict == LX__GROUP_VERDICT__GROUP_DONE ||
           group->answer.verdict == LX__GROUP_VERDICT__GROUP_REPEATED;
}

// Names a fact of another group, of one that is not stored (yet).
static bool depends_on_another(const struct push *push, const struct push_group *group) {
    for (size_t i = 0; i < group->n; i++) {
        const Lx__Fact *fact = group->operations[i]->fact;
        if (fact == NULL || !fact->has_of || brings_fact(group, fact->of))
            continue;
        for (size_t other = 0; other < push->n_groups; other++)
            if (other != group->index && !is_stored(&push->groups[other]) &&
                brings_fact(&push->groups[other], fact->of))
                return true;
    }
    return false;
}

// ---- one after the other ----

static struct push_group *take_dependent(struct push *push) {
    while (push->next_dependent < push->n_groups) {
        struct push_group *group = &push->groups[push->next_dependent++];
        if (group->depends)
            return group;
    }
    return NULL;
}

// Groups that name facts of other groups go one by one, when all others are answered. Where those
// were not stored, judging would refuse for good what is only too early.
static void one_less(struct push *push) {
    push->unanswered--;
    if (push->unanswered > 0)
        return;
    struct push_group *group = push->failure == REASON_NONE ? take_dependent(push) : NULL;
    if (group == NULL) {
        scope_drop(&push->sender.scope);
        push->done(push);
        return;
    }
    push->unanswered = 1;
    if (depends_on_another(push, group))
        push_group_refuse(group, REASON_GROUP_TOO_EARLY);
    else
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

// ---- the beginning ----

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

struct push *push_read(struct request *request, size_t n, Lx__PushGroup **messages,
                       const Lx__Reason **out_reason) {
    *out_reason = NULL;
    if (check_size(request_arena(request), n, messages, out_reason) != STATUS_OK)
        return NULL;
    struct push *push = push_new(request, n);
    for (size_t i = 0; push != NULL && i < n; i++) {
        push->groups[i].push = push;
        push->groups[i].index = i;
        if (read_group(&push->groups[i], messages[i], out_reason) != STATUS_OK)
            return NULL;
    }
    return push;
}

void push_start(struct push *push, const struct push_sender *sender, push_done_fn done,
                void *user) {
    push->sender = *sender;
    push->sender.scope = scope_hold(sender->scope);
    push->done = done;
    push->user = user;
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
