// See judge_world.h.
#include "tests/unit/common/assess/judge_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SINCE "2021-01-01 00:00"

ProtobufCBinaryData world_bytes(struct world *world, struct uuid id) {
    uint8_t *bytes = arena_alloc(world->arena, UUID_SIZE);
    assert_non_null(bytes);
    memcpy(bytes, id.bytes, UUID_SIZE);
    return (ProtobufCBinaryData){UUID_SIZE, bytes};
}

// Version 7, always the same for the same number.
static struct uuid record_id(uint32_t number) {
    struct uuid id = fixture_id(number);
    id.bytes[6] = 0x70;
    id.bytes[8] = 0x80;
    return id;
}

static void add_unit(struct world *world, uint32_t id, uint32_t parent, Lx__UnitLevel level) {
    world->units[world->context.n_units++] = (struct judge_unit){
        fixture_id(id), parent != 0 ? fixture_id(parent) : (struct uuid){{0}}, level};
}

static void add_subject(struct world *world, uint32_t id, enum fact_subject kind, uint32_t home) {
    world->subjects[world->context.n_subjects++] =
        (struct judge_subject){fixture_id(id), kind, fixture_id(home)};
}

void world_office(struct world *world, Lx__Role role, uint32_t unit, uint32_t person) {
    world->offices[world->context.n_offices++] =
        (struct judge_office){role, fixture_id(unit), fixture_id(person), fixture_time(SINCE), 0};
}

void world_no_office(struct world *world, Lx__Role role) {
    for (size_t i = 0; i < world->context.n_offices; i++)
        if (world->offices[i].role == role)
            world->offices[i].until_ms = world->offices[i].from_ms + 1;
}

void world_sender(struct world *world, uint32_t person, Lx__Role role, uint32_t unit) {
    world->context.sender = fixture_id(person);
    world->context.n_roles = 1;
    world->roles[0] = (struct judge_role){
        .role = role, .unit = fixture_id(unit), .from_ms = fixture_time(SINCE), .until_ms = 0};
}

static bool find_stored(void *user, struct uuid id, struct judge_fact *out_fact) {
    struct world *world = user;
    for (size_t i = 0; i < world->n_stored; i++) {
        if (!uuid_equal(world->stored[i].id, id))
            continue;
        *out_fact = world->stored[i].fact;
        return true;
    }
    return false;
}

static Lx__Fact *store(struct world *world, uint32_t number, Lx__FactKind kind, uint32_t subject,
                       const char *item, uint32_t actor) {
    Lx__Fact *fact = arena_alloc(world->arena, sizeof *fact);
    assert_non_null(fact);
    lx__fact__init(fact);
    fact->has_id = fact->has_programme = fact->has_kind = fact->has_subject = 1;
    fact->id = world_bytes(world, record_id(number));
    fact->programme = world->programme.number;
    fact->kind = kind;
    fact->subject = world_bytes(world, fixture_id(subject));
    fact->item = arena_string(world->arena, view_from_string(item));
    fact->has_occurred_at_ms = 1;
    fact->occurred_at_ms = fixture_time("2021-07-01 10:00");
    world->stored[world->n_stored].id = record_id(number);
    world->stored[world->n_stored++].fact =
        (struct judge_fact){.fact = fact, .actor = fixture_id(actor)};
    return fact;
}

static void store_all(struct world *world) {
    store(world, STORED_PLAN, LX__FACT_KIND__SUBMITTED, TEACHER_ID, "t.plan", HEAD_ID);
    store(world, STORED_WORKSHOP_PLAN, LX__FACT_KIND__SUBMITTED, WORKSHOP_ID, "h.plan", HEAD_ID);
    store(world, STORED_CASE, LX__FACT_KIND__SUBMITTED, WORKSHOP_ID, "h.case", HEAD_ID);
    store(world, STORED_KICKOFF, LX__FACT_KIND__SUBMITTED, SCHOOL_ID, "a.kickoff", ADMIN_ID);
    store(world, STORED_VOID, LX__FACT_KIND__VOID, TEACHER_ID, "", HEAD_ID);
    store(world, STORED_VOIDED_PLAN, LX__FACT_KIND__SUBMITTED, TEACHER_ID, "t.plan", HEAD_ID);
    world->stored[world->n_stored - 1].fact.voided = true;
    store(world, STORED_WATCH, LX__FACT_KIND__COURSE_INTERVAL, TEACHER_ID, "p01", HEAD_ID);
    store(world, STORED_FAR_PLAN, LX__FACT_KIND__SUBMITTED, AUTHOR_ID, "t.plan", HEAD_ID);
    store(world, STORED_OTHER_PROGRAMME, LX__FACT_KIND__SUBMITTED, TEACHER_ID, "t.plan", HEAD_ID)
        ->programme = 77;
    store(world, STORED_BRIEFING, LX__FACT_KIND__SUBMITTED, WORKSHOP_ID, "h.briefings", HEAD_ID);
    // The author helped with the case.
    Lx__Submission *submission = arena_alloc(world->arena, sizeof *submission);
    assert_non_null(submission);
    lx__submission__init(submission);
    submission->authors = arena_array(world->arena, 1, sizeof *submission->authors);
    assert_non_null(submission->authors);
    submission->authors[submission->n_authors++] = world_bytes(world, fixture_id(AUTHOR_ID));
    world->stored[2].fact.submission = submission;
}

