// Starts TCP connections for clients.
#pragma once

#include "common/base/status.h"

// Resolves `host` (name or numeric) and connects, waiting at most timeout_ms in all; tries the
// addresses in turn. *out_fd is connected, non-blocking, TCP_NODELAY, close-on-exec and owned by
// the caller. STATUS_NOT_FOUND: no such host; STATUS_IO: errno says why (ETIMEDOUT, ECONNREFUSED,
// ...).
enum status dial_connect(const char *host, const char *port, int timeout_ms, int *out_fd) MUST_USE;
