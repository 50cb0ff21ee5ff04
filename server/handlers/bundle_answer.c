// What came of a bundle: numbers for the carrier, and for the author a receipt that only he can
// read.
#include "common/wire/unpack.h"
#include "server/handlers/bundle.h"
#include "server/thread_pool.h"

#define RETRY_MS 1000

// ---- for the carrier ----

static Lx__BundleVerdict verdict_of(const Lx__PushedGroup *answer) {
    switch (answer->verdict) {
    case LX__GROUP_VERDICT__GROUP_DONE:
        return LX__BUNDLE_VERDICT__BUNDLE_TAKEN;
    case LX__GROUP_VERDICT__GROUP_REPEATED:
        return LX__BUNDLE_VERDICT__BUNDLE_REPEATED;
    case LX__GROUP_VERDICT__GROUP_GAP:
        return LX__BUNDLE_VERDICT__BUNDLE_GAP;
    case LX__GROUP_VERDICT__GROUP_REFUSED:
    case LX__GROUP_VERDICT__GROUP_UNKNOWN:
    case _LX__GROUP_VERDICT_IS_INT_SIZE:
        break;
    }
    return LX__BUNDLE_VERDICT__BUNDLE_HELD;
}

static void count_group(const struct push_group *group, Lx__BundleReply *reply) {
    Lx__BundleVerdict verdict = verdict_of(&group->answer);
    reply->operations += (uint32_t)group->n;
    if (verdict <= LX__BUNDLE_VERDICT__BUNDLE_TAKEN) {
        reply->answered += (uint32_t)group->n;
        reply->refused += (uint32_t)group->answer.n_refused;
    }
    if (verdict > reply->verdict)
        reply->verdict = verdict;
}

static void reply(struct carrying *carrying) {
    const struct push *push = carrying->push;
    Lx__BundleReply message = LX__BUNDLE_REPLY__INIT;
    message.has_verdict = message.has_operations = message.has_answered = message.has_refused =
        true;
    for (size_t i = 0; i < push->n_groups; i++)
        count_group(&push->groups[i], &message);
    message.has_received_at_ms = true;
    message.received_at_ms = request_received_at_ms(carrying->request);
    struct view receipt = buf_view(&carrying->receipt);
    message.has_receipt = receipt.size > 0;
    message.receipt = (ProtobufCBinaryData){receipt.size, (uint8_t *)receipt.data};
    carrying_reply(carrying, &message);
}

// ---- for the author ----

static Lx__ReceiptGroup *receipt_group(struct arena *arena, struct push_group *group) {
    Lx__ReceiptGroup *message = arena_alloc(arena, sizeof(*message));
    if (message == NULL)
        return NULL;
    lx__receipt_group__init(message);
    message->has_op_from = message->has_op_last = true;
    message->op_from = group->first_op_seq;
    message->op_last = group->first_op_seq + group->n - 1;
    message->answer = &group->answer;
    return message;
}

static enum status pack_receipt(struct carrying *carrying) {
    struct arena *arena = request_arena(carrying->request);
    const Lx__Bundle *bundle = carrying->bundle;
    Lx__BundleReceipt receipt = LX__BUNDLE_RECEIPT__INIT;
    receipt.groups = arena_array(arena, carrying->push->n_groups, sizeof(Lx__ReceiptGroup *));
    if (receipt.groups == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < carrying->push->n_groups; i++) {
        receipt.groups[i] = receipt_group(arena, &carrying->push->groups[i]);
        if (receipt.groups[i] == NULL)
            return STATUS_NO_MEMORY;
        receipt.n_groups++;
    }
    receipt.has_version = receipt.has_id = receipt.has_part = receipt.has_parts = true;
    receipt.version = BUNDLE_FILE_VERSION;
    receipt.id = bundle->id;
    receipt.part = bundle->part;
    receipt.parts = bundle->parts;
    receipt.has_deployment = receipt.has_device = receipt.has_received_at_ms = true;
    receipt.deployment = bundle->deployment;
    receipt.device = bundle->device;
    receipt.received_at_ms = request_received_at_ms(carrying->request);
    return unpack_pack(&receipt.base, arena, &carrying->receipt_content);
}

// On a thread.
static void seal_receipt(void *user) {
    struct carrying *carrying = user;
    carrying->sealed = bundle_seal_receipt(carrying->keys, carrying->bundle->receipt_key.data,
                                           carrying->receipt_content, &carrying->sealed_receipt);
}

// Without its receipt the answer would be taken for the whole: the carrier sends it again, and all
// of it is repeated.
static void on_sealed(void *user) {
    struct carrying *carrying = user;
    struct bundle_head head = carrying->part.head;
    head.kind = BUNDLE_KIND_RECEIPT;
    if (carrying->sealed == STATUS_OK &&
        bundle_file_append(&head, buf_view(&carrying->sealed_receipt), &carrying->receipt) ==
            STATUS_OK)
        reply(carrying);
    else
        carrying_fail_later(carrying, REASON_BUSY, RETRY_MS);
}

void carrying_answer(struct push *push) {
    struct carrying *carrying = push->user;
    if (push->failure != REASON_NONE)
        carrying_fail_later(carrying, push->failure, push->retry_after_ms);
    else if (!carrying->wants_receipt)
        reply(carrying);
    else if (pack_receipt(carrying) != STATUS_OK ||
             thread_pool_submit(push->worker->threads, seal_receipt, on_sealed, carrying) !=
                 STATUS_OK)
        carrying_fail_later(carrying, REASON_BUSY, RETRY_MS);
}
