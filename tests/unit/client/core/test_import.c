// Evidence files: every kind is read, people are matched without guessing, the same row counts
// once, other content replaces visibly, bad rows are named and harm no other.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/wire/digest.h"
#include "tests/unit/client/core/import_world.h"

#define HEADER "平台账号,教师编号,姓名,学校,课程,开始时间,结束时间,记录号\n"
#define TIMES "2021-07-05 19:00:00,2021-07-05 19:40:00"

struct expected_row {
    const char *row;
    enum evidence_outcome outcome;
    enum reason_id reason;
    const char *column;
};

static void expect_counts(const struct evidence_result *result, size_t new, size_t same,
                          size_t changed, size_t bad) {
    const size_t expected[] = {new, same, changed, bad};
    for (size_t i = 0; i < 4; i++)
        if (result->counts[i] != expected[i])
            fail_msg("outcome %zu: %zu instead of %zu", i, result->counts[i], expected[i]);
}

// One file of all rows; each row must come out as expected, in its place.
static void expect_rows(const char *header, const struct expected_row *rows, size_t count) {
    struct import_world world;
    struct evidence_result result;
    static char text[65536];
    size_t size = (size_t)snprintf(text, sizeof text, "%s", header);
    for (size_t i = 0; i < count; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s\n", rows[i].row);
    import_world_open(&world, true);
    import_world_evidence(&world, view_from(text, size), &result);
    assert_null(result.reason);
    assert_int_equal(result.count, count);
    for (size_t i = 0; i < count; i++) {
        const struct evidence_row *row = &result.rows[i];
        enum reason_id reason =
            row->reason != NULL ? (enum reason_id)row->reason->reason : REASON_NONE;
        assert_int_equal(row->row, i + 2);
        if (row->outcome != rows[i].outcome || reason != rows[i].reason)
            fail_msg("%s: outcome %d, reason %d (%s)", rows[i].row, (int)row->outcome, (int)reason,
                     row->reason != NULL ? row->reason->text : "");
        if (strcmp(row->column, rows[i].column != NULL ? rows[i].column : "") != 0)
            fail_msg("%s: column \"%s\"", rows[i].row, row->column);
    }
    import_world_close(&world);
}

static void test_people_are_matched_without_guessing(void **state) {
    (void)state;
    static const struct expected_row rows[] = {
        {"t01,,,,p01," TIMES ",1", EVIDENCE_NEW, REASON_NONE, NULL},
        {",340103000220210002,,,p01," TIMES ",2", EVIDENCE_NEW, REASON_NONE, NULL},
        {",,朱婷,杏花村第一小学,p01," TIMES ",3", EVIDENCE_NEW, REASON_NONE, NULL},
        {",,朱婷,3401030002,p01," TIMES ",4", EVIDENCE_NEW, REASON_NONE, NULL},
        {"nobody,,朱婷,杏花村第一小学,p01," TIMES ",5", EVIDENCE_BAD, REASON_ROW_PERSON_CONFLICT,
         "平台账号"},
        {"nobody,,,,p01," TIMES ",6", EVIDENCE_BAD, REASON_ROW_PERSON_UNKNOWN, "平台账号"},
        {",999999999999999999,,,p01," TIMES ",7", EVIDENCE_BAD, REASON_ROW_PERSON_UNKNOWN,
         "教师编号"},
        {",,王芳,杏花村第一小学,p01," TIMES ",8", EVIDENCE_BAD, REASON_ROW_PERSON_AMBIGUOUS,
         "姓名"},
        {",,王芳,,p01," TIMES ",9", EVIDENCE_BAD, REASON_ROW_SCHOOL_MISSING, "学校"},
        {"t99,,王芳,,p01," TIMES ",9", EVIDENCE_BAD, REASON_ROW_PERSON_UNKNOWN, "平台账号"},
        {",,王芳,某校,p01," TIMES ",10", EVIDENCE_BAD, REASON_ROW_SCHOOL_UNKNOWN, "学校"},
        {",,无名,杏花村第一小学,p01," TIMES ",11", EVIDENCE_BAD, REASON_ROW_PERSON_UNKNOWN, "姓名"},
        {",,,,p01," TIMES ",12", EVIDENCE_BAD, REASON_ROW_PERSON_MISSING, "平台账号"},
        {"t01,340103000220210002,,,p01," TIMES ",13", EVIDENCE_BAD, REASON_ROW_PERSON_CONFLICT,
         "教师编号"},
        {"t01,,钟子,,p01," TIMES ",14", EVIDENCE_BAD, REASON_ROW_PERSON_CONFLICT, "姓名"},
        {"t01,,夏然,四里河中学,p01," TIMES ",15", EVIDENCE_NEW, REASON_NONE,
         NULL}, // known, has moved perhaps
        {"t01,,夏然,某校,p01," TIMES ",16", EVIDENCE_BAD, REASON_ROW_SCHOOL_UNKNOWN, "学校"},
        {",3.40103E+17,夏然,杏花村第一小学,p01," TIMES ",17", EVIDENCE_BAD,
         REASON_ROW_ID_SCIENTIFIC, "教师编号"},
        {",340103000220210000,夏然,杏花村第一小学,p01," TIMES ",18", EVIDENCE_BAD,
         REASON_ROW_ID_ROUNDED, "教师编号"},
        {",340103000220,夏然,杏花村第一小学,p01," TIMES ",19", EVIDENCE_BAD,
         REASON_ROW_ID_TRUNCATED, "教师编号"},
        {",103000220210005,王芳,杏花村第一小学,p01," TIMES ",20", EVIDENCE_BAD, REASON_ROW_ID_ZEROS,
         "教师编号"},
        {"1E+5,,夏然,杏花村第一小学,p01," TIMES ",21", EVIDENCE_BAD, REASON_ROW_ID_SCIENTIFIC,
         "平台账号"},
        {"t09,,,,p01," TIMES ",22", EVIDENCE_BAD, REASON_MAY_NOT_WRITE, NULL}, // another school's
    };
    expect_rows(HEADER, rows, sizeof rows / sizeof rows[0]);
}

static void test_values_are_refused_by_column(void **state) {
    (void)state;
    static const struct expected_row rows[] = {
        {"t01,,,,教育大数据系列课程," TIMES ",1", EVIDENCE_NEW, REASON_NONE, NULL},
        {"t01,,,,A1技术支持的学情分析,2021/7/6 19:00,2021/7/6 19:40,2", EVIDENCE_NEW, REASON_NONE,
         NULL},
        {"t01,,,,没有," TIMES ",3", EVIDENCE_BAD, REASON_ROW_COURSE_UNKNOWN, "课程"},
        {"t01,,,,," TIMES ",4", EVIDENCE_BAD, REASON_ROW_VALUE_MISSING, "课程"},
        {"t01,,,,p01,44382.79,2021-07-05 19:40,5", EVIDENCE_BAD, REASON_ROW_TIME_MALFORMED,
         "开始时间"},
        {"t01,,,,p01,2021-07-05,2021-07-05 19:40,6", EVIDENCE_BAD, REASON_ROW_TIME_MALFORMED,
         "开始时间"},
        {"t01,,,,p01,2021-07-05 19:00,2021-02-30 19:40,7", EVIDENCE_BAD, REASON_ROW_TIME_MALFORMED,
         "结束时间"},
        {"t01,,,,p01,2021-07-05 19:40,2021-07-05 19:00,8", EVIDENCE_BAD, REASON_INTERVAL_BACKWARDS,
         "结束时间"},
        {"t01,,,,p01,2031-07-05 19:00,2031-07-05 19:40,9", EVIDENCE_BAD, REASON_TIME_IN_FUTURE,
         "开始时间"},
        {"t01,,,,p01,0001-07-05 19:00,2021-07-05 19:40,10", EVIDENCE_BAD, REASON_ROW_TIME_MALFORMED,
         "开始时间"},
        {"t01,,,,p01,9999-07-05 19:00,9999-07-05 19:40,11", EVIDENCE_BAD, REASON_TIME_IN_FUTURE,
         "开始时间"},
        {"t01,,,,p01,2021-03-05 19:00,2021-03-05 19:40,12", EVIDENCE_BAD, REASON_OUTSIDE_STAGE,
         "开始时间"},
        {"t01,,,,'; drop table fact; --," TIMES ",13", EVIDENCE_BAD, REASON_ROW_COURSE_UNKNOWN,
         "课程"},
        {"t01,,=1+1,,p01," TIMES ",14", EVIDENCE_BAD, REASON_ROW_PERSON_CONFLICT, "姓名"},
        {"t01,,\xe2\x80\xae夏然,,p01," TIMES ",15", EVIDENCE_BAD, REASON_ROW_CHARACTER, "姓名"},
        {"t01,,,,p01," TIMES ",16,too,many", EVIDENCE_BAD, REASON_ROW_TOO_MANY_FIELDS, NULL},
    };
    expect_rows(HEADER, rows, sizeof rows / sizeof rows[0]);
}

static void test_numbers_have_two_decimals(void **state) {
    (void)state;
    static const struct expected_row rows[] = {
        {"t01,活动,HD1,观课议课,2021-07-05,2.5", EVIDENCE_NEW, REASON_NONE, NULL},
        {"t01,活动,HD2,lecture,2021/7/5,0.01", EVIDENCE_NEW, REASON_NONE, NULL},
        {"t01,活动,HD3,,2021-07-05 08:30,24", EVIDENCE_NEW, REASON_NONE, NULL},
        {"t01,活动,HD4,,2021-07-05,2.500", EVIDENCE_NEW, REASON_NONE,
         NULL}, // the zeros say nothing more
        {"t01,活动,HD5,,2021-07-05,2.555", EVIDENCE_BAD, REASON_ROW_NUMBER_FINE, "学时"},
        {"t01,活动,HD6,,2021-07-05,-2", EVIDENCE_BAD, REASON_ROW_NUMBER_NEGATIVE, "学时"},
        {"t01,活动,HD7,,2021-07-05,NaN", EVIDENCE_BAD, REASON_ROW_NUMBER_MALFORMED, "学时"},
        {"t01,活动,HD8,,2021-07-05,inf", EVIDENCE_BAD, REASON_ROW_NUMBER_MALFORMED, "学时"},
        {"t01,活动,HD9,,2021-07-05,1e3", EVIDENCE_BAD, REASON_ROW_NUMBER_MALFORMED, "学时"},
        {"t01,活动,HD10,,2021-07-05,2学时", EVIDENCE_BAD, REASON_ROW_NUMBER_MALFORMED, "学时"},
        {"t01,活动,HD11,,2021-07-05,99999999999999999999", EVIDENCE_BAD,
         REASON_ROW_NUMBER_MALFORMED, "学时"},
        {"t01,活动,HD12,,2021-07-05,25", EVIDENCE_BAD, REASON_QUANTITY_TOO_LARGE, "学时"},
        {"t01,活动,HD13,,2021-07-05,0", EVIDENCE_BAD, REASON_QUANTITY_TOO_SMALL, "学时"},
        {"t01,活动,HD14,野餐,2021-07-05,2", EVIDENCE_BAD, REASON_ROW_FORM_UNKNOWN, "活动类型"},
        {"t01,活动,HD15,,2021-07-05,.5", EVIDENCE_BAD, REASON_ROW_NUMBER_MALFORMED, "学时"},
    };
    expect_rows("账号,活动名称,活动编号,活动类型,活动日期,学时\n", rows,
                sizeof rows / sizeof rows[0]);
}

static void test_every_kind_of_file(void **state) {
    (void)state;
    static const struct {
        const char *text;
        Lx__FactKind kind;
        const char *item;
        int64_t quantity;
    } files[] = {
        {"account,course,start,end\nt01,p01,2021-07-05 19:00,2021-07-05 19:40\n",
         LX__FACT_KIND__COURSE_INTERVAL, "p01", 0},
        {"account,topic,topic_id,posted_at\nt01,信息化,D01,2021-07-05\n", LX__FACT_KIND__DISCUSSION,
         "D01", 0},
        {"账号,讨论主题,参与时间\nt01,学校教育信息化,2021-07-05 19:00\n", LX__FACT_KIND__DISCUSSION,
         "学校教育信息化", 0},
        {"account;activity;date;hours\nt01;HD1;2021-07-05;2.5\n", LX__FACT_KIND__ATTENDANCE, "HD1",
         250},
        {"account\thours_kind\tdate\thours\nt01\t校本研修\t2021-07-05\t5\n",
         LX__FACT_KIND__CREDIT_HOURS, "school", 500},
        {"account,能力点,学分,认证时间\nt01,A3演示文稿设计与制作,4,2021-11-08\n",
         LX__FACT_KIND__CERTIFICATION, "A3", 400},
        {"平台账号,自测时间\nt01,2021-06-02 20:10\n", LX__FACT_KIND__SELF_TEST, NULL, 0},
        {"平台账号,测评时间,成绩\nt01,2021-12-08,86\n", LX__FACT_KIND__ASSESSMENT_TAKEN,
         "g.school_test", 8600},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct import_world world;
        struct evidence_result result;
        import_world_open(&world, true);
        import_world_evidence(&world, view_from_string(files[i].text), &result);
        if (result.counts[EVIDENCE_NEW] != 1)
            fail_msg("%s: %s", files[i].text,
                     result.reason != NULL ? result.reason->text : result.rows[0].reason->text);
        const Lx__Fact *fact = result.rows[0].fact;
        assert_int_equal(fact->kind, files[i].kind);
        assert_int_equal(fact->quantity, files[i].quantity);
        assert_string_equal(fact->item != NULL ? fact->item : "",
                            files[i].item != NULL ? files[i].item : "");
        import_world_evidence(&world, view_from_string(files[i].text),
                              &result); // no record id: by content
        expect_counts(&result, 0, 1, 0, 0);
        assert_int_equal(home_count(&world.home, STORE_KIND_FACT), 1);
        import_world_close(&world);
    }
}

static void test_a_long_name_becomes_a_short_code(void **state) {
    (void)state;
    static const char text[] =
        "账号,讨论主题,参与时间\n"
        "t01,关于学校教育信息化环境下教师专业发展的若干思考（上）,2021-07-05\n"
        "t01,关于学校教育信息化环境下教师专业发展的若干思考（下）,2021-07-05\n";
    struct import_world world;
    struct evidence_result result;
    import_world_open(&world, true);
    import_world_evidence(&world, view_from_string(text), &result);
    expect_counts(&result, 2, 0, 0, 0);
    assert_true(strlen(result.rows[0].fact->item) <= 64);
    assert_string_not_equal(result.rows[0].fact->item, result.rows[1].fact->item);
    import_world_close(&world);
}

static void test_files_as_a_whole(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum reason_id reason;
    } files[] = {
        {"", REASON_FILE_EMPTY},
        {"a,b,c\n1,2,3\n", REASON_FILE_KIND_UNKNOWN},
        {"账号,课程,开始时间,结束时间,能力点,学分,认证时间\n", REASON_FILE_KIND_SEVERAL},
        {"账号,自测时间\n\"t01,2021-06-02\n", REASON_FILE_QUOTE_OPEN},
        {"账号,自测时间\nt\"01,2021-06-02\n", REASON_FILE_QUOTE_INSIDE},
        {" \n\n", REASON_FILE_EMPTY},
        {"账号,\xff\xff\xff\n", REASON_FILE_CHARSET},
    };
    struct import_world world;
    import_world_open(&world, true);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct evidence_result result;
        import_world_evidence(&world, view_from_string(files[i].text), &result);
        if (result.reason == NULL || (enum reason_id)result.reason->reason != files[i].reason)
            fail_msg("file %zu: %s", i, result.reason != NULL ? result.reason->text : "(accepted)");
        assert_int_equal(result.count, 0);
    }
    import_world_close(&world);
}

