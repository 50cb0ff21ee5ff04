// Who may see which stream, kept apart from the server's own idea of it: grants as they were given
// and ended, units as they were built. Delivered rows are compared with it.
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

#define MAX_GRANTS 256
#define MAX_UNITS 64
#define MAX_FORMER 256

struct unit {
    struct uuid id, parent;
    char code[16];
    int level;
};

// Where a unit was before it moved.
struct former {
    struct uuid unit, parent;
    int64_t until_us;
};

struct grant {
    struct uuid id, unit;
    char account[32];
    int64_t from_us, ended_us; // INT64_MAX: not
};

struct grants {
    struct grant all[MAX_GRANTS];
    size_t n;
};

static struct unit units[MAX_UNITS];
static size_t n_units;
static struct former formers[MAX_FORMER];
static size_t n_formers;
static struct grants grants;
static struct grants kept[16]; // per backup
// Until a restored database has the journal's changes again its grants are the backup's; a backup
// that is made meanwhile has these.
static struct grants restored;
static bool is_behind;
static struct unit kept_units[16][MAX_UNITS];

void scope_begin(void) {
    struct db_result *result =
        base_ask("select id, parent, code, level from lx.unit order by level, code", NULL);
    n_units = n_formers = grants.n = 0;
    is_behind = false;
    for (int row = 0; row < db_rows(result) && n_units < MAX_UNITS; row++) {
        struct unit *unit = &units[n_units++];
        struct view code = db_text(result, row, 2);
        *unit = (struct unit){.id = db_uuid(result, row, 0), .parent = db_uuid(result, row, 1)};
        memcpy(unit->code, code.data, code.size < 15 ? code.size : 15);
        unit->level = (int)db_int8(result, row, 3);
    }
    base_free(&result);
    result = base_ask("select g.id, g.unit, a.account from lx.role_grant g join lx.account a on "
                      "a.person = g.person order by a.account",
                      NULL);
    for (int row = 0; row < db_rows(result) && grants.n < MAX_GRANTS; row++) {
        struct grant *grant = &grants.all[grants.n++];
        struct view account = db_text(result, row, 2);
        *grant = (struct grant){.id = db_uuid(result, row, 0), .unit = db_uuid(result, row, 1)};
        memcpy(grant->account, account.data, account.size < 31 ? account.size : 31);
        grant->from_us = INT64_MIN;
        grant->ended_us = INT64_MAX;
    }
    base_free(&result);
}

static const struct unit *find_unit(struct uuid id) {
    for (size_t i = 0; i < n_units; i++)
        if (uuid_equal(units[i].id, id))
            return &units[i];
    return NULL;
}

static bool lies_under(struct uuid stream, struct uuid unit, int64_t sent_us) {
    const struct unit *at = find_unit(stream);
    if (at == NULL || uuid_equal(stream, unit))
        return at != NULL;
    if (lies_under(at->parent, unit, sent_us))
        return true;
    for (size_t i = 0; i < n_formers; i++)
        if (uuid_equal(formers[i].unit, stream) &&
            formers[i].until_us + WORLD_GRACE_US >= sent_us &&
            lies_under(formers[i].parent, unit, sent_us))
            return true;
    return false;
}

bool scope_allows(const char *account, struct uuid stream, int64_t sent_us) {
    const struct unit *unit = find_unit(stream);
    if (unit != NULL && unit->level == 1) // the city's own rows are everybody's
        return true;
    for (size_t i = 0; i < grants.n; i++) {
        const struct grant *grant = &grants.all[i];
        if (strcmp(grant->account, account) == 0 && grant->from_us <= sent_us &&
            (grant->ended_us == INT64_MAX || grant->ended_us + WORLD_GRACE_US >= sent_us) &&
            lies_under(stream, grant->unit, sent_us))
            return true;
    }
    return false;
}

static void put_under(struct unit *unit, struct uuid parent) {
    if (uuid_equal(unit->parent, parent))
        return;
    if (n_formers == MAX_FORMER)
        abort();
    formers[n_formers++] = (struct former){unit->id, unit->parent, sim_now_us()};
    unit->parent = parent;
}

static struct unit *find_code(const char *code) {
    for (size_t i = 0; i < n_units; i++)
        if (strcmp(units[i].code, code) == 0)
            return &units[i];
    abort();
}

void scope_unit_put(const char *code, const char *parent) {
    put_under(find_code(code), find_code(parent)->id);
}

void scope_children_put(const char *code, const char *parent) {
    struct uuid former = find_code(code)->id;
    for (size_t i = 0; i < n_units; i++)
        if (uuid_equal(units[i].parent, former))
            put_under(&units[i], find_code(parent)->id);
}

