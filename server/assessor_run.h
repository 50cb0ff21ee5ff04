// The assessor process's main, called by the master in a child of its own.
#pragma once

struct config;

// Runs until SIGTERM; returns the exit code. wake_fd: an eventfd (non-blocking) that workers write
// after a commit.
int assessor_run(const struct config *config, int wake_fd) __attribute__((weak));
