// Judges one operation of a push before it is stored: is it complete, possible, in its stage, about
// somebody of the stream, and may this sender write it. Pure: no input, no clock. The server judges
// every push with it, the client everything it records or imports, with the same result.
// Owns nothing; the context borrows what its maker holds, reasons live in the caller's arena.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/base/uuid.h"
#include "common/domain/fact_kind.h"
#include "common/domain/role.h"
#include "proto/ledger.pb-c.h"

struct scheme; // common/assess/scheme.h

// A clock may run this much ahead of the server's.
#define JUDGE_CLOCK_TOLERANCE_MS (5 * 60 * 1000)
// One interval of watching is never longer.
#define JUDGE_INTERVAL_MAX_MS (24LL * 60 * 60 * 1000)

// A unit on the way from a stream to the city.
struct judge_unit {
    struct uuid id;
    struct uuid parent; // nil for the city
    Lx__UnitLevel level;
};

// Whom facts of the group may be about: the stream's people and the stream's unit itself.
struct judge_subject {
    struct uuid id;
    enum fact_subject kind;
    struct uuid home; // stream his rows lie in now; a unit's own id. Must be one of the units
};

// A grant of the sender, ended ones too: a reviewer's role is that of the day of his act.
struct judge_role {
    Lx__Role role;
    struct uuid unit;
    int64_t from_ms;
    int64_t until_ms; // 0: open
};

// Who holds which office where: HEAD, SCHOOL_ADMIN, EXPERT memberships and the grants of
// DISTRICT_ADMIN, CITY_ADMIN, EXPERT (and of HEAD, SCHOOL_ADMIN where nobody is a member).
struct judge_office {
    Lx__Role role;
    struct uuid unit;
    struct uuid person;
    int64_t from_ms;
    int64_t until_ms; // 0: open
};

// Who lived on the stream and went to another district.
struct judge_gone {
    struct uuid id;
    const char *district; // its name; borrows
    int64_t left_ms;
};

struct judge_programme {
    uint32_t number;
    const struct scheme *scheme; // borrows
};

// A stored fact that another one is about.
struct judge_fact {
    const Lx__Fact *fact;             // borrows
    const Lx__Submission *submission; // borrows; NULL: none, or erased
    struct uuid actor;                // who recorded it; nil: unknown
    bool voided;                      // a void of it is stored
};

// Finds a stored fact by id; false: unknown, or not this sender's to see (same answer).
typedef bool (*judge_find_fact_fn)(void *user, struct uuid id, struct judge_fact *out_fact);

struct judge_context {
    struct uuid sender; // person
    struct uuid stream; // unit of the group
    int64_t received_at_ms;
    const struct judge_role *roles;
    size_t n_roles;
    const struct judge_unit *units; // the stream's and the subjects' homes' ways up to the city
    size_t n_units;
    const struct judge_subject *subjects;
    size_t n_subjects;
    const struct judge_gone *gone;
    size_t n_gone;
    const struct judge_office *offices; // on the ways of `units`
    size_t n_offices;
    uint32_t offices_known; // bits of Lx__Role (1u << role): `offices` lists every holder. The
                            // server knows all; a client that does not know them leaves the
                            // question to the server
    const struct judge_programme *programmes;
    size_t n_programmes;
    judge_find_fact_fn find_fact; // NULL: no fact is known
    void *find_user;
    bool checks_off; // the permission part is left out (the build that proves that SQL alone holds)
};

// *out_reason is NULL when the operation may be stored, else says what is wrong, with the field's
// path inside the operation ("fact.quantity"). Fails only with STATUS_NO_MEMORY.
enum status judge_operation(const struct judge_context *context, const Lx__Operation *operation,
                            struct arena *arena, Lx__Reason **out_reason) MUST_USE;

// A group in its order: operations may be about people and facts that earlier accepted ones of the
// same group bring. out_reasons: arena array of n, NULL where accepted.
enum status judge_group(const struct judge_context *context, size_t n,
                        Lx__Operation *const *operations, struct arena *arena,
                        Lx__Reason ***out_reasons) MUST_USE;
