// `unit import`: the city's units from a CSV file (deploy/units.md): new ones are added, known ones
// (by code) changed. Everything or nothing: one wrong row stores nothing. Prints what differs.
#include "server/ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/uuid.h"
#include "common/text/charset.h"
#include "common/text/csv.h"
#include "proto/ledger.pb-c.h"

#define UNITS_MAX 50000 // a large city has 1,500 schools with 10 workshops each
#define CODE_BYTES_MAX 32
#define NAME_BYTES_MAX 120

enum column { CODE, NAME, LEVEL, PARENT, DISTRICT, SIZE, ATTRIBUTES, COLUMNS };

static const struct csv_column columns[COLUMNS] = {
    [CODE] = {"code|代码|单位代码", true},
    [NAME] = {"name|名称|单位名称", true},
    [LEVEL] = {"level|层级", true},
    [PARENT] = {"parent|上级代码", true},
    [DISTRICT] = {"district|区县编号", true},
    [SIZE] = {"printed_size|计划人数", false},
    [ATTRIBUTES] = {"attributes|属性", false},
};

static const struct {
    const char *en;
    const char *zh;
    Lx__UnitLevel level;
} levels[] = {
    {"city", "市", LX__UNIT_LEVEL__CITY},
    {"district", "区县", LX__UNIT_LEVEL__DISTRICT},
    {"school", "学校", LX__UNIT_LEVEL__SCHOOL},
    {"workshop", "工作坊", LX__UNIT_LEVEL__WORKSHOP},
};

// The file's rows as the columns of one call. All in the arena of the run.
struct units {
    struct ctl *ctl; // borrows
    size_t n;
    size_t faults;
    struct uuid ids[UNITS_MAX];
    struct view codes[UNITS_MAX];
    struct view names[UNITS_MAX];
    struct view parents[UNITS_MAX]; // data NULL: none
    struct view attributes[UNITS_MAX];
    int32_t levels[UNITS_MAX];
    int32_t districts[UNITS_MAX];
    int32_t sizes[UNITS_MAX];
    bool no_size[UNITS_MAX];
    size_t rows[UNITS_MAX]; // of the file
};

static void fault(struct units *units, size_t row, const char *column, const char *what,
                  struct view value) {
    fprintf(stderr, "row %zu: %s: %s: \"%.*s\"\n", row, column, what,
            (int)(value.size < 60 ? value.size : 60), (const char *)value.data);
    units->faults++;
}

static bool equals(struct view text, const char *word) {
    return view_equal(text, view_from_string(word));
}

static Lx__UnitLevel parse_level(struct view text) {
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (equals(text, levels[i].en) || equals(text, levels[i].zh))
            return levels[i].level;
    return LX__UNIT_LEVEL__LEVEL_UNKNOWN;
}

static bool parse_number(struct view text, int32_t most, int32_t *out_value) {
    int32_t value = 0;
    if (text.size == 0 || text.size > 9)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = 10 * value + (text.data[i] - '0');
    }
    *out_value = value;
    return value <= most;
}

// Letters, digits and dashes: a code stands in commands, files and links.
static bool is_code(struct view text) {
    if (text.size == 0 || text.size > CODE_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              c == '-'))
            return false;
    }
    return true;
}

static struct view keep(struct units *units, struct view text) {
    const char *copy = text.size > 0 ? arena_string(units->ctl->arena, text) : NULL;
    return copy != NULL ? view_from(copy, text.size) : view_from(NULL, 0);
}

// Packs "computers=40;bandwidth_mbit=200" as the attributes of an lx.Unit.
static enum status pack_attributes(struct arena *arena, struct view text, struct view *out_packed) {
    char *rest = arena_string(arena, text);
    Lx__UnitAttribute attributes[32];
    Lx__UnitAttribute *pointers[32];
    Lx__Unit unit = LX__UNIT__INIT;
    unit.attributes = pointers;
    if (rest == NULL)
        return STATUS_NO_MEMORY;
    for (char *save, *pair = strtok_r(rest, ";", &save); pair != NULL;
         pair = strtok_r(NULL, ";", &save)) {
        char *equals_sign = strchr(pair, '=');
        if (equals_sign == NULL || equals_sign == pair || unit.n_attributes == 32)
            return STATUS_INVALID;
        *equals_sign = '\0';
        Lx__UnitAttribute *attribute = &attributes[unit.n_attributes];
        lx__unit_attribute__init(attribute);
        attribute->key = pair;
        attribute->value = equals_sign + 1;
        pointers[unit.n_attributes++] = attribute;
    }
    size_t size = lx__unit__get_packed_size(&unit);
    uint8_t *data = arena_alloc(arena, size + 1);
    if (data == NULL)
        return STATUS_NO_MEMORY;
    *out_packed = view_from(data, lx__unit__pack(&unit, data));
    return STATUS_OK;
}

