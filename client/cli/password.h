// Passwords: from a terminal without echo, or a line of a file or of standard input. Never on the
// command line.
#pragma once

#include "client/cli/cli.h"

// Asks with `prompt` (translated), or reads the file of option `file_option` ("-": standard input).
// A NUL-terminated copy in cli->arena; NULL when there is none (said why).
const char *password_ask(struct cli *cli, const char *prompt, const char *file_option);
