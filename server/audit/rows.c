// A leaf covers every column: a letter, then each value as PostgreSQL sends it, behind its length
// (4 bytes, all ones for null). Numbers are big-endian, times microseconds since 2000-01-01.
#include "server/audit/rows.h"

#include <endian.h>
#include <string.h>

#define NULL_SIZE UINT32_MAX

static enum status put_value(struct buf *buf, struct view value) {
    uint32_t size = htobe32(value.data != NULL ? (uint32_t)value.size : NULL_SIZE);
    TRY(buf_append(buf, &size, sizeof size));
    return value.size > 0 ? buf_append(buf, value.data, value.size) : STATUS_OK;
}

static enum status encode(const struct db_result *result, int row, char letter, int columns,
                          struct buf *buf) {
    buf_reset(buf);
    TRY(buf_append(buf, &letter, 1));
    for (int column = 0; column < columns; column++)
        TRY(put_value(buf, db_bytea(result, row, column)));
    return STATUS_OK;
}

enum status rows_entry(const struct db_result *result, int row, enum entry_kind kind,
                       enum seal_algorithm algorithm, struct buf *scratch,
                       struct entry *out_entry) {
    bool is_run = kind == ENTRY_RUN;
    *out_entry = (struct entry){.kind = kind};
    out_entry->id = db_uuid(result, row, is_run ? RUN_STREAM : ACTION_ID);
    if (is_run) {
        out_entry->device = db_bytea(result, row, RUN_DEVICE);
        out_entry->op_to = db_int8(result, row, RUN_OP_TO);
    }
    TRY(encode(result, row, is_run ? 'R' : 'A', is_run ? RUN_COLUMNS : ACTION_COLUMNS, scratch));
    seal_leaf(algorithm, buf_view(scratch), out_entry->leaf);
    return STATUS_OK;
}
