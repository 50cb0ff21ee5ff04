// Bundles from the client's side: what waits is written into a file, the file is carried by any
// logged-in device, and its receipt is read at home. Needs no network but for carrying. Texts for
// people are the caller's; refusals come as reasons in client->failure_reason. Called by
// client/cli.
#pragma once

#include "client/core/client.h"
#include "common/wire/bundle_file.h"

#define BUNDLE_MAX_FILES 64

struct bundle_written {
    const char *files[BUNDLE_MAX_FILES]; // paths, in the client's arena
    size_t n_files;
    uint64_t operations; // in the files
    uint64_t left;       // that wait for the answer to others first
};

// Everything that waits goes into `path`; what does not fit into one file, into path with -2, -3 …
// before its ending. Files that exist are not overwritten. operations 0: nothing waits, no file.
enum client_result client_bundle_write(struct client *client, const char *path,
                                       struct bundle_written *out_written);

struct bundle_carried {
    uint32_t parts, parts_repeated, parts_gap, parts_held;
    uint64_t operations, answered, refused;
};

// Sends a file, whosever it is. receipt_path may be NULL. Nothing is sent of a file that is not
// whole.
enum client_result client_bundle_carry(struct client *client, const char *path,
                                       const char *receipt_path,
                                       struct bundle_carried *out_carried);

struct bundle_receipt {
    uint64_t stored, refused; // operations that have their answer now
    uint64_t missing; // an earlier file is missing, or the server was restored since: carry again
    uint64_t held;    // the stream was refused as a whole
};

// Marks what the receipt of one of this home's bundles says.
enum client_result client_bundle_receipt(struct client *client, const char *path,
                                         struct bundle_receipt *out_receipt);

struct bundle_info {
    struct bundle_head head;
    size_t bytes;
    bool ours;          // of this home's deployment
    bool mine;          // written by this device
    int64_t created_ms; // of one's own
    uint64_t operations, waiting;
};

// What can be known of a file here. A file that is not whole is CLIENT_REFUSED.
enum client_result client_bundle_show(struct client *client, const char *path,
                                      struct bundle_info *out_info);
