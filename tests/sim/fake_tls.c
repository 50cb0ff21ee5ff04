// TLS contexts that prove nothing: a device's certificate is a file with its id in hexadecimal.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/net/tls.h"
#include "tests/sim/fake.h"

struct tls_context {
    bool has_device;
    uint8_t device[32];
};

enum status tls_server_new(const struct tls_server_options *options, struct tls_context **out_tls,
                           char *out_error, size_t error_size) {
    (void)options;
    (void)out_error;
    (void)error_size;
    *out_tls = calloc(1, sizeof **out_tls);
    return *out_tls != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status tls_client_new(const struct tls_client_options *options, struct tls_context **out_tls,
                           char *out_error, size_t error_size) {
    struct tls_context *tls = calloc(1, sizeof *tls);
    char hex[64];
    size_t n = 0;
    unsigned byte;
    int fd = options->cert_file != NULL ? open(options->cert_file, O_RDONLY | O_CLOEXEC) : -1;
    bool whole = fd >= 0 && pread(fd, hex, sizeof hex, 0) == (ssize_t)sizeof hex;
    while (whole && tls != NULL && n < sizeof tls->device && sscanf(hex + 2 * n, "%2x", &byte) == 1)
        tls->device[n++] = (uint8_t)byte;
    if (fd >= 0)
        close(fd);
    if (tls == NULL || (options->cert_file != NULL && n < sizeof tls->device)) {
        snprintf(out_error, error_size, "no certificate");
        free(tls);
        return STATUS_INVALID;
    }
    tls->has_device = n > 0;
    *out_tls = tls;
    return STATUS_OK;
}

void tls_free(struct tls_context **tls) {
    free(*tls);
    *tls = NULL;
}

const uint8_t *fake_tls_device(const struct tls_context *tls) {
    return tls->has_device ? tls->device : NULL;
}
