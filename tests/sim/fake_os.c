// What the programs ask of the kernel, answered by the simulation. The linker's --wrap turns their
// calls here (CMakeLists.txt lists them): clocks, sleep, random bytes, signals, wake-ups, threads.
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "server/shared.h"
#include "server/thread_pool.h"
#include "tests/sim/fake.h"

// ---- clocks ----

int64_t __wrap_clock_now_ms(void);
int64_t __wrap_clock_now_ms(void) {
    return sim_wall_ms() + machine_current()->skew_ms;
}

int64_t __wrap_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void) {
    return 1000000 + sim_now_us() / SIM_MS;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left) {
    (void)left;
    fiber_sleep(time->tv_sec * SIM_SECOND + time->tv_nsec / 1000);
    return 0;
}

int __wrap_usleep(useconds_t us);
int __wrap_usleep(useconds_t us) {
    fiber_sleep(us);
    return 0;
}

// ---- random bytes ----

static void fill(uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(sim_random() >> 32);
}

ssize_t __wrap_getrandom(void *data, size_t size, unsigned flags);
ssize_t __wrap_getrandom(void *data, size_t size, unsigned flags) {
    (void)flags;
    fill(data, size);
    return (ssize_t)size;
}

int __wrap_RAND_bytes(unsigned char *data, int size);
int __wrap_RAND_bytes(unsigned char *data, int size) {
    fill(data, (size_t)size);
    return 1;
}

// ---- signals: the simulation sends them itself ----

int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old) {
    (void)old;
    if (number == SIGTERM && action != NULL)
        machine_current()->on_term = action->sa_handler;
    return 0;
}

int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old) {
    (void)how;
    (void)set;
    (void)old;
    return 0;
}

// ---- wake-ups between processes ----

static struct fiber *assessor; // borrows: sleeps in poll
static bool assessor_woken;

void fake_os_reset(void) {
    assessor_woken = false;
}

void __wrap_shared_wake(const struct shared *shared, int index);
void __wrap_shared_wake(const struct shared *shared, int index) {
    for (int i = 0; i < shared->workers; i++)
        if (i != index)
            fake_event_fd_ready(shared->worker_wake[i]);
    assessor_woken = true;
    fiber_wake(assessor);
}

void __wrap_shared_clear_wake(int wake_fd);
void __wrap_shared_clear_wake(int wake_fd) {
    (void)wake_fd;
}

// Only the assessor polls: its wake-up, or nothing (a pause).
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout_ms) {
    int64_t until_us = sim_now_us() + timeout_ms * SIM_MS;
    bool wakes = n == 1 && fds[0].fd >= 0;
    if (wakes && !assessor_woken) {
        assessor = fiber_current();
        fiber_wait(until_us);
        assessor = NULL;
    } else if (!wakes) {
        fiber_wait(until_us);
    }
    assessor_woken = false;
    return 0; // no descriptor needs to be read
}

// ---- threads: the work is done on the next turn of the loop ----

struct job {
    struct job *next;
    thread_work_fn work;
    thread_done_fn done;
    void *user;
};

struct thread_pool {
    struct event *event; // owns
    struct job *first, **last;
};

static void run_jobs(evutil_socket_t fd, short what, void *user) {
    (void)fd;
    struct thread_pool *pool = user;
    while (pool->first != NULL) {
        struct job *job = pool->first;
        pool->first = job->next;
        if (pool->first == NULL)
            pool->last = &pool->first;
        if (what != 0) // not at the end of the pool
            job->work(job->user);
        job->done(job->user);
        free(job);
    }
}

struct thread_pool *thread_pool_new(struct event_base *base, unsigned threads,
                                    unsigned queue_limit) {
    (void)threads;
    (void)queue_limit;
    struct thread_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    pool->last = &pool->first;
    pool->event = event_new(base, -1, 0, run_jobs, pool);
    return pool;
}

void thread_pool_free(struct thread_pool **pool_at) {
    struct thread_pool *pool = *pool_at;
    if (pool == NULL)
        return;
    run_jobs(-1, 0, pool);
    event_free(pool->event);
    free(pool);
    *pool_at = NULL;
}

enum status thread_pool_submit(struct thread_pool *pool, thread_work_fn work, thread_done_fn done,
                               void *user) {
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return STATUS_NO_MEMORY;
    *job = (struct job){NULL, work, done, user};
    *pool->last = job;
    pool->last = &job->next;
    event_active(pool->event, EV_TIMEOUT, 0);
    return STATUS_OK;
}
