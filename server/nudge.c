// A hash table of subscribed streams, each with the ring of its subscribers. Hints are collected
// for 20 ms and told once per stream and subscriber; a peer that does not read is told later.
#include "server/nudge.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/log.h"
#include "proto/ledger.pb-c.h"
#include "proto/wire.pb-c.h"
#include "server/conn.h"
#include "server/db/db.h"
#include "server/worker.h"

#define BUCKETS 4096      // streams of a large city and more
#define COLLECT_MS 20     // a burst of pushes gives one nudge
#define POLL_MS 1000      // the longest that a lost hint may cost
#define POLL_BATCH 1000   // streams per query
#define MAX_DISTRICTS 256 // in one poll's scope

// One connection's interest in one stream.
struct nudge_link {
    struct nudge_stream *stream; // borrows
    struct conn *conn;           // borrows
    struct nudge_link *next, *previous;
    uint64_t told; // newest head that the peer knows of
};

struct subscription {
    size_t n;
    struct nudge_link links[];
};

struct nudge_stream {
    struct uuid id;
    int32_t district;
    bool dirty;
    uint64_t head;
    struct nudge_link *links;
    struct nudge_stream *next_in_bucket;
    struct nudge_stream *next_dirty;
};

struct nudge {
    struct worker *worker;                 // borrows
    struct nudge_stream *buckets[BUCKETS]; // owns what is in them
    size_t stream_count;
    struct nudge_stream *dirty;
    struct event *collect; // owns
    struct event *poll;    // owns
    unsigned polls_under_way;
};

static size_t bucket_of(struct uuid id) {
    uint32_t hash;
    memcpy(&hash, id.bytes + 12, sizeof hash); // the random end of a UUID
    return hash % BUCKETS;
}

static struct nudge_stream *find(const struct nudge *nudge, struct uuid id) {
    struct nudge_stream *stream = nudge->buckets[bucket_of(id)];
    while (stream != NULL && !uuid_equal(stream->id, id))
        stream = stream->next_in_bucket;
    return stream;
}

static struct nudge_stream *find_or_add(struct nudge *nudge, const struct nudge_head *head) {
    struct nudge_stream *stream = find(nudge, head->stream);
    if (stream != NULL) {
        stream->district = head->district; // it may have moved to another
        return stream;
    }
    stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    stream->id = head->stream;
    stream->district = head->district;
    stream->head = head->head;
    struct nudge_stream **bucket = &nudge->buckets[bucket_of(head->stream)];
    stream->next_in_bucket = *bucket;
    *bucket = stream;
    nudge->stream_count++;
    return stream;
}

static void mark_dirty(struct nudge *nudge, struct nudge_stream *stream) {
    if (stream->dirty || stream->links == NULL)
        return;
    stream->dirty = true;
    stream->next_dirty = nudge->dirty;
    nudge->dirty = stream;
    if (!evtimer_pending(nudge->collect, NULL)) {
        struct timeval after = {0, COLLECT_MS * 1000};
        evtimer_add(nudge->collect, &after);
    }
}

// Takes a stream without subscribers out of the table, unless it is on the dirty list (then later).
static void drop_if_unused(struct nudge *nudge, struct nudge_stream *stream) {
    if (stream->links != NULL || stream->dirty)
        return;
    struct nudge_stream **at = &nudge->buckets[bucket_of(stream->id)];
    while (*at != stream)
        at = &(*at)->next_in_bucket;
    *at = stream->next_in_bucket;
    nudge->stream_count--;
    free(stream);
}

static void unlink_one(struct nudge *nudge, struct nudge_link *link) {
    if (link->previous != NULL)
        link->previous->next = link->next;
    else
        link->stream->links = link->next;
    if (link->next != NULL)
        link->next->previous = link->previous;
    drop_if_unused(nudge, link->stream);
}

void nudge_unsubscribe(struct conn *conn) {
    struct subscription *subscription = conn->subscription;
    if (subscription == NULL)
        return;
    conn->subscription = NULL;
    for (size_t i = 0; i < subscription->n; i++)
        unlink_one(conn->worker->nudge, &subscription->links[i]);
    free(subscription);
}

enum status nudge_subscribe(struct conn *conn, const struct nudge_head *heads, size_t n) {
    struct nudge *nudge = conn->worker->nudge;
    nudge_unsubscribe(conn);
    if (n == 0)
        return STATUS_OK;
    struct subscription *subscription =
        calloc(1, sizeof *subscription + n * sizeof subscription->links[0]);
    if (subscription == NULL)
        return STATUS_NO_MEMORY;
    conn->subscription = subscription;
    for (size_t i = 0; i < n; i++) {
        struct nudge_link *link = &subscription->links[i];
        struct nudge_stream *stream = find_or_add(nudge, &heads[i]);
        if (stream == NULL) {
            nudge_unsubscribe(conn);
            return STATUS_NO_MEMORY;
        }
        *link = (struct nudge_link){stream, conn, stream->links, NULL, heads[i].head};
        if (link->next != NULL)
            link->next->previous = link;
        stream->links = link;
        subscription->n++;
        if (stream->head > link->told)
            mark_dirty(nudge, stream);
        else
            nudge_moved(nudge, stream->id, link->told); // others may not have heard of it
    }
    return STATUS_OK;
}

