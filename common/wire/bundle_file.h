// The file that a bundle or its receipt travels in: parts one behind the other, each with a head
// that anybody may read, a container (common/net/bundle.h) that nobody on the way can, and a
// checksum, so that a cut or damaged copy is told at once, wherever it is. Pure functions on bytes.
#pragma once

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/base/uuid.h"
#include "common/base/view.h"
#include "common/wire/digest.h"
#include "common/wire/reason.h"

#define BUNDLE_FILE_VERSION 1
#define BUNDLE_FILE_HEAD_SIZE 68
#define BUNDLE_FILE_MAX_PART (1000 * 1024)       // with head and checksum: fits into a request
#define BUNDLE_FILE_MAX_BYTES (16 * 1024 * 1024) // of a file: more goes into the next one
#define BUNDLE_FILE_MAX_PARTS 4096
#define BUNDLE_DEPLOYMENT_SIZE 32 // SHA-256 of the CA's public key

enum bundle_kind {
    BUNDLE_KIND_BUNDLE = 1,
    BUNDLE_KIND_RECEIPT = 2,
};

struct bundle_head {
    uint8_t version;
    enum bundle_kind kind;
    uint16_t part; // from 1
    uint16_t parts;
    struct uuid id; // of the bundle, of its receipt too
    uint8_t deployment[BUNDLE_DEPLOYMENT_SIZE];
};

struct bundle_part {
    struct bundle_head head;
    struct view whole;     // head, container, checksum
    struct view container; // DER
};

// Appends one part. STATUS_LIMIT: larger than BUNDLE_FILE_MAX_PART.
enum status bundle_file_append(const struct bundle_head *head, struct view container,
                               struct buf *out) MUST_USE;
// Takes the first part off *rest. REASON_NONE, or what is wrong: bundle_cut, bundle_changed,
// bundle_version, bundle_not_one, bundle_too_large. Of a version that is not known the head is
// filled in as far as it goes.
enum reason_id bundle_file_take(struct view *rest, struct bundle_part *out_part);
// Looks through a whole file: parts 1..n of one bundle, nothing missing, nothing behind them.
// *out_head is the first part's, as far as it could be read.
enum reason_id bundle_file_check(struct view file, struct bundle_head *out_head);
