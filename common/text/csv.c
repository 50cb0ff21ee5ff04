// Reads CSV with libcsv, one physical line after the other, so that rows and lines can be numbered
// although a quoted field may hold line ends and blank rows are left out by the library.
// Owns the row being read. One reading is one call; nothing lives on.
#include "common/text/csv.h"

#include <csv.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/text/utf8.h"

// A wider header is no table of ours; it also bounds the memory of the header.
#define MOST_COLUMNS 1000

static const struct csv_limits default_limits = {
    .field_bytes = 20000, .row_bytes = 200000, .rows = 1000000};

struct span { // a field inside reader->bytes
    size_t start;
    size_t size;
};

struct reader {
    struct csv_parser parser;
    const struct csv_column *columns; // borrows
    size_t n_columns;
    struct csv_limits limits;
    csv_row_fn on_row;
    void *user;
    struct csv_error *error; // borrows
    enum status status;      // first failure; nothing is done after it

    struct arena *arena;  // owns: header texts and the arrays below
    struct view *headers; // MOST_COLUMNS
    size_t *column_of;    // place in the file -> column of the table, n_columns: not known
    size_t n_headers;     // 0 until the header row was read
    struct span *spans;   // n_columns
    struct view *fields;  // n_columns
    struct buf bytes;     // owns: the fields of the row being read
    size_t row;           // of the row being read
    size_t line;          // where it starts
    size_t place;         // fields of it read so far
    size_t size;          // bytes of it read so far
    bool blank;           // nothing in it yet
    enum csv_flaw flaw;   // first one
    size_t flaw_place;    // 1-based, 0: the row
};

const char *csv_flaw_text(enum csv_flaw flaw) {
    static const char *const texts[] = {
        [CSV_FLAW_NONE] = "no flaw",
        [CSV_FLAW_TOO_MANY_FIELDS] =
            "more fields than the header row has (a comma without quotes?)",
        [CSV_FLAW_FIELD_TOO_LONG] = "the text is too long",
        [CSV_FLAW_ROW_TOO_LONG] = "the row is too long",
        [CSV_FLAW_CHARACTER] = "a control character or one that changes the text's direction",
    };
    return texts[flaw];
}

static const char *header_at(const struct reader *reader, size_t place) {
    if (place == 0 || place > reader->n_headers)
        return "";
    return (const char *)reader->headers[place - 1].data;
}

// Copies at most `size - 1` bytes of text, whole characters only.
static void copy_text(char *out, size_t size, const char *text) {
    size_t length = utf8_prefix_of_width(view_from_string(text), size / 2);
    if (length > size - 1)
        length = 0; // a heap of combining marks: not worth showing
    memcpy(out, text, length);
    out[length] = '\0';
}

// place: 1-based column of the file, 0: the row as a whole. detail: NULL for the column's header.
static void fail(struct reader *reader, size_t place, const char *reason, const char *detail) {
    if (reader->status != STATUS_OK)
        return;
    reader->status = STATUS_INVALID;
    struct csv_error *error = reader->error;
    error->row = reader->row;
    error->column = place;
    error->reason = reason;
    copy_text(error->detail, sizeof(error->detail),
              detail != NULL ? detail : header_at(reader, place));
    const char *open = error->detail[0] == '\0' ? "" : " (";
    const char *close = error->detail[0] == '\0' ? "" : ")";
    if (place == 0)
        (void)snprintf(error->text, sizeof(error->text), "row %zu%s%s%s: %s", error->row, open,
                       error->detail, close, reason);
    else
        (void)snprintf(error->text, sizeof(error->text), "row %zu, column %zu%s%s%s: %s",
                       error->row, place, open, error->detail, close, reason);
}

// Whether `header` is one of the names in "a|b|c".
static bool is_name(struct view header, const char *names) {
    while (*names != '\0') {
        size_t size = strcspn(names, "|");
        if (size == header.size && strncasecmp(names, (const char *)header.data, size) == 0)
            return true;
        names += size + (names[size] == '|' ? 1 : 0);
    }
    return false;
}

static size_t find_column(const struct reader *reader, struct view header) {
    size_t column = 0;
    while (column < reader->n_columns && !is_name(header, reader->columns[column].names))
        column++;
    return column;
}

