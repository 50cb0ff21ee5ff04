// Witnesses are entries of the configuration: "head.DISTRICT.DAY" = the line. See witness.h.
#include "client/store/witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/store/db.h"
#include "common/base/clock.h"

#define HASH_SIZE 32
#define LINE_SIZE 160
#define WENT_BACK "head_went_back"
#define LAST_MS INT64_C(253402300799999) // of the year 9999

static const char *const ALGORITHMS[] = {"unknown", "sha256", "sm3"};

static bool is_whole(const Lx__SealHead *head) {
    return head->number > 0 && head->number <= INT64_MAX && head->sealed_at_ms > 0 &&
           head->sealed_at_ms <= LAST_MS && head->hash.len == HASH_SIZE && head->algorithm > 0 &&
           head->algorithm < sizeof ALGORITHMS / sizeof ALGORITHMS[0];
}

static void write_line(const Lx__SealHead *head, char out_line[LINE_SIZE]) {
    int used = snprintf(out_line, LINE_SIZE, "head %u %llu %s %lld ", head->district,
                        (unsigned long long)head->number, ALGORITHMS[head->algorithm],
                        (long long)head->sealed_at_ms);
    for (size_t i = 0; i < HASH_SIZE; i++)
        used += snprintf(out_line + used, LINE_SIZE - (size_t)used, "%02x", head->hash.data[i]);
}

static bool read_line(const char *line, struct store_witness *out) {
    unsigned long long number = 0;
    if (sscanf(line, "head %u %llu ", &out->district, &number) != 2)
        return false;
    out->number = number;
    out->line = line;
    return true;
}

// The newest that is kept of the district: the chain must not have gone back behind it.
static enum status note_setback(struct store *store, const Lx__SealHead *head, const char *line) {
    struct arena *arena = arena_new(0);
    struct store_witness *known = NULL;
    size_t n = 0;
    bool back = false;
    enum status status =
        arena != NULL ? store_witnesses(store, arena, &n, &known) : STATUS_NO_MEMORY;
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        back = back || (known[i].district == head->district &&
                        (known[i].number > head->number ||
                         (known[i].number == head->number && strcmp(known[i].line, line) != 0)));
    arena_free(&arena);
    return status == STATUS_OK && back ? store_config_set_int(store, WENT_BACK, 1) : status;
}

enum status store_witness_put(struct store *store, const Lx__SealHead *head) {
    char line[LINE_SIZE], name[64], day[11];
    if (!is_whole(head))
        return STATUS_OK; // from a server that knows more than we do
    write_line(head, line);
    clock_format_day(clock_day_of(head->sealed_at_ms), day);
    snprintf(name, sizeof name, "head.%u.%s", head->district, day);
    TRY(note_setback(store, head, line));
    return store_config_set(store, name, view_from_string(line));
}

enum status store_witnesses(struct store *store, struct arena *arena, size_t *out_n,
                            struct store_witness **out_witnesses) {
    int64_t most = 0;
    sqlite3_stmt *statement;
    *out_n = 0;
    TRY(db_int(store, &most, "select count(*) from config where name glob 'head.*'", ""));
    *out_witnesses = arena_array(arena, (size_t)most + 1, sizeof **out_witnesses);
    if (*out_witnesses == NULL)
        return STATUS_NO_MEMORY;
    TRY(db_open(store, &statement,
                "select value from config where name glob 'head.*' order by name", ""));
    enum status status = STATUS_OK;
    while (*out_n < (size_t)most && (status = db_step(store, statement)) == STATUS_OK) {
        struct view value = view_from(sqlite3_column_blob(statement, 0),
                                      (size_t)sqlite3_column_bytes(statement, 0));
        char *line = arena_string(arena, value);
        if (line == NULL) {
            status = STATUS_NO_MEMORY;
            break;
        }
        *out_n += read_line(line, &(*out_witnesses)[*out_n]);
    }
    db_close(store, &statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status store_witness_went_back(struct store *store, bool *out_back) {
    int64_t noted = 0;
    enum status status = store_config_get_int(store, WENT_BACK, 0, &noted);
    *out_back = noted != 0;
    return status;
}
