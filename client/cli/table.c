// See table.h.
#include "client/cli/table.h"

#include <string.h>

#include "client/cli/json.h"
#include "common/base/view.h"
#include "common/text/utf8.h"

#define GAP 2 // spaces between columns

struct table_line {
    const char *cells[TABLE_MAX_COLUMNS]; // in the arena; NULL: empty
    size_t n_cells;
    struct table_line *next;
};

struct table {
    struct arena *arena; // borrows
    const struct table_column *columns;
    size_t n_columns;
    struct table_line *first, *last;
    size_t n_rows;
};

struct table *table_new(struct arena *arena, const struct table_column *columns, size_t n_columns) {
    struct table *table = arena_alloc(arena, sizeof *table);
    if (!table || n_columns > TABLE_MAX_COLUMNS)
        return NULL;
    *table = (struct table){.arena = arena, .columns = columns, .n_columns = n_columns};
    return table;
}

size_t table_rows(const struct table *table) {
    return table->n_rows;
}

enum status table_row(struct table *table) {
    struct table_line *line = arena_alloc(table->arena, sizeof *line);
    if (!line)
        return STATUS_NO_MEMORY;
    if (table->last)
        table->last->next = line;
    else
        table->first = line;
    table->last = line;
    table->n_rows++;
    return STATUS_OK;
}

static enum status add_cell(struct table *table, const char *text) {
    struct table_line *line = table->last;
    if (!line || line->n_cells == table->n_columns)
        return STATUS_LIMIT;
    line->cells[line->n_cells++] = text;
    return STATUS_OK;
}

enum status table_text(struct table *table, const char *text) {
    if (!text || !text[0])
        return add_cell(table, NULL);
    const char *copy = arena_string(table->arena, view_from_string(text));
    return copy ? add_cell(table, copy) : STATUS_NO_MEMORY;
}

enum status table_int(struct table *table, long long value) {
    const char *text = arena_format(table->arena, "%lld", value);
    return text ? add_cell(table, text) : STATUS_NO_MEMORY;
}

enum status table_hundredths(struct table *table, long long value) {
    const char *sign = value < 0 ? "-" : "";
    unsigned long long amount =
        value < 0 ? 0ULL - (unsigned long long)value : (unsigned long long)value;
    const char *text =
        arena_format(table->arena, "%s%llu.%02llu", sign, amount / 100, amount % 100);
    return text ? add_cell(table, text) : STATUS_NO_MEMORY;
}

// ---- on a terminal ----

static size_t width_of(const char *text) {
    return text ? utf8_width(view_from_string(text)) : 0;
}

static void measure(const struct table *table, size_t *widths) {
    for (size_t i = 0; i < table->n_columns; i++)
        widths[i] = width_of(table->columns[i].header);
    for (const struct table_line *line = table->first; line; line = line->next)
        for (size_t i = 0; i < line->n_cells; i++) {
            size_t width = width_of(line->cells[i]);
            if (width > widths[i])
                widths[i] = width;
        }
}

static void print_line(const struct table *table, const char *const *cells, size_t n_cells,
                       const size_t *widths, FILE *out) {
    size_t owed = 0; // spaces that are only written when something follows
    for (size_t i = 0; i < n_cells; i++) {
        size_t room = widths[i] - width_of(cells[i]);
        bool right = table->columns[i].kind == TABLE_NUMBER;
        owed += right ? room : 0;
        if (cells[i] && cells[i][0]) {
            fprintf(out, "%*s%s", (int)owed, "", cells[i]);
            owed = 0;
        }
        owed += (right ? 0 : room) + GAP;
    }
    fputc('\n', out);
}

void table_print(const struct table *table, FILE *out) {
    size_t widths[TABLE_MAX_COLUMNS] = {0};
    const char *headers[TABLE_MAX_COLUMNS];
    measure(table, widths);
    for (size_t i = 0; i < table->n_columns; i++)
        headers[i] = table->columns[i].header;
    print_line(table, headers, table->n_columns, widths, out);
    for (const struct table_line *line = table->first; line; line = line->next)
        print_line(table, line->cells, line->n_cells, widths, out);
}

// ---- for machines ----

void table_print_json(const struct table *table, FILE *out) {
    fputc('[', out);
    for (const struct table_line *line = table->first; line; line = line->next) {
        fputs(line == table->first ? "\n  {" : ",\n  {", out);
        for (size_t i = 0; i < table->n_columns; i++) {
            const char *cell = i < line->n_cells ? line->cells[i] : NULL;
            fprintf(out, "%s\"%s\": ", i ? ", " : "", table->columns[i].key);
            if (!cell)
                fputs("null", out);
            else if (table->columns[i].kind == TABLE_NUMBER)
                fputs(cell, out);
            else
                json_write_string(cell, out);
        }
        fputc('}', out);
    }
    fputs(table->first ? "\n]" : "]", out);
}

// A text that starts like this is run as a formula by spreadsheets; behind a tab or a line end,
// too.
static bool is_formula(const char *text) {
    return text[0] && strchr("=+-@\t\r\n|%", text[0]) != NULL;
}

// The full-width forms are taken for formulas, too.
static bool is_wide_formula(const char *text) {
    static const char *const signs[] = {"＝", "＋", "－", "＠"};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (strncmp(text, signs[i], strlen(signs[i])) == 0)
            return true;
    return false;
}

void table_write_csv_field(const char *text, enum table_kind kind, FILE *out) {
    if (!text)
        return;
    bool guard = kind == TABLE_TEXT && (is_formula(text) || is_wide_formula(text));
    bool quote = guard || strpbrk(text, ",\"\r\n;\t") || text[0] == ' ';
    if (quote)
        fputc('"', out);
    if (guard)
        fputc('\'', out);
    for (const char *c = text; *c; c++) {
        if (*c == '"')
            fputc('"', out);
        fputc(*c, out);
    }
    if (quote)
        fputc('"', out);
}

void table_print_csv(const struct table *table, FILE *out) {
    fputs("\xef\xbb\xbf", out);
    for (size_t i = 0; i < table->n_columns; i++) {
        fputs(i ? "," : "", out);
        table_write_csv_field(table->columns[i].header, TABLE_TEXT, out);
    }
    fputs("\r\n", out);
    for (const struct table_line *line = table->first; line; line = line->next) {
        for (size_t i = 0; i < table->n_columns; i++) {
            fputs(i ? "," : "", out);
            table_write_csv_field(i < line->n_cells ? line->cells[i] : NULL, table->columns[i].kind,
                                  out);
        }
        fputs("\r\n", out);
    }
}
