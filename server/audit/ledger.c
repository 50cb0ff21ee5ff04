// Facts and submissions against the runs: each fact's content is in the run that stored it, and
// each content of a run has its fact.
#include <stdlib.h>
#include <string.h>

#include "common/wire/content.h"
#include "common/wire/digest.h"
#include "server/audit/verification.h"

enum {
    FACT_ID,
    FACT_STREAM,
    FACT_SEQ,
    FACT_SUBJECT,
    FACT_PROGRAMME,
    FACT_KIND,
    FACT_OCCURRED_AT,
    FACT_UNTIL_AT,
    FACT_QUANTITY,
    FACT_OF,
    FACT_ITEM,
    FACT_FORM,
    FACT_SOURCE_KEY,
    FACT_ACTOR,
    FACT_RECEIVED_AT,
    FACT_FLAGS,
    FACT_SUBMISSION_SHA256,
    FACT_SUBMISSION_BODY,
    FACT_ERASED_AT,
    FACT_SUBMISSION_STREAM
};

// A void that the database has made itself is nobody's in good faith.
static const struct view SUPERSEDED = VIEW_LITERAL("superseded");

static void tell(struct audit *audit, int32_t district, int64_t seal, struct uuid id,
                 const char *what) {
    audit_tell(audit, district, seal, audit_name_row(audit, "fact", id), "%s", what);
}

// ---- contents in the order of their hashes ----

static int compare_by_hash(const void *left, const void *right, void *user) {
    const struct audit_content *contents = user;
    return memcmp(contents[*(const uint32_t *)left].hash, contents[*(const uint32_t *)right].hash,
                  CONTENT_SIZE);
}

enum status audit_sort_contents(struct audit *audit) {
    if (audit->n_contents >= UINT32_MAX || audit->n_runs >= UINT32_MAX)
        return STATUS_LIMIT;
    audit->by_hash = reallocarray(NULL, audit->n_contents + 1, sizeof *audit->by_hash);
    if (audit->by_hash == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < audit->n_contents; i++)
        audit->by_hash[i] = (uint32_t)i;
    qsort_r(audit->by_hash, audit->n_contents, sizeof *audit->by_hash, compare_by_hash,
            audit->contents);
    return STATUS_OK;
}

