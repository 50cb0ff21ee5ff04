// What was typed, sent and answered, kept outside of all programs: operations by device, stream and
// key. The network tells; the oracle asks at the end.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/store/db.h"
#include "client/store/outbox.h"
#include "common/wire/digest.h"
#include "common/wire/frame.h"
#include "common/wire/reason.h"
#include "common/wire/unpack.h"
#include "proto/bundle.pb-c.h"
#include "tests/sim/history.h"
#include "tests/sim/world.h"

#define LIST(type, name)                                                                           \
    static struct type *name;                                                                      \
    static size_t n_##name, capacity_##name;                                                       \
    static struct type *add_##name(void) {                                                         \
        if (n_##name == capacity_##name) {                                                         \
            capacity_##name = capacity_##name * 2 + 64;                                            \
            name = realloc(name, capacity_##name * sizeof *name);                                  \
            if (name == NULL)                                                                      \
                abort();                                                                           \
        }                                                                                          \
        memset(&name[n_##name], 0, sizeof *name);                                                  \
        return &name[n_##name++];                                                                  \
    }

LIST(sent, sents)
LIST(typed, typeds)

const struct sent *history_sents(size_t *out_count) {
    *out_count = n_sents;
    return sents;
}

struct typed *history_typeds(size_t *out_count) {
    *out_count = n_typeds;
    return typeds;
}

const struct typed *history_twin(const struct typed *typed, const struct typed *after) {
    for (size_t i = after != NULL ? (size_t)(after - typeds) + 1 : 0; i < n_typeds; i++)
        if (!uuid_is_nil(typed->row) && uuid_equal(typeds[i].row, typed->row) &&
            !uuid_equal(typeds[i].record, typed->record))
            return &typeds[i];
    return NULL;
}

static struct arena *arena; // owns: the message that is being read

static struct uuid id_of(ProtobufCBinaryData bytes) {
    struct uuid id = {{0}};
    if (bytes.len == UUID_SIZE)
        memcpy(id.bytes, bytes.data, UUID_SIZE);
    return id;
}

// The row that comes of it.
static struct uuid record_of(const Lx__Operation *operation) {
    if (operation->fact != NULL)
        return id_of(operation->fact->id);
    if (operation->person != NULL)
        return id_of(operation->person->id);
    if (operation->transfer == NULL)
        return id_of(operation->membership->id);
    return operation->transfer->step == LX__TRANSFER_STEP__TRANSFER_OUT
               ? id_of(operation->transfer->id)
               : id_of(operation->transfer->membership->id);
}

// ---- the way up ----

static struct sent *find_sent(const struct machine *client, struct uuid stream, uint64_t op_seq) {
    for (size_t i = n_sents; i-- > 0;)
        if (sents[i].client == client && !sents[i].former && sents[i].op_seq == op_seq &&
            uuid_equal(sents[i].stream, stream))
            return &sents[i];
    return NULL;
}

static const char *kind_of(const Lx__Operation *operation) {
    return operation->fact != NULL       ? "fact"
           : operation->person != NULL   ? "person"
           : operation->transfer != NULL ? "transfer"
                                         : "membership";
}

static void take_operation(const struct machine *client, struct uuid stream, uint64_t op_seq,
                           ProtobufCBinaryData bytes, bool pushed) {
    Lx__Operation *operation = lx__operation__unpack(NULL, bytes.len, bytes.data);
    if (operation == NULL) {
        finding("an operation cannot be read");
        return;
    }
    struct uuid record = record_of(operation);
    struct sent *sent = find_sent(client, stream, op_seq);
    if (sent == NULL)
        sent = add_sents();
    else if (sent->acknowledged && !uuid_equal(sent->record, record) && !world_restored)
        finding("%s uses key %" PRIu64 " twice, though it was acknowledged%s", client->name, op_seq,
                sent->refused ? " as refused" : "");
    sent->client = client;
    sent->stream = stream;
    sent->op_seq = op_seq;
    sent->pushed = sent->pushed || pushed;
    sent->bundled = sent->bundled || !pushed;
    sent->record = record;
    sent->is_fact = operation->fact != NULL;
    char stream_text[UUID_TEXT_SIZE], record_text[UUID_TEXT_SIZE];
    uuid_format(stream, stream_text);
    uuid_format(record, record_text);
    trace("sent by %s: %.8s %" PRIu64 " is a %s, %s", client->name, stream_text, op_seq,
          kind_of(operation), record_text);
    lx__operation__free_unpacked(operation, NULL);
}

static void take_push(const struct machine *client, const Lx__PushRequest *request) {
    for (size_t i = 0; i < request->n_groups; i++) {
        const Lx__PushGroup *group = request->groups[i];
        for (size_t j = 0; j < group->n_operations; j++)
            take_operation(client, id_of(group->stream), group->first_op_seq + j,
                           group->operations[j], true);
    }
}

void history_bundled(struct view content) {
    Lx__Bundle *bundle = lx__bundle__unpack(NULL, content.size, content.data);
    if (bundle == NULL) {
        finding("a bundle cannot be read");
        return;
    }
    for (size_t i = 0; i < bundle->n_groups; i++)
        for (size_t j = 0; j < bundle->groups[i]->n_operations; j++)
            take_operation(machine_current(), id_of(bundle->groups[i]->stream),
                           bundle->groups[i]->first_op_seq + j, bundle->groups[i]->operations[j],
                           false);
    lx__bundle__free_unpacked(bundle, NULL);
}

static bool is_refused(const Lx__PushedGroup *group, uint64_t op_seq) {
    for (size_t i = 0; i < group->n_refused; i++)
        if (group->refused[i]->op_seq == op_seq)
            return true;
    return false;
}

// The client may take the keys of what a stream refused as a whole back, and give them to others:
// not those of a unit under way, and none that stand in a bundle.
static void withdraw(const struct machine *client, struct uuid stream) {
    for (size_t i = 0; i < n_sents; i++)
        if (sents[i].client == client && !sents[i].acknowledged && !sents[i].bundled &&
            uuid_equal(sents[i].stream, stream))
            sents[i].former = true;
}

// What the server says of a client's keys from `from` on: the answer to a push speaks of what was
// pushed, though the server may have more by a bundle.
static void take_pushed(const struct machine *client, const Lx__PushedGroup *group, uint64_t from) {
    char text[UUID_TEXT_SIZE];
    uuid_format(id_of(group->stream), text);
    trace("pushed by %s: %.8s verdict %d, to %" PRIu64 ", at %" PRIu64 ", expected %" PRIu64
          ", %zu refused, reason %u",
          client->name, text, (int)group->verdict, group->op_to, group->seq, group->expected,
          group->n_refused, group->reason != NULL ? group->reason->reason : 0);
    for (size_t i = 0; i < group->n_refused; i++)
        trace("refused %" PRIu64 ": reason %u %s", group->refused[i]->op_seq,
              group->refused[i]->reason != NULL ? group->refused[i]->reason->reason : 0,
              group->refused[i]->reason != NULL && group->refused[i]->reason->text != NULL
                  ? group->refused[i]->reason->text
                  : "");
    if (group->reason != NULL && group->reason->reason == REASON_UNIT_MOVING)
        count(COUNT_UNIT_WAITED);
    else if (group->verdict == LX__GROUP_VERDICT__GROUP_REFUSED)
        withdraw(client, id_of(group->stream));
    if (group->verdict != LX__GROUP_VERDICT__GROUP_DONE &&
        group->verdict != LX__GROUP_VERDICT__GROUP_REPEATED)
        return;
    struct uuid stream = id_of(group->stream);
    for (size_t i = 0; i < n_sents; i++) {
        struct sent *sent = &sents[i];
        if (sent->client != client || sent->former || sent->acknowledged ||
            sent->op_seq > group->op_to || sent->op_seq < from || (from == 0 && !sent->pushed) ||
            !uuid_equal(sent->stream, stream))
            continue;
        sent->acknowledged = true;
        sent->refused = is_refused(group, sent->op_seq);
        count(sent->refused ? COUNT_REFUSED : COUNT_ACKNOWLEDGED);
    }
}

void history_receipt(struct view content) {
    Lx__BundleReceipt *receipt = lx__bundle_receipt__unpack(NULL, content.size, content.data);
    if (receipt == NULL) {
        finding("a receipt cannot be read");
        return;
    }
    for (size_t i = 0; i < receipt->n_groups; i++) {
        Lx__PushedGroup answer = *receipt->groups[i]->answer;
        if (answer.op_to > receipt->groups[i]->op_last)
            answer.op_to = receipt->groups[i]->op_last;
        take_pushed(machine_current(), &answer, receipt->groups[i]->op_from);
    }
    lx__bundle_receipt__free_unpacked(receipt, NULL);
}

// ---- the way down ----

static const char *account_of(const struct machine *client) {
    for (unsigned i = 0; i < world_device_count; i++)
        if (&world_devices[i].machine == client)
            return world_devices[i].account;
    return "";
}

static void take_rows(const struct machine *client, const Lx__PullReply *reply, int64_t sent_us) {
    char text[UUID_TEXT_SIZE];
    uuid_format(id_of(reply->stream), text);
    if (!scope_allows(account_of(client), id_of(reply->stream), sent_us))
        finding("leak: %s got rows of stream %s", account_of(client), text);
    uint64_t last = 0;
    for (size_t i = 0; i < reply->n_rows; i++) {
        const Lx__Row *row = reply->rows[i];
        if (row->state != LX__ROW_STATE__ROW_LIVE)
            continue;
        if (row->seq <= last)
            finding("%s got a row of stream %s out of its place", client->name, text);
        last = row->seq;
        if (row->fact != NULL || row->person != NULL || row->membership != NULL ||
            row->standing != NULL)
            places_delivered(id_of(reply->stream), id_of(row->subject), sent_us);
        count(COUNT_ROWS);
    }
    if (reply->snapshot)
        count(COUNT_FRESH);
}

// What a revoked device may not have.
static void check_let_in(const struct machine *client, int64_t sent_us) {
    for (unsigned i = 0; i < world_device_count; i++)
        if (&world_devices[i].machine == client && !scope_lets_in(&world_devices[i], sent_us))
            finding("let in: %s was revoked", client->name);
}

static const void *read_message(const ProtobufCMessageDescriptor *descriptor, struct view payload,
                                const struct scan_limits *limits) {
    const ProtobufCMessage *message = NULL;
    struct scan_fault fault;
    arena_reset(arena);
    if (unpack_message(descriptor, payload, limits, arena, &message, &fault) != STATUS_OK)
        return NULL;
    return message;
}

static void on_frame(const struct machine *client, int64_t sent_us, bool to_server,
                     const struct frame *frame) {
    const void *message = NULL;
    uint16_t method = frame->header.method;
    if (to_server && method == LX__METHOD__PUSH) {
        message = read_message(&lx__push_request__descriptor, frame->payload, &SCAN_LIMITS_REQUEST);
        if (message != NULL)
            take_push(client, message);
    } else if (!to_server && frame->header.kind == LX__FRAME_KIND__REPLY) {
        if (method == LX__METHOD__PUSH)
            message = read_message(&lx__push_reply__descriptor, frame->payload, &SCAN_LIMITS_REPLY);
        if (method == LX__METHOD__PUSH || method == LX__METHOD__PULL || method == LX__METHOD__LOGIN)
            check_let_in(client, sent_us);
        const Lx__PushReply *pushed = message;
        for (size_t i = 0; pushed != NULL && i < pushed->n_groups; i++)
            take_pushed(client, pushed->groups[i], 0);
        if (method == LX__METHOD__PULL)
            message = read_message(&lx__pull_reply__descriptor, frame->payload, &SCAN_LIMITS_REPLY);
        if (method == LX__METHOD__PULL && message != NULL)
            take_rows(client, message, sent_us);
    } else if (!to_server && frame->header.kind == LX__FRAME_KIND__ERROR &&
               method == LX__METHOD__PULL) {
        const Lx__Error *error =
            read_message(&lx__error__descriptor, frame->payload, &SCAN_LIMITS_REPLY);
        if (error != NULL && error->reason != NULL && error->reason->reason == REASON_UNIT_MOVING)
            sight_moving(client);
    }
}

// ---- what was typed ----

static struct uuid row_of(const Lx__Fact *fact) {
    struct uuid row = {{0}};
    Lx__Fact content = *fact;
    content.has_id = 0;
    uint8_t packed[1024];
    if (!fact->has_source_key)
        return row;
    if (lx__fact__get_packed_size(&content) > sizeof packed)
        abort();
    digest_operation(view_from(packed, lx__fact__pack(&content, packed)), row.bytes);
    return row;
}

void history_typed(const struct device *device, int64_t entry, const Lx__Operation *operation) {
    struct typed *typed = add_typeds();
    typed->client = &device->machine;
    typed->entry = entry;
    typed->is_fact = operation->fact != NULL;
    if (typed->is_fact) {
        typed->subject = id_of(operation->fact->subject);
        typed->row = row_of(operation->fact);
    }
    typed->record = record_of(operation);
    count(COUNT_OPERATIONS);
    trace("entry %" PRId64 " is a %s", entry, kind_of(operation));
}

void history_archived(const struct device *device, int64_t entry, int64_t new_entry) {
    for (size_t i = 0; i < n_typeds; i++) {
        if (typeds[i].client != &device->machine || typeds[i].entry != entry)
            continue;
        typeds[i].archived = true;
        if (new_entry != 0) {
            struct typed again = typeds[i];
            again.archived = false;
            again.entry = new_entry;
            *add_typeds() = again;
        }
        return;
    }
}

// The copy has what the original had typed; each may send it.
void history_cloned(const struct device *copy, const struct device *original) {
    for (size_t i = 0, n = n_typeds; i < n; i++) {
        if (typeds[i].client != &original->machine)
            continue;
        struct typed typed = typeds[i];
        typed.client = &copy->machine;
        *add_typeds() = typed;
    }
}

// Keys begin anew.
void history_new_device(const struct device *device) {
    for (size_t i = 0; i < n_sents; i++)
        if (sents[i].client == &device->machine)
            sents[i].former = true;
}

// ---- life ----

void history_begin(void) {
    n_sents = n_typeds = 0;
    sight_begin();
    if (arena == NULL)
        arena = arena_new(0);
    net_set_tap(on_frame);
}

void history_end(void) {
    net_set_tap(NULL);
    arena_free(&arena);
    free(sents);
    free(typeds);
    sents = NULL;
    typeds = NULL;
    capacity_sents = capacity_typeds = 0;
}

// ---- checks ----

static bool is_newest(size_t place) {
    for (size_t i = place + 1; i < n_typeds; i++)
        if (typeds[i].client == typeds[place].client &&
            uuid_equal(typeds[i].record, typeds[place].record))
            return false;
    return true;
}

// Does its person see it waiting or refused, or has put it away, which needs a refusal that he saw?
static bool shows(const struct device *device, size_t place) {
    struct arena *own = arena_new(0);
    struct outbox_entry entry = {.state = OUTBOX_ACKED};
    bool found = &device->machine == typeds[place].client && device->store != NULL &&
                 store_outbox_get(device->store, typeds[place].entry, own, &entry) == STATUS_OK;
    arena_free(&own);
    return found && (entry.state == OUTBOX_REFUSED || entry.state == OUTBOX_WAITING ||
                     (entry.state == OUTBOX_ARCHIVED && is_newest(place)));
}

// After a restore what had been acknowledged goes again, and may be refused for what was lost with
// it: then its person must see that.
static bool is_accounted_for(struct uuid record) {
    for (size_t i = 0; i < n_typeds && world_restored; i++)
        for (unsigned j = 0; j < world_device_count; j++)
            if (uuid_equal(typeds[i].record, record) && shows(&world_devices[j], i))
                return true;
    return false;
}

static bool is_among(const struct db_result *ids, struct uuid id) {
    for (int row = 0; row < db_rows(ids); row++)
        if (uuid_equal(db_uuid(ids, row, 0), id))
            return true;
    return false;
}

static bool is_acknowledged(struct uuid record) {
    for (size_t i = 0; i < n_sents; i++)
        if (sents[i].acknowledged && !sents[i].refused && uuid_equal(sents[i].record, record))
            return true;
    return false;
}

// An imported row that somebody else has brought: it is there, under the id that came first.
static bool is_there_as_twin(struct uuid record, const struct db_result *missing) {
    for (size_t i = 0; i < n_typeds; i++) {
        if (!uuid_equal(typeds[i].record, record))
            continue;
        const struct typed *twin = NULL;
        while ((twin = history_twin(&typeds[i], twin)) != NULL)
            if (is_acknowledged(twin->record) && !is_among(missing, twin->record))
                return true;
    }
    return false;
}

// I1: acknowledged and not refused means that the record is there.
static void check_acknowledged(void) {
    struct uuid *ids = calloc(n_sents + 1, sizeof *ids);
    size_t n = 0;
    if (ids == NULL)
        abort();
    for (size_t i = 0; i < n_sents; i++)
        if (sents[i].acknowledged && !sents[i].refused)
            ids[n++] = sents[i].record;
    struct arena *own = arena_new(0);
    struct db_params *params = db_params_new(own);
    db_param_uuid_array(params, n, ids, NULL);
    struct db_result *result =
        base_ask("select i from unnest($1::uuid[]) i where not exists (select from lx.fact f where "
                 "f.id = i) "
                 "and not exists (select from lx.person p where p.id = i) "
                 "and not exists (select from lx.membership m where m.id = i) "
                 // under way to another district, or the sending itself
                 "and not exists (select from lx.transit_package k where k.transfer = i or "
                 "k.body::text like '%' || i || '%') "
                 "and not exists (select from lx.unit_package k where k.rows @> "
                 "jsonb_build_array(jsonb_build_object('id', i)))",
                 params);
    for (int row = 0; result != NULL && row < db_rows(result); row++) {
        char text[UUID_TEXT_SIZE];
        uuid_format(db_uuid(result, row, 0), text);
        if (is_accounted_for(db_uuid(result, row, 0)) ||
            is_there_as_twin(db_uuid(result, row, 0), result))
            continue;
        finding("lost: %s was acknowledged and is not in the ledger", text);
    }
    base_free(&result);
    arena_free(&own);
    free(ids);
}

// I2: what is in the ledger was sent by somebody; voids are the server's own, too.
static void check_sent(void) {
    struct uuid *ids = calloc(n_sents + 1, sizeof *ids);
    if (ids == NULL)
        abort();
    for (size_t i = 0; i < n_sents; i++)
        ids[i] = sents[i].record;
    struct arena *own = arena_new(0);
    struct db_params *params = db_params_new(own);
    db_param_uuid_array(params, n_sents, ids, NULL);
    struct db_result *result =
        base_ask("select f.id from lx.fact f where f.kind <> 14 and not exists "
                 "(select from unnest($1::uuid[]) i where i = f.id)",
                 params);
    for (int row = 0; result != NULL && row < db_rows(result); row++) {
        char text[UUID_TEXT_SIZE];
        uuid_format(db_uuid(result, row, 0), text);
        finding("nobody sent %s, which is in the ledger", text);
    }
    base_free(&result);
    arena_free(&own);
    free(ids);
}

// Entries that were stored are forgotten after a while; no others. What was refused may have been
// stored when it went again after a restore.
static bool may_be_forgotten(const struct typed *typed) {
    for (size_t i = 0; i < n_sents && world_aged; i++)
        if (sents[i].acknowledged && (!sents[i].refused || world_restored) &&
            uuid_equal(sents[i].record, typed->record))
            return true;
    return false;
}

// P5: what was typed is stored, waits, or is refused and visible.
static void check_typed(const struct device *device) {
    struct arena *own = arena_new(0);
    for (size_t i = 0; i < n_typeds; i++) {
        const struct typed *typed = &typeds[i];
        struct outbox_entry entry;
        if (typed->client != &device->machine)
            continue;
        enum status status = store_outbox_get(device->store, typed->entry, own, &entry);
        if (status == STATUS_NOT_FOUND && may_be_forgotten(typed))
            continue;
        if (status != STATUS_OK || !uuid_equal(entry.record, typed->record))
            finding("entry %" PRId64 " of %s has gone", typed->entry, device->account);
        else if (entry.state == OUTBOX_ARCHIVED && !typed->archived)
            finding("entry %" PRId64 " of %s was put away by nobody", typed->entry,
                    device->account);
        else if (entry.state == OUTBOX_REFUSED && entry.reason == NULL)
            finding("entry %" PRId64 " of %s, %s, key %" PRIu64 ", is refused without a reason",
                    typed->entry, device->account, device->machine.name, entry.op_seq);
    }
    arena_free(&own);
}

void history_check(void) {
    check_acknowledged();
    check_sent();
    transfer_check();
    for (unsigned i = 0; i < world_device_count; i++)
        if (world_devices[i].store != NULL)
            check_typed(&world_devices[i]);
}
