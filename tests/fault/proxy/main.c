// The fault proxy. Listens on a free port of the loopback and carries every connection to the
// target, with the fault that its plan says. Usage:
//
//   lx_fault_proxy --to PORT --seed N [--log FILE] [--replay FILE]   prints "port N", then obeys
//   lx_fault_proxy --plan COUNT --seed N                             prints the first decisions
//
// Orders, a line each on standard input: heal, faults (again), cut (all connections now), counts
// (answered by a line of JSON). It ends with its input.
#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fault/proxy/link.h"
#include "tests/lib/precise_base.h"

struct options {
    uint64_t seed, plans;
    uint16_t to;
    const char *log, *replay;
};

struct state {
    struct proxy proxy;
    uint64_t seed;
    FILE *replay; // owns
    struct event *accepting, *orders;
    char line[256];
    size_t line_size;
};

// The plan of a connection: from the log that is replayed as long as it has any, else from the
// seed.
static struct plan plan_for(struct state *state, uint64_t number) {
    uint64_t logged;
    struct plan plan;
    if (state->replay != NULL && plan_read(state->replay, &logged, &plan))
        return plan;
    return plan_decide(state->seed, number);
}

static void on_accept(evutil_socket_t listener, short what, void *user) {
    struct state *state = user;
    (void)what;
    evutil_socket_t client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0)
        return;
    uint64_t number = ++state->proxy.counts.connections;
    struct plan plan = plan_for(state, number);
    if (state->proxy.log != NULL)
        plan_print(state->proxy.log, number, &plan);
    link_open(&state->proxy, client, number, &plan);
}

static void print_counts(const struct counts *counts) {
    printf("{\"connections\": %" PRIu64, counts->connections);
    for (int i = 1; i < FAULT_KINDS; i++)
        printf(", \"%s\": %" PRIu64, fault_names[i], counts->happened[i]);
    printf(", \"to_server\": %" PRIu64 ", \"to_client\": %" PRIu64 "}\n", counts->bytes[TO_SERVER],
           counts->bytes[TO_CLIENT]);
    fflush(stdout);
}

static void obey(struct state *state, const char *order) {
    if (strcmp(order, "heal") == 0)
        link_heal_all(&state->proxy);
    else if (strcmp(order, "faults") == 0)
        state->proxy.healed = false;
    else if (strcmp(order, "cut") == 0)
        link_cut_all(&state->proxy);
    else if (strcmp(order, "counts") == 0)
        print_counts(&state->proxy.counts);
}

static void on_orders(evutil_socket_t fd, short what, void *user) {
    struct state *state = user;
    (void)what;
    ssize_t n =
        read(fd, state->line + state->line_size, sizeof(state->line) - 1 - state->line_size);
    if (n <= 0) {
        event_base_loopbreak(state->proxy.base);
        return;
    }
    state->line_size += (size_t)n;
    state->line[state->line_size] = '\0';
    char *end;
    while ((end = strchr(state->line, '\n')) != NULL) {
        *end = '\0';
        obey(state, state->line);
        state->line_size -= (size_t)(end + 1 - state->line);
        memmove(state->line, end + 1, state->line_size + 1);
    }
}

static int listen_on(uint16_t *out_port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 512) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return -1;
    *out_port = ntohs(address.sin_port);
    return fd;
}

static bool read_options(int argc, char **argv, struct options *out) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--to") == 0)
            out->to = (uint16_t)strtoul(value, NULL, 10);
        else if (strcmp(name, "--seed") == 0)
            out->seed = strtoull(value, NULL, 10);
        else if (strcmp(name, "--plan") == 0)
            out->plans = strtoull(value, NULL, 10);
        else if (strcmp(name, "--log") == 0)
            out->log = value;
        else if (strcmp(name, "--replay") == 0)
            out->replay = value;
        else
            return false;
    }
    return argc % 2 == 1 && (out->plans > 0 || out->to > 0);
}

static int serve(struct state *state, const struct options *options) {
    struct sockaddr_in target = {.sin_family = AF_INET,
                                 .sin_port = htons(options->to),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint16_t port = 0;
    int listener = listen_on(&port);
    state->proxy.base = precise_base(); // delays are never shorter than planned
    if (listener < 0 || state->proxy.base == NULL) {
        perror("lx_fault_proxy");
        return 1;
    }
    state->proxy.target = (const struct sockaddr *)&target;
    state->proxy.target_size = sizeof(target);
    struct event_base *base = state->proxy.base;
    state->accepting = event_new(base, listener, EV_READ | EV_PERSIST, on_accept, state);
    state->orders = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_orders, state);
    event_add(state->accepting, NULL);
    event_add(state->orders, NULL);
    printf("port %u\n", port);
    fflush(stdout);
    event_base_dispatch(base);
    link_cut_all(&state->proxy);
    event_free(state->accepting);
    event_free(state->orders);
    event_base_free(base);
    close(listener);
    return 0;
}

int main(int argc, char **argv) {
    struct options options = {0};
    if (!read_options(argc, argv, &options)) {
        fprintf(stderr, "usage: lx_fault_proxy --to PORT --seed N [--log FILE] [--replay FILE]\n");
        return 2;
    }
    for (uint64_t i = 1; i <= options.plans; i++) {
        struct plan plan = plan_decide(options.seed, i);
        plan_print(stdout, i, &plan);
    }
    if (options.plans > 0)
        return 0;
    signal(SIGPIPE, SIG_IGN);
    struct state state = {.seed = options.seed};
    state.proxy.log = options.log != NULL ? fopen(options.log, "w") : NULL;
    state.replay = options.replay != NULL ? fopen(options.replay, "r") : NULL;
    if ((options.log != NULL && state.proxy.log == NULL) ||
        (options.replay != NULL && state.replay == NULL)) {
        perror("lx_fault_proxy");
        return 1;
    }
    int exit_code = serve(&state, &options);
    if (state.proxy.log != NULL)
        fclose(state.proxy.log);
    if (state.replay != NULL)
        fclose(state.replay);
    return exit_code;
}
