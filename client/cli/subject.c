// See subject.h.
#include "client/cli/subject.h"

#include <string.h>

#include "common/domain/fact_kind.h"
#include "common/domain/role.h"

#define FACT_SUFFIX_MIN 6 // characters: half a million facts still differ mostly

struct uuid subject_id_of(const ProtobufCBinaryData *bytes) {
    struct uuid id = {{0}};
    if (uuid_from_bytes(view_from(bytes->data, bytes->len), &id) != STATUS_OK)
        memset(&id, 0, sizeof id);
    return id;
}

const char *subject_uuid(struct cli *cli, struct uuid id) {
    char text[UUID_TEXT_SIZE];
    uuid_format(id, text);
    const char *copy = arena_string(cli->arena, view_from_string(text));
    return copy ? copy : "";
}

static const char *row_name(const struct store_row *row) {
    if (row->kind == STORE_KIND_PERSON)
        return row->row->person->name;
    return row->kind == STORE_KIND_UNIT ? row->row->unit->name : NULL;
}

const char *subject_name(struct cli *cli, struct uuid id) {
    struct store_row row;
    const char *name = NULL;
    if (store_find_id(cli->store, STORE_KIND_ANY, id, cli->arena, &row) == STATUS_OK)
        name = row_name(&row);
    return name ? name : subject_uuid(cli, id);
}

const char *subject_kind_name(struct cli *cli, Lx__FactKind kind) {
    const struct fact_kind_info *info = fact_kind_find(kind);
    if (!info)
        return "?";
    if (cli->json)
        return info->name;
    return cli->language == REASON_LANGUAGE_ZH ? info->zh : info->en;
}

const char *subject_role_name(struct cli *cli, Lx__Role role) {
    const struct role_info *info = role_find(role);
    if (!info)
        return "?";
    if (cli->json)
        return info->name;
    return cli->language == REASON_LANGUAGE_ZH ? info->zh : info->en;
}

// ---- finding ----

static bool is_wanted(const struct store_row *row, bool only_units) {
    return row->kind == STORE_KIND_UNIT || (!only_units && row->kind == STORE_KIND_PERSON);
}

// Rows with this key that may be meant. Failure of the store counts as none and is told.
static size_t find_by_key(struct cli *cli, enum store_key key, const char *text, bool only_units,
                          struct store_row *out_first) {
    struct store_rows rows;
    size_t count = 0;
    enum status status = store_find_key(cli->store, key, view_from_string(text), cli->arena, &rows);
    if (status != STATUS_OK) {
        cli_store_failed(cli, status);
        return 0;
    }
    for (size_t i = 0; i < rows.count; i++)
        if (is_wanted(&rows.rows[i], only_units) && count++ == 0)
            *out_first = rows.rows[i];
    return count;
}

static bool find_row(struct cli *cli, const char *text, bool only_units,
                     struct store_row *out_row) {
    static const enum store_key keys[] = {STORE_KEY_CODE, STORE_KEY_TEACHER_NO, STORE_KEY_ACCOUNT,
                                          STORE_KEY_NAME};
    struct uuid id;
    if (uuid_parse(view_from_string(text), &id) == STATUS_OK &&
        store_find_id(cli->store, STORE_KIND_ANY, id, cli->arena, out_row) == STATUS_OK &&
        is_wanted(out_row, only_units))
        return true;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        size_t count = find_by_key(cli, keys[i], text, only_units, out_row);
        if (count == 1)
            return true;
        if (count > 1) {
            cli_error(cli,
                      _("\"%s\" is the name or number of %zu; use a teacher number, account or"
                        " unit code"),
                      text, count);
            return false;
        }
    }
    return false;
}

bool subject_find(struct cli *cli, const char *text, struct store_row *out_row) {
    if (find_row(cli, text, false, out_row))
        return true;
    cli_error(cli, _("nobody and nothing here is called \"%s\" (has this home been synced?)"),
              text);
    return false;
}

bool subject_find_unit(struct cli *cli, const char *text, struct store_row *out_row) {
    if (find_row(cli, text, true, out_row))
        return true;
    cli_error(cli, _("no unit here is called \"%s\""), text);
    return false;
}

struct suffix {
    const char *text;
    size_t size;
    struct uuid found;
    size_t count;
};

static enum status match_suffix(void *user, const struct store_row *row) {
    struct suffix *suffix = user;
    char text[UUID_TEXT_SIZE];
    uuid_format(row->id, text);
    if (strcasecmp(text + strlen(text) - suffix->size, suffix->text) == 0) {
        suffix->found = row->id;
        suffix->count++;
    }
    return STATUS_OK;
}

bool subject_find_fact(struct cli *cli, const char *text, struct store_row *out_row) {
    struct store_query query = {.kind = STORE_KIND_FACT};
    struct suffix suffix = {.text = text, .size = strlen(text)};
    if (suffix.size >= FACT_SUFFIX_MIN && suffix.size < UUID_TEXT_SIZE) {
        enum status status = store_each(cli->store, &query, match_suffix, &suffix);
        if (status != STATUS_OK) {
            cli_store_failed(cli, status);
            return false;
        }
    }
    if (suffix.count == 1 &&
        store_find_id(cli->store, STORE_KIND_FACT, suffix.found, cli->arena, out_row) == STATUS_OK)
        return true;
    if (suffix.count > 1)
        cli_error(cli, _("%zu records end in \"%s\": give more of the id"), suffix.count, text);
    else
        cli_error(cli, _("no record here has the id \"%s\" (lianxiao record list shows them)"),
                  text);
    return false;
}
