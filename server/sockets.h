// The listening sockets: one a worker, opened here or handed over by whoever started us. Handed
// over they outlive us: what connects while one lianxiaod ends and the next begins waits in them,
// and nobody is refused. Called by master.c, which owns what comes out.
#pragma once

#include "common/base/status.h"

struct config;

// Fills out_fds (n of them; on failure those not opened are -1) and sets config->port to the port
// that they have. Handed over (LISTEN_PID, LISTEN_FDS as systemd has them, from descriptor 3 on;
// the variables are taken away): each must listen and there may be at most n; fewer are shared.
// STATUS_IO: it could not be done; the log says why.
enum status sockets_open(struct config *config, int n, int *out_fds) MUST_USE;
