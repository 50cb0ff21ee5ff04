// Roster operations to the column arrays of push_roster().
#include "server/pile_roster.h"

#include <string.h>

#include "common/wire/reason.h"
#include "common/wire/unpack.h"

enum { WHAT_PERSON = 1, WHAT_MEMBERSHIP = 2, WHAT_TRANSFER_OUT = 3, WHAT_TRANSFER_IN = 4 };

// What the database says of a row, by its verdict number, and the field at fault where it is clear.
static const struct {
    enum reason_id reason;
    const char *field;
} VERDICT_REASONS[] = {
    {REASON_NONE, NULL},
    {REASON_NONE, NULL},
    {REASON_ROSTER_CHANGED, NULL},
    {REASON_ROSTER_NOT_IN_SCOPE, NULL},
    {REASON_TEACHER_NO_TAKEN, "person.teacher_no"},
    {REASON_PERSON_ACCOUNT_TAKEN, "person.account"},
    {REASON_MEMBERSHIP_OVERLAPS, "membership.from_ms"},
    {REASON_TRANSFER_NEEDED, "membership.unit"},
    {REASON_DISTRICT_OTHER, "membership.unit"},
    {REASON_UNIT_NOT_FOR_ROLE, "membership.role"},
    {REASON_PERSON_TRANSFERRED, NULL},
    {REASON_TRANSFER_NO_DISTRICT, "transfer.to"},
    {REASON_TRANSFER_TAKEN, "transfer.id"},
    {REASON_TRANSFER_TOO_EARLY, "transfer.membership.from_ms"},
    {REASON_TRANSFER_CLASH, "transfer.id"},
    {REASON_UNIT_CLOSED, "membership.unit"},
    {REASON_ROSTER_CLASH, NULL},
};
// The database appends the parameters of these, so their texts can't have them.
static const struct {
    enum reason_id reason;
    const char *text;
} COMPLETED_REASONS[] = {
    {REASON_ROSTER_CHANGED,
     "Somebody has changed this row since: sync, look at it, and change it again."},
    {REASON_PERSON_TRANSFERRED,
     "The person was transferred to another district: what is written about him belongs there. "
     "Nothing is lost here; hand it over."},
};
#define VERDICTS (sizeof(VERDICT_REASONS) / sizeof(VERDICT_REASONS[0]))

struct columns {
    size_t n;
    int64_t *op;
    int32_t *what;
    struct uuid *id;
    int64_t *seen;
    struct view *name, *teacher_no, *account, *title;
    bool *certificate, *in_post, *established, *full_time;
    int32_t *birth_year;
    bool *no_birth_year;
    struct uuid *member, *unit, *join;
    bool *no_membership; // the columns of memberships are null for persons
    bool *no_join;       // of all but transfers in
    int32_t *programme, *role;
    int64_t *from_at, *until_at;
    bool *no_until;
    bool *guest;
};

static void *take(struct arena *arena, size_t n, size_t size, bool *failed) {
    void *array = arena_array(arena, n > 0 ? n : 1, size);
    *failed = *failed || array == NULL;
    return array;
}

#define TAKE(array) ((columns->array) = take(arena, n, sizeof(*columns->array), &failed))

static bool allocate(struct columns *columns, size_t n, struct arena *arena) {
    bool failed = false;
    TAKE(op);
    TAKE(what);
    TAKE(id);
    TAKE(seen);
    TAKE(name);
    TAKE(teacher_no);
    TAKE(account);
    TAKE(title);
    TAKE(certificate);
    TAKE(in_post);
    TAKE(established);
    TAKE(full_time);
    TAKE(birth_year);
    TAKE(no_birth_year);
    TAKE(member);
    TAKE(unit);
    TAKE(no_membership);
    TAKE(join);
    TAKE(no_join);
    TAKE(programme);
    TAKE(role);
    TAKE(from_at);
    TAKE(until_at);
    TAKE(no_until);
    TAKE(guest);
    return !failed;
}

