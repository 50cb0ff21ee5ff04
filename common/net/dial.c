// TCP connections for clients: name lookup, then one address after the other within one deadline.
#include "common/net/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"

static int wait_connected(int fd, int64_t deadline_ms) {
    for (;;) {
        int64_t left = deadline_ms - clock_monotonic_ms();
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        int count = poll(&ready, 1, left > 0 ? (int)left : 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count == 0)
            return ETIMEDOUT;
        int error = errno;
        socklen_t size = sizeof error;
        if (count > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
            error = errno;
        return error;
    }
}

// The connected descriptor, or -1 with errno.
static int connect_one(const struct addrinfo *address, int64_t deadline_ms) {
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int error = 0;
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0)
        error = errno == EINPROGRESS ? wait_connected(fd, deadline_ms) : errno;
    if (error == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

enum status dial_connect(const char *host, const char *port, int timeout_ms, int *out_fd) {
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int error = getaddrinfo(host, port, &hints, &list);
    if (error != 0)
        return error == EAI_SYSTEM || error == EAI_AGAIN ? STATUS_IO : STATUS_NOT_FOUND;
    *out_fd = -1;
    for (struct addrinfo *address = list; address != NULL && *out_fd < 0;
         address = address->ai_next)
        *out_fd = connect_one(address, deadline_ms);
    int saved_errno = errno;
    freeaddrinfo(list);
    errno = saved_errno;
    return *out_fd >= 0 ? STATUS_OK : STATUS_IO;
}
