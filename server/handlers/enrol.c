// Enrol and Renew: a device gets its certificate. The code is checked before anything is signed;
// signing runs on the thread pool; the code is used up when the device is entered.
#include <string.h>

#include "common/base/log.h"
#include "common/net/ca.h"
#include "proto/account.pb-c.h"
#include "server/handlers/admin.h"
#include "server/handlers/table.h"
#include "server/request.h"
#include "server/secret.h"
#include "server/thread_pool.h"
#include "server/worker.h"

#define LABEL_MAX_CHARACTERS 64
#define DAY_MS (24LL * 60 * 60 * 1000)

enum { CODE_GOOD = 1 };
enum { FINISH_DONE = 1, FINISH_CODE_USED = 2 };
enum { DEVICE_GOOD = 1 };

struct enrolling {
    struct request *request; // borrows
    struct view csr;
    const char *label;
    char lookup[SECRET_LOOKUP_SIZE];
    uint8_t code_hash[SECRET_HASH_SIZE];
    int64_t now_ms;
    bool renewal;
    struct ca *ca; // holds while something is signed: a reload must not take it away
    // made on the thread
    enum status status; // STATUS_AGAIN: it never came to it
    uint8_t device[CA_DEVICE_SIZE];
    struct buf certificate; // owns
};

static void fail(struct enrolling *enrolling, enum reason_id reason, const char *field) {
    buf_free(&enrolling->certificate);
    ca_free(&enrolling->ca);
    request_fail(enrolling->request, reason, field, NULL);
}

static void fail_status(struct enrolling *enrolling, enum status status, const char *what) {
    buf_free(&enrolling->certificate);
    ca_free(&enrolling->ca);
    request_fail_status(enrolling->request, status, what);
}

static ProtobufCBinaryData bytes_of(struct view view) {
    return (ProtobufCBinaryData){view.size, (uint8_t *)view.data};
}

// ---- entered: the answer ----

static void answer_enrol(struct enrolling *enrolling) {
    struct ca *ca = enrolling->ca; // the request's arena goes with the reply
    struct buf ca_certificate = {0};
    Lx__EnrolReply reply = LX__ENROL_REPLY__INIT;
    if (ca_certificate_der(ca, &ca_certificate) != STATUS_OK) {
        fail_status(enrolling, STATUS_NO_MEMORY, "enrol");
        return;
    }
    reply.has_certificate = reply.has_ca_certificate = reply.has_device = true;
    reply.certificate = bytes_of(buf_view(&enrolling->certificate));
    reply.ca_certificate = bytes_of(buf_view(&ca_certificate));
    reply.device = (ProtobufCBinaryData){CA_DEVICE_SIZE, enrolling->device};
    struct buf certificate = enrolling->certificate;
    request_reply(enrolling->request, &reply.base);
    buf_free(&certificate);
    buf_free(&ca_certificate);
    ca_free(&ca);
}

static void answer_renew(struct enrolling *enrolling) {
    Lx__RenewReply reply = LX__RENEW_REPLY__INIT;
    reply.has_certificate = true;
    reply.certificate = bytes_of(buf_view(&enrolling->certificate));
    struct buf certificate = enrolling->certificate;
    struct ca *ca = enrolling->ca;
    request_reply(enrolling->request, &reply.base);
    buf_free(&certificate);
    ca_free(&ca);
}

static void on_finished(void *user, enum status status, const struct db_result *result) {
    struct enrolling *enrolling = user;
    if (status != STATUS_OK || db_rows(result) == 0) {
        fail_status(enrolling, status, "enrol_finish");
        return;
    }
    int64_t verdict = db_int8(result, 0, 0);
    if (verdict == FINISH_DONE)
        answer_enrol(enrolling);
    else
        fail(enrolling, verdict == FINISH_CODE_USED ? REASON_CODE_NOT_VALID : REASON_DEVICE_KNOWN,
             verdict == FINISH_CODE_USED ? "code" : "csr");
}

static void on_renewed(void *user, enum status status, const struct db_result *result) {
    struct enrolling *enrolling = user;
    if (status != STATUS_OK)
        fail_status(enrolling, status, "device_renewed");
    else if (db_rows(result) == 0 || !db_bool(result, 0, 0))
        fail(enrolling, REASON_DEVICE_NOT_VALID, NULL);
    else
        answer_renew(enrolling);
}

// ---- signed: enter the device ----

static void enter_device(struct enrolling *enrolling) {
    struct request *request = enrolling->request;
    struct db_params *params = db_params_new(request_arena(request));
    int64_t until_ms = enrolling->now_ms + CA_DEVICE_VALID_DAYS * DAY_MS;
    if (enrolling->renewal) {
        db_param_bytea(params, view_from(enrolling->device, CA_DEVICE_SIZE));
        db_param_timestamptz(params, until_ms);
        db_query(request_worker(request)->auth, DB_SCOPE_NONE, "device_renewed", params, on_renewed,
                 enrolling);
        return;
    }
    db_param_string(params, enrolling->lookup);
    db_param_bytea(params, view_from(enrolling->code_hash, SECRET_HASH_SIZE));
    db_param_bytea(params, view_from(enrolling->device, CA_DEVICE_SIZE));
    db_param_string(params, enrolling->label);
    db_param_timestamptz(params, until_ms);
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "enrol_finish", params, on_finished,
             enrolling);
}

