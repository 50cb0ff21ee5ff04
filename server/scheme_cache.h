// The compiled schemes of all programmes, one per worker. Fed and refreshed by handlers.c; the
// judge borrows them within one turn of the loop.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/assess/judge.h"
#include "common/base/status.h"
#include "common/base/view.h"

struct scheme_cache; // opaque

struct scheme_cache *scheme_cache_new(void); // NULL: out of memory
void scheme_cache_free(struct scheme_cache **cache);
// Takes the place of the programme's former version. bytes: canonical lx.Scheme, copied.
// STATUS_INVALID, _LIMIT: it does not compile (logged; the former one stays). STATUS_NO_MEMORY.
enum status scheme_cache_put(struct scheme_cache *cache, uint32_t programme, uint32_t version,
                             struct view bytes) MUST_USE;
// All programmes, by number. Valid until the next scheme_cache_put.
const struct judge_programme *scheme_cache_programmes(const struct scheme_cache *cache,
                                                      size_t *out_count);
// Version of the i-th of them.
uint32_t scheme_cache_version(const struct scheme_cache *cache, size_t i);
