// `code issue`, `user …`, `grant …`: who may come in, and what for. Passwords and codes are printed
// once; the database keeps hashes.
#include "server/ctl/ctl.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/uuid.h"
#include "common/domain/account.h"
#include "common/domain/role.h"
#include "server/password.h"
#include "server/secret.h"

enum verdict { VERDICT_DONE = 1, VERDICT_FORBIDDEN = 2, VERDICT_EXISTS = 3, VERDICT_UNFIT = 4 };

// Why a call was refused, for the operator.
static enum ctl_exit say_verdict(enum verdict verdict, const char *unknown) {
    switch (verdict) {
    case VERDICT_DONE:
        return CTL_EXIT_DONE;
    case VERDICT_FORBIDDEN:
        return ctl_refuse("%s", unknown);
    case VERDICT_EXISTS:
        return ctl_refuse("it exists already");
    case VERDICT_UNFIT:
        return ctl_refuse("this role can't be held at a unit of that level");
    }
    return ctl_refuse("the database gave verdict %d", (int)verdict);
}

// Calls a function that returns a verdict first; `unknown` says what verdict 2 means. The result,
// when the verdict is good, is the caller's.
static enum ctl_exit call(struct ctl *ctl, const char *sql, struct db_params *params,
                          const char *unknown, struct db_result **out_result) {
    enum ctl_exit exit_code = ctl_query(ctl, sql, params, out_result);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    exit_code = say_verdict((enum verdict)db_int8(*out_result, 0, 0), unknown);
    if (exit_code != CTL_EXIT_DONE)
        db_sync_free_result(out_result);
    return exit_code;
}

enum ctl_exit ctl_code_issue(struct ctl *ctl) {
    const char *hours_text = ctl_value(ctl, "valid-hours");
    long hours = 72;
    char code[SECRET_CODE_SIZE];
    uint8_t hash[SECRET_HASH_SIZE];
    struct db_result *result = NULL;
    enum ctl_exit exit_code = hours_text != NULL
                                  ? ctl_parse_number("--valid-hours", hours_text, 1, 720, &hours)
                                  : CTL_EXIT_DONE;
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    if (secret_new_code(code) != STATUS_OK ||
        secret_hash_code(view_from_string(code), hash) != STATUS_OK)
        return ctl_unreachable("the system has no randomness");
    struct db_params *params = db_params_new(ctl->arena);
    db_param_string(params, ctl->operator_);
    db_param_string(params, ctl->arguments[0]);
    db_param_text(params, view_from(code, 4)); // what the code is looked up by
    db_param_bytea(params, view_from(hash, sizeof hash));
    db_param_int4(params, (int32_t)hours);
    exit_code = call(ctl, "select verdict, until_at from lx.ops_code_issue($1, $2, $3, $4, $5)",
                     params, "there is no unit with this code", &result);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    char until[20];
    clock_format_local_time(db_timestamptz_ms(result, 0, 1), until);
    printf("%s\n", code);
    fprintf(stderr, "for one device of unit %s, until %s\n", ctl->arguments[0], until);
    db_sync_free_result(&result);
    return CTL_EXIT_DONE;
}

// The password to set and whether we made it: from --password-file, else a new one.
static enum ctl_exit choose_password(struct ctl *ctl, struct view *out_password,
                                     char out_hash[PASSWORD_HASH_SIZE], bool *out_made) {
    const char *path = ctl_value(ctl, "password-file");
    *out_made = path == NULL;
    if (path == NULL) {
        char *made = arena_alloc(ctl->arena, SECRET_PASSWORD_SIZE);
        if (made == NULL || secret_new_password(made) != STATUS_OK)
            return ctl_unreachable("the system has no randomness");
        *out_password = view_from_string(made);
    } else {
        struct view text;
        enum ctl_exit exit_code = ctl_read_file(ctl, path, &text);
        if (exit_code != CTL_EXIT_DONE)
            return exit_code;
        size_t size = 0;
        while (size < text.size && text.data[size] != '\n' && text.data[size] != '\r')
            size++;
        *out_password = view_from(text.data, size);
    }
    enum status status = password_hash(*out_password, out_hash);
    if (status == STATUS_INVALID)
        return ctl_refuse("a password has %d to %d characters", PASSWORD_MIN_CHARACTERS,
                          PASSWORD_MAX_CHARACTERS);
    return status == STATUS_OK ? CTL_EXIT_DONE : ctl_unreachable("%s", status_name(status));
}

static void say_password(struct view password, bool made) {
    if (made)
        printf("password: %.*s\n", (int)password.size, (const char *)password.data);
}

static enum ctl_exit parse_role(const char *name, Lx__Role *out_role) {
    const struct role_info *role = role_find_by_name(name);
    if (role == NULL || role->capabilities == 0)
        return ctl_refuse("\"%s\" is not a role that can be granted: head, school_admin, "
                          "district_admin, city_admin, expert, inspector",
                          name);
    *out_role = role->role;
    return CTL_EXIT_DONE;
}

// --role with --unit, or neither, as parameters.
static enum ctl_exit add_first_grant(struct ctl *ctl, struct db_params *params) {
    const char *role_name = ctl_value(ctl, "role");
    const char *unit = ctl_value(ctl, "unit");
    Lx__Role role = LX__ROLE__ROLE_UNKNOWN;
    if ((role_name == NULL) != (unit == NULL))
        return ctl_refuse("--role and --unit belong together");
    if (role_name == NULL) {
        db_param_null(params);
        db_param_null(params);
        db_param_null(params);
        return CTL_EXIT_DONE;
    }
    enum ctl_exit exit_code = parse_role(role_name, &role);
    db_param_int4(params, (int32_t)role);
    db_param_string(params, unit);
    db_param_uuid(params, uuid_new_v7(clock_now_ms()));
    return exit_code;
}

