// Ids: text there and back, version and order of version 7, what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/uuid.h"

static void test_text_there_and_back(void **state) {
    (void)state;
    struct uuid id;
    char text[UUID_TEXT_SIZE];
    struct view upper = VIEW_LITERAL("018F3A2B-4C5D-7E6F-8A9B-0C1D2E3F4A5B");
    assert_int_equal(uuid_parse(upper, &id), STATUS_OK);
    uuid_format(id, text);
    assert_string_equal(text, "018f3a2b-4c5d-7e6f-8a9b-0c1d2e3f4a5b");
    assert_int_equal(uuid_version(id), 7);
}

static void test_wrong_text(void **state) {
    (void)state;
    const char *const wrong[] = {
        "", "018f3a2b4c5d7e6f8a9b0c1d2e3f4a5b", "018f3a2b-4c5d-7e6f-8a9b-0c1d2e3f4a5g",
        "018f3a2b-4c5d-7e6f-8a9b-0c1d2e3f4a5b0", "018f3a2b-4c5d-7e6f-8a9b00c1d2e3f4a5b"};
    struct uuid id;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(uuid_parse(view_from_string(wrong[i]), &id), STATUS_INVALID);
    assert_int_equal(uuid_from_bytes(VIEW_LITERAL("123456789012345"), &id), STATUS_INVALID);
    assert_int_equal(uuid_from_bytes(VIEW_LITERAL("1234567890123456"), &id), STATUS_OK);
}

static void test_version_7_sorts_by_time(void **state) {
    (void)state;
    struct uuid before = {{0}};
    assert_true(uuid_is_nil(before));
    for (int64_t time_ms = 1; time_ms < INT64_C(1) << 47; time_ms *= 3) {
        struct uuid id = uuid_new_v7(time_ms);
        struct uuid twin = uuid_new_v7(time_ms);
        assert_int_equal(uuid_version(id), 7);
        assert_int_equal(id.bytes[8] >> 6, 2);
        assert_false(uuid_equal(id, twin));
        assert_true(uuid_compare(before, id) < 0);
        before = id;
    }
}

static void test_digest_gives_version_8(void **state) {
    (void)state;
    uint8_t digest[16];
    memset(digest, 0xff, sizeof(digest));
    struct uuid id = uuid_from_digest(digest);
    char text[UUID_TEXT_SIZE];
    uuid_format(id, text);
    assert_string_equal(text, "ffffffff-ffff-8fff-bfff-ffffffffffff");
    assert_int_equal(uuid_version(id), 8);
    id.bytes[8] = 0xc0; // another variant
    assert_int_equal(uuid_version(id), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_there_and_back),
        cmocka_unit_test(test_wrong_text),
        cmocka_unit_test(test_version_7_sorts_by_time),
        cmocka_unit_test(test_digest_gives_version_8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
