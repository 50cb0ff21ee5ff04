// Roster files: the difference (new, changed, moved, ended, same, missing), printed sizes, bad
// rows, what applying puts into the outbox, and the school of 孤山子 by its true numbers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/client/core/import_world.h"

#define HEADER "学校,工作坊,姓名,教师编号,平台账号,角色,教师资格证,在岗,在编,专任,出生年份,职称\n"

static void expect_outcome(const struct roster_result *result, size_t index,
                           enum roster_outcome outcome) {
    const struct roster_entry *entry = &result->entries[index];
    assert_true(index < result->count);
    if (entry->outcome != outcome)
        fail_msg("entry %zu (%s): %s, not %s: %s", index, entry->name,
                 roster_outcome_name(entry->outcome), roster_outcome_name(outcome),
                 entry->reason != NULL ? entry->reason->text : "");
}

static void test_a_new_school_comes_in_and_stays_the_same(void **state) {
    (void)state;
    static const char text[] = HEADER
        "3401030002,语文工作坊,李娜,340103000220210011,t11,教师+坊主,是,是,是,是,1985,一级教师\n"
        "杏花村第一小学,3401030002-01,赵强,340103000220210012,t12,教师,是,是,否,是,1990,\n"
        "3401030002,,孙敏,340103000220210013,t13,学校管理员,yes,1,true,no,,\n";
    struct import_world world;
    struct roster_result result;
    import_world_open(&world, false);
    import_world_roster(&world, view_from_string(text), false, false, &result);
    assert_null(result.reason);
    assert_int_equal(result.counts[ROSTER_NEW], 3);
    assert_int_equal(result.listed, 3);
    assert_int_equal(result.grouped, 2);
    assert_int_equal(result.entries[0].n_operations, 3);             // person, member, head
    assert_int_equal(home_count(&world.home, STORE_KIND_PERSON), 0); // nothing before --apply
    import_world_roster(&world, view_from_string(text), false, true, &result);
    assert_int_equal(result.counts[ROSTER_NEW], 3);
    assert_true(result.entries[2].queued);
    assert_int_equal(home_count(&world.home, STORE_KIND_PERSON), 3);
    assert_int_equal(home_count(&world.home, STORE_KIND_MEMBERSHIP), 5);
    import_world_roster(&world, view_from_string(text), false, true, &result);
    assert_int_equal(result.counts[ROSTER_SAME], 3);
    assert_int_equal(home_count(&world.home, STORE_KIND_MEMBERSHIP), 5);
    import_world_close(&world);
}

static void test_changed_moved_ended_and_missing(void **state) {
    (void)state;
    static const char text[] =
        "学校,工作坊,姓名,教师编号,平台账号,角色,职称,离开日期\n"
        "3401030002,语文工作坊,夏然,340103000220210001,t01,,,\n"           // the same
        "3401030002,语文工作坊,钟子涵,340103000220210002,t02,,,\n"         // another name
        "3401030002,数学工作坊,朱婷,,t03,教师+坊主,,\n"                    // another workshop
        "3401030002,语文工作坊,王芳,340103000220210004,t04,,,2021-09-01\n" // leaves
        "3401030002,语文工作坊,新人,,,,,\n";                               // new, without ids
    struct import_world world;
    struct roster_result result;
    import_world_open(&world, true);
    import_world_roster(&world, view_from_string(text), false, false, &result);
    expect_outcome(&result, 0, ROSTER_SAME);
    expect_outcome(&result, 1, ROSTER_CHANGED);
    expect_outcome(&result, 2, ROSTER_MOVED);
    expect_outcome(&result, 3, ROSTER_ENDED);
    expect_outcome(&result, 4, ROSTER_NEW);
    expect_outcome(
        &result, 5,
        ROSTER_MISSING); // the other 王芳; 钱安 is of a school that the file is not about
    assert_int_equal(result.count, 6);
    assert_int_equal(result.entries[1].version, 1);
    assert_true(result.entries[1].operations[0]->person_version == 1);
    assert_string_equal(result.entries[2].from_unit, "语文工作坊");
    import_world_roster(&world, view_from_string(text), true, true, &result);
    expect_outcome(&result, 5, ROSTER_ENDED); // the file is complete
    import_world_roster(&world, view_from_string(text), true, false, &result);
    expect_outcome(&result, 1, ROSTER_SAME);
    expect_outcome(&result, 2, ROSTER_SAME);
    assert_int_equal(result.counts[ROSTER_MISSING], 0);
    import_world_close(&world);
}

