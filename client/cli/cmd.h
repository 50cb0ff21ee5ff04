// The commands: one function each, named after the command. The table is commands.c.
#pragma once

#include "client/cli/cli.h"

enum cli_exit cmd_enroll(struct cli *cli);
enum cli_exit cmd_login(struct cli *cli);
enum cli_exit cmd_logout(struct cli *cli);
enum cli_exit cmd_passwd(struct cli *cli);
enum cli_exit cmd_record_add(struct cli *cli);
enum cli_exit cmd_record_list(struct cli *cli);
enum cli_exit cmd_record_void(struct cli *cli);
enum cli_exit cmd_record_accept(struct cli *cli);
enum cli_exit cmd_record_grade(struct cli *cli);
enum cli_exit cmd_record_import(struct cli *cli);
enum cli_exit cmd_roster_import(struct cli *cli);
enum cli_exit cmd_sync(struct cli *cli);
enum cli_exit cmd_transfer_out(struct cli *cli);
enum cli_exit cmd_transfer_list(struct cli *cli);
enum cli_exit cmd_transfer_in(struct cli *cli);
enum cli_exit cmd_outbox(struct cli *cli);
enum cli_exit cmd_outbox_retry(struct cli *cli);
enum cli_exit cmd_outbox_drop(struct cli *cli);
enum cli_exit cmd_bundle_write(struct cli *cli);
enum cli_exit cmd_bundle_carry(struct cli *cli);
enum cli_exit cmd_bundle_receipt(struct cli *cli);
enum cli_exit cmd_bundle_show(struct cli *cli);
enum cli_exit cmd_standing(struct cli *cli);
enum cli_exit cmd_stats(struct cli *cli);
enum cli_exit cmd_code_issue(struct cli *cli);
enum cli_exit cmd_user_add(struct cli *cli);
enum cli_exit cmd_grant(struct cli *cli);
enum cli_exit cmd_grant_revoke(struct cli *cli);
enum cli_exit cmd_export(struct cli *cli);
enum cli_exit cmd_audit_export(struct cli *cli);
enum cli_exit cmd_status(struct cli *cli);
