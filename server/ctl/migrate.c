// `migrate`: brings the database to the version of this program. Under an advisory lock: every
// migration that is missing in a transaction of its own with its row in lx.migration, then all
// functions and the table of roles in one transaction. Refuses a database that is newer than the
// program, and one whose applied migrations have other texts than ours.
#include "server/ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/domain/role.h"
#include "common/wire/digest.h"
#include "embedded/sql_functions.h"
#include "embedded/sql_migrations.h"

// Any constant will do, as long as all versions of this program use the same.
#define MIGRATE_LOCK "7012468913377"

static const char make_table[] =
    "create schema if not exists lx;\n"
    "create table if not exists lx.migration (\n"
    "    number int4 primary key,\n"
    "    name text not null,\n"
    "    sha256 bytea not null,\n"
    "    applied_at timestamptz not null default clock_timestamp());\n"
    "comment on table lx.migration is 'reference: what lianxiaoctl migrate has applied';\n";

// The number at the front of a migration's name: 12 of "0012_more".
static int32_t number_of(const struct embedded_text *migration) {
    return (int32_t)strtol(migration->name, NULL, 10);
}

static struct view text_of(const struct embedded_text *text) {
    return view_from(text->text, text->size);
}

static const struct embedded_text *migration_numbered(int32_t number) {
    for (size_t i = 0; i < sql_migrations_count; i++)
        if (number_of(&sql_migrations[i]) == number)
            return &sql_migrations[i];
    return NULL;
}

// Checks what is applied against our texts; *out_newest is the number of the newest, 0 for none.
static enum ctl_exit check_applied(struct ctl *ctl, int32_t *out_newest) {
    struct db_result *rows = NULL;
    enum ctl_exit exit_code = ctl_query(
        ctl, "select number, name, sha256 from lx.migration order by number", NULL, &rows);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    *out_newest = 0;
    for (int i = 0; i < db_rows(rows) && exit_code == CTL_EXIT_DONE; i++) {
        int32_t number = (int32_t)db_int8(rows, i, 0);
        struct view name = db_text(rows, i, 1);
        const struct embedded_text *ours = migration_numbered(number);
        uint8_t digest[DIGEST_SHA256_SIZE];
        *out_newest = number;
        if (ours == NULL) {
            exit_code = ctl_refuse("the database is newer than this program: it has migration %.*s",
                                   (int)name.size, (const char *)name.data);
            continue;
        }
        digest_sha256(text_of(ours), digest);
        if (!view_equal(db_bytea(rows, i, 2), view_from(digest, sizeof digest)))
            exit_code = ctl_refuse("migration %s was applied with another text; this program does "
                                   "not belong to this database",
                                   ours->name);
    }
    db_sync_free_result(&rows);
    return exit_code;
}

static enum status apply_migration(struct ctl *ctl, const struct embedded_text *migration) {
    uint8_t digest[DIGEST_SHA256_SIZE];
    digest_sha256(text_of(migration), digest);
    struct db_params *params = db_params_new(ctl->arena);
    db_param_int4(params, number_of(migration));
    db_param_string(params, migration->name);
    db_param_bytea(params, view_from(digest, sizeof digest));
    TRY(db_sync_begin(ctl->db));
    TRY(db_sync_script(ctl->db, migration->text));
    TRY(db_sync_sql(ctl->db, "insert into lx.migration (number, name, sha256) values ($1, $2, $3)",
                    params, NULL));
    return db_sync_commit(ctl->db);
}

static enum ctl_exit apply_missing(struct ctl *ctl, int32_t newest, bool dry_run, size_t *out_n) {
    *out_n = 0;
    for (size_t i = 0; i < sql_migrations_count; i++) {
        const struct embedded_text *migration = &sql_migrations[i];
        if (number_of(migration) <= newest)
            continue;
        printf("%s %s\n", dry_run ? "would apply" : "applying", migration->name);
        enum status status = dry_run ? STATUS_OK : apply_migration(ctl, migration);
        if (status != STATUS_OK) {
            fprintf(stderr, "lianxiaoctl: migration %s failed; nothing of it remains\n",
                    migration->name);
            return ctl_database_failed(ctl, status);
        }
        ++*out_n;
    }
    return CTL_EXIT_DONE;
}

// Writes the table of common/domain/role into role_capability. SQL counts levels as units do (city
// 1
// .. workshop 4), the reverse of a role's rank. Roles that nobody can hold by grant have no row.
static enum status put_roles(struct ctl *ctl) {
    enum { ROLES_MAX = 32 };
    int32_t numbers[ROLES_MAX];
    int32_t masks[ROLES_MAX];
    int32_t levels[ROLES_MAX];
    size_t count;
    size_t n = 0;
    const struct role_info *roles = role_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (roles[i].capabilities == 0)
            continue;
        if (n == ROLES_MAX)
            return STATUS_LIMIT;
        numbers[n] = (int32_t)roles[i].role;
        masks[n] = (int32_t)roles[i].capabilities;
        levels[n++] = 5 - (int32_t)roles[i].rank;
    }
    struct db_params *params = db_params_new(ctl->arena);
    db_param_int4_array(params, n, numbers, NULL);
    db_param_int4_array(params, n, masks, NULL);
    db_param_int4_array(params, n, levels, NULL);
    return db_sync_sql(ctl->db, "select lx.role_capability_put($1::int4[], $2::int4[], $3::int4[])",
                       params, NULL);
}

static enum status apply_functions(struct ctl *ctl, const char **out_at) {
    *out_at = "the transaction";
    TRY(db_sync_begin(ctl->db));
    // They may name each other, whatever their order.
    TRY(db_sync_script(ctl->db, "set local check_function_bodies = off"));
    for (size_t i = 0; i < sql_functions_count; i++) {
        *out_at = sql_functions[i].name;
        TRY(db_sync_script(ctl->db, sql_functions[i].text));
    }
    *out_at = "the table of roles";
    TRY(put_roles(ctl));
    return db_sync_commit(ctl->db);
}

static enum ctl_exit migrate_locked(struct ctl *ctl, bool dry_run) {
    int32_t newest;
    size_t applied;
    enum ctl_exit exit_code = check_applied(ctl, &newest);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = apply_missing(ctl, newest, dry_run, &applied);
    if (exit_code != CTL_EXIT_DONE || dry_run)
        return exit_code;
    const char *at;
    enum status status = apply_functions(ctl, &at);
    if (status != STATUS_OK) {
        fprintf(stderr, "lianxiaoctl: functions not replaced; the fault is in %s\n", at);
        return ctl_database_failed(ctl, status);
    }
    printf("%zu migrations applied, %zu functions in place\n", applied, sql_functions_count);
    return CTL_EXIT_DONE;
}

enum ctl_exit ctl_migrate(struct ctl *ctl) {
    bool dry_run = ctl_value(ctl, "dry-run") != NULL;
    // The lock belongs to the session, so it outlives the transactions and ends with the process.
    enum status status =
        db_sync_script(ctl->db, "set client_min_messages = warning; set search_path = lx;"
                                "select pg_advisory_lock(" MIGRATE_LOCK ")");
    if (status == STATUS_OK)
        status = db_sync_script(ctl->db, make_table);
    return status == STATUS_OK ? migrate_locked(ctl, dry_run) : ctl_database_failed(ctl, status);
}
