// The tables of common/domain: complete, in order, consistent with the contract's numbers, and the
// same as proto/tables.md.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/domain/fact_kind.h"
#include "common/domain/role.h"
#include "common/domain/tables.h"

static void test_every_fact_kind_of_the_contract_has_a_row(void **state) {
    (void)state;
    size_t count;
    const struct fact_kind_info *kinds = fact_kind_table(&count);
    assert_int_equal(count + 1, lx__fact_kind__descriptor.n_values); // without "unknown"
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(kinds[i].kind, i + 1);
        assert_ptr_equal(fact_kind_find(kinds[i].kind), &kinds[i]);
        assert_ptr_equal(fact_kind_find_by_name(kinds[i].name), &kinds[i]);
    }
    assert_null(fact_kind_find(LX__FACT_KIND__FACT_KIND_UNKNOWN));
    assert_null(fact_kind_find((Lx__FactKind)99));
}

static void test_rows_are_consistent(void **state) {
    (void)state;
    size_t count;
    const struct fact_kind_info *kinds = fact_kind_table(&count);
    for (size_t i = 0; i < count; i++) {
        const struct fact_kind_info *info = &kinds[i];
        assert_true((info->unit == FACT_UNIT_NONE) ==
                    (info->fields[FACT_FIELD_QUANTITY] == FACT_FORBIDDEN));
        assert_true((info->item == FACT_ITEM_NONE) ==
                    (info->fields[FACT_FIELD_ITEM] == FACT_FORBIDDEN));
        assert_true(info->quantity_min <= info->quantity_max);
        assert_true(info->quantity_min >= 0);
        unsigned about = 0;
        for (enum fact_subject subject = 0; subject < FACT_SUBJECT_COUNT; subject++)
            about += fact_kind_about(info->kind, subject);
        assert_true(about > 0);
        assert_false(fact_kind_about(info->kind, FACT_SUBJECT_COUNT));
    }
}

static void test_every_role_and_capability_has_a_row(void **state) {
    (void)state;
    size_t count;
    const struct role_info *roles = role_table(&count);
    assert_int_equal(count + 1, lx__role__descriptor.n_values);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(roles[i].role, i + 1);
        assert_ptr_equal(role_find_by_name(roles[i].name), &roles[i]);
        assert_true(roles[i].capabilities < (1u << CAPABILITY_COUNT));
    }
    const struct capability_info *capabilities = capability_table(&count);
    assert_int_equal(count, CAPABILITY_COUNT);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(capabilities[i].capability, i);
}

// The masks as the contract writes them, bit by bit.
static void test_masks_are_those_of_the_contract(void **state) {
    (void)state;
    static const struct {
        Lx__Role role;
        uint32_t mask;
    } expected[] = {
        {LX__ROLE__TEACHER, 0},
        {LX__ROLE__HEAD, 0x1017},           // 0,1,2,4,12
        {LX__ROLE__SCHOOL_ADMIN, 0x1f3b},   // 0,1,3,4,5,8,9,10,11,12
        {LX__ROLE__DISTRICT_ADMIN, 0x3fc1}, // 0,6,7,8,9,10,11,12,13
        {LX__ROLE__CITY_ADMIN, 0x3fc1},
        {LX__ROLE__EXPERT, 0x81},      // 0,7
        {LX__ROLE__INSPECTOR, 0x1001}, // 0,12
        {LX__ROLE__LEAD_HEAD, 0x11},   // 0,4
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(role_find(expected[i].role)->capabilities, expected[i].mask);
}

static void test_grants_go_down_only(void **state) {
    (void)state;
    assert_true(role_may_give(LX__ROLE__SCHOOL_ADMIN, LX__ROLE__HEAD));
    assert_true(role_may_give(LX__ROLE__SCHOOL_ADMIN, LX__ROLE__SCHOOL_ADMIN));
    assert_false(role_may_give(LX__ROLE__SCHOOL_ADMIN, LX__ROLE__DISTRICT_ADMIN));
    assert_false(role_may_give(LX__ROLE__DISTRICT_ADMIN, LX__ROLE__CITY_ADMIN));
    assert_false(role_may_give(LX__ROLE__SCHOOL_ADMIN, LX__ROLE__EXPERT)); // its own judge
    assert_true(role_may_give(LX__ROLE__DISTRICT_ADMIN, LX__ROLE__EXPERT));
    assert_false(role_may_give(LX__ROLE__SCHOOL_ADMIN, LX__ROLE__LEAD_HEAD)); // the authority names
    assert_true(role_may_give(LX__ROLE__DISTRICT_ADMIN, LX__ROLE__LEAD_HEAD));
    assert_false(role_may_give(LX__ROLE__HEAD, LX__ROLE__HEAD));
    assert_false(role_may_give(LX__ROLE__CITY_ADMIN, LX__ROLE__TEACHER));
    assert_false(role_may_give(LX__ROLE__CITY_ADMIN, LX__ROLE__ROLE_UNKNOWN));
}

static void test_the_document_is_up_to_date(void **state) {
    (void)state;
    struct buf expected = {0};
    assert_int_equal(tables_write(&expected), STATUS_OK);
    FILE *file = fopen(LX_SOURCE_DIR "/proto/tables.md", "rb");
    assert_non_null(file);
    static char text[65536];
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    if (!view_equal(buf_view(&expected), view_from(text, size)))
        fail_msg("proto/tables.md differs from the tables: run lx_print_tables > proto/tables.md");
    buf_free(&expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fact_kind_of_the_contract_has_a_row),
        cmocka_unit_test(test_rows_are_consistent),
        cmocka_unit_test(test_every_role_and_capability_has_a_row),
        cmocka_unit_test(test_masks_are_those_of_the_contract),
        cmocka_unit_test(test_grants_go_down_only),
        cmocka_unit_test(test_the_document_is_up_to_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
