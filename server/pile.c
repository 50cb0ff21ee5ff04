// The pure part of the write path: queues per route, what goes into a batch, what happens after it.
#include "server/pile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROUTES 64
#define FEW 16

enum route_state {
    ROUTE_IDLE,    // nothing in flight
    ROUTE_WRITING, // a batch is with the writer
    ROUTE_CALLING, // outcomes are being told; nothing is written until all are
};

struct list {
    struct pile_group *first;
    struct pile_group *last;
};

// One writing connection's queue.
struct route {
    enum route_state state;
    struct list waiting;
    struct list held;    // outcome told, neither released nor back in the queue
    size_t waiting_rows; // of `waiting`
    size_t splitting;    // groups at the front that failed together and go in smaller batches
    size_t split_size;   // groups a batch meanwhile
    bool culprit_found;  // one has failed alone: the rest is probably good, batches grow again
    unsigned tries;      // of the batch in flight that came to nothing so far
    struct pile_batch batch;
    size_t batch_capacity;       // of batch.groups, which the route owns
    struct pile_group *few[FEW]; // batch.groups at first: a batch goes without memory, too
};

struct pile {
    struct pile_writer writer;
    unsigned n_routes;
    struct route routes[];
};

static void list_push_back(struct list *list, struct pile_group *group) {
    group->next = NULL;
    if (list->last != NULL)
        list->last->next = group;
    else
        list->first = group;
    list->last = group;
}

static void list_push_front(struct list *list, struct pile_group *group) {
    group->next = list->first;
    list->first = group;
    if (list->last == NULL)
        list->last = group;
}

static void list_remove_after(struct list *list, struct pile_group *before) {
    struct pile_group **link = before != NULL ? &before->next : &list->first;
    struct pile_group *removed = *link;
    *link = removed->next;
    if (list->last == removed)
        list->last = before;
    removed->next = NULL;
}

static void list_remove(struct list *list, const struct pile_group *group) {
    struct pile_group *before = NULL;
    for (struct pile_group *at = list->first; at != group; at = at->next)
        before = at;
    list_remove_after(list, before);
}

// A group is never free of cost, even when all of it was refused: it owes a head and an audit row.
static size_t rows_of(const struct pile_group *group) {
    return group->n_facts + 1;
}

// FNV-1a: spreads random ids; collisions only cost a little order or a little waiting.
static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static struct route *route_of(struct pile *pile, const struct pile_group *group) {
    uint64_t hash = hash_bytes(UINT64_C(0xcbf29ce484222325), group->stream.bytes, UUID_SIZE);
    return &pile->routes[(hash >> 32) % pile->n_routes];
}

static uint64_t key_of(const struct pile_group *group) {
    uint64_t hash = hash_bytes(UINT64_C(0xcbf29ce484222325), group->device, PILE_DEVICE_SIZE);
    return hash_bytes(hash, group->stream.bytes, UUID_SIZE);
}

struct pile *pile_new(unsigned routes, struct pile_writer writer) {
    assert(routes >= 1 && routes <= MAX_ROUTES);
    struct pile *pile = calloc(1, sizeof(*pile) + routes * sizeof(struct route));
    if (pile == NULL)
        return NULL;
    pile->writer = writer;
    pile->n_routes = routes;
    for (unsigned i = 0; i < routes; i++) {
        struct route *route = &pile->routes[i];
        route->batch.route = i;
        route->batch.groups = route->few;
        route->batch_capacity = FEW;
    }
    return pile;
}

// Hands the outcome to the owner, who calls pile_again or pile_release, now or later.
static void tell(struct route *route, struct pile_group *group) {
    group->state = PILE_GROUP_HELD;
    list_push_back(&route->held, group);
    group->done(group->user, group);
}

