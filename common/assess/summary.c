// Summaries to canonical bytes and back.
#include "common/assess/summary.h"

#include "common/assess/assessment.h"
#include "common/assess/receipt.h"
#include "common/wire/unpack.h"

#define SET(message, field, number)                                                                \
    do {                                                                                           \
        (message)->has_##field = 1;                                                                \
        (message)->field = (number);                                                               \
    } while (0)

static ProtobufCBinaryData bytes_of(const struct uuid *id) {
    return (ProtobufCBinaryData){UUID_SIZE, (uint8_t *)(uintptr_t)id->bytes};
}

static enum status add_offered(const struct summary *summary, struct arena *arena,
                               Lx__Summary *message) {
    message->offered = arena_array(arena, summary->n_offered + 1, sizeof(*message->offered));
    if (message->offered == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < summary->n_offered; i++) {
        Lx__Offered *offered = arena_alloc(arena, sizeof(*offered));
        if (offered == NULL)
            return STATUS_NO_MEMORY;
        lx__offered__init(offered);
        offered->rule = summary->offered[i].rule->source->code;
        SET(offered, fact, bytes_of(&summary->offered[i].fact));
        message->offered[message->n_offered++] = offered;
    }
    return STATUS_OK;
}

enum status summary_message(const struct scheme *scheme, const struct summary *summary,
                            struct arena *arena, Lx__Summary **out_message) {
    Lx__Summary *message = arena_alloc(arena, sizeof(*message));
    if (message == NULL)
        return STATUS_NO_MEMORY;
    lx__summary__init(message);
    SET(message, kind, (Lx__SubjectKind)summary->kind);
    SET(message, subject, bytes_of(&summary->subject));
    SET(message, state, summary->state);
    SET(message, obliged, summary->obliged ? 1 : 0);
    SET(message, points, summary->points);
    if (summary->watched_s != NULL) {
        SET(message, online_s, summary->online_s);
        SET(message, school_hours, summary->school_hours);
        SET(message, credits, summary->credits);
        message->n_watched_s = scheme->source->n_groups;
        message->watched_s = (int64_t *)(uintptr_t)summary->watched_s; // only read
    }
    *out_message = message;
    return add_offered(summary, arena, message);
}

enum status summary_pack(const struct scheme *scheme, const struct summary *summary,
                         struct arena *arena, struct view *out_bytes) {
    Lx__Summary *message;
    TRY(summary_message(scheme, summary, arena, &message));
    return unpack_pack(&message->base, arena, out_bytes);
}

static enum status read_message(const struct scheme *scheme, const Lx__Summary *message,
                                struct arena *arena, struct summary *out_summary) {
    *out_summary = (struct summary){
        .kind = (enum subject_kind)message->kind,
        .state = message->state,
        .obliged = message->obliged,
        .points = message->points,
        .online_s = message->online_s,
        .school_hours = message->school_hours,
        .credits = message->credits,
    };
    if ((unsigned)message->kind >= SUBJECT_KIND_COUNT ||
        uuid_from_bytes(view_from(message->subject.data, message->subject.len),
                        &out_summary->subject) != STATUS_OK)
        return STATUS_CORRUPT;
    int64_t *watched_s = arena_array(arena, scheme->source->n_groups + 1, sizeof(*watched_s));
    struct offered *offered = arena_array(arena, message->n_offered + 1, sizeof(*offered));
    if (watched_s == NULL || offered == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < message->n_watched_s && i < scheme->source->n_groups; i++)
        watched_s[i] = message->watched_s[i];
    out_summary->watched_s = watched_s;
    out_summary->offered = offered;
    for (size_t i = 0; i < message->n_offered; i++) {
        struct offered *one = &offered[out_summary->n_offered];
        one->rule = scheme_rule(scheme, message->offered[i]->rule);
        struct view id = view_from(message->offered[i]->fact.data, message->offered[i]->fact.len);
        if (one->rule != NULL && uuid_from_bytes(id, &one->fact) == STATUS_OK)
            out_summary->n_offered++;
    }
    return STATUS_OK;
}

enum status summary_unpack(const struct scheme *scheme, struct view bytes, struct arena *arena,
                           struct summary *out_summary) {
    struct scan_fault fault;
    const ProtobufCMessage *message;
    enum status status = unpack_message(&lx__summary__descriptor, bytes, &SCAN_LIMITS_REPLY, arena,
                                        &message, &fault);
    if (status != STATUS_OK)
        return status == STATUS_NO_MEMORY ? status : STATUS_CORRUPT;
    return read_message(scheme, (const Lx__Summary *)message, arena, out_summary);
}

enum status summary_from_receipt(const struct scheme *scheme, struct view bytes,
                                 struct arena *arena, struct summary *out_summary) {
    Lx__Receipt *receipt;
    TRY(receipt_unpack(bytes, arena, &receipt));
    if (receipt->summary == NULL)
        return STATUS_CORRUPT;
    return read_message(scheme, receipt->summary, arena, out_summary);
}
