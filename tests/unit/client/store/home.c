// See home.h.
#include "tests/unit/client/store/home.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void home_reopen(struct home *home) {
    char error[256] = "";
    store_close(&home->store);
    if (store_open(home->path, "test", error, &home->store) != STATUS_OK)
        fail_msg("store_open: %s", error);
}

void home_open_at(struct home *home, const char *path) {
    memset(home, 0, sizeof *home);
    snprintf(home->path, sizeof home->path, "%s", path);
    home->arena = arena_new(0);
    home->next_number = 1000;
    home_reopen(home);
}

void home_open(struct home *home) {
    char path[64];
    // In memory where there is such a folder: a home waits for the disk at every commit.
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(path, sizeof path, "%s/lx-home-XXXXXX", folder);
    assert_non_null(mkdtemp(path));
    home_open_at(home, path);
    home->made = true;
}

void home_close(struct home *home) {
    char command[128];
    store_close(&home->store);
    arena_free(&home->arena);
    snprintf(command, sizeof command, "rm -rf '%s'", home->path);
    if (home->made)
        assert_int_equal(system(command), 0);
}

struct uuid home_id(uint64_t number) {
    struct uuid id = {.bytes = {0x01, 0x90, 0, 0, 0, 0, 0x70, 0, 0x80}};
    for (int i = 0; i < 6; i++)
        id.bytes[15 - i] = (uint8_t)(number >> (8 * i));
    return id;
}

struct uuid home_new_id(struct home *home) {
    return home_id(home->next_number++);
}

static ProtobufCBinaryData bytes_of(struct home *home, struct uuid id) {
    uint8_t *copy = arena_alloc(home->arena, UUID_SIZE);
    assert_non_null(copy);
    memcpy(copy, id.bytes, UUID_SIZE);
    return (ProtobufCBinaryData){UUID_SIZE, copy};
}

static Lx__Operation *new_operation(struct home *home) {
    Lx__Operation *operation = arena_alloc(home->arena, sizeof *operation);
    assert_non_null(operation);
    lx__operation__init(operation);
    return operation;
}

Lx__Operation *home_fact(struct home *home, struct uuid id, struct uuid subject, const char *item) {
    Lx__Operation *operation = new_operation(home);
    operation->fact = arena_alloc(home->arena, sizeof *operation->fact);
    assert_non_null(operation->fact);
    lx__fact__init(operation->fact);
    operation->fact->has_id = operation->fact->has_subject = operation->fact->has_kind = 1;
    operation->fact->id = bytes_of(home, id);
    operation->fact->subject = bytes_of(home, subject);
    operation->fact->kind = LX__FACT_KIND__SUBMITTED;
    operation->fact->item = arena_string(home->arena, view_from_string(item));
    return operation;
}

Lx__Operation *home_accept(struct home *home, struct uuid id, struct uuid subject, struct uuid of) {
    Lx__Operation *operation = home_fact(home, id, subject, "");
    operation->fact->kind = LX__FACT_KIND__ACCEPTED;
    operation->fact->has_of = 1;
    operation->fact->of = bytes_of(home, of);
    return operation;
}

Lx__Operation *home_person(struct home *home, struct uuid id, const char *name, uint64_t version) {
    Lx__Operation *operation = new_operation(home);
    operation->person = arena_alloc(home->arena, sizeof *operation->person);
    assert_non_null(operation->person);
    lx__person__init(operation->person);
    operation->person->has_id = 1;
    operation->person->id = bytes_of(home, id);
    operation->person->name = arena_string(home->arena, view_from_string(name));
    operation->has_person_version = 1;
    operation->person_version = version;
    return operation;
}

Lx__Operation *home_membership(struct home *home, struct uuid id, struct uuid person) {
    Lx__Operation *operation = new_operation(home);
    operation->membership = arena_alloc(home->arena, sizeof *operation->membership);
    assert_non_null(operation->membership);
    lx__membership__init(operation->membership);
    operation->membership->has_id = operation->membership->has_person = 1;
    operation->membership->id = bytes_of(home, id);
    operation->membership->person = bytes_of(home, person);
    return operation;
}

Lx__Row *home_row(struct home *home, uint64_t seq, struct uuid id, uint64_t version,
                  const Lx__Operation *body) {
    Lx__Row *row = arena_alloc(home->arena, sizeof *row);
    assert_non_null(row);
    lx__row__init(row);
    row->has_seq = row->has_state = row->has_id = row->has_version = row->has_subject = 1;
    row->seq = seq;
    row->state = LX__ROW_STATE__ROW_LIVE;
    row->id = bytes_of(home, id);
    row->version = version;
    row->fact = body->fact;
    row->person = body->person;
    row->subject = body->fact ? body->fact->subject : body->person->id;
    return row;
}

int64_t home_add(struct home *home, struct uuid stream, const Lx__Operation *operation) {
    int64_t id = 0;
    assert_int_equal(store_begin(home->store), STATUS_OK);
    assert_int_equal(store_add_operation(home->store, stream, operation, HOME_NOW_MS, &id),
                     STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
    return id;
}

void home_scope(struct home *home, size_t n, const struct uuid *streams) {
    assert_int_equal(store_begin(home->store), STATUS_OK);
    assert_int_equal(store_scope_put(home->store, NULL, 0, streams, n), STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
}

void home_pull(struct home *home, struct uuid stream, size_t n, Lx__Row *const *rows,
               uint64_t cursor) {
    assert_int_equal(store_begin(home->store), STATUS_OK);
    assert_int_equal(store_pull_apply(home->store, stream, n, rows, cursor), STATUS_OK);
    assert_int_equal(store_stream_set_proved(home->store, stream), STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
    assert_int_equal(store_settle(home->store), STATUS_OK);
}

size_t home_count(struct home *home, enum store_kind kind) {
    struct store_query query = {.kind = kind};
    struct store_rows rows;
    assert_int_equal(store_find(home->store, &query, home->arena, &rows), STATUS_OK);
    return rows.count;
}

struct outbox_entries home_seal(struct home *home, struct uuid stream, size_t max_ops) {
    struct outbox_entries entries;
    assert_int_equal(
        store_outbox_seal(home->store, stream, max_ops, HOME_MAX_BYTES, home->arena, &entries),
        STATUS_OK);
    return entries;
}

void home_set_epoch(struct home *home, uint64_t number) {
    struct uuid epoch = home_id(number);
    assert_int_equal(store_begin(home->store), STATUS_OK);
    assert_int_equal(
        store_config_set(home->store, STORE_CONFIG_DB_EPOCH, view_from(epoch.bytes, UUID_SIZE)),
        STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
}

void home_heal_epoch(struct home *home, uint64_t number) {
    home_set_epoch(home, number);
    assert_int_equal(store_begin(home->store), STATUS_OK);
    assert_int_equal(store_outbox_heal_epoch(home->store), STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
}

struct outbox_lost home_heal(struct home *home, struct uuid stream, uint64_t server_next) {
    struct outbox_lost lost;
    assert_int_equal(store_begin(home->store), STATUS_OK);
    assert_int_equal(store_outbox_heal(home->store, stream, server_next, &lost), STATUS_OK);
    assert_int_equal(store_commit(home->store), STATUS_OK);
    return lost;
}
