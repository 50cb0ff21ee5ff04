// The assessor's process: keeps standings, roll-ups and watermarks up with the ledger. One per
// node, forked and restarted by the master; several may run, a district's row lock keeps one writer
// each.
#pragma once

struct config;

// Runs until SIGTERM or SIGINT and returns the exit code (0). wake_fd: an eventfd that workers
// write after a commit, or -1; without it new facts are found within a fifth of a second.
int assessor_run(const struct config *config, int wake_fd);
