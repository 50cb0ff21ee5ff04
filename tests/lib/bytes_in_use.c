// Put before a program with LD_PRELOAD, it tells from outside how many bytes of the heap are in
// use: at SIGRTMIN + 5 each process appends a line to "$LX_BYTES_IN_USE.<pid>". Exact, unlike the
// size of the process: one kept allocation shows. Called by tests/integration/watching.py.
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ASKED (SIGRTMIN + 5)

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static const char *place; // borrows: of the environment

static size_t bytes_in_use(void) {
    return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
                                                   : mallinfo2().uordblks;
}

// Nothing here allocates (snprintf does not for whole numbers): the signal may come in a malloc.
static void on_asked(int signal_number) {
    (void)signal_number;
    int before = errno;
    char name[4096], line[32];
    snprintf(name, sizeof name, "%s.%d", place, (int)getpid());
    int size = snprintf(line, sizeof line, "%zu\n", bytes_in_use());
    int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, (size_t)size) != size)
        abort();
    close(fd);
    errno = before;
}

__attribute__((constructor)) static void begin(void) {
    const struct sigaction action = {.sa_handler = on_asked, .sa_flags = SA_RESTART};
    place = getenv("LX_BYTES_IN_USE");
    if (place)
        sigaction(ASKED, &action, NULL);
}
