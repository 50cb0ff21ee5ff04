// The city's units in memory: what lies where, found by id or by code. Pure: fed with rows in any
// order (handlers.c reads them from the database and keeps them fresh); one per worker.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/base/uuid.h"
#include "common/base/view.h"
#include "proto/ledger.pb-c.h"

#define UNITS_MAX_PATH 8 // levels; four are in use

struct unit_row {
    struct uuid id;
    struct uuid parent; // nil for the city
    Lx__UnitLevel level;
    int32_t district;
    char *code; // owned by the directory
    char *name;
};

struct units; // opaque

struct units *units_new(void); // NULL: out of memory
void units_free(struct units **units);
// Adds the unit, or changes it when its id is known. Texts are copied. STATUS_NO_MEMORY.
enum status units_put(struct units *units, struct uuid id, struct uuid parent, Lx__UnitLevel level,
                      int32_t district, struct view texts[2]) MUST_USE; // code, name
size_t units_count(const struct units *units);
// NULL: unknown. Valid until the next units_put.
const struct unit_row *units_find(const struct units *units, struct uuid id);
const struct unit_row *units_find_code(const struct units *units, struct view code);
// The unit and those above it, lowest first. Returns how many; 0: unknown.
size_t units_path(const struct units *units, struct uuid id, struct uuid out_path[UNITS_MAX_PATH]);
