// Login, Logout and ChangePassword. Passwords are compared on the thread pool; an unknown account
// costs the same work and gets the same answer as a wrong password.
#include <string.h>

#include "proto/account.pb-c.h"
#include "server/handlers.h"
#include "server/handlers/table.h"
#include "server/password.h"
#include "server/secret.h"
#include "server/thread_pool.h"
#include "server/worker.h"

#define ACCOUNT_MAX_BYTES 64

// Columns of login_lookup.
enum { LOOKUP_PERSON, LOOKUP_NAME, LOOKUP_HASH, LOOKUP_MUST_CHANGE, LOOKUP_WAIT_MS };
// Columns of session_open.
enum { OPEN_IDLE_UNTIL, OPEN_UNTIL, OPEN_SCOPE_VERSION };
enum { DEVICE_REVOKED = 3, DEVICE_FROZEN = 4 };

struct login {
    struct request *request; // borrows
    const char *account;
    struct view password; // in the request's message; wiped when compared
    struct uuid person;
    const char *name;
    const char *stored; // hash; NULL: no such account
    bool must_change;
    uint8_t token[SECRET_TOKEN_SIZE];
    uint8_t token_hash[SECRET_HASH_SIZE];
    enum status compared; // by the thread; STATUS_AGAIN: it never came to it
};

static void wipe(struct view secret) {
    if (secret.size > 0)
        explicit_bzero((void *)secret.data, secret.size);
}

static struct view device_of(const struct request *request) {
    return view_from(request_context(request)->device, REQUEST_DEVICE_SIZE);
}

static uint32_t retry_after(int64_t wait_ms) {
    return wait_ms < UINT32_MAX ? (uint32_t)wait_ms : UINT32_MAX;
}

// ---- the session is there ----

static void on_begun(struct request *request, enum status status, struct session *session,
                     void *user) {
    struct login *login = user;
    if (status != STATUS_OK) {
        request_fail_status(request, status, "login");
        return;
    }
    Lx__LoginReply reply = LX__LOGIN_REPLY__INIT;
    reply.has_session_token = reply.has_person = reply.has_idle_until_ms = true;
    reply.has_until_ms = reply.has_must_change_password = true;
    reply.session_token = (ProtobufCBinaryData){SECRET_TOKEN_SIZE, login->token};
    reply.person = (ProtobufCBinaryData){UUID_SIZE, session->person.bytes};
    reply.name = session->name;
    reply.idle_until_ms = session->idle_until_ms;
    reply.until_ms = session->until_ms;
    reply.must_change_password = session->must_change_password;
    request_reply(request, &reply.base);
}

static void on_opened(void *user, enum status status, const struct db_result *result) {
    struct login *login = user;
    if (status != STATUS_OK) {
        request_fail_status(login->request, status, "session_open");
        return;
    }
    if (db_rows(result) == 0) { // disabled or revoked between the two queries
        request_fail(login->request, REASON_DEVICE_NOT_VALID, NULL, NULL);
        return;
    }
    const struct session_identity identity = {
        .person = login->person,
        .name = view_from_string(login->name),
        .token_hash = view_from(login->token_hash, SECRET_HASH_SIZE),
        .must_change_password = login->must_change,
        .idle_until_ms = db_timestamptz_ms(result, 0, OPEN_IDLE_UNTIL),
        .until_ms = db_timestamptz_ms(result, 0, OPEN_UNTIL),
    };
    session_begin(login->request, &identity, on_begun, login);
}

static void open_session(struct login *login) {
    struct request *request = login->request;
    const struct config *config = request_worker(request)->config;
    if (secret_new_token(login->token) != STATUS_OK) {
        request_fail_status(request, STATUS_IO, "login token");
        return;
    }
    secret_hash_token(view_from(login->token, SECRET_TOKEN_SIZE), login->token_hash);
    struct db_params *params = db_params_new(request_arena(request));
    db_param_bytea(params, view_from(login->token_hash, SECRET_HASH_SIZE));
    db_param_uuid(params, login->person);
    db_param_bytea(params, device_of(request));
    db_param_int4(params, config->session_idle_minutes * 60);
    db_param_int4(params, config->session_hours * 3600);
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "session_open", params, on_opened,
             login);
}

// ---- the password was compared ----

static void on_result(void *user, enum status status, const struct db_result *result) {
    struct login *login = user;
    (void)result;
    if (status != STATUS_OK)
        request_fail_status(login->request, status, "login_result");
    else if (login->compared == STATUS_OK)
        open_session(login);
    else
        request_fail(login->request, REASON_LOGIN_WRONG, NULL, NULL);
}

