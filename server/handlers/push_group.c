// One group of a push on its way: may it be written there at all, judged, into the pile, and what
// its verdict means. A group of the same device and stream never overtakes it.
#include <string.h>

#include "common/base/log.h"
#include "common/wire/unpack.h"
#include "server/handlers.h"
#include "server/handlers/push.h"

#define RETRY_MS 1000

static struct arena *arena_of(const struct push_group *group) {
    return request_arena(group->push->request);
}

static const uint8_t *device_of(const struct push_group *group) {
    return group->push->sender.device;
}

static bool same_sender(const struct push_group *a, const struct push_group *b) {
    return uuid_equal(a->stream, b->stream) &&
           memcmp(device_of(a), device_of(b), PILE_DEVICE_SIZE) == 0;
}

// ---- the line of those being judged ----

static void join_line(struct push_group *group) {
    struct push_group **link = &group->push->worker->handlers->judging;
    bool blocked = false;
    for (; *link != NULL; link = &(*link)->next_judging)
        blocked = blocked || same_sender(*link, group);
    *link = group;
    group->next_judging = NULL;
    group->state = blocked ? PUSH_GROUP_BLOCKED : PUSH_GROUP_JUDGING;
}

// Leaves the line; the next of the same device and stream may begin.
static void leave_line(struct push_group *group) {
    struct push_group **link = &group->push->worker->handlers->judging;
    while (*link != NULL && *link != group)
        link = &(*link)->next_judging;
    if (*link == NULL)
        return; // left before
    *link = group->next_judging;
    for (struct push_group *next = *link; next != NULL; next = next->next_judging) {
        if (!same_sender(next, group))
            continue;
        next->state = PUSH_GROUP_JUDGING;
        push_lookup(next);
        return;
    }
}

// ---- the end of its way ----

static void finish(struct push_group *group) {
    struct pile *pile = group->push->worker->pile;
    if (group->with_pile) {
        group->with_pile = false;
        pile_release(pile, &group->pile);
    }
    leave_line(group);
    push_group_answered(group);
}

// A refusal without its reason would tell the client nothing: then the push as a whole fails.
void push_group_refuse(struct push_group *group, enum reason_id reason) {
    group->answer.has_verdict = true;
    group->answer.verdict = LX__GROUP_VERDICT__GROUP_REFUSED;
    group->answer.reason = reason_new(arena_of(group), reason, NULL, NULL);
    if (group->answer.reason == NULL)
        push_fail(group->push, REASON_INTERNAL, RETRY_MS);
    finish(group);
}

void push_group_fail(struct push_group *group, enum status status) {
    if (status == STATUS_AGAIN || status == STATUS_IO)
        push_fail(group->push, REASON_DATABASE_UNAVAILABLE, RETRY_MS);
    else if (status == STATUS_NO_MEMORY)
        push_fail(group->push, REASON_MESSAGE_TOO_LARGE, 0);
    else
        push_fail(group->push, REASON_INTERNAL, RETRY_MS);
    log_warning("push: group not judged: %s", status_name(status));
    finish(group);
}

// ---- verdicts ----

// Adds the refused operations of a stored answer that lie in this round's part.
static bool add_refused(struct push_group *group, struct view packed) {
    const ProtobufCMessage *message = NULL;
    struct scan_fault fault;
    struct arena *arena = arena_of(group);
    if (packed.size == 0)
        return true;
    char *copy = arena_string(arena, packed); // the view dies with the callback
    if (copy == NULL || unpack_message(&lx__pushed_group__descriptor, view_from(copy, packed.size),
                                       &SCAN_LIMITS_REPLY, arena, &message, &fault) != STATUS_OK)
        return false;
    const Lx__PushedGroup *stored = (const Lx__PushedGroup *)message;
    Lx__PushedGroup *answer = &group->answer;
    size_t room = answer->n_refused + stored->n_refused + 1;
    Lx__RefusedOperation **all = arena_array(arena, room, sizeof(*all));
    if (all == NULL)
        return false;
    if (answer->n_refused > 0)
        memcpy(all, answer->refused, answer->n_refused * sizeof(*all));
    answer->refused = all;
    for (size_t i = 0; i < stored->n_refused; i++) {
        uint64_t op_seq = stored->refused[i]->op_seq;
        if (op_seq >= group->first_op_seq + group->part.from &&
            op_seq < group->first_op_seq + group->part.to)
            all[answer->n_refused++] = stored->refused[i];
    }
    return true;
}

