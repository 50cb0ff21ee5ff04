// Finding a unit by its code. See admin.h.
#include "server/handlers/admin.h"

#include "server/handlers.h"
#include "server/worker.h"

struct finding {
    struct request *request; // borrows
    const char *code;
    admin_unit_fn done;
    void *user;
};

static const struct unit_row *find(const struct finding *finding) {
    const struct units *units = request_worker(finding->request)->handlers->units;
    return units_find_code(units, view_from_string(finding->code));
}

static void on_refreshed(void *user) {
    struct finding *finding = user;
    finding->done(finding->user, find(finding));
}

void admin_find_unit(struct request *request, const char *code, admin_unit_fn done, void *user) {
    struct finding *finding = arena_alloc(request_arena(request), sizeof(*finding));
    if (finding == NULL) {
        done(user, NULL);
        return;
    }
    *finding = (struct finding){request, code, done, user};
    const struct unit_row *unit = find(finding);
    if (unit != NULL)
        done(user, unit);
    else
        handlers_refresh_units(request_worker(request), on_refreshed, finding);
}
