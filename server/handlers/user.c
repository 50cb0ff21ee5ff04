// UserAdd: an account for a person of a unit, with a first grant there when a role is given. The
// first password is hashed on the thread pool.
#include <string.h>

#include "common/domain/account.h"
#include "proto/account.pb-c.h"
#include "server/handlers.h"
#include "server/handlers/admin.h"
#include "server/handlers/table.h"
#include "server/password.h"
#include "server/secret.h"
#include "server/thread_pool.h"
#include "server/worker.h"

#define NAME_MAX_CHARACTERS 64

struct adding {
    struct request *request; // borrows
    const Lx__UserAddRequest *message;
    struct uuid person; // nil: a new id is made
    struct view password;
    char made_password[SECRET_PASSWORD_SIZE]; // empty: the caller gave one
    char hash[PASSWORD_HASH_SIZE];
    enum status hashed; // by the thread; STATUS_AGAIN: it never came to it
};

static void on_added(void *user, enum status status, const struct db_result *result) {
    struct adding *adding = user;
    struct request *request = adding->request;
    const Lx__UserAddRequest *message = adding->message;
    if (status != STATUS_OK || db_rows(result) == 0) {
        request_fail_status(request, status, "user_add");
        return;
    }
    int64_t verdict = db_int8(result, 0, 0);
    if (verdict == ADMIN_EXISTS) {
        request_fail(request, REASON_ACCOUNT_EXISTS, "account", message->account, NULL);
        return;
    }
    if (verdict == ADMIN_ROLE_MISFIT) {
        request_fail(request, REASON_ROLE_NOT_FOR_UNIT, "role", role_find(message->role)->name,
                     NULL);
        return;
    }
    if (verdict != ADMIN_DONE) {
        request_fail(request, REASON_NOT_IN_SCOPE, "unit_code", NULL);
        return;
    }
    Lx__UserAddReply reply = LX__USER_ADD_REPLY__INIT;
    struct uuid person = db_uuid(result, 0, 1);
    reply.has_person = true;
    reply.person = (ProtobufCBinaryData){UUID_SIZE, person.bytes};
    reply.password = adding->made_password[0] != '\0' ? adding->made_password : NULL;
    request_reply(request, &reply.base);
}

static void add(struct adding *adding) {
    struct request *request = adding->request;
    const struct session *session = session_of(request);
    const Lx__UserAddRequest *message = adding->message;
    struct db_params *params = db_params_new(request_arena(request));
    int64_t now_ms = request_received_at_ms(request);
    db_param_uuid(params, session->person);
    db_param_bytea(params, view_from(session->device, REQUEST_DEVICE_SIZE));
    db_param_string(params, message->account);
    db_param_string(params, message->name);
    db_param_uuid(params, uuid_is_nil(adding->person) ? uuid_new_v7(now_ms) : adding->person);
    db_param_string(params, adding->hash);
    if (message->has_role)
        db_param_int4(params, (int32_t)message->role);
    else
        db_param_null(params);
    db_param_string(params, message->unit_code);
    db_param_uuid(params, uuid_new_v7(now_ms));
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "user_add", params, on_added, adding);
}

// On a thread.
static void hash(void *user) {
    struct adding *adding = user;
    adding->hashed = password_hash(adding->password, adding->hash);
}

static void on_hashed(void *user) {
    struct adding *adding = user;
    if (adding->hashed != STATUS_OK)
        request_fail_status(adding->request, adding->hashed, "password");
    else if (session_still_of(adding->request) == NULL)
        request_fail(adding->request, REASON_SESSION_ENDED, NULL, NULL);
    else
        add(adding);
}

static void start_hashing(struct adding *adding) {
    struct request *request = adding->request;
    if (adding->message->password == NULL) {
        if (secret_new_password(adding->made_password) != STATUS_OK) {
            request_fail_status(request, STATUS_IO, "password");
            return;
        }
        adding->password = view_from_string(adding->made_password);
    }
    if (thread_pool_submit(request_worker(request)->threads, hash, on_hashed, adding) != STATUS_OK)
        request_fail_later(request, REASON_BUSY, 1000);
}

// First layer: users of the unit are his to manage, and the role his to give.
static void on_unit(void *user, const struct unit_row *unit) {
    struct adding *adding = user;
    struct request *request = adding->request;
    const struct session *session = session_still_of(request);
    struct uuid path[UNITS_MAX_PATH];
    if (session == NULL) {
        request_fail(request, REASON_SESSION_ENDED, NULL, NULL);
        return;
    }
    size_t n =
        unit != NULL ? units_path(request_worker(request)->handlers->units, unit->id, path) : 0;
    bool allowed =
        session->checks_off || (scope_can_over(session->scope, path, n, CAPABILITY_MANAGE_USERS) &&
                                (!adding->message->has_role ||
                                 scope_may_give(session->scope, path, n, adding->message->role)));
    if (unit == NULL || !allowed)
        request_fail(request, REASON_NOT_IN_SCOPE, "unit_code", NULL);
    else
        start_hashing(adding);
}

// false: answered.
static bool check(struct request *request, const Lx__UserAddRequest *message) {
    bool known_role = message->has_role && role_find(message->role) != NULL;
    if (!account_name_is_valid(message->account))
        request_fail(request, REASON_ACCOUNT_NAME, "account", NULL);
    else if (!admin_check_name(request, message->name, NAME_MAX_CHARACTERS, "name"))
        return false;
    else if (message->password != NULL &&
             !password_is_acceptable(view_from_string(message->password)))
        request_fail(request, REASON_PASSWORD_UNACCEPTABLE, "password", "8", "128", NULL);
    else if (message->unit_code == NULL)
        request_fail(request, REASON_FIELD_MISSING, "unit_code", NULL);
    else if (message->has_role && !known_role)
        request_fail(request, REASON_FIELD_INVALID, "role", NULL);
    else
        return true;
    return false;
}

void handle_user_add(struct request *request) {
    const Lx__UserAddRequest *message = request_message(request);
    struct adding *adding = arena_alloc(request_arena(request), sizeof(*adding));
    if (adding == NULL) {
        request_fail_status(request, STATUS_NO_MEMORY, "user_add");
        return;
    }
    if (!check(request, message))
        return;
    *adding = (struct adding){.request = request,
                              .message = message,
                              .password = view_from_string(message->password),
                              .hashed = STATUS_AGAIN};
    if (message->has_person && uuid_from_bytes(view_from(message->person.data, message->person.len),
                                               &adding->person) != STATUS_OK)
        request_fail(request, REASON_ID_MALFORMED, "person", NULL);
    else
        admin_find_unit(request, message->unit_code, on_unit, adding);
}
