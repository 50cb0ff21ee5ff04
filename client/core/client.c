// Connecting and asking on behalf of a home. See client.h.
#include "client/core/client.h"

#include <stdio.h>
#include <string.h>

#include "client/core/client_internal.h"
#include "common/base/clock.h"
#include "common/net/ca.h"
#include "common/net/tls.h"

enum status client_init(struct client *client, struct store *store, const char *program) {
    *client = (struct client){.store = store, .program = program, .arena = arena_new(0)};
    return client->arena ? STATUS_OK : STATUS_NO_MEMORY;
}

void client_free(struct client *client) {
    link_close(&client->link);
    arena_free(&client->arena);
}

void client_disconnect(struct client *client) {
    link_close(&client->link);
}

enum client_result client_fail_store(struct client *client, enum status status) {
    store_rollback(client->store);
    const char *text = store_error(client->store);
    snprintf(client->failure_text, sizeof client->failure_text, "%s",
             text[0] ? text : status_name(status));
    return status == STATUS_AGAIN ? CLIENT_HOME_BUSY : CLIENT_LOCAL;
}

enum client_result client_fail_link(struct client *client, enum status status,
                                    const struct link_answer *answer, const char *text) {
    snprintf(client->failure_text, sizeof client->failure_text, "%s", text);
    if (status == STATUS_NO_MEMORY)
        return CLIENT_LOCAL;
    if (!answer || !answer->error)
        return CLIENT_AWAY;
    client->failure_reason = answer->error->reason;
    return answer->error->code == LX__CODE__UNAUTHENTICATED ? CLIENT_NOT_LOGGED_IN : CLIENT_REFUSED;
}

// ---- connecting ----

static enum client_result result_of_open(enum status status) {
    switch (status) {
    case STATUS_OK:
        return CLIENT_OK;
    case STATUS_DENIED:
        return CLIENT_UNTRUSTED;
    case STATUS_INVALID:
        return CLIENT_REFUSED;
    case STATUS_NO_MEMORY:
        return CLIENT_LOCAL;
    case STATUS_NOT_FOUND:
    case STATUS_EXISTS:
    case STATUS_CONFLICT:
    case STATUS_LIMIT:
    case STATUS_AGAIN:
    case STATUS_IO:
    case STATUS_CORRUPT:
        break;
    }
    return CLIENT_AWAY;
}

// T of the certificate check: the newest time seen from a server or the build's; this, too, when
// the home cannot be read, which whatever comes next will say.
int64_t client_trusted_time_ms(struct store *store) {
    int64_t build_ms = (int64_t)LX_BUILD_TIME_S * 1000;
    int64_t seen_ms;
    if (store_config_get_int(store, STORE_CONFIG_SERVER_TIME, 0, &seen_ms) != STATUS_OK)
        seen_ms = 0;
    return seen_ms > build_ms ? seen_ms : build_ms;
}

#define CLOCK_SLACK_MS (5 * 60 * 1000) // two clocks never agree; the server allows as much

int64_t client_right_time_ms(int64_t clock_ms, int64_t trusted_ms) {
    // As with certificates; but what lies ahead for years is no better known than what lies behind.
    int64_t latest_ms = trusted_ms + TLS_EXPIRED_GRACE_DAYS * INT64_C(86400000);
    bool possible = clock_ms >= trusted_ms - CLOCK_SLACK_MS && clock_ms <= latest_ms;
    return possible ? clock_ms : trusted_ms;
}

int64_t client_now_ms(struct store *store, int64_t clock_ms) {
    return client_right_time_ms(clock_ms, client_trusted_time_ms(store));
}

static bool is_known_epoch(struct store *store, struct arena *arena, struct view epoch) {
    struct view known;
    return store_config_get(store, STORE_CONFIG_DB_EPOCH, arena, &known) == STATUS_OK &&
           view_equal(known, epoch);
}

// What was answered before belongs to the history of another epoch.
static enum status put_epoch(struct client *client, const Lx__HelloReply *hello) {
    struct store *store = client->store;
    struct view epoch = view_from(hello->db_epoch.data, hello->db_epoch.len);
    if (is_known_epoch(store, client->arena, epoch))
        return STATUS_OK;
    TRY(store_config_set_int(store, STORE_CONFIG_EPOCH_SINCE, hello->server_time_ms));
    return store_config_set(store, STORE_CONFIG_DB_EPOCH, epoch);
}

static enum status put_hello(struct client *client, const Lx__HelloReply *hello) {
    struct store *store = client->store;
    int64_t seen_ms;
    TRY(store_config_get_int(store, STORE_CONFIG_SERVER_TIME, 0, &seen_ms));
    TRY(store_begin(store));
    if (hello->server_time_ms > seen_ms)
        TRY(store_config_set_int(store, STORE_CONFIG_SERVER_TIME, hello->server_time_ms));
    TRY(store_config_set_int(store, STORE_CONFIG_SKEW, hello->server_time_ms - clock_now_ms()));
    if (hello->has_db_epoch) // a server whose database is away cannot tell
        TRY(put_epoch(client, hello));
    TRY(store_history_get(store, &client->history));
    return store_commit(store);
}

enum client_result client_open(struct client *client, const struct link_options *options) {
    struct link_options whole = *options;
    whole.trusted_time_ms = client_trusted_time_ms(client->store);
    whole.program = client->program;
    client_disconnect(client);
    enum status status = link_open(&whole, &client->link, client->failure_text);
    if (status != STATUS_OK)
        return result_of_open(status);
    status = put_hello(client, link_hello(client->link));
    return status == STATUS_OK ? CLIENT_OK : client_fail_store(client, status);
}

