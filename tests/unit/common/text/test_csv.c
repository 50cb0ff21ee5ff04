// CSV: columns by name, numbers of rows and lines, caps, and errors that say where.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/text/csv.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct csv_column columns[] = {
    {.names = "account|平台账号|账号", .required = true},
    {.names = "id_no|身份证号"},
    {.names = "name|姓名"},
};

// Writes each row as "row/line:field|field|field[!flaw@column header];".
static enum status print_row(void *user, const struct csv_row *row) {
    struct buf *out = user;
    TRY(buf_format(out, "%zu/%zu:", row->row, row->line));
    for (size_t i = 0; i < COUNT(columns); i++)
        TRY(buf_format(out, "%s%.*s", i == 0 ? "" : "|", (int)row->fields[i].size,
                       (const char *)row->fields[i].data));
    if (row->flaw != CSV_FLAW_NONE)
        TRY(buf_format(out, "!%d@%zu %s", (int)row->flaw, row->flaw_column, row->flaw_header));
    return buf_append_string(out, ";");
}

static enum status read_text(struct view text, const struct csv_limits *limits, struct buf *out,
                             struct csv_error *error) {
    enum status status = csv_read(text, columns, COUNT(columns), limits, print_row, out, error);
    assert_int_equal(buf_append(out, "", 1), STATUS_OK);
    return status;
}

static void test_rows(void **state) {
    (void)state;
    static const struct {
        struct view text;
        const char *rows;
    } cases[] = {
        {VIEW_LITERAL("账号,姓名,身份证号\na1,王明,340102199001011234\n"),
         "2/2:a1|340102199001011234|王明;"},
        {VIEW_LITERAL("NAME,other,Account\r\n李,x,a2\r\n\r\n赵,y,a3"), "2/2:a2||李;4/4:a3||赵;"},
        {VIEW_LITERAL("\n账号\n\na1\n"), "4/4:a1||;"},
        {VIEW_LITERAL("账号,姓名\na1,\"王\n\n明\"\na2,\"说\"\"好\"\"\"\n"),
         "2/2:a1||王\n\n明;3/5:a2||说\"好\";"},
        {VIEW_LITERAL("账号;姓名\na1;王,明\n"), "2/2:a1||王,明;"},
        {VIEW_LITERAL("账号\t姓名\na1\t 王明\xe3\x80\x80\n\t\n\na2\t\n"), "2/2:a1||王明;5/5:a2||;"},
        {VIEW_LITERAL("账号,姓名\na1\na2,b,,\na3,b,,c\n"), "2/2:a1||;3/3:a2||b;4/4:a3||b!1@4 ;"},
        {VIEW_LITERAL("账号,姓名\n007,王\x1b[31m\n3.40E+17,b\n"),
         "2/2:007||!4@2 姓名;3/3:3.40E+17||b;"},
        {VIEW_LITERAL("账号,姓名\ra1,王\ra2,明"), "2/1:a1||王;3/1:a2||明;"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out = {0};
        struct csv_error error;
        assert_int_equal(read_text(cases[i].text, NULL, &out, &error), STATUS_OK);
        assert_string_equal((const char *)buf_view(&out).data, cases[i].rows);
        buf_free(&out);
    }
}

static void test_faults_of_the_file(void **state) {
    (void)state;
    static const struct {
        struct view text;
        const char *message;
    } cases[] = {
        {VIEW_LITERAL(""), "row 1: the file is empty: a header row is needed"},
        {VIEW_LITERAL("\n \n"), "row 3: the file is empty: a header row is needed"},
        {VIEW_LITERAL("姓名\nx\n"),
         "row 1 (account|平台账号|账号): the header row lacks this column"},
        {VIEW_LITERAL("账号,姓名,account\n"),
         "row 1, column 3 (account): this column is there twice"},
        {VIEW_LITERAL("账号,姓名\na1,\"x\ny\na2,z\n"),
         "row 2, column 2 (姓名): the quote that opens here is never closed"},
        {VIEW_LITERAL("账号,姓名\n\na1,a\"b\n"),
         "row 3, column 2 (姓名): a quote inside a text must be doubled and the whole text set in "
         "quotes"},
        {VIEW_LITERAL("账号,\x01\n"),
         "row 1, column 2: the header is too long or holds a control character"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out = {0};
        struct csv_error error;
        assert_int_equal(read_text(cases[i].text, NULL, &out, &error), STATUS_INVALID);
        assert_string_equal(error.text, cases[i].message);
        assert_non_null(error.reason);
        buf_free(&out);
    }
}

static void test_caps(void **state) {
    (void)state;
    const struct csv_limits limits = {.field_bytes = 6, .row_bytes = 10, .rows = 3};
    struct buf out = {0};
    struct csv_error error;
    struct view text = VIEW_LITERAL("账号,姓名\n1234567,b\n123456,12345\nc,d\n");
    assert_int_equal(read_text(text, &limits, &out, &error), STATUS_INVALID);
    assert_string_equal((const char *)buf_view(&out).data, "2/2:||b!2@1 账号;3/3:123456||!3@0 ;");
    assert_string_equal(error.text, "row 4: the file has too many rows");
    buf_free(&out);
}

static enum status stop(void *user, const struct csv_row *row) {
    (void)row;
    ++*(int *)user;
    return STATUS_CONFLICT;
}

static void test_callback_stops(void **state) {
    (void)state;
    int calls = 0;
    struct csv_error error;
    assert_int_equal(
        csv_read(VIEW_LITERAL("账号\na\nb\n"), columns, COUNT(columns), NULL, stop, &calls, &error),
        STATUS_CONFLICT);
    assert_int_equal(calls, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_faults_of_the_file),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_callback_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