static struct uuid read_uuid(ProtobufCBinaryData bytes) {
    struct uuid id = {{0}};
    if (bytes.len == UUID_SIZE)
        memcpy(id.bytes, bytes.data, UUID_SIZE);
    return id;
}

// An empty text is the same as none: number and account are unique when there.
static struct view read_text(const char *text) {
    return text != NULL && text[0] != '\0' ? view_from_string(text) : view_from(NULL, 0);
}

static void add_person(struct columns *columns, size_t at, const Lx__Operation *operation) {
    const Lx__Person *person = operation->person;
    columns->what[at] = WHAT_PERSON;
    columns->id[at] = read_uuid(person->id);
    columns->seen[at] = (int64_t)operation->person_version;
    columns->name[at] = read_text(person->name);
    columns->teacher_no[at] = read_text(person->teacher_no);
    columns->account[at] = read_text(person->account);
    columns->title[at] = read_text(person->title);
    columns->certificate[at] = person->certificate;
    columns->in_post[at] = person->in_post;
    columns->established[at] = person->established;
    columns->full_time[at] = person->full_time;
    columns->birth_year[at] = (int32_t)person->birth_year;
    columns->no_birth_year[at] = !person->has_birth_year;
    columns->no_membership[at] = true;
    columns->no_until[at] = true;
}

static void add_membership(struct columns *columns, size_t at, const Lx__Membership *membership) {
    columns->member[at] = read_uuid(membership->person);
    columns->unit[at] = read_uuid(membership->unit);
    columns->programme[at] = (int32_t)membership->programme;
    columns->role[at] = (int32_t)membership->role;
    columns->from_at[at] = membership->from_ms;
    columns->until_at[at] = membership->until_ms;
    columns->no_until[at] = !membership->has_until_ms;
    columns->guest[at] = membership->guest;
}

static void add_transfer(struct columns *columns, size_t at, const Lx__Operation *operation) {
    const Lx__Transfer *transfer = operation->transfer;
    bool out = transfer->step == LX__TRANSFER_STEP__TRANSFER_OUT;
    columns->what[at] = out ? WHAT_TRANSFER_OUT : WHAT_TRANSFER_IN;
    columns->id[at] = read_uuid(transfer->id);
    columns->seen[at] = (int64_t)operation->person_version;
    if (!out) {
        add_membership(columns, at, transfer->membership);
        columns->join[at] = read_uuid(transfer->membership->id);
        columns->no_join[at] = false;
        return;
    }
    columns->member[at] = read_uuid(transfer->person);
    columns->unit[at] = read_uuid(transfer->to);
    columns->from_at[at] = transfer->left_ms;
    columns->no_until[at] = true;
}

static void add_row(struct columns *columns, size_t at, const Lx__Operation *operation) {
    columns->no_join[at] = true;
    if (operation->person != NULL) {
        add_person(columns, at, operation);
        return;
    }
    columns->no_birth_year[at] = true;
    if (operation->transfer != NULL) {
        add_transfer(columns, at, operation);
        return;
    }
    columns->what[at] = WHAT_MEMBERSHIP;
    columns->id[at] = read_uuid(operation->membership->id);
    columns->seen[at] = (int64_t)operation->membership_version;
    add_membership(columns, at, operation->membership);
}

static void fill(struct columns *columns, const struct pile_roster *roster) {
    for (size_t i = 0; i < roster->n_rows; i++) {
        const struct pile_roster_row *row = &roster->rows[i];
        columns->op[i] = (int64_t)row->op_seq;
        add_row(columns, i, row->operation);
    }
    columns->n = roster->n_rows;
}

static const char *completed_text(enum reason_id id) {
    for (size_t i = 0; i < sizeof(COMPLETED_REASONS) / sizeof(COMPLETED_REASONS[0]); i++)
        if (COMPLETED_REASONS[i].reason == id)
            return COMPLETED_REASONS[i].text;
    return NULL;
}

