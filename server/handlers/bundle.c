// Bundle: somebody carries operations of somebody else, from a place without a network. The
// container is opened on the thread pool; then its groups go the very way of a push, as their
// author's, from the device that signed them. The carrier's own rights play no part, and he learns
// nothing but numbers.
#include "server/handlers/bundle.h"

#include <stdio.h>
#include <string.h>

#include "common/wire/unpack.h"
#include "server/config.h"
#include "server/handlers.h"
#include "server/handlers/table.h"
#include "server/thread_pool.h"

#define RETRY_MS 1000
#define MAX_UNDER_WAY 8 // parts of a worker: each holds up to some megabytes
#define MINUTE_MS 60000

enum { CHECK_GOOD = 1, CHECK_DEVICE = 2, CHECK_LOGIN = 3 };

// ---- the ends ----

// What the carrying holds, and the request, which is the last to go.
static struct request *release(struct carrying *carrying) {
    struct request *request = carrying->request;
    request_worker(request)->handlers->bundles--;
    bundle_keys_free(&carrying->keys);
    buf_free(&carrying->content);
    buf_free(&carrying->sealed_receipt);
    return request;
}

void carrying_reply(struct carrying *carrying, const Lx__BundleReply *reply) {
    struct buf receipt = carrying->receipt; // the reply points into it
    request_reply(release(carrying), &reply->base);
    buf_free(&receipt);
}

void carrying_fail(struct carrying *carrying, enum reason_id reason) {
    buf_free(&carrying->receipt);
    request_fail(release(carrying), reason, NULL, NULL);
}

void carrying_fail_later(struct carrying *carrying, enum reason_id reason,
                         uint32_t retry_after_ms) {
    buf_free(&carrying->receipt);
    request_fail_later(release(carrying), reason, retry_after_ms);
}

static void fail_version(struct carrying *carrying, uint32_t version) {
    char theirs[16], ours[16];
    snprintf(theirs, sizeof theirs, "%u", version);
    snprintf(ours, sizeof ours, "%u", BUNDLE_FILE_VERSION);
    buf_free(&carrying->receipt);
    request_fail(release(carrying), REASON_BUNDLE_VERSION, NULL, theirs, ours, NULL);
}

// ---- its author ----

static void on_scope(void *user, enum status status, struct scope *scope) {
    struct carrying *carrying = user;
    struct worker *worker = request_worker(carrying->request);
    if (status != STATUS_OK) {
        carrying_fail_later(carrying, REASON_DATABASE_UNAVAILABLE, RETRY_MS);
        return;
    }
    const struct push_sender sender = {
        .device = carrying->device,
        .scope = scope,
        .checks_off = !config_checks_server(worker->config),
    };
    push_start(carrying->push, &sender, carrying_answer, carrying);
    scope_drop(&scope);
}

static void on_checked(void *user, enum status status, const struct db_result *result) {
    struct carrying *carrying = user;
    if (status != STATUS_OK || db_rows(result) != 1) {
        carrying_fail_later(carrying, REASON_DATABASE_UNAVAILABLE, RETRY_MS);
        return;
    }
    int64_t verdict = db_int8(result, 0, 0);
    if (verdict == CHECK_GOOD)
        scope_load(request_worker(carrying->request), carrying->author, on_scope, carrying);
    else
        carrying_fail(carrying,
                      verdict == CHECK_DEVICE ? REASON_BUNDLE_DEVICE : REASON_BUNDLE_LOGIN);
}

static void check_author(struct carrying *carrying) {
    struct request *request = carrying->request;
    const Lx__Bundle *bundle = carrying->bundle;
    struct db_params *params = db_params_new(request_arena(request));
    db_param_uuid(params, session_of(request)->person);
    db_param_bytea(params, view_from(request_context(request)->device, REQUEST_DEVICE_SIZE));
    db_param_bytea(params, view_from(carrying->device, CA_DEVICE_SIZE));
    db_param_uuid(params, carrying->author);
    db_param_bytea(params, view_from(bundle->login.data, bundle->login.len));
    db_param_uuid(params, carrying->part.head.id);
    db_param_int4(params, carrying->part.head.part);
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "bundle_check", params, on_checked,
             carrying);
}

// ---- its content ----

static bool is_bytes(ProtobufCBinaryData bytes, const void *expected, size_t size) {
    return bytes.len == size && (expected == NULL || memcmp(bytes.data, expected, size) == 0);
}

// What is signed inside says the same as the head outside, which anybody could have rewritten.
static bool fits_head(const struct carrying *carrying) {
    const Lx__Bundle *bundle = carrying->bundle;
    const struct bundle_head *head = &carrying->part.head;
    return is_bytes(bundle->id, head->id.bytes, UUID_SIZE) && bundle->part == head->part &&
           bundle->parts == head->parts &&
           is_bytes(bundle->deployment, head->deployment, BUNDLE_DEPLOYMENT_SIZE) &&
           is_bytes(bundle->device, carrying->device, CA_DEVICE_SIZE);
}

static bool is_complete(struct carrying *carrying) {
    const Lx__Bundle *bundle = carrying->bundle;
    struct view person = view_from(bundle->person.data, bundle->person.len);
    return bundle->version == BUNDLE_FILE_VERSION &&
           uuid_from_bytes(person, &carrying->author) == STATUS_OK &&
           is_bytes(bundle->login, NULL, SESSION_HASH_SIZE) &&
           is_bytes(bundle->receipt_key, NULL, BUNDLE_RECEIPT_KEY_SIZE);
}

