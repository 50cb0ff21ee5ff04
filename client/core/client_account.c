// Enrolment, login, logout, password. See client.h.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/core/client.h"
#include "client/core/client_internal.h"
#include "client/store/outbox.h"
#include "common/net/ca.h"

#define CA_FILE_MAX_BYTES (64 * 1024)

// What an enrolment makes; all freed at its end.
struct enrolment {
    const char *server;
    struct buf ca_pem, key_pem, csr_der, certificate_pem;
    uint8_t device[CA_DEVICE_SIZE];
};

static void enrolment_free(struct enrolment *enrolment) {
    buf_free(&enrolment->ca_pem);
    buf_free(&enrolment->key_pem);
    buf_free(&enrolment->csr_der);
    buf_free(&enrolment->certificate_pem);
}

static enum status read_ca(const char *path, struct buf *out_pem) {
    uint8_t *room;
    FILE *file = fopen(path, "re");
    if (!file)
        return STATUS_IO;
    enum status status = buf_reserve(out_pem, CA_FILE_MAX_BYTES, &room);
    if (status == STATUS_OK)
        buf_commit(out_pem, fread(room, 1, CA_FILE_MAX_BYTES, file));
    if (ferror(file))
        status = STATUS_IO;
    fclose(file);
    return status;
}

static enum status make_key(struct enrolment *enrolment) {
    TRY(ca_new_key(&enrolment->key_pem));
    TRY(ca_new_csr(buf_view(&enrolment->key_pem), &enrolment->csr_der));
    return ca_csr_device(buf_view(&enrolment->csr_der), enrolment->device);
}

static enum client_result ask_certificate(struct client *client, struct enrolment *enrolment,
                                          const char *code, const char *label) {
    Lx__EnrolRequest request = LX__ENROL_REQUEST__INIT;
    const ProtobufCMessage *answer = NULL;
    request.code = (char *)code; // protobuf-c does not write to it
    request.label = (char *)label;
    request.has_csr = 1;
    request.csr = (ProtobufCBinaryData){buf_size(&enrolment->csr_der),
                                        enrolment->csr_der.data + enrolment->csr_der.start};
    enum client_result result = client_ask(client, LX__METHOD__ENROL, &request.base, &answer);
    if (result != CLIENT_OK)
        return result == CLIENT_NOT_LOGGED_IN ? CLIENT_REFUSED : result;
    const Lx__EnrolReply *reply = (const Lx__EnrolReply *)answer;
    struct view der = view_from(reply->certificate.data, reply->certificate.len);
    enum status status = ca_certificate_to_pem(der, &enrolment->certificate_pem);
    return status == STATUS_OK ? CLIENT_OK : client_fail_store(client, status);
}

// The old identity's session and scope go; account and what was typed stay.
static enum status put_enrolment(struct store *store, struct enrolment *enrolment) {
    const struct store_identity identity = {
        .device = view_from(enrolment->device, sizeof enrolment->device),
        .key = buf_view(&enrolment->key_pem),
        .certificate = buf_view(&enrolment->certificate_pem),
        .ca = buf_view(&enrolment->ca_pem),
    };
    TRY(store_begin(store));
    TRY(store_identity_put(store, &identity));
    TRY(store_config_set(store, STORE_CONFIG_SERVER, view_from_string(enrolment->server)));
    TRY(store_config_set(store, STORE_CONFIG_SESSION, (struct view){NULL, 0}));
    TRY(store_outbox_new_device(store));
    TRY(store_commit(store));
    store_identity_tidy(store);
    return STATUS_OK;
}

