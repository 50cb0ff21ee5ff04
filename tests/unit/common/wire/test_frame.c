// Frames: headers, any cut of the bytes, the cap before any allocation.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/frame.h"

static const uint8_t TWO_FRAMES[] = {
    0, 0, 0, 5, 0, 1, 1, 0, 0, 0, 0, 7, 'h', 'e', 'l', 'l', 'o', // Ping, request 7
    0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 1, 0, // Hello without payload, request 256
};

static void test_header_both_ways(void **state) {
    (void)state;
    struct frame_header header = {0x01020304, 0x0506, 7, 8, 0x090a0b0c};
    uint8_t bytes[FRAME_HEADER_SIZE];
    frame_encode_header(&header, bytes);
    const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    assert_memory_equal(bytes, expected, sizeof expected);
    struct frame_header back;
    frame_decode_header(bytes, &back);
    assert_int_equal(back.length, header.length);
    assert_int_equal(back.method, header.method);
    assert_int_equal(back.kind, header.kind);
    assert_int_equal(back.flags, header.flags);
    assert_int_equal(back.request_id, header.request_id);
}

static void check_two(const struct frame frames[2]) {
    assert_int_equal(frames[0].header.request_id, 7);
    assert_int_equal(frames[0].header.method, 1);
    assert_int_equal(frames[1].header.request_id, 256);
    assert_int_equal(frames[1].header.length, 0);
    assert_int_equal(frames[1].payload.size, 0);
}

// Every cut in pieces of every size gives the same two frames.
static void test_any_pieces(void **state) {
    (void)state;
    for (size_t piece = 1; piece <= sizeof TWO_FRAMES; piece++) {
        struct frame_reader reader;
        frame_reader_init(&reader, 100);
        struct frame frames[2];
        size_t n = 0;
        for (size_t at = 0; at < sizeof TWO_FRAMES; at += piece) {
            size_t left = sizeof TWO_FRAMES - at;
            struct view bytes = view_from(TWO_FRAMES + at, left < piece ? left : piece);
            struct frame frame;
            while (frame_read(&reader, &bytes, &frame) == STATUS_OK) {
                assert_true(n < 2);
                if (n == 0)
                    assert_memory_equal(frame.payload.data, "hello", 5);
                frames[n++] = frame;
                frame_reader_trim(&reader);
            }
            assert_int_equal(bytes.size, 0);
        }
        assert_int_equal(n, 2);
        check_two(frames);
        assert_false(frame_reader_is_inside(&reader));
        frame_reader_free(&reader);
    }
}

static void test_truncated_is_inside(void **state) {
    (void)state;
    struct frame_reader reader;
    frame_reader_init(&reader, 100);
    assert_false(frame_reader_is_inside(&reader));
    struct view bytes = view_from(TWO_FRAMES, 1);
    struct frame frame;
    assert_int_equal(frame_read(&reader, &bytes, &frame), STATUS_AGAIN);
    assert_true(frame_reader_is_inside(&reader));
    bytes = view_from(TWO_FRAMES + 1, 13);
    assert_int_equal(frame_read(&reader, &bytes, &frame), STATUS_AGAIN);
    assert_true(frame_reader_is_inside(&reader));
    frame_reader_free(&reader);
}

static void check_over_cap(uint32_t length, uint32_t cap) {
    struct frame_reader reader;
    frame_reader_init(&reader, cap);
    struct frame_header header = {length, 1, 1, 0, 99};
    uint8_t bytes[FRAME_HEADER_SIZE];
    frame_encode_header(&header, bytes);
    struct view view = view_from(bytes, sizeof bytes);
    struct frame frame;
    assert_int_equal(frame_read(&reader, &view, &frame), STATUS_LIMIT);
    assert_int_equal(frame.header.request_id, 99);
    assert_null(reader.body.data); // refused before any allocation
    view = view_from(TWO_FRAMES, sizeof TWO_FRAMES);
    assert_int_equal(frame_read(&reader, &view, &frame), STATUS_LIMIT); // for good
    frame_reader_free(&reader);
}

static void test_cap(void **state) {
    (void)state;
    check_over_cap(0xffffffff, 4096);
    check_over_cap(4097, 4096);
    struct frame_reader reader;
    frame_reader_init(&reader, 5); // exactly at the cap
    struct view bytes = view_from(TWO_FRAMES, sizeof TWO_FRAMES);
    struct frame frame;
    assert_int_equal(frame_read(&reader, &bytes, &frame), STATUS_OK);
    frame_reader_free(&reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_both_ways),
        cmocka_unit_test(test_any_pieces),
        cmocka_unit_test(test_truncated_is_inside),
        cmocka_unit_test(test_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
