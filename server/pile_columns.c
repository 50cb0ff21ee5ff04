// Batch to column arrays: one pass over the groups, each value copied once here and once into the
// parameters' binary form.
#include "server/pile_columns.h"

#include <string.h>

struct group_columns {
    size_t n;
    struct view *device;
    struct uuid *person;
    int32_t *district;
    struct uuid *stream;
    int64_t *op_from;
    struct view *hashes;
    int64_t *scope_version;
    int32_t *refused;
    struct view *answer;
    struct view *contents;
};

struct target_columns {
    size_t n;
    int32_t *group;
    struct uuid *stream;
    int32_t *needs;
    int64_t *roster_version;
    int32_t *count;
    int64_t *digest;
};

struct fact_columns {
    size_t n;
    int32_t *target;
    int32_t *position;
    struct uuid *id;
    int32_t *programme;
    int32_t *kind;
    struct uuid *subject;
    struct view *item;
    int64_t *occurred_at;
    int64_t *until_at;
    bool *no_until;
    int64_t *quantity;
    bool *no_quantity;
    struct uuid *of;
    bool *no_of;
    struct view *form;
    struct view *source_key;
    int64_t *op_seq;
    bool any_source_key;
};

struct submission_columns {
    size_t n;
    int32_t *fact;
    struct view *body;
};

struct columns {
    struct group_columns groups;
    struct target_columns targets;
    struct fact_columns facts;
    struct submission_columns submissions;
};

// One array of n elements for the pointer field; remembers a failure.
static void *take(struct arena *arena, size_t n, size_t size, bool *failed) {
    void *array = arena_array(arena, n > 0 ? n : 1, size);
    *failed = *failed || array == NULL;
    return array;
}

#define TAKE(array, n) ((array) = take(arena, (n), sizeof(*(array)), &failed))

static bool allocate_groups(struct group_columns *groups, size_t n, struct arena *arena) {
    bool failed = false;
    TAKE(groups->device, n);
    TAKE(groups->person, n);
    TAKE(groups->district, n);
    TAKE(groups->stream, n);
    TAKE(groups->op_from, n);
    TAKE(groups->hashes, n);
    TAKE(groups->scope_version, n);
    TAKE(groups->refused, n);
    TAKE(groups->answer, n);
    TAKE(groups->contents, n);
    return !failed;
}

static bool allocate_targets(struct target_columns *targets, size_t n, struct arena *arena) {
    bool failed = false;
    TAKE(targets->group, n);
    TAKE(targets->stream, n);
    TAKE(targets->needs, n);
    TAKE(targets->roster_version, n);
    TAKE(targets->count, n);
    TAKE(targets->digest, n);
    return !failed;
}

static bool allocate_facts(struct fact_columns *facts, size_t n, struct arena *arena) {
    bool failed = false;
    TAKE(facts->target, n);
    TAKE(facts->position, n);
    TAKE(facts->id, n);
    TAKE(facts->programme, n);
    TAKE(facts->kind, n);
    TAKE(facts->subject, n);
    TAKE(facts->item, n);
    TAKE(facts->occurred_at, n);
    TAKE(facts->until_at, n);
    TAKE(facts->no_until, n);
    TAKE(facts->quantity, n);
    TAKE(facts->no_quantity, n);
    TAKE(facts->of, n);
    TAKE(facts->no_of, n);
    TAKE(facts->form, n);
    TAKE(facts->source_key, n);
    TAKE(facts->op_seq, n);
    return !failed;
}

static bool allocate(struct columns *columns, const struct pile_batch *batch, struct arena *arena) {
    size_t targets = 0;
    bool failed = false;
    for (size_t i = 0; i < batch->n_groups; i++)
        targets += batch->groups[i]->n_targets;
    TAKE(columns->submissions.fact, batch->n_facts);
    TAKE(columns->submissions.body, batch->n_facts);
    return !failed && allocate_groups(&columns->groups, batch->n_groups, arena) &&
           allocate_targets(&columns->targets, targets, arena) &&
           allocate_facts(&columns->facts, batch->n_facts, arena);
}

