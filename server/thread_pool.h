// Work that would hold the event loop up (password hashing, signing certificates): done on a few
// threads, finished on the loop. Owned by the worker.
#pragma once

#include "common/base/status.h"

struct event_base;
struct thread_pool; // opaque

typedef void (*thread_work_fn)(void *user); // on a thread: no event, no database, no log of secrets
typedef void (*thread_done_fn)(
    void *user); // on the loop, exactly once, never before submit returns

// queue_limit: jobs that may wait. NULL when threads can't be had.
struct thread_pool *thread_pool_new(struct event_base *base, unsigned threads,
                                    unsigned queue_limit);
// Waits for the jobs that run. `done` of those that waited still runs before this returns, without
// their `work`: what a job finds out must start as "not done".
void thread_pool_free(struct thread_pool **pool);
// STATUS_LIMIT: the queue is full (answer `busy`); STATUS_NO_MEMORY.
enum status thread_pool_submit(struct thread_pool *pool, thread_work_fn work, thread_done_fn done,
                               void *user) MUST_USE;