static void on_compared(void *user) {
    struct login *login = user;
    struct request *request = login->request;
    if (login->compared != STATUS_OK && login->compared != STATUS_DENIED) {
        request_fail_status(request, login->compared, "password");
        return;
    }
    struct db_params *params = db_params_new(request_arena(request));
    db_param_string(params, login->account);
    db_param_bytea(params, device_of(request));
    db_param_bool(params, login->compared == STATUS_OK);
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "login_result", params, on_result,
             login);
}

// On a thread.
static void compare(void *user) {
    struct login *login = user;
    login->compared = password_check(login->password, login->stored);
    wipe(login->password);
}

static void on_looked_up(void *user, enum status status, const struct db_result *result) {
    struct login *login = user;
    struct request *request = login->request;
    struct arena *arena = request_arena(request);
    if (status != STATUS_OK || db_rows(result) == 0) {
        request_fail_status(request, status, "login_lookup");
        return;
    }
    int64_t wait_ms = db_int8(result, 0, LOOKUP_WAIT_MS);
    if (wait_ms > 0) {
        request_fail_later(request, REASON_LOGIN_WAIT, retry_after(wait_ms));
        return;
    }
    bool known = !db_is_null(result, 0, LOOKUP_PERSON);
    login->person = db_uuid(result, 0, LOOKUP_PERSON);
    login->name = known ? arena_string(arena, db_text(result, 0, LOOKUP_NAME)) : "";
    login->stored = known ? arena_string(arena, db_text(result, 0, LOOKUP_HASH)) : NULL;
    login->must_change = db_bool(result, 0, LOOKUP_MUST_CHANGE);
    if (known && (login->stored == NULL || login->name == NULL))
        request_fail_status(request, STATUS_NO_MEMORY, "login");
    else if (thread_pool_submit(request_worker(request)->threads, compare, on_compared, login) !=
             STATUS_OK)
        request_fail_later(request, REASON_BUSY, 1000);
}

static void look_up(struct login *login) {
    struct request *request = login->request;
    struct db_params *params = db_params_new(request_arena(request));
    db_param_string(params, login->account);
    db_param_bytea(params, device_of(request));
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "login_lookup", params, on_looked_up,
             login);
}

// A revoked or frozen device does not even try.
static void on_device(void *user, enum status status, const struct db_result *result) {
    struct login *login = user;
    if (status != STATUS_OK || db_rows(result) == 0)
        request_fail_status(login->request, status, "device_check");
    else if (db_int8(result, 0, 0) == DEVICE_FROZEN)
        request_fail(login->request, REASON_DEVICE_FROZEN, NULL, NULL);
    else if (db_int8(result, 0, 0) != 1)
        request_fail(login->request, REASON_DEVICE_NOT_VALID, NULL, NULL);
    else
        look_up(login);
}

void handle_login(struct request *request) {
    const Lx__LoginRequest *message = request_message(request);
    struct login *login = arena_alloc(request_arena(request), sizeof(*login));
    const char *account = message->account != NULL ? message->account : "";
    if (account[0] == '\0' || strlen(account) > ACCOUNT_MAX_BYTES) {
        request_fail(request, REASON_ACCOUNT_NAME, "account", NULL);
        return;
    }
    if (message->password == NULL) {
        request_fail(request, REASON_FIELD_MISSING, "password", NULL);
        return;
    }
    if (login == NULL) {
        request_fail_status(request, STATUS_NO_MEMORY, "login");
        return;
    }
    *login = (struct login){.request = request,
                            .account = account,
                            .password = view_from_string(message->password),
                            .compared = STATUS_AGAIN};
    struct db_params *params = db_params_new(request_arena(request));
    db_param_bytea(params, device_of(request));
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "device_check", params, on_device,
             login);
}

// ---- logout ----

static void on_closed(void *user, enum status status, const struct db_result *result) {
    struct request *request = user;
    (void)result;
    if (status != STATUS_OK) {
        request_fail_status(request, status, "session_close");
        return;
    }
    request_set_session(request, NULL);
    Lx__LogoutReply reply = LX__LOGOUT_REPLY__INIT;
    request_reply(request, &reply.base);
}

void handle_logout(struct request *request) {
    const struct session *session = session_of(request);
    struct db_params *params = db_params_new(request_arena(request));
    db_param_bytea(params, view_from(session->token_hash, SESSION_HASH_SIZE));
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "session_close", params, on_closed,
             request);
}
