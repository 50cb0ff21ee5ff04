// What the heads say against what their streams hold: rows, digest, newest place, runs.
#include "server/audit/verification.h"

enum { HEAD_DISTRICT, HEAD_STREAM, HEAD_HEAD, HEAD_LIVE, HEAD_DIGEST, HEAD_RUNS, HEAD_PAIRED };
enum { OTHER_ID, OTHER_VERSION, OTHER_STREAM, OTHER_SEQ };

static enum status count_other(struct audit *audit, int32_t district,
                               const struct db_result *result, int row) {
    return audit_count_row(audit, district, db_uuid(result, row, OTHER_STREAM),
                           db_uuid(result, row, OTHER_ID), db_int8(result, row, OTHER_VERSION),
                           db_int8(result, row, OTHER_SEQ));
}

static enum status check_head(struct audit *audit, const struct db_result *result, int row) {
    int32_t district = (int32_t)db_int8(result, row, HEAD_DISTRICT);
    struct audit_stream *stream =
        audit_stream_of(audit, district, db_uuid(result, row, HEAD_STREAM));
    if (stream == NULL)
        return STATUS_NO_MEMORY;
    const char *name = audit_name_row(audit, "head", stream->id);
    stream->has_head = true;
    if (!db_bool(result, row, HEAD_PAIRED))
        audit_tell(audit, district, 0, name, "there is no such unit, or the unit has no head");
    if (db_int8(result, row, HEAD_RUNS) != stream->runs)
        audit_tell(audit, district, 0, name, "it counts %lld runs, there are %lld",
                   (long long)db_int8(result, row, HEAD_RUNS), (long long)stream->runs);
    if (db_int8(result, row, HEAD_LIVE) != stream->live)
        audit_tell(audit, district, 0, name, "it counts %lld rows, there are %lld",
                   (long long)db_int8(result, row, HEAD_LIVE), (long long)stream->live);
    else if ((uint64_t)db_int8(result, row, HEAD_DIGEST) != stream->digest)
        audit_tell(audit, district, 0, name, "its digest is not that of its rows");
    if (db_int8(result, row, HEAD_HEAD) < stream->most_seq)
        audit_tell(audit, district, 0, name, "it stands at %lld, a row lies at %lld",
                   (long long)db_int8(result, row, HEAD_HEAD), (long long)stream->most_seq);
    return STATUS_OK;
}

enum status audit_check_heads(struct audit *audit) {
    struct db_result *result = NULL;
    int32_t before = INT32_MIN;
    enum status status = db_sync_query(audit->db, "audit_heads", NULL, &result);
    for (int row = 0; status == STATUS_OK && row < db_rows(result); row++) {
        int32_t district = (int32_t)db_int8(result, row, HEAD_DISTRICT);
        if (district != before)
            status = audit_each_row(audit, district, "audit_other_rows", OTHER_ID, count_other);
        before = district;
        if (status == STATUS_OK)
            status = check_head(audit, result, row);
    }
    db_sync_free_result(&result);
    for (size_t i = 0; status == STATUS_OK && i < audit->n_streams; i++) {
        const struct audit_stream *stream = &audit->streams[i];
        if (!stream->has_head)
            audit_tell(audit, stream->district, 0, audit_name_row(audit, "stream", stream->id),
                       "%lld rows and %lld runs lie in it, and it belongs to no unit",
                       (long long)stream->live, (long long)stream->runs);
    }
    return status;
}
