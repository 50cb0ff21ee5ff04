// The judge and transfers between districts: both halves pass when they are right; each way of
// being wrong has its reason and its field; whoever went to another district is named with it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/common/assess/judge_world.h"

#define OUT LX__TRANSFER_STEP__TRANSFER_OUT
#define IN LX__TRANSFER_STEP__TRANSFER_IN

static Lx__Transfer transfer;

static void begin(struct world *world, Lx__TransferStep step) {
    struct uuid id = fixture_id(801);
    world_valid_membership(world); // makes the membership that the second half brings
    world->operation.membership = NULL;
    world->operation.transfer = &transfer;
    lx__transfer__init(&transfer);
    id.bytes[6] = 0x70;
    id.bytes[8] = 0x80;
    transfer.has_id = transfer.has_person = transfer.has_step = 1;
    transfer.id = world_bytes(world, id);
    transfer.step = step;
    transfer.person = world_bytes(world, fixture_id(TEACHER_ID));
    world_sender(world, DISTRICT_ADMIN_ID, LX__ROLE__DISTRICT_ADMIN, DISTRICT_ID);
}

static void valid_out(struct world *world) {
    begin(world, OUT);
    transfer.has_to = transfer.has_left_ms = 1;
    transfer.to = world_bytes(world, fixture_id(90));
    transfer.left_ms = world->context.received_at_ms;
}

static void valid_in(struct world *world) {
    begin(world, IN);
    transfer.membership = &world->membership;
}

#define CASE(name, half, change)                                                                   \
    static void name(struct world *w) {                                                            \
        valid_##half(w);                                                                           \
        change;                                                                                    \
    }
CASE(two_bodies, out, w->operation.person = &w->person)
CASE(no_step, out, transfer.has_step = transfer.step = 0)
CASE(no_id, out, transfer.has_id = 0)
CASE(id_version_4, out, transfer.id.data[6] = 0x40)
CASE(no_person, out, transfer.has_person = 0)
CASE(stranger, out, transfer.person = world_bytes(w, fixture_id(STRANGER_ID)))
CASE(of_a_unit, out, transfer.person = world_bytes(w, fixture_id(WORKSHOP_ID)))
CASE(no_district, out, transfer.has_to = 0)
CASE(no_day, out, transfer.has_left_ms = 0)
CASE(year, out, transfer.left_ms = -1)
CASE(future, out, transfer.left_ms += JUDGE_CLOCK_TOLERANCE_MS + 1)
CASE(out_by_school, out, world_sender(w, ADMIN_ID, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID))
CASE(no_membership, in, transfer.membership = NULL)
CASE(other_person, in, w->membership.person = world_bytes(w, fixture_id(AUTHOR_ID)))
CASE(unknown_unit, in, w->membership.unit = world_bytes(w, fixture_id(88)))
CASE(office, in, w->membership.role = LX__ROLE__HEAD)
CASE(guest, in, (w->membership.has_guest = 1, w->membership.guest = 1))
CASE(in_by_school, in, world_sender(w, ADMIN_ID, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID))
CASE(in_elsewhere, in,
     world_sender(w, DISTRICT_ADMIN_ID, LX__ROLE__DISTRICT_ADMIN, OTHER_SCHOOL_ID))

