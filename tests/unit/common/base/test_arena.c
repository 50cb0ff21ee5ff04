// Arena: limits, alignment, zeroed memory, reuse after a reset.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/arena.h"

static void test_memory_is_zeroed_and_aligned(void **state) {
    (void)state;
    struct arena *arena = arena_new(0);
    for (size_t size = 0; size < 200; size++) {
        uint8_t *room = arena_alloc(arena, size);
        assert_non_null(room);
        assert_int_equal((uintptr_t)room % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(room[i], 0);
        memset(room, 0xa5, size);
    }
    arena_reset(arena);
    const uint8_t *again = arena_alloc(arena, 64);
    assert_non_null(again);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(again[i], 0);
    arena_free(&arena);
    assert_null(arena);
    arena_free(&arena);
}

static void test_limit_holds(void **state) {
    (void)state;
    struct arena *arena = arena_new(1000);
    assert_null(arena_alloc(arena, 1001));
    assert_null(arena_alloc(arena, SIZE_MAX));
    assert_null(arena_array(arena, SIZE_MAX / 2, 3));
    assert_non_null(arena_alloc(arena, 900));
    assert_null(arena_alloc(arena, 200));
    assert_non_null(arena_alloc(arena, 80));
    assert_true(arena_used_bytes(arena) <= 1000);
    arena_reset(arena);
    assert_int_equal(arena_used_bytes(arena), 0);
    assert_non_null(arena_alloc(arena, 900));
    arena_free(&arena);
}

static void test_many_blocks_keep_their_content(void **state) {
    (void)state;
    struct arena *arena = arena_new(0);
    char *texts[500];
    for (int i = 0; i < 500; i++) {
        texts[i] = arena_format(arena, "%d %0300d", i, i);
        assert_non_null(texts[i]);
    }
    for (int i = 0; i < 500; i++) {
        char wanted[400];
        (void)snprintf(wanted, sizeof(wanted), "%d %0300d", i, i);
        assert_string_equal(texts[i], wanted);
    }
    assert_non_null(arena_alloc(arena, 100000)); // larger than any block
    arena_free(&arena);
}

static void test_string_is_a_terminated_copy(void **state) {
    (void)state;
    struct arena *arena = arena_new(0);
    struct view text = {(const uint8_t *)"abcdef", 3};
    assert_string_equal(arena_string(arena, text), "abc");
    assert_string_equal(arena_string(arena, (struct view){NULL, 0}), "");
    arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_zeroed_and_aligned),
        cmocka_unit_test(test_limit_holds),
        cmocka_unit_test(test_many_blocks_keep_their_content),
        cmocka_unit_test(test_string_is_a_terminated_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
