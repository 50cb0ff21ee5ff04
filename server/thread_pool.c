// Threads with one queue in and one queue out; an eventfd tells the loop that something is
// finished.
#include "server/thread_pool.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/wire/digest.h"

struct job {
    struct job *next;
    thread_work_fn work;
    thread_done_fn done;
    void *user; // borrows
};

struct job_list {
    struct job *first, *last;
    unsigned n;
};

struct thread_pool {
    pthread_mutex_t lock; // of everything below up to `stopping`
    pthread_cond_t work_ready;
    struct job_list waiting;
    struct job_list finished;
    bool stopping;
    unsigned queue_limit;
    unsigned n_threads;
    int wake_fd;         // owns
    struct event *event; // owns
    pthread_t threads[];
};

static void push(struct job_list *list, struct job *job) {
    job->next = NULL;
    if (list->last != NULL)
        list->last->next = job;
    else
        list->first = job;
    list->last = job;
    list->n++;
}

static struct job *pop(struct job_list *list) {
    struct job *job = list->first;
    if (job == NULL)
        return NULL;
    list->first = job->next;
    if (list->first == NULL)
        list->last = NULL;
    list->n--;
    return job;
}

static void *run_thread(void *user) {
    struct thread_pool *pool = user;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        struct job *job = pop(&pool->waiting);
        if (job == NULL) {
            pthread_cond_wait(&pool->work_ready, &pool->lock);
            continue;
        }
        pthread_mutex_unlock(&pool->lock);
        job->work(job->user);
        pthread_mutex_lock(&pool->lock);
        push(&pool->finished, job);
        uint64_t one = 1;
        ssize_t written = write(pool->wake_fd, &one, sizeof one);
        (void)written; // a full counter wakes as well
    }
    pthread_mutex_unlock(&pool->lock);
    digest_thread_end();
    return NULL;
}

// Calls back for everything on the list.
static void finish_all(struct job_list *list) {
    for (struct job *job; (job = pop(list)) != NULL;) {
        job->done(job->user);
        free(job);
    }
}

static void on_finished(evutil_socket_t fd, short what, void *user) {
    (void)what;
    struct thread_pool *pool = user;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)got;
    pthread_mutex_lock(&pool->lock);
    struct job_list finished = pool->finished;
    pool->finished = (struct job_list){0};
    pthread_mutex_unlock(&pool->lock);
    finish_all(&finished);
}

static void start_threads(struct thread_pool *pool, unsigned threads) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // signals belong to the loop
    while (pool->n_threads < threads &&
           pthread_create(&pool->threads[pool->n_threads], NULL, run_thread, pool) == 0)
        pool->n_threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct thread_pool *thread_pool_new(struct event_base *base, unsigned threads,
                                    unsigned queue_limit) {
    struct thread_pool *pool = calloc(1, sizeof *pool + threads * sizeof pool->threads[0]);
    if (pool == NULL)
        return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work_ready, NULL);
    pool->queue_limit = queue_limit;
    pool->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (pool->wake_fd >= 0)
        pool->event = event_new(base, pool->wake_fd, EV_READ | EV_PERSIST, on_finished, pool);
    if (pool->event != NULL && event_add(pool->event, NULL) == 0)
        start_threads(pool, threads);
    if (pool->n_threads == 0)
        thread_pool_free(&pool);
    return pool;
}

void thread_pool_free(struct thread_pool **pool_at) {
    struct thread_pool *pool = *pool_at;
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->work_ready);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->n_threads; i++)
        pthread_join(pool->threads[i], NULL);
    finish_all(&pool->finished);
    finish_all(&pool->waiting);
    if (pool->event != NULL)
        event_free(pool->event);
    if (pool->wake_fd >= 0)
        close(pool->wake_fd);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->work_ready);
    free(pool);
    *pool_at = NULL;
}

enum status thread_pool_submit(struct thread_pool *pool, thread_work_fn work, thread_done_fn done,
                               void *user) {
    struct job *job = malloc(sizeof *job);
    if (job == NULL)
        return STATUS_NO_MEMORY;
    *job = (struct job){.work = work, .done = done, .user = user};
    pthread_mutex_lock(&pool->lock);
    bool full = pool->waiting.n >= pool->queue_limit;
    if (!full) {
        push(&pool->waiting, job);
        pthread_cond_signal(&pool->work_ready);
    }
    pthread_mutex_unlock(&pool->lock);
    if (!full)
        return STATUS_OK;
    free(job);
    return STATUS_LIMIT;
}
