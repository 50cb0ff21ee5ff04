// `scheme check`, `scheme load`, `programme start`: a scheme in YAML becomes canonical protobuf,
// is compiled, and is given to the database. Errors name file, line and field.
#include "server/ctl/ctl.h"

#include <stdio.h>

#include "common/assess/lint.h"
#include "common/assess/scheme.h"
#include "common/assess/scheme_yaml.h"
#include "common/base/uuid.h"

enum verdict { VERDICT_DONE = 1, VERDICT_UNKNOWN = 2, VERDICT_EXISTS = 3 };

struct loaded {
    const struct scheme *scheme; // in the arena of the run
    struct view bytes;           // canonical, in the arena, too
};

// Reads the scheme that the command's first argument names.
static enum ctl_exit load(struct ctl *ctl, struct loaded *out_loaded) {
    const char *path = ctl->arguments[0];
    const char *error = NULL;
    struct view text;
    enum ctl_exit exit_code = ctl_read_file(ctl, path, &text);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    enum status status = scheme_yaml_compile(text, path, ctl->arena, &out_loaded->scheme, &error);
    if (status == STATUS_INVALID)
        return ctl_refuse("%s", error);
    if (status == STATUS_OK)
        status = scheme_pack(out_loaded->scheme->source, ctl->arena, &out_loaded->bytes);
    return status == STATUS_OK ? CTL_EXIT_DONE
                               : ctl_unreachable("%s: %s", path, status_name(status));
}

enum ctl_exit ctl_scheme_check(struct ctl *ctl) {
    struct loaded loaded;
    const struct finding *findings;
    size_t n;
    enum ctl_exit exit_code = load(ctl, &loaded);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    if (scheme_lint(loaded.scheme, ctl->arena, &findings, &n) != STATUS_OK)
        return ctl_unreachable("out of memory");
    for (size_t i = 0; i < n; i++)
        printf("%s:%u: %s: %s: %s\n", ctl->arguments[0], findings[i].line, findings[i].code,
               findings[i].where, findings[i].en);
    printf("%s version %u: %zu rules, %zu stages, %zu courses; %zu remarks, no errors\n",
           loaded.scheme->code, loaded.scheme->version, loaded.scheme->n_rules,
           loaded.scheme->n_stages, loaded.scheme->n_courses, n);
    return CTL_EXIT_DONE;
}

static enum ctl_exit send(struct ctl *ctl, const char *sql, struct db_params *params,
                          enum verdict *out_verdict) {
    struct db_result *result = NULL;
    enum ctl_exit exit_code = ctl_query(ctl, sql, params, &result);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    *out_verdict = (enum verdict)db_int8(result, 0, 0);
    db_sync_free_result(&result);
    return CTL_EXIT_DONE;
}

enum ctl_exit ctl_programme_start(struct ctl *ctl) {
    struct loaded loaded;
    enum verdict verdict = VERDICT_UNKNOWN;
    enum ctl_exit exit_code = load(ctl, &loaded);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    const struct scheme *scheme = loaded.scheme;
    struct db_params *params = db_params_new(ctl->arena);
    db_param_string(params, ctl->operator_);
    db_param_uuid(params, ctl_id_of("programme", view_from_string(scheme->code)));
    db_param_int4(params, (int32_t)scheme->number);
    db_param_string(params, scheme->code);
    db_param_int4(params, (int32_t)scheme->version);
    db_param_bytea(params, loaded.bytes);
    exit_code = send(ctl, "select verdict from lx.programme_start($1, $2, $3, $4, $5, $6)", params,
                     &verdict);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    if (verdict != VERDICT_DONE)
        return ctl_refuse("programme %u or %s is running already; a new version of its scheme "
                          "comes with `scheme load`",
                          scheme->number, scheme->code);
    printf("programme %u %s started, scheme version %u\n", scheme->number, scheme->code,
           scheme->version);
    return CTL_EXIT_DONE;
}

enum ctl_exit ctl_scheme_load(struct ctl *ctl) {
    struct loaded loaded;
    enum verdict verdict = VERDICT_UNKNOWN;
    enum ctl_exit exit_code = load(ctl, &loaded);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    const struct scheme *scheme = loaded.scheme;
    struct db_params *params = db_params_new(ctl->arena);
    db_param_string(params, ctl->operator_);
    db_param_string(params, scheme->code);
    db_param_int4(params, (int32_t)scheme->version);
    db_param_bytea(params, loaded.bytes);
    exit_code = send(ctl, "select verdict from lx.scheme_load($1, $2, $3, $4)", params, &verdict);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    if (verdict == VERDICT_UNKNOWN)
        return ctl_refuse("no programme %s is running; start it with `programme start`",
                          scheme->code);
    if (verdict == VERDICT_EXISTS)
        return ctl_refuse("scheme version %u of %s is not newer than the one in force",
                          scheme->version, scheme->code);
    printf("programme %s has scheme version %u; everybody is scored again\n", scheme->code,
           scheme->version);
    return CTL_EXIT_DONE;
}
