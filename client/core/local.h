// What a home knows, loaded once for a command that records or imports: people, units, memberships,
// facts, the programme's scheme, and the judge's context made from them. A snapshot in the caller's
// arena; load again after a change. Called by client/core/import and client/cli.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/core/evidence.h"
#include "client/core/people.h"
#include "client/store/store.h"
#include "common/assess/judge.h"
#include "common/assess/scheme.h"
#include "common/base/arena.h"
#include "proto/ledger.pb-c.h"

struct local_membership {
    uint64_t version; // 0: own change, not yet stored
    const Lx__Membership *membership;
};

struct local_fact {
    struct uuid id;
    struct uuid stream;
    struct judge_fact fact;
};

struct local {
    struct people people;
    struct local_membership *memberships;
    size_t n_memberships;
    struct local_fact *facts; // sorted by id
    size_t n_facts;
    struct evidence_known *known; // facts with a source key
    size_t n_known;
    struct judge_programme *programmes;
    size_t n_programmes;
    const char *const *programme_codes; // beside programmes
    struct judge_role *roles;           // of this login
    size_t n_roles;
    struct uuid sender; // person of this login; nil: nobody has logged in yet
};

// Reads the replica with the home's own changes on top. STATUS_CORRUPT: a scheme cannot be used,
// out_error (>= 256 bytes) says why.
enum status local_load(struct store *store, struct arena *arena, struct local **out_local,
                       char *out_error) MUST_USE;

// The programme with this code; NULL or "": the newest. NULL: there is none.
const struct judge_programme *local_programme(const struct local *local, const char *code);
const struct local_fact *local_find_fact(const struct local *local, struct uuid id);

// Judges operations of one stream in their order, as the server will. out_reasons: arena array of
// n, NULL where there is nothing against it.
enum status local_judge(const struct local *local, struct uuid stream, int64_t now_ms, size_t n,
                        Lx__Operation *const *operations, struct arena *arena,
                        Lx__Reason ***out_reasons) MUST_USE;
