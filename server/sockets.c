// See sockets.h.
#include "server/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "server/config.h"

#define BACKLOG 4096
#define FIRST_HANDED_OVER 3

static int open_socket(const char *host, int port) {
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *address = NULL;
    if (getaddrinfo(host, service, &hints, &address) != 0) {
        log_error("listen = %s: not a numeric address", host);
        return -1;
    }
    int one = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0 ||
        bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        log_error("%s port %d: %s", host, port, strerror(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(address);
    return fd;
}

static int port_of(int fd) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    memset(&address, 0, sizeof address);
    socklen_t size = sizeof address;
    if (getsockname(fd, &address.any, &size) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

// How many were handed over to this very process; our children must not take them for theirs.
static int count_handed_over(void) {
    const char *pid = getenv("LISTEN_PID");
    const char *count = getenv("LISTEN_FDS");
    bool ours = pid != NULL && count != NULL && strtol(pid, NULL, 10) == getpid();
    int n = ours ? (int)strtol(count, NULL, 10) : 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return n;
}

static bool make_ready(int fd) {
    int listens = 0;
    socklen_t size = sizeof listens;
    int flags = fcntl(fd, F_GETFL);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0 &&
           flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static enum status take_over(struct config *config, int handed, int n, int *out_fds) {
    if (handed > n) { // one that no worker serves would let its connections wait for ever
        log_error("%d sockets were handed over for %d workers: set workers = %d", handed, n,
                  handed);
        return STATUS_IO;
    }
    for (int i = 0; i < n; i++) {
        out_fds[i] = i < handed ? FIRST_HANDED_OVER + i
                                : fcntl(out_fds[i % handed], F_DUPFD_CLOEXEC, FIRST_HANDED_OVER);
        if (out_fds[i] < 0 || !make_ready(out_fds[i])) {
            log_error("descriptor %d was handed over and is no listening socket",
                      FIRST_HANDED_OVER + i % handed);
            return STATUS_IO;
        }
    }
    config->port = port_of(out_fds[0]);
    return STATUS_OK;
}

enum status sockets_open(struct config *config, int n, int *out_fds) {
    for (int i = 0; i < n; i++)
        out_fds[i] = -1;
    int handed = count_handed_over();
    if (handed > 0)
        return take_over(config, handed, n, out_fds);
    for (int i = 0; i < n; i++) {
        out_fds[i] = open_socket(config->listen, config->port);
        if (out_fds[i] < 0)
            return STATUS_IO;
        if (config->port == 0) // any will do: then all have the first one's
            config->port = port_of(out_fds[i]);
    }
    return STATUS_OK;
}