static void turn_away_waiting(struct route *route) {
    struct list waiting = route->waiting;
    route->waiting = (struct list){NULL, NULL};
    route->waiting_rows = 0;
    route->splitting = 0;
    while (waiting.first != NULL) {
        struct pile_group *group = waiting.first;
        list_remove_after(&waiting, NULL);
        group->verdict = PILE_VERDICT_AWAY;
        tell(route, group);
    }
}

void pile_free(struct pile **pile) {
    if (*pile == NULL)
        return;
    for (unsigned i = 0; i < (*pile)->n_routes; i++) {
        struct route *route = &(*pile)->routes[i];
        assert(route->state == ROUTE_IDLE);
        route->state = ROUTE_CALLING; // nothing is written from now on
        while (route->waiting.first != NULL)
            turn_away_waiting(route);
        if (route->batch.groups != route->few)
            free(route->batch.groups);
    }
    free(*pile);
    *pile = NULL;
}

static bool is_blocked(const struct route *route, uint64_t key) {
    for (const struct pile_group *held = route->held.first; held != NULL; held = held->next)
        if (held->key == key)
            return true;
    for (size_t i = 0; i < route->batch.n_groups; i++)
        if (route->batch.groups[i]->key == key)
            return true;
    return false;
}

static bool batch_reserve(struct route *route) {
    if (route->batch.n_groups < route->batch_capacity)
        return true;
    bool has_few = route->batch.groups == route->few;
    size_t capacity = 2 * route->batch_capacity;
    struct pile_group **groups =
        realloc(has_few ? NULL : route->batch.groups, capacity * sizeof(*groups));
    if (groups == NULL)
        return false; // what is in the batch goes, the rest waits
    if (has_few)
        memcpy(groups, route->few, sizeof route->few);
    route->batch.groups = groups;
    route->batch_capacity = capacity;
    return true;
}

// May `group` be the next of the batch that has `rows` rows? A group alone comes first or not at
// all.
static bool fits(const struct route *route, const struct pile_group *group, size_t rows) {
    if (route->batch.n_groups == 0)
        return true;
    if (group->alone || rows + rows_of(group) > PILE_BATCH_ROWS)
        return false;
    return route->splitting == 0 || route->batch.n_groups < route->split_size;
}

// Moves what may go together from the queue to the batch, in order; blocked groups stay in place.
static void fill_batch(struct route *route) {
    struct pile_group *before = NULL;
    struct pile_group *group = route->waiting.first;
    size_t rows = 0;
    route->batch.n_groups = 0;
    route->batch.n_facts = 0;
    while (group != NULL) {
        struct pile_group *next = group->next;
        if (is_blocked(route, group->key)) {
            before = group;
        } else {
            if (!fits(route, group, rows) || !batch_reserve(route))
                break;
            list_remove_after(&route->waiting, before);
            route->batch.groups[route->batch.n_groups++] = group;
            route->batch.n_facts += group->n_facts;
            rows += rows_of(group);
            group->state = PILE_GROUP_WRITING;
            if (group->alone)
                break;
        }
        group = next;
    }
    route->waiting_rows -= rows;
}

static void pump(struct pile *pile, struct route *route) {
    if (route->state != ROUTE_IDLE || route->waiting.first == NULL)
        return;
    fill_batch(route);
    if (route->batch.n_groups == 0)
        return;
    route->state = ROUTE_WRITING;
    route->batch.tries = route->tries + 1;
    pile->writer.write(pile->writer.user, &route->batch);
}

enum status pile_add(struct pile *pile, struct pile_group *group) {
    if (pile_waiting_rows(pile) + rows_of(group) > PILE_WAITING_ROWS)
        return STATUS_LIMIT;
    struct route *route = route_of(pile, group);
    group->key = key_of(group);
    group->state = PILE_GROUP_WAITING;
    group->verdict = PILE_VERDICT_NONE;
    list_push_back(&route->waiting, group);
    route->waiting_rows += rows_of(group);
    pump(pile, route);
    return STATUS_OK;
}

