// People and memberships against the newest change that a run has recorded of each, and against one
// another: where a person's rows lie follows from the memberships.
#include <string.h>

#include "common/wire/content.h"
#include "server/audit/verification.h"

enum {
    PERSON_ID,
    PERSON_VERSION,
    PERSON_STREAM,
    PERSON_SEQ,
    PERSON_BIRTH_YEAR,
    PERSON_CERTIFICATE,
    PERSON_IN_POST,
    PERSON_ESTABLISHED,
    PERSON_FULL_TIME,
    PERSON_NAME,
    PERSON_TEACHER_NO,
    PERSON_ACCOUNT,
    PERSON_TITLE,
    PERSON_HOME,
    PERSON_SETTLED
};

enum {
    MEMBER_ID,
    MEMBER_VERSION,
    MEMBER_STREAM,
    MEMBER_SEQ,
    MEMBER_PERSON,
    MEMBER_UNIT,
    MEMBER_PROGRAMME,
    MEMBER_ROLE,
    MEMBER_FROM,
    MEMBER_UNTIL,
    MEMBER_GUEST
};

// The row as it stands against the newest change of it.
static void compare(struct audit *audit, int32_t district, const char *table, struct uuid id,
                    int64_t version, const uint8_t content[CONTENT_SIZE]) {
    size_t at = uuid_map_find(&audit->row_map, id);
    audit->result->roster_rows++;
    if (at == UUID_MAP_NONE) {
        if (audit->any_uncovered)
            audit->result->uncovered++;
        else
            audit_tell(audit, district, 0, audit_name_row(audit, table, id),
                       "no operation has made it");
        return;
    }
    struct audit_row *change = &audit->rows[at];
    const struct audit_run *run = &audit->runs[change->run];
    change->found = true;
    if (!change->left && audit->senders[run->sender].district != district)
        audit_tell(audit, district, run->seal, audit_name_row(audit, table, id),
                   "it lies in another district than its operation");
    if (change->version != version)
        audit_tell(audit, district, run->seal, audit_name_row(audit, table, id),
                   "it has version %lld, its newest change made %lld", (long long)version,
                   (long long)change->version);
    else if (memcmp(change->content, content, CONTENT_SIZE) != 0)
        audit_tell(audit, district, run->seal, audit_name_row(audit, table, id),
                   "it is not what its operation has written (%s)", audit_name_run_of(audit, run));
}

static enum status check_person(struct audit *audit, int32_t district,
                                const struct db_result *result, int row) {
    uint8_t content[CONTENT_SIZE];
    const struct content_person person = {
        .id = db_uuid(result, row, PERSON_ID),
        .version = db_int8(result, row, PERSON_VERSION),
        .has_birth_year = !db_is_null(result, row, PERSON_BIRTH_YEAR),
        .birth_year = (int32_t)db_int8(result, row, PERSON_BIRTH_YEAR),
        .certificate = db_bool(result, row, PERSON_CERTIFICATE),
        .in_post = db_bool(result, row, PERSON_IN_POST),
        .established = db_bool(result, row, PERSON_ESTABLISHED),
        .full_time = db_bool(result, row, PERSON_FULL_TIME),
        .name = db_text(result, row, PERSON_NAME),
        .teacher_no = db_text(result, row, PERSON_TEACHER_NO),
        .account = db_text(result, row, PERSON_ACCOUNT),
        .title = db_text(result, row, PERSON_TITLE),
    };
    struct uuid stream = db_uuid(result, row, PERSON_STREAM);
    content_of_person(&person, content);
    compare(audit, district, "person", person.id, person.version, content);
    if (!db_is_null(result, row, PERSON_HOME) &&
        !uuid_equal(db_uuid(result, row, PERSON_HOME), stream))
        audit_tell(audit, district, 0, audit_name_row(audit, "person", person.id),
                   "the row lies in another stream than the home that the memberships give");
    TRY(AUDIT_GROW(audit, people));
    enum status status = uuid_map_add(&audit->person_map, person.id, audit->n_people);
    if (status == STATUS_OK)
        audit->people[audit->n_people++] =
            (struct audit_person){stream, district, db_bool(result, row, PERSON_SETTLED)};
    else if (status != STATUS_EXISTS)
        return status;
    return audit_count_row(audit, district, stream, person.id, person.version,
                           db_int8(result, row, PERSON_SEQ));
}

static enum status check_membership(struct audit *audit, int32_t district,
                                    const struct db_result *result, int row) {
    uint8_t content[CONTENT_SIZE];
    const struct content_membership membership = {
        .id = db_uuid(result, row, MEMBER_ID),
        .version = db_int8(result, row, MEMBER_VERSION),
        .person = db_uuid(result, row, MEMBER_PERSON),
        .unit = db_uuid(result, row, MEMBER_UNIT),
        .programme = (int32_t)db_int8(result, row, MEMBER_PROGRAMME),
        .role = (int32_t)db_int8(result, row, MEMBER_ROLE),
        .from_at_us = db_timestamptz_us(result, row, MEMBER_FROM),
        .has_until_at = !db_is_null(result, row, MEMBER_UNTIL),
        .until_at_us = db_timestamptz_us(result, row, MEMBER_UNTIL),
        .guest = db_bool(result, row, MEMBER_GUEST),
    };
    struct uuid stream = db_uuid(result, row, MEMBER_STREAM);
    content_of_membership(&membership, content);
    compare(audit, district, "membership", membership.id, membership.version, content);
    size_t at = uuid_map_find(&audit->person_map, membership.person);
    if (at == UUID_MAP_NONE || !uuid_equal(audit->people[at].stream, stream))
        audit_tell(audit, district, 0, audit_name_row(audit, "membership", membership.id),
                   "the row lies in another stream than its person");
    return audit_count_row(audit, district, stream, membership.id, membership.version,
                           db_int8(result, row, MEMBER_SEQ));
}

enum status audit_check_people(struct audit *audit, int32_t district) {
    TRY(audit_each_row(audit, district, "audit_people", PERSON_ID, check_person));
    return audit_each_row(audit, district, "audit_memberships", MEMBER_ID, check_membership);
}

// Records that a transfer has taken out of a district may be under way; *out_n says how many are.
void audit_missing_rows(struct audit *audit, size_t *out_left) {
    *out_left = 0;
    for (size_t i = 0; i < audit->n_rows; i++) {
        const struct audit_row *row = &audit->rows[i];
        const struct audit_run *run = &audit->runs[row->run];
        *out_left += !row->found && row->left;
        if (!row->found && !row->left)
            audit_tell(audit, audit->senders[run->sender].district, run->seal,
                       audit_name_row(audit, "row", row->id), "it is missing (%s)",
                       audit_name_run_of(audit, run));
    }
}