static void go_again(struct push_group *group) {
    if (++group->rounds > PUSH_MAX_ROUNDS) {
        push_fail(group->push, REASON_BUSY, RETRY_MS);
        finish(group);
        return;
    }
    group->state = PUSH_GROUP_JUDGING;
    push_lookup(group);
}

static void on_stored(struct push_group *group) {
    const struct pile_group *pile = &group->pile;
    Lx__PushedGroup *answer = &group->answer;
    if (!add_refused(group, pile->final_answer)) {
        push_group_fail(group, STATUS_NO_MEMORY);
        return;
    }
    answer->has_verdict = answer->has_op_to = answer->has_seq = true;
    answer->op_to = pile->op_to;
    answer->seq = pile->seq;
    if (group->part.to < group->n) { // the rest of a group that had been stored in part
        group->part = (struct push_part){group->part.to, group->n};
        go_again(group);
        return;
    }
    answer->verdict = pile->verdict == PILE_VERDICT_REPEATED ? LX__GROUP_VERDICT__GROUP_REPEATED
                                                             : LX__GROUP_VERDICT__GROUP_DONE;
    finish(group);
}

static void on_partial(struct push_group *group) {
    uint64_t first = group->first_op_seq + group->part.from;
    if (group->pile.op_to < first || group->pile.op_to >= group->first_op_seq + group->part.to) {
        push_group_fail(group, STATUS_CORRUPT);
        return;
    }
    group->part.to = (size_t)(group->pile.op_to - group->first_op_seq) + 1;
    go_again(group);
}

static void on_gap(struct push_group *group) {
    Lx__PushedGroup *answer = &group->answer;
    answer->has_verdict = answer->has_op_to = answer->has_expected = true;
    answer->verdict = LX__GROUP_VERDICT__GROUP_GAP;
    answer->op_to = group->pile.op_to;
    answer->expected = group->pile.op_to + 1;
    finish(group);
}

static void on_stale(struct push_group *group) {
    roster_cache_forget(group->push->worker->handlers->rosters, group->stream);
    go_again(group);
}

// A record id, number or account is there already: once more, each record by itself, in a call of
// its own. What stands in the way even then, again and again, will do so later, too.
static void on_clash(struct push_group *group) {
    if (group->rounds == PUSH_MAX_ROUNDS) {
        push_group_refuse(group, REASON_GROUP_CLASH);
        return;
    }
    group->pile.slow = true;
    go_again(group);
}

static void on_away(struct push_group *group) {
    push_fail(group->push, REASON_DATABASE_UNAVAILABLE, RETRY_MS);
    finish(group);
}

static void on_denied(struct push_group *group) {
    push_group_refuse(group, REASON_STREAM_UNKNOWN);
}

static void on_cloned(struct push_group *group) {
    push_group_refuse(group, REASON_DEVICE_CLONED);
}

static void on_frozen(struct push_group *group) {
    push_group_refuse(group, REASON_DEVICE_FROZEN);
}

static void on_units(void *user, enum status status) {
    if (status == STATUS_OK)
        go_again(user);
    else
        on_away(user);
}

// Perhaps it has arrived, and this worker does not know yet: its unit says.
static void on_moving(struct push_group *group) {
    struct worker *worker = group->push->worker;
    if (group->units_read) {
        push_group_refuse(group, REASON_UNIT_MOVING);
        return;
    }
    group->units_read = true;
    roster_cache_forget(worker->handlers->rosters, group->stream);
    handlers_refresh_units(worker, on_units, group);
}

static void on_failed(struct push_group *group) {
    push_group_refuse(group, REASON_GROUP_FAILED);
}

static void on_piled(void *user, struct pile_group *pile) {
    static void (*const answers[])(struct push_group *) = {
        [PILE_VERDICT_NONE] = on_failed,     [PILE_VERDICT_DONE] = on_stored,
        [PILE_VERDICT_REPEATED] = on_stored, [PILE_VERDICT_PARTIAL] = on_partial,
        [PILE_VERDICT_GAP] = on_gap,         [PILE_VERDICT_CLONED] = on_cloned,
        [PILE_VERDICT_STALE] = on_stale,     [PILE_VERDICT_DENIED] = on_denied,
        [PILE_VERDICT_FROZEN] = on_frozen,   [PILE_VERDICT_CLASH] = on_clash,
        [PILE_VERDICT_FAILED] = on_failed,   [PILE_VERDICT_AWAY] = on_away,
        [PILE_VERDICT_MOVING] = on_moving,
    };
    struct push_group *group = user;
    group->with_pile = true;
    answers[pile->verdict](group);
}

// ---- judging ----

