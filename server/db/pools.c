// Several pools that end together. A file of its own, so that the simulator's pool ends as this one
// does.
#include "server/db/internal.h"

void db_pools_close(struct db_pool *const *pools, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (pools[i] != NULL)
            db_pool_begin_close(pools[i]);
    for (bool any = true; any;) {
        any = false;
        for (size_t i = 0; i < n; i++)
            any |= pools[i] != NULL && db_pool_drain(pools[i]);
    }
}
