// The first process: opens the listening sockets, starts workers and assessor, keeps them running.
// Parses no network byte. Owned by main.c.
#pragma once

#include "server/config.h"

// Serves until SIGTERM or SIGINT; returns the exit code. SIGHUP is passed on to the workers.
int master_run(struct config *config, const struct config_source *source);