static void fill_pile_group(struct push_group *group) {
    struct pile_group *pile = &group->pile;
    pile->stream = group->stream;
    pile->device = device_of(group);
    pile->person = group->push->sender.scope->person;
    pile->op_from = group->first_op_seq + group->part.from;
    pile->n_operations = group->part.to - group->part.from;
    pile->hashes = (const uint8_t(*)[DIGEST_OPERATION_SIZE])(group->hashes + group->part.from);
    pile->scope_version = group->scope_version;
    pile->received_at_ms = request_received_at_ms(group->push->request);
    pile->done = on_piled;
    pile->user = group;
}

// To the pile: back into it when it holds the group, else as a new one.
static void write(struct push_group *group) {
    struct pile *pile = group->push->worker->pile;
    group->state = PUSH_GROUP_PILED;
    group->pile.alone = group->pile.slow || group->pile.detail != NULL;
    if (group->with_pile) {
        group->with_pile = false;
        pile_again(pile, &group->pile);
        return;
    }
    if (pile_add(pile, &group->pile) != STATUS_OK) {
        push_fail(group->push, REASON_BUSY, RETRY_MS);
        finish(group);
        return;
    }
    leave_line(group);
}

static void on_roster(void *user, enum status status, const struct roster *roster) {
    struct push_group *group = user;
    struct push *push = group->push;
    if (status == STATUS_NOT_FOUND) {
        push_group_refuse(group, REASON_STREAM_UNKNOWN);
        return;
    }
    struct judging_input input = {
        .scope = push->sender.scope,
        .roster = roster,
        .facts = &group->facts,
        .more_subjects = group->homes,
        .n_more_subjects = group->n_homes,
        .more_gone = group->gone,
        .n_more_gone = group->n_gone,
        .more_units = group->home_units,
        .n_more_units = group->n_home_units,
        .received_at_ms = request_received_at_ms(push->request),
        .op_from = group->first_op_seq + group->part.from,
        .n = group->part.to - group->part.from,
        .operations = group->operations + group->part.from,
        .scope_version = group->scope_version,
        .checks_off = push->sender.checks_off,
    };
    input.programmes =
        scheme_cache_programmes(push->worker->handlers->schemes, &input.n_programmes);
    if (status == STATUS_OK) {
        fill_pile_group(group);
        status = judging_run(&input, arena_of(group), &group->pile);
    }
    if (status != STATUS_OK)
        push_group_fail(group, status);
    else
        write(group);
}

// Whose turn it is to accept or grade depends on who holds which office now.
static bool has_review(const struct push_group *group) {
    for (size_t i = group->part.from; i < group->part.to; i++) {
        const Lx__Fact *fact = group->operations[i]->fact;
        if (fact != NULL &&
            (fact->kind == LX__FACT_KIND__ACCEPTED || fact->kind == LX__FACT_KIND__GRADE))
            return true;
    }
    return false;
}

void push_group_judge(struct push_group *group) {
    int64_t max_age_ms = has_review(group) ? 0 : ROSTER_CACHE_AGE_MS;
    roster_cache_get(group->push->worker, group->push->sender.scope, group->stream, max_age_ms,
                     on_roster, group);
}

// ---- the beginning ----

// First layer: the stream is in scope, or was until lately.
static bool may_touch(const struct push_group *group) {
    const struct push *push = group->push;
    struct uuid path[UNITS_MAX_PATH];
    if (push->sender.checks_off || scope_find_stream(push->sender.scope, group->stream) != NULL)
        return true;
    size_t n = units_path(push->worker->handlers->units, group->stream, path);
    return scope_had_over(push->sender.scope, path, n);
}

// An operation that is both by itself decides nothing here: the judge refuses it alone.
static bool is_mixed(struct push_group *group) {
    size_t facts = 0, roster = 0;
    for (size_t i = 0; i < group->n; i++) {
        const Lx__Operation *operation = group->operations[i];
        bool of_roster = operation->person != NULL || operation->membership != NULL ||
                         operation->transfer != NULL;
        facts += operation->fact != NULL && !of_roster;
        roster += operation->fact == NULL && of_roster;
    }
    group->is_roster = roster > 0;
    return facts > 0 && roster > 0;
}

void push_group_start(struct push_group *group) {
    if (is_mixed(group)) {
        push_group_refuse(group, REASON_GROUP_MIXED);
        return;
    }
    if (!may_touch(group)) {
        push_group_refuse(group, REASON_STREAM_UNKNOWN);
        return;
    }
    join_line(group);
    if (group->state == PUSH_GROUP_JUDGING)
        push_lookup(group);
}