// A setting; `absent`: what it means that there is none.
static enum client_result get(struct client *client, const char *name, enum client_result absent,
                              struct view *out_value) {
    enum status status = store_config_get(client->store, name, client->arena, out_value);
    if (status == STATUS_NOT_FOUND)
        return absent;
    return status == STATUS_OK ? CLIENT_OK : client_fail_store(client, status);
}

enum client_result client_open_device(struct client *client, bool with_session) {
    struct view server = {NULL, 0};
    struct view device;
    enum client_result result = get(client, STORE_CONFIG_DEVICE, CLIENT_NOT_ENROLLED, &device);
    if (result != CLIENT_OK)
        return result;
    struct link_options options = {
        .ca_file = store_file_path(client->store, STORE_FILE_CA, client->arena),
        .cert_file = store_file_path(client->store, STORE_FILE_CERTIFICATE, client->arena),
        .key_file = store_file_path(client->store, STORE_FILE_KEY, client->arena),
    };
    result = get(client, STORE_CONFIG_SERVER, CLIENT_NOT_ENROLLED, &server);
    if (result == CLIENT_OK && with_session)
        result = get(client, STORE_CONFIG_SESSION, CLIENT_NOT_LOGGED_IN, &options.session_token);
    if (result != CLIENT_OK)
        return result;
    client->session = options.session_token;
    options.server = arena_string(client->arena, server);
    if (!options.server || !options.ca_file || !options.cert_file || !options.key_file)
        return client_fail_store(client, STATUS_NO_MEMORY);
    result = client_open(client, &options);
    // The one that was shown, whatever another program has enrolled since.
    if (device.size == sizeof client->history.device)
        memcpy(client->history.device, device.data, device.size);
    return result;
}

static enum status forget_session(struct client *client) {
    struct store *store = client->store;
    struct view stored;
    TRY(store_begin(store));
    enum status status = store_config_get(store, STORE_CONFIG_SESSION, client->arena, &stored);
    if (status == STATUS_OK && view_equal(stored, client->session))
        TRY(store_config_set(store, STORE_CONFIG_SESSION, (struct view){NULL, 0}));
    else if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    return store_commit(store);
}

enum client_result client_forget_session(struct client *client) {
    enum status status = forget_session(client);
    return status == STATUS_OK ? CLIENT_OK : client_fail_store(client, status);
}

// ---- renewing ----

static bool renewal_is_due(struct client *client) {
    struct view pem;
    struct ca_certificate certificate;
    if (store_file_read(client->store, STORE_FILE_CERTIFICATE, client->arena, &pem) != STATUS_OK ||
        ca_parse_certificate(pem, &certificate) != STATUS_OK)
        return false;
    int64_t half_ms =
        certificate.not_before_ms + (certificate.not_after_ms - certificate.not_before_ms) / 2;
    return link_hello(client->link)->server_time_ms > half_ms;
}

// A failure is no reason to stop: the old certificate lives on, the next connection tries again.
static bool renew(struct client *client) {
    bool renewed = false;
    struct view key;
    struct buf csr = {0};
    struct buf pem = {0};
    struct link_answer answer = {NULL, NULL};
    Lx__RenewRequest request = LX__RENEW_REQUEST__INIT;
    if (store_file_read(client->store, STORE_FILE_KEY, client->arena, &key) != STATUS_OK ||
        ca_new_csr(key, &csr) != STATUS_OK)
        goto done;
    request.has_csr = 1;
    request.csr = (ProtobufCBinaryData){buf_size(&csr), csr.data + csr.start};
    if (link_call(client->link, LX__METHOD__RENEW, &request.base, client->arena, &answer) !=
        STATUS_OK)
        goto done;
    const Lx__RenewReply *reply = (const Lx__RenewReply *)answer.reply;
    struct view der = view_from(reply->certificate.data, reply->certificate.len);
    renewed = ca_certificate_to_pem(der, &pem) == STATUS_OK &&
              store_file_write(client->store, STORE_FILE_CERTIFICATE, buf_view(&pem)) == STATUS_OK;
done:
    buf_free(&csr);
    buf_free(&pem);
    return renewed;
}

enum client_result client_connect(struct client *client) {
    enum client_result result = client_open_device(client, true);
    if (result != CLIENT_OK)
        return result;
    bool renewed = renewal_is_due(client) && renew(client);
    // With an expired certificate only the renewal was open: come back with the new one.
    if (renewed && !link_hello(client->link)->logged_in)
        result = client_open_device(client, true);
    if (result != CLIENT_OK)
        return result;
    const Lx__HelloReply *hello = link_hello(client->link);
    if (hello->has_logged_in && hello->logged_in)
        return CLIENT_OK;
    client_disconnect(client);
    result = client_forget_session(client);
    return result == CLIENT_OK ? CLIENT_NOT_LOGGED_IN : result;
}

enum client_result client_ask(struct client *client, uint16_t method,
                              const ProtobufCMessage *message, const ProtobufCMessage **out_reply) {
    struct link_answer answer = {NULL, NULL};
    if (!client->link) {
        enum client_result result = client_connect(client);
        if (result != CLIENT_OK)
            return result;
    }
    enum status status = link_call(client->link, method, message, client->arena, &answer);
    if (status == STATUS_OK) {
        *out_reply = answer.reply;
        return CLIENT_OK;
    }
    enum client_result result = client_fail_link(client, status, &answer, link_error(client->link));
    if (result != CLIENT_REFUSED)
        client_disconnect(client);
    return result;
}
