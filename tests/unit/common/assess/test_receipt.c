// Golden receipts: the words in both languages and the SHA-256 of the canonical bytes. A difference
// is a change of what somebody's score means: look at it, then set LX_GOLDEN_UPDATE=1 once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/digest.h"
#include "tests/unit/common/assess/fixture.h"

// Names every fact by the last digits of its id.
static const char *name_fact(void *user, struct uuid fact) {
    struct fixture *f = user;
    return arena_format(f->arena, "fact %02x%02x", fact.bytes[14], fact.bytes[15]);
}

static char *receipt_text(struct fixture *f) {
    uint8_t digest[DIGEST_SHA256_SIZE];
    char hex[2 * DIGEST_SHA256_SIZE + 1];
    Lx__Receipt *receipt;
    digest_sha256(f->standing.receipt, digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    assert_int_equal(receipt_unpack(f->standing.receipt, f->arena, &receipt), STATUS_OK);
    char *zh = receipt_format(f->scheme, receipt, &(struct receipt_words){LANGUAGE_ZH, NULL, NULL},
                              f->arena);
    char *en = receipt_format(f->scheme, receipt,
                              &(struct receipt_words){LANGUAGE_EN, name_fact, f}, f->arena);
    assert_non_null(zh);
    assert_non_null(en);
    return arena_format(f->arena, "%s\n%s\nbytes %zu sha256 %s\n", zh, en, f->standing.receipt.size,
                        hex);
}

static void check_golden(struct fixture *f, const char *name) {
    char *file = arena_format(f->arena, "tests/golden/receipts/%s.txt", name);
    char *text = receipt_text(f);
    if (getenv("LX_GOLDEN_UPDATE") != NULL) {
        FILE *stream = fopen(file, "wb");
        assert_non_null(stream);
        fputs(text, stream);
        fclose(stream);
    }
    char *expected = arena_string(f->arena, fixture_read(file, f->arena));
    if (strcmp(expected, text) != 0)
        fail_msg("%s differs from:\n%s", file, text);
}

static void test_teacher_51(void **state) {
    (void)state;
    struct fixture *f = fixture_open(HEFEI, SUBJECT_KIND_TEACHER);
    add_hefei_teacher(f, 300, 1200, 1600);
    run(f, "2021-11-30");
    check_golden(f, "hefei-teacher-51");
    fixture_close(&f);
}

static void test_teacher_35(void **state) {
    (void)state;
    struct fixture *f = fixture_open(HEFEI, SUBJECT_KIND_TEACHER);
    add_hefei_teacher(f, 300, 800, 1600);
    add_watch(f, "A1", "2021-08-01 10:00", 1800); // not in the range
    run(f, "2021-11-30");
    check_golden(f, "hefei-teacher-35");
    fixture_close(&f);
}

static void test_workshop(void **state) {
    (void)state;
    struct fixture *f = fixture_open(HEFEI, SUBJECT_KIND_WORKSHOP);
    add_accepted(f, "h.plan", "2021-05-20 10:00");
    add_accepted(f, "h.briefings", "2021-07-20 10:00");
    add_fact(f, LX__FACT_KIND__SUBMITTED, "h.case", "2021-11-20 10:00");
    run(f, "2021-11-30");
    check_golden(f, "hefei-workshop");
    fixture_close(&f);
}

static void test_school(void **state) {
    (void)state;
    struct fixture *f = fixture_open(HEFEI, SUBJECT_KIND_SCHOOL);
    add_fact(f, LX__FACT_KIND__DUTY_DONE, "a.survey", "2021-07-02 10:00"); // late
    add_accepted(f, "a.plan", "2021-06-20 10:00");
    for (size_t i = 0; i < 64; i++)
        f->below[f->n_below++] = (struct summary){.kind = SUBJECT_KIND_TEACHER,
                                                  .state = i < 51 ? LX__STANDING_STATE__PASSED
                                                                  : LX__STANDING_STATE__FAILED,
                                                  .obliged = true};
    run(f, "2021-12-31");
    check_golden(f, "hefei-school");
    fixture_close(&f);
}

static void test_words(void **state) {
    (void)state;
    struct fixture *f = fixture_open(HEFEI, SUBJECT_KIND_TEACHER);
    assert_string_equal(receipt_item_text(f->scheme, "A8", LANGUAGE_ZH), "A8技术支持的方法指导");
    assert_string_equal(receipt_item_text(f->scheme, "t.plan", LANGUAGE_EN), "personal plan");
    assert_string_equal(receipt_item_text(f->scheme, "unheard-of", LANGUAGE_EN), "unheard-of");
    assert_non_null(strstr(receipt_assumption_reason(f->scheme, "H2"), "20分钟"));
    assert_string_equal(receipt_assumption_reason(f->scheme, "H99"), "");
    for (int i = LX__LINE_STATE__LINE_NOTHING; i <= LX__LINE_STATE__LINE_EMPTY; i++) {
        assert_string_not_equal(receipt_line_state_text((Lx__LineState)i, LANGUAGE_ZH), "");
        assert_string_not_equal(receipt_line_state_text((Lx__LineState)i, LANGUAGE_EN), "");
    }
    for (int i = LX__CUT_REASON__CUT_OVERLAP; i <= LX__CUT_REASON__CUT_OTHER; i++)
        assert_string_not_equal(receipt_cut_text((Lx__CutReason)i, LANGUAGE_ZH), "");
    Lx__Receipt *receipt;
    assert_int_equal(receipt_unpack(VIEW_LITERAL("\x52\x05"), f->arena, &receipt), STATUS_CORRUPT);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_teacher_51), cmocka_unit_test(test_teacher_35),
        cmocka_unit_test(test_workshop),   cmocka_unit_test(test_school),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
