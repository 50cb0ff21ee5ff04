// Carrying bundles, reading receipts, looking at files. See bundle.h; bundle_write.c writes.
#include "client/core/bundle.h"

#include <string.h>

#include "client/core/bundle_internal.h"
#include "client/store/outbox_bundle.h"
#include "common/base/clock.h"
#include "common/net/bundle.h"
#include "common/wire/unpack.h"
#include "proto/bundle.pb-c.h"

// ---- carrying ----

static void count_part(const Lx__BundleReply *reply, struct bundle_carried *carried) {
    carried->parts++;
    carried->parts_repeated += reply->verdict == LX__BUNDLE_VERDICT__BUNDLE_REPEATED;
    carried->parts_gap += reply->verdict == LX__BUNDLE_VERDICT__BUNDLE_GAP;
    carried->parts_held += reply->verdict == LX__BUNDLE_VERDICT__BUNDLE_HELD;
    carried->operations += reply->operations;
    carried->answered += reply->answered;
    carried->refused += reply->refused;
}

static enum client_result carry_part(struct client *client, struct view part, struct buf *receipt,
                                     struct bundle_carried *carried) {
    Lx__BundleRequest request = LX__BUNDLE_REQUEST__INIT;
    const ProtobufCMessage *answer = NULL;
    request.has_part = request.has_receipt = 1;
    request.part = (ProtobufCBinaryData){part.size, (uint8_t *)part.data}; // only read
    request.receipt = receipt != NULL;
    enum client_result result = client_ask(client, LX__METHOD__BUNDLE, &request.base, &answer);
    if (result != CLIENT_OK)
        return result;
    const Lx__BundleReply *reply = (const Lx__BundleReply *)answer;
    count_part(reply, carried);
    if (receipt && buf_append(receipt, reply->receipt.data, reply->receipt.len) != STATUS_OK)
        return client_fail_store(client, STATUS_NO_MEMORY);
    return CLIENT_OK;
}

enum client_result client_bundle_carry(struct client *client, const char *path,
                                       const char *receipt_path,
                                       struct bundle_carried *out_carried) {
    struct view rest;
    struct bundle_head head;
    struct bundle_part part;
    struct buf receipt = {0};
    *out_carried = (struct bundle_carried){0};
    enum client_result result = bundle_read(client, path, &rest, &head);
    if (result == CLIENT_OK)
        result = bundle_check_kind(client, &head, BUNDLE_KIND_BUNDLE);
    while (result == CLIENT_OK && rest.size > 0) {
        enum reason_id reason = bundle_file_take(&rest, &part);
        result = reason != REASON_NONE
                     ? bundle_refuse(client, reason, &part.head, rest.size)
                     : carry_part(client, part.whole, receipt_path ? &receipt : NULL, out_carried);
    }
    if (result == CLIENT_OK && receipt_path)
        result = bundle_write_new(client, receipt_path, buf_view(&receipt));
    buf_free(&receipt);
    return result;
}

// ---- a receipt ----

struct reading {
    struct client *client;
    struct store_bundle bundle;
    struct view ca;
    uint8_t deployment[BUNDLE_DEPLOYMENT_SIZE];
    struct bundle_receipt *told;
};

static enum status settle(struct reading *reading, const Lx__ReceiptGroup *group) {
    struct store *store = reading->client->store;
    struct outbox_counts before, after;
    Lx__PushedGroup answer = *group->answer;
    if (answer.op_to > group->op_last) // the server may have more by now: that is not spoken of
        answer.op_to = group->op_last;
    TRY(store_outbox_counts(store, &before));
    TRY(store_outbox_settle(store, &answer, group->op_from, clock_now_ms()));
    TRY(store_outbox_counts(store, &after));
    reading->told->stored += after.acked - before.acked;
    reading->told->refused += after.refused - before.refused;
    return STATUS_OK;
}

static enum status take_group(struct reading *reading, const Lx__ReceiptGroup *group,
                              struct uuid stream) {
    uint64_t operations = group->op_last - group->op_from + 1;
    switch (group->answer->verdict) {
    case LX__GROUP_VERDICT__GROUP_DONE:
    case LX__GROUP_VERDICT__GROUP_REPEATED:
        return settle(reading, group);
    case LX__GROUP_VERDICT__GROUP_REFUSED:
        reading->told->held += operations;
        return store_outbox_hold(reading->client->store, stream, group->answer->reason);
    case LX__GROUP_VERDICT__GROUP_GAP:
    case LX__GROUP_VERDICT__GROUP_UNKNOWN:
    case _LX__GROUP_VERDICT_IS_INT_SIZE:
        break;
    }
    reading->told->missing += operations;
    return STATUS_OK;
}

// From before the server was restored, as far as this home knows: what it says may be lost.
static enum status is_of_lost_history(struct store *store, const Lx__BundleReceipt *receipt,
                                      bool *out_lost) {
    int64_t since_ms;
    TRY(store_config_get_int(store, STORE_CONFIG_EPOCH_SINCE, INT64_MIN, &since_ms));
    *out_lost = receipt->received_at_ms < since_ms;
    return STATUS_OK;
}

