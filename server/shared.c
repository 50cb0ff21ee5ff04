// The ring is a sequence of slots with a number each, written without locks: a writer that is
// killed in the middle leaves a hole, never a stop.
#include "server/shared.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

enum status shared_new(int workers, struct shared **out_shared) {
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return STATUS_NO_MEMORY;
    shared->workers = workers;
    bool good = true;
    for (int i = 0; i < workers; i++) {
        shared->worker_wake[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        good = good && shared->worker_wake[i] >= 0;
    }
    shared->assessor_wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    *out_shared = shared;
    if (good && shared->assessor_wake >= 0)
        return STATUS_OK;
    shared_free(out_shared);
    return STATUS_IO;
}

void shared_free(struct shared **shared_at) {
    struct shared *shared = *shared_at;
    if (shared == NULL)
        return;
    for (int i = 0; i < shared->workers; i++)
        if (shared->worker_wake[i] >= 0)
            close(shared->worker_wake[i]);
    if (shared->assessor_wake >= 0)
        close(shared->assessor_wake);
    munmap(shared, sizeof *shared);
    *shared_at = NULL;
}

void shared_put(struct shared *shared, struct uuid stream, uint64_t head) {
    uint64_t number = atomic_fetch_add(&shared->next, 1);
    struct shared_slot *slot = &shared->ring[number % SHARED_RING_SIZE];
    atomic_store(&slot->number, 0);
    slot->stream = stream;
    atomic_store(&slot->head, head);
    atomic_store(&slot->number, number + 1);
}

bool shared_take(struct shared *shared, uint64_t *position, struct uuid *out_stream,
                 uint64_t *out_head, bool *out_lost) {
    uint64_t next = atomic_load(&shared->next);
    if (next - *position > SHARED_RING_SIZE) {
        *out_lost = true;
        *position = next - SHARED_RING_SIZE / 2;
    }
    while (*position < next) {
        struct shared_slot *slot = &shared->ring[*position % SHARED_RING_SIZE];
        uint64_t number = atomic_load(&slot->number);
        *out_stream = slot->stream;
        *out_head = atomic_load(&slot->head);
        bool whole = number == *position + 1 && atomic_load(&slot->number) == number;
        (*position)++;
        if (whole)
            return true;
        *out_lost = true;
    }
    return false;
}

static void wake(int fd) {
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof one);
    (void)written; // a full counter wakes as well
}

void shared_wake(const struct shared *shared, int index) {
    for (int i = 0; i < shared->workers; i++)
        if (i != index)
            wake(shared->worker_wake[i]);
    wake(shared->assessor_wake);
}

void shared_clear_wake(int wake_fd) {
    uint64_t count;
    ssize_t got = read(wake_fd, &count, sizeof count);
    (void)got;
}
