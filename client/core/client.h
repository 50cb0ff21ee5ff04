// What a program does with a server on behalf of a home: enrol, log in, ask, sync. Every call says
// in one result what happened; texts for people are the caller's. Borrows the store, owns the
// connection. Called by client/cli.
#pragma once

#include "client/core/link.h"
#include "client/core/sync.h"
#include "client/store/store.h"
#include "proto/account.pb-c.h"

enum client_result {
    CLIENT_OK,
    CLIENT_NOT_ENROLLED,
    CLIENT_NOT_LOGGED_IN, // no session, or the server has ended it
    CLIENT_AWAY,          // no network, no server, connection lost
    CLIENT_UNTRUSTED,     // the server's certificate is not the deployment's
    CLIENT_REFUSED,       // the server says why in failure_reason
    CLIENT_OTHER_ACCOUNT, // the home belongs to another account
    CLIENT_HOME_BUSY,     // another program holds the home: failure_text says which
    CLIENT_LOCAL,         // the home or this machine: failure_text says what
    CLIENT_STOPPED,       // the caller's keep_going said so
    CLIENT_RESULT_COUNT
};

struct client {
    struct store *store;              // borrows
    const char *program;              // borrows
    struct arena *arena;              // owns: answers, until client_free
    struct link *link;                // owns; NULL while not connected
    struct store_history history;     // under which the connection was made
    struct view session;              // in the arena: the one that was shown or given; may be none
    const Lx__Reason *failure_reason; // in the arena; NULL when the server gave none
    char failure_text[LINK_ERROR_SIZE];
};

// STATUS_NO_MEMORY.
enum status client_init(struct client *client, struct store *store, const char *program) MUST_USE;
void client_free(struct client *client);

// What time it is, for dates and checks of records: this machine's clock, unless it is provably
// wrong (before the newest time seen from a server or the build's, or 400 days after): then that
// time.
int64_t client_now_ms(struct store *store, int64_t clock_ms);
// The same of two times.
int64_t client_right_time_ms(int64_t clock_ms, int64_t trusted_ms);

// Key, request and certificate of this device, with a one-time code. label: what people call it.
// What waits in the outbox is kept for the new device.
enum client_result client_enrol(struct client *client, const char *server, const char *ca_file,
                                const char *code, const char *label);
// out_reply (in client->arena) may be NULL.
enum client_result client_login(struct client *client, const char *account, const char *password,
                                const Lx__LoginReply **out_reply);
// Forgets the session here even if the server is away.
enum client_result client_logout(struct client *client);
enum client_result client_change_password(struct client *client, const char *old_password,
                                          const char *new_password);

// A connection with a valid session; renews the device's certificate when half its life is over.
enum client_result client_connect(struct client *client);
void client_disconnect(struct client *client);
// Connects if need be, asks, and answers with a message in client->arena.
enum client_result client_ask(struct client *client, uint16_t method,
                              const ProtobufCMessage *message, const ProtobufCMessage **out_reply);

enum client_sync_state {
    CLIENT_SYNC_CONNECTING,
    CLIENT_SYNC_RUNNING,
    CLIENT_SYNC_WAITING, // until the next try
};

struct client_sync_options {
    uint32_t pull_limit; // rows an answer; 0: the engine's own
    bool watch;          // stays, and comes back by itself when the server is away
    // Told about every step; may be NULL. wait_ms: until the next try in CLIENT_SYNC_WAITING.
    void (*on_step)(void *user, enum client_sync_state state, const struct sync *sync,
                    int64_t wait_ms);
    bool (*keep_going)(void *user); // asked at least once a second; NULL: for ever
    void *user;
};

// One round, or rounds until keep_going says no. out_progress may be NULL.
enum client_result client_sync(struct client *client, const struct client_sync_options *options,
                               struct sync_progress *out_progress);
