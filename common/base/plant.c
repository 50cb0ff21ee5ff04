// Which bug the environment has planted. See plant.h; nothing is compiled without LX_PLANTS.
#include "common/base/plant.h"

#ifdef LX_PLANTS

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [PLANT_DROP] = "drop",
    [PLANT_ACK_BEFORE_COMMIT] = "ack_before_commit",
    [PLANT_REORDER] = "reorder",
    [PLANT_SKIPPED_ROW] = "skipped_row",
    [PLANT_STALE_CURSOR] = "stale_cursor",
    [PLANT_LOST_VOID] = "lost_void",
    [PLANT_WRONG_ROLLUP] = "wrong_rollup",
};

bool plant_is(enum plant plant) {
    const char *planted = getenv("LX_PLANT");
    return planted != NULL && strcmp(planted, names[plant]) == 0;
}

#endif
