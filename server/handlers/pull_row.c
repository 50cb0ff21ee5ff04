// One row of the pull statement to one lx.Row. The columns are described in sql/queries/pull.sql.
#include <string.h>

#include "common/wire/unpack.h"
#include "server/handlers/pull.h"

enum {
    COLUMN_ID = PULL_SEQ + 1,
    COLUMN_VERSION,
    COLUMN_SUBJECT,
    COLUMN_PROGRAMME,
    COLUMN_NUMBER,
    COLUMN_OF,
    COLUMN_FROM,
    COLUMN_UNTIL,
    COLUMN_QUANTITY,
    COLUMN_TOTAL,
    COLUMN_CODE,
    COLUMN_FORM,
    COLUMN_SOURCE_KEY,
    COLUMN_ACTOR,
    COLUMN_RECEIVED_AT,
    COLUMN_NAME,
    COLUMN_TITLE,
    COLUMN_STATE,
    COLUMN_COUNT,
    COLUMN_CERTIFICATE,
    COLUMN_IN_POST,
    COLUMN_ESTABLISHED,
    COLUMN_FULL_TIME,
    COLUMN_GUEST,
    COLUMN_BODY
};

// A row on its way; a failed allocation is remembered and makes the whole row NULL.
struct reading {
    const struct db_result *result;
    int row;
    struct arena *arena;
    bool failed;
};

static bool has(const struct reading *reading, int column) {
    return !db_is_null(reading->result, reading->row, column);
}

static char *text(struct reading *reading, int column) {
    if (!has(reading, column))
        return NULL;
    char *copy = arena_string(reading->arena, db_text(reading->result, reading->row, column));
    reading->failed = reading->failed || copy == NULL;
    return copy;
}

static int64_t number(const struct reading *reading, int column) {
    return db_int8(reading->result, reading->row, column);
}

static ProtobufCBinaryData id(struct reading *reading, int column) {
    struct uuid *copy = arena_alloc(reading->arena, sizeof(*copy));
    if (copy == NULL) {
        reading->failed = true;
        return (ProtobufCBinaryData){0, NULL};
    }
    *copy = db_uuid(reading->result, reading->row, column);
    return (ProtobufCBinaryData){UUID_SIZE, copy->bytes};
}

static ProtobufCBinaryData bytes(const struct reading *reading, int column) {
    struct view view = db_bytea(reading->result, reading->row, column);
    return (ProtobufCBinaryData){view.size, (uint8_t *)view.data}; // packed before the result goes
}

static int64_t time(const struct reading *reading, int column) {
    return db_timestamptz_ms(reading->result, reading->row, column);
}

// A packed message in a column; NULL when there is none.
static const ProtobufCMessage *body(struct reading *reading,
                                    const ProtobufCMessageDescriptor *descriptor) {
    const ProtobufCMessage *message = NULL;
    struct scan_fault fault;
    if (!has(reading, COLUMN_BODY))
        return NULL;
    if (unpack_message(descriptor, db_bytea(reading->result, reading->row, COLUMN_BODY),
                       &SCAN_LIMITS_REPLY, reading->arena, &message, &fault) != STATUS_OK)
        reading->failed = true;
    return message;
}

static void *make(struct reading *reading, size_t size) {
    void *message = arena_alloc(reading->arena, size);
    reading->failed = reading->failed || message == NULL;
    return message;
}

