// See import_world.h.
#include "tests/unit/client/core/import_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/assess/scheme_yaml.h"
#include "common/base/clock.h"

#define FIRST_SEQ 1

static uint64_t next_seq = FIRST_SEQ;

static ProtobufCBinaryData bytes_of(struct import_world *world, struct uuid id) {
    uint8_t *copy = arena_alloc(world->arena, UUID_SIZE);
    assert_non_null(copy);
    memcpy(copy, id.bytes, UUID_SIZE);
    return (ProtobufCBinaryData){UUID_SIZE, copy};
}

static Lx__Row *new_row(struct import_world *world, struct uuid id, struct uuid subject) {
    Lx__Row *row = arena_alloc(world->arena, sizeof *row);
    assert_non_null(row);
    lx__row__init(row);
    row->has_seq = row->has_state = row->has_id = row->has_version = row->has_subject = 1;
    row->seq = next_seq++;
    row->state = LX__ROW_STATE__ROW_LIVE;
    row->id = bytes_of(world, id);
    row->version = 1;
    row->subject = bytes_of(world, subject);
    return row;
}

static void pull(struct import_world *world, uint64_t stream, Lx__Row *row) {
    if (world->put) {
        world->put(world->user, stream, row);
        return;
    }
    assert_int_equal(store_begin(world->home.store), STATUS_OK);
    assert_int_equal(store_pull_apply(world->home.store, home_id(stream), 1, &row, row->seq),
                     STATUS_OK);
    assert_int_equal(store_commit(world->home.store), STATUS_OK);
}

static void add_unit(struct import_world *world, uint64_t number, uint64_t parent,
                     Lx__UnitLevel level, const char *code, const char *name, uint32_t printed) {
    Lx__Unit *unit = arena_alloc(world->arena, sizeof *unit);
    assert_non_null(unit);
    lx__unit__init(unit);
    unit->has_id = unit->has_level = 1;
    unit->id = bytes_of(world, home_id(number));
    unit->has_parent = parent != 0;
    if (parent != 0)
        unit->parent = bytes_of(world, home_id(parent));
    unit->level = level;
    unit->code = arena_string(world->arena, view_from_string(code));
    unit->name = arena_string(world->arena, view_from_string(name));
    unit->has_printed_size = printed > 0;
    unit->printed_size = printed;
    Lx__Row *row = new_row(world, home_id(number), home_id(number));
    row->unit = unit;
    pull(world, WORLD_CITY, row);
}

static void add_programme(struct import_world *world) {
    const char *error = NULL;
    Lx__Scheme *scheme;
    struct view bytes;
    struct view text = import_world_file(world, HEFEI);
    assert_int_equal(scheme_yaml_read(text, HEFEI, world->arena, &scheme, &error), STATUS_OK);
    assert_int_equal(scheme_pack(scheme, world->arena, &bytes), STATUS_OK);
    Lx__Programme *programme = arena_alloc(world->arena, sizeof *programme);
    assert_non_null(programme);
    lx__programme__init(programme);
    programme->has_number = programme->has_scheme_version = programme->has_scheme = 1;
    programme->number = 1;
    programme->scheme_version = 1;
    programme->code = arena_string(world->arena, VIEW_LITERAL("hefei-2021"));
    programme->scheme = (ProtobufCBinaryData){bytes.size, (uint8_t *)(uintptr_t)bytes.data};
    Lx__Row *row = new_row(world, home_id(90), home_id(90));
    row->programme = programme;
    pull(world, WORLD_CITY, row);
}

void import_world_person(struct import_world *world, uint64_t number, uint64_t unit,
                         const char *name, const char *account, const char *teacher_no) {
    Lx__Person *person = arena_alloc(world->arena, sizeof *person);
    Lx__Membership *membership = arena_alloc(world->arena, sizeof *membership);
    assert_true(person != NULL && membership != NULL);
    lx__person__init(person);
    person->has_id = 1;
    person->id = bytes_of(world, home_id(number));
    person->name = arena_string(world->arena, view_from_string(name));
    person->account =
        account != NULL ? arena_string(world->arena, view_from_string(account)) : NULL;
    person->teacher_no =
        teacher_no != NULL ? arena_string(world->arena, view_from_string(teacher_no)) : NULL;
    Lx__Row *row = new_row(world, home_id(number), home_id(number));
    row->person = person;
    pull(world, unit, row);
    lx__membership__init(membership);
    membership->has_id = membership->has_person = membership->has_unit = membership->has_programme =
        1;
    membership->has_role = membership->has_from_ms = 1;
    membership->id = bytes_of(world, home_id(number + 500));
    membership->person = person->id;
    membership->unit = bytes_of(world, home_id(unit));
    membership->programme = 1;
    membership->role = LX__ROLE__TEACHER;
    membership->from_ms = import_world_time("2021-05-01 00:00");
    row = new_row(world, home_id(number + 500), home_id(number));
    row->membership = membership;
    pull(world, unit, row);
}

enum status import_world_log_in(struct import_world *world) {
    struct uuid admin = home_id(WORLD_ADMIN);
    TRY(store_begin(world->home.store));
    TRY(store_config_set(world->home.store, STORE_CONFIG_PERSON,
                         view_from(admin.bytes, UUID_SIZE)));
    return store_commit(world->home.store);
}

