// What the handlers keep between requests, one object per worker: sessions, the city's units, the
// compiled schemes, the rosters that pushes are judged with; and the tick that keeps them fresh.
#pragma once

#include <stdbool.h>

#include "common/base/status.h"
#include "server/pile.h"
#include "server/roster_cache.h"
#include "server/scheme_cache.h"
#include "server/seal_heads.h"
#include "server/session.h"
#include "server/units.h"

struct event;
struct pile_carrier;
struct push_group;
struct worker;

// A revocation must be felt within a second: at most two ticks and a query.
#define HANDLERS_TICK_MS 400

struct handlers {
    struct worker *worker;    // borrows
    struct event *tick;       // owns
    struct session *sessions; // list of all that are alive
    bool session_check_under_way;
    bool session_check_all; // the next one asks about idle logins, too
    struct units *units;    // owns
    int64_t units_seq;      // newest that we have
    struct uuid city;       // nil until the units are read
    int64_t city_head;      // up to which units and schemes are read
    bool city_check_under_way;
    struct scheme_cache *schemes;  // owns
    struct roster_cache *rosters;  // owns
    struct seal_heads *seal_heads; // owns
    struct pile_carrier *carrier;  // owns; worker->pile is inside
    unsigned bundles;              // parts of bundles under way
    struct push_group *judging;    // groups that are not yet with the pile, in order of arrival
};

// After the pools of the worker are there; sets worker->handlers and worker->pile, and reads units
// and schemes in the background.
enum status handlers_open(struct worker *worker) MUST_USE;
// After the worker's connections and database pools are gone (a pool that is freed reports what was
// in flight, and that still needs all of this).
void handlers_close(struct worker *worker);

// Units and schemes have been read once.
bool handlers_ready(const struct worker *worker);
// Reads what is new of the units; done runs later, on the loop. Not STATUS_OK: what is not known
// now may exist all the same.
typedef void (*refreshed_fn)(void *user, enum status status);
void handlers_refresh_units(struct worker *worker, refreshed_fn done, void *user);
// The same of the schemes: a programme that was started a moment ago shall not be refused.
void handlers_refresh_schemes(struct worker *worker, refreshed_fn done, void *user);

// Permission, first layer: does a grant on the unit or above it give the capability? True when the
// server's layer is switched off. False for a unit that is not known.
bool handlers_can(struct request *request, struct uuid unit, enum capability capability);