static void read_fact(struct reading *reading, Lx__Row *row) {
    Lx__Fact *fact = make(reading, sizeof(*fact));
    if (fact == NULL)
        return;
    lx__fact__init(fact);
    fact->has_id = fact->has_programme = fact->has_kind = fact->has_subject = true;
    fact->id = row->id;
    fact->programme = (uint32_t)number(reading, COLUMN_PROGRAMME);
    fact->kind = (Lx__FactKind)number(reading, COLUMN_NUMBER);
    fact->subject = row->subject;
    fact->item = text(reading, COLUMN_CODE);
    fact->has_occurred_at_ms = has(reading, COLUMN_FROM);
    fact->occurred_at_ms = fact->has_occurred_at_ms ? time(reading, COLUMN_FROM) : 0;
    fact->has_until_ms = has(reading, COLUMN_UNTIL);
    fact->until_ms = fact->has_until_ms ? time(reading, COLUMN_UNTIL) : 0;
    fact->has_quantity = has(reading, COLUMN_QUANTITY);
    fact->quantity = number(reading, COLUMN_QUANTITY);
    fact->has_of = has(reading, COLUMN_OF);
    if (fact->has_of)
        fact->of = id(reading, COLUMN_OF);
    fact->form = text(reading, COLUMN_FORM);
    fact->has_source_key = has(reading, COLUMN_SOURCE_KEY);
    fact->source_key = bytes(reading, COLUMN_SOURCE_KEY);
    row->fact = fact;
    row->submission = (Lx__Submission *)body(reading, &lx__submission__descriptor);
    row->has_actor = row->has_received_at_ms = true;
    row->actor = id(reading, COLUMN_ACTOR);
    row->received_at_ms = time(reading, COLUMN_RECEIVED_AT);
}

static void read_person(struct reading *reading, Lx__Row *row) {
    Lx__Person *person = make(reading, sizeof(*person));
    if (person == NULL)
        return;
    lx__person__init(person);
    person->has_id = person->has_certificate = person->has_in_post = true;
    person->has_established = person->has_full_time = true;
    person->id = row->id;
    person->name = text(reading, COLUMN_NAME);
    person->teacher_no = text(reading, COLUMN_CODE);
    person->account = text(reading, COLUMN_FORM);
    person->title = text(reading, COLUMN_TITLE);
    person->certificate = db_bool(reading->result, reading->row, COLUMN_CERTIFICATE);
    person->in_post = db_bool(reading->result, reading->row, COLUMN_IN_POST);
    person->established = db_bool(reading->result, reading->row, COLUMN_ESTABLISHED);
    person->full_time = db_bool(reading->result, reading->row, COLUMN_FULL_TIME);
    person->has_birth_year = has(reading, COLUMN_STATE);
    person->birth_year = (uint32_t)number(reading, COLUMN_STATE);
    row->person = person;
}

static void read_membership(struct reading *reading, Lx__Row *row) {
    Lx__Membership *membership = make(reading, sizeof(*membership));
    if (membership == NULL)
        return;
    lx__membership__init(membership);
    membership->has_id = membership->has_person = membership->has_programme = true;
    membership->has_unit = membership->has_role = membership->has_from_ms = true;
    membership->id = row->id;
    membership->person = row->subject;
    membership->programme = (uint32_t)number(reading, COLUMN_PROGRAMME);
    membership->unit = id(reading, COLUMN_OF);
    membership->role = (Lx__Role)number(reading, COLUMN_NUMBER);
    membership->from_ms = time(reading, COLUMN_FROM);
    membership->has_until_ms = has(reading, COLUMN_UNTIL);
    membership->until_ms = membership->has_until_ms ? time(reading, COLUMN_UNTIL) : 0;
    membership->has_guest = true;
    membership->guest = db_bool(reading->result, reading->row, COLUMN_GUEST);
    row->membership = membership;
}

static void read_unit(struct reading *reading, Lx__Row *row) {
    Lx__Unit *unit = (Lx__Unit *)body(reading, &lx__unit__descriptor); // attributes only
    if (unit == NULL)
        unit = make(reading, sizeof(*unit));
    if (unit == NULL)
        return;
    if (unit->base.descriptor == NULL)
        lx__unit__init(unit);
    unit->has_id = unit->has_level = unit->has_district = true;
    unit->id = row->id;
    unit->has_parent = has(reading, COLUMN_OF);
    if (unit->has_parent)
        unit->parent = id(reading, COLUMN_OF);
    unit->level = (Lx__UnitLevel)number(reading, COLUMN_NUMBER);
    unit->code = text(reading, COLUMN_CODE);
    unit->name = text(reading, COLUMN_NAME);
    unit->district = (uint32_t)number(reading, COLUMN_STATE);
    unit->has_printed_size = has(reading, COLUMN_COUNT);
    unit->printed_size = (uint32_t)number(reading, COLUMN_COUNT);
    unit->has_moving_to = has(reading, COLUMN_ACTOR);
    if (unit->has_moving_to)
        unit->moving_to = id(reading, COLUMN_ACTOR);
    unit->has_closed_ms = has(reading, COLUMN_UNTIL);
    unit->closed_ms = unit->has_closed_ms ? time(reading, COLUMN_UNTIL) : 0;
    row->unit = unit;
}

