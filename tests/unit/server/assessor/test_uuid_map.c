// The map of ids: finds all it holds and nothing else, also when ids differ in one byte only.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/assessor/uuid_map.h"

static struct uuid id_of(size_t n) {
    struct uuid id = {{0}};
    id.bytes[n % UUID_SIZE] = (uint8_t)(n / UUID_SIZE);
    id.bytes[15] ^= (uint8_t)(n >> 8);
    id.bytes[3] = (uint8_t)n;
    return id;
}

static void test_finds_what_it_holds(void **state) {
    (void)state;
    struct arena *arena = arena_new(0);
    struct uuid_map map = {.arena = arena};
    assert_true(uuid_map_find(&map, id_of(1)) == UUID_MAP_NONE);
    size_t held = 0;
    for (size_t n = 0; n < 4000; n++) {
        size_t before = uuid_map_find(&map, id_of(n));
        enum status status = uuid_map_add(&map, id_of(n), n);
        assert_int_equal(status, before == UUID_MAP_NONE ? STATUS_OK : STATUS_EXISTS);
        held += status == STATUS_OK ? 1 : 0;
        assert_true(uuid_map_find(&map, id_of(n)) == (before == UUID_MAP_NONE ? n : before));
    }
    assert_true(map.used == held && held > 3000);
    for (size_t n = 0; n < 4000; n++)
        assert_true(uuid_map_find(&map, id_of(n)) <= n);
    struct uuid other = {{9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}};
    assert_true(uuid_map_find(&map, other) == UUID_MAP_NONE);
    arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_finds_what_it_holds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
