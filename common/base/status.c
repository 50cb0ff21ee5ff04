// Names of the status values, for logs.
// Owns nothing; called by whoever logs a failure.
#include "common/base/status.h"

#include <stddef.h>

static const char *const status_names[] = {
    [STATUS_OK] = "ok",         [STATUS_INVALID] = "invalid", [STATUS_NOT_FOUND] = "not found",
    [STATUS_DENIED] = "denied", [STATUS_EXISTS] = "exists",   [STATUS_CONFLICT] = "conflict",
    [STATUS_LIMIT] = "limit",   [STATUS_AGAIN] = "again",     [STATUS_NO_MEMORY] = "no memory",
    [STATUS_IO] = "io",         [STATUS_CORRUPT] = "corrupt",
};

const char *status_name(enum status status) {
    size_t index = (size_t)status;
    if (index >= sizeof(status_names) / sizeof(status_names[0]))
        return "unknown";
    return status_names[index];
}
