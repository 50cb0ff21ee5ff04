// Thread pool, clocks, random numbers and password hashes that do the same for the same input. See
// replaced.h; functions called __wrap_ are put in by the linker's --wrap.
#include "tests/fuzz/server/replaced.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "server/password.h"
#include "server/thread_pool.h"

struct job {
    struct job *next;
    thread_work_fn work;
    thread_done_fn done;
    void *user;
};

struct thread_pool {
    struct job *first;
};

static struct thread_pool *pool;
static int64_t time_ms;
static uint64_t random_state;

int64_t __wrap_clock_now_ms(void);
int64_t __wrap_clock_monotonic_ms(void);
ssize_t __wrap_getrandom(void *room, size_t size, unsigned flags);
int __wrap_RAND_bytes(unsigned char *room, int size);
enum status __wrap_password_check(struct view password, const char *stored);
enum status __wrap_password_hash(struct view password, char out_hash[PASSWORD_HASH_SIZE]);

void replaced_begin(int64_t now_ms) {
    time_ms = now_ms;
    random_state = 88172645463325252u;
}

void replaced_pass(int64_t ms) {
    time_ms += ms;
}

int64_t __wrap_clock_now_ms(void) {
    return time_ms;
}

int64_t __wrap_clock_monotonic_ms(void) {
    return time_ms;
}

ssize_t __wrap_getrandom(void *room, size_t size, unsigned flags) {
    (void)flags;
    for (size_t i = 0; i < size; i++) {
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        ((uint8_t *)room)[i] = (uint8_t)random_state;
    }
    return (ssize_t)size;
}

int __wrap_RAND_bytes(unsigned char *room, int size) {
    (void)__wrap_getrandom(room, (size_t)size, 0);
    return 1;
}

// Right is a password whose length is even; a stored hash that is none is corrupt.
enum status __wrap_password_check(struct view password, const char *stored) {
    if (stored != NULL && stored[0] == '\0')
        return STATUS_CORRUPT;
    return stored != NULL && password.size % 2 == 0 ? STATUS_OK : STATUS_DENIED;
}

enum status __wrap_password_hash(struct view password, char out_hash[PASSWORD_HASH_SIZE]) {
    memcpy(out_hash, "right", sizeof "right");
    return password_is_acceptable(password) ? STATUS_OK : STATUS_INVALID;
}

struct thread_pool *thread_pool_new(struct event_base *base, unsigned threads,
                                    unsigned queue_limit) {
    (void)base;
    (void)threads;
    (void)queue_limit;
    pool = calloc(1, sizeof *pool);
    return pool;
}

static bool finish_job(bool work) {
    struct job *job = pool != NULL ? pool->first : NULL;
    if (job == NULL)
        return false;
    pool->first = job->next;
    if (work)
        job->work(job->user);
    job->done(job->user);
    free(job);
    return true;
}

bool replaced_run_job(void) {
    return finish_job(true);
}

void thread_pool_free(struct thread_pool **at) {
    while (finish_job(false)) {
    }
    free(*at);
    *at = pool = NULL;
}

#define QUEUE_LIMIT 8

enum status thread_pool_submit(struct thread_pool *to, thread_work_fn work, thread_done_fn done,
                               void *user) {
    struct job **end = &to->first;
    size_t n = 0;
    for (; *end != NULL; n++)
        end = &(*end)->next;
    if (n >= QUEUE_LIMIT)
        return STATUS_LIMIT;
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return STATUS_NO_MEMORY;
    *job = (struct job){NULL, work, done, user};
    *end = job;
    return STATUS_OK;
}
