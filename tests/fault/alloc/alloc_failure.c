// Every allocation of a piece of work fails once: it says so, nothing crashes, nothing leaks (the
// sanitizers look on), and the next try comes to the same result as if nothing had been. Pieces:
// frames and buffers, every message of the protocol in and out, reasons, the judge over every kind
// of record, schemes, assessments, the pile, and a client's whole session.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/digest.h"
#include "common/wire/frame.h"
#include "common/wire/method.h"
#include "common/wire/reason.h"
#include "common/wire/unpack.h"
#include "server/pile.h"
#include "tests/fault/alloc/failures.h"
#include "tests/fault/alloc/messages.h"
#include "tests/fault/alloc/session_piece.h"
#include "tests/lib/alloc.h"
#include "tests/unit/common/assess/judge_world.h"

// A piece of work on things that were made before. `out_result`: a hash of what came out.
struct piece {
    const char *name;
    size_t variants;
    void (*prepare)(size_t variant);
    enum status (*act)(uint64_t *out_result);
    void (*clean)(void);
    uint64_t at_most; // allocations to fail, spread evenly, by the seed; 0: all
};

static struct arena *arena; // of the piece
static size_t variant;
static uint64_t start; // of the spread: the seed

static uint64_t hash(struct view bytes) {
    uint8_t digest[DIGEST_SHA256_SIZE];
    uint64_t result;
    digest_sha256(bytes, digest);
    memcpy(&result, digest, sizeof result);
    return result;
}

static void take_arena(size_t which) {
    variant = which;
    arena = arena_new(0);
}

static void drop_arena(void) {
    arena_free(&arena);
}

// ---- frames and messages ----

static enum status read_pieces(struct frame_reader *reader, struct view bytes, uint64_t *out) {
    struct frame frame;
    for (size_t done = 0; done < bytes.size; done += 700) {
        size_t part = bytes.size - done < 700 ? bytes.size - done : 700;
        struct view piece = view_from(bytes.data + done, part);
        enum status status = frame_read(reader, &piece, &frame);
        if (status == STATUS_OK)
            *out = hash(frame.payload);
        else if (status != STATUS_AGAIN)
            return status;
    }
    return STATUS_OK;
}

static enum status act_frame(uint64_t *out_result) {
    static uint8_t bytes[FRAME_HEADER_SIZE + 5000];
    struct frame_header header = {.length = 5000, .method = 1};
    struct frame_reader reader;
    frame_encode_header(&header, bytes);
    frame_reader_init(&reader, FRAME_CAP_SESSION);
    enum status status = read_pieces(&reader, view_from(bytes, sizeof bytes), out_result);
    frame_reader_free(&reader);
    return status;
}

static size_t count_messages(void) {
    size_t n = 0;
    while (messages_at(n))
        n++;
    return n;
}

static struct view packed;
static struct arena *packed_arena;

static void prepare_message(size_t which) {
    take_arena(which);
    packed_arena = arena_new(0);
    const ProtobufCMessage *message = messages_filled(messages_at(which), packed_arena);
    assert_int_equal(unpack_pack(message, packed_arena, &packed), STATUS_OK);
}

static enum status act_message(uint64_t *out_result) {
    const ProtobufCMessage *message;
    struct scan_fault fault;
    struct buf out = {0};
    struct frame_header header = {.method = 1};
    TRY(unpack_message(messages_at(variant), packed, &SCAN_LIMITS_REPLY, arena, &message, &fault));
    enum status status = unpack_append_frame(&header, message, &out);
    if (status == STATUS_OK)
        *out_result = hash(buf_view(&out));
    buf_free(&out);
    return status;
}

static void clean_message(void) {
    drop_arena();
    arena_free(&packed_arena);
}

static enum status act_reason(uint64_t *out_result) {
    struct buf text = {0};
    Lx__Reason *reason = reason_new(arena, REASON_ROW_VALUE_MISSING, "fact.quantity", "课程", NULL);
    if (!reason)
        return STATUS_NO_MEMORY;
    enum status status = reason_format(reason, REASON_LANGUAGE_ZH, &text);
    if (status == STATUS_OK)
        *out_result = hash(buf_view(&text));
    buf_free(&text);
    return status;
}

// ---- judge, schemes, assessments ----

static struct world *world;

static void prepare_judge(size_t which) {
    world = world_open();
    take_arena(which);
    if (which == 0)
        world_valid_person(world);
    else if (which == 1)
        world_valid_membership(world);
    else
        world_valid(world, LX__FACT_KIND__SUBMITTED, FACT_SUBJECT_TEACHER);
    if (which == 3)
        world->fact.item = (char *)(uintptr_t) "no.such.item";
    if (which == 4)
        world_sender(world, TEACHER_ID, LX__ROLE__TEACHER, WORKSHOP_ID);
}

static enum status act_judge(uint64_t *out_result) {
    Lx__Operation *operation = &world->operation;
    Lx__Reason **reasons = NULL;
    TRY(judge_group(&world->context, 1, &operation, arena, &reasons));
    *out_result = reasons[0] ? reasons[0]->reason : 0;
    return STATUS_OK;
}

static void clean_judge(void) {
    drop_arena();
    world_close(&world);
}

static const char *const scheme_files[] = {"tests/golden/schemes/choice-small.yaml",
                                           "tests/golden/schemes/watch-small.yaml", HEFEI};
static struct view scheme_text;

static void prepare_scheme(size_t which) {
    take_arena(which);
    packed_arena = arena_new(0);
    scheme_text = fixture_read(scheme_files[which], packed_arena);
}

