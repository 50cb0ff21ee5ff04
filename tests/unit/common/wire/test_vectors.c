// The golden bytes of proto/vectors, which another implementation (Python's protobuf) wrote: this
// one must read and write the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/digest.h"
#include "common/wire/frame.h"
#include "common/wire/seal.h"
#include "common/wire/unpack.h"
#include "proto/account.pb-c.h"
#include "proto/ledger.pb-c.h"
#include "proto/statistics.pb-c.h"

#define MAX_FIELDS 10
#define MAX_BYTES 4096

struct line {
    char text[8192];
    char *fields[MAX_FIELDS];
    size_t n;
};

static struct view from_hex(const char *hex, uint8_t room[MAX_BYTES]) {
    if (strcmp(hex, "-") == 0)
        return view_from(room, 0);
    size_t n = strlen(hex) / 2;
    assert_true(n <= MAX_BYTES && strlen(hex) % 2 == 0);
    for (size_t i = 0; i < n; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        room[i] = (uint8_t)byte;
    }
    return view_from(room, n);
}

typedef void (*check_fn)(const struct line *line);

static void for_each_line(const char *path, size_t n_fields, check_fn check) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t cases = 0;
    struct line line;
    while (fgets(line.text, sizeof line.text, file) != NULL) {
        if (line.text[0] == '#')
            continue;
        line.n = 0;
        for (char *word = strtok(line.text, " \n"); word != NULL; word = strtok(NULL, " \n")) {
            assert_true(line.n < MAX_FIELDS);
            line.fields[line.n++] = word;
        }
        assert_int_equal(line.n, n_fields);
        check(&line);
        cases++;
    }
    fclose(file);
    assert_true(cases >= 5);
}

static void check_frame(const struct line *line) {
    uint8_t payload_room[MAX_BYTES], frame_room[MAX_BYTES];
    struct view payload = from_hex(line->fields[5], payload_room);
    struct view bytes = from_hex(line->fields[6], frame_room);
    struct frame_header header = {
        .length = (uint32_t)payload.size,
        .method = (uint16_t)atoi(line->fields[1]),
        .kind = (uint8_t)atoi(line->fields[2]),
        .flags = (uint8_t)atoi(line->fields[3]),
        .request_id = (uint32_t)strtoul(line->fields[4], NULL, 10),
    };
    uint8_t written[FRAME_HEADER_SIZE];
    frame_encode_header(&header, written);
    assert_memory_equal(bytes.data, written, sizeof written);
    struct frame_reader reader;
    struct frame frame;
    frame_reader_init(&reader, FRAME_CAP_GREETING);
    assert_int_equal(frame_read(&reader, &bytes, &frame), STATUS_OK);
    assert_int_equal(bytes.size, 0);
    assert_int_equal(frame.header.request_id, header.request_id);
    assert_true(view_equal(frame.payload, payload));
    frame_reader_free(&reader);
}

static void check_operation(const struct line *line) {
    uint8_t room[MAX_BYTES], hash_room[MAX_BYTES], hash[DIGEST_OPERATION_SIZE];
    struct view encoded = from_hex(line->fields[1], room);
    digest_operation(encoded, hash);
    assert_memory_equal(hash, from_hex(line->fields[2], hash_room).data, sizeof hash);
    // and protobuf-c encodes what it reads into the same bytes
    struct arena *arena = arena_new(0);
    const ProtobufCMessage *message;
    struct scan_fault fault;
    struct view again;
    assert_int_equal(unpack_message(&lx__operation__descriptor, encoded, &SCAN_LIMITS_REQUEST,
                                    arena, &message, &fault),
                     STATUS_OK);
    assert_int_equal(unpack_pack(message, arena, &again), STATUS_OK);
    assert_true(view_equal(encoded, again));
    arena_free(&arena);
}

static uint64_t xor_so_far;

static void check_row(const struct line *line) {
    uint8_t room[MAX_BYTES];
    struct uuid id;
    assert_int_equal(uuid_from_bytes(from_hex(line->fields[0], room), &id), STATUS_OK);
    uint64_t digest = digest_row(id, strtoull(line->fields[1], NULL, 10));
    assert_true(digest == strtoull(line->fields[2], NULL, 16));
    xor_so_far ^= digest;
    assert_true(xor_so_far == strtoull(line->fields[3], NULL, 16));
}

