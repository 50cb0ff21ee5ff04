// What an operation has to wait for. One rule, asked twice: when keys are given out (may it go?),
// and for the person who looks (what holds it back?), then through all that stands between.
#include "client/store/db.h"

// An operation of this outbox that another one may have to wait for.
struct obstacle {
    int64_t id;
    enum outbox_state state;
    struct uuid stream;
    int64_t op_seq;
    bool own;  // an earlier change of the very record
    bool held; // waits, and the server would not take its group
};

typedef enum status (*obstacle_fn)(void *user, const struct obstacle *obstacle);

static enum status each_of(struct store *store, sqlite3_stmt *statement, bool own, obstacle_fn fn,
                           void *user) {
    enum status status;
    while ((status = db_step(store, statement)) == STATUS_OK) {
        const struct obstacle obstacle = {
            .id = sqlite3_column_int64(statement, 0),
            .state = (enum outbox_state)sqlite3_column_int(statement, 1),
            .stream = db_column_id(statement, 2),
            .op_seq = sqlite3_column_int64(statement, 3),
            .own = own,
            .held = sqlite3_column_int(statement, 4) != 0,
        };
        status = fn(user, &obstacle);
        if (status != STATUS_OK)
            break;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

#define OBSTACLE_COLUMNS "select id, state, stream, op_seq, state = 1 and reason is not null"

// The newest operation about a needed record. A record that this outbox never made is at the
// server.
static enum status each_need(struct store *store, const struct outbox_entry *entry,
                             struct uuid record, obstacle_fn fn, void *user) {
    bool own = uuid_equal(record, entry->record);
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement,
                OBSTACLE_COLUMNS " from outbox where record = ?1 and id <> ?2"
                                 " and (?3 = 0 or id < ?2) order by state = 4, id desc limit 1",
                "uii", &record, entry->id, (int64_t)own));
    enum status status = each_of(store, statement, own, fn, user);
    db_close(store, &statement);
    return status;
}

// Where somebody belongs is changed in one order over all streams: his last place ends before the
// next begins, though both travel in different groups, which the server takes side by side.
static enum status each_move(struct store *store, const struct outbox_entry *entry, obstacle_fn fn,
                             void *user) {
    const Lx__Membership *membership = entry->operation->membership;
    if (membership == NULL)
        return STATUS_OK;
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement,
                OBSTACLE_COLUMNS " from outbox where state = 1 and id < ?1 and record in"
                                 " (select id from row where subject = ?2 and kind = ?3"
                                 " and layer = 0) order by id",
                "ibi", entry->id, view_from(membership->person.data, membership->person.len),
                (int64_t)STORE_KIND_MEMBERSHIP));
    enum status status = each_of(store, statement, false, fn, user);
    db_close(store, &statement);
    return status;
}

static enum status each_obstacle(struct store *store, const struct outbox_entry *entry,
                                 obstacle_fn fn, void *user) {
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement, "select record from outbox_need where operation = ?1", "i",
                entry->id));
    enum status status;
    while ((status = db_step(store, statement)) == STATUS_OK) {
        status = each_need(store, entry, db_column_id(statement, 0), fn, user);
        if (status != STATUS_OK)
            break;
    }
    db_close(store, &statement);
    return status == STATUS_NOT_FOUND ? each_move(store, entry, fn, user) : status;
}

// ---- may it go? ----

enum ready { READY, LATER, BLOCKED };

static bool holds(const struct outbox_entries *entries, int64_t id) {
    for (size_t i = 0; entries && i < entries->count; i++)
        if (entries->entries[i].id == id)
            return true;
    return false;
}

static enum ready judge(const struct outbox_entry *entry, const struct obstacle *obstacle,
                        const struct outbox_entries *sealing) {
    if (obstacle->state == OUTBOX_REFUSED || (obstacle->state == OUTBOX_ARCHIVED && !obstacle->own))
        return BLOCKED;
    bool goes_before = uuid_equal(obstacle->stream, entry->stream) &&
                       (obstacle->op_seq > 0 || holds(sealing, obstacle->id));
    return obstacle->state == OUTBOX_WAITING && !goes_before ? LATER : READY;
}

struct going {
    const struct outbox_entry *entry;
    const struct outbox_entries *sealing;
    bool ready;
};

static enum status may_go(void *user, const struct obstacle *obstacle) {
    struct going *going = user;
    going->ready = going->ready && judge(going->entry, obstacle, going->sealing) == READY;
    return STATUS_OK;
}