static void test_other_content_replaces_visibly(void **state) {
    (void)state;
    struct import_world world;
    struct evidence_result result;
    import_world_open(&world, true);
    import_world_evidence(&world, view_from_string(HEADER "t01,,,,p01," TIMES ",9\n"), &result);
    expect_counts(&result, 1, 0, 0, 0);
    import_world_evidence(
        &world, view_from_string(HEADER "t01,,,,p01,2021-07-05 19:00:00,2021-07-05 19:50:00,9\n"),
        &result);
    expect_counts(&result, 0, 0, 1, 0);
    assert_int_equal(home_count(&world.home, STORE_KIND_FACT), 3); // the old, its void, the new
    import_world_evidence(
        &world, view_from_string(HEADER "t01,,,,p01,2021-07-05 19:00:00,2021-07-05 19:50:00,9\n"),
        &result);
    expect_counts(&result, 0, 1, 0, 0);
    import_world_evidence(&world, view_from_string(HEADER "t02,,,,p01," TIMES ",9\n"), &result);
    expect_counts(&result, 0, 0, 1, 0); // it was somebody else's
    import_world_load(&world);
    size_t counting = 0;
    for (size_t i = 0; i < world.local->n_facts; i++)
        counting += world.local->facts[i].fact.fact->kind == LX__FACT_KIND__COURSE_INTERVAL &&
                    !world.local->facts[i].fact.voided;
    assert_int_equal(counting, 1);
    import_world_close(&world);
}

