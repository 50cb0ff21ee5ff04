// The payload scan: each row of the malformed-input table that concerns a message, with the reason
// and the field it must name.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/unpack.h"
#include "proto/account.pb-c.h"
#include "proto/ledger.pb-c.h"
#include "proto/statistics.pb-c.h"

#define BYTES(...) view_from((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

static void check(const ProtobufCMessageDescriptor *descriptor, struct view payload,
                  enum reason_id reason, const char *field) {
    struct scan_fault fault;
    enum status status = scan_message(descriptor, payload, &SCAN_LIMITS_REQUEST, &fault);
    assert_int_equal(fault.reason, reason);
    assert_int_equal(status == STATUS_OK, reason == REASON_NONE);
    if (field != NULL)
        assert_string_equal(fault.field, field);
    struct arena *arena = arena_new(1 << 20);
    const ProtobufCMessage *message = NULL;
    assert_int_equal(
        unpack_message(descriptor, payload, &SCAN_LIMITS_REQUEST, arena, &message, &fault), status);
    assert_int_equal(message != NULL, status == STATUS_OK);
    arena_free(&arena);
}

#define CHECK(type, payload, reason, field)                                                        \
    check(&lx__##type##__descriptor, payload, REASON_##reason, field)

static void test_good(void **state) {
    (void)state;
    CHECK(ping_request, BYTES(), NONE, "");
    CHECK(ping_request, BYTES(0x0a, 2, 0, 0xff), NONE, "");           // bytes may hold anything
    CHECK(login_request, BYTES(0x0a, 3, 0xe5, 0x90, 0x88), NONE, ""); // 合
    CHECK(login_request, BYTES(0x0a, 4, 0xf0, 0x9f, 0x98, 0x80), NONE, ""); // beyond the BMP
    CHECK(statistics_request, BYTES(0x22, 2, 0x10, 5, 0x22, 0), NONE, "");  // repeated message
    CHECK(scope_reply, BYTES(0x22, 3, 1, 2, 3, 0x20, 4), NONE, "");         // packed and not
}

static void test_unknown_fields_are_skipped(void **state) {
    (void)state;
    CHECK(ping_request, BYTES(0xf8, 0x07, 1, 0xfa, 0x07, 2, 9, 9), NONE, "");
    CHECK(ping_request, BYTES(0xfd, 0x07, 1, 2, 3, 4), NONE, "");
    CHECK(ping_request, BYTES(0xf9, 0x07, 1, 2, 3, 4, 5, 6, 7, 8), NONE, "");
    CHECK(ping_request, BYTES(0xfb, 0x07), WIRE_TYPE_WRONG, ""); // a group
    CHECK(ping_request, BYTES(0xfa, 0x07, 5, 1), MESSAGE_TRUNCATED, "");
}

static void test_truncated(void **state) {
    (void)state;
    CHECK(ping_request, BYTES(0x0a), MESSAGE_TRUNCATED, "payload");
    CHECK(ping_request, BYTES(0x0a, 5, 1, 2), MESSAGE_TRUNCATED, "payload");
    CHECK(ping_request, BYTES(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f), MESSAGE_TRUNCATED, "payload");
    CHECK(pull_request, BYTES(0x10, 0x80), MESSAGE_TRUNCATED, "cursor");
    CHECK(pull_reply, BYTES(0x39, 1, 2, 3), MESSAGE_TRUNCATED, "digest");
}

static void test_varint(void **state) {
    (void)state;
    CHECK(pull_request, BYTES(0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1), NONE,
          "");
    CHECK(pull_request, BYTES(0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2),
          VARINT_TOO_LONG, "cursor");
    CHECK(pull_request, BYTES(0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 1),
          VARINT_TOO_LONG, "cursor");
    // a length and a tag have 32 bits, padding does not make them longer
    CHECK(ping_request, BYTES(0x0a, 0x80, 0x80, 0x80, 0x80, 0), NONE, "");
    CHECK(ping_request, BYTES(0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0), VARINT_TOO_LONG, "payload");
    CHECK(ping_request, BYTES(0x8a, 0x80, 0x80, 0x80, 0x80, 0, 0), VARINT_TOO_LONG, "");
    CHECK(pull_request, BYTES(0x18, 0x80, 0x80, 0x80, 0x80, 0x10), FIELD_INVALID, "limit"); // 2^32
}

static void test_wire_type(void **state) {
    (void)state;
    CHECK(pull_request, BYTES(0x0d, 1, 2, 3, 4), WIRE_TYPE_WRONG, "stream");
    CHECK(pull_request, BYTES(0x12, 1, 1), WIRE_TYPE_WRONG, "cursor"); // packed, but not repeated
    CHECK(pull_request, BYTES(0x00, 1), FIELD_NUMBER_INVALID, "");
    CHECK(pull_request, BYTES(0x0e), WIRE_TYPE_WRONG, "stream"); // wire type 6
}

static void test_repeated_singular(void **state) {
    (void)state;
    CHECK(pull_request, BYTES(0x10, 1, 0x10, 2), FIELD_REPEATED, "cursor");
    CHECK(operation, BYTES(0x0a, 4, 0x18, 1, 0x18, 2), FIELD_REPEATED, "fact.kind");
    CHECK(operation, BYTES(0x0a, 0, 0x0a, 0), FIELD_REPEATED, "fact"); // messages are not merged
}

static void test_enum(void **state) {
    (void)state;
    CHECK(operation, BYTES(0x0a, 2, 0x18, 14), NONE, "");
    CHECK(operation, BYTES(0x0a, 2, 0x18, 99), ENUM_UNKNOWN, "fact.kind");
    CHECK(operation, BYTES(0x0a, 11, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
          ENUM_UNKNOWN, "fact.kind"); // -1
    CHECK(operation, BYTES(0x0a, 6, 0x18, 0x81, 0x80, 0x80, 0x80, 0x10), ENUM_UNKNOWN,
          "fact.kind"); // 2^32 + 1 is not 1
    struct scan_fault fault;
    assert_int_equal(scan_message(&lx__operation__descriptor, BYTES(0x0a, 2, 0x18, 99),
                                  &SCAN_LIMITS_REPLY, &fault),
                     STATUS_OK); // a client takes a newer server's value
}

static void test_text(void **state) {
    (void)state;
    CHECK(login_request, BYTES(0x0a, 2, 'a', 0), TEXT_HAS_NUL, "account");
    CHECK(login_request, BYTES(0x0a, 2, 0xc0, 0x80), TEXT_NOT_UTF8, "account");       // overlong
    CHECK(login_request, BYTES(0x0a, 3, 0xe0, 0x80, 0x80), TEXT_NOT_UTF8, "account"); // overlong
    CHECK(login_request, BYTES(0x0a, 3, 0xed, 0xa0, 0x80), TEXT_NOT_UTF8, "account"); // surrogate
    CHECK(login_request, BYTES(0x0a, 4, 0xf4, 0x90, 0x80, 0x80), TEXT_NOT_UTF8,
          "account");                                                           // > 10FFFF
    CHECK(login_request, BYTES(0x0a, 2, 0xe5, 0x90), TEXT_NOT_UTF8, "account"); // cut
    CHECK(login_request, BYTES(0x0a, 1, 0x80), TEXT_NOT_UTF8, "account");
    CHECK(login_request, BYTES(0x0a, 1, 0xff), TEXT_NOT_UTF8, "account");
}

static void test_path(void **state) {
    (void)state;
    // groups[1].first_op_seq with a wrong wire type
    CHECK(push_request, BYTES(0x0a, 0, 0x0a, 2, 0x12, 0), WIRE_TYPE_WRONG,
          "groups[1].first_op_seq");
    CHECK(statistics_request, BYTES(0x22, 0, 0x22, 0, 0x22, 2, 0x08, 1), WIRE_TYPE_WRONG,
          "at_least[2].stream");
}

// A million empty elements: refused by count, without a byte of memory for them.
static void test_many_elements(void **state) {
    (void)state;
    size_t n = 500000;
    uint8_t *bytes = malloc(2 * n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++) {
        bytes[2 * i] = 0x0a;
        bytes[2 * i + 1] = 0;
    }
    CHECK(push_request, view_from(bytes, 2 * n), TOO_MANY_FIELDS, NULL);
    // within the count, the arena's limit holds
    struct arena *arena = arena_new(64 * 1024);
    const ProtobufCMessage *message = NULL;
    struct scan_fault fault;
    assert_int_equal(unpack_message(&lx__push_request__descriptor, view_from(bytes, 2 * 19999),
                                    &SCAN_LIMITS_REQUEST, arena, &message, &fault),
                     STATUS_NO_MEMORY);
    assert_int_equal(fault.reason, REASON_MESSAGE_TOO_LARGE);
    arena_free(&arena);
    free(bytes);
}

static void test_packed_elements_count(void **state) {
    (void)state;
    static uint8_t bytes[30000];
    memset(bytes, 1, sizeof bytes);
    size_t n = sizeof bytes - 4;
    bytes[0] = 0x22; // next_op_seq, packed
    bytes[1] = (uint8_t)(n & 0x7f) | 0x80;
    bytes[2] = (uint8_t)((n >> 7) & 0x7f) | 0x80;
    bytes[3] = (uint8_t)(n >> 14);
    CHECK(scope_reply, view_from(bytes, sizeof bytes), TOO_MANY_FIELDS, NULL);
}

// Depth and fields are bounded by the limits also where the descriptors would allow more.
static void test_depth(void **state) {
    (void)state;
    struct scan_limits flat = {100, 1, false};
    struct scan_fault fault;
    assert_int_equal(
        scan_message(&lx__operation__descriptor, BYTES(0x0a, 2, 0x18, 1), &flat, &fault),
        STATUS_INVALID);
    assert_int_equal(fault.reason, REASON_TOO_DEEP);
    assert_string_equal(fault.field, "fact");
    assert_string_equal(fault.value, "1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_unknown_fields_are_skipped),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_varint),
        cmocka_unit_test(test_wire_type),
        cmocka_unit_test(test_repeated_singular),
        cmocka_unit_test(test_enum),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_many_elements),
        cmocka_unit_test(test_packed_elements_count),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
