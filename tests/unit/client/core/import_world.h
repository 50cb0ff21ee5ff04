// A home with a small city, a programme and a login, for the tests of importing: what the replica
// would hold after a sync, made through the store's own interface. Each test owns one.
#pragma once

#include "client/core/import.h"
#include "client/core/local.h"
#include "client/core/roster.h"
#include "tests/unit/client/store/home.h"

enum {
    WORLD_CITY = 1,
    WORLD_DISTRICT,
    WORLD_SCHOOL,
    WORLD_WORKSHOP,
    WORLD_SMALL_WORKSHOP,
    WORLD_SCHOOL_2,
    WORLD_ADMIN = 50
};
#define WORLD_NOW "2021-12-20 12:00"
#define HEFEI "deploy/schemes/hefei-2021.yaml"

struct import_world {
    struct home home;
    struct arena *arena; // owns
    struct local *local; // of the last import_world_load
    int64_t now_ms;
    // Takes the rows of import_world_fill; NULL: they go into the home as if pulled.
    void (*put)(void *user, uint64_t stream, const Lx__Row *row);
    void *user;
};

// Units of a district with two schools, programme hefei-2021, login = admin of the first school.
// With `people` the school has 夏然 (account t01, number 340103000220210001), 钟子 (t02, ...0002),
// 朱婷 (t03, no number), two of the name 王芳 (t04, t05), in the workshop; 钱安 (t09) in school 2.
void import_world_open(struct import_world *world, bool people);
// The two halves of opening, for a test that brings home, arena and now_ms itself: the city's rows,
// and the login (without a scope).
void import_world_fill(struct import_world *world, bool people);
enum status import_world_log_in(struct import_world *world);
int64_t import_world_time(const char *local); // Shanghai time; fails the test when it is none
void import_world_close(struct import_world *world);
void import_world_load(struct import_world *world); // reads the home anew into world->local
struct view import_world_file(struct import_world *world, const char *path);
// Reads and applies an evidence file.
void import_world_evidence(struct import_world *world, struct view bytes,
                           struct evidence_result *out_result);
void import_world_roster(struct import_world *world, struct view bytes, bool complete, bool apply,
                         struct roster_result *out_result);
// As if the server had sent a person's row: number decides id, unit the stream.
void import_world_person(struct import_world *world, uint64_t number, uint64_t unit,
                         const char *name, const char *account, const char *teacher_no);
