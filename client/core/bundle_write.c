// Writing bundles: all that waits, in parts of at most one request each, in files of a size that a
// stick can take. See bundle.h.
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>

#include "client/core/bundle_internal.h"
#include "client/core/sync_internal.h"
#include "client/store/outbox_bundle.h"
#include "common/base/clock.h"
#include "common/net/bundle.h"
#include "common/wire/unpack.h"
#include "proto/bundle.pb-c.h"

#define FILE_FILL_BYTES (BUNDLE_FILE_MAX_BYTES - 2 * BUNDLE_FILE_MAX_PART)
#define PART_OVERHEAD_BYTES 8192 // head, containers and certificate: far less
#define TRUST_MS (400LL * 24 * 3600 * 1000)

// The groups that go into one part: at most one of each stream.
struct part {
    const struct outbox_group **groups;
    size_t count;
    size_t bytes;
};

struct writing {
    struct client *client;
    struct bundle_writer writer;
    struct view device, person;
    uint8_t login[DIGEST_SHA256_SIZE];
    uint8_t deployment[BUNDLE_DEPLOYMENT_SIZE];
    struct outbox_groups groups;
    bool *taken; // beside groups
    struct part *parts;
    size_t n_parts;
    struct buf files[BUNDLE_MAX_FILES]; // own; made before anything is written
    size_t n_files;
    uint64_t operations;
};

// ---- what a bundle needs of the home ----

// Now, as far as servers have told: a wrong clock shall not refuse a good certificate.
static int64_t trusted_now_ms(struct store *store) {
    int64_t seen_ms = client_trusted_time_ms(store);
    int64_t now_ms = clock_now_ms();
    if (now_ms < seen_ms)
        return seen_ms;
    return now_ms > seen_ms + TRUST_MS ? seen_ms + TRUST_MS : now_ms;
}

static enum client_result read_home(struct writing *writing) {
    struct store *store = writing->client->store;
    struct arena *arena = writing->client->arena;
    struct bundle_writer *writer = &writing->writer;
    struct view token;
    writer->now_ms = trusted_now_ms(store);
    if (store_config_get(store, STORE_CONFIG_DEVICE, arena, &writing->device) != STATUS_OK ||
        store_file_read(store, STORE_FILE_CA, arena, &writer->ca_pem) != STATUS_OK ||
        store_file_read(store, STORE_FILE_CERTIFICATE, arena, &writer->device_certificate_pem) !=
            STATUS_OK ||
        store_file_read(store, STORE_FILE_KEY, arena, &writer->device_key_pem) != STATUS_OK)
        return CLIENT_NOT_ENROLLED;
    if (store_config_get(store, STORE_CONFIG_SESSION, arena, &token) != STATUS_OK ||
        store_config_get(store, STORE_CONFIG_PERSON, arena, &writing->person) != STATUS_OK)
        return CLIENT_NOT_LOGGED_IN;
    digest_sha256(token, writing->login);
    if (store_config_get(store, STORE_CONFIG_BUNDLE_CERTIFICATE, arena,
                         &writer->bundle_certificate_der) != STATUS_OK)
        return bundle_refuse(writing->client, REASON_BUNDLE_NO_CERTIFICATE, NULL, 0);
    return bundle_own_deployment(writing->client, writing->deployment);
}

// ---- which group goes into which part ----

static bool has_stream(const struct part *part, struct uuid stream) {
    for (size_t i = 0; i < part->count; i++)
        if (uuid_equal(part->groups[i]->stream, stream))
            return true;
    return false;
}

static size_t operations_of(const struct part *part) {
    size_t count = 0;
    for (size_t i = 0; i < part->count; i++)
        count += part->groups[i]->count;
    return count;
}

// Streams keep their order: of each only its oldest group that is left may be chosen.
static void fill_part(struct writing *writing, struct part *part) {
    const struct outbox_groups *all = &writing->groups;
    const struct uuid *passed = NULL;
    size_t operations = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct outbox_group *group = &all->groups[i];
        if (writing->taken[i] || has_stream(part, group->stream) ||
            (passed && uuid_equal(*passed, group->stream)))
            continue;
        bool fits = part->count == 0 || (operations + group->count <= SYNC_PUSH_MAX_OPS &&
                                         part->bytes + group->bytes <= SYNC_PUSH_MAX_BYTES);
        if (!fits) {
            passed = &group->stream;
            continue;
        }
        writing->taken[i] = true;
        part->groups[part->count++] = group;
        part->bytes += group->bytes;
        operations += group->count;
    }
}