static void test_a_row_twice_in_a_file(void **state) {
    (void)state;
    static const struct expected_row rows[] = {
        {"t01,,,,p01," TIMES ",7", EVIDENCE_NEW, REASON_NONE, NULL},
        {"t01,,,,p01," TIMES ",7", EVIDENCE_SAME, REASON_NONE, NULL},
        {"t01,,,,p02," TIMES ",7", EVIDENCE_BAD, REASON_ROW_REPEATED, "记录号"},
        {"t01,,,,p01," TIMES ",", EVIDENCE_NEW, REASON_NONE,
         NULL}, // without an id it is another record
        {"t01,,,,p01," TIMES ",", EVIDENCE_SAME, REASON_NONE, NULL},
    };
    expect_rows(HEADER, rows, sizeof rows / sizeof rows[0]);
}

// The key is part of the protocol: two clients must make the same one.
static void test_the_source_key_is_what_the_page_says(void **state) {
    (void)state;
    static const uint8_t parts[] = "\0\0\0\1"
                                   "1"
                                   "\0\0\0\6"
                                   "course"
                                   "\0\0\0\2"
                                   "id"
                                   "\0\0\0\4"
                                   "CO01";
    uint8_t expected[32];
    uint8_t key[32];
    Lx__Fact fact = LX__FACT__INIT;
    digest_sha256(view_from(parts, sizeof parts - 1), expected);
    evidence_key(1, "course", VIEW_LITERAL("CO01"), &fact, key);
    assert_memory_equal(key, expected, sizeof key);
}

