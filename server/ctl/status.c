// `status`: is the database well, how far is every district assessed, when did every unit last
// sync. Counters and codes of units only: the role that asks can see no personal data.
#include "server/ctl/ctl.h"

#include <stdio.h>

#include "common/base/clock.h"

struct section {
    const char *name;
    const char *sql;
    void (*print)(const struct db_result *result, bool json);
};

// A time of a row, "-" when null.
static const char *time_text(const struct db_result *result, int row, int column,
                             char out_text[20]) {
    if (db_is_null(result, row, column))
        return "-";
    clock_format_local_time(db_timestamptz_ms(result, row, column), out_text);
    return out_text;
}

static void print_counters(const struct db_result *result, bool json) {
    for (int i = 0; i < db_rows(result); i++) {
        struct view name = db_text(result, i, 0);
        printf(json ? "%s\"%.*s\":%lld" : "%s%-24.*s %12lld\n", json && i > 0 ? "," : "",
               (int)name.size, (const char *)name.data, (long long)db_int8(result, i, 1));
    }
}

static void print_districts(const struct db_result *result, bool json) {
    char at[20];
    if (!json)
        printf("\n%-12s %-20s %8s %12s %8s\n", "district", "complete through", "scheme",
               "to rescore", "todo");
    for (int i = 0; i < db_rows(result); i++) {
        struct view code = db_text(result, i, 1);
        printf(json
                   ? "%s{\"district\":\"%.*s\",\"complete_through\":\"%s\",\"scheme_version\":%lld,"
                     "\"to_rescore\":%lld,\"todo\":%lld}"
                   : "%s%-12.*s %-20s %8lld %12lld %8lld\n",
               json && i > 0 ? "," : "", (int)code.size, (const char *)code.data,
               time_text(result, i, 2, at), (long long)db_int8(result, i, 3),
               (long long)db_int8(result, i, 4), (long long)db_int8(result, i, 5));
    }
}

static void print_units(const struct db_result *result, bool json) {
    char at[20];
    if (!json)
        printf("\n%-16s %8s %8s %-20s %8s\n", "unit", "head", "rows", "last push", "devices");
    for (int i = 0; i < db_rows(result); i++) {
        struct view code = db_text(result, i, 0);
        printf(json ? "%s{\"unit\":\"%.*s\",\"head\":%lld,\"live\":%lld,\"pushed_at\":\"%s\","
                      "\"devices\":%lld}"
                    : "%s%-16.*s %8lld %8lld %-20s %8lld\n",
               json && i > 0 ? "," : "", (int)code.size, (const char *)code.data,
               (long long)db_int8(result, i, 2), (long long)db_int8(result, i, 3),
               time_text(result, i, 4, at), (long long)db_int8(result, i, 5));
    }
}

static const struct section sections[] = {
    {"counters", "select name, value from lx.ops_status()", print_counters},
    {"districts",
     "select district, unit_code, complete_through, scheme_version, to_rescore, todo "
     "from lx.ops_district_state()",
     print_districts},
    {"units",
     "select unit_code, level, head, live, pushed_at, devices from lx.ops_unit_sync() "
     "order by unit_code",
     print_units},
};

enum ctl_exit ctl_status(struct ctl *ctl) {
    bool json = ctl_value(ctl, "json") != NULL;
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        struct db_result *result = NULL;
        enum ctl_exit exit_code = ctl_query(ctl, sections[i].sql, NULL, &result);
        if (exit_code != CTL_EXIT_DONE)
            return exit_code;
        bool is_map = i == 0;
        if (json)
            printf("%s\"%s\":%c", i == 0 ? "{" : ",", sections[i].name, is_map ? '{' : '[');
        sections[i].print(result, json);
        if (json)
            putchar(is_map ? '}' : ']');
        db_sync_free_result(&result);
    }
    if (json)
        puts("}");
    return CTL_EXIT_DONE;
}
