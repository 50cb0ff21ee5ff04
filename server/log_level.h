// The log level a configuration asks for. Used by every process of the server.
#pragma once

#include <string.h>

#include "common/base/log.h"
#include "server/config.h"

static inline enum log_level log_level_of(const struct config *config) {
    static const char *const names[] = {
        [LOG_LEVEL_DEBUG] = "debug",
        [LOG_LEVEL_INFO] = "info",
        [LOG_LEVEL_WARNING] = "warning",
        [LOG_LEVEL_ERROR] = "error",
    };
    enum log_level level = LOG_LEVEL_ERROR;
    while (level > LOG_LEVEL_DEBUG && strcmp(names[level], config->log_level) != 0)
        level--;
    return level;
}
