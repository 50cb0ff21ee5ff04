// The parameters of a reason in the person's language: kinds, roles, capabilities, units and
// fields come as the tables' names ("submitted", "record_workshop"). Used by exit.c.
#pragma once

#include "client/cli/cli.h"

// `value` of the reason's parameter `name`, in words where it is a name of a table, else itself.
const char *words_of_parameter(const struct cli *cli, const char *name, const char *value);
