// Tables: columns that line up with Chinese text, JSON that is JSON, CSV that no spreadsheet runs.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/cli/json.h"
#include "client/cli/table.h"

static const struct table_column columns[] = {
    {"name", "姓名", TABLE_TEXT},
    {"points", "得分", TABLE_NUMBER},
    {"note", "Note", TABLE_TEXT},
};

struct printed {
    struct arena *arena;
    struct table *table;
    char *text;
    size_t size;
};

static int open_table(void **state) {
    struct printed *printed = calloc(1, sizeof *printed);
    printed->arena = arena_new(0);
    printed->table = table_new(printed->arena, columns, 3);
    *state = printed;
    return 0;
}

static int close_table(void **state) {
    struct printed *printed = *state;
    arena_free(&printed->arena);
    free(printed->text);
    free(printed);
    return 0;
}

static void add(struct printed *printed, const char *name, long long points, const char *note) {
    assert_int_equal(table_row(printed->table), STATUS_OK);
    assert_int_equal(table_text(printed->table, name), STATUS_OK);
    assert_int_equal(table_hundredths(printed->table, points), STATUS_OK);
    assert_int_equal(table_text(printed->table, note), STATUS_OK);
}

static const char *print(struct printed *printed,
                         void (*how)(const struct table *table, FILE *out)) {
    FILE *out = open_memstream(&printed->text, &printed->size);
    assert_non_null(out);
    how(printed->table, out);
    assert_int_equal(fclose(out), 0);
    return printed->text;
}

static void test_columns_line_up(void **state) {
    struct printed *printed = *state;
    add(printed, "王芳", 1250, "a");
    add(printed, "Li", -5, NULL);
    add(printed, "欧阳小明", 100000, "乙");
    assert_string_equal(print(printed, table_print), "姓名         得分  Note\n"
                                                     "王芳        12.50  a\n"
                                                     "Li          -0.05\n"
                                                     "欧阳小明  1000.00  乙\n");
}

static void test_json_escapes(void **state) {
    struct printed *printed = *state;
    add(printed, "a\"b\\c\n\x01", 50, NULL);
    assert_string_equal(
        print(printed, table_print_json),
        "[\n  {\"name\": \"a\\\"b\\\\c\\n\\u0001\", \"points\": 0.50, \"note\": null}\n]");
}

static void test_csv_disarms_formulas(void **state) {
    struct printed *printed = *state;
    add(printed, "=cmd|'/c calc'!A0", -100, "+1");
    add(printed, "-2+3", 0, "@SUM(A1)");
    add(printed, "＝1+1", 0, "a,b \"c\"\nd");
    add(printed, "\tx", 0, "王芳");
    assert_string_equal(print(printed, table_print_csv), "\xef\xbb\xbf姓名,得分,Note\r\n"
                                                         "\"'=cmd|'/c calc'!A0\",-1.00,\"'+1\"\r\n"
                                                         "\"'-2+3\",0.00,\"'@SUM(A1)\"\r\n"
                                                         "\"'＝1+1\",0.00,\"a,b \"\"c\"\"\nd\"\r\n"
                                                         "\"'\tx\",0.00,王芳\r\n");
}

static void test_rows_take_no_more_cells_than_columns(void **state) {
    struct printed *printed = *state;
    assert_int_equal(table_text(printed->table, "no row yet"), STATUS_LIMIT);
    add(printed, "a", 0, "b");
    assert_int_equal(table_int(printed->table, 1), STATUS_LIMIT);
    assert_int_equal(table_rows(printed->table), 1);
}

static void test_json_writer(void **state) {
    struct json json;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)state;
    assert_non_null(out);
    json_open(&json, out);
    json_begin(&json, NULL, '{');
    json_int(&json, "a", -1);
    json_begin(&json, "list", '[');
    json_text(&json, NULL, "x");
    json_begin(&json, NULL, '{');
    json_end(&json, '}');
    json_bool(&json, NULL, true);
    json_end(&json, ']');
    json_hundredths(&json, "points", -105);
    json_text(&json, "none", NULL);
    json_end(&json, '}');
    json_close(&json);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(
        text, "{\"a\": -1, \"list\": [\"x\", {}, true], \"points\": -1.05, \"none\": null}\n");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_columns_line_up, open_table, close_table),
        cmocka_unit_test_setup_teardown(test_json_escapes, open_table, close_table),
        cmocka_unit_test_setup_teardown(test_csv_disarms_formulas, open_table, close_table),
        cmocka_unit_test_setup_teardown(test_rows_take_no_more_cells_than_columns, open_table,
                                        close_table),
        cmocka_unit_test(test_json_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
