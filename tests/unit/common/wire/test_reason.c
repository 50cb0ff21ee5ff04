// Reasons in both languages, the method table, and the hashes against known values.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/digest.h"
#include "common/wire/method.h"
#include "common/wire/reason.h"

static void expect_text(const Lx__Reason *reason, enum reason_language language, const char *text) {
    struct buf out = {0};
    assert_int_equal(reason_format(reason, language, &out), STATUS_OK);
    assert_int_equal(buf_append(&out, "", 1), STATUS_OK);
    assert_string_equal((const char *)buf_view(&out).data, text);
    buf_free(&out);
}

static void test_texts(void **state) {
    (void)state;
    struct arena *arena = arena_new(0);
    Lx__Reason *reason =
        reason_new(arena, REASON_PAYLOAD_TOO_LARGE, "payload", "5000", "4096", NULL);
    assert_non_null(reason);
    assert_string_equal(reason->text, "The payload has 5000 bytes; at most 4096 are allowed here.");
    assert_int_equal(reason->n_parameters, 2);
    assert_string_equal(reason->parameters[0]->name, "size");
    expect_text(reason, REASON_LANGUAGE_ZH,
                "载荷有 5000 字节，此处最多允许 4096 字节。（payload）");
    expect_text(reason, REASON_LANGUAGE_EN,
                "The payload has 5000 bytes; at most 4096 are allowed here. (payload)");
    // a peer's reason: parameters missing, or a number we do not know
    reason->n_parameters = 0;
    reason->field = NULL;
    expect_text(reason, REASON_LANGUAGE_EN,
                "The payload has {size} bytes; at most {cap} are allowed here.");
    reason->reason = 99999;
    reason->text = (char *)"From a newer server.";
    expect_text(reason, REASON_LANGUAGE_ZH, "From a newer server.");
    arena_free(&arena);
}

static void test_table(void **state) {
    (void)state;
    for (size_t i = 0; reason_at(i) != NULL; i++) {
        const struct reason_info *info = reason_at(i);
        assert_ptr_equal(reason_find((uint32_t)info->reason), info);
        assert_true(strlen(info->en) > 0 && strlen(info->zh) > 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(info->id, reason_at(j)->id);
    }
    assert_null(reason_find(0));
    assert_null(reason_find(4000000000));
}

// A reason that does not fit is NULL, never half a one.
static void test_small_arena(void **state) {
    (void)state;
    for (size_t limit = 1; limit < 600; limit += 7) {
        struct arena *arena = arena_new(limit);
        Lx__Reason *reason =
            reason_new(arena, REASON_PAYLOAD_TOO_LARGE, "payload", "5000", "4096", NULL);
        if (reason != NULL)
            assert_int_equal(reason->n_parameters, 2);
        arena_free(&arena);
    }
}

static void test_methods(void **state) {
    (void)state;
    for (size_t i = 0; method_at(i) != NULL; i++) {
        const struct method_info *method = method_at(i);
        assert_ptr_equal(method_find(method->number), method);
        const ProtobufCEnumValue *value =
            protobuf_c_enum_descriptor_get_value(&lx__method__descriptor, method->number);
        assert_non_null(value);
        assert_string_equal(value->name, method->name);
        assert_non_null(method->reply);
    }
    assert_int_equal(lx__method__descriptor.n_values, 20); // METHOD_UNKNOWN and 19 rows
    assert_null(method_at(19));
    assert_null(method_find(0));
    assert_string_equal(method_name(7777), "?");
}

static void test_digests(void **state) {
    (void)state;
    uint8_t hash[DIGEST_SHA256_SIZE];
    digest_sha256(VIEW_LITERAL("abc"), hash);
    const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                           0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23};
    assert_memory_equal(hash, abc, sizeof abc);
    const struct view parts[] = {VIEW_LITERAL("a"), {NULL, 0}, VIEW_LITERAL("bc")};
    digest_sha256_parts(parts, 3, hash);
    assert_memory_equal(hash, abc, sizeof abc);
    digest_operation(VIEW_LITERAL("abc"), hash);
    assert_memory_equal(hash, abc, DIGEST_OPERATION_SIZE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),       cmocka_unit_test(test_table),
        cmocka_unit_test(test_small_arena), cmocka_unit_test(test_methods),
        cmocka_unit_test(test_digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