static void check_unit(struct units *units, const struct csv_row *row, size_t i) {
    const struct view *fields = row->fields;
    if (!is_code(fields[CODE]))
        fault(units, row->row, "code", "letters, digits and dashes, at most 32", fields[CODE]);
    if (fields[NAME].size == 0 || fields[NAME].size > NAME_BYTES_MAX)
        fault(units, row->row, "name", "1 to 40 characters", fields[NAME]);
    if (units->levels[i] == LX__UNIT_LEVEL__LEVEL_UNKNOWN)
        fault(units, row->row, "level", "city, district, school or workshop (市 区县 学校 工作坊)",
              fields[LEVEL]);
    if (!parse_number(fields[DISTRICT], 10000, &units->districts[i]))
        fault(units, row->row, "district", "number of the district, 0 for the city",
              fields[DISTRICT]);
    if (!units->no_size[i] && !parse_number(fields[SIZE], 100000, &units->sizes[i]))
        fault(units, row->row, "printed_size", "not a number of people", fields[SIZE]);
}

static enum status on_row(void *user, const struct csv_row *row) {
    struct units *units = user;
    size_t i = units->n;
    if (row->flaw != CSV_FLAW_NONE) {
        fault(units, row->row, row->flaw_header, csv_flaw_text(row->flaw), view_from("", 0));
        return STATUS_OK;
    }
    if (i == UNITS_MAX)
        return STATUS_LIMIT;
    units->levels[i] = (int32_t)parse_level(row->fields[LEVEL]);
    units->no_size[i] = row->fields[SIZE].size == 0;
    check_unit(units, row, i);
    if (row->fields[ATTRIBUTES].size > 0 &&
        pack_attributes(units->ctl->arena, row->fields[ATTRIBUTES], &units->attributes[i]) !=
            STATUS_OK)
        fault(units, row->row, "attributes", "key=value;key=value", row->fields[ATTRIBUTES]);
    units->ids[i] = ctl_id_of("unit", row->fields[CODE]);
    units->codes[i] = keep(units, row->fields[CODE]);
    units->names[i] = keep(units, row->fields[NAME]);
    units->parents[i] = keep(units, row->fields[PARENT]);
    units->rows[i] = row->row;
    units->n++;
    return STATUS_OK;
}

static enum ctl_exit read_units(struct ctl *ctl, struct units *units) {
    const char *path = ctl->arguments[0];
    struct view bytes;
    struct view text;
    struct csv_error error = {0};
    struct charset_error wrong = {0};
    enum ctl_exit exit_code = ctl_read_file(ctl, path, &bytes);
    if (exit_code != CTL_EXIT_DONE)
        return exit_code;
    if (charset_to_utf8(bytes, ctl->arena, &text, NULL, &wrong) != STATUS_OK)
        return ctl_refuse("%s: neither UTF-8 nor GB18030 (byte %zu)", path, wrong.offset);
    enum status status = csv_read(text, columns, COLUMNS, NULL, on_row, units, &error);
    if (status == STATUS_LIMIT)
        return ctl_refuse("%s: more than %d units", path, UNITS_MAX);
    if (status != STATUS_OK)
        return ctl_refuse("%s: %s", path, error.text);
    if (units->faults > 0)
        return ctl_refuse("%s: %zu faults, nothing is stored", path, units->faults);
    return CTL_EXIT_DONE;
}

// What the database has under the codes of the file, in the file's order.
static enum ctl_exit query_old(struct ctl *ctl, const struct units *units,
                               struct db_result **out_old) {
    struct db_params *params = db_params_new(ctl->arena);
    db_param_text_array(params, units->n, units->codes);
    return ctl_query(
        ctl,
        "select u.name, u.level, u.district, u.printed_size, p.code, u.attributes "
        "from unnest($1::text[]) with ordinality as f(code, n) "
        "left join lx.unit u on u.code = f.code left join lx.unit p on p.id = u.parent "
        "order by f.n",
        params, out_old);
}