static void on_header_field(struct reader *reader, struct view text) {
    if (reader->place > MOST_COLUMNS) {
        fail(reader, 0, "the header row has more than 1000 columns", NULL);
        return;
    }
    struct view name;
    enum utf8_flaw flaw = utf8_check_text(text, NULL);
    if (flaw != UTF8_FLAW_NONE || text.size > reader->limits.field_bytes) {
        fail(reader, reader->place, "the header is too long or holds a control character", NULL);
        return;
    }
    if (utf8_normalize(text, reader->arena, &name) != STATUS_OK ||
        (name.data = (const uint8_t *)arena_string(reader->arena, name)) == NULL) {
        reader->status = STATUS_NO_MEMORY;
        return;
    }
    reader->headers[reader->place - 1] = name;
}

static void note_flaw(struct reader *reader, enum csv_flaw flaw, size_t place) {
    if (reader->flaw != CSV_FLAW_NONE)
        return;
    reader->flaw = flaw;
    reader->flaw_place = place;
}

static void on_row_field(struct reader *reader, struct view text) {
    size_t place = reader->place;
    if (place > reader->n_headers) {
        if (text.size > 0)
            note_flaw(reader, CSV_FLAW_TOO_MANY_FIELDS, place);
        return;
    }
    size_t column = reader->column_of[place - 1];
    if (column == reader->n_columns)
        return;
    if (text.size > reader->limits.field_bytes) {
        note_flaw(reader, CSV_FLAW_FIELD_TOO_LONG, place);
        return;
    }
    if (utf8_check_text(text, NULL) != UTF8_FLAW_NONE) {
        note_flaw(reader, CSV_FLAW_CHARACTER, place);
        return;
    }
    reader->spans[column] = (struct span){buf_size(&reader->bytes), text.size};
    if (buf_append(&reader->bytes, text.data, text.size) != STATUS_OK)
        reader->status = STATUS_NO_MEMORY;
}

// libcsv: one field is complete.
static void on_field(void *data, size_t size, void *user) {
    struct reader *reader = user;
    if (reader->status != STATUS_OK)
        return;
    struct view text = utf8_trim(view_from(data, size));
    reader->place++;
    reader->size += size;
    if (text.size > 0)
        reader->blank = false;
    if (reader->n_headers == 0) {
        on_header_field(reader, text);
    } else if (reader->size > reader->limits.row_bytes) {
        note_flaw(reader, CSV_FLAW_ROW_TOO_LONG, 0);
    } else {
        on_row_field(reader, text);
    }
}

// The header row is complete: where is which column?
static void finish_header(struct reader *reader) {
    reader->n_headers = reader->place;
    for (size_t place = 0; place < reader->n_headers; place++) {
        size_t column = find_column(reader, reader->headers[place]);
        reader->column_of[place] = column;
        for (size_t before = 0; before < place && column < reader->n_columns; before++) {
            if (reader->column_of[before] == column)
                fail(reader, place + 1, "this column is there twice", NULL);
        }
    }
    for (size_t column = 0; column < reader->n_columns; column++) {
        size_t place = 0;
        while (place < reader->n_headers && reader->column_of[place] != column)
            place++;
        if (place == reader->n_headers && reader->columns[column].required)
            fail(reader, 0, "the header row lacks this column", reader->columns[column].names);
    }
}

static void finish_row(struct reader *reader) {
    struct view bytes = buf_view(&reader->bytes);
    for (size_t column = 0; column < reader->n_columns; column++) {
        const struct span *span = &reader->spans[column];
        reader->fields[column] =
            span->size == 0 ? view_from(NULL, 0) : view_from(bytes.data + span->start, span->size);
    }
    struct csv_row row = {
        .row = reader->row,
        .line = reader->line,
        .fields = reader->fields,
        .flaw = reader->flaw,
        .flaw_column = reader->flaw_place,
        .flaw_header = header_at(reader, reader->flaw_place),
    };
    reader->status = reader->on_row(reader->user, &row);
}

static void start_row(struct reader *reader) {
    reader->place = 0;
    reader->size = 0;
    reader->blank = true;
    reader->flaw = CSV_FLAW_NONE;
    reader->flaw_place = 0;
    buf_reset(&reader->bytes);
    memset(reader->spans, 0, reader->n_columns * sizeof(*reader->spans));
}

// libcsv: one row is complete.
static void on_row_end(int character, void *user) {
    (void)character;
    struct reader *reader = user;
    if (reader->status != STATUS_OK)
        return;
    if (reader->row > reader->limits.rows)
        fail(reader, 0, "the file has too many rows", NULL);
    else if (reader->n_headers == 0 && !reader->blank)
        finish_header(reader);
    else if (!reader->blank)
        finish_row(reader);
    reader->row += reader->status == STATUS_OK ? 1 : 0;
    start_row(reader);
}