// STATUS_INVALID: the receipt speaks of what the bundle does not have.
static enum status take_receipt(struct reading *reading, const struct bundle_head *head,
                                const Lx__BundleReceipt *receipt) {
    struct store *store = reading->client->store;
    bool lost;
    TRY(is_of_lost_history(store, receipt, &lost));
    for (size_t i = 0; i < receipt->n_groups; i++) {
        const Lx__ReceiptGroup *group = receipt->groups[i];
        const uint64_t range[2] = {group->op_from, group->op_last};
        struct uuid stream;
        if (!group->answer ||
            uuid_from_bytes(view_from(group->answer->stream.data, group->answer->stream.len),
                            &stream) != STATUS_OK)
            return STATUS_INVALID;
        enum status status = store_bundle_has_group(store, head->id, head->part, stream, range);
        if (status == STATUS_OK && lost)
            reading->told->missing += group->op_last - group->op_from + 1;
        else if (status == STATUS_OK)
            status = take_group(reading, group, stream);
        if (status != STATUS_OK)
            return status == STATUS_NOT_FOUND ? STATUS_INVALID : status;
    }
    return STATUS_OK;
}

static bool fits_head(const struct reading *reading, const struct bundle_head *head,
                      const Lx__BundleReceipt *receipt) {
    return receipt->version == BUNDLE_FILE_VERSION && receipt->id.len == UUID_SIZE &&
           memcmp(receipt->id.data, head->id.bytes, UUID_SIZE) == 0 &&
           receipt->part == head->part && receipt->parts == head->parts &&
           receipt->deployment.len == BUNDLE_DEPLOYMENT_SIZE &&
           memcmp(receipt->deployment.data, reading->deployment, BUNDLE_DEPLOYMENT_SIZE) == 0;
}

static enum client_result read_part(struct reading *reading, const struct bundle_part *part) {
    struct client *client = reading->client;
    struct buf content = {0};
    struct scan_fault fault;
    const ProtobufCMessage *message = NULL;
    enum reason_id reason =
        bundle_open_receipt(reading->ca, reading->bundle.receipt_key, part->container, &content);
    if (reason == REASON_NONE &&
        unpack_message(&lx__bundle_receipt__descriptor, buf_view(&content), &SCAN_LIMITS_REPLY,
                       client->arena, &message, &fault) != STATUS_OK)
        reason = REASON_BUNDLE_CONTENT;
    buf_free(&content); // the message lies in the arena
    if (reason == REASON_NONE &&
        !fits_head(reading, &part->head, (const Lx__BundleReceipt *)message))
        reason = REASON_BUNDLE_CHANGED;
    if (reason != REASON_NONE)
        return bundle_refuse(client, reason, &part->head, 0);
    enum status status = take_receipt(reading, &part->head, (const Lx__BundleReceipt *)message);
    if (status == STATUS_INVALID)
        return bundle_refuse(client, REASON_BUNDLE_CONTENT, &part->head, 0);
    return status == STATUS_OK ? CLIENT_OK : client_fail_store(client, status);
}

// One transaction: a receipt is taken whole or not at all.
static enum client_result read_parts(struct reading *reading, struct view rest) {
    struct client *client = reading->client;
    struct bundle_part part;
    enum client_result result = CLIENT_OK;
    enum status status = store_begin(client->store);
    if (status != STATUS_OK)
        return client_fail_store(client, status);
    while (result == CLIENT_OK && rest.size > 0)
        result = bundle_file_take(&rest, &part) == REASON_NONE
                     ? read_part(reading, &part)
                     : bundle_refuse(client, REASON_BUNDLE_CHANGED, &part.head, 0);
    if (result != CLIENT_OK) {
        store_rollback(client->store);
        return result;
    }
    status = store_commit(client->store);
    return status == STATUS_OK ? CLIENT_OK : client_fail_store(client, status);
}

enum client_result client_bundle_receipt(struct client *client, const char *path,
                                         struct bundle_receipt *out_receipt) {
    struct reading reading = {.client = client, .told = out_receipt};
    struct view file;
    struct bundle_head head;
    *out_receipt = (struct bundle_receipt){0};
    enum client_result result = bundle_read(client, path, &file, &head);
    if (result == CLIENT_OK)
        result = bundle_check_kind(client, &head, BUNDLE_KIND_RECEIPT);
    if (result == CLIENT_OK)
        result = bundle_own_deployment(client, reading.deployment);
    if (result != CLIENT_OK)
        return result;
    enum status status = store_bundle_get(client->store, head.id, &reading.bundle);
    if (status == STATUS_NOT_FOUND)
        return bundle_refuse(client, REASON_RECEIPT_UNKNOWN, &head, 0);
    if (status == STATUS_OK)
        status = store_file_read(client->store, STORE_FILE_CA, client->arena, &reading.ca);
    return status == STATUS_OK ? read_parts(&reading, file) : client_fail_store(client, status);
}

// ---- looking ----

enum client_result client_bundle_show(struct client *client, const char *path,
                                      struct bundle_info *out_info) {
    struct view file;
    struct store_bundle bundle;
    uint8_t deployment[BUNDLE_DEPLOYMENT_SIZE];
    *out_info = (struct bundle_info){0};
    enum client_result result = bundle_read(client, path, &file, &out_info->head);
    if (result != CLIENT_OK)
        return result;
    out_info->bytes = file.size;
    out_info->ours = bundle_own_deployment(client, deployment) == CLIENT_OK &&
                     memcmp(deployment, out_info->head.deployment, sizeof deployment) == 0;
    enum status status = store_bundle_get(client->store, out_info->head.id, &bundle);
    if (status == STATUS_NOT_FOUND)
        return CLIENT_OK;
    if (status != STATUS_OK)
        return client_fail_store(client, status);
    out_info->mine = true;
    out_info->created_ms = bundle.created_ms;
    out_info->operations = bundle.operations;
    out_info->waiting = bundle.waiting;
    return CLIENT_OK;
}
