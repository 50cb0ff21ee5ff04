// The table of all commands: what --help shows and what main runs. See cli.h.
#include "client/cli/cmd.h"

#define NO_MORE                                                                                    \
    { NULL, NULL, NULL }

static const struct cli_option enroll_options[] = {
    {"server", "HOST:PORT", N_("the server")},
    {"ca", N_("FILE"), N_("certificate of the deployment's CA (PEM)")},
    {"code", N_("CODE"), N_("one-time code from an administrator")},
    {"label", N_("TEXT"), N_("what people call this device (else its host name)")},
    NO_MORE,
};

static const struct cli_option login_options[] = {
    {"password-file", N_("FILE"),
     N_("read the password from its first line (- for standard input)")},
    NO_MORE,
};

static const struct cli_option passwd_options[] = {
    {"password-file", N_("FILE"), N_("read the old password from its first line")},
    {"new-password-file", N_("FILE"), N_("read the new password from its first line")},
    NO_MORE,
};

static const struct cli_option add_options[] = {
    {"item", N_("CODE"), N_("indicator, course, activity, ability point or topic")},
    {"at", N_("TIME"), N_("when it happened: YYYY-MM-DD or YYYY-MM-DD HH:MM (else now)")},
    {"until", N_("TIME"), N_("end of an interval")},
    {"quantity", N_("NUMBER"), N_("hours, points or credits, at most two decimals")},
    {"of", N_("RECORD"), N_("id of the record it is about")},
    {"form", N_("CODE"), N_("kind of activity")},
    {"programme", N_("CODE"), N_("else the newest")},
    {"title", N_("TEXT"), N_("of something handed in")},
    {"field", N_("KEY=TEXT"), N_("field of its template; may be given several times")},
    {"author", N_("SUBJECT"), N_("who made it; may be given several times")},
    {"point", N_("CODE"), N_("ability point; may be given several times")},
    {"file", N_("NAME"), N_("name of the recording")},
    {"duration", N_("SECONDS"), N_("of the recording")},
    {"size", N_("BYTES"), N_("of the recording")},
    NO_MORE,
};

static const struct cli_option list_options[] = {
    {"kind", N_("KIND"), N_("only this kind of record")},
    {"limit", N_("N"), N_("at most so many (else 200)")},
    NO_MORE,
};

static const struct cli_option grade_options[] = {
    {"of", N_("RECORD"), N_("id of the submission that is graded")},
    {"programme", N_("CODE"), N_("else the newest")},
    NO_MORE,
};

static const struct cli_option import_options[] = {
    {"kind", N_("FORMAT"),
     N_("course, discussion, attendance, hours, certification, self_test or assessment (else found "
        "by the header row)")},
    {"source", N_("NAME"), N_("the platform it comes from (else the kind)")},
    {"programme", N_("CODE"), N_("else the newest")},
    NO_MORE,
};

static const struct cli_option roster_options[] = {
    {"apply", NULL, N_("do what the difference shows")},
    {"complete", NULL, N_("the file lists everybody of its schools: who is missing has left")},
    {"programme", N_("CODE"), N_("else the newest")},
    NO_MORE,
};

static const struct cli_option transfer_out_options[] = {
    {"to", N_("CODE"), N_("the district that the person goes to")},
    {"at", N_("DAY"), N_("when the person leaves (else now)")},
    NO_MORE,
};

static const struct cli_option transfer_in_options[] = {
    {"unit", N_("CODE"), N_("the workshop or school that the person joins")},
    {"from", N_("DAY"), N_("first day there (else now)")},
    {"programme", N_("CODE"), N_("else the newest")},
    NO_MORE,
};

static const struct cli_option sync_options[] = {
    {"watch", NULL, N_("stay, and sync whenever something changes here or there")},
    NO_MORE,
};

static const struct cli_option outbox_options[] = {
    {"all", NULL, N_("what is stored or put away, too")},
    NO_MORE,
};

static const struct cli_option carry_options[] = {
    {"receipt", N_("FILE"), N_("write what the server answers there, for the bundle's author")},
    NO_MORE,
};

static const struct cli_option standing_options[] = {
    {"receipt", NULL, N_("every rule with its evidence, caps and points")},
    {"programme", N_("CODE"), N_("else the newest")},
    {"as-of", N_("DAY"), N_("as it was at the end of this day (else today)")},
    NO_MORE,
};

static const struct cli_option stats_options[] = {
    {"unit", N_("CODE"), N_("of this unit (else the one of your first role)")},
    {"by", N_("LEVEL"), N_("unit, district, school, workshop, indicator or stage")},
    {"programme", N_("CODE"), N_("else the newest")},
    {"csv", NULL, N_("for a spreadsheet")},
    NO_MORE,
};

static const struct cli_option code_options[] = {
    {"hours", N_("N"), N_("how long it is valid, 1 to 720 (else 72)")},
    NO_MORE,
};