static void test_many_rows(void **state) {
    (void)state;
    enum { ROWS = 5000 };
    struct import_world world;
    struct evidence_result result;
    struct buf text = {0};
    assert_int_equal(buf_append_string(&text, HEADER), STATUS_OK);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(buf_format(&text,
                                    "t0%d,,,,p01,2021-07-05 19:00:%02d,2021-07-05 19:40:%02d,R%d\n",
                                    1 + i % 3, i % 60, i / 60 % 60, i),
                         STATUS_OK);
    import_world_open(&world, true);
    import_world_evidence(&world, buf_view(&text), &result);
    expect_counts(&result, ROWS, 0, 0, 0);
    import_world_evidence(&world, buf_view(&text), &result);
    expect_counts(&result, 0, ROWS, 0, 0);
    buf_free(&text);
    import_world_close(&world);
}

// Text is text: what a spreadsheet, a database or printf would act on is kept as it is.
static void test_payloads_are_kept_as_text(void **state) {
    (void)state;
    static const char *const payloads[] = {"=cmd|' /C calc'!A0",
                                           "@SUM(1+1)",
                                           "'; drop table fact; --",
                                           "%s%n%x",
                                           "../../etc/passwd",
                                           "<script>alert(1)</script>",
                                           "+1"};
    struct import_world world;
    struct evidence_result result;
    char text[2048] = "账号,讨论主题,参与时间\n";
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "t01,%s,2021-07-05\n",
                 payloads[i]);
    import_world_open(&world, true);
    import_world_evidence(&world, view_from_string(text), &result);
    expect_counts(&result, sizeof payloads / sizeof payloads[0], 0, 0, 0);
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++)
        assert_string_equal(result.rows[i].fact->item, payloads[i]);
    import_world_close(&world);
}