// What the first row that is not blank has most of.
static unsigned char find_delimiter(struct view text) {
    static const unsigned char candidates[] = {',', ';', '\t'};
    size_t counts[sizeof(candidates)] = {0};
    bool blank = true;
    for (size_t i = 0; i < text.size && (blank || text.data[i] != '\n'); i++) {
        blank = blank && strchr(" \r\n", text.data[i]) != NULL;
        for (size_t c = 0; c < sizeof(candidates); c++)
            counts[c] += text.data[i] == candidates[c] ? 1 : 0;
    }
    size_t best = 0;
    for (size_t c = 1; c < sizeof(candidates); c++)
        best = counts[c] > counts[best] ? c : best;
    return candidates[best];
}

static bool is_blank(struct view line) {
    for (size_t i = 0; i < line.size; i++) {
        if (strchr(" \t\r\n", line.data[i]) == NULL || line.data[i] == '\0')
            return false;
    }
    return true;
}

// One physical line with its line end.
static void read_line(struct reader *reader, struct view line, size_t number) {
    bool inside = reader->parser.quoted != 0; // a quoted field goes on
    if (!inside)
        reader->line = number;
    size_t row = reader->row;
    size_t got = csv_parse(&reader->parser, line.data, line.size, on_field, on_row_end, reader);
    if (got != line.size && csv_error(&reader->parser) == CSV_ENOMEM)
        reader->status = STATUS_NO_MEMORY;
    else if (got != line.size)
        fail(reader, reader->place + 1,
             "a quote inside a text must be doubled and the whole text set in quotes", NULL);
    else if (!inside && reader->row == row && is_blank(line))
        reader->row++; // the library passes over it
}

static void read_lines(struct reader *reader, struct view text) {
    size_t number = 1;
    while (text.size > 0 && reader->status == STATUS_OK) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end == NULL ? text.size : (size_t)(end - text.data) + 1;
        read_line(reader, view_from(text.data, size), number++);
        text = view_from(text.data + size, text.size - size);
    }
    if (reader->status != STATUS_OK)
        return;
    if (csv_fini(&reader->parser, on_field, on_row_end, reader) != 0)
        fail(reader, reader->place + 1, "the quote that opens here is never closed", NULL);
    else if (reader->status == STATUS_OK && reader->n_headers == 0)
        fail(reader, 0, "the file is empty: a header row is needed", NULL);
}

static enum status open_reader(struct reader *reader, struct view text) {
    reader->arena = arena_new(0);
    if (reader->arena == NULL)
        return STATUS_NO_MEMORY;
    reader->headers = arena_array(reader->arena, MOST_COLUMNS, sizeof(*reader->headers));
    reader->column_of = arena_array(reader->arena, MOST_COLUMNS, sizeof(*reader->column_of));
    reader->spans = arena_array(reader->arena, reader->n_columns, sizeof(*reader->spans));
    reader->fields = arena_array(reader->arena, reader->n_columns, sizeof(*reader->fields));
    if (reader->headers == NULL || reader->column_of == NULL || reader->spans == NULL ||
        reader->fields == NULL)
        return STATUS_NO_MEMORY;
    if (csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return STATUS_NO_MEMORY;
    csv_set_delim(&reader->parser, find_delimiter(text));
    reader->row = 1;
    start_row(reader);
    return STATUS_OK;
}

enum status csv_read(struct view text, const struct csv_column *columns, size_t n_columns,
                     const struct csv_limits *limits, csv_row_fn on_row, void *user,
                     struct csv_error *out_error) {
    struct reader reader = {.columns = columns,
                            .n_columns = n_columns,
                            .on_row = on_row,
                            .user = user,
                            .error = out_error};
    reader.limits = limits == NULL ? default_limits : *limits;
    if (reader.limits.field_bytes == 0)
        reader.limits.field_bytes = default_limits.field_bytes;
    if (reader.limits.row_bytes == 0)
        reader.limits.row_bytes = default_limits.row_bytes;
    if (reader.limits.rows == 0)
        reader.limits.rows = default_limits.rows;
    *out_error = (struct csv_error){0};
    reader.status = open_reader(&reader, text);
    if (reader.status == STATUS_OK) {
        read_lines(&reader, text);
        csv_free(&reader.parser);
    }
    buf_free(&reader.bytes);
    arena_free(&reader.arena);
    return reader.status;
}