static const struct cli_option user_options[] = {
    {"name", N_("TEXT"), N_("name of the person")},
    {"person", N_("SUBJECT"), N_("somebody of the roster")},
    {"role", N_("ROLE"), N_("first role, together with --unit")},
    {"unit", N_("CODE"), N_("where the role holds")},
    {"password-file", N_("FILE"), N_("first password (else the server makes one)")},
    NO_MORE,
};

static const struct cli_option grant_options[] = {
    {"from", N_("DAY"), N_("first day (else now)")},
    {"until", N_("DAY"), N_("first day on which it no longer holds (else open)")},
    NO_MORE,
};

static const struct cli_option revoke_options[] = {
    {"for-cause", NULL, N_("refuse what was recorded before, too")},
    NO_MORE,
};

static const struct cli_option export_options[] = {
    {"out", N_("FILE"), N_("else standard output")},
    {"kind", N_("KIND"), N_("only this kind of record")},
    NO_MORE,
};

const struct cli_command cli_commands[] = {
    {"enroll", "", N_("give this device its key and certificate"), 0, 0, enroll_options,
     cmd_enroll},
    {"login", "NAME", N_("log in; from then on sync works"), 1, 1, login_options, cmd_login},
    {"logout", "", N_("end the session; what waits stays"), 0, 0, NULL, cmd_logout},
    {"passwd", "", N_("change the password"), 0, 0, passwd_options, cmd_passwd},
    {"status", "", N_("this device, what waits, how fresh it is"), 0, 0, NULL, cmd_status},
    {"record add", "KIND SUBJECT", N_("record one piece of evidence"), 2, 2, add_options,
     cmd_record_add},
    {"record list", "[SUBJECT]", N_("show the records of this home"), 0, 1, list_options,
     cmd_record_list},
    {"record void", "RECORD", N_("take a record back"), 1, 1, NULL, cmd_record_void},
    {"record accept", "RECORD", N_("accept something that was handed in"), 1, 1, NULL,
     cmd_record_accept},
    {"record grade", "SUBJECT INDICATOR POINTS", N_("give points"), 3, 3, grade_options,
     cmd_record_grade},
    {"record import", "FILE", N_("take over a platform's export (deploy/formats.md)"), 1, 1,
     import_options, cmd_record_import},
    {"roster import", "FILE", N_("compare a roster file with what is known, and apply it"), 1, 1,
     roster_options, cmd_roster_import},
    {"transfer out", "PERSON", N_("send a person to another district"), 1, 1, transfer_out_options,
     cmd_transfer_out},
    {"transfer list", "", N_("who is under way between districts"), 0, 0, NULL, cmd_transfer_list},
    {"transfer in", "PERSON", N_("take in a person who is under way, by name or transfer"), 1, 1,
     transfer_in_options, cmd_transfer_in},
    {"sync", "", N_("send what waits, fetch what is new"), 0, 0, sync_options, cmd_sync},
    {"outbox", "", N_("show what waits and what was refused"), 0, 0, outbox_options, cmd_outbox},
    {"outbox retry", "NUMBER", N_("send a refused entry again"), 1, 1, NULL, cmd_outbox_retry},
    {"outbox drop", "NUMBER", N_("put a refused or unsent entry away"), 1, 1, NULL,
     cmd_outbox_drop},
    {"bundle write", "FILE", N_("write what waits into a file, where there is no network"), 1, 1,
     NULL, cmd_bundle_write},
    {"bundle carry", "FILE...", N_("send somebody's file, from where there is a network"), 1, -1,
     carry_options, cmd_bundle_carry},
    {"bundle receipt", "FILE", N_("take the answer to a bundle from its receipt"), 1, 1, NULL,
     cmd_bundle_receipt},
    {"bundle show", "FILE", N_("say what can be known of a bundle or receipt"), 1, 1, NULL,
     cmd_bundle_show},
    {"standing", "SUBJECT", N_("where a teacher, workshop or school stands"), 1, 1,
     standing_options, cmd_standing},
    {"stats", "", N_("the figures of a unit"), 0, 0, stats_options, cmd_stats},
    {"export", "", N_("write the records as CSV"), 0, 0, export_options, cmd_export},
    {"audit export", "FILE", N_("write the heads of the audit chain that were seen here"), 1, 1,
     NULL, cmd_audit_export},
    {"code issue", "UNIT", N_("make a one-time code for a new device"), 1, 1, code_options,
     cmd_code_issue},
    {"user add", "ACCOUNT", N_("make an account"), 1, 1, user_options, cmd_user_add},
    {"grant", "ACCOUNT ROLE UNIT", N_("give somebody a role"), 3, 3, grant_options, cmd_grant},
    {"grant revoke", "GRANT", N_("end a grant"), 1, 1, revoke_options, cmd_grant_revoke},
    {NULL, NULL, NULL, 0, 0, NULL, NULL},
};