static struct audit_content *find_content(struct audit *audit, const uint8_t hash[CONTENT_SIZE]) {
    size_t from = 0, to = audit->n_contents;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        struct audit_content *content = &audit->contents[audit->by_hash[middle]];
        int order = memcmp(content->hash, hash, CONTENT_SIZE);
        if (order == 0)
            return content;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

// ---- one fact ----

static void read_content(const struct db_result *result, int row, uint8_t out_hash[CONTENT_SIZE]) {
    const struct content_fact fact = {
        .id = db_uuid(result, row, FACT_ID),
        .subject = db_uuid(result, row, FACT_SUBJECT),
        .programme = (int32_t)db_int8(result, row, FACT_PROGRAMME),
        .kind = (int32_t)db_int8(result, row, FACT_KIND),
        .has_occurred_at = !db_is_null(result, row, FACT_OCCURRED_AT),
        .occurred_at_us = db_timestamptz_us(result, row, FACT_OCCURRED_AT),
        .has_until_at = !db_is_null(result, row, FACT_UNTIL_AT),
        .until_at_us = db_timestamptz_us(result, row, FACT_UNTIL_AT),
        .has_quantity = !db_is_null(result, row, FACT_QUANTITY),
        .quantity = db_int8(result, row, FACT_QUANTITY),
        .has_of = !db_is_null(result, row, FACT_OF),
        .of = db_uuid(result, row, FACT_OF),
        .item = db_text(result, row, FACT_ITEM),
        .form = db_text(result, row, FACT_FORM),
        .source_key = db_bytea(result, row, FACT_SOURCE_KEY),
        .submission_sha256 = db_bytea(result, row, FACT_SUBMISSION_SHA256),
    };
    content_of_fact(&fact, out_hash);
}

// A body may be gone when its erasure is in the audit, at the same time; its hash stays.
static void check_submission(struct audit *audit, int32_t district, int64_t seal,
                             const struct db_result *result, int row) {
    uint8_t hash[DIGEST_SHA256_SIZE];
    struct uuid id = db_uuid(result, row, FACT_ID);
    struct view body = db_bytea(result, row, FACT_SUBMISSION_BODY);
    size_t erased_at_us = uuid_map_find(&audit->erased, id);
    if (db_is_null(result, row, FACT_SUBMISSION_SHA256))
        return;
    digest_sha256(body, hash);
    if (!uuid_equal(db_uuid(result, row, FACT_SUBMISSION_STREAM),
                    db_uuid(result, row, FACT_STREAM)))
        tell(audit, district, seal, id, "its submission lies in another stream");
    if (body.data == NULL && erased_at_us == UUID_MAP_NONE)
        tell(audit, district, seal, id,
             "the body of its submission is gone, and nothing says who erased it");
    if (body.data != NULL &&
        !view_equal(view_from(hash, sizeof hash), db_bytea(result, row, FACT_SUBMISSION_SHA256)))
        tell(audit, district, seal, id, "the body of its submission is not what was handed in");
    if (db_is_null(result, row, FACT_ERASED_AT) != (body.data != NULL))
        tell(audit, district, seal, id, "its submission says the wrong thing about erasure");
    else if (body.data == NULL && erased_at_us != UUID_MAP_NONE &&
             (size_t)db_timestamptz_us(result, row, FACT_ERASED_AT) != erased_at_us)
        tell(audit, district, seal, id, "its submission was erased at another time");
}

// Facts lie where their subject lives; those about a unit that has moved lie in its new district.
// *out_seated: they have never lain elsewhere.
static void check_place(struct audit *audit, int32_t district, const struct audit_run *run,
                        const struct db_result *result, int row, bool *out_seated) {
    int64_t seal = run->seal;
    int32_t sent_in = audit->senders[run->sender].district;
    struct uuid subject = db_uuid(result, row, FACT_SUBJECT);
    size_t at = uuid_map_find(&audit->person_map, subject);
    struct uuid home = at != UUID_MAP_NONE ? audit->people[at].stream : subject;
    bool moved = uuid_map_find(&audit->row_map, db_uuid(result, row, FACT_ID)) != UUID_MAP_NONE;
    *out_seated = !moved && (at == UUID_MAP_NONE || audit->people[at].settled);
    if (!(moved && at == UUID_MAP_NONE) &&
        district != (at != UUID_MAP_NONE ? audit->people[at].district : sent_in))
        tell(audit, district, seal, db_uuid(result, row, FACT_ID), "it lies in another district");
    if (!uuid_equal(db_uuid(result, row, FACT_STREAM), home))
        tell(audit, district, seal, db_uuid(result, row, FACT_ID),
             "it lies in another stream than its subject");
}

static void compare_with_run(struct audit *audit, int32_t district, struct audit_content *content,
                             const struct db_result *result, int row) {
    const struct audit_run *run = &audit->runs[content->run];
    const struct audit_sender *sender = &audit->senders[run->sender];
    struct uuid id = db_uuid(result, row, FACT_ID);
    bool superseding = view_equal(db_text(result, row, FACT_FORM), SUPERSEDED);
    if (content->found)
        tell(audit, district, run->seal, id, "the ledger has it twice");
    content->found = true;
    content->seq = db_int8(result, row, FACT_SEQ);
    content->here = uuid_equal(db_uuid(result, row, FACT_STREAM), sender->stream);
    if (!uuid_equal(db_uuid(result, row, FACT_ACTOR), run->person))
        tell(audit, district, run->seal, id, "it names another person than its operation");
    if (db_timestamptz_us(result, row, FACT_RECEIVED_AT) != run->received_at_us)
        tell(audit, district, run->seal, id, "it was received at another time");
    if (db_int8(result, row, FACT_FLAGS) != (superseding ? 0 : run->flags))
        tell(audit, district, run->seal, id, "it has other flags than its operation");
    check_place(audit, district, run, result, row, &content->seated);
    check_submission(audit, district, run->seal, result, row);
}

// Without a run: from before there were content hashes, from a run that was pruned, or put in.
static bool may_be_uncovered(const struct audit *audit, int64_t received_at_us) {
    return audit->any_uncovered ||
           (audit->result->pruned > 0 && received_at_us < audit->now_us - AUDIT_PRUNE_US);
}

static enum status check_fact(struct audit *audit, int32_t district, const struct db_result *result,
                              int row) {
    uint8_t hash[CONTENT_SIZE];
    struct uuid id = db_uuid(result, row, FACT_ID);
    read_content(result, row, hash);
    struct audit_content *content = find_content(audit, hash);
    size_t moved = uuid_map_find(&audit->row_map, id); // by a transfer between districts
    if (moved != UUID_MAP_NONE)
        audit->rows[moved].found = true;
    audit->result->facts++;
    audit->submissions += !db_is_null(result, row, FACT_SUBMISSION_SHA256);
    if (content != NULL)
        compare_with_run(audit, district, content, result, row);
    else if (may_be_uncovered(audit, db_timestamptz_us(result, row, FACT_RECEIVED_AT)))
        audit->result->uncovered++;
    else
        tell(audit, district, 0, id, "no operation has stored what it says");
    return audit_count_row(audit, district, db_uuid(result, row, FACT_STREAM), id, 1,
                           db_int8(result, row, FACT_SEQ));
}

static enum status count_submissions(struct audit *audit, int32_t district, int64_t *out_n) {
    struct db_result *result = NULL;
    enum status status =
        db_sync_query(audit->db, "audit_submissions", audit_params(audit, district), &result);
    *out_n = status == STATUS_OK ? db_int8(result, 0, 0) : 0;
    db_sync_free_result(&result);
    return status;
}

enum status audit_check_facts(struct audit *audit, int32_t district) {
    int64_t n = 0;
    audit->submissions = 0;
    TRY(audit_each_row(audit, district, "audit_facts", FACT_ID, check_fact));
    TRY(count_submissions(audit, district, &n));
    if (n != audit->submissions)
        audit_tell(audit, district, 0, "submission", "%lld have no fact",
                   (long long)(n - audit->submissions));
    return STATUS_OK;
}

// ---- what the runs name and the ledger has not ----

// Somebody's facts are under way with him: a content does not say whose it is, so they are counted.
static bool take_left(size_t *left) {
    if (*left == 0)
        return false;
    (*left)--;
    return true;
}

// Places of a run's facts follow one another, as long as nobody of them has moved.
static void check_places(struct audit *audit, const struct audit_run *run) {
    const struct audit_content *first = &audit->contents[run->contents];
    for (size_t i = 0; i < run->n_contents; i++)
        if (!first[i].found || !first[i].here || !first[i].seated)
            return;
    for (size_t i = 0; i < run->n_contents; i++) {
        int64_t place = run->seq_from + (int64_t)i;
        if (first[i].seq != place)
            audit_tell(audit, audit->senders[run->sender].district, run->seal,
                       audit_name_run_of(audit, run),
                       "its record %zu lies at place %lld of the stream instead of %lld", i + 1,
                       (long long)first[i].seq, (long long)place);
    }
}

void audit_missing_facts(struct audit *audit, size_t left) {
    for (size_t i = 0; i < audit->n_runs; i++) {
        const struct audit_run *run = &audit->runs[i];
        for (size_t at = 0; at < run->n_contents; at++)
            if (!audit->contents[run->contents + at].found && !take_left(&left))
                audit_tell(audit, audit->senders[run->sender].district, run->seal,
                           audit_name_run_of(audit, run),
                           "its record %zu is missing from the ledger, or was changed", at + 1);
        check_places(audit, run);
        arena_reset(audit->page);
    }
}