struct world *world_open(void) {
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->arena = arena_new(0);
    world->fixture = fixture_open(HEFEI, SUBJECT_KIND_TEACHER);
    world->programme =
        (struct judge_programme){world->fixture->scheme->number, world->fixture->scheme};
    add_unit(world, CITY_ID, 0, LX__UNIT_LEVEL__CITY);
    add_unit(world, DISTRICT_ID, CITY_ID, LX__UNIT_LEVEL__DISTRICT);
    add_unit(world, SCHOOL_ID, DISTRICT_ID, LX__UNIT_LEVEL__SCHOOL);
    add_unit(world, WORKSHOP_ID, SCHOOL_ID, LX__UNIT_LEVEL__WORKSHOP);
    add_unit(world, OTHER_SCHOOL_ID, DISTRICT_ID, LX__UNIT_LEVEL__SCHOOL);
    add_unit(world, OTHER_WORKSHOP_ID, OTHER_SCHOOL_ID, LX__UNIT_LEVEL__WORKSHOP);
    add_subject(world, WORKSHOP_ID, FACT_SUBJECT_WORKSHOP, WORKSHOP_ID);
    add_subject(world, SCHOOL_ID, FACT_SUBJECT_SCHOOL, SCHOOL_ID);
    add_subject(world, HEAD_ID, FACT_SUBJECT_TEACHER, WORKSHOP_ID);
    add_subject(world, TEACHER_ID, FACT_SUBJECT_TEACHER, WORKSHOP_ID);
    add_subject(world, AUTHOR_ID, FACT_SUBJECT_TEACHER, WORKSHOP_ID);
    add_subject(world, ADMIN_ID, FACT_SUBJECT_TEACHER, SCHOOL_ID);
    add_subject(world, FAR_TEACHER_ID, FACT_SUBJECT_TEACHER, OTHER_WORKSHOP_ID);
    world_office(world, LX__ROLE__HEAD, WORKSHOP_ID, HEAD_ID);
    world_office(world, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID, ADMIN_ID);
    world_office(world, LX__ROLE__DISTRICT_ADMIN, DISTRICT_ID, DISTRICT_ADMIN_ID);
    world_office(world, LX__ROLE__CITY_ADMIN, CITY_ID, CITY_ADMIN_ID);
    world_office(world, LX__ROLE__EXPERT, SCHOOL_ID, EXPERT_ID);
    world->context.stream = fixture_id(WORKSHOP_ID);
    world->context.received_at_ms = fixture_time("2021-12-20 12:00");
    world->context.roles = world->roles;
    world->context.units = world->units;
    world->context.subjects = world->subjects;
    world->context.offices = world->offices;
    world->context.offices_known = UINT32_MAX;
    world->context.programmes = &world->programme;
    world->context.n_programmes = 1;
    world->context.find_fact = find_stored;
    world->context.find_user = world;
    store_all(world);
    return world;
}

void world_close(struct world **world) {
    fixture_close(&(*world)->fixture);
    arena_free(&(*world)->arena);
    free(*world);
    *world = NULL;
}

static void begin(struct world *world) {
    lx__operation__init(&world->operation);
    lx__fact__init(&world->fact);
    lx__submission__init(&world->submission);
    lx__person__init(&world->person);
    lx__membership__init(&world->membership);
}

void world_add_field(struct world *world, const char *key, const char *value) {
    Lx__Submission *submission = &world->submission;
    Lx__TemplateField **fields =
        arena_array(world->arena, submission->n_fields + 1, sizeof(void *));
    Lx__TemplateField *field = arena_alloc(world->arena, sizeof *field);
    assert_true(fields != NULL && field != NULL);
    lx__template_field__init(field);
    field->key = arena_string(world->arena, view_from_string(key));
    field->value = arena_string(world->arena, view_from_string(value));
    for (size_t i = 0; i < submission->n_fields; i++)
        fields[i] = submission->fields[i];
    fields[submission->n_fields++] = field;
    submission->fields = fields;
}

