// Push: the request of a login. Its groups go their way (push_run.c), then it is answered.
#include "server/handlers/push.h"

#include "server/handlers.h"
#include "server/handlers/table.h"
#include "server/worker.h"

#define RETRY_MS 1000

static bool is_stored(const struct push_group *group) {
    return group->answer.verdict == LX__GROUP_VERDICT__GROUP_DONE ||
           group->answer.verdict == LX__GROUP_VERDICT__GROUP_REPEATED;
}

static bool has_head(const Lx__PushReply *reply, int32_t district) {
    for (size_t i = 0; i < reply->n_heads; i++)
        if (reply->heads[i]->district == (uint32_t)district)
            return true;
    return false;
}

// The audit chain's heads of the districts that were written to, as witnesses. Of a refused group
// nothing is said, not even where its stream lies.
static void add_heads(const struct push *push, struct arena *arena, Lx__PushReply *reply) {
    const struct handlers *handlers = push->worker->handlers;
    reply->heads = arena_array(arena, push->n_groups, sizeof(Lx__SealHead *));
    for (size_t i = 0; reply->heads != NULL && i < push->n_groups; i++) {
        const struct push_group *group = &push->groups[i];
        const struct unit_row *unit =
            is_stored(group) ? units_find(handlers->units, group->stream) : NULL;
        if (unit == NULL || has_head(reply, unit->district))
            continue;
        Lx__SealHead *head = seal_heads_find(handlers->seal_heads, unit->district, arena);
        if (head != NULL)
            reply->heads[reply->n_heads++] = head;
    }
}

static void answer(struct push *push) {
    struct request *request = push->request;
    Lx__PushReply reply = LX__PUSH_REPLY__INIT;
    reply.groups = arena_array(request_arena(request), push->n_groups, sizeof(Lx__PushedGroup *));
    if (push->failure != REASON_NONE) {
        request_fail_later(request, push->failure, push->retry_after_ms);
        return;
    }
    if (reply.groups == NULL) {
        request_fail_later(request, REASON_BUSY, RETRY_MS);
        return;
    }
    for (size_t i = 0; i < push->n_groups; i++)
        reply.groups[reply.n_groups++] = &push->groups[i].answer;
    add_heads(push, request_arena(request), &reply);
    reply.has_received_at_ms = true;
    reply.received_at_ms = request_received_at_ms(request);
    request_reply(request, &reply.base);
}

void handle_push(struct request *request) {
    const Lx__PushRequest *message = request_message(request);
    const Lx__Reason *reason = NULL;
    struct push *push = push_read(request, message->n_groups, message->groups, &reason);
    if (push == NULL) {
        if (reason != NULL)
            request_fail_reason(request, reason);
        else
            request_fail(request, REASON_MESSAGE_TOO_LARGE, NULL, NULL);
        return;
    }
    if (!handlers_ready(request_worker(request))) {
        // judging without schemes refuses for good
        request_fail_later(request, REASON_BUSY, RETRY_MS);
        return;
    }
    struct scope *scope = session_hold_scope(request);
    const struct push_sender sender = {
        .device = request_context(request)->device,
        .scope = scope,
        .checks_off = session_of(request)->checks_off,
    };
    push_start(push, &sender, answer, NULL);
    scope_drop(&scope);
}
