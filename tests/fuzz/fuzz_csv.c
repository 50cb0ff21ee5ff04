// libFuzzer: any bytes as a CSV file, through the charset to rows. Checks what csv.h promises.
#include <stdio.h>
#include <stdlib.h>

#include "common/text/charset.h"
#include "common/text/csv.h"
#include "common/text/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct csv_column columns[] = {
    {.names = "account|账号", .required = true},
    {.names = "name|姓名"},
};

static void check(bool holds) {
    if (!holds)
        abort();
}

static enum status check_row(void *user, const struct csv_row *row) {
    size_t *last = user;
    check(row->row > *last && row->row >= 2 && row->line >= 1);
    *last = row->row;
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        check(row->fields[i].size <= 50);
        check(utf8_check_text(row->fields[i], NULL) == UTF8_FLAW_NONE);
        check(utf8_trim(row->fields[i]).size == row->fields[i].size);
    }
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct csv_limits limits = {.field_bytes = 50, .row_bytes = 200, .rows = 100};
    struct arena *arena = arena_new(0);
    struct view text;
    check(arena != NULL);
    if (charset_to_utf8(view_from(data, size), arena, &text, NULL, NULL) == STATUS_OK) {
        check(utf8_check(text, NULL) == UTF8_FLAW_NONE);
        struct csv_error error;
        size_t last = 0;
        enum status status = csv_read(text, columns, 2, &limits, check_row, &last, &error);
        check(status == STATUS_OK || (status == STATUS_INVALID && error.reason != NULL));
        check(utf8_check(view_from_string(error.text), NULL) == UTF8_FLAW_NONE);
    }
    arena_free(&arena);
    return 0;
}