enum status outbox_is_ready(struct store *store, const struct outbox_entry *entry,
                            const struct outbox_entries *sealing, bool *out_ready) {
    struct going going = {entry, sealing, true};
    enum status status = each_obstacle(store, entry, may_go, &going);
    *out_ready = status == STATUS_OK && going.ready;
    return status;
}

// ---- what holds it back? ----

// A walk over what waits for what; each operation is visited once.
struct walk {
    struct store *store; // borrows
    struct arena *arena; // borrows
    int64_t *ids;        // in the arena: visited, or to be
    size_t n_ids, capacity;
    const struct outbox_entry *entry; // where it stands
    int64_t blocker;                  // 0: none found
};

static enum status walk_to(struct walk *walk, int64_t id) {
    for (size_t i = 0; i < walk->n_ids; i++)
        if (walk->ids[i] == id)
            return STATUS_OK;
    if (walk->n_ids == walk->capacity) {
        size_t capacity = 2 * walk->capacity + 8;
        int64_t *ids = arena_array(walk->arena, capacity, sizeof *ids);
        if (!ids)
            return STATUS_NO_MEMORY;
        for (size_t i = 0; i < walk->n_ids; i++)
            ids[i] = walk->ids[i];
        walk->ids = ids;
        walk->capacity = capacity;
    }
    walk->ids[walk->n_ids++] = id;
    return STATUS_OK;
}

// Of what waits in the stream before this entry and the server would not take: nothing behind it
// goes. 0: there is none.
static enum status find_held(struct store *store, struct uuid stream, int64_t id,
                             int64_t *out_held) {
    return db_int(store, out_held,
                  "select coalesce(min(id), 0) from outbox where stream = ?1 and state = 1"
                  " and reason is not null and id < ?2",
                  "ui", &stream, id);
}

static enum status meet(void *user, const struct obstacle *obstacle) {
    struct walk *walk = user;
    enum ready ready = judge(walk->entry, obstacle, NULL);
    if (ready == READY || walk->blocker != 0)
        return STATUS_OK;
    if (ready == BLOCKED || obstacle->held) {
        walk->blocker = obstacle->id;
        return STATUS_OK;
    }
    TRY(find_held(walk->store, obstacle->stream, obstacle->id, &walk->blocker));
    if (walk->blocker != 0 || obstacle->op_seq > 0) // what is under way is held back by nothing
        return STATUS_OK;
    return walk_to(walk, obstacle->id);
}

enum status outbox_find_blocker(struct store *store, const struct outbox_entry *entry,
                                struct arena *arena, int64_t *out_blocker) {
    struct walk walk = {.store = store, .arena = arena, .entry = entry};
    if (entry->reason == NULL)
        TRY(find_held(store, entry->stream, entry->id, &walk.blocker));
    TRY(each_obstacle(store, entry, meet, &walk));
    for (size_t i = 0; i < walk.n_ids && walk.blocker == 0; i++) {
        struct outbox_entry next;
        TRY(outbox_read(store, walk.ids[i], arena, &next));
        walk.entry = &next;
        TRY(each_obstacle(store, &next, meet, &walk));
    }
    *out_blocker = walk.blocker;
    return STATUS_OK;
}

// Cheap where nothing can be blocked, which is the rule.
static enum status may_be_blocked(struct store *store, bool *out_may) {
    int64_t one;
    enum status status = db_int(store, &one,
                                "select 1 from outbox where state = 1 and (reason is not null or"
                                " id in (select n.operation from outbox o join outbox_need n"
                                "  on n.record = o.record where o.state in (3, 4))) limit 1",
                                "");
    *out_may = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status store_outbox_blocked(struct store *store, uint64_t *out_blocked) {
    bool may;
    *out_blocked = 0;
    TRY(may_be_blocked(store, &may));
    if (!may)
        return STATUS_OK;
    sqlite3_stmt *statement;
    TRY(db_open(store, &statement, "select id from outbox where state = 1 and op_seq = 0", ""));
    struct arena *arena = arena_new(0);
    enum status status = arena ? STATUS_OK : STATUS_NO_MEMORY;
    while (status == STATUS_OK && (status = db_step(store, statement)) == STATUS_OK) {
        struct outbox_entry entry;
        status = store_outbox_get(store, sqlite3_column_int64(statement, 0), arena, &entry);
        *out_blocked += status == STATUS_OK && entry.blocked_by != 0;
        arena_reset(arena);
    }
    arena_free(&arena);
    db_close(store, &statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
