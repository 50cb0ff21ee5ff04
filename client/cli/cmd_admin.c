// code issue, user add, grant, grant revoke: what an administrator does in the own subtree. All of
// them ask the server at once; they do not wait in the outbox.
#include "client/cli/cmd.h"

#include <string.h>

#include "client/cli/json.h"
#include "client/cli/password.h"
#include "client/cli/subject.h"
#include "common/base/clock.h"
#include "common/domain/role.h"

static bool read_role(struct cli *cli, const char *name, Lx__Role *out_role) {
    const struct role_info *role = role_find_by_name(name);
    if (role) {
        *out_role = role->role;
        return true;
    }
    cli_error(cli, _("\"%s\" is no role; there are:"), name);
    size_t count = 0;
    const struct role_info *table = role_table(&count);
    for (size_t i = 0; i < count; i++)
        if (table[i].rank > 0)
            fprintf(cli->err, "  %-16s%s\n", table[i].name,
                    cli->language == REASON_LANGUAGE_ZH ? table[i].zh : table[i].en);
    return false;
}

static bool read_day(struct cli *cli, const char *name, protobuf_c_boolean *out_has,
                     int64_t *out_time_ms) {
    const char *text = cli_option(cli, name);
    int32_t day = 0;
    *out_has = text != NULL;
    if (!text)
        return true;
    if (clock_parse_day(view_from_string(text), &day) == STATUS_OK) {
        *out_time_ms = clock_day_start_ms(day);
        return true;
    }
    cli_error(cli, _("--%s wants YYYY-MM-DD, not \"%s\""), name, text);
    return false;
}

enum cli_exit cmd_code_issue(struct cli *cli) {
    Lx__CodeIssueRequest request = LX__CODE_ISSUE_REQUEST__INIT;
    const ProtobufCMessage *answer = NULL;
    int64_t hours = 72;
    char until[20];
    if (!cli_option_number(cli, "hours", 1, 720, &hours))
        return CLI_EXIT_USAGE;
    request.unit_code = (char *)cli->arguments[0]; // protobuf-c does not write to it
    request.has_valid_hours = 1;
    request.valid_hours = (uint32_t)hours;
    enum client_result result =
        client_ask(&cli->client, LX__METHOD__CODE_ISSUE, &request.base, &answer);
    if (result != CLIENT_OK)
        return cli_client_result(cli, result);
    const Lx__CodeIssueReply *reply = (const Lx__CodeIssueReply *)answer;
    clock_format_local_time(reply->until_ms, until);
    if (cli->json) {
        struct json json;
        json_open(&json, cli->out);
        json_begin(&json, NULL, '{');
        json_text(&json, "code", reply->code);
        json_int(&json, "until_ms", reply->until_ms);
        json_end(&json, '}');
        json_close(&json);
    } else {
        fprintf(cli->out, _("%s (once, until %s)\n"), reply->code, until);
    }
    return CLI_EXIT_OK;
}

static void show_user(struct cli *cli, const Lx__UserAddReply *reply) {
    struct uuid person = subject_id_of(&reply->person);
    if (cli->json) {
        struct json json;
        json_open(&json, cli->out);
        json_begin(&json, NULL, '{');
        json_text(&json, "person", subject_uuid(cli, person));
        json_text(&json, "password", reply->password);
        json_end(&json, '}');
        json_close(&json);
        return;
    }
    fprintf(cli->out, _("The account %s is made.\n"), cli->arguments[0]);
    if (reply->password)
        fprintf(cli->out, _("First password, to be changed at once: %s\n"), reply->password);
}

// The person of the roster whom --person names.
static bool set_person(struct cli *cli, Lx__UserAddRequest *request) {
    const char *text = cli_option(cli, "person");
    struct store_row row;
    if (!text)
        return true;
    if (!subject_find(cli, text, &row))
        return false;
    uint8_t *copy = arena_alloc(cli->arena, UUID_SIZE);
    if (!copy)
        return false;
    memcpy(copy, row.id.bytes, UUID_SIZE);
    request->has_person = 1;
    request->person = (ProtobufCBinaryData){UUID_SIZE, copy};
    if (!request->name && row.kind == STORE_KIND_PERSON)
        request->name = row.row->person->name;
    return true;
}

