// What a home must be after any break: see session.h.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "common/wire/digest.h"
#include "common/wire/unpack.h"
#include "tests/fault/client/session_internal.h"

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("  wrong: " __VA_ARGS__);                                                       \
            printf(" (%s)\n", #condition);                                                         \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

static struct store *store_of(const struct session *session) {
    return session->world.home.store;
}

enum status session_device(struct session *session, int *out_device) {
    struct view device;
    *out_device = 0;
    enum status status =
        store_config_get(store_of(session), STORE_CONFIG_DEVICE, session->world.arena, &device);
    if (status == STATUS_OK)
        *out_device = device.data[0];
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

void session_note(struct session *session) {
    struct outbox_entries entries;
    if (store_outbox(store_of(session), 0, session->world.arena, &entries) != STATUS_OK) {
        printf("  the outbox cannot be read after a step: %s\n", store_error(store_of(session)));
        exit(1);
    }
    assert_true(entries.count <= SESSION_ENTRIES);
    if (session->final == 0) // the first run tells how many each step adds
        session->adds[session->step] = (int)(entries.count - session->n_entries);
    session->n_entries = entries.count;
    for (size_t i = 0; i < entries.count; i++) {
        const struct outbox_entry *entry = &entries.entries[i];
        session->entries[i] =
            (struct session_entry){.id = entry->id, .record = entry->record, .state = entry->state};
        digest_operation(entry->bytes, session->entries[i].hash);
    }
}

// ---- pieces ----

static bool database_is_sound(void) {
    sqlite3 *db;
    sqlite3_stmt *statement;
    char answer[64] = "";
    if (sqlite3_open(SESSION_DATABASE, &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "pragma integrity_check", -1, &statement, NULL) == SQLITE_OK) {
        if (sqlite3_step(statement) == SQLITE_ROW)
            snprintf(answer, sizeof answer, "%s", (const char *)sqlite3_column_text(statement, 0));
        sqlite3_finalize(statement);
    }
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(db);
    CHECK(strcmp(answer, "ok") == 0, "integrity_check says \"%s\"", answer);
    return true;
}

// What an entry may become while a step is at work: never less settled than it was.
static bool may_become(enum outbox_state before, enum outbox_state after) {
    if (before == OUTBOX_WAITING)
        return true;
    return after == before || (before == OUTBOX_REFUSED && after == OUTBOX_ARCHIVED);
}

static bool is_kept(const struct session_entry *said, const struct outbox_entries *entries) {
    uint8_t hash[16];
    for (size_t i = 0; i < entries->count; i++) {
        const struct outbox_entry *entry = &entries->entries[i];
        if (entry->id != said->id)
            continue;
        digest_operation(entry->bytes, hash);
        CHECK(uuid_equal(entry->record, said->record) && memcmp(hash, said->hash, 16) == 0,
              "entry %" PRId64 " has another content", said->id);
        CHECK(may_become(said->state, entry->state), "entry %" PRId64 " was %d and is %d", said->id,
              (int)said->state, (int)entry->state);
        return true;
    }
    printf("  wrong: entry %" PRId64 " is lost\n", said->id);
    return false;
}

static bool nothing_is_twice(const struct outbox_entries *entries) {
    for (size_t i = 0; i < entries->count; i++)
        for (size_t j = 0; j < i; j++)
            CHECK(!uuid_equal(entries->entries[i].record, entries->entries[j].record) ||
                      entries->entries[i].retry_of == entries->entries[j].id ||
                      entries->entries[i].operation->person ||
                      entries->entries[i].operation->membership,
                  "entries %" PRId64 " and %" PRId64 " are one record", entries->entries[j].id,
                  entries->entries[i].id);
    return true;
}

// Keys of one stream: 1, 2, ... without a hole, the counter behind them, and what the server has
// seen under a key is what stands here under it.
static bool keys_are_right(struct session *session, const struct fake_stream *theirs,
                           const struct outbox_entries *entries) {
    bool taken[SESSION_ENTRIES + 2] = {false};
    uint64_t highest = 0;
    struct store_stream ours = {.next_op_seq = 1};
    enum status status = store_stream_get(store_of(session), theirs->id, &ours);
    CHECK(status == STATUS_OK || status == STATUS_NOT_FOUND, "stream: %d", (int)status);
    for (size_t i = 0; i < entries->count; i++) {
        const struct outbox_entry *entry = &entries->entries[i];
        uint8_t hash[16];
        if (!uuid_equal(entry->stream, theirs->id) || (int64_t)entry->op_seq <= 0)
            continue;
        CHECK(entry->op_seq <= SESSION_ENTRIES && !taken[entry->op_seq],
              "key %" PRIu64 " is taken twice or too high", entry->op_seq);
        taken[entry->op_seq] = true;
        highest = entry->op_seq > highest ? entry->op_seq : highest;
        digest_operation(entry->bytes, hash);
        int device = 0;
        CHECK(session_device(session, &device) == STATUS_OK, "device");
        if (device == session->server_device && entry->op_seq <= theirs->n_ops)
            CHECK(memcmp(hash, theirs->ops[entry->op_seq - 1].hash, 16) == 0,
                  "the server has other bytes under key %" PRIu64, entry->op_seq);
    }
    for (uint64_t key = 1; key <= highest; key++)
        CHECK(taken[key], "key %" PRIu64 " is missing", key);
    CHECK(status == STATUS_NOT_FOUND || ours.next_op_seq == highest + 1,
          "next key %" PRIu64 " after %" PRIu64, ours.next_op_seq, highest);
    return true;
}

static bool replica_adds_up(struct session *session, const struct fake_stream *theirs) {
    struct store_stream ours;
    uint64_t count;
    uint64_t digest;
    enum status status = store_stream_get(store_of(session), theirs->id, &ours);
    if (status == STATUS_NOT_FOUND)
        return true;
    CHECK(status == STATUS_OK, "stream: %d", (int)status);
    CHECK(store_stream_recount(store_of(session), theirs->id, &count, &digest) == STATUS_OK,
          "recount");
    CHECK(count == ours.live_count && digest == ours.digest,
          "%" PRIu64 " rows in the replica, %" PRIu64 " said", count, ours.live_count);
    CHECK(ours.cursor <= theirs->head, "the cursor is ahead of the server");
    if (ours.whole && ours.cursor == theirs->head) {
        CHECK(fake_live_count(theirs, &digest) == count && digest == ours.digest,
              "a replica that was proved whole is not");
    }
    return true;
}

static bool file_is(struct session *session, const char *name, const char *start, int device) {
    struct view content;
    char expected[40];
    int size = snprintf(expected, sizeof expected, "%s%c", start, device);
    CHECK(store_file_read(store_of(session), name, session->world.arena, &content) == STATUS_OK,
          "%s: %s", name, store_error(store_of(session)));
    CHECK(content.size >= (size_t)size && memcmp(content.data, expected, (size_t)size) == 0,
          "%s is not that of device %c", name, device);
    return true;
}

static bool identity_is_whole(struct session *session) {
    int device = 0;
    CHECK(session_device(session, &device) == STATUS_OK, "device");
    CHECK(session->step == 0 || device != 0, "the enrolment is gone");
    return device == 0 || (file_is(session, STORE_FILE_KEY, "key of ", device) &&
                           file_is(session, STORE_FILE_CERTIFICATE, "certificate of ", device) &&
                           file_is(session, STORE_FILE_CA, "CA of ", device));
}

bool session_check(struct session *session) {
    struct outbox_entries entries;
    CHECK(session_open_home(session) == STATUS_OK, "the home does not open: %s", session->error);
    CHECK(store_outbox(store_of(session), 0, session->world.arena, &entries) == STATUS_OK,
          "the outbox does not read: %s", store_error(store_of(session)));
    for (size_t i = 0; i < session->n_entries; i++)
        if (!is_kept(&session->entries[i], &entries))
            return false;
    int added = (int)(entries.count - session->n_entries);
    CHECK(added == 0 || added == session->adds[session->step], "the step added %d of %d entries",
          added, session->adds[session->step]);
    for (size_t i = 0; i < session->server->n_streams; i++)
        if (!keys_are_right(session, &session->server->streams[i], &entries) ||
            !replica_adds_up(session, &session->server->streams[i]))
            return false;
    CHECK(session->server->hash_clashes == 0 && session->server->stored_twice == 0,
          "the server got %u other contents and %u records twice", session->server->hash_clashes,
          session->server->stored_twice);
    return nothing_is_twice(&entries) && identity_is_whole(session) && database_is_sound();
}

// ---- the end ----

static uint64_t hash_of(struct session *session, const ProtobufCMessage *message) {
    struct view bytes;
    uint8_t digest[DIGEST_SHA256_SIZE];
    uint64_t hash;
    assert_int_equal(unpack_pack(message, session->world.arena, &bytes), STATUS_OK);
    digest_sha256(bytes, digest);
    memcpy(&hash, digest, sizeof hash);
    return hash;
}

// Ids of imported facts are new in every run.
static uint64_t hash_of_row(struct session *session, const Lx__Row *row) {
    Lx__Row copy = *row;
    Lx__Fact fact;
    copy.has_seq = copy.has_received_at_ms = 0;
    if (row->fact) {
        fact = *row->fact;
        fact.has_id = fact.has_of = copy.has_id = 0;
        if (fact.kind == LX__FACT_KIND__VOID) // dated when it was recorded
            fact.has_occurred_at_ms = 0;
        copy.fact = &fact;
    }
    return hash_of(session, &copy.base);
}

struct sum {
    struct session *session;
    uint64_t total;
};

static enum status add_row(void *user, const struct store_row *row) {
    struct sum *sum = user;
    sum->total +=
        hash_of_row(sum->session, row->row) * (row->local ? 3 : 1) + row->stream.bytes[15];
    return STATUS_OK;
}

static uint64_t sum_of_outbox(struct session *session) {
    struct outbox_entries entries;
    uint64_t total = 0;
    assert_int_equal(store_outbox(store_of(session), 0, session->world.arena, &entries), STATUS_OK);
    for (size_t i = 0; i < entries.count; i++) {
        Lx__Row row = LX__ROW__INIT;
        row.fact = entries.entries[i].operation->fact;
        row.person = entries.entries[i].operation->person;
        row.membership = entries.entries[i].operation->membership;
        total += hash_of_row(session, &row) * (uint64_t)entries.entries[i].state;
    }
    return total;
}

bool session_check_end(struct session *session) {
    struct sum sum = {session, sum_of_outbox(session)};
    const struct store_query everything = {.kind = STORE_KIND_ANY};
    struct outbox_counts counts;
    CHECK(store_outbox_counts(store_of(session), &counts) == STATUS_OK, "counts");
    CHECK(counts.waiting == 0, "%" PRIu64 " entries still wait", counts.waiting);
    CHECK(store_each(store_of(session), &everything, add_row, &sum) == STATUS_OK, "rows");
    for (size_t i = 0; i < session->server->n_streams; i++) {
        const struct fake_stream *theirs = &session->server->streams[i];
        struct store_stream ours;
        uint64_t digest;
        CHECK(store_stream_get(store_of(session), theirs->id, &ours) == STATUS_OK, "stream");
        CHECK(ours.whole && ours.cursor == theirs->head, "stream %zu is not whole", i);
        sum.total += fake_live_count(theirs, &digest) * 1000003 + theirs->head;
    }
    if (session->final == 0)
        session->final = sum.total;
    CHECK(sum.total == session->final, "another end than without a fault");
    return true;
}
