// Bytes from one side to the other, and what the plan does to them. See link.h.
#include "tests/fault/proxy/link.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_MOST (256 * 1024) // unsent bytes of one side before the other is no longer read

// One direction: from its source to the other side's destination.
struct lane {
    struct link *link;
    enum direction direction;
    struct bufferevent *source; // owns
    struct evbuffer *late;      // owns: what waits for its delay
    struct event *timer;        // owns
    uint64_t bytes;             // read from the source
};

struct link {
    struct proxy *proxy; // borrows
    struct link *next, **at;
    uint64_t number;
    struct plan plan;
    bool happened;
    bool held;    // half open
    bool closing; // when the output is written
    struct lane lanes[2];
    struct ev_token_bucket_cfg *rate; // owns
};

static struct bufferevent *destination(const struct lane *lane) {
    return lane->link->lanes[1 - lane->direction].source;
}

static void link_free(struct link *link) {
    *link->at = link->next;
    if (link->next != NULL)
        link->next->at = link->at;
    for (int i = 0; i < 2; i++) {
        struct lane *lane = &link->lanes[i];
        if (lane->source != NULL)
            bufferevent_free(lane->source);
        if (lane->late != NULL)
            evbuffer_free(lane->late);
        if (lane->timer != NULL)
            event_free(lane->timer);
    }
    if (link->rate != NULL)
        ev_token_bucket_cfg_free(link->rate);
    free(link);
}

static void note(struct link *link, uint64_t at) {
    if (link->happened)
        return;
    link->happened = true;
    link->proxy->counts.happened[link->plan.fault]++;
    if (link->proxy->log != NULL) {
        fprintf(link->proxy->log, "did %" PRIu64 " %s %s %" PRIu64 "\n", link->number,
                fault_names[link->plan.fault], direction_names[link->plan.direction], at);
        fflush(link->proxy->log);
    }
}

static bool is_unsent(const struct link *link) {
    for (int i = 0; i < 2; i++) {
        const struct lane *lane = &link->lanes[i];
        if (evbuffer_get_length(bufferevent_get_output(lane->source)) > 0 ||
            evbuffer_get_length(lane->late) > 0)
            return true;
    }
    return false;
}

// Closed when what was let through is written; a peer that does not read ends with the process.
static void link_close(struct link *link) {
    link->closing = true;
    for (int i = 0; i < 2; i++)
        bufferevent_disable(link->lanes[i].source, EV_READ);
    if (!is_unsent(link))
        link_free(link);
}

static void hold(struct link *link) {
    link->held = true;
    for (int i = 0; i < 2; i++)
        bufferevent_disable(link->lanes[i].source, EV_READ);
}

static void put(struct lane *lane, struct evbuffer *bytes) {
    struct bufferevent *to = destination(lane);
    bufferevent_write_buffer(to, bytes);
    if (evbuffer_get_length(bufferevent_get_output(to)) > OUTPUT_MOST)
        bufferevent_disable(lane->source, EV_READ);
}

static void put_late(struct lane *lane, struct evbuffer *bytes) {
    struct timeval after = {.tv_usec = (suseconds_t)lane->link->plan.amount * 1000};
    evbuffer_add_buffer(lane->late, bytes);
    note(lane->link, lane->bytes);
    if (!event_pending(lane->timer, EV_TIMEOUT, NULL))
        event_add(lane->timer, &after);
}

static void corrupt(struct lane *lane, struct evbuffer *bytes, uint64_t before) {
    size_t place = (size_t)(lane->link->plan.at - before);
    unsigned char *all = evbuffer_pullup(bytes, (ev_ssize_t)place + 1);
    if (all == NULL)
        return;
    all[place] ^= (unsigned char)lane->link->plan.amount;
    note(lane->link, lane->link->plan.at);
}

// Lets through what comes before byte `at`; nothing after it.
static void stop_at(struct lane *lane, struct evbuffer *bytes, uint64_t before) {
    struct link *link = lane->link;
    struct evbuffer *head = evbuffer_new();
    evbuffer_remove_buffer(bytes, head, (size_t)(link->plan.at - before));
    put(lane, head);
    evbuffer_free(head);
    note(link, link->plan.at);
    if (link->plan.fault == FAULT_CUT) {
        evbuffer_drain(bytes, evbuffer_get_length(bytes));
        link_close(link);
    } else {
        hold(link);
    }
}