static enum status act_scheme(uint64_t *out_result) {
    const char *error = NULL;
    Lx__Scheme *scheme;
    struct view bytes;
    TRY(scheme_yaml_read(scheme_text, scheme_files[variant], arena, &scheme, &error));
    TRY(scheme_pack(scheme, arena, &bytes));
    const struct scheme *compiled;
    struct scheme_error fault;
    TRY(scheme_load(bytes, arena, &compiled, &fault));
    *out_result = hash(bytes);
    return STATUS_OK;
}

static struct fixture *fixture;

static void prepare_assess(size_t which) {
    static const enum subject_kind kinds[] = {SUBJECT_KIND_TEACHER, SUBJECT_KIND_WORKSHOP,
                                              SUBJECT_KIND_SCHOOL};
    fixture = fixture_open(HEFEI, kinds[which]);
    if (which == 0)
        add_hefei_teacher(fixture, 300, 800, 1600);
}

static enum status act_assess(uint64_t *out_result) {
    TRY(try_run(fixture, fixture_day("2021-11-30")));
    *out_result = hash(fixture->standing.receipt);
    return STATUS_OK;
}

static void clean_assess(void) {
    fixture_close(&fixture);
}

// ---- the pile ----

static void pile_write(void *user, const struct pile_batch *batch) {
    ((const struct pile_batch **)user)[batch->route] = batch;
}

static void pile_done(void *user, struct pile_group *group) {
    pile_release(user, group);
}

// Reports what is in flight on both routes, the second time as refused, so that it is halved.
static void answer_batches(struct pile *pile, const struct pile_batch **flying) {
    for (int i = 0; i < 128; i++) {
        const struct pile_batch *batch = flying[i % 2];
        flying[i % 2] = NULL;
        if (!batch)
            continue;
        for (size_t j = 0; j < batch->n_groups; j++)
            batch->groups[j]->verdict = PILE_VERDICT_DONE;
        pile_finish(pile, batch->route, i == 1 ? STATUS_EXISTS : STATUS_OK);
    }
}

static enum status act_pile(uint64_t *out_result) {
    static const uint8_t device[PILE_DEVICE_SIZE];
    static struct pile_group groups[20];
    const struct pile_batch *flying[2] = {NULL, NULL};
    enum status status = STATUS_OK;
    struct pile *pile = pile_new(2, (struct pile_writer){pile_write, flying});
    if (!pile)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < 20 && status == STATUS_OK; i++) {
        groups[i] = (struct pile_group){.device = device,
                                        .done = pile_done,
                                        .user = pile,
                                        .n_facts = 100,
                                        .stream = {.bytes = {(uint8_t)i}}};
        status = pile_add(pile, &groups[i]);
    }
    answer_batches(pile, flying);
    pile_free(&pile);
    *out_result = 1;
    return status;
}

// ---- each allocation of each piece ----

static void nothing(size_t which) {
    variant = which;
}

static void no_cleaning(void) {
}

static bool fail_one(const struct piece *piece, size_t which, uint64_t n, uint64_t right) {
    uint64_t result = 0;
    uint64_t again = 0;
    piece->prepare(which);
    alloc_fail(n, n % 2 == 0); // every second one: memory stays out
    enum status status = piece->act(&result);
    alloc_end();
    bool hit = alloc_failed() > 0;
    bool wrong = status == STATUS_OK && result != right;
    enum status second = piece->act(&again);
    wrong |= second != STATUS_OK || again != right;
    piece->clean();
    if (wrong)
        printf("  %s %zu: allocation %" PRIu64 " fails: %s, then %s%s\n", piece->name, which, n,
               status_name(status), status_name(second), again != right ? ", other result" : "");
    return !wrong && hit;
}

static void fail_all(const struct piece *piece, size_t which, struct failure_counts *counts) {
    uint64_t right = 0;
    piece->prepare(which);
    alloc_fail(0, false);
    enum status status = piece->act(&right);
    uint64_t total = alloc_end();
    piece->clean();
    if (status != STATUS_OK) {
        printf("  %s %zu fails by itself: %s\n", piece->name, which, status_name(status));
        counts->wrong++;
        return;
    }
    uint64_t step = piece->at_most ? total / piece->at_most + 1 : 1;
    for (uint64_t n = 1 + start % step; n <= total; n += step) {
        counts->failures++;
        counts->wrong += !fail_one(piece, which, n, right);
    }
}

static const struct piece pieces[] = {
    {"frame", 1, nothing, act_frame, no_cleaning, 0},
    {"message", 0, prepare_message, act_message, clean_message, 0},
    {"reason", 1, take_arena, act_reason, drop_arena, 0},
    {"judge", 5, prepare_judge, act_judge, clean_judge, 0},
    {"scheme", 3, prepare_scheme, act_scheme, clean_message, 30},
    {"assess", 3, prepare_assess, act_assess, clean_assess, 20},
    {"pile", 1, nothing, act_pile, no_cleaning, 0},
    {"session", 1, session_prepare, session_act, session_clean, 150},
};

static void run_pieces(uint64_t seed, const char *only, struct failure_counts *total) {
    start = seed * 7919;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        const struct piece *piece = &pieces[i];
        struct failure_counts counts = {0};
        size_t variants = piece->variants ? piece->variants : count_messages();
        if (only[0] != '\0' && strcmp(only, piece->name) != 0)
            continue;
        for (size_t which = 0; which < variants; which++)
            fail_all(piece, which, &counts);
        printf("%s: %" PRIu64 " allocations failed, %" PRIu64 " wrong\n", piece->name,
               counts.failures, counts.wrong);
        total->failures += counts.failures;
        total->wrong += counts.wrong;
    }
}

int main(int argc, char **argv) {
    alloc_init();
    return failures_main(argc, argv, 1, run_pieces);
}
