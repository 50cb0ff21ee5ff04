// One part of a bundle while it is under way: shared by bundle.c (may it come in, and its groups on
// their way) and bundle_answer.c (what the carrier is told, and the receipt).
#pragma once

#include "common/net/bundle.h"
#include "common/wire/bundle_file.h"
#include "proto/bundle.pb-c.h"
#include "server/handlers/push.h"
#include "server/request.h"

struct carrying {
    struct request *request;  // borrows; in its arena
    struct bundle_keys *keys; // holds: a reload must not take them away
    struct bundle_part part;  // as it came
    bool wants_receipt;
    // made on a thread; what a thread does not get to stays as it is
    enum reason_id reason;
    uint8_t device[CA_DEVICE_SIZE]; // whose signature it has
    struct buf content;             // owns; what `bundle` was read from
    enum status sealed;
    struct buf sealed_receipt; // owns; its container
    struct buf receipt;        // owns; one part of a file

    const Lx__Bundle *bundle;
    struct uuid author;
    struct push *push;
    struct view receipt_content; // packed
};

// bundle.c: gives back what is held, and answers.
void carrying_reply(struct carrying *carrying, const Lx__BundleReply *reply);
void carrying_fail(struct carrying *carrying, enum reason_id reason);
void carrying_fail_later(struct carrying *carrying, enum reason_id reason, uint32_t retry_after_ms);

// bundle_answer.c: the groups have their verdicts (a push_done_fn; user: the carrying).
void carrying_answer(struct push *push);