static enum client_result enrol(struct client *client, struct enrolment *enrolment,
                                const char *ca_file, const char *code, const char *label) {
    if (read_ca(ca_file, &enrolment->ca_pem) != STATUS_OK) {
        snprintf(client->failure_text, sizeof client->failure_text, "%.200s: %m", ca_file);
        return CLIENT_LOCAL;
    }
    enum status status = make_key(enrolment);
    if (status != STATUS_OK)
        return client_fail_store(client, status);
    struct link_options options = {.server = enrolment->server, .ca_file = ca_file};
    enum client_result result = client_open(client, &options);
    if (result == CLIENT_OK)
        result = ask_certificate(client, enrolment, code, label);
    client_disconnect(client);
    if (result != CLIENT_OK)
        return result;
    status = put_enrolment(client->store, enrolment);
    return status == STATUS_OK ? CLIENT_OK : client_fail_store(client, status);
}

enum client_result client_enrol(struct client *client, const char *server, const char *ca_file,
                                const char *code, const char *label) {
    struct enrolment enrolment = {.server = server};
    enum client_result result = enrol(client, &enrolment, ca_file, code, label);
    enrolment_free(&enrolment);
    return result;
}

// ---- login ----

// One home = one account: its outbox and replica are that person's.
static bool belongs_to_another(struct client *client, const char *account) {
    struct view owner;
    return store_config_get(client->store, STORE_CONFIG_ACCOUNT, client->arena, &owner) ==
               STATUS_OK &&
           !view_equal(owner, view_from_string(account));
}

static enum status put_login(struct store *store, const char *account,
                             const Lx__LoginReply *reply) {
    TRY(store_begin(store));
    TRY(store_config_set(store, STORE_CONFIG_ACCOUNT, view_from_string(account)));
    TRY(store_config_set(store, STORE_CONFIG_PERSON,
                         view_from(reply->person.data, reply->person.len)));
    TRY(store_config_set(store, STORE_CONFIG_PERSON_NAME, view_from_string(reply->name)));
    TRY(store_config_set(store, STORE_CONFIG_SESSION,
                         view_from(reply->session_token.data, reply->session_token.len)));
    return store_commit(store);
}

enum client_result client_login(struct client *client, const char *account, const char *password,
                                const Lx__LoginReply **out_reply) {
    Lx__LoginRequest request = LX__LOGIN_REQUEST__INIT;
    const ProtobufCMessage *answer = NULL;
    if (belongs_to_another(client, account))
        return CLIENT_OTHER_ACCOUNT;
    request.account = (char *)account; // protobuf-c does not write to them
    request.password = (char *)password;
    enum client_result result = client_open_device(client, false);
    if (result == CLIENT_OK)
        result = client_ask(client, LX__METHOD__LOGIN, &request.base, &answer);
    if (result != CLIENT_OK) // here a wrong password, not an ended session
        return result == CLIENT_NOT_LOGGED_IN ? CLIENT_REFUSED : result;
    const Lx__LoginReply *reply = (const Lx__LoginReply *)answer;
    enum status status = put_login(client->store, account, reply);
    client->session = view_from(reply->session_token.data, reply->session_token.len);
    if (out_reply)
        *out_reply = reply;
    return status == STATUS_OK ? CLIENT_OK : client_fail_store(client, status);
}

enum client_result client_logout(struct client *client) {
    Lx__LogoutRequest request = LX__LOGOUT_REQUEST__INIT;
    const ProtobufCMessage *answer = NULL;
    enum client_result result = client_ask(client, LX__METHOD__LOGOUT, &request.base, &answer);
    client_disconnect(client);
    if (result == CLIENT_NOT_ENROLLED)
        return result;
    enum client_result forgotten = client_forget_session(client);
    if (result == CLIENT_NOT_LOGGED_IN || forgotten != CLIENT_OK)
        return forgotten;
    return result;
}

enum client_result client_change_password(struct client *client, const char *old_password,
                                          const char *new_password) {
    Lx__ChangePasswordRequest request = LX__CHANGE_PASSWORD_REQUEST__INIT;
    const ProtobufCMessage *answer = NULL;
    request.old_password = (char *)old_password; // protobuf-c does not write to them
    request.new_password = (char *)new_password;
    return client_ask(client, LX__METHOD__CHANGE_PASSWORD, &request.base, &answer);
}