static void put_scope(struct import_world *world) {
    const struct store_grant grant = {.id = home_id(91),
                                      .role = LX__ROLE__SCHOOL_ADMIN,
                                      .unit = home_id(WORLD_SCHOOL),
                                      .from_ms = import_world_time("2021-01-01 00:00")};
    struct uuid streams[WORLD_SCHOOL_2];
    for (uint64_t i = 0; i < WORLD_SCHOOL_2; i++)
        streams[i] = home_id(i + 1);
    assert_int_equal(store_begin(world->home.store), STATUS_OK);
    assert_int_equal(store_scope_put(world->home.store, &grant, 1, streams, WORLD_SCHOOL_2),
                     STATUS_OK);
    assert_int_equal(store_commit(world->home.store), STATUS_OK);
}

void import_world_fill(struct import_world *world, bool people) {
    add_unit(world, WORLD_CITY, 0, LX__UNIT_LEVEL__CITY, "340100", "合肥市", 0);
    add_unit(world, WORLD_DISTRICT, WORLD_CITY, LX__UNIT_LEVEL__DISTRICT, "340103", "庐阳区", 0);
    add_unit(world, WORLD_SCHOOL, WORLD_DISTRICT, LX__UNIT_LEVEL__SCHOOL, "3401030002",
             "杏花村第一小学", 24);
    add_unit(world, WORLD_WORKSHOP, WORLD_SCHOOL, LX__UNIT_LEVEL__WORKSHOP, "3401030002-01",
             "语文工作坊", 8);
    add_unit(world, WORLD_SMALL_WORKSHOP, WORLD_SCHOOL, LX__UNIT_LEVEL__WORKSHOP, "3401030002-02",
             "数学工作坊", 7);
    add_unit(world, WORLD_SCHOOL_2, WORLD_DISTRICT, LX__UNIT_LEVEL__SCHOOL, "3401030003",
             "四里河中学", 0);
    add_programme(world);
    if (people) {
        import_world_person(world, 101, WORLD_WORKSHOP, "夏然", "t01", "340103000220210001");
        import_world_person(world, 102, WORLD_WORKSHOP, "钟子", "t02", "340103000220210002");
        import_world_person(world, 103, WORLD_WORKSHOP, "朱婷", "t03", NULL);
        import_world_person(world, 104, WORLD_WORKSHOP, "王芳", "t04", "340103000220210004");
        import_world_person(world, 105, WORLD_WORKSHOP, "王芳", "t05", "000103000220210005");
        import_world_person(world, 109, WORLD_SCHOOL_2, "钱安", "t09", "340103000320210009");
    }
}

void import_world_open(struct import_world *world, bool people) {
    memset(world, 0, sizeof *world);
    home_open(&world->home);
    world->arena = arena_new(0);
    world->now_ms = import_world_time(WORLD_NOW);
    assert_int_equal(import_world_log_in(world), STATUS_OK);
    put_scope(world);
    import_world_fill(world, people);
    import_world_load(world);
}

void import_world_close(struct import_world *world) {
    home_close(&world->home);
    arena_free(&world->arena);
}

void import_world_load(struct import_world *world) {
    char error[256];
    if (local_load(world->home.store, world->arena, &world->local, error) != STATUS_OK)
        fail_msg("local_load: %s %s", error, store_error(world->home.store));
}

int64_t import_world_time(const char *local) {
    int64_t time_ms = 0;
    assert_int_equal(clock_parse_local_time(view_from_string(local), &time_ms), STATUS_OK);
    return time_ms;
}

struct view import_world_file(struct import_world *world, const char *path) {
    enum { CAPACITY = 1 << 20 };
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = arena_alloc(world->arena, CAPACITY);
    if (file == NULL || bytes == NULL)
        fail_msg("cannot read %s", path);
    size_t size = fread(bytes, 1, CAPACITY, file);
    fclose(file);
    return view_from(bytes, size);
}

void import_world_evidence(struct import_world *world, struct view bytes,
                           struct evidence_result *out_result) {
    import_world_load(world);
    const struct judge_programme *programme = local_programme(world->local, NULL);
    assert_non_null(programme);
    const struct evidence_input input = {.bytes = bytes,
                                         .programme = programme->number,
                                         .scheme = programme->scheme,
                                         .people = &world->local->people,
                                         .known = world->local->known,
                                         .n_known = world->local->n_known,
                                         .now_ms = world->now_ms};
    assert_int_equal(evidence_read(&input, world->arena, out_result), STATUS_OK);
    assert_int_equal(
        import_apply(world->home.store, world->local, world->now_ms, world->arena, out_result),
        STATUS_OK);
}

void import_world_roster(struct import_world *world, struct view bytes, bool complete, bool apply,
                         struct roster_result *out_result) {
    import_world_load(world);
    const struct judge_programme *programme = local_programme(world->local, NULL);
    assert_non_null(programme);
    const struct roster_input input = {.bytes = bytes,
                                       .local = world->local,
                                       .programme = programme,
                                       .from_ms = programme->scheme->whole.from_ms,
                                       .complete = complete,
                                       .now_ms = world->now_ms};
    assert_int_equal(roster_read(&input, world->arena, out_result), STATUS_OK);
    if (apply)
        assert_int_equal(roster_apply(world->home.store, &input, world->arena, out_result),
                         STATUS_OK);
}