static void add_case_parts(struct world *world) {
    Lx__Submission *submission = &world->submission;
    submission->has_duration_s = submission->has_size_bytes = 1;
    submission->duration_s = 30 * 60;
    submission->size_bytes = 500000000;
    submission->authors = arena_array(world->arena, 4, sizeof *submission->authors);
    submission->points = arena_array(world->arena, 4, sizeof *submission->points);
    assert_true(submission->authors != NULL && submission->points != NULL);
    submission->authors[submission->n_authors++] = world_bytes(world, fixture_id(HEAD_ID));
    submission->points[submission->n_points++] = arena_string(world->arena, view_from_string("A3"));
}

struct recipe {
    Lx__FactKind kind;
    enum fact_subject subject;
    const char *item;
    const char *when;
    int64_t quantity; // 0: none
    uint32_t of;      // 0: none
    uint32_t sender;
    Lx__Role role;
    uint32_t unit;
};

static const struct recipe recipes[] = {
    {LX__FACT_KIND__COURSE_INTERVAL, FACT_SUBJECT_TEACHER, "p01", "2021-07-05 19:00", 0, 0, HEAD_ID,
     LX__ROLE__HEAD, WORKSHOP_ID},
    {LX__FACT_KIND__DISCUSSION, FACT_SUBJECT_TEACHER, "D01", "2021-07-05 19:00", 0, 0, HEAD_ID,
     LX__ROLE__HEAD, WORKSHOP_ID},
    {LX__FACT_KIND__DISCUSSION, FACT_SUBJECT_SCHOOL, "D01", "2021-07-05 19:00", 0, 0, ADMIN_ID,
     LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID},
    {LX__FACT_KIND__ATTENDANCE, FACT_SUBJECT_TEACHER, "HD01", "2021-07-05 19:00", 250, 0, HEAD_ID,
     LX__ROLE__HEAD, WORKSHOP_ID},
    {LX__FACT_KIND__CREDIT_HOURS, FACT_SUBJECT_TEACHER, "school", "2021-07-05 19:00", 500, 0,
     HEAD_ID, LX__ROLE__HEAD, WORKSHOP_ID},
    {LX__FACT_KIND__SELF_TEST, FACT_SUBJECT_TEACHER, NULL, "2021-07-05 19:00", 0, 0, HEAD_ID,
     LX__ROLE__HEAD, WORKSHOP_ID},
    {LX__FACT_KIND__SUBMITTED, FACT_SUBJECT_TEACHER, "t.plan", "2021-07-05 19:00", 0, 0, HEAD_ID,
     LX__ROLE__HEAD, WORKSHOP_ID},
    {LX__FACT_KIND__SUBMITTED, FACT_SUBJECT_WORKSHOP, "h.case", "2021-09-05 19:00", 0, 0, HEAD_ID,
     LX__ROLE__HEAD, WORKSHOP_ID},
    {LX__FACT_KIND__SUBMITTED, FACT_SUBJECT_SCHOOL, "a.dev_plan", "2021-06-05 19:00", 0, 0,
     ADMIN_ID, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID},
    {LX__FACT_KIND__ACCEPTED, FACT_SUBJECT_TEACHER, NULL, "2021-12-15 19:00", 0, STORED_PLAN,
     HEAD_ID, LX__ROLE__HEAD, WORKSHOP_ID},
    {LX__FACT_KIND__ACCEPTED, FACT_SUBJECT_WORKSHOP, "h.plan", "2021-12-15 19:00", 0,
     STORED_WORKSHOP_PLAN, ADMIN_ID, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID},
    {LX__FACT_KIND__ACCEPTED, FACT_SUBJECT_SCHOOL, NULL, "2021-12-15 19:00", 0, STORED_KICKOFF,
     DISTRICT_ADMIN_ID, LX__ROLE__DISTRICT_ADMIN, DISTRICT_ID},
    {LX__FACT_KIND__GRADE, FACT_SUBJECT_TEACHER, "t.school_based", "2021-12-15 19:00", 1600, 0,
     HEAD_ID, LX__ROLE__HEAD, WORKSHOP_ID},
    {LX__FACT_KIND__GRADE, FACT_SUBJECT_WORKSHOP, "h.case", "2021-12-15 19:00", 5000, STORED_CASE,
     EXPERT_ID, LX__ROLE__EXPERT, SCHOOL_ID},
    {LX__FACT_KIND__CERTIFICATION, FACT_SUBJECT_TEACHER, "A3", "2021-11-15 19:00", 400, 0, HEAD_ID,
     LX__ROLE__HEAD, WORKSHOP_ID},
    {LX__FACT_KIND__ASSESSMENT_TAKEN, FACT_SUBJECT_TEACHER, "g.school_test", "2021-12-08 14:00", 0,
     0, HEAD_ID, LX__ROLE__HEAD, WORKSHOP_ID},
    {LX__FACT_KIND__COURSE_RANGE, FACT_SUBJECT_SCHOOL, "A3", "2021-07-05 19:00", 0, 0, ADMIN_ID,
     LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID},
    {LX__FACT_KIND__CASE_SELECTED, FACT_SUBJECT_SCHOOL, NULL, "2021-12-05 19:00", 0, STORED_CASE,
     ADMIN_ID, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID},
    {LX__FACT_KIND__DUTY_DONE, FACT_SUBJECT_SCHOOL, "a.survey", "2021-06-05 19:00", 0, 0, ADMIN_ID,
     LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID},
    {LX__FACT_KIND__VOID, FACT_SUBJECT_TEACHER, NULL, "2021-12-15 19:00", 0, STORED_WATCH, HEAD_ID,
     LX__ROLE__HEAD, WORKSHOP_ID},
    {LX__FACT_KIND__VOID, FACT_SUBJECT_WORKSHOP, NULL, "2021-12-15 19:00", 0, STORED_WORKSHOP_PLAN,
     HEAD_ID, LX__ROLE__HEAD, WORKSHOP_ID},
    {LX__FACT_KIND__VOID, FACT_SUBJECT_SCHOOL, NULL, "2021-12-15 19:00", 0, STORED_KICKOFF,
     ADMIN_ID, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID},
};