static const ProtobufCMessageDescriptor *message_of(const char *name) {
    const ProtobufCMessageDescriptor *const all[] = {
        &lx__ping_request__descriptor,       &lx__pull_request__descriptor,
        &lx__statistics_request__descriptor, &lx__operation__descriptor,
        &lx__login_request__descriptor,      &lx__push_request__descriptor,
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(all[i]->short_name, name) == 0)
            return all[i];
    fail_msg("no message %s", name);
    return NULL;
}

static void check_refused(const struct line *line) {
    uint8_t room[MAX_BYTES];
    struct scan_fault fault;
    enum status status = scan_message(message_of(line->fields[1]), from_hex(line->fields[2], room),
                                      &SCAN_LIMITS_REQUEST, &fault);
    assert_int_not_equal(status, STATUS_OK);
    assert_string_equal(reason_find((uint32_t)fault.reason)->id, line->fields[3]);
    assert_string_equal(fault.field[0] != '\0' ? fault.field : "-", line->fields[4]);
}

static void check_tree(const struct line *line) {
    uint8_t room[MAX_BYTES], leaves[16][SEAL_HASH_SIZE], root[SEAL_HASH_SIZE];
    enum seal_algorithm algorithm;
    size_t n = 0;
    assert_int_equal(seal_algorithm_parse(line->fields[0], &algorithm), STATUS_OK);
    if (strcmp(line->fields[1], "-") != 0)
        for (char *row = strtok(line->fields[1], ","); row != NULL; row = strtok(NULL, ","))
            seal_leaf(algorithm, from_hex(row, room), leaves[n++]);
    seal_root(algorithm, (const uint8_t(*)[SEAL_HASH_SIZE])leaves, n, root);
    assert_memory_equal(root, from_hex(line->fields[2], room).data, sizeof root);
}

static void check_seal(const struct line *line) {
    uint8_t room[MAX_BYTES], hash[SEAL_HASH_SIZE];
    struct seal seal = {
        .district = atoi(line->fields[1]),
        .number = atoll(line->fields[2]),
        .sealed_at_us = atoll(line->fields[3]),
        .runs = atoi(line->fields[4]),
        .actions = atoi(line->fields[5]),
    };
    assert_int_equal(seal_algorithm_parse(line->fields[0], &seal.algorithm), STATUS_OK);
    assert_string_equal(seal_algorithm_name((int64_t)seal.algorithm), line->fields[0]);
    memcpy(seal.previous, from_hex(line->fields[6], room).data, SEAL_HASH_SIZE);
    memcpy(seal.root, from_hex(line->fields[7], room).data, SEAL_HASH_SIZE);
    memcpy(seal.key, from_hex(line->fields[8], room).data, SEAL_HASH_SIZE);
    seal_hash(&seal, hash);
    assert_memory_equal(hash, from_hex(line->fields[9], room).data, sizeof hash);
}

static void test_trees(void **state) {
    (void)state;
    for_each_line("proto/vectors/trees.txt", 3, check_tree);
}

static void test_seals(void **state) {
    (void)state;
    enum seal_algorithm algorithm;
    assert_int_equal(seal_algorithm_parse("md5", &algorithm), STATUS_NOT_FOUND);
    assert_null(seal_algorithm_name(0));
    assert_null(seal_algorithm_name(3));
    for_each_line("proto/vectors/seals.txt", 10, check_seal);
}

static void test_frames(void **state) {
    (void)state;
    for_each_line("proto/vectors/frames.txt", 7, check_frame);
}

static void test_operations(void **state) {
    (void)state;
    for_each_line("proto/vectors/operations.txt", 3, check_operation);
}

static void test_rows(void **state) {
    (void)state;
    xor_so_far = 0;
    for_each_line("proto/vectors/rows.txt", 4, check_row);
}

static void test_refused(void **state) {
    (void)state;
    for_each_line("proto/vectors/refused.txt", 5, check_refused);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames), cmocka_unit_test(test_operations),
        cmocka_unit_test(test_rows),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_trees),  cmocka_unit_test(test_seals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
