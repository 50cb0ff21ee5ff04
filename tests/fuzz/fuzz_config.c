// libFuzzer: any bytes as the server's configuration file. What is taken lies within its limits and
// is printed so that it reads back as the same; what is not leaves a message.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
    if (!holds)
        abort();
}

static void write_all(int file, const void *data, size_t size) {
    check(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size);
}

static void check_limits(const struct config *config) {
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        const struct config_key *key = &CONFIG_KEYS[i];
        const char *place = (const char *)config + key->offset;
        int number;
        if (key->type != CONFIG_TYPE_INT)
            continue;
        memcpy(&number, place, sizeof number);
        check(number >= key->min && number <= key->max);
    }
}

struct text {
    char *data; // owns
    size_t size;
};

// What reading the bytes makes of the defaults, as it is shown; what is said on the way.
static enum status read_and_show(const void *data, size_t size, struct text *said,
                                 struct text *shown) {
    static int file = -1;
    static char path[64];
    struct config config;
    if (file < 0) {
        file = memfd_create("config", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    FILE *errors = open_memstream(&said->data, &said->size);
    FILE *out = open_memstream(&shown->data, &shown->size);
    check(errors != NULL && out != NULL);
    write_all(file, data, size);
    config_set_defaults(&config);
    enum status status = config_read_file(&config, path, errors);
    check_limits(&config);
    config_show(&config, out);
    fclose(errors);
    fclose(out);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct text said = {0}, shown = {0}, said_again = {0}, shown_again = {0};
    enum status status = read_and_show(data, size, &said, &shown);
    check(status == STATUS_OK || said.size > 0);
    if (status == STATUS_OK) {
        check(read_and_show(shown.data, shown.size, &said_again, &shown_again) == STATUS_OK);
        check(strcmp(shown.data, shown_again.data) == 0);
    }
    free(said.data);
    free(shown.data);
    free(said_again.data);
    free(shown_again.data);
    return 0;
}