// Why a group is not well-formed is not told: it would say what is inside.
static void read_groups(struct carrying *carrying) {
    const Lx__Reason *reason = NULL;
    carrying->push =
        push_read(carrying->request, carrying->bundle->n_groups, carrying->bundle->groups, &reason);
    if (carrying->push != NULL)
        check_author(carrying);
    else if (reason == NULL || reason->reason == REASON_MESSAGE_TOO_LARGE)
        carrying_fail(carrying, REASON_MESSAGE_TOO_LARGE);
    else
        carrying_fail(carrying, REASON_BUNDLE_CONTENT);
}

static void read_content(struct carrying *carrying) {
    struct arena *arena = request_arena(carrying->request);
    const ProtobufCMessage *message = NULL;
    struct scan_fault fault;
    enum status status = unpack_message(&lx__bundle__descriptor, buf_view(&carrying->content),
                                        &SCAN_LIMITS_REQUEST, arena, &message, &fault);
    carrying->bundle = (const Lx__Bundle *)message;
    if (status != STATUS_OK)
        carrying_fail(carrying, status == STATUS_NO_MEMORY ? REASON_MESSAGE_TOO_LARGE
                                                           : REASON_BUNDLE_CONTENT);
    else if (carrying->bundle->version > BUNDLE_FILE_VERSION)
        fail_version(carrying, carrying->bundle->version);
    else if (!fits_head(carrying))
        carrying_fail(carrying, REASON_BUNDLE_CHANGED);
    else if (!is_complete(carrying))
        carrying_fail(carrying, REASON_BUNDLE_CONTENT);
    else
        read_groups(carrying);
}

// On a thread.
static void open_container(void *user) {
    struct carrying *carrying = user;
    carrying->reason = bundle_open(carrying->keys, carrying->part.container,
                                   request_received_at_ms(carrying->request), carrying->device,
                                   &carrying->content);
}

static void on_opened(void *user) {
    struct carrying *carrying = user;
    if (carrying->reason == REASON_SHUTTING_DOWN)
        carrying_fail_later(carrying, REASON_SHUTTING_DOWN, RETRY_MS);
    else if (carrying->reason != REASON_NONE)
        carrying_fail(carrying, carrying->reason);
    else
        read_content(carrying);
}

// ---- the request ----

// The head is enough to refuse these.
static enum reason_id read_part(struct request *request, struct bundle_part *out_part) {
    const Lx__BundleRequest *message = request_message(request);
    const struct bundle_keys *keys = request_worker(request)->bundle_keys;
    struct view rest = view_from(message->part.data, message->part.len);
    if (keys == NULL)
        return REASON_BUNDLE_NO_KEY;
    enum reason_id reason = bundle_file_take(&rest, out_part);
    if (reason != REASON_NONE)
        return reason;
    if (rest.size > 0)
        return REASON_BUNDLE_CHANGED;
    if (out_part->head.kind == BUNDLE_KIND_RECEIPT)
        return REASON_BUNDLE_IS_RECEIPT;
    bool ours = memcmp(out_part->head.deployment, bundle_keys_deployment(keys),
                       BUNDLE_DEPLOYMENT_SIZE) == 0;
    return ours ? REASON_NONE : REASON_BUNDLE_FOREIGN;
}

static void refuse_part(struct request *request, enum reason_id reason,
                        const struct bundle_part *part) {
    const Lx__BundleRequest *message = request_message(request);
    char one[24], other[24];
    if (reason == REASON_BUNDLE_VERSION) {
        snprintf(one, sizeof one, "%u", part->head.version);
        snprintf(other, sizeof other, "%u", BUNDLE_FILE_VERSION);
    } else if (reason == REASON_BUNDLE_TOO_LARGE) {
        snprintf(one, sizeof one, "%zu", message->part.len);
        snprintf(other, sizeof other, "%u", BUNDLE_FILE_MAX_PART);
    } else {
        request_fail(request, reason, NULL, NULL);
        return;
    }
    request_fail(request, reason, NULL, one, other, NULL);
}

// The login has carried as much as may be in this minute.
static bool is_too_fast(struct request *request) {
    struct session *session = session_of(request);
    int64_t now_ms = request_received_at_ms(request);
    if (now_ms - session->bundles_from_ms >= MINUTE_MS || now_ms < session->bundles_from_ms) {
        session->bundles_from_ms = now_ms;
        session->bundles = 0;
    }
    unsigned most = (unsigned)request_worker(request)->config->bundles_per_minute;
    return ++session->bundles > most;
}

static void start(struct request *request, const struct bundle_part *part) {
    const Lx__BundleRequest *message = request_message(request);
    struct worker *worker = request_worker(request);
    struct carrying *carrying = arena_alloc(request_arena(request), sizeof(*carrying));
    if (carrying == NULL) {
        request_fail_status(request, STATUS_NO_MEMORY, "bundle");
        return;
    }
    *carrying = (struct carrying){
        .request = request,
        .keys = bundle_keys_hold(worker->bundle_keys),
        .part = *part,
        .wants_receipt = message->receipt,
        .reason = REASON_SHUTTING_DOWN,
        .sealed = STATUS_AGAIN,
    };
    worker->handlers->bundles++;
    if (thread_pool_submit(worker->threads, open_container, on_opened, carrying) != STATUS_OK)
        carrying_fail_later(carrying, REASON_BUSY, RETRY_MS);
}

void handle_bundle(struct request *request) {
    struct worker *worker = request_worker(request);
    struct bundle_part part = {0};
    enum reason_id reason = read_part(request, &part);
    if (reason != REASON_NONE)
        refuse_part(request, reason, &part);
    else if (is_too_fast(request))
        request_fail_later(request, REASON_BUSY, MINUTE_MS);
    else if (!handlers_ready(worker) || worker->handlers->bundles >= MAX_UNDER_WAY)
        request_fail_later(request, REASON_BUSY, RETRY_MS);
    else
        start(request, &part);
}
