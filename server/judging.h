// Judges one group of a push: puts the judge's context together from scope, roster, schemes and the
// facts that were looked up, and turns the accepted operations into what the pile takes.
// Pure but for its inputs: push_group.c fetches them.
#pragma once

#include "common/assess/judge.h"
#include "common/base/arena.h"
#include "server/pile.h"
#include "server/pile_roster.h"
#include "server/roster.h"
#include "server/scope.h"

// Facts that operations are about, found in the database; ascending by id.
struct judging_facts {
    struct judging_fact *facts;
    size_t n;
};

struct judging_fact {
    struct uuid id;
    struct uuid stream; // it lies in now
    struct uuid subject;
    Lx__Fact fact;
    const Lx__Submission *submission; // NULL: none
    struct uuid actor;
    bool voided;
};

void judging_sort_facts(struct judging_facts *facts);

struct judging_input {
    const struct scope *scope;
    const struct roster *roster;
    const struct judge_programme *programmes;
    size_t n_programmes;
    const struct judging_facts *facts;
    const struct judge_subject *more_subjects; // persons of other streams that memberships name
    size_t n_more_subjects;
    const struct judge_gone *more_gone; // those who were sent to another district
    size_t n_more_gone;
    const struct judge_unit *more_units; // the ways up of their homes
    size_t n_more_units;
    int64_t received_at_ms;
    uint64_t op_from;
    size_t n;
    Lx__Operation *const *operations;
    uint64_t scope_version; // the lowest that the operations were written with
    bool checks_off;
};

// Fills in the group's targets, facts or roster rows, refused ones and packed answer; everything in
// the arena. STATUS_NO_MEMORY.
enum status judging_run(const struct judging_input *input, struct arena *arena,
                        struct pile_group *group) MUST_USE;
