// ChangePassword: the old one is compared and the new one hashed on the thread pool. The person's
// other logins end.
#include <string.h>

#include "common/base/clock.h"
#include "proto/account.pb-c.h"
#include "server/handlers.h"
#include "server/handlers/table.h"
#include "server/password.h"
#include "server/thread_pool.h"
#include "server/worker.h"

// Columns of password_of.
enum { PASSWORD_ACCOUNT, PASSWORD_HASH, PASSWORD_WAIT_MS };

struct change {
    struct request *request; // borrows
    struct view old_password;
    struct view new_password;
    struct uuid person;
    const char *account;
    const char *stored;
    char hash[PASSWORD_HASH_SIZE];
    enum status compared; // by the thread; STATUS_AGAIN: it never came to it
    enum status hashed;
};

static void on_changed(void *user, enum status status, const struct db_result *result) {
    struct change *change = user;
    if (status != STATUS_OK || db_rows(result) == 0 || !db_bool(result, 0, 0)) {
        request_fail_status(change->request, status, "password_change");
        return;
    }
    struct session *session = session_still_of(change->request);
    if (session != NULL)
        session->must_change_password = false;
    Lx__ChangePasswordReply reply = LX__CHANGE_PASSWORD_REPLY__INIT;
    request_reply(change->request, &reply.base);
}

static void store(struct change *change) {
    struct request *request = change->request;
    const struct session *session = session_still_of(request);
    if (session == NULL) {
        request_fail(request, REASON_SESSION_ENDED, NULL, NULL);
        return;
    }
    struct db_params *params = db_params_new(request_arena(request));
    db_param_uuid(params, change->person);
    db_param_string(params, change->hash);
    db_param_bytea(params, view_from(session->token_hash, SESSION_HASH_SIZE));
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "password_change", params, on_changed,
             change);
}

// The attempt was counted as a failure by password_of; a right one takes that back.
static void on_counted(void *user, enum status status, const struct db_result *result) {
    struct change *change = user;
    (void)result;
    if (status != STATUS_OK)
        request_fail_status(change->request, status, "login_result");
    else if (change->compared != STATUS_OK)
        request_fail(change->request, REASON_PASSWORD_WRONG, "old_password", NULL);
    else
        store(change);
}

static void on_compared(void *user) {
    struct change *change = user;
    struct request *request = change->request;
    if (change->hashed != STATUS_OK ||
        (change->compared != STATUS_OK && change->compared != STATUS_DENIED)) {
        request_fail_status(request, STATUS_NO_MEMORY, "password");
        return;
    }
    struct db_params *params = db_params_new(request_arena(request));
    db_param_string(params, change->account);
    db_param_bytea(params, view_from(request_context(request)->device, REQUEST_DEVICE_SIZE));
    db_param_bool(params, change->compared == STATUS_OK);
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "login_result", params, on_counted,
             change);
}

// On a thread.
static void compare_and_hash(void *user) {
    struct change *change = user;
    change->compared = password_check(change->old_password, change->stored);
    change->hashed = password_hash(change->new_password, change->hash);
    explicit_bzero((void *)change->old_password.data, change->old_password.size);
    explicit_bzero((void *)change->new_password.data, change->new_password.size);
}

static void on_stored(void *user, enum status status, const struct db_result *result) {
    struct change *change = user;
    struct request *request = change->request;
    struct arena *arena = request_arena(request);
    if (status != STATUS_OK || db_rows(result) == 0) {
        request_fail_status(request, status, "password_of");
        return;
    }
    int64_t wait_ms = db_int8(result, 0, PASSWORD_WAIT_MS);
    if (wait_ms > 0) {
        request_fail_later(request, REASON_LOGIN_WAIT,
                           wait_ms < UINT32_MAX ? (uint32_t)wait_ms : UINT32_MAX);
        return;
    }
    change->account = arena_string(arena, db_text(result, 0, PASSWORD_ACCOUNT));
    change->stored = arena_string(arena, db_text(result, 0, PASSWORD_HASH));
    if (change->account == NULL || change->stored == NULL)
        request_fail_status(request, STATUS_NO_MEMORY, "password");
    else if (thread_pool_submit(request_worker(request)->threads, compare_and_hash, on_compared,
                                change) != STATUS_OK)
        request_fail_later(request, REASON_BUSY, 1000);
}

void handle_change_password(struct request *request) {
    const Lx__ChangePasswordRequest *message = request_message(request);
    struct change *change = arena_alloc(request_arena(request), sizeof(*change));
    if (change == NULL) {
        request_fail_status(request, STATUS_NO_MEMORY, "password");
        return;
    }
    *change = (struct change){.request = request,
                              .old_password = view_from_string(message->old_password),
                              .new_password = view_from_string(message->new_password),
                              .person = session_of(request)->person,
                              .compared = STATUS_AGAIN,
                              .hashed = STATUS_AGAIN};
    if (message->old_password == NULL) {
        request_fail(request, REASON_FIELD_MISSING, "old_password", NULL);
        return;
    }
    if (!password_is_acceptable(change->new_password)) {
        request_fail(request, REASON_PASSWORD_UNACCEPTABLE, "new_password", "8", "128", NULL);
        return;
    }
    struct db_params *params = db_params_new(request_arena(request));
    db_param_uuid(params, change->person);
    db_param_bytea(params, view_from(request_context(request)->device, REQUEST_DEVICE_SIZE));
    db_query(request_worker(request)->auth, DB_SCOPE_NONE, "password_of", params, on_stored,
             change);
}
