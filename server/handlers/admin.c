// Names, and finding a unit by its code. See admin.h.
#include "server/handlers/admin.h"

#include <stdio.h>

#include "common/text/utf8.h"
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

// A unit that could not be looked for is not unknown.
static void on_refreshed(void *user, enum status status) {
    struct finding *finding = user;
    if (status != STATUS_OK)
        request_fail_status(finding->request, status, "unit");
    else
        finding->done(finding->user, find(finding));
}

void admin_find_unit(struct request *request, const char *code, admin_unit_fn done, void *user) {
    struct finding *finding = arena_alloc(request_arena(request), sizeof(*finding));
    if (finding == NULL) {
        request_fail_status(request, STATUS_NO_MEMORY, "unit");
        return;
    }
    *finding = (struct finding){request, code, done, user};
    const struct unit_row *unit = find(finding);
    if (unit != NULL)
        done(user, unit);
    else
        handlers_refresh_units(request_worker(request), on_refreshed, finding);
}

bool admin_check_name(struct request *request, const char *name, size_t max_characters,
                      const char *field) {
    static const enum reason_id reasons[] = {
        [UTF8_FLAW_NONE] = REASON_NONE,         [UTF8_FLAW_ENCODING] = REASON_TEXT_ENCODING,
        [UTF8_FLAW_NUL] = REASON_TEXT_ENCODING, [UTF8_FLAW_CONTROL] = REASON_TEXT_CONTROL,
        [UTF8_FLAW_BIDI] = REASON_TEXT_BIDI,
    };
    struct view text = view_from_string(name);
    enum reason_id reason = reasons[utf8_check_name(text, NULL)];
    char cap[24];
    snprintf(cap, sizeof(cap), "%zu", max_characters);
    if (reason != REASON_NONE)
        request_fail(request, reason, field, NULL);
    else if (text.size == 0 || utf8_trim(text).size != text.size)
        request_fail(request, REASON_TEXT_EMPTY, field, NULL);
    else if (utf8_count(text) > max_characters)
        request_fail(request, REASON_TEXT_TOO_LONG, field, cap, NULL);
    else
        return true;
    return false;
}
