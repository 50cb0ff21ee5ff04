// UTF-8: what is refused and where, normal form, width, trimming.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/text/utf8.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_wrong_encoding(void **state) {
    (void)state;
    static const struct {
        struct view text;
        size_t offset;
    } cases[] = {
        {VIEW_LITERAL("a\x80"), 1},                // continuation without a start
        {VIEW_LITERAL("ab\xc0\x80"), 2},           // overlong NUL
        {VIEW_LITERAL("\xe0\x80\xaf"), 0},         // overlong slash
        {VIEW_LITERAL("\xed\xa0\x80"), 0},         // surrogate
        {VIEW_LITERAL("\xf4\x90\x80\x80"), 0},     // above U+10FFFF
        {VIEW_LITERAL("\xe4\xb8\xad\xe4\xb8"), 3}, // cut off
        {VIEW_LITERAL("\xff"), 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t offset = 99;
        assert_int_equal(utf8_check(cases[i].text, &offset), UTF8_FLAW_ENCODING);
        assert_int_equal(offset, cases[i].offset);
        assert_int_equal(utf8_check_name(cases[i].text, NULL), UTF8_FLAW_ENCODING);
    }
    size_t offset = 99;
    assert_int_equal(utf8_check(VIEW_LITERAL("中文 \xf0\x9f\x98\x80 é"), &offset), UTF8_FLAW_NONE);
    assert_int_equal(offset, strlen("中文 \xf0\x9f\x98\x80 é"));
    assert_int_equal(utf8_check((struct view){NULL, 0}, NULL), UTF8_FLAW_NONE);
}

static void test_names(void **state) {
    (void)state;
    static const struct {
        struct view text;
        enum utf8_flaw flaw;
    } cases[] = {
        {VIEW_LITERAL("王小明"), UTF8_FLAW_NONE},
        {VIEW_LITERAL("古丽娜尔·买买提"), UTF8_FLAW_NONE},
        {VIEW_LITERAL("a\0b"), UTF8_FLAW_NUL},
        {VIEW_LITERAL("a\tb"), UTF8_FLAW_CONTROL},
        {VIEW_LITERAL("a\x7f"), UTF8_FLAW_CONTROL},
        {VIEW_LITERAL("a\xc2\x85"), UTF8_FLAW_CONTROL},     // NEL
        {VIEW_LITERAL("a\xe2\x80\xa8"), UTF8_FLAW_CONTROL}, // line separator
        {VIEW_LITERAL("a\xef\xbb\xbf"), UTF8_FLAW_CONTROL}, // byte order mark
        {VIEW_LITERAL("a\xe2\x80\xae"), UTF8_FLAW_BIDI},    // right-to-left override
        {VIEW_LITERAL("a\xe2\x81\xa6"), UTF8_FLAW_BIDI},    // isolate
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(utf8_check_name(cases[i].text, NULL), cases[i].flaw);
    assert_int_equal(utf8_check_text(VIEW_LITERAL("a\tb\r\nc"), NULL), UTF8_FLAW_NONE);
    assert_int_equal(utf8_check_text(VIEW_LITERAL("a\x1b"), NULL), UTF8_FLAW_CONTROL);
}

static void test_normal_form(void **state) {
    (void)state;
    struct arena *arena = arena_new(0);
    struct view out;
    assert_int_equal(utf8_normalize(VIEW_LITERAL("e\xcc\x81"), arena, &out), STATUS_OK);
    assert_true(view_equal(out, VIEW_LITERAL("é")));
    assert_int_equal(utf8_normalize(VIEW_LITERAL("中文"), arena, &out), STATUS_OK);
    assert_true(view_equal(out, VIEW_LITERAL("中文")));
    assert_int_equal(utf8_normalize(VIEW_LITERAL("a\0\xc3\xa9"), arena, &out), STATUS_OK);
    assert_int_equal(out.size, 4);
    assert_int_equal(utf8_normalize(VIEW_LITERAL("\xff"), arena, &out), STATUS_INVALID);
    arena_free(&arena);
}

static void test_trim(void **state) {
    (void)state;
    static const struct {
        struct view text;
        struct view trimmed;
    } cases[] = {
        {VIEW_LITERAL("  a b \t"), VIEW_LITERAL("a b")},
        {VIEW_LITERAL("\xe3\x80\x80王 明\xc2\xa0\xe3\x80\x80"), VIEW_LITERAL("王 明")},
        {VIEW_LITERAL("\xef\xbb\xbfx"), VIEW_LITERAL("x")},
        {VIEW_LITERAL(" \xe3\x80\x80 "), VIEW_LITERAL("")},
        {VIEW_LITERAL(""), VIEW_LITERAL("")},
        {VIEW_LITERAL(" \x80 "), VIEW_LITERAL("\x80")},
        {VIEW_LITERAL("\x80\x80\x80\x80\x80"), VIEW_LITERAL("\x80\x80\x80\x80\x80")},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true(view_equal(utf8_trim(cases[i].text), cases[i].trimmed));
}

static void test_width(void **state) {
    (void)state;
    assert_int_equal(utf8_width(VIEW_LITERAL("abc")), 3);
    assert_int_equal(utf8_width(VIEW_LITERAL("庐阳区")), 6);
    assert_int_equal(utf8_width(VIEW_LITERAL("e\xcc\x81\xff")), 1);
    assert_int_equal(utf8_count(VIEW_LITERAL("庐阳a\xff")), 4);
    assert_int_equal(utf8_prefix_of_width(VIEW_LITERAL("庐阳区"), 5), 6);
    assert_int_equal(utf8_prefix_of_width(VIEW_LITERAL("庐阳区"), 6), 9);
    assert_int_equal(utf8_prefix_of_width(VIEW_LITERAL("e\xcc\x81z"), 1), 3);
    assert_int_equal(utf8_prefix_of_width(VIEW_LITERAL("abc"), 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_encoding), cmocka_unit_test(test_names),
        cmocka_unit_test(test_normal_form),    cmocka_unit_test(test_trim),
        cmocka_unit_test(test_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