enum cli_exit cmd_user_add(struct cli *cli) {
    Lx__UserAddRequest request = LX__USER_ADD_REQUEST__INIT;
    const ProtobufCMessage *answer = NULL;
    const char *role = cli_option(cli, "role");
    const char *unit = cli_option(cli, "unit");
    request.account = (char *)cli->arguments[0]; // protobuf-c does not write to them
    request.name = (char *)cli_option(cli, "name");
    if (!role != !unit) {
        cli_error(cli, _("--role and --unit go together"));
        return CLI_EXIT_USAGE;
    }
    if (!request.name && !cli_option(cli, "person")) {
        cli_error(cli,
                  _("--name is needed: the person's name, or --person for somebody of the roster"));
        return CLI_EXIT_USAGE;
    }
    if (role && !read_role(cli, role, &request.role))
        return CLI_EXIT_USAGE;
    if (!set_person(cli, &request))
        return CLI_EXIT_UNKNOWN;
    request.has_role = role != NULL;
    request.unit_code = (char *)unit;
    if (cli_option(cli, "password-file")) {
        request.password = (char *)password_ask(cli, "", "password-file");
        if (!request.password)
            return CLI_EXIT_USAGE;
    }
    enum client_result result =
        client_ask(&cli->client, LX__METHOD__USER_ADD, &request.base, &answer);
    if (result != CLIENT_OK)
        return cli_client_result(cli, result);
    show_user(cli, (const Lx__UserAddReply *)answer);
    return CLI_EXIT_OK;
}

enum cli_exit cmd_grant(struct cli *cli) {
    Lx__GrantRequest request = LX__GRANT_REQUEST__INIT;
    const ProtobufCMessage *answer = NULL;
    request.account = (char *)cli->arguments[0]; // protobuf-c does not write to them
    request.unit_code = (char *)cli->arguments[2];
    request.has_role = 1;
    if (!read_role(cli, cli->arguments[1], &request.role) ||
        !read_day(cli, "from", &request.has_from_ms, &request.from_ms) ||
        !read_day(cli, "until", &request.has_until_ms, &request.until_ms))
        return CLI_EXIT_USAGE;
    enum client_result result = client_ask(&cli->client, LX__METHOD__GRANT, &request.base, &answer);
    if (result != CLIENT_OK)
        return cli_client_result(cli, result);
    const char *id = subject_uuid(cli, subject_id_of(&((const Lx__GrantReply *)answer)->grant));
    if (cli->json)
        fprintf(cli->out, "{\"grant\": \"%s\"}\n", id);
    else
        fprintf(cli->out, _("Granted; the grant's id is %s\n"), id);
    return CLI_EXIT_OK;
}

enum cli_exit cmd_grant_revoke(struct cli *cli) {
    Lx__GrantRevokeRequest request = LX__GRANT_REVOKE_REQUEST__INIT;
    const ProtobufCMessage *answer = NULL;
    struct uuid grant;
    if (uuid_parse(view_from_string(cli->arguments[0]), &grant) != STATUS_OK) {
        cli_error(cli, _("\"%s\" is no id of a grant"), cli->arguments[0]);
        return CLI_EXIT_USAGE;
    }
    request.has_grant = 1;
    request.grant = (ProtobufCBinaryData){UUID_SIZE, grant.bytes};
    request.has_for_cause = request.for_cause = cli_option(cli, "for-cause") != NULL;
    enum client_result result =
        client_ask(&cli->client, LX__METHOD__GRANT_REVOKE, &request.base, &answer);
    if (result != CLIENT_OK)
        return cli_client_result(cli, result);
    if (!cli->json)
        fprintf(cli->out, _("The grant has ended.\n"));
    return CLI_EXIT_OK;
}
