// libevent as the programs use it: loops, timers, activation, signals. A loop that has nothing to
// do gives its fiber's place away. No descriptor is ever watched, except that the wake-ups between
// processes keep their numbers.
#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include "tests/sim/fake.h"

struct event {
    struct event_base *base;
    evutil_socket_t fd; // or the signal's number
    short what;
    event_callback_fn fn;
    void *user;
    bool added;  // waits for its time, descriptor or signal
    bool active; // is called on the loop's next turn
    bool once;   // freed after its call
    short result;
    int64_t due_us; // INT64_MAX: no time
    int64_t every_us;
    struct event *next, *previous; // all of the base, in order of making
};

struct event_base {
    struct fiber *fiber; // that sleeps in the loop
    struct machine *machine;
    struct event *first, *last;
    bool broken;
    struct event_base *next;
};

static struct event_base *bases;

struct event_base *event_base_new(void) {
    struct event_base *base = calloc(1, sizeof *base);
    if (base == NULL)
        return NULL;
    base->machine = machine_current();
    base->next = bases;
    bases = base;
    return base;
}

void event_base_free(struct event_base *base) {
    struct event_base **at = &bases;
    while (*at != base)
        at = &(*at)->next;
    *at = base->next;
    while (base->first != NULL)
        event_free(base->first);
    free(base);
}

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what,
                        event_callback_fn fn, void *user) {
    struct event *event = calloc(1, sizeof *event);
    if (event == NULL)
        return NULL;
    *event = (struct event){.base = base, .fd = fd, .what = what, .fn = fn, .user = user};
    event->due_us = INT64_MAX;
    event->previous = base->last;
    if (base->last != NULL)
        base->last->next = event;
    else
        base->first = event;
    base->last = event;
    return event;
}

void event_free(struct event *event) {
    struct event_base *base = event->base;
    if (event->previous != NULL)
        event->previous->next = event->next;
    else
        base->first = event->next;
    if (event->next != NULL)
        event->next->previous = event->previous;
    else
        base->last = event->previous;
    free(event);
}

int event_add(struct event *event, const struct timeval *after) {
    event->added = true;
    if (after == NULL)
        return 0;
    int64_t us = after->tv_sec * SIM_SECOND + after->tv_usec;
    event->every_us = event->what & EV_PERSIST ? us : 0;
    event->due_us = sim_now_us() + us;
    fiber_wake(event->base->fiber);
    return 0;
}

int event_del(struct event *event) {
    event->added = event->active = false;
    event->due_us = INT64_MAX;
    return 0;
}

void event_active(struct event *event, int result, short calls) {
    (void)calls;
    event->active = true;
    event->result = (short)result;
    fiber_wake(event->base->fiber);
}

int event_pending(const struct event *event, short what, struct timeval *when) {
    (void)when;
    return event->added || event->active ? what : 0;
}

int event_base_once(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn fn,
                    void *user, const struct timeval *after) {
    struct event *event = event_new(base, fd, what, fn, user);
    if (event == NULL)
        return -1;
    event->once = true;
    return event_add(event, after);
}

int event_base_loopbreak(struct event_base *base) {
    base->broken = true;
    fiber_wake(base->fiber);
    return 0;
}

static bool is_due(const struct event *event) {
    return event->active || (event->added && event->due_us <= sim_now_us());
}

static void call(struct event *event) {
    short result = event->active ? event->result : EV_TIMEOUT;
    event_callback_fn fn = event->fn;
    evutil_socket_t fd = event->fd;
    void *user = event->user;
    event->active = false;
    if (event->every_us > 0)
        event->due_us = sim_now_us() + event->every_us;
    else if (!(event->what & EV_PERSIST))
        event_del(event);
    if (event->once)
        event_free(event);
    fn(fd, result, user);
}

// Calls one after the other what is due now; each call may change the list, so it is walked anew.
static bool call_all(struct event_base *base) {
    bool called = false;
    for (int calls = 0; calls < 1000 && !base->broken; calls++) {
        struct event *event = base->first;
        while (event != NULL && !is_due(event))
            event = event->next;
        if (event == NULL)
            break;
        called = true;
        call(event);
    }
    return called;
}

static int64_t next_due_us(const struct event_base *base) {
    int64_t due_us = INT64_MAX;
    for (const struct event *event = base->first; event != NULL; event = event->next)
        if (event->added && event->due_us < due_us)
            due_us = event->due_us;
    return due_us;
}

int event_base_loop(struct event_base *base, int flags) {
    assert(flags == EVLOOP_ONCE);
    (void)flags;
    while (!call_all(base) && !base->broken) {
        base->fiber = fiber_current();
        fiber_wait(next_due_us(base));
        base->fiber = NULL;
    }
    base->broken = false;
    return 0;
}

void fake_event_fd_ready(int fd) {
    for (struct event_base *base = bases; base != NULL; base = base->next)
        for (struct event *event = base->first; event != NULL; event = event->next)
            if (event->fd == fd && event->added && (event->what & EV_READ))
                event_active(event, EV_READ, 0);
}

void fake_event_signal(const struct machine *machine, int number) {
    for (struct event_base *base = bases; base != NULL; base = base->next)
        for (struct event *event = base->first; event != NULL && base->machine == machine;
             event = event->next)
            if (event->fd == number && event->added && (event->what & EV_SIGNAL))
                event_active(event, EV_SIGNAL, 0);
}
