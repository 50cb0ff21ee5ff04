// Standing: the newest result of one subject with its receipt, and up to when its district is
// scored.
#include "common/base/clock.h"
#include "proto/statistics.pb-c.h"
#include "server/handlers.h"
#include "server/handlers/table.h"
#include "server/worker.h"

// Columns of sql/queries/standing.sql.
enum {
    COLUMN_ID,
    COLUMN_ROLE,
    COLUMN_STATE,
    COLUMN_POINTS,
    COLUMN_TOTAL,
    COLUMN_AS_OF,
    COLUMN_SCHEME_VERSION,
    COLUMN_RECEIPT,
    COLUMN_COMPLETE_THROUGH,
    COLUMN_STREAM
};

struct asking {
    struct request *request; // borrows
    struct uuid subject;
    uint32_t programme;
};

static ProtobufCBinaryData binary(const void *data, size_t size) {
    return (ProtobufCBinaryData){.len = size, .data = (uint8_t *)data};
}

// `id` and `day` are the caller's and must live until the reply is packed.
static void fill_standing(const struct asking *asking, const struct db_result *result,
                          const struct uuid *id, char day[11], Lx__Standing *standing) {
    struct view receipt = db_bytea(result, 0, COLUMN_RECEIPT);
    clock_format_day(db_date(result, 0, COLUMN_AS_OF), day);
    standing->has_id = standing->has_programme = standing->has_subject = true;
    standing->id = binary(id->bytes, UUID_SIZE);
    standing->programme = asking->programme;
    standing->subject = binary(asking->subject.bytes, UUID_SIZE);
    standing->has_role = standing->has_state = standing->has_points = standing->has_total = true;
    standing->role = (Lx__Role)db_int8(result, 0, COLUMN_ROLE);
    standing->state = (Lx__StandingState)db_int8(result, 0, COLUMN_STATE);
    standing->points = db_int8(result, 0, COLUMN_POINTS);
    standing->total = db_int8(result, 0, COLUMN_TOTAL);
    standing->as_of = day;
    standing->has_scheme_version = true;
    standing->scheme_version = (uint32_t)db_int8(result, 0, COLUMN_SCHEME_VERSION);
    standing->has_receipt = receipt.data != NULL;
    standing->receipt = binary(receipt.data, receipt.size);
}

// The first layer of permission: the subject's rows lie in a stream of the login's scope.
static bool may_see(struct request *request, struct uuid stream) {
    const struct session *session = session_of(request);
    return session->checks_off || scope_find_stream(session->scope, stream) != NULL;
}

static void on_standing(void *user, enum status status, const struct db_result *result) {
    struct asking *asking = user;
    Lx__StandingReply reply = LX__STANDING_REPLY__INIT;
    Lx__Standing standing = LX__STANDING__INIT;
    char day[11];
    if (status != STATUS_OK) {
        request_fail_status(asking->request, status, "standing");
        return;
    }
    if (db_rows(result) == 0 || !may_see(asking->request, db_uuid(result, 0, COLUMN_STREAM))) {
        request_fail(asking->request, REASON_NO_STANDING, "subject", NULL);
        return;
    }
    struct uuid id = db_uuid(result, 0, COLUMN_ID);
    fill_standing(asking, result, &id, day, &standing);
    reply.standing = &standing;
    reply.has_complete_through_ms = !db_is_null(result, 0, COLUMN_COMPLETE_THROUGH);
    if (reply.has_complete_through_ms)
        reply.complete_through_ms = db_timestamptz_ms(result, 0, COLUMN_COMPLETE_THROUGH);
    request_reply(asking->request, &reply.base);
}

// Unknown and forbidden subjects get the same answer.
void handle_standing(struct request *request) {
    const Lx__StandingRequest *message = request_message(request);
    struct asking *asking = arena_alloc(request_arena(request), sizeof(*asking));
    if (asking == NULL) {
        request_fail_status(request, STATUS_NO_MEMORY, "standing");
        return;
    }
    *asking = (struct asking){.request = request, .programme = message->programme};
    struct view subject = view_from(message->subject.data, message->subject.len);
    if (uuid_from_bytes(subject, &asking->subject) != STATUS_OK) {
        request_fail(request, REASON_ID_MALFORMED, "subject", NULL);
        return;
    }
    struct db_params *params = db_params_new(request_arena(request));
    db_param_int4(params, (int32_t)asking->programme);
    db_param_uuid(params, asking->subject);
    scope_query(session_of(request)->scope, request_worker(request)->reads, "standing", params,
                on_standing, asking);
}
