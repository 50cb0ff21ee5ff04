// Bundle files: every cut and every flipped bit is told, parts belong together, sizes are held to.
#include "common/wire/bundle_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct bundle_head head_of(uint16_t part, uint16_t parts) {
    struct bundle_head head = {BUNDLE_FILE_VERSION, BUNDLE_KIND_BUNDLE, part, parts, {{0}}, {0}};
    memset(head.id.bytes, 0x17, UUID_SIZE);
    memset(head.deployment, 0x29, sizeof head.deployment);
    return head;
}

static struct buf make_file(uint16_t parts) {
    struct buf file = {0};
    for (uint16_t part = 1; part <= parts; part++) {
        struct bundle_head head = head_of(part, parts);
        assert_int_equal(bundle_file_append(&head, view_from_string("container"), &file),
                         STATUS_OK);
    }
    return file;
}

static enum reason_id check(struct view file) {
    struct bundle_head head;
    return bundle_file_check(file, &head);
}

static void a_whole_file_is_read_back(void **state) {
    (void)state;
    struct buf file = make_file(3);
    struct view rest = buf_view(&file);
    struct bundle_head head;
    assert_int_equal(bundle_file_check(rest, &head), REASON_NONE);
    assert_int_equal(head.parts, 3);
    for (uint16_t part = 1; part <= 3; part++) {
        struct bundle_part read;
        assert_int_equal(bundle_file_take(&rest, &read), REASON_NONE);
        assert_int_equal(read.head.part, part);
        assert_true(view_equal(read.container, view_from_string("container")));
        assert_int_equal(read.head.deployment[31], 0x29);
    }
    assert_int_equal(rest.size, 0);
    buf_free(&file);
}

static void every_cut_is_told(void **state) {
    (void)state;
    struct buf file = make_file(3);
    for (size_t size = 0; size < buf_size(&file); size++)
        assert_int_equal(check(view_from(buf_view(&file).data, size)), REASON_BUNDLE_CUT);
    buf_free(&file);
}

static void every_flipped_bit_is_told(void **state) {
    (void)state;
    struct buf file = make_file(2);
    for (size_t bit = 0; bit < buf_size(&file) * 8; bit++) {
        uint8_t *at = file.data + file.start + bit / 8;
        *at ^= (uint8_t)(1U << bit % 8);
        enum reason_id reason = check(buf_view(&file));
        assert_true(reason == REASON_BUNDLE_CHANGED || reason == REASON_BUNDLE_CUT ||
                    reason == REASON_BUNDLE_NOT_ONE || reason == REASON_BUNDLE_TOO_LARGE);
        *at ^= (uint8_t)(1U << bit % 8);
    }
    assert_int_equal(check(buf_view(&file)), REASON_NONE);
    buf_free(&file);
}

// Right checksums over parts that do not belong together.
static void parts_of_other_files_are_told(void **state) {
    (void)state;
    struct bundle_head wrong[6];
    for (size_t i = 0; i < 6; i++)
        wrong[i] = head_of(2, 2);
    wrong[0].part = 1;
    wrong[1].parts = 3;
    wrong[2].id.bytes[0] ^= 1;
    wrong[3].deployment[0] ^= 1;
    wrong[4].kind = BUNDLE_KIND_RECEIPT;
    for (size_t i = 0; i < 6; i++) {
        struct buf file = {0};
        struct bundle_head first = head_of(1, 2);
        assert_int_equal(bundle_file_append(&first, view_from_string("a"), &file), STATUS_OK);
        assert_int_equal(bundle_file_append(&wrong[i], view_from_string("b"), &file), STATUS_OK);
        assert_int_equal(check(buf_view(&file)), i == 5 ? REASON_NONE : REASON_BUNDLE_CHANGED);
        assert_int_equal(buf_append(&file, "x", 1), STATUS_OK);
        assert_int_not_equal(check(buf_view(&file)), REASON_NONE);
        buf_free(&file);
    }
}

static void heads_that_make_no_sense_are_refused(void **state) {
    (void)state;
    const struct {
        struct bundle_head head;
        enum reason_id reason;
    } cases[] = {
        {{2, BUNDLE_KIND_BUNDLE, 1, 1, {{0}}, {0}}, REASON_BUNDLE_VERSION},
        {{1, (enum bundle_kind)3, 1, 1, {{0}}, {0}}, REASON_BUNDLE_CONTENT},
        {{1, BUNDLE_KIND_BUNDLE, 0, 1, {{0}}, {0}}, REASON_BUNDLE_CONTENT},
        {{1, BUNDLE_KIND_BUNDLE, 2, 1, {{0}}, {0}}, REASON_BUNDLE_CONTENT},
        {{1, BUNDLE_KIND_BUNDLE, 1, BUNDLE_FILE_MAX_PARTS + 1, {{0}}, {0}}, REASON_BUNDLE_CONTENT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf file = {0};
        assert_int_equal(bundle_file_append(&cases[i].head, view_from_string("a"), &file),
                         STATUS_OK);
        assert_int_equal(check(buf_view(&file)), cases[i].reason);
        buf_free(&file);
    }
    assert_int_equal(check(view_from_string("PK\3\4 a spreadsheet")), REASON_BUNDLE_NOT_ONE);
}

static void sizes_are_held_to(void **state) {
    (void)state;
    static uint8_t room[BUNDLE_FILE_MAX_BYTES + 1];
    struct buf file = {0};
    struct bundle_head head = head_of(1, 1);
    size_t most = BUNDLE_FILE_MAX_PART - BUNDLE_FILE_HEAD_SIZE - DIGEST_SHA256_SIZE;
    assert_int_equal(bundle_file_append(&head, view_from(room, most + 1), &file), STATUS_LIMIT);
    assert_int_equal(buf_size(&file), 0);
    assert_int_equal(bundle_file_append(&head, view_from(room, most), &file), STATUS_OK);
    assert_int_equal(buf_size(&file), BUNDLE_FILE_MAX_PART);
    assert_int_equal(check(buf_view(&file)), REASON_NONE);
    file.data[file.start + 16] = 0xff; // a length beyond everything: told before it is believed
    assert_int_equal(check(buf_view(&file)), REASON_BUNDLE_TOO_LARGE);
    assert_int_equal(check(view_from(room, sizeof room)), REASON_BUNDLE_TOO_LARGE);
    buf_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_is_read_back),
        cmocka_unit_test(every_cut_is_told),
        cmocka_unit_test(every_flipped_bit_is_told),
        cmocka_unit_test(parts_of_other_files_are_told),
        cmocka_unit_test(heads_that_make_no_sense_are_refused),
        cmocka_unit_test(sizes_are_held_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
