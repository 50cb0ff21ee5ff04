// Rosters by stream, one cache per worker: a push is judged without asking the database who is who.
// The database compares the roster's version in the push itself and answers "stale" when it has
// moved on; push.c then forgets the roster and asks anew.
#pragma once

#include "common/base/status.h"
#include "server/roster.h"
#include "server/scope.h"

#define ROSTER_CACHE_STREAMS 2048 // the oldest goes first
// Offices given by grant raise no version, so a roster is not kept for ever.
#define ROSTER_CACHE_AGE_MS 10000

struct roster_cache; // opaque
struct worker;

struct roster_cache *roster_cache_new(void); // NULL: out of memory
void roster_cache_free(struct roster_cache **cache);

// The stream's roster for somebody with that scope. done runs on the loop, never before this
// returns when the database is asked, else at once; `roster` is valid inside done only.
// STATUS_NOT_FOUND: no such stream for this person. Streams outside the scope are asked of the
// database each time (a grant that ended lately may still count) and not kept.
typedef void (*roster_done_fn)(void *user, enum status status, const struct roster *roster);
// max_age_ms: how old a kept one may be; 0 where the offices must be those of now.
void roster_cache_get(struct worker *worker, const struct scope *scope, struct uuid stream,
                      int64_t max_age_ms, roster_done_fn done, void *user);
void roster_cache_forget(struct roster_cache *cache, struct uuid stream);
