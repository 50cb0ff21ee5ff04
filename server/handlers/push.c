// Push: the request of a login. Its groups go their way (push_run.c), then it is answered.
#include "server/handlers/push.h"

#include "server/handlers.h"
#include "server/handlers/table.h"

#define RETRY_MS 1000

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
