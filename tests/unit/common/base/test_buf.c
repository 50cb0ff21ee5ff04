// Buffer: what is written comes out in order, whatever the pieces; room is given back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/buf.h"

static void test_bytes_come_out_in_order(void **state) {
    (void)state;
    struct buf buf = {0};
    uint8_t next_in = 0;
    uint8_t next_out = 0;
    for (size_t round = 1; round < 300; round++) {
        for (size_t i = 0; i < round; i++) {
            assert_int_equal(buf_append(&buf, &next_in, 1), STATUS_OK);
            next_in++;
        }
        struct view unread = buf_view(&buf);
        size_t take = unread.size - unread.size / 3;
        for (size_t i = 0; i < take; i++)
            assert_int_equal(unread.data[i], next_out++);
        buf_consume(&buf, take);
    }
    assert_true(buf.capacity < 4096);
    buf_free(&buf);
    assert_int_equal(buf_size(&buf), 0);
    assert_int_equal(buf_view(&buf).size, 0);
}

static void test_format_and_append_string(void **state) {
    (void)state;
    struct buf buf = {0};
    assert_int_equal(buf_append_string(&buf, "a"), STATUS_OK);
    assert_int_equal(buf_format(&buf, "%05d|%s", 42, "x"), STATUS_OK);
    assert_int_equal(buf_append(&buf, NULL, 0), STATUS_OK);
    assert_int_equal(buf_size(&buf), 8);
    assert_memory_equal(buf_view(&buf).data, "a00042|x", 8);
    buf_reset(&buf);
    assert_int_equal(buf_size(&buf), 0);
    buf_free(&buf);
}

static void test_absurd_size_is_refused(void **state) {
    (void)state;
    struct buf buf = {0};
    uint8_t *room;
    assert_int_equal(buf_append(&buf, "x", 1), STATUS_OK);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX, &room), STATUS_NO_MEMORY);
    assert_int_equal(buf_size(&buf), 1);
    buf_free(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_come_out_in_order),
        cmocka_unit_test(test_format_and_append_string),
        cmocka_unit_test(test_absurd_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
