// Finding what a person names on the command line, and naming what the store has: subjects, facts,
// kinds, units. Answers live in cli->arena.
#pragma once

#include "client/cli/cli.h"
#include "client/store/replica.h"

// SUBJECT: unit code, teacher number, account, id, or a name that only one has. False: said why;
// the command ends with CLI_EXIT_UNKNOWN.
bool subject_find(struct cli *cli, const char *text, struct store_row *out_row);
// A unit by code, id or unique name.
bool subject_find_unit(struct cli *cli, const char *text, struct store_row *out_row);
// A fact by its id, or the last characters of it (at least 6) if no other ends so.
bool subject_find_fact(struct cli *cli, const char *text, struct store_row *out_row);

struct uuid subject_id_of(const ProtobufCBinaryData *bytes); // nil when it is none
// Name of a person or unit; the id when this home does not know it.
const char *subject_name(struct cli *cli, struct uuid id);
// In the person's language; in JSON the table's name.
const char *subject_kind_name(struct cli *cli, Lx__FactKind kind);
const char *subject_role_name(struct cli *cli, Lx__Role role);
const char *subject_uuid(struct cli *cli, struct uuid id);
