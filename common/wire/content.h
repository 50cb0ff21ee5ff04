// Content hashes: 16 bytes over what a stored row says, wherever it lies. A push records them in
// op_run, so that whoever verifies the audit chain can tell a row that was changed, removed or put
// in. Pure; the same bytes as the functions lx.fact_content, person_content, membership_content.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/uuid.h"
#include "common/base/view.h"

#define CONTENT_SIZE 16

// Optional fields: has_x false, or a view whose data is NULL. Times are microseconds since 1970.
struct content_fact {
    struct uuid id, subject;
    int32_t programme, kind;
    bool has_occurred_at, has_until_at, has_quantity, has_of;
    int64_t occurred_at_us, until_at_us;
    int64_t quantity;
    struct uuid of;
    struct view item, form, source_key;
    struct view submission_sha256; // of the packed lx.Submission; data NULL: none
};

struct content_person {
    struct uuid id;
    int64_t version;
    bool has_birth_year;
    int32_t birth_year;
    bool certificate, in_post, established, full_time;
    struct view name, teacher_no, account, title;
};

struct content_membership {
    struct uuid id;
    int64_t version;
    struct uuid person, unit;
    int32_t programme, role;
    int64_t from_at_us;
    bool has_until_at, guest;
    int64_t until_at_us;
};

void content_of_fact(const struct content_fact *fact, uint8_t out_content[CONTENT_SIZE]);
void content_of_person(const struct content_person *person, uint8_t out_content[CONTENT_SIZE]);
void content_of_membership(const struct content_membership *membership,
                           uint8_t out_content[CONTENT_SIZE]);
