// The hot paths, each for callgrind: hot_paths NAME runs path_NAME() once; run it under
// callgrind with --toggle-collect=path_NAME, and the instructions are those of that many units of
// work (printed). tests/bench/guard/run compares them with guard.csv.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/wire/frame.h"
#include "common/wire/unpack.h"
#include "proto/ledger.pb-c.h"
#include "proto/wire.pb-c.h"
#include "server/pile_columns.h"
#include "tests/bench/sample.h"

#define FRAMES 100
#define RECORDS 100
#define GROUPS 10
#define TEACHERS 20
#define SEGMENT 1400 // bytes that arrive at a time

struct paths {
    struct arena *arena;
    struct buf frames; // pushes of RECORDS each, as they come over the wire
    struct view push;  // the payload of one
    struct view reply; // of a push
    struct fact facts[SAMPLE_FACTS_MAX];
    struct assess_input teacher;
};

static void must(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "hot_paths: %s\n", what);
    exit(1);
}

// ---- what is worked on ----

// The same bytes in every run: the ids count.
static struct uuid numbered(unsigned number) {
    struct uuid id = {{0x01, 0x7d, 0x20, 0, 0, 0, 0x70, 0, 0x80}};
    for (int i = 0; i < 4; i++)
        id.bytes[12 + i] = (uint8_t)(number >> (24 - 8 * i));
    return id;
}

static ProtobufCBinaryData id_field(struct arena *arena, unsigned number) {
    struct uuid *id = arena_alloc(arena, sizeof *id);
    must(id != NULL, "no memory");
    *id = numbered(number);
    return (ProtobufCBinaryData){UUID_SIZE, id->bytes};
}

static Lx__Fact *make_fact(struct arena *arena, unsigned number) {
    static char item[] = "school";
    Lx__Fact *fact = arena_alloc(arena, sizeof *fact);
    must(fact != NULL, "no memory");
    lx__fact__init(fact);
    fact->has_id = fact->has_programme = fact->has_kind = fact->has_subject = 1;
    fact->has_occurred_at_ms = fact->has_quantity = 1;
    fact->id = id_field(arena, number);
    fact->programme = 1;
    fact->kind = LX__FACT_KIND__CREDIT_HOURS;
    fact->subject = id_field(arena, 1000000 + number % 40);
    fact->item = item;
    fact->occurred_at_ms = clock_day_start_ms(18946);
    fact->quantity = 150;
    return fact;
}

static void make_push(struct paths *paths) {
    ProtobufCBinaryData operations[RECORDS];
    Lx__PushGroup group = LX__PUSH_GROUP__INIT;
    Lx__PushGroup *groups[] = {&group};
    Lx__PushRequest push = LX__PUSH_REQUEST__INIT;
    for (unsigned i = 0; i < RECORDS; i++) {
        Lx__Operation operation = LX__OPERATION__INIT;
        struct view bytes;
        operation.fact = make_fact(paths->arena, i);
        must(unpack_pack(&operation.base, paths->arena, &bytes) == STATUS_OK, "no memory");
        operations[i] = (ProtobufCBinaryData){bytes.size, (uint8_t *)bytes.data};
    }
    group.has_stream = group.has_first_op_seq = 1;
    group.stream = id_field(paths->arena, 7);
    group.first_op_seq = 1;
    group.n_operations = RECORDS;
    group.operations = operations;
    push.n_groups = 1;
    push.groups = groups;
    must(unpack_pack(&push.base, paths->arena, &paths->push) == STATUS_OK, "no memory");
    for (int i = 0; i < FRAMES; i++) {
        struct frame_header header = {
            .method = LX__METHOD__PUSH, .kind = LX__FRAME_KIND__REQUEST, .request_id = 1};
        must(unpack_append_frame(&header, &push.base, &paths->frames) == STATUS_OK, "no memory");
    }
}

// ---- the paths; not inlined, since callgrind counts from their entry to their return ----

#define PATH __attribute__((noinline, noclone)) static unsigned

PATH path_frame(struct paths *paths) {
    struct frame_reader reader;
    struct frame frame;
    unsigned found = 0;
    struct view all = buf_view(&paths->frames);
    frame_reader_init(&reader, FRAME_CAP_SESSION);
    for (size_t at = 0; at < all.size; at += SEGMENT) {
        size_t size = all.size - at < SEGMENT ? all.size - at : SEGMENT;
        struct view part = view_from(all.data + at, size);
        while (frame_read(&reader, &part, &frame) == STATUS_OK)
            found++;
    }
    frame_reader_free(&reader);
    return found;
}

PATH path_scan(struct paths *paths) {
    struct scan_fault fault;
    must(scan_message(&lx__push_request__descriptor, paths->push, &SCAN_LIMITS_REQUEST, &fault) ==
             STATUS_OK,
         "scan");
    return RECORDS;
}

// A push and every operation in it.
PATH path_unpack(struct paths *paths) {
    const ProtobufCMessage *message;
    const ProtobufCMessage *operation;
    struct scan_fault fault;
    must(unpack_message(&lx__push_request__descriptor, paths->push, &SCAN_LIMITS_REQUEST,
                        paths->arena, &message, &fault) == STATUS_OK,
         "unpack");
    const Lx__PushGroup *group = ((const Lx__PushRequest *)message)->groups[0];
    for (size_t i = 0; i < group->n_operations; i++) {
        struct view bytes = view_from(group->operations[i].data, group->operations[i].len);
        must(unpack_message(&lx__operation__descriptor, bytes, &SCAN_LIMITS_REQUEST, paths->arena,
                            &operation, &fault) == STATUS_OK,
             "unpack");
    }
    return (unsigned)group->n_operations;
}