static enum status plan_parts(struct writing *writing) {
    struct arena *arena = writing->client->arena;
    size_t room = writing->groups.count;
    size_t left = room;
    writing->taken = arena_array(arena, room + 1, sizeof *writing->taken);
    writing->parts = arena_array(arena, room + 1, sizeof *writing->parts);
    if (!writing->taken || !writing->parts)
        return STATUS_NO_MEMORY;
    memset(writing->taken, 0, (room + 1) * sizeof *writing->taken);
    while (left > 0) {
        struct part *part = &writing->parts[writing->n_parts++];
        *part = (struct part){.groups = arena_array(arena, left, sizeof *part->groups)};
        if (!part->groups)
            return STATUS_NO_MEMORY;
        fill_part(writing, part);
        left -= part->count;
        writing->operations += operations_of(part);
    }
    return STATUS_OK;
}

// How many of the parts from `first` on go into one file.
static size_t parts_of_file(const struct writing *writing, size_t first) {
    size_t count = 0;
    size_t bytes = 0;
    while (first + count < writing->n_parts && count < BUNDLE_FILE_MAX_PARTS) {
        bytes += writing->parts[first + count].bytes + PART_OVERHEAD_BYTES;
        if (count > 0 && bytes > FILE_FILL_BYTES)
            break;
        count++;
    }
    return count;
}

// ---- making a file ----

static ProtobufCBinaryData bytes_of(const void *data, size_t size) {
    return (ProtobufCBinaryData){size, (uint8_t *)data}; // protobuf-c does not write to it
}

