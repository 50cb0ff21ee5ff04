// What the files of bundle.h share. Private to bundle*.c.
#pragma once

#include "client/core/bundle.h"
#include "client/core/client_internal.h"

// CLIENT_REFUSED with the reason; version and size are those of the head, where the reason has
// them.
enum client_result bundle_refuse(struct client *client, enum reason_id reason,
                                 const struct bundle_head *head, size_t size);
// A whole file, checked by itself: whole parts of one kind. In the client's arena.
enum client_result bundle_read(struct client *client, const char *path, struct view *out_file,
                               struct bundle_head *out_head);
// Refuses a file of the other kind.
enum client_result bundle_check_kind(struct client *client, const struct bundle_head *head,
                                     enum bundle_kind kind);
// A new file, durable, or none; refuses to overwrite.
enum client_result bundle_write_new(struct client *client, const char *path, struct view content);
// 32 bytes into out_deployment, from the home's CA.
enum client_result bundle_own_deployment(struct client *client,
                                         uint8_t out_deployment[BUNDLE_DEPLOYMENT_SIZE]);