static Lx__Reason *make_reason(struct arena *arena, size_t verdict) {
    enum reason_id id = VERDICT_REASONS[verdict].reason;
    const char *completed = completed_text(id);
    if (id != REASON_NONE && completed == NULL)
        return reason_new_v(arena, id, VERDICT_REASONS[verdict].field, NULL, 0);
    Lx__Reason *reason = arena_alloc(arena, sizeof(*reason));
    if (reason == NULL)
        return NULL;
    lx__reason__init(reason);
    reason->has_reason = id != REASON_NONE;
    reason->reason = (uint32_t)id;
    reason->text = (char *)completed;
    return reason;
}

// The packed lx.Reason per row verdict; what the database completes lacks its parameters.
static enum status bind_reasons(struct arena *arena, struct db_params *params) {
    struct view packed[VERDICTS - 1]; // SQL counts from 1
    for (size_t verdict = 1; verdict < VERDICTS; verdict++) {
        const Lx__Reason *reason = make_reason(arena, verdict);
        if (reason == NULL)
            return STATUS_NO_MEMORY;
        TRY(unpack_pack(&reason->base, arena, &packed[verdict - 1]));
    }
    db_param_bytea_array(params, VERDICTS - 1, packed);
    return STATUS_OK;
}

static void bind_group(const struct pile_group *group, struct db_params *params) {
    db_param_bytea(params, view_from(group->device, PILE_DEVICE_SIZE));
    db_param_uuid(params, group->person);
    db_param_int4(params, group->district);
    db_param_uuid(params, group->stream);
    db_param_int8(params, (int64_t)group->op_from);
    db_param_bytea(params, view_from(group->hashes, group->n_operations * DIGEST_OPERATION_SIZE));
    db_param_int8(params, (int64_t)group->scope_version);
    db_param_int4(params, (int32_t)group->n_refused);
    db_param_bytea(params, group->answer.size > 0 ? group->answer : view_from("", 0));
    db_param_timestamptz(params, group->received_at_ms);
}

static void bind_persons(const struct columns *columns, struct db_params *params) {
    db_param_text_array(params, columns->n, columns->name);
    db_param_text_array(params, columns->n, columns->teacher_no);
    db_param_text_array(params, columns->n, columns->account);
    db_param_bool_array(params, columns->n, columns->certificate, NULL);
    db_param_bool_array(params, columns->n, columns->in_post, NULL);
    db_param_bool_array(params, columns->n, columns->established, NULL);
    db_param_bool_array(params, columns->n, columns->full_time, NULL);
    db_param_int4_array(params, columns->n, columns->birth_year, columns->no_birth_year);
    db_param_text_array(params, columns->n, columns->title);
}

static void bind_memberships(const struct columns *columns, struct db_params *params) {
    db_param_uuid_array(params, columns->n, columns->member, columns->no_membership);
    db_param_int4_array(params, columns->n, columns->programme, columns->no_membership);
    db_param_uuid_array(params, columns->n, columns->unit, columns->no_membership);
    db_param_int4_array(params, columns->n, columns->role, columns->no_membership);
    db_param_timestamptz_array(params, columns->n, columns->from_at, columns->no_membership);
    db_param_timestamptz_array(params, columns->n, columns->until_at, columns->no_until);
    db_param_bool_array(params, columns->n, columns->guest, columns->no_membership);
    db_param_uuid_array(params, columns->n, columns->join, columns->no_join);
}

enum status pile_roster_bind(const struct pile_group *group, struct arena *arena,
                             struct db_params *params) {
    const struct pile_roster *roster = group->detail;
    struct columns *columns = arena_alloc(arena, sizeof(*columns));
    if (columns == NULL || !allocate(columns, roster->n_rows, arena))
        return STATUS_NO_MEMORY;
    fill(columns, roster);
    bind_group(group, params);
    TRY(bind_reasons(arena, params));
    db_param_int8_array(params, columns->n, columns->op, NULL);
    db_param_int4_array(params, columns->n, columns->what, NULL);
    db_param_uuid_array(params, columns->n, columns->id, NULL);
    db_param_int8_array(params, columns->n, columns->seen, NULL);
    bind_persons(columns, params);
    bind_memberships(columns, params);
    db_param_bool(params, group->slow);
    return STATUS_OK;
}