// Of all facts of the group, in order, joined. NULL: out of memory.
static const uint8_t *join_contents(const struct pile_group *group, struct arena *arena) {
    uint8_t *joined = arena_alloc(arena, group->n_facts * CONTENT_SIZE + 1);
    for (size_t i = 0; joined != NULL && i < group->n_facts; i++)
        memcpy(joined + i * CONTENT_SIZE, group->facts[i].content, CONTENT_SIZE);
    return joined;
}

static bool add_group(struct group_columns *groups, const struct pile_group *group,
                      struct arena *arena) {
    const uint8_t *contents = join_contents(group, arena);
    size_t at = groups->n++;
    groups->device[at] = view_from(group->device, PILE_DEVICE_SIZE);
    groups->person[at] = group->person;
    groups->district[at] = group->district;
    groups->stream[at] = group->stream;
    groups->op_from[at] = (int64_t)group->op_from;
    groups->hashes[at] = view_from(group->hashes, group->n_operations * DIGEST_OPERATION_SIZE);
    groups->scope_version[at] = (int64_t)group->scope_version;
    groups->refused[at] = (int32_t)group->n_refused;
    groups->answer[at] = group->answer.size > 0 ? group->answer : view_from("", 0);
    groups->contents[at] = view_from(contents, group->n_facts * CONTENT_SIZE);
    return contents != NULL;
}

static void add_targets(struct target_columns *targets, const struct pile_group *group,
                        size_t group_number) {
    for (size_t i = 0; i < group->n_targets; i++) {
        const struct pile_target *target = &group->targets[i];
        size_t at = targets->n++;
        targets->group[at] = (int32_t)group_number;
        targets->stream[at] = target->stream;
        targets->needs[at] = (int32_t)target->needs;
        targets->roster_version[at] = (int64_t)target->roster_version;
        targets->count[at] = (int32_t)target->count;
        targets->digest[at] = (int64_t)target->digest;
    }
}

static struct uuid read_uuid(ProtobufCBinaryData bytes) {
    struct uuid id = {{0}};
    if (bytes.len == UUID_SIZE)
        memcpy(id.bytes, bytes.data, UUID_SIZE);
    return id;
}

static struct view read_text(const char *text) {
    return text != NULL ? view_from_string(text) : view_from(NULL, 0);
}

static void add_fact(struct columns *columns, const struct pile_fact *added, size_t first_target) {
    struct fact_columns *facts = &columns->facts;
    const Lx__Fact *fact = added->fact;
    size_t at = facts->n++;
    facts->target[at] = (int32_t)(first_target + added->target + 1); // SQL counts from 1
    facts->position[at] = (int32_t)added->position;
    facts->id[at] = read_uuid(fact->id);
    facts->programme[at] = (int32_t)fact->programme;
    facts->kind[at] = (int32_t)fact->kind;
    facts->subject[at] = read_uuid(fact->subject);
    facts->item[at] = read_text(fact->item);
    facts->occurred_at[at] = fact->occurred_at_ms;
    facts->until_at[at] = fact->until_ms;
    facts->no_until[at] = !fact->has_until_ms;
    facts->quantity[at] = fact->quantity;
    facts->no_quantity[at] = !fact->has_quantity;
    facts->of[at] = read_uuid(fact->of);
    facts->no_of[at] = !fact->has_of;
    facts->form[at] = read_text(fact->form);
    facts->source_key[at] = fact->has_source_key
                                ? view_from(fact->source_key.data, fact->source_key.len)
                                : view_from(NULL, 0);
    facts->any_source_key = facts->any_source_key || fact->has_source_key;
    facts->op_seq[at] = (int64_t)added->op_seq;
    if (added->submission.size > 0) {
        size_t place = columns->submissions.n++;
        columns->submissions.fact[place] = (int32_t)(at + 1);
        columns->submissions.body[place] = added->submission;
    }
}