static void read_programme(struct reading *reading, Lx__Row *row) {
    Lx__Programme *programme = make(reading, sizeof(*programme));
    if (programme == NULL)
        return;
    lx__programme__init(programme);
    programme->has_number = programme->has_scheme_version = programme->has_scheme = true;
    programme->number = (uint32_t)number(reading, COLUMN_PROGRAMME);
    programme->code = text(reading, COLUMN_CODE);
    programme->scheme_version = (uint32_t)number(reading, COLUMN_COUNT);
    programme->scheme = bytes(reading, COLUMN_BODY);
    row->programme = programme;
}

static void read_standing(struct reading *reading, Lx__Row *row) {
    Lx__Standing *standing = make(reading, sizeof(*standing));
    if (standing == NULL)
        return;
    lx__standing__init(standing);
    standing->has_id = standing->has_programme = standing->has_subject = true;
    standing->has_role = standing->has_state = standing->has_points = true;
    standing->has_total = standing->has_scheme_version = true;
    standing->id = row->id;
    standing->programme = (uint32_t)number(reading, COLUMN_PROGRAMME);
    standing->subject = row->subject;
    standing->role = (Lx__Role)number(reading, COLUMN_NUMBER);
    standing->state = (Lx__StandingState)number(reading, COLUMN_STATE);
    standing->points = number(reading, COLUMN_QUANTITY);
    standing->total = number(reading, COLUMN_TOTAL);
    standing->as_of = text(reading, COLUMN_CODE);
    standing->scheme_version = (uint32_t)number(reading, COLUMN_COUNT);
    standing->has_receipt = has(reading, COLUMN_BODY);
    standing->receipt = bytes(reading, COLUMN_BODY);
    row->standing = standing;
}

static void read_transit(struct reading *reading, Lx__Row *row) {
    Lx__Transit *transit = make(reading, sizeof(*transit));
    if (transit == NULL)
        return;
    lx__transit__init(transit);
    transit->has_transfer = transit->has_step = transit->has_person = true;
    transit->has_unit = transit->has_left_ms = true;
    transit->transfer = row->subject;
    transit->step = (Lx__TransferStep)number(reading, COLUMN_NUMBER);
    transit->person = id(reading, COLUMN_OF);
    transit->name = text(reading, COLUMN_NAME);
    transit->unit = id(reading, COLUMN_ACTOR);
    transit->left_ms = time(reading, COLUMN_FROM);
    row->transit = transit;
}

static void read_gone(struct reading *reading, Lx__Row *row) {
    (void)reading;
    row->state = LX__ROW_STATE__ROW_GONE;
}

static void read_left(struct reading *reading, Lx__Row *row) {
    (void)reading;
    row->state = LX__ROW_STATE__ROW_LEFT;
}

Lx__Row *pull_read_row(const struct db_result *result, int index, struct arena *arena) {
    static void (*const readers[])(struct reading *, Lx__Row *) = {
        NULL,           read_fact,     read_person, read_membership, read_unit,
        read_programme, read_standing, read_left,   read_transit,    read_gone,
    };
    struct reading reading = {.result = result, .row = index, .arena = arena};
    Lx__Row *row = make(&reading, sizeof(*row));
    int64_t kind = db_int8(result, index, PULL_KIND);
    if (row == NULL || kind < 1 || kind >= (int64_t)(sizeof(readers) / sizeof(readers[0])))
        return NULL;
    lx__row__init(row);
    row->has_seq = row->has_state = row->has_subject = true;
    row->seq = (uint64_t)db_int8(result, index, PULL_SEQ);
    row->state = LX__ROW_STATE__ROW_LIVE;
    row->has_id = row->has_version = has(&reading, COLUMN_ID);
    if (row->has_id)
        row->id = id(&reading, COLUMN_ID);
    row->version = (uint64_t)number(&reading, COLUMN_VERSION);
    row->subject = id(&reading, COLUMN_SUBJECT);
    readers[kind](&reading, row);
    return reading.failed ? NULL : row;
}