static enum ctl_exit send(struct ctl *ctl, const struct units *units,
                          struct db_result **out_verdicts) {
    struct db_params *params = db_params_new(ctl->arena);
    db_param_string(params, ctl->operator_);
    db_param_uuid_array(params, units->n, units->ids, NULL);
    db_param_text_array(params, units->n, units->parents);
    db_param_int4_array(params, units->n, units->levels, NULL);
    db_param_text_array(params, units->n, units->codes);
    db_param_text_array(params, units->n, units->names);
    db_param_int4_array(params, units->n, units->districts, NULL);
    db_param_int4_array(params, units->n, units->sizes, units->no_size);
    db_param_bytea_array(params, units->n, units->attributes);
    return ctl_query(ctl,
                     "select row_no, verdict from lx.unit_import($1, $2::uuid[], $3::text[], "
                     "$4::int4[], $5::text[], $6::text[], $7::int4[], $8::int4[], $9::bytea[]) "
                     "order by row_no",
                     params, out_verdicts);
}

static void print_text_change(const char *what, struct view old, struct view new) {
    if (!view_equal(old, new))
        printf("  %s: %.*s -> %.*s\n", what, (int)old.size, (const char *)old.data, (int)new.size,
               (const char *)new.data);
}

static void print_number_change(const char *what, int64_t old, int64_t new) {
    if (old != new)
        printf("  %s: %lld -> %lld\n", what, (long long)old, (long long)new);
}

static void print_changes(const struct units *units, size_t i, const struct db_result *old) {
    int row = (int)i;
    printf("changed %.*s\n", (int)units->codes[i].size, (const char *)units->codes[i].data);
    print_text_change("name", db_text(old, row, 0), units->names[i]);
    print_number_change("level", db_int8(old, row, 1), units->levels[i]);
    print_number_change("district", db_int8(old, row, 2), units->districts[i]);
    print_number_change("printed size", db_int8(old, row, 3), units->sizes[i]);
    print_text_change("parent", db_text(old, row, 4), units->parents[i]);
    if (!view_equal(db_bytea(old, row, 5), units->attributes[i]))
        puts("  attributes");
}

// NOT_STORED: good itself, but another row of the file is not.
#define SHOW(text) (int)(text).size, (const char *)(text).data

enum verdict {
    NOT_STORED = 0,
    ADDED = 1,
    CHANGED = 2,
    SAME = 3,
    NO_PARENT = 4,
    UNFIT = 5,
    ELSEWHERE = 6
};

static enum ctl_exit report(const struct units *units, const struct db_result *verdicts,
                            const struct db_result *old) {
    size_t counts[ELSEWHERE + 1] = {0};
    for (int r = 0; r < db_rows(verdicts); r++) {
        size_t i = (size_t)db_int8(verdicts, r, 0) - 1;
        int64_t verdict = db_int8(verdicts, r, 1);
        if (i >= units->n || verdict < NOT_STORED || verdict > ELSEWHERE)
            return ctl_refuse("the database gave verdict %lld", (long long)verdict);
        counts[verdict]++;
        if (verdict == CHANGED)
            print_changes(units, i, old);
        if (verdict == NO_PARENT)
            fprintf(stderr, "row %zu: parent: there is no unit %.*s\n", units->rows[i],
                    (int)units->parents[i].size, (const char *)units->parents[i].data);
        if (verdict == UNFIT)
            fprintf(stderr, "row %zu: level or district does not fit the parent %.*s\n",
                    units->rows[i], (int)units->parents[i].size,
                    (const char *)units->parents[i].data);
        if (verdict == ELSEWHERE)
            fprintf(stderr,
                    "row %zu: parent: %.*s lies under %.*s: move it with lianxiaoctl unit move "
                    "%.*s --to %.*s\n",
                    units->rows[i], SHOW(units->codes[i]), SHOW(db_text(old, (int)i, 4)),
                    SHOW(units->codes[i]), SHOW(units->parents[i]));
    }
    size_t faults = counts[NO_PARENT] + counts[UNFIT] + counts[ELSEWHERE];
    if (faults > 0)
        return ctl_refuse("%zu faults, nothing is stored", faults);
    printf("%zu units: %zu added, %zu changed, %zu the same\n", units->n, counts[ADDED],
           counts[CHANGED], counts[SAME]);
    return CTL_EXIT_DONE;
}

enum ctl_exit ctl_unit_import(struct ctl *ctl) {
    struct db_result *old = NULL;
    struct db_result *verdicts = NULL;
    struct units *units = arena_alloc(ctl->arena, sizeof *units);
    if (units == NULL)
        return ctl_unreachable("out of memory");
    units->ctl = ctl;
    enum ctl_exit exit_code = read_units(ctl, units);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = query_old(ctl, units, &old);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = send(ctl, units, &verdicts);
    if (exit_code == CTL_EXIT_DONE)
        exit_code = report(units, verdicts, old);
    db_sync_free_result(&verdicts);
    db_sync_free_result(&old);
    return exit_code;
}