// On a thread.
static void sign(void *user) {
    struct enrolling *enrolling = user;
    enrolling->status = ca_sign_device(enrolling->ca, enrolling->csr, enrolling->now_ms,
                                       enrolling->device, &enrolling->certificate);
}

static bool is_other_key(const struct enrolling *enrolling) {
    const struct request_context *context = request_context(enrolling->request);
    return enrolling->renewal && memcmp(context->device, enrolling->device, CA_DEVICE_SIZE) != 0;
}

static void on_signed(void *user) {
    struct enrolling *enrolling = user;
    if (enrolling->status != STATUS_OK && enrolling->status != STATUS_INVALID)
        fail_status(enrolling, enrolling->status, "sign");
    else if (enrolling->status == STATUS_INVALID || is_other_key(enrolling))
        fail(enrolling, REASON_REQUEST_NOT_VALID, "csr");
    else
        enter_device(enrolling);
}

static void start_signing(struct enrolling *enrolling) {
    struct request *request = enrolling->request;
    struct worker *worker = request_worker(request);
    if (worker->ca == NULL) { // reloaded without one meanwhile
        fail(enrolling, REASON_NO_SIGNING, NULL);
        return;
    }
    enrolling->ca = ca_hold(worker->ca);
    if (thread_pool_submit(worker->threads, sign, on_signed, enrolling) != STATUS_OK) {
        ca_free(&enrolling->ca);
        request_fail_later(request, REASON_BUSY, 1000);
    }
}

// ---- asked ----

static void on_code_checked(void *user, enum status status, const struct db_result *result) {
    struct enrolling *enrolling = user;
    if (status != STATUS_OK || db_rows(result) == 0)
        fail_status(enrolling, status, "enrol_code_check");
    else if (db_int8(result, 0, 0) != CODE_GOOD)
        fail(enrolling, REASON_CODE_NOT_VALID, "code");
    else
        start_signing(enrolling);
}

static void on_device_checked(void *user, enum status status, const struct db_result *result) {
    struct enrolling *enrolling = user;
    if (status != STATUS_OK || db_rows(result) == 0)
        fail_status(enrolling, status, "device_check");
    else if (db_int8(result, 0, 0) != DEVICE_GOOD)
        fail(enrolling, REASON_DEVICE_NOT_VALID, NULL);
    else
        start_signing(enrolling);
}

// The part that both share; NULL: answered.
static struct enrolling *begin(struct request *request, ProtobufCBinaryData csr) {
    struct enrolling *enrolling = arena_alloc(request_arena(request), sizeof(*enrolling));
    uint8_t device[CA_DEVICE_SIZE];
    struct view bytes = view_from(csr.data, csr.len);
    if (request_worker(request)->ca == NULL)
        request_fail(request, REASON_NO_SIGNING, NULL, NULL);
    else if (ca_csr_device(bytes, device) != STATUS_OK)
        request_fail(request, REASON_REQUEST_NOT_VALID, "csr", NULL);
    else if (enrolling == NULL)
        request_fail_status(request, STATUS_NO_MEMORY, "enrol");
    else {
        *enrolling = (struct enrolling){
            .request = request,
            .csr = bytes,
            .now_ms = request_received_at_ms(request),
            .status = STATUS_AGAIN,
        };
        return enrolling;
    }
    return NULL;
}

void handle_enrol(struct request *request) {
    const Lx__EnrolRequest *message = request_message(request);
    struct enrolling *enrolling = begin(request, message->csr);
    if (enrolling == NULL)
        return;
    struct view code = view_from_string(message->code);
    enrolling->label = message->label != NULL ? message->label : "";
    if (enrolling->label[0] != '\0' &&
        !admin_check_name(request, enrolling->label, LABEL_MAX_CHARACTERS, "label"))
        return;
    if (secret_hash_code(code, enrolling->code_hash) != STATUS_OK ||
        secret_lookup_code(code, enrolling->lookup) != STATUS_OK) {
        request_fail(request, REASON_CODE_NOT_VALID, "code", NULL);
        return;
    }
    struct db_params *params = db_params_new(request_arena(request));
    db_param_string(params, enrolling->lookup);
    db_param_bytea(params, view_from(enrolling->code_hash, SECRET_HASH_SIZE));
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "enrol_code_check", params,
             on_code_checked, enrolling);
}

void handle_renew(struct request *request) {
    const Lx__RenewRequest *message = request_message(request);
    struct enrolling *enrolling = begin(request, message->csr);
    if (enrolling == NULL)
        return;
    enrolling->renewal = true;
    struct db_params *params = db_params_new(request_arena(request));
    db_param_bytea(params, view_from(request_context(request)->device, REQUEST_DEVICE_SIZE));
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "device_check", params,
             on_device_checked, enrolling);
}
