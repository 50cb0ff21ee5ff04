// Names of accounts: the rule that server and operators' tool ask; a constraint of lx.account says
// it again.
#pragma once

#include <stdbool.h>

#define ACCOUNT_NAME_RULE "3 to 64 of a-z 0-9 . _ -"

bool account_name_is_valid(const char *name); // NULL: no