enum ctl_exit ctl_user_add(struct ctl *ctl) {
    const char *name = ctl_value(ctl, "name");
    const char *person_text = ctl_value(ctl, "person");
    struct uuid person;
    struct view password = {NULL, 0};
    char hash[PASSWORD_HASH_SIZE];
    bool made;
    struct db_result *result = NULL;
    if (person_text != NULL && uuid_parse(view_from_string(person_text), &person) != STATUS_OK)
        return ctl_refuse("--person: \"%s\" is not an id", person_text);
    if (!account_name_is_valid(ctl->arguments[0]))
        return ctl_refuse("\"%s\" can't be an account's name: %s", ctl->arguments[0],
                          ACCOUNT_NAME_RULE);
    enum ctl_exit exit_code = choose_password(ctl, &password, hash, &made);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    struct db_params *params = db_params_new(ctl->arena);
    db_param_string(params, ctl->operator_);
    db_param_string(params, ctl->arguments[0]);
    db_param_string(params, name != NULL ? name : ctl->arguments[0]);
    if (person_text != NULL)
        db_param_uuid(params, person);
    else
        db_param_null(params);
    db_param_string(params, hash);
    exit_code = add_first_grant(ctl, params);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = call(ctl,
                         "select verdict, person from "
                         "lx.ops_user_add($1, $2, $3, $4, $5, $6, $7, $8)",
                         params, "there is no such unit or person", &result);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    char id[UUID_TEXT_SIZE];
    uuid_format(db_uuid(result, 0, 1), id);
    printf("person: %s\n", id);
    say_password(password, made);
    db_sync_free_result(&result);
    return CTL_EXIT_DONE;
}

enum ctl_exit ctl_user_reset(struct ctl *ctl) {
    struct view password = {NULL, 0};
    char hash[PASSWORD_HASH_SIZE];
    bool made;
    struct db_result *result = NULL;
    enum ctl_exit exit_code = choose_password(ctl, &password, hash, &made);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    struct db_params *params = db_params_new(ctl->arena);
    db_param_string(params, ctl->operator_);
    db_param_string(params, ctl->arguments[0]);
    db_param_string(params, hash);
    exit_code = call(ctl, "select verdict from lx.ops_user_reset($1, $2, $3)", params,
                     "there is no such account", &result);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    say_password(password, made);
    db_sync_free_result(&result);
    return CTL_EXIT_DONE;
}

enum ctl_exit ctl_user_disable(struct ctl *ctl) {
    struct db_result *result = NULL;
    struct db_params *params = db_params_new(ctl->arena);
    db_param_string(params, ctl->operator_);
    db_param_string(params, ctl->arguments[0]);
    enum ctl_exit exit_code = call(ctl, "select verdict from lx.ops_user_disable($1, $2)", params,
                                   "there is no such account", &result);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    printf("%s can't log in any more\n", ctl->arguments[0]);
    db_sync_free_result(&result);
    return CTL_EXIT_DONE;
}

// A day of an option as a parameter: its start, or for a last day its end; null when not given.
static enum ctl_exit add_day(struct ctl *ctl, const char *option, bool is_last,
                             struct db_params *params) {
    const char *text = ctl_value(ctl, option);
    int32_t day;
    if (text == NULL) {
        db_param_null(params);
        return CTL_EXIT_DONE;
    }
    if (clock_parse_day(view_from_string(text), &day) != STATUS_OK)
        return ctl_refuse("--%s: \"%s\" is not a day (YYYY-MM-DD)", option, text);
    db_param_timestamptz(params, clock_day_start_ms(day + (is_last ? 1 : 0)));
    return CTL_EXIT_DONE;
}

enum ctl_exit ctl_grant(struct ctl *ctl) {
    Lx__Role role = LX__ROLE__ROLE_UNKNOWN;
    struct db_result *result = NULL;
    enum ctl_exit exit_code = parse_role(ctl->arguments[1], &role);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    struct db_params *params = db_params_new(ctl->arena);
    db_param_string(params, ctl->operator_);
    db_param_string(params, ctl->arguments[0]);
    db_param_int4(params, (int32_t)role);
    db_param_string(params, ctl->arguments[2]);
    exit_code = add_day(ctl, "from", false, params);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = add_day(ctl, "until", true, params);
    db_param_uuid(params, uuid_new_v7(clock_now_ms()));
    if (exit_code == CTL_EXIT_DONE)
        exit_code =
            call(ctl, "select verdict, grant_id from lx.ops_grant_add($1, $2, $3, $4, $5, $6, $7)",
                 params, "there is no such account or unit", &result);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    char id[UUID_TEXT_SIZE];
    uuid_format(db_uuid(result, 0, 1), id);
    printf("grant: %s\n", id);
    db_sync_free_result(&result);
    return CTL_EXIT_DONE;
}

enum ctl_exit ctl_grant_revoke(struct ctl *ctl) {
    struct uuid grant;
    struct db_result *result = NULL;
    if (uuid_parse(view_from_string(ctl->arguments[0]), &grant) != STATUS_OK)
        return ctl_refuse("\"%s\" is not the id of a grant", ctl->arguments[0]);
    struct db_params *params = db_params_new(ctl->arena);
    db_param_string(params, ctl->operator_);
    db_param_uuid(params, grant);
    db_param_bool(params, ctl_value(ctl, "for-cause") != NULL);
    enum ctl_exit exit_code = call(ctl, "select verdict from lx.ops_grant_revoke($1, $2, $3)",
                                   params, "there is no such grant in force", &result);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    puts("the grant has ended");
    db_sync_free_result(&result);
    return CTL_EXIT_DONE;
}
