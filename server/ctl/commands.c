// The table of lianxiaoctl's commands: what main parses and what --help prints.
#include "server/ctl/ctl.h"

#define PASSWORD_OPTION                                                                            \
    { "password-file", "FILE", "first line = password; without it one is made and printed once" }

static const struct ctl_option ca_options[] = {
    {"name", "NAME", "name of the CA (default: Lianxiao)"},
    {"server-name", "NAMES",
     "DNS names and addresses of the server, comma between (default: localhost,127.0.0.1)"},
    {NULL, NULL, NULL},
};
static const struct ctl_option migrate_options[] = {
    {"dry-run", NULL, "only say what would be done"},
    {NULL, NULL, NULL},
};
static const struct ctl_option code_options[] = {
    {"valid-hours", "N", "how long the code may be used, 1 to 720 (default 72)"},
    {NULL, NULL, NULL},
};
static const struct ctl_option user_options[] = {
    {"name", "NAME", "the person's name"},
    {"role", "ROLE", "head, school_admin, district_admin, city_admin, expert, inspector"},
    {"unit", "CODE", "the unit of the role"},
    {"person", "UUID", "a person of the roster (default: somebody new)"},
    PASSWORD_OPTION,
    {NULL, NULL, NULL},
};
static const struct ctl_option reset_options[] = {
    PASSWORD_OPTION,
    {NULL, NULL, NULL},
};
static const struct ctl_option grant_options[] = {
    {"from", "YYYY-MM-DD", "first day of the grant (default: now)"},
    {"until", "YYYY-MM-DD", "last day of the grant (default: open)"},
    {NULL, NULL, NULL},
};
static const struct ctl_option revoke_options[] = {
    {"for-cause", NULL, "operations written before are refused, too"},
    {NULL, NULL, NULL},
};
static const struct ctl_option verify_options[] = {
    {"wait", "SECONDS", "how long the assessor may take to catch up (default 30)"},
    {NULL, NULL, NULL},
};
static const struct ctl_option audit_export_options[] = {
    {"key", "FILE", "public key (audit.pub) to put into the file"},
    {NULL, NULL, NULL},
};
static const struct ctl_option audit_verify_options[] = {
    {"key", "FILE", "public keys of the chain (audit.pub); default: those in the file of heads"},
    {"from", "FILE", "heads exported earlier, here or by a client: they must be in the chain"},
    {"head", "HASHES", "the same by their hashes, comma between"},
    {"json", NULL, "one JSON object"},
    {NULL, NULL, NULL},
};
static const struct ctl_option move_options[] = {
    {"to", "PARENT", "code of the district (of a school) or school (of a workshop)"},
    {"back", NULL, "take back a unit that is under way to another district"},
    {"wait", "SECONDS", "how long the old district's figures may take (default 60)"},
    {NULL, NULL, NULL},
};
static const struct ctl_option merge_options[] = {
    {"into", "UNIT", "code of the unit that takes its people and workshops in"},
    {NULL, NULL, NULL},
};
static const struct ctl_option status_options[] = {
    {"json", NULL, "one JSON object"},
    {NULL, NULL, NULL},
};
static const struct ctl_option replay_options[] = {
    {"incomplete", NULL,
     "open with what is good of a journal that was cut or changed or has lines that cannot be "
     "stored"},
    {NULL, NULL, NULL},
};
static const struct ctl_option none[] = {{NULL, NULL, NULL}};