static enum status fill_groups(const struct part *part, struct arena *arena, Lx__Bundle *bundle) {
    bundle->groups = arena_array(arena, part->count, sizeof *bundle->groups);
    for (size_t i = 0; bundle->groups && i < part->count; i++) {
        const struct outbox_group *group = part->groups[i];
        Lx__PushGroup *message = arena_alloc(arena, sizeof *message);
        if (!message)
            return STATUS_NO_MEMORY;
        lx__push_group__init(message);
        message->has_stream = message->has_first_op_seq = 1;
        message->stream = bytes_of(group->stream.bytes, UUID_SIZE);
        message->first_op_seq = group->first_op_seq;
        message->operations = arena_array(arena, group->count, sizeof *message->operations);
        if (!message->operations)
            return STATUS_NO_MEMORY;
        for (size_t k = 0; k < group->count; k++)
            message->operations[k] = bytes_of(group->operations[k].data, group->operations[k].size);
        message->n_operations = group->count;
        bundle->groups[bundle->n_groups++] = message;
    }
    return bundle->groups ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status pack_part(const struct writing *writing, const struct bundle_head *head,
                             const uint8_t key[OUTBOX_RECEIPT_KEY_SIZE], const struct part *part,
                             struct arena *arena, struct view *out_content) {
    Lx__Bundle bundle = LX__BUNDLE__INIT;
    bundle.has_version = bundle.has_id = bundle.has_part = bundle.has_parts = 1;
    bundle.version = BUNDLE_FILE_VERSION;
    bundle.id = bytes_of(head->id.bytes, UUID_SIZE);
    bundle.part = head->part;
    bundle.parts = head->parts;
    bundle.has_deployment = bundle.has_device = bundle.has_person = bundle.has_login = 1;
    bundle.deployment = bytes_of(writing->deployment, sizeof writing->deployment);
    bundle.device = bytes_of(writing->device.data, writing->device.size);
    bundle.person = bytes_of(writing->person.data, writing->person.size);
    bundle.login = bytes_of(writing->login, sizeof writing->login);
    bundle.has_created_at_ms = bundle.has_receipt_key = 1;
    bundle.created_at_ms = clock_now_ms();
    bundle.receipt_key = bytes_of(key, OUTBOX_RECEIPT_KEY_SIZE);
    TRY(fill_groups(part, arena, &bundle));
    return unpack_pack(&bundle.base, arena, out_content);
}

static enum status add_part(struct writing *writing, const struct bundle_head *head,
                            const uint8_t key[OUTBOX_RECEIPT_KEY_SIZE], const struct part *part,
                            struct buf *file) {
    struct view content;
    struct buf container = {0};
    struct arena *arena = arena_new(0);
    enum status status =
        arena ? pack_part(writing, head, key, part, arena, &content) : STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = bundle_seal(&writing->writer, content, &container);
    if (status == STATUS_OK)
        status = bundle_file_append(head, buf_view(&container), file);
    for (size_t i = 0; status == STATUS_OK && i < part->count; i++)
        status =
            store_bundle_add_group(writing->client->store, head->id, head->part, part->groups[i]);
    buf_free(&container);
    arena_free(&arena);
    return status;
}

static enum status make_file(struct writing *writing, size_t first, size_t count) {
    struct bundle_head head = {.version = BUNDLE_FILE_VERSION,
                               .kind = BUNDLE_KIND_BUNDLE,
                               .parts = (uint16_t)count,
                               .id = uuid_new_v7(clock_now_ms())};
    uint8_t key[OUTBOX_RECEIPT_KEY_SIZE];
    if (writing->n_files == BUNDLE_MAX_FILES)
        return STATUS_LIMIT;
    if (getrandom(key, sizeof key, 0) != (ssize_t)sizeof key)
        return STATUS_IO;
    memcpy(head.deployment, writing->deployment, sizeof head.deployment);
    TRY(store_bundle_add(writing->client->store, head.id, key, clock_now_ms()));
    struct buf *file = &writing->files[writing->n_files++];
    for (size_t i = 0; i < count; i++) {
        head.part = (uint16_t)(i + 1);
        TRY(add_part(writing, &head, key, &writing->parts[first + i], file));
    }
    return STATUS_OK;
}

// ---- all of it ----

static enum status make_files(struct writing *writing, struct bundle_written *written) {
    struct client *client = writing->client;
    TRY(store_outbox_seal_all(client->store, SYNC_PUSH_MAX_OPS, SYNC_PUSH_MAX_BYTES, client->arena,
                              &writing->groups, &written->left));
    TRY(plan_parts(writing));
    for (size_t first = 0, count; first < writing->n_parts; first += count) {
        count = parts_of_file(writing, first);
        TRY(make_file(writing, first, count));
    }
    return STATUS_OK;
}

// "term.lxb", then "term-2.lxb".
static const char *path_of(struct arena *arena, const char *path, size_t number) {
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');
    size_t stem = dot ? (size_t)(dot - path) : strlen(path);
    if (number == 0)
        return path;
    return arena_format(arena, "%.*s-%zu%s", (int)stem, path, number + 1, path + stem);
}

static enum client_result write_files(struct writing *writing, const char *path,
                                      struct bundle_written *written) {
    struct client *client = writing->client;
    for (size_t i = 0; i < writing->n_files; i++) {
        const char *name = path_of(client->arena, path, i);
        if (!name)
            return client_fail_store(client, STATUS_NO_MEMORY);
        enum client_result result = bundle_write_new(client, name, buf_view(&writing->files[i]));
        if (result != CLIENT_OK)
            return result;
        written->files[written->n_files++] = name;
    }
    written->operations = writing->operations;
    return CLIENT_OK;
}

// The keys are durable before the files are there: what leaves the house is never given to others.
static enum client_result write_all(struct writing *writing, const char *path,
                                    struct bundle_written *written) {
    struct client *client = writing->client;
    enum status status = store_begin(client->store);
    if (status == STATUS_OK)
        status = make_files(writing, written);
    if (status == STATUS_OK)
        status = store_commit(client->store);
    if (status == STATUS_DENIED) {
        store_rollback(client->store);
        return bundle_refuse(client, REASON_BUNDLE_NO_CERTIFICATE, NULL, 0);
    }
    if (status != STATUS_OK)
        return client_fail_store(client, status);
    return write_files(writing, path, written);
}

enum client_result client_bundle_write(struct client *client, const char *path,
                                       struct bundle_written *out_written) {
    struct writing *writing = arena_alloc(client->arena, sizeof *writing);
    *out_written = (struct bundle_written){.n_files = 0};
    if (!writing)
        return client_fail_store(client, STATUS_NO_MEMORY);
    *writing = (struct writing){.client = client};
    enum client_result result = read_home(writing);
    if (result == CLIENT_OK)
        result = write_all(writing, path, out_written);
    for (size_t i = 0; i < writing->n_files; i++)
        buf_free(&writing->files[i]);
    return result;
}
