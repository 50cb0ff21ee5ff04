// Accepting with a budget: a storm of reconnects must not starve those who are connected, and a
// full descriptor table must not turn the loop into a busy one. See listener.h.
#include "server/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "server/conn.h"
#include "server/shared.h"
#include "server/worker.h"

#define PAUSE_MS 100 // when descriptors are short or too many wait to be refused
#define REFUSED_EXTRA                                                                              \
    64 // connections over the limit that are told so; beyond they wait in the queue

struct listener {
    struct worker *worker; // borrows
    int fd;                // owns: this process's copy of the master's; -1: stopped
    int spare_fd;          // owns; given up to accept and close when there are no descriptors
    struct event *ready;   // owns
    struct event *resume;  // owns
};

static void pause_accepting(struct listener *listener) {
    struct timeval after = {0, PAUSE_MS * 1000};
    if (evtimer_add(listener->resume, &after) == 0) // else nobody would end the pause
        event_del(listener->ready);
}

static void on_resume(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    struct listener *listener = user;
    if (listener->spare_fd < 0)
        listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (event_add(listener->ready, NULL) != 0)
        pause_accepting(listener); // no memory: tried again
}

// No descriptors: the spare one takes the first in the queue, only to close it: it learns at once.
static void drop_one(struct listener *listener) {
    log_warning("no more descriptors: a connection was closed");
    if (listener->spare_fd >= 0)
        close(listener->spare_fd);
    int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        close(fd);
    listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pause_accepting(listener);
}

static void peer_text(const struct sockaddr_storage *address, char *out_text, size_t size) {
    const void *bytes = address->ss_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
    if (inet_ntop(address->ss_family, bytes, out_text, (socklen_t)size) == NULL)
        memcpy(out_text, "?", 2);
}

static unsigned limit_of(const struct worker *worker) {
    int workers = worker->shared->workers > 0 ? worker->shared->workers : 1;
    return (unsigned)((worker->config->max_connections + workers - 1) / workers);
}

// False: stop for this turn.
static bool accept_one(struct listener *listener) {
    struct worker *worker = listener->worker;
    unsigned limit = limit_of(worker);
    if (worker->conn_count >= limit + REFUSED_EXTRA) {
        pause_accepting(listener);
        return false;
    }
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    int fd =
        accept4(listener->fd, (struct sockaddr *)&address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE)
            drop_one(listener);
        else if (errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(listener);
        return errno == ECONNABORTED || errno == EINTR;
    }
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    char peer[48];
    peer_text(&address, peer, sizeof peer);
    conn_open(worker, fd, peer, worker->conn_count >= limit);
    return true;
}

static void on_acceptable(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    (void)what;
    struct listener *listener = user;
    for (int i = 0; i < listener->worker->config->accept_budget; i++)
        if (!accept_one(listener))
            return;
}

struct listener *listener_new(struct worker *worker, int listen_fd) {
    struct listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL)
        return NULL;
    listener->worker = worker;
    listener->fd = listen_fd;
    listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    listener->ready =
        event_new(worker->base, listen_fd, EV_READ | EV_PERSIST, on_acceptable, listener);
    listener->resume = evtimer_new(worker->base, on_resume, listener);
    if (listener->ready == NULL || listener->resume == NULL ||
        event_add(listener->ready, NULL) != 0)
        listener_free(&listener);
    return listener;
}

void listener_stop(struct listener *listener) {
    event_del(listener->ready);
    evtimer_del(listener->resume);
    if (listener->fd >= 0)
        close(listener->fd);
    listener->fd = -1;
}

void listener_free(struct listener **listener_at) {
    struct listener *listener = *listener_at;
    if (listener == NULL)
        return;
    if (listener->ready != NULL)
        event_free(listener->ready);
    if (listener->resume != NULL)
        event_free(listener->resume);
    if (listener->spare_fd >= 0)
        close(listener->spare_fd);
    if (listener->fd >= 0)
        close(listener->fd);
    free(listener);
    *listener_at = NULL;
}