static const struct ctl_command commands[] = {
    {"ca init", "DIR", 1, "make CA, server's certificate, audit and bundle keys in DIR", ca_options,
     CTL_DATABASE_NONE, ctl_ca_init},
    {"ca bundle-key", "DIR", 1, "make a new key for bundles in DIR; former ones still open them",
     none, CTL_DATABASE_NONE, ctl_ca_bundle_key},
    {"migrate", "", 0, "bring the database to this program's version", migrate_options,
     CTL_DATABASE_MIGRATE, ctl_migrate},
    {"unit import", "FILE", 1, "add and change units from a CSV file (deploy/units.md)", none,
     CTL_DATABASE_OPS, ctl_unit_import},
    {"unit move", "UNIT", 1, "put a school under another district, a workshop under another school",
     move_options, CTL_DATABASE_OPS, ctl_unit_move},
    {"unit moves", "", 0, "units that are under way between districts", none, CTL_DATABASE_OPS,
     ctl_unit_moves},
    {"unit merge", "UNIT", 1, "put a unit's people and workshops into another one, and close it",
     merge_options, CTL_DATABASE_OPS, ctl_unit_merge},
    {"unit close", "UNIT", 1, "close a unit that nobody belongs to", none, CTL_DATABASE_OPS,
     ctl_unit_close},
    {"scheme check", "FILE", 1, "check a scheme (YAML) and list its assumptions", none,
     CTL_DATABASE_NONE, ctl_scheme_check},
    {"scheme load", "FILE", 1, "give a running programme a new version of its scheme", none,
     CTL_DATABASE_OPS, ctl_scheme_load},
    {"programme start", "FILE", 1, "start a programme with its first scheme (YAML)", none,
     CTL_DATABASE_OPS, ctl_programme_start},
    {"code issue", "UNIT", 1, "one-time code with which a device of the unit enrols", code_options,
     CTL_DATABASE_OPS, ctl_code_issue},
    {"user add", "ACCOUNT", 1, "add a login, with a first grant if wanted", user_options,
     CTL_DATABASE_OPS, ctl_user_add},
    {"user reset", "ACCOUNT", 1, "give a login a new password; its sessions end", reset_options,
     CTL_DATABASE_OPS, ctl_user_reset},
    {"user disable", "ACCOUNT", 1, "close a login; its sessions end", none, CTL_DATABASE_OPS,
     ctl_user_disable},
    {"grant", "ACCOUNT ROLE UNIT", 3, "give a login a role at a unit", grant_options,
     CTL_DATABASE_OPS, ctl_grant},
    {"grant revoke", "GRANT", 1, "end a grant (its id is what grant printed)", revoke_options,
     CTL_DATABASE_OPS, ctl_grant_revoke},
    {"device list", "", 0, "devices with their unit and state", none, CTL_DATABASE_OPS,
     ctl_device_list},
    {"device revoke", "DEVICE", 1, "refuse a device from now on", none, CTL_DATABASE_OPS,
     ctl_device_revoke},
    {"journal check", "FILE", 1, "is a security journal whole and unchanged?", none,
     CTL_DATABASE_NONE, ctl_journal_check},
    {"journal replay", "FILE", 1, "after a restore: revoke again what was revoked, then open",
     replay_options, CTL_DATABASE_OPS, ctl_journal_replay},
    {"epoch accept", "", 0, "after a restore: open without a security journal", none,
     CTL_DATABASE_OPS, ctl_epoch_accept},
    {"verify", "", 0, "rebuild standings and roll-ups from the ledger and compare", verify_options,
     CTL_DATABASE_ASSESSOR, ctl_verify},
    {"audit key", "DIR", 1, "make another key for the audit chain in DIR", none, CTL_DATABASE_NONE,
     ctl_audit_key},
    {"audit export", "FILE", 1, "write the heads of the audit chain, to be kept elsewhere",
     audit_export_options, CTL_DATABASE_OPS, ctl_audit_export},
    {"audit verify", "", 0, "compare tables with the audit chain, the chain with earlier heads",
     audit_verify_options, CTL_DATABASE_AUDITOR, ctl_audit_verify},
    {"status", "", 0, "health, counters and the sync state of every unit", status_options,
     CTL_DATABASE_OPS, ctl_status},
};

const struct ctl_command *ctl_commands(size_t *out_count) {
    *out_count = sizeof commands / sizeof commands[0];
    return commands;
}
