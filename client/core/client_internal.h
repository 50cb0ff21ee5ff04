// What the files of client.h share. Private to client*.c.
#pragma once

#include "client/core/client.h"

// Remembers what the store says; rolls back.
enum client_result client_fail_store(struct client *client, enum status status);
// answer may be NULL.
enum client_result client_fail_link(struct client *client, enum status status,
                                    const struct link_answer *answer, const char *text);
// Opens the connection (a former one is closed) and notes the server's time.
enum client_result client_open(struct client *client, const struct link_options *options);
// The same with the device's certificate, and with the session if asked.
enum client_result client_open_device(struct client *client, bool with_session);
// T of the certificate checks: the newest time seen from a server, or the build's.
int64_t client_trusted_time_ms(struct store *store);
// Of the connection; not one that another program of this home has got since.
enum client_result client_forget_session(struct client *client);