void nudge_moved(struct nudge *nudge, struct uuid id, uint64_t head) {
    struct nudge_stream *stream = find(nudge, id);
    if (stream == NULL || stream->head >= head)
        return;
    stream->head = head;
    mark_dirty(nudge, stream);
}

// Tells every subscriber that is behind; false: one could not take it and is told later.
static bool tell(struct nudge_stream *stream) {
    bool all = true;
    Lx__Nudge message = LX__NUDGE__INIT;
    message.has_stream = true;
    message.stream = (ProtobufCBinaryData){UUID_SIZE, stream->id.bytes};
    message.has_head = true;
    message.head = stream->head;
    for (struct nudge_link *link = stream->links; link != NULL; link = link->next) {
        if (link->told >= stream->head)
            continue;
        if (conn_send_event(link->conn, LX__METHOD__NUDGE, &message.base))
            link->told = stream->head;
        else
            all = false;
    }
    return all;
}

static void on_collect(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    struct nudge *nudge = user;
    struct nudge_stream *list = nudge->dirty;
    nudge->dirty = NULL;
    while (list != NULL) {
        struct nudge_stream *stream = list;
        list = stream->next_dirty;
        stream->dirty = false;
        if (!tell(stream))
            mark_dirty(nudge, stream);
        else
            drop_if_unused(nudge, stream);
    }
}

// ---- the look at the heads themselves ----

struct poll {
    struct nudge *nudge; // borrows
    struct arena *arena; // owns
};

static void on_heads(void *user, enum status status, const struct db_result *result) {
    struct poll *poll = user;
    struct nudge *nudge = poll->nudge;
    nudge->polls_under_way--;
    arena_free(&poll->arena);
    free(poll);
    if (status != STATUS_OK)
        return; // the next second asks again
    for (int row = 0; row < db_rows(result); row++)
        nudge_moved(nudge, db_uuid(result, row, 0), (uint64_t)db_int8(result, row, 2));
}

struct district_set {
    int32_t numbers[MAX_DISTRICTS];
    size_t n;
};

static void add_district(struct district_set *set, int32_t district) {
    for (size_t i = 0; i < set->n; i++)
        if (set->numbers[i] == district)
            return;
    if (set->n < MAX_DISTRICTS)
        set->numbers[set->n++] = district;
}

static const char *district_text(const struct district_set *set, char *room, size_t size) {
    size_t used = 0;
    for (size_t i = 0; i < set->n && used < size; i++)
        used +=
            (size_t)snprintf(room + used, size - used, "%c%d", i == 0 ? '{' : ',', set->numbers[i]);
    if (used + 2 > size)
        return NULL;
    memcpy(room + used, "}", 2);
    return room;
}

static void ask(struct nudge *nudge, const struct uuid *ids, size_t n,
                const struct district_set *districts) {
    char text[MAX_DISTRICTS * 12 + 2];
    struct poll *poll = calloc(1, sizeof *poll);
    struct arena *arena = arena_new(0);
    if (n == 0 || poll == NULL || arena == NULL) {
        arena_free(&arena);
        free(poll);
        return;
    }
    *poll = (struct poll){nudge, arena};
    struct db_params *params = db_params_new(arena);
    db_param_uuid_array(params, n, ids, NULL);
    nudge->polls_under_way++;
    struct db_scope scope = {.districts = district_text(districts, text, sizeof text)};
    db_query(nudge->worker->reads, scope, "heads_of", params, on_heads, poll);
}

void nudge_poll(struct nudge *nudge) {
    if (nudge->polls_under_way > 0 || nudge->stream_count == 0)
        return;
    struct uuid *ids = calloc(POLL_BATCH, sizeof *ids);
    struct district_set districts = {.n = 0};
    size_t n = 0;
    for (size_t i = 0; ids != NULL && i < BUCKETS; i++) {
        for (struct nudge_stream *stream = nudge->buckets[i]; stream != NULL;
             stream = stream->next_in_bucket) {
            ids[n++] = stream->id;
            add_district(&districts, stream->district);
            if (n < POLL_BATCH)
                continue;
            ask(nudge, ids, n, &districts);
            n = 0;
            districts.n = 0;
        }
    }
    ask(nudge, ids, n, &districts);
    free(ids);
}

static void on_poll(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    nudge_poll(user);
}

struct nudge *nudge_new(struct worker *worker) {
    struct nudge *nudge = calloc(1, sizeof *nudge);
    if (nudge == NULL)
        return NULL;
    nudge->worker = worker;
    nudge->collect = evtimer_new(worker->base, on_collect, nudge);
    nudge->poll = event_new(worker->base, -1, EV_PERSIST, on_poll, nudge);
    struct timeval every = {POLL_MS / 1000, (POLL_MS % 1000) * 1000};
    if (nudge->collect == NULL || nudge->poll == NULL || event_add(nudge->poll, &every) != 0)
        nudge_free(&nudge);
    return nudge;
}

void nudge_free(struct nudge **nudge_at) {
    struct nudge *nudge = *nudge_at;
    if (nudge == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (nudge->buckets[i] != NULL) {
            struct nudge_stream *stream = nudge->buckets[i];
            nudge->buckets[i] = stream->next_in_bucket;
            free(stream);
        }
    }
    if (nudge->collect != NULL)
        event_free(nudge->collect);
    if (nudge->poll != NULL)
        event_free(nudge->poll);
    free(nudge);
    *nudge_at = NULL;
}