static void fill_submission(struct world *world, const struct recipe *recipe) {
    world->operation.submission = &world->submission;
    world->submission.title = arena_string(world->arena, view_from_string("研修计划"));
    world_add_field(world, "content", "=SUM(A1:A9); '; drop table fact; -- %s%n ../../etc/passwd");
    if (recipe->subject == FACT_SUBJECT_WORKSHOP)
        add_case_parts(world);
}

void world_valid(struct world *world, Lx__FactKind kind, enum fact_subject subject) {
    static const uint32_t subjects[] = {TEACHER_ID, WORKSHOP_ID, SCHOOL_ID};
    const struct recipe *recipe = NULL;
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++)
        if (recipes[i].kind == kind && recipes[i].subject == subject)
            recipe = &recipes[i];
    assert_non_null(recipe);
    begin(world);
    Lx__Fact *fact = &world->fact;
    world->operation.fact = fact;
    fact->has_id = fact->has_programme = fact->has_kind = fact->has_subject =
        fact->has_occurred_at_ms = 1;
    fact->id = world_bytes(world, record_id(900));
    fact->programme = world->programme.number;
    fact->kind = kind;
    fact->subject = world_bytes(world, fixture_id(subjects[subject]));
    fact->item =
        recipe->item != NULL ? arena_string(world->arena, view_from_string(recipe->item)) : NULL;
    fact->occurred_at_ms = fixture_time(recipe->when);
    fact->has_until_ms = kind == LX__FACT_KIND__COURSE_INTERVAL;
    fact->until_ms = fact->has_until_ms ? fact->occurred_at_ms + 40 * 60 * 1000 : 0;
    fact->has_quantity = recipe->quantity != 0;
    fact->quantity = recipe->quantity;
    fact->has_of = recipe->of != 0;
    if (fact->has_of)
        fact->of = world_bytes(world, record_id(recipe->of));
    if (kind == LX__FACT_KIND__SUBMITTED)
        fill_submission(world, recipe);
    world_sender(world, recipe->sender, recipe->role, recipe->unit);
}

void world_valid_person(struct world *world) {
    begin(world);
    world->operation.person = &world->person;
    world->person.has_id = world->person.has_birth_year = 1;
    world->person.id = world_bytes(world, record_id(700));
    world->person.name = arena_string(world->arena, view_from_string("王小芳"));
    world->person.teacher_no = arena_string(world->arena, view_from_string("340121000120210001"));
    world->person.account = arena_string(world->arena, view_from_string("t2101001"));
    world->person.title = arena_string(world->arena, view_from_string("一级教师"));
    world->person.birth_year = 1985;
    world_sender(world, ADMIN_ID, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID);
}

void world_valid_membership(struct world *world) {
    begin(world);
    Lx__Membership *membership = &world->membership;
    world->operation.membership = membership;
    membership->has_id = membership->has_person = membership->has_unit = 1;
    membership->has_programme = membership->has_role = membership->has_from_ms = 1;
    membership->id = world_bytes(world, record_id(701));
    membership->person = world_bytes(world, fixture_id(TEACHER_ID));
    membership->unit = world_bytes(world, fixture_id(WORKSHOP_ID));
    membership->programme = world->programme.number;
    membership->role = LX__ROLE__TEACHER;
    membership->from_ms = fixture_time("2021-05-01 00:00");
    world_sender(world, ADMIN_ID, LX__ROLE__SCHOOL_ADMIN, SCHOOL_ID);
}

enum reason_id world_judge(struct world *world) {
    world->reason = NULL;
    assert_int_equal(
        judge_operation(&world->context, &world->operation, world->arena, &world->reason),
        STATUS_OK);
    return world->reason != NULL ? (enum reason_id)world->reason->reason : REASON_NONE;
}