PATH path_reply(struct paths *paths) {
    Lx__PushedGroup group = LX__PUSHED_GROUP__INIT;
    Lx__PushedGroup *groups[] = {&group};
    Lx__PushReply reply = LX__PUSH_REPLY__INIT;
    struct buf out = {0};
    struct uuid stream = numbered(7);
    group.has_stream = group.has_verdict = group.has_op_to = group.has_seq = 1;
    group.stream = (ProtobufCBinaryData){UUID_SIZE, stream.bytes};
    group.verdict = LX__GROUP_VERDICT__GROUP_DONE;
    group.op_to = 100;
    group.seq = 12345;
    reply.n_groups = 1;
    reply.groups = groups;
    reply.has_received_at_ms = 1;
    reply.received_at_ms = paths->teacher.as_of;
    for (int i = 0; i < FRAMES; i++) {
        struct frame_header header = {
            .method = LX__METHOD__PUSH, .kind = LX__FRAME_KIND__REPLY, .request_id = 1};
        must(unpack_append_frame(&header, &reply.base, &out) == STATUS_OK, "no memory");
    }
    buf_free(&out);
    return FRAMES;
}

PATH path_assess(struct paths *paths) {
    struct standing standing;
    for (int i = 0; i < TEACHERS; i++) {
        arena_reset(paths->arena);
        must(assess(&paths->teacher, paths->arena, &standing) == STATUS_OK, "assess");
    }
    return TEACHERS;
}

// ---- the pile: groups merged into one batch, and its columns ----

struct piling {
    struct arena *arena;
    struct pile *pile;
    unsigned rows;
};

static void write_batch(void *user, const struct pile_batch *batch) {
    struct piling *piling = user;
    struct db_params *params = db_params_new(piling->arena);
    must(pile_columns_bind(batch, 0, false, view_from("x", 1), piling->arena, params) == STATUS_OK,
         "no memory");
    piling->rows += (unsigned)batch->n_facts;
    for (size_t i = 0; i < batch->n_groups; i++)
        batch->groups[i]->verdict = PILE_VERDICT_DONE;
}

static void on_done(void *user, struct pile_group *group) {
    struct piling *piling = user;
    pile_release(piling->pile, group);
}

static void fill_group(struct pile_group *group, struct piling *piling, unsigned number) {
    static const uint8_t device[PILE_DEVICE_SIZE] = {1};
    struct pile_target *target = arena_alloc(piling->arena, sizeof *target);
    struct pile_fact *facts = arena_array(piling->arena, RECORDS, sizeof *facts);
    uint8_t(*hashes)[DIGEST_OPERATION_SIZE] = arena_array(piling->arena, RECORDS, sizeof *hashes);
    must(target && facts && hashes, "no memory");
    *target = (struct pile_target){.stream = numbered(number), .count = RECORDS};
    for (unsigned i = 0; i < RECORDS; i++)
        facts[i] = (struct pile_fact){.fact = make_fact(piling->arena, number * RECORDS + i),
                                      .op_seq = i + 1,
                                      .position = i + 1};
    *group = (struct pile_group){.district = 1,
                                 .stream = target->stream,
                                 .device = device,
                                 .person = numbered(5),
                                 .op_from = 1,
                                 .n_operations = RECORDS,
                                 .hashes = hashes,
                                 .targets = target,
                                 .n_targets = 1,
                                 .facts = facts,
                                 .n_facts = RECORDS,
                                 .done = on_done,
                                 .user = piling};
}

__attribute__((noinline, noclone)) static void pile_all(struct piling *piling,
                                                        struct pile_group *groups) {
    for (unsigned i = 0; i < GROUPS; i++)
        must(pile_add(piling->pile, &groups[i]) == STATUS_OK, "the pile is full");
    while (!pile_is_idle(piling->pile))
        pile_finish(piling->pile, 0, STATUS_OK);
}

static unsigned path_pile(struct paths *paths) {
    static struct pile_group groups[GROUPS];
    struct piling piling = {.arena = paths->arena};
    piling.pile = pile_new(1, (struct pile_writer){write_batch, &piling});
    must(piling.pile != NULL, "no memory");
    for (unsigned i = 0; i < GROUPS; i++)
        fill_group(&groups[i], &piling, i + 1);
    pile_all(&piling, groups);
    pile_free(&piling.pile);
    return piling.rows;
}

static const struct {
    const char *name;
    unsigned (*run)(struct paths *paths);
} PATHS[] = {{"frame", path_frame}, {"scan", path_scan},   {"unpack", path_unpack},
             {"pile", path_pile},   {"reply", path_reply}, {"assess", path_assess}};

int main(int argc, char **argv) {
    static struct paths paths;
    paths.arena = arena_new(0);
    must(paths.arena != NULL, "no memory");
    make_push(&paths);
    struct arena *schemes = arena_new(0);
    must(schemes != NULL, "no memory");
    paths.teacher = sample_teacher(sample_scheme(schemes), paths.facts, sample_facts(paths.facts));
    for (size_t i = 0; argc == 2 && i < sizeof PATHS / sizeof PATHS[0]; i++) {
        if (strcmp(PATHS[i].name, argv[1]) != 0)
            continue;
        printf("%u\n", PATHS[i].run(&paths));
        return 0;
    }
    fprintf(stderr, "hot_paths frame|scan|unpack|pile|reply|assess\n");
    return 2;
}