static void test_bad_rows_harm_no_other(void **state) {
    (void)state;
    static const struct {
        const char *row;
        enum reason_id reason;
    } rows[] = {
        {"没有学校,,甲,,t21,,,,,,,", REASON_ROW_SCHOOL_UNKNOWN},
        {"3401030002,物理工作坊,甲,,t21,,,,,,,", REASON_ROW_WORKSHOP_UNKNOWN},
        {"3401030002,,,,t21,,,,,,,", REASON_ROW_VALUE_MISSING},
        {"3401030002,,甲,3.40103E+17,t21,,,,,,,", REASON_ROW_ID_SCIENTIFIC},
        {"3401030002,,甲,340103000220210000,t21,,,,,,,", REASON_ROW_ID_ROUNDED},
        {"3401030002,,甲,103000220210005,t21,,,,,,,", REASON_ROW_ID_ZEROS},
        {"3401030002,,甲,34010300022021,t21,,,,,,,", REASON_ROW_ID_TRUNCATED},
        {"3401030002,,甲,340103000220210001,t02,,,,,,,", REASON_ROW_PERSON_CONFLICT},
        {"3401030002,,王芳,,,,,,,,,", REASON_ROW_PERSON_AMBIGUOUS},
        {"3401030002,,甲,,t21,校长,,,,,,", REASON_ROW_ROLE_UNKNOWN},
        {"3401030002,,甲,,t21,坊主,,,,,,", REASON_ROW_HEAD_NO_WORKSHOP},
        {"3401030002,,甲,,t21,,也许,,,,,", REASON_ROW_BOOL_MALFORMED},
        {"3401030002,,甲,,t21,,,,,,85,", REASON_ROW_YEAR_MALFORMED},
        {"3401030002,,\xe2\x80\xae甲,,t21,,,,,,,", REASON_ROW_CHARACTER},
        {"3401030002,,甲,,t 1;drop,,,,,,,", REASON_ACCOUNT_MALFORMED},
        {"3401030002,,甲,,t21,,,,,,1850,", REASON_BIRTH_YEAR},
        {"3401030003,,甲,,t21,,,,,,,", REASON_ROSTER_NOT_YOURS},
        {"3401030002,,夏然,,t01,,,,,,,\n3401030002,,夏然,,t01,,,,,,,", REASON_ROW_PERSON_TWICE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct import_world world;
        struct roster_result result;
        char text[1024];
        snprintf(text, sizeof text, HEADER "%s\n3401030002,,好人,,t99,,,,,,,\n", rows[i].row);
        import_world_open(&world, true);
        import_world_roster(&world, view_from_string(text), false, true, &result);
        const struct roster_entry *bad = &result.entries[strchr(rows[i].row, '\n') != NULL ? 1 : 0];
        if (bad->outcome != ROSTER_BAD || (enum reason_id)bad->reason->reason != rows[i].reason)
            fail_msg("%s: %s %s", rows[i].row, roster_outcome_name(bad->outcome),
                     bad->reason != NULL ? bad->reason->text : "");
        assert_int_equal(result.counts[ROSTER_NEW], 1);
        import_world_close(&world);
    }
}

// 夏然 and 钟子 are listed in a workshop that prints 8 people.
static void test_printed_sizes_are_compared(void **state) {
    (void)state;
    static const char text[] =
        "学校,工作坊,姓名,平台账号\n3401030002,语文工作坊,夏然,t01\n3401030002,,钟子,t02\n";
    struct import_world world;
    struct roster_result result;
    import_world_open(&world, true);
    import_world_roster(&world, view_from_string(text), false, false, &result);
    assert_int_equal(result.n_sizes, 3); // school 24, workshops 8 and 7
    for (size_t i = 0; i < result.n_sizes; i++) {
        const struct roster_size *size = &result.sizes[i];
        uint32_t listed = strcmp(size->code, "3401030002") == 0      ? 2
                          : strcmp(size->code, "3401030002-01") == 0 ? 1
                                                                     : 0;
        assert_int_equal(size->listed, listed);
    }
    import_world_close(&world);
}

static void test_who_left_comes_back_later(void **state) {
    (void)state;
    static const char left[] =
        "学校,工作坊,姓名,平台账号,离开日期\n3401030002,语文工作坊,夏然,t01,2021-09-01\n"
        "3401030002,语文工作坊,过客,t77,2021-09-01\n";
    static const char back[] = "学校,工作坊,姓名,平台账号\n3401030002,语文工作坊,夏然,t01\n";
    struct import_world world;
    struct roster_result result;
    import_world_open(&world, true);
    import_world_roster(&world, view_from_string(left), false, true, &result);
    expect_outcome(&result, 0, ROSTER_ENDED);
    expect_outcome(&result, 1, ROSTER_NEW);
    assert_true(result.entries[1].operations[1]->membership->until_ms ==
                import_world_time("2021-09-01 00:00"));
    import_world_roster(&world, view_from_string(left), false, true, &result);
    expect_outcome(&result, 0, ROSTER_SAME);
    expect_outcome(&result, 1, ROSTER_SAME);
    import_world_roster(&world, view_from_string(back), false, true, &result);
    expect_outcome(&result, 0, ROSTER_CHANGED);
    assert_true(result.entries[0].operations[0]->membership->from_ms == world.now_ms);
    import_world_roster(&world, view_from_string(back), false, true, &result);
    expect_outcome(&result, 0, ROSTER_SAME);
    import_world_close(&world);
}

// One row of a file while these are under way; returns its entry.
static struct roster_entry read_with(struct import_world *world, const char *row,
                                     const struct transfer_row *under_way, size_t n) {
    const struct judge_programme *programme = local_programme(world->local, NULL);
    struct roster_result result;
    const char *text = arena_format(world->arena, "学校,姓名,起始日期,离开日期\n%s\n", row);
    assert_non_null(text);
    const struct roster_input input = {.bytes = view_from_string(text),
                                       .local = world->local,
                                       .programme = programme,
                                       .from_ms = programme->scheme->whole.from_ms,
                                       .now_ms = world->now_ms,
                                       .under_way = under_way,
                                       .n_under_way = n};
    assert_int_equal(roster_read(&input, world->arena, &result), STATUS_OK);
    return result.entries[0];
}

static void test_who_is_under_way_joins_unless_the_file_contradicts(void **state) {
    (void)state;
    struct import_world world;
    import_world_open(&world, true);
    import_world_load(&world);
    const struct uuid district = home_id(WORLD_DISTRICT);
    const int64_t left_ms = import_world_time("2021-11-01 00:00");
    const struct transfer_row row = {home_id(70), home_id(71), "远客",  home_id(72),
                                     false,       false,       left_ms, district};
    struct transfer_row two[] = {row, row};
    two[1].id = home_id(73);
    two[1].person = home_id(74);
    struct transfer_row sent = row, elsewhere = row;
    sent.out = true;
    elsewhere.stream = home_id(75);

    struct roster_entry entry = read_with(&world, "3401030002,远客,2021-11-01,", &row, 1);
    assert_int_equal(entry.outcome, ROSTER_JOINED);
    assert_int_equal(entry.n_operations, 1);
    const Lx__Transfer *half = entry.operations[0]->transfer;
    assert_memory_equal(half->id.data, home_id(70).bytes, UUID_SIZE);
    assert_memory_equal(half->person.data, home_id(71).bytes, UUID_SIZE);
    assert_memory_equal(half->membership->unit.data, home_id(WORLD_SCHOOL).bytes, UUID_SIZE);
    assert_true(half->membership->from_ms == left_ms);
    const struct {
        const char *row;
        const struct transfer_row *under_way;
        size_t n;
        enum reason_id reason;
    } bad[] = {
        {"3401030002,远客,2021-10-31,", &row, 1, REASON_TRANSFER_TOO_EARLY},
        {"3401030002,远客,,2022-01-01", &row, 1, REASON_ROW_JOINS_AND_LEAVES},
        {"3401030002,远客,,", two, 2, REASON_ROW_UNDER_WAY_SEVERAL},
        {"3401030002,远客,,", &sent, 1, REASON_ROW_SENT_OUT},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        entry = read_with(&world, bad[i].row, bad[i].under_way, bad[i].n);
        assert_int_equal(entry.outcome, ROSTER_BAD);
        assert_int_equal(entry.reason->reason, bad[i].reason);
    }
    entry = read_with(&world, "3401030002,远客,,", &elsewhere, 1);
    assert_int_equal(entry.outcome, ROSTER_NEW); // on his way to another district: a namesake
    entry = read_with(&world, "3401030002,夏然,,", &row, 1);
    assert_int_equal(entry.outcome, ROSTER_MOVED); // of the roster: from her workshop to the school
    import_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_school_comes_in_and_stays_the_same),
        cmocka_unit_test(test_changed_moved_ended_and_missing),
        cmocka_unit_test(test_bad_rows_harm_no_other),
        cmocka_unit_test(test_printed_sizes_are_compared),
        cmocka_unit_test(test_who_left_comes_back_later),
        cmocka_unit_test(test_who_is_under_way_joins_unless_the_file_contradicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
