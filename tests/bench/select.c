// lianxiaod_bench is lianxiaod with one thing more: a Ping with the payload "select" reads one row
// by its primary key, the way every handler reads (the login's scope, the workers' pool). That is
// the measure for what other reads cost. Linked with --wrap=handle_ping.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "embedded/sql_queries.h"
#include "proto/wire.pb-c.h"
#include "server/db/internal.h"
#include "server/handlers.h"
#include "server/request.h"
#include "server/worker.h"

void __real_handle_ping(struct request *request); // the linker's names
void __wrap_handle_ping(struct request *request);

#define STATEMENT "zzz_select" // last in the order of names

static const char TEXT[] =
    "select s.id from lx.person s where s.district = $1::int4 and s.id = $2::uuid";

__attribute__((constructor)) static void add_statement(void) {
    static struct embedded_text *all; // as long as the process lives
    all = calloc(sql_queries_count + 1, sizeof *all);
    assert(all != NULL);
    memcpy(all, sql_queries, sql_queries_count * sizeof *all);
    all[sql_queries_count] = (struct embedded_text){.name = STATEMENT, .text = TEXT};
    statement_use(all, sql_queries_count + 1);
}

static void on_row(void *user, enum status status, const struct db_result *result) {
    struct request *request = user;
    Lx__PingReply reply = LX__PING_REPLY__INIT;
    if (status != STATUS_OK || db_rows(result) != 1) {
        request_fail_status(request, status, "select");
        return;
    }
    struct uuid id = db_uuid(result, 0, 0);
    reply.has_payload = true;
    reply.payload = (ProtobufCBinaryData){UUID_SIZE, id.bytes};
    request_reply(request, &reply.base);
}

// The payload: "select", then the id of a person of district 1.
void __wrap_handle_ping(struct request *request) {
    const Lx__PingRequest *ping = request_message(request);
    const size_t size = sizeof "select" - 1;
    struct uuid id;
    if (ping->payload.len != size + UUID_SIZE || memcmp(ping->payload.data, "select", size) != 0 ||
        uuid_from_bytes(view_from(ping->payload.data + size, UUID_SIZE), &id) != STATUS_OK) {
        __real_handle_ping(request);
        return;
    }
    struct db_params *params = db_params_new(request_arena(request));
    db_param_int4(params, 1);
    db_param_uuid(params, id);
    scope_query(session_of(request)->scope, request_worker(request)->reads, STATEMENT, params,
                on_row, request);
}