static void on_read(struct bufferevent *source, void *user) {
    struct lane *lane = user;
    struct link *link = lane->link;
    struct evbuffer *bytes = bufferevent_get_input(source);
    uint64_t before = lane->bytes;
    uint64_t size = evbuffer_get_length(bytes);
    if (link->held || link->closing)
        return;
    lane->bytes += size;
    link->proxy->counts.bytes[lane->direction] += size;
    bool here = !link->proxy->healed && !link->happened &&
                lane->direction == link->plan.direction && link->plan.at >= before &&
                link->plan.at < lane->bytes;
    if (here && (link->plan.fault == FAULT_CUT || link->plan.fault == FAULT_HALF_OPEN)) {
        stop_at(lane, bytes, before);
        return;
    }
    if (here && link->plan.fault == FAULT_CORRUPT)
        corrupt(lane, bytes, before);
    if (!link->proxy->healed && link->plan.fault == FAULT_THROTTLE)
        note(link, lane->bytes);
    if ((!link->proxy->healed && link->plan.fault == FAULT_DELAY) ||
        evbuffer_get_length(lane->late) > 0)
        put_late(lane, bytes);
    else
        put(lane, bytes);
}

static void on_late(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    struct lane *lane = user;
    put(lane, lane->late);
}

static void on_written(struct bufferevent *side, void *user) {
    struct lane *lane = user;
    struct link *link = lane->link;
    (void)side;
    if (link->closing && !is_unsent(link)) {
        link_free(link);
        return;
    }
    if (!link->held && !link->closing)
        bufferevent_enable(link->lanes[1 - lane->direction].source, EV_READ);
}

static void on_event(struct bufferevent *side, short what, void *user) {
    struct lane *lane = user;
    (void)side;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0 || lane->link->held)
        return;
    if (what & BEV_EVENT_ERROR)
        link_free(lane->link);
    else
        link_close(lane->link);
}

static bool lane_open(struct link *link, enum direction direction, evutil_socket_t fd) {
    struct lane *lane = &link->lanes[direction];
    struct event_base *base = link->proxy->base;
    lane->link = link;
    lane->direction = direction;
    lane->source = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    lane->late = evbuffer_new();
    lane->timer = evtimer_new(base, on_late, lane);
    if (lane->source == NULL || lane->late == NULL || lane->timer == NULL)
        return false;
    bufferevent_setcb(lane->source, on_read, on_written, on_event, lane);
    if (link->rate != NULL && !link->proxy->healed)
        bufferevent_set_rate_limit(lane->source, link->rate);
    return true;
}

void link_open(struct proxy *proxy, evutil_socket_t client, uint64_t number,
               const struct plan *plan) {
    struct link *link = calloc(1, sizeof(*link));
    if (link == NULL)
        abort();
    *link = (struct link){.proxy = proxy, .number = number, .plan = *plan, .next = proxy->links};
    link->at = &proxy->links;
    if (link->next != NULL)
        link->next->at = &link->next;
    proxy->links = link;
    if (plan->fault == FAULT_THROTTLE) {
        size_t rate = (size_t)plan->amount / 10 + 1;
        struct timeval tick = {.tv_usec = 100000};
        link->rate = ev_token_bucket_cfg_new(rate, rate, rate, rate, &tick);
    }
    if (!lane_open(link, TO_SERVER, client) || !lane_open(link, TO_CLIENT, -1) ||
        bufferevent_socket_connect(link->lanes[TO_CLIENT].source, proxy->target,
                                   proxy->target_size) != 0) {
        link_free(link);
        return;
    }
    for (int i = 0; i < 2; i++)
        bufferevent_enable(link->lanes[i].source, EV_READ | EV_WRITE);
}

void link_heal_all(struct proxy *proxy) {
    proxy->healed = true;
    for (struct link *link = proxy->links, *next; link != NULL; link = next) {
        next = link->next;
        bool held = link->held;
        link->held = false;
        for (int i = 0; i < 2; i++) {
            bufferevent_set_rate_limit(link->lanes[i].source, NULL);
            if (held)
                bufferevent_enable(link->lanes[i].source, EV_READ);
        }
        // what had been read when it was held goes first
        for (int i = 0; held && i < 2; i++)
            put(&link->lanes[i], bufferevent_get_input(link->lanes[i].source));
    }
}

void link_cut_all(struct proxy *proxy) {
    while (proxy->links != NULL)
        link_free(proxy->links);
}