// ---- property: order, repeats and splits of a file change nothing ----

enum { PROPERTY_ROWS = 60 };

static void write_rows(const int *order, size_t from, size_t to, char *out_text, size_t size) {
    snprintf(out_text, size, HEADER);
    for (size_t i = from; i < to; i++)
        snprintf(out_text + strlen(out_text), size - strlen(out_text),
                 "t0%d,,,,p0%d,2021-07-%02d 19:00:00,2021-07-%02d 19:40:00,%s\n", 1 + order[i] % 5,
                 1 + order[i] % 7, 1 + order[i] % 28, 1 + order[i] % 28, "");
}

static int compare_keys(const void *a, const void *b) {
    return memcmp(a, b, EVIDENCE_KEY_SIZE);
}

static size_t keys_of(struct import_world *world, uint8_t (*out_keys)[EVIDENCE_KEY_SIZE]) {
    import_world_load(world);
    for (size_t i = 0; i < world->local->n_known; i++)
        memcpy(out_keys[i], world->local->known[i].key, EVIDENCE_KEY_SIZE);
    qsort(out_keys, world->local->n_known, EVIDENCE_KEY_SIZE, compare_keys);
    return world->local->n_known;
}

static void test_order_repeats_and_splits_change_nothing(void **state) {
    (void)state;
    static char text[65536];
    static uint8_t expected[2 * PROPERTY_ROWS][EVIDENCE_KEY_SIZE];
    static uint8_t keys[2 * PROPERTY_ROWS][EVIDENCE_KEY_SIZE];
    int order[PROPERTY_ROWS];
    struct import_world world;
    struct evidence_result result;
    size_t count = 0;
    for (unsigned seed = 0; seed < 5; seed++) {
        srandom(seed);
        for (int i = 0; i < PROPERTY_ROWS; i++)
            order[i] = i;
        for (size_t i = PROPERTY_ROWS - 1; i > 0 && seed > 0; i--) {
            size_t j = (size_t)random() % (i + 1);
            int swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
        size_t cut = seed == 0 ? PROPERTY_ROWS : (size_t)random() % PROPERTY_ROWS;
        import_world_open(&world, true);
        write_rows(order, 0, cut, text, sizeof text);
        import_world_evidence(&world, view_from_string(text), &result);
        write_rows(order, cut > 10 ? cut - 10 : 0, PROPERTY_ROWS, text, sizeof text); // overlaps
        import_world_evidence(&world, view_from_string(text), &result);
        size_t n = keys_of(&world, keys);
        if (seed == 0) {
            memcpy(expected, keys, sizeof keys);
            count = n;
        }
        assert_int_equal(n, count);
        assert_memory_equal(keys, expected, n * EVIDENCE_KEY_SIZE);
        import_world_close(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_people_are_matched_without_guessing),
        cmocka_unit_test(test_values_are_refused_by_column),
        cmocka_unit_test(test_numbers_have_two_decimals),
        cmocka_unit_test(test_every_kind_of_file),
        cmocka_unit_test(test_a_long_name_becomes_a_short_code),
        cmocka_unit_test(test_files_as_a_whole),
        cmocka_unit_test(test_other_content_replaces_visibly),
        cmocka_unit_test(test_a_row_twice_in_a_file),
        cmocka_unit_test(test_the_source_key_is_what_the_page_says),
        cmocka_unit_test(test_many_rows),
        cmocka_unit_test(test_payloads_are_kept_as_text),
        cmocka_unit_test(test_order_repeats_and_splits_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