void pile_again(struct pile *pile, struct pile_group *group) {
    struct route *route = route_of(pile, group);
    assert(group->state == PILE_GROUP_HELD);
    list_remove(&route->held, group);
    group->state = PILE_GROUP_WAITING;
    group->verdict = PILE_VERDICT_NONE;
    list_push_front(&route->waiting, group);
    route->waiting_rows += rows_of(group);
    pump(pile, route);
}

void pile_release(struct pile *pile, struct pile_group *group) {
    struct route *route = route_of(pile, group);
    assert(group->state == PILE_GROUP_HELD);
    list_remove(&route->held, group);
    group->state = PILE_GROUP_GONE;
    pump(pile, route);
}

// The batch goes back to the front of the queue, in its order.
static void put_back(struct route *route) {
    for (size_t i = route->batch.n_groups; i > 0; i--) {
        struct pile_group *group = route->batch.groups[i - 1];
        group->state = PILE_GROUP_WAITING;
        list_push_front(&route->waiting, group);
        route->waiting_rows += rows_of(group);
    }
    route->batch.n_groups = 0;
}

static void set_verdicts(struct route *route, enum pile_verdict verdict) {
    for (size_t i = 0; i < route->batch.n_groups; i++)
        route->batch.groups[i]->verdict = verdict;
}

// Every group of the batch has its outcome: tell the owners.
static void tell_batch(struct route *route) {
    size_t n = route->batch.n_groups;
    route->batch.n_groups = 0; // a released group may be sent again from inside done
    for (size_t i = 0; i < n; i++)
        tell(route, route->batch.groups[i]);
}

static void count_success(struct route *route) {
    size_t n = route->batch.n_groups;
    route->splitting = route->splitting > n ? route->splitting - n : 0;
    if (route->culprit_found)
        route->split_size *= 2;
}

static void split(struct route *route) {
    size_t n = route->batch.n_groups;
    if (route->splitting < n)
        route->splitting = n;
    route->split_size = n / 2;
    route->culprit_found = false;
    put_back(route);
}

static bool is_worth_a_try(const struct route *route, enum status status) {
    return (status == STATUS_IO || status == STATUS_CONFLICT) && route->tries < PILE_MAX_TRIES;
}

// Decides what the writer's status means for the batch.
static void settle(struct route *route, enum status status) {
    route->tries++;
    if (is_worth_a_try(route, status)) {
        put_back(route);
        return;
    }
    route->tries = 0;
    if (status == STATUS_OK) {
        count_success(route);
        tell_batch(route);
    } else if (status == STATUS_AGAIN || status == STATUS_IO) {
        set_verdicts(route, PILE_VERDICT_AWAY);
        tell_batch(route);
        turn_away_waiting(route); // they would only wait as long for the same answer
    } else if (route->batch.n_groups > 1) {
        split(route);
    } else {
        route->culprit_found = true;
        count_success(route);
        route->batch.groups[0]->verdict =
            status == STATUS_EXISTS ? PILE_VERDICT_CLASH : PILE_VERDICT_FAILED;
        tell_batch(route);
    }
}

void pile_finish(struct pile *pile, unsigned index, enum status status) {
    struct route *route = &pile->routes[index];
    assert(route->state == ROUTE_WRITING);
    route->state = ROUTE_CALLING;
    settle(route, status);
    route->state = ROUTE_IDLE;
    pump(pile, route);
}

size_t pile_waiting_rows(const struct pile *pile) {
    size_t rows = 0;
    for (unsigned i = 0; i < pile->n_routes; i++)
        rows += pile->routes[i].waiting_rows;
    return rows;
}

bool pile_is_idle(const struct pile *pile) {
    for (unsigned i = 0; i < pile->n_routes; i++) {
        const struct route *route = &pile->routes[i];
        if (route->state != ROUTE_IDLE || route->waiting.first != NULL || route->held.first != NULL)
            return false;
    }
    return true;
}
