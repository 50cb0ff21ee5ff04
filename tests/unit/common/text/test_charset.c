// Charsets: which one a file is read as, what comes out, where it goes wrong.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/text/charset.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_recognised(void **state) {
    (void)state;
    static const struct {
        struct view bytes;
        struct view text;
        enum charset charset;
    } cases[] = {
        {VIEW_LITERAL("abc"), VIEW_LITERAL("abc"), CHARSET_UTF8},
        {VIEW_LITERAL(""), VIEW_LITERAL(""), CHARSET_UTF8},
        {VIEW_LITERAL("\xef\xbb\xbf姓名"), VIEW_LITERAL("姓名"), CHARSET_UTF8},
        {VIEW_LITERAL("姓名"), VIEW_LITERAL("姓名"), CHARSET_UTF8},
        {VIEW_LITERAL("\xd0\xd5\xc3\xfb"), VIEW_LITERAL("姓名"), CHARSET_GB18030},
        {VIEW_LITERAL("\x95\x32\x82\x36"), VIEW_LITERAL("\xf0\xa0\x80\x80"), CHARSET_GB18030},
        {VIEW_LITERAL("\xff\xfe\xd3\x59\x0d\x54"), VIEW_LITERAL("姓名"), CHARSET_UTF16LE},
        {VIEW_LITERAL("\xfe\xff\x59\xd3\x54\x0d"), VIEW_LITERAL("姓名"), CHARSET_UTF16BE},
    };
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct view text;
        enum charset charset;
        assert_int_equal(charset_to_utf8(cases[i].bytes, arena, &text, &charset, NULL), STATUS_OK);
        assert_true(view_equal(text, cases[i].text));
        assert_int_equal(charset, cases[i].charset);
    }
    arena_free(&arena);
}

static void test_wrong(void **state) {
    (void)state;
    static const struct {
        struct view bytes;
        size_t offset;
        enum charset charset;
    } cases[] = {
        {VIEW_LITERAL("\xef\xbb\xbf"
                      "ab\xff"),
         5, CHARSET_UTF8}, // the mark leaves no choice
        {VIEW_LITERAL("\xd0\xd5\xc3\xfb,\xff\xff"), 5, CHARSET_GB18030},
        {VIEW_LITERAL("\xd0\xd5\xc3"), 2, CHARSET_GB18030}, // cut off
        {VIEW_LITERAL("\xe5\xa7\x93\xe5\x90\x8d\xff"), 6,
         CHARSET_UTF8}, // came further as UTF-8 or equal
        {VIEW_LITERAL("\xff\xfe\x00\xd8\x41\x00"), 2, CHARSET_UTF16LE}, // half a surrogate pair
    };
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct view text;
        struct charset_error error = {0};
        assert_int_equal(charset_to_utf8(cases[i].bytes, arena, &text, NULL, &error),
                         STATUS_INVALID);
        assert_int_equal(error.offset, cases[i].offset);
        if (i != 3)
            assert_int_equal(error.charset, cases[i].charset);
    }
    arena_free(&arena);
}

static void test_full_arena(void **state) {
    (void)state;
    struct arena *arena = arena_new(64);
    struct view text;
    uint8_t bytes[100];
    memset(bytes, 0xb0, sizeof(bytes));
    assert_int_equal(charset_to_utf8(view_from(bytes, sizeof(bytes)), arena, &text, NULL, NULL),
                     STATUS_NO_MEMORY);
    arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recognised),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_full_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
