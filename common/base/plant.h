// Planted bugs: what the checker of histories (tests/fault/check.py) must find. Only a build with
// LX_PLANTS has them, and there only the one that the environment variable LX_PLANT names; in every
// other build PLANTED() is a constant false. The bugs that live in SQL stand in tests/fault/plants.
#pragma once

#include <stdbool.h>

enum plant {
    PLANT_DROP,              // one fact of a group is acknowledged and not stored
    PLANT_ACK_BEFORE_COMMIT, // the database says "done" before the commit is durable
    PLANT_REORDER,           // two rows of a page have changed places
    PLANT_SKIPPED_ROW,       // a page leaves out a row in its middle
    PLANT_STALE_CURSOR,      // a pull is answered from an older state of the stream
    PLANT_LOST_VOID,         // the assessor does not see voids
    PLANT_WRONG_ROLLUP,      // the assessor adds one too much
};

#ifdef LX_PLANTS
bool plant_is(enum plant plant);
#define PLANTED(plant) plant_is(plant)
#else
#define PLANTED(plant) false
#endif
