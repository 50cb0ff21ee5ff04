// A driver for volume: calls a fuzz target with mutations of its corpus as often as it goes,
// without coverage and sanitizers, for SECONDS. Usage: NAME SECONDS SEED CORPUS_FOLDER... Ends with
// libFuzzer's "stat::number_of_executed_units: N". A crash leaves its input in the file
// "crash-volume" of the current folder, or of LX_FUZZ_ARTIFACTS.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
__attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                                                     unsigned seed);

#define MAX_INPUTS 20000
#define MAX_SIZE 4096
#define CLOCK_EVERY 256 // executions between looks at the clock
#define HANGS_S 20      // one execution

struct input {
    uint8_t *data;
    size_t size;
};

static struct input inputs[MAX_INPUTS];
static size_t n_inputs;
static uint8_t current[MAX_SIZE];
static size_t current_size;
static uint64_t state;
static char crash_file[4096] = "crash-volume";

static uint64_t dice(uint64_t sides) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % sides;
}

static void on_crash(int number) {
    int file = open(crash_file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file >= 0 && write(file, current, current_size) >= 0)
        close(file);
    signal(number, SIG_DFL);
    raise(number);
}

static void load_file(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL || n_inputs == MAX_INPUTS)
        return;
    uint8_t *room = malloc(MAX_SIZE);
    size_t size = room != NULL ? fread(room, 1, MAX_SIZE, file) : 0;
    fclose(file);
    if (size < MAX_SIZE) // larger ones are not cut: they would be something else
        inputs[n_inputs++] = (struct input){room, size};
    else
        free(room);
}

static void load(const char *folder) {
    DIR *listing = opendir(folder);
    if (listing == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
        if (entry->d_type == DT_REG)
            load_file(folder, entry->d_name);
    closedir(listing);
}

static size_t insert(uint8_t *data, size_t size, size_t max_size) {
    size_t at = dice(size + 1), n = 1 + dice(8);
    if (n > max_size - size)
        return size;
    memmove(data + at + n, data + at, size - at);
    for (size_t i = 0; i < n; i++)
        data[at + i] = (uint8_t)dice(256);
    return size + n;
}

static size_t erase(uint8_t *data, size_t size) {
    size_t at = dice(size), n = 1 + dice(8);
    if (n > size - at)
        n = size - at;
    memmove(data + at, data + at + n, size - at - n);
    return size - n;
}

static size_t cross(uint8_t *data, size_t max_size) {
    const struct input *other = &inputs[dice(n_inputs)];
    if (other->size == 0)
        return 0;
    size_t from = dice(other->size), n = other->size - from, at = dice(max_size);
    at = at < current_size ? at : current_size;
    n = n < max_size - at ? n : max_size - at;
    memcpy(data + at, other->data + from, n);
    return at + n;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) {
    static const uint8_t odd[] = {0, 1, 2, 4, 16, 32, 127, 128, 255, 254, '\n', ',', '"', ':', '-'};
    for (uint64_t times = 1 + dice(4); times > 0; times--) {
        uint64_t what = size > 0 ? dice(8) : 7;
        if (what < 2)
            data[dice(size)] ^= (uint8_t)(1u << dice(8));
        else if (what < 4)
            data[dice(size)] = odd[dice(sizeof odd)];
        else if (what < 5)
            data[dice(size)] = (uint8_t)dice(256);
        else if (what < 6)
            size = erase(data, size);
        else if (what < 7 && dice(4) == 0 && n_inputs > 0)
            size = cross(data, max_size);
        else
            size = insert(data, size, max_size);
    }
    return size;
}

static void choose(void) {
    if (n_inputs == 0 || dice(64) == 0) {
        current_size = 0;
    } else {
        const struct input *input = &inputs[dice(n_inputs)];
        current_size = input->size;
        if (input->size > 0)
            memcpy(current, input->data, input->size);
    }
    if (LLVMFuzzerCustomMutator != NULL)
        current_size = LLVMFuzzerCustomMutator(current, current_size, MAX_SIZE, (unsigned)state);
    else
        current_size = LLVMFuzzerMutate(current, current_size, MAX_SIZE);
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    const char *artifacts = getenv("LX_FUZZ_ARTIFACTS");
    if (artifacts != NULL)
        snprintf(crash_file, sizeof crash_file, "%s/crash-volume", artifacts);
    state = strtoull(argv[2], NULL, 10) * 2654435761u + 88172645463325252u;
    for (int i = 3; i < argc; i++)
        load(argv[i]);
    const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], on_crash);
    time_t until = time(NULL) + strtoll(argv[1], NULL, 10);
    unsigned long executions = 0;
    for (bool going = true; going;) {
        choose();
        (void)LLVMFuzzerTestOneInput(current, current_size);
        if (++executions % CLOCK_EVERY != 0)
            continue;
        alarm(HANGS_S);
        going = time(NULL) < until;
    }
    fprintf(stderr, "stat::number_of_executed_units: %lu\n", executions);
    return 0;
}
