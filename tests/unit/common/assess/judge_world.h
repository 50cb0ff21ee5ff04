// A small city for the tests of the judge: one workshop's people and offices, stored facts, and a
// maker of a valid operation of every kind. Each test owns one world.
#pragma once

#include "common/assess/judge.h"
#include "common/wire/reason.h"
#include "tests/unit/common/assess/fixture.h"

enum { CITY_ID = 1, DISTRICT_ID, SCHOOL_ID, WORKSHOP_ID, OTHER_SCHOOL_ID, OTHER_WORKSHOP_ID };
enum {
    HEAD_ID = 10,
    TEACHER_ID,
    AUTHOR_ID,
    ADMIN_ID,
    DISTRICT_ADMIN_ID,
    CITY_ADMIN_ID,
    EXPERT_ID,
    STRANGER_ID,
    SECOND_ADMIN_ID,
    FAR_TEACHER_ID
};
enum {
    STORED_PLAN = 100,
    STORED_WORKSHOP_PLAN,
    STORED_CASE,
    STORED_KICKOFF,
    STORED_VOID,
    STORED_VOIDED_PLAN,
    STORED_WATCH,
    STORED_FAR_PLAN,
    STORED_OTHER_PROGRAMME,
    STORED_BRIEFING
};

#define WORLD_MAX 32

struct world {
    struct arena *arena;     // owns
    struct fixture *fixture; // owns
    struct judge_context context;
    struct judge_unit units[WORLD_MAX];
    struct judge_subject subjects[WORLD_MAX];
    struct judge_office offices[WORLD_MAX];
    struct judge_role roles[WORLD_MAX];
    struct judge_programme programme;
    struct {
        struct uuid id;
        struct judge_fact fact;
    } stored[WORLD_MAX];
    size_t n_stored;
    Lx__Operation operation;
    Lx__Fact fact;
    Lx__Submission submission;
    Lx__Person person;
    Lx__Membership membership;
    Lx__Reason *reason; // of the last judgement
};

struct world *world_open(void);
void world_close(struct world **world);
ProtobufCBinaryData world_bytes(struct world *world, struct uuid id);

// The sender becomes this person with one grant, open since 2021-01-01.
void world_sender(struct world *world, uint32_t person, Lx__Role role, uint32_t unit);
void world_office(struct world *world, Lx__Role role, uint32_t unit, uint32_t person);
void world_no_office(struct world *world, Lx__Role role); // vacant everywhere
// Makes world->operation a valid one, and the sender somebody who may write it.
void world_valid(struct world *world, Lx__FactKind kind, enum fact_subject subject);
void world_valid_person(struct world *world);
void world_valid_membership(struct world *world);
void world_add_field(struct world *world, const char *key, const char *value);
// REASON_NONE: accepted.
enum reason_id world_judge(struct world *world);
