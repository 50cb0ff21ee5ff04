// What device.c, user.c, grant.c and enrol.c share: the verdicts of their SQL functions, names that
// people type, and finding a unit by its code, also one that was imported a moment ago.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "server/request.h"
#include "server/units.h"

enum admin_verdict {
    ADMIN_DONE = 1,
    ADMIN_FORBIDDEN = 2, // unknown, or not the caller's to give: the same answer
    ADMIN_EXISTS = 3,
    ADMIN_ROLE_MISFIT = 4, // the role does not fit the unit's level
};

// done may run at once or later; unit is NULL when there is none, and valid inside done only. The
// request must still be open. Without memory the request is refused, and done does not run.
typedef void (*admin_unit_fn)(void *user, const struct unit_row *unit);
void admin_find_unit(struct request *request, const char *code, admin_unit_fn done, void *user);

// A name of one line, at most so many characters. false: the request is answered.
bool admin_check_name(struct request *request, const char *name, size_t max_characters,
                      const char *field);