void scope_backup(int backup) {
    kept[backup % 16] = is_behind ? restored : grants;
    memcpy(kept_units[backup % 16], units, sizeof units);
}

// What was in force until now may still be on its way.
static void restore_grants(int backup) {
    struct grants before = grants;
    grants = kept[backup % 16];
    for (size_t i = 0; i < before.n && grants.n < MAX_GRANTS; i++) {
        if (before.all[i].ended_us != INT64_MAX)
            continue;
        grants.all[grants.n] = before.all[i];
        grants.all[grants.n++].ended_us = sim_now_us();
    }
}

// With the journal grants stay as they are, nobody is served before; units are where they were.
void scope_restore(int backup, bool journal_lost) {
    restored = kept[backup % 16];
    is_behind = !journal_lost;
    if (journal_lost) {
        restore_grants(backup);
        for (unsigned i = 0; i < world_device_count; i++)
            world_devices[i].revoked_us = 0; // known again when it is revoked again
    }
    for (size_t i = 0; i < n_units; i++)
        put_under(&units[i], kept_units[backup % 16][i].parent);
}

void scope_opened(void) {
    is_behind = false;
}

// ---- what an operator does ----

void scope_revoke(bool for_cause) {
    struct grant *grant = &grants.all[sim_below((uint32_t)grants.n)];
    if (grant->ended_us != INT64_MAX || !operator_begins())
        return;
    struct arena *arena = arena_new(0);
    struct db_params *params = db_params_new(arena);
    db_param_uuid(params, grant->id);
    db_param_bool(params, for_cause);
    struct db_result *result =
        base_ask("select verdict from lx.ops_grant_revoke('sim', $1, $2)", params);
    if (result != NULL && db_int8(result, 0, 0) == 1) {
        grant->ended_us = sim_now_us();
        count(for_cause ? COUNT_REVOKE_FOR_CAUSE : COUNT_REVOKE);
        trace("a grant of %s is revoked%s", grant->account, for_cause ? " for cause" : "");
        operator_ends();
    }
    base_free(&result);
    arena_free(&arena);
}

void scope_grant(void) {
    static const int roles[] = {0, 5, 4, 3, 2}; // by level
    const struct unit *unit = &units[sim_below((uint32_t)n_units)];
    const char *account = world_devices[sim_below(world_device_count)].account;
    if (grants.n == MAX_GRANTS || !operator_begins())
        return;
    struct grant *grant = &grants.all[grants.n];
    *grant = (struct grant){.unit = unit->id, .from_us = sim_now_us(), .ended_us = INT64_MAX};
    for (size_t i = 0; i < UUID_SIZE; i++)
        grant->id.bytes[i] = (uint8_t)(sim_random() >> 32);
    memcpy(grant->account, account, sizeof grant->account);
    struct arena *arena = arena_new(0);
    struct db_params *params = db_params_new(arena);
    db_param_string(params, account);
    db_param_int4(params, roles[unit->level]);
    db_param_string(params, unit->code);
    db_param_uuid(params, grant->id);
    struct db_result *result =
        base_ask("select verdict from lx.ops_grant_add('sim', $1, $2, $3, null, null, $4)", params);
    if (result != NULL && db_int8(result, 0, 0) == 1) {
        grants.n++;
        count(COUNT_GRANT);
        trace("%s gets a role at %s", account, unit->code);
        operator_ends();
    }
    base_free(&result);
    arena_free(&arena);
}

bool scope_lets_in(const struct device *device, int64_t sent_us) {
    return device->revoked_us == 0 || sent_us <= device->revoked_us + WORLD_GRACE_US;
}

void scope_revoke_device(void) {
    const struct device *device = &world_devices[sim_below(world_device_count)];
    if (device->revoked_us != 0 || !operator_begins())
        return;
    struct arena *arena = arena_new(0);
    struct db_params *params = db_params_new(arena);
    db_param_bytea(params, view_from(device->id, sizeof device->id));
    struct db_result *result =
        base_ask("select verdict from lx.ops_device_revoke('sim', $1)", params);
    if (result != NULL && db_int8(result, 0, 0) == 1) {
        for (unsigned i = 0; i < world_device_count; i++) // copies, too
            if (memcmp(world_devices[i].id, device->id, sizeof device->id) == 0)
                world_devices[i].revoked_us = sim_now_us();
        count(COUNT_DEVICE_REVOKED);
        trace("%s is revoked", device->machine.name);
        operator_ends();
    }
    base_free(&result);
    arena_free(&arena);
}