static bool fill(struct columns *columns, const struct pile_batch *batch, struct arena *arena) {
    bool whole = true;
    for (size_t i = 0; i < batch->n_groups; i++) {
        const struct pile_group *group = batch->groups[i];
        size_t first_target = columns->targets.n;
        whole = add_group(&columns->groups, group, arena) && whole;
        add_targets(&columns->targets, group, i + 1);
        for (size_t fact = 0; fact < group->n_facts; fact++)
            add_fact(columns, &group->facts[fact], first_target);
    }
    return whole;
}

static void bind_groups(const struct group_columns *groups, struct db_params *params) {
    db_param_bytea_array(params, groups->n, groups->device);
    db_param_uuid_array(params, groups->n, groups->person, NULL);
    db_param_int4_array(params, groups->n, groups->district, NULL);
    db_param_uuid_array(params, groups->n, groups->stream, NULL);
    db_param_int8_array(params, groups->n, groups->op_from, NULL);
    db_param_bytea_array(params, groups->n, groups->hashes);
    db_param_int8_array(params, groups->n, groups->scope_version, NULL);
    db_param_int4_array(params, groups->n, groups->refused, NULL);
    db_param_bytea_array(params, groups->n, groups->answer);
}

static void bind_targets(const struct target_columns *targets, struct db_params *params) {
    db_param_int4_array(params, targets->n, targets->group, NULL);
    db_param_uuid_array(params, targets->n, targets->stream, NULL);
    db_param_int4_array(params, targets->n, targets->needs, NULL);
    db_param_int8_array(params, targets->n, targets->roster_version, NULL);
    db_param_int4_array(params, targets->n, targets->count, NULL);
    db_param_int8_array(params, targets->n, targets->digest, NULL);
}

static void bind_facts(const struct fact_columns *facts, struct db_params *params) {
    db_param_int4_array(params, facts->n, facts->target, NULL);
    db_param_int4_array(params, facts->n, facts->position, NULL);
    db_param_uuid_array(params, facts->n, facts->id, NULL);
    db_param_int4_array(params, facts->n, facts->programme, NULL);
    db_param_int4_array(params, facts->n, facts->kind, NULL);
    db_param_uuid_array(params, facts->n, facts->subject, NULL);
    db_param_text_array(params, facts->n, facts->item);
    db_param_timestamptz_array(params, facts->n, facts->occurred_at, NULL);
    db_param_timestamptz_array(params, facts->n, facts->until_at, facts->no_until);
    db_param_int8_array(params, facts->n, facts->quantity, facts->no_quantity);
    db_param_uuid_array(params, facts->n, facts->of, facts->no_of);
    db_param_text_array(params, facts->n, facts->form);
    // an empty array saves the database the work on import keys
    db_param_bytea_array(params, facts->any_source_key ? facts->n : 0, facts->source_key);
    db_param_int8_array(params, facts->n, facts->op_seq, NULL);
}

enum status pile_columns_bind(const struct pile_batch *batch, int64_t received_at_ms, bool slow,
                              struct view taken_reason, struct arena *arena,
                              struct db_params *params) {
    struct columns *columns = arena_alloc(arena, sizeof(*columns));
    if (columns == NULL || !allocate(columns, batch, arena) || !fill(columns, batch, arena))
        return STATUS_NO_MEMORY;
    bind_groups(&columns->groups, params);
    bind_targets(&columns->targets, params);
    bind_facts(&columns->facts, params);
    db_param_int4_array(params, columns->submissions.n, columns->submissions.fact, NULL);
    db_param_bytea_array(params, columns->submissions.n, columns->submissions.body);
    db_param_timestamptz(params, received_at_ms);
    db_param_bool(params, slow);
    db_param_bytea(params, taken_reason);
    db_param_bytea_array(params, columns->groups.n, columns->groups.contents);
    return STATUS_OK;
}
