// Facts between messages and plain structs.
#include "common/assess/fact.h"

#include <string.h>

static enum status read_id(ProtobufCBinaryData bytes, struct uuid *out_id) {
    return uuid_from_bytes(view_from(bytes.data, bytes.len), out_id);
}

enum status fact_from_message(const Lx__Fact *message, struct fact *out_fact) {
    *out_fact = (struct fact){0};
    if (!message->has_kind || !message->has_id || !message->has_subject)
        return STATUS_INVALID;
    TRY(read_id(message->id, &out_fact->id));
    TRY(read_id(message->subject, &out_fact->subject));
    if (message->has_of)
        TRY(read_id(message->of, &out_fact->of));
    out_fact->programme = message->programme;
    out_fact->kind = message->kind;
    out_fact->item = message->item != NULL ? message->item : "";
    out_fact->form = message->form != NULL ? message->form : "";
    out_fact->occurred_at_ms = message->occurred_at_ms;
    out_fact->until_ms = message->until_ms;
    out_fact->quantity = message->quantity;
    return STATUS_OK;
}

void fact_to_message(struct fact *fact, Lx__Fact *out_message) {
    lx__fact__init(out_message);
    out_message->has_id = out_message->has_subject = out_message->has_kind = 1;
    out_message->id = (ProtobufCBinaryData){UUID_SIZE, fact->id.bytes};
    out_message->subject = (ProtobufCBinaryData){UUID_SIZE, fact->subject.bytes};
    out_message->kind = fact->kind;
    out_message->has_programme = fact->programme != 0;
    out_message->programme = fact->programme;
    out_message->item = fact->item[0] != '\0' ? (char *)(uintptr_t)fact->item : NULL;
    out_message->form = fact->form[0] != '\0' ? (char *)(uintptr_t)fact->form : NULL;
    out_message->has_occurred_at_ms = 1;
    out_message->occurred_at_ms = fact->occurred_at_ms;
    out_message->has_until_ms = fact->until_ms != 0;
    out_message->until_ms = fact->until_ms;
    out_message->has_quantity = fact->quantity != 0;
    out_message->quantity = fact->quantity;
    out_message->has_of = !uuid_is_nil(fact->of);
    out_message->of = (ProtobufCBinaryData){UUID_SIZE, fact->of.bytes};
}
