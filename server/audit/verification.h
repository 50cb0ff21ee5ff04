// What the parts of the verification share: chain.c walks the seals, runs.c and actions.c compare
// the rows that they cover, roster.c and ledger.c compare people, memberships and facts with the
// runs, reference.c rights and units with the actions, heads.c the heads with all of it. Everything
// is kept in memory, about 60 bytes an operation.
#pragma once

#include "common/wire/content.h"
#include "server/assessor/uuid_map.h"
#include "server/audit/entries.h"
#include "server/audit/verify.h"

// Runs may be pruned when they are older, all but the newest of a stream and device.
#define AUDIT_PRUNE_US (INT64_C(400) * 86400 * 1000000)
// Rows that wait longer for their seal are a finding.
#define AUDIT_UNSEALED_US (INT64_C(60) * 1000000)
// Rows that claim to be so much older than the newest seal were put in.
#define AUDIT_LATE_US (INT64_C(3600) * 1000000)
#define AUDIT_PAGE 10000 // rows of a query

struct audit_sender { // a device's operations of one stream
    int32_t district;
    struct uuid stream;
    struct view device; // in the arena
    int64_t op_to;      // newest that is sealed
    int64_t sealed, present, pruned;
    bool newest_missing;
};

struct audit_run {
    size_t sender;
    int64_t op_from, op_to, seq_from, received_at_us;
    int64_t seal; // 0: not yet
    struct uuid person;
    int32_t flags;
    bool covered;                // has content hashes
    size_t contents, n_contents; // first one and number
};

struct audit_content {
    uint8_t hash[CONTENT_SIZE];
    uint32_t run;
    bool found;
    bool here;   // the fact lies in the stream of its run
    bool seated; // its subject has never moved, so its place has not changed
    int64_t seq;
};

struct audit_row { // newest version of a roster row
    struct uuid id;
    int64_t version;
    uint8_t content[CONTENT_SIZE];
    uint32_t run;
    bool left; // a transfer has taken it out of a district
    bool found;
};

struct audit_note {      // newest action about a row of rights, units, programmes or accounts
    const char *target;  // owned by the arena
    struct uuid detail;  // hash of what it says
    int64_t seal, at_us; // seal INT64_MAX: not sealed yet
    bool gone, found;
};

struct audit_person {
    struct uuid stream;
    int32_t district;
    bool settled; // never had another home
};

struct audit_stream {
    struct uuid id;
    int32_t district;
    int64_t live, most_seq, runs;
    bool has_head;
    uint64_t digest;
};

struct audit {
    struct db_sync *db;
    const struct audit_options *options;
    struct audit_result *result;
    struct arena *arena; // owns; of maps and texts
    struct arena *page;  // owns; of one query
    struct buf scratch;
    int64_t now_us;
    int64_t submissions;    // seen with their facts, in the district at hand
    int64_t newest_seal_us; // of the district at hand
    bool any_uncovered;     // some run has no content hashes

    struct audit_sender *senders;
    size_t n_senders, senders_room;
    struct uuid_map sender_map;
    struct audit_run *runs;
    size_t n_runs, runs_room;
    struct audit_content *contents;
    size_t n_contents, contents_room;
    uint32_t *by_hash; // contents in the order of their hashes
    struct audit_row *rows;
    size_t n_rows, rows_room;
    struct uuid_map row_map;
    struct audit_person *people;
    size_t n_people, people_room;
    struct uuid_map person_map;
    struct audit_stream *streams;
    size_t n_streams, streams_room;
    struct uuid_map stream_map;
    struct uuid_map sealed_actions; // id -> number of the seal
    struct uuid_map erased;         // facts whose submission was erased -> when, microseconds
    struct audit_note *notes;
    size_t n_notes, notes_room;
    struct uuid_map note_map; // hash of the target
};

void audit_tell(struct audit *audit, int32_t district, int64_t seal, const char *row,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
// Texts for findings, in the page's arena; never NULL.
const char *audit_name_run(struct audit *audit, struct uuid stream, struct view device,
                           int64_t op_to);
const char *audit_name_row(struct audit *audit, const char *table, struct uuid id);
const char *audit_name_run_of(struct audit *audit, const struct audit_run *run);

// Room for one more element behind n.
enum status audit_grow(void **array, size_t n, size_t *room, size_t size) MUST_USE;
#define AUDIT_GROW(audit, name)                                                                    \
    audit_grow((void **)&(audit)->name, (audit)->n_##name, &(audit)->name##_room,                  \
               sizeof *(audit)->name)

// Parameters that begin with the district.
struct db_params *audit_params(struct audit *audit, int32_t district);

// A district's table in pages: the statement takes district, last id and limit, and returns the id
// first. `on_row` sees every row.
typedef enum status (*audit_row_fn)(struct audit *audit, int32_t district,
                                    const struct db_result *result, int row);
enum status audit_each_row(struct audit *audit, int32_t district, const char *statement,
                           int id_column, audit_row_fn on_row) MUST_USE;

// Makes the stream on first use. NULL: out of memory.
struct audit_stream *audit_stream_of(struct audit *audit, int32_t district, struct uuid stream);
// Counts one live row of a stream.
enum status audit_count_row(struct audit *audit, int32_t district, struct uuid stream,
                            struct uuid id, int64_t version, int64_t seq) MUST_USE;

enum status audit_walk_chain(struct audit *audit, int32_t district) MUST_USE;

// Entries of seals, all of one kind, compared with their rows.
struct audit_entry {
    struct entry entry;
    int64_t seal, sealed_at_us;
    enum seal_algorithm algorithm;
};
enum status audit_check_runs(struct audit *audit, int32_t district,
                             const struct audit_entry *entries, size_t n) MUST_USE;
enum status audit_check_actions(struct audit *audit, int32_t district,
                                const struct audit_entry *entries, size_t n) MUST_USE;
// Rows that no seal covers.
enum status audit_rest_of_runs(struct audit *audit, int32_t district) MUST_USE;
enum status audit_rest_of_actions(struct audit *audit, int32_t district) MUST_USE;

enum status audit_check_people(struct audit *audit, int32_t district) MUST_USE;
enum status audit_sort_contents(struct audit *audit) MUST_USE;
enum status audit_check_facts(struct audit *audit, int32_t district) MUST_USE;
void audit_missing_rows(struct audit *audit, size_t *out_left);
void audit_missing_facts(struct audit *audit, size_t left);
// An action about such a row is kept; others are passed over. `seal` 0: not sealed yet.
enum status audit_take_note(struct audit *audit, int32_t district, int64_t seal,
                            const struct db_result *result, int row) MUST_USE;
enum status audit_check_reference(struct audit *audit) MUST_USE;
enum status audit_check_heads(struct audit *audit) MUST_USE;