static const struct {
    const char *name;
    void (*change)(struct world *world);
    enum reason_id reason;
    const char *field;
} refusals[] = {
    {"two_bodies", two_bodies, REASON_OPERATION_BODY, ""},
    {"no_step", no_step, REASON_FIELD_MISSING, "transfer.step"},
    {"no_id", no_id, REASON_FIELD_MISSING, "transfer.id"},
    {"id_version_4", id_version_4, REASON_RECORD_ID, "transfer.id"},
    {"no_person", no_person, REASON_FIELD_MISSING, "transfer.person"},
    {"stranger", stranger, REASON_PERSON_UNKNOWN, "transfer.person"},
    {"of_a_unit", of_a_unit, REASON_PERSON_UNKNOWN, "transfer.person"},
    {"no_district", no_district, REASON_FIELD_MISSING, "transfer.to"},
    {"no_day", no_day, REASON_FIELD_MISSING, "transfer.left_ms"},
    {"year", year, REASON_MEMBERSHIP_YEAR, "transfer.left_ms"},
    {"future", future, REASON_TRANSFER_FUTURE, "transfer.left_ms"},
    {"out_by_school", out_by_school, REASON_ROSTER_NOT_YOURS, ""},
    {"no_membership", no_membership, REASON_FIELD_MISSING, "transfer.membership"},
    {"other_person", other_person, REASON_FIELD_INVALID, "transfer.membership.person"},
    {"unknown_unit", unknown_unit, REASON_UNIT_UNKNOWN, "transfer.membership.unit"},
    {"office", office, REASON_UNIT_NOT_FOR_ROLE, "transfer.membership.role"},
    {"guest", guest, REASON_UNIT_NOT_FOR_ROLE, "transfer.membership.role"},
    {"in_by_school", in_by_school, REASON_ROSTER_NOT_YOURS, ""},
    {"in_elsewhere", in_elsewhere, REASON_ROSTER_NOT_YOURS, ""},
};

static void test_both_halves_pass(void **state) {
    (void)state;
    struct world *world = world_open();
    valid_out(world);
    assert_int_equal(world_judge(world), REASON_NONE);
    transfer.left_ms += JUDGE_CLOCK_TOLERANCE_MS; // a clock that is ahead
    assert_int_equal(world_judge(world), REASON_NONE);
    valid_in(world);
    assert_int_equal(world_judge(world), REASON_NONE);
    transfer.person = world->membership.person = world_bytes(world, fixture_id(STRANGER_ID));
    assert_int_equal(world_judge(world), REASON_NONE); // whoever comes is not known here yet
    world_close(&world);
}

static void test_each_wrong_half_is_refused_by_name(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct world *world = world_open();
        refusals[i].change(world);
        enum reason_id reason = world_judge(world);
        const char *field = world->reason != NULL ? world->reason->field : NULL;
        if (reason != refusals[i].reason ||
            strcmp(field != NULL ? field : "", refusals[i].field) != 0)
            fail_msg("%s: reason %d at %s instead of %d at %s", refusals[i].name, (int)reason,
                     field, (int)refusals[i].reason, refusals[i].field);
        world_close(&world);
    }
}

// A fact, a membership and a second transfer about somebody who has gone.
static void test_who_has_gone_is_named_with_his_district(void **state) {
    static void (*const makers[])(struct world *) = {valid_out, world_valid_membership};
    (void)state;
    struct judge_gone gone = {.id = fixture_id(STRANGER_ID),
                              .district = "瑶海区",
                              .left_ms = fixture_time("2021-10-01 08:00")};
    for (size_t i = 0; i < 3; i++) {
        struct world *world = world_open();
        if (i < 2)
            makers[i](world);
        else
            world_valid(world, LX__FACT_KIND__DISCUSSION, FACT_SUBJECT_TEACHER);
        world->context.gone = &gone;
        world->context.n_gone = 1;
        assert_int_equal(world_judge(world), REASON_NONE); // the others are judged as ever
        ProtobufCBinaryData away = world_bytes(world, fixture_id(STRANGER_ID));
        transfer.person = world->membership.person = world->fact.subject = away;
        assert_int_equal(world_judge(world), REASON_PERSON_TRANSFERRED);
        assert_non_null(strstr(world->reason->text, "瑶海区"));
        assert_non_null(strstr(world->reason->text, "2021-10-01"));
        world_close(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_halves_pass),
        cmocka_unit_test(test_each_wrong_half_is_refused_by_name),
        cmocka_unit_test(test_who_has_gone_is_named_with_his_district),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
