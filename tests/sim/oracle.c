// The end of a seed: all faults off, everybody syncs until nothing moves (within a bound), then
// every promise is compared with the database and the homes.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/core/client.h"
#include "client/store/replica.h"
#include "common/wire/reason.h"
#include "server/assessor/verify.h"
#include "server/db/sync.h"
#include "tests/sim/world.h"

#define SYNC_BOUND_US (180 * SIM_SECOND)
#define ASSESSOR_BOUND_US (120 * SIM_SECOND)
#define MAX_ROUNDS 30

// ---- quiet ----

static bool all_idle(void *user) {
    (void)user;
    for (unsigned i = 0; i < world_device_count; i++)
        if (!device_is_idle(&world_devices[i]))
            return false;
    return true;
}

static bool everybody_syncs(void) {
    for (unsigned i = 0; i < world_device_count; i++)
        device_order(&world_devices[i], COMMAND_SYNC);
    if (sim_run(sim_now_us() + SYNC_BOUND_US, all_idle, NULL))
        return true;
    finding("a sync does not end within %d s", SYNC_BOUND_US / SIM_SECOND);
    return false;
}

static int64_t next_look_us;

// Asked so often that the question itself must be rare.
static bool assessor_is_quiet(void *user) {
    (void)user;
    if (sim_now_us() < next_look_us)
        return false;
    next_look_us = sim_now_us() + 500 * SIM_MS;
    return base_number("select (select count(*) from lx.todo) + (select count(*) from lx.head h "
                       "left join lx.stream_cursor c on c.district = h.district and c.stream = "
                       "h.stream where h.district > 0 and h.head > coalesce(c.seq, 0))") == 0;
}

static bool assessor_catches_up(void) {
    next_look_us = 0;
    if (sim_run(sim_now_us() + ASSESSOR_BOUND_US, assessor_is_quiet, NULL))
        return true;
    finding("the assessor does not catch up within %d s", ASSESSOR_BOUND_US / SIM_SECOND);
    return false;
}

// Out of scope, or a unit that cannot arrive: the only reasons for which a queue may stand. The
// stream's first group has it; what waits behind has none of its own.
static bool has_reason(const struct outbox_entries *entries, struct uuid stream) {
    for (size_t i = 0; i < entries->count; i++) {
        const Lx__Reason *reason = entries->entries[i].reason;
        if (reason != NULL && uuid_equal(entries->entries[i].stream, stream) &&
            (reason->reason == REASON_STREAM_UNKNOWN ||
             (reason->reason == REASON_UNIT_MOVING && units_are_stuck())))
            return true;
    }
    return false;
}

// What waits and nobody is told why.
static uint64_t waiting_of(const struct device *device) {
    struct arena *arena = arena_new(0);
    struct outbox_entries entries = {0};
    uint64_t n = 0;
    if (store_outbox(device->store, OUTBOX_WAITING, arena, &entries) != STATUS_OK)
        finding("the outbox of %s cannot be read", device->account);
    for (size_t i = 0; i < entries.count; i++) {
        const struct outbox_entry *entry = &entries.entries[i];
        bool waits = entry->blocked_by == 0 && !has_reason(&entries, entry->stream);
        if (waits && sim_healed())
            trace("%s waits with entry %" PRId64 ", key %" PRIu64 ", reason %u", device->account,
                  entry->id, entry->op_seq, entry->reason != NULL ? entry->reason->reason : 0);
        n += waits;
    }
    arena_free(&arena);
    return n;
}

static bool is_settled(const struct device *device) {
    return device->last_result == CLIENT_OK && waiting_of(device) == 0;
}

static bool all_are_settled(void) {
    for (unsigned i = 0; i < world_device_count; i++)
        if (!is_settled(&world_devices[i]))
            return false;
    return true;
}

// A cloned device is frozen when both copies have written, others are revoked; their people get new
// ones.
static void mend_frozen(void) {
    for (unsigned i = 0; i < world_device_count; i++) {
        struct arena *arena = arena_new(0);
        struct db_params *params = db_params_new(arena);
        db_param_bytea(params, view_from(world_devices[i].id, sizeof world_devices[i].id));
        struct db_result *result =
            base_ask("select frozen_at is not null from lx.device where device = $1 and "
                     "(frozen_at is not null or revoked_at is not null)",
                     params);
        if (result != NULL && db_rows(result) > 0) {
            if (db_bool(result, 0, 0) && !world_devices[i].copied)
                finding("%s is frozen as a copy, and there is none", world_devices[i].machine.name);
            device_enrol_again(&world_devices[i]);
        }
        base_free(&result);
        arena_free(&arena);
    }
}

static bool never(void *user) {
    (void)user;
    return false;
}

static bool become_quiet(void) {
    int64_t heads = -1;
    for (int round = 0; round < MAX_ROUNDS; round++) {
        if (!everybody_syncs() || !assessor_catches_up())
            return false;
        mend_frozen();
        int64_t now = base_number("select sum(head)::int8 from lx.head");
        if (now == heads && all_are_settled())
            return true;
        heads = now;
        (void)sim_run(sim_now_us() + SIM_SECOND, never, NULL); // what is on its way arrives
    }
    for (unsigned i = 0; i < world_device_count; i++)
        if (!is_settled(&world_devices[i]))
            finding("%s: after the heal %" PRIu64 " operations still wait, sync says %d",
                    world_devices[i].account, waiting_of(&world_devices[i]),
                    world_devices[i].last_result);
    return true;
}

// ---- the server's own promises ----

static void check_streams(void) {
    struct db_result *result = base_ask(
        "with r as (select district, stream, seq, id, 1::int8 as version from lx.fact"
        " union all select district, stream, seq, id, version from lx.person"
        " union all select district, stream, seq, id, version from lx.membership"
        " union all select district, stream, seq, id, version from lx.standing"
        " union all select district, stream, seq, id, version from lx.transit where ended_at is "
        "null"
        " union all select 0, (select id from lx.unit where level = 1), seq, id, version from "
        "lx.unit"
        " union all select 0, (select id from lx.unit where level = 1), seq, id, version from "
        "lx.programme),"
        " s as (select district, stream, seq from r union all"
        " select district, stream, seq from lx.left_stream union all"
        " select district, stream, seq from lx.transit where ended_at is not null),"
        " c as (select district, stream, count(*) as n, bit_xor(lx.row_digest(id, version)) as d"
        " from r group by 1, 2),"
        " q as (select district, stream, count(*) as n, count(distinct seq) as u, min(seq) as low,"
        " max(seq) as high from s group by 1, 2)"
        " select u.code, h.live, coalesce(c.n, 0), h.digest = coalesce(c.d, 0),"
        " coalesce(q.n = q.u and q.low >= 1 and q.high <= h.head, true)"
        " from lx.head h join lx.unit u on u.id = h.stream left join c on c.district = h.district "
        "and "
        "c.stream = h.stream left join q on q.district = h.district and q.stream = h.stream"
        " where h.live <> coalesce(c.n, 0) or h.digest <> coalesce(c.d, 0)"
        " or not coalesce(q.n = q.u and q.low >= 1 and q.high <= h.head, true)",
        NULL);
    for (int row = 0; result != NULL && row < db_rows(result); row++)
        finding("stream %.*s: live %" PRId64 " and %" PRId64 " counted, digest %s, places %s",
                (int)db_text(result, row, 0).size, (const char *)db_text(result, row, 0).data,
                db_int8(result, row, 1), db_int8(result, row, 2),
                db_bool(result, row, 3) ? "good" : "WRONG",
                db_bool(result, row, 4) ? "good" : "WRONG");
    base_free(&result);
}

static void on_line(void *user, const char *line) {
    (void)user;
    finding("verify: %s", line);
}

static void check_figures(void) {
    struct db_sync *db = NULL;
    struct verify_result result = {0};
    if (db_sync_open("none", "oracle", &db, NULL, 0) != STATUS_OK)
        abort();
    enum status status = verify_run(db, 0, on_line, NULL, &result);
    if (status != STATUS_OK || result.standings_wrong > 0 || result.rollups_wrong > 0)
        finding("verify: %s, %zu of %zu standings and %zu of %zu roll-ups are wrong",
                status_name(status), result.standings_wrong, result.standings, result.rollups_wrong,
                result.rollups);
    db_sync_close(&db);
}

// ---- the homes ----

// What left a stream stays in sight while a unit is under way, so it may be proved and not settled.
static bool is_whole(const struct store_stream *stream) {
    return stream->whole || (stream->proved && units_are_stuck());
}

// I5: a replica is what the server has.
static void check_replica(struct device *device, const struct store_stream *stream) {
    struct arena *arena = arena_new(0);
    struct db_params *params = db_params_new(arena);
    uint64_t recount = 0, digest = 0;
    db_param_uuid(params, stream->stream);
    struct db_result *result = base_ask(
        "select h.head, h.live, h.digest, u.code, u.moving_to is not null from lx.unit u join "
        "lx.head h on h.stream = u.id and h.district = u.district where u.id = $1",
        params);
    if (result == NULL || db_rows(result) != 1 ||
        store_stream_recount(device->store, stream->stream, &recount, &digest) != STATUS_OK)
        finding("%s: a stream that is not there", device->account);
    else if (db_bool(result, 0, 4) && units_are_stuck())
        trace("%s, a stream under way", device->account);
    else if (stream->cursor != (uint64_t)db_int8(result, 0, 0) || !is_whole(stream) ||
             stream->live_count != (uint64_t)db_int8(result, 0, 1) ||
             stream->digest != (uint64_t)db_int8(result, 0, 2) || recount != stream->live_count ||
             digest != stream->digest)
        finding("%s, stream %.*s: cursor %" PRIu64 " of %" PRId64 ", %s, rows %" PRIu64
                " (recount %" PRIu64 ") of %" PRId64 ", digest %s",
                device->account, (int)db_text(result, 0, 3).size,
                (const char *)db_text(result, 0, 3).data, stream->cursor, db_int8(result, 0, 0),
                is_whole(stream) ? "whole" : "NOT whole", stream->live_count, recount,
                db_int8(result, 0, 1),
                stream->digest == (uint64_t)db_int8(result, 0, 2) ? "equal" : "DIFFERENT");
    base_free(&result);
    arena_free(&arena);
}

// What the digest of a replica does not cover: that a row's content is the server's, too. `sql`
// takes the stream and returns ids and a text; `text_of` the same of a row.
static void check_content(const struct device *device, struct uuid stream, enum store_kind kind,
                          const char *sql, const char *(*text_of)(const Lx__Row *row)) {
    struct arena *arena = arena_new(0);
    struct store_query query = {.kind = kind, .stream = &stream};
    struct store_rows rows;
    struct db_params *params = db_params_new(arena);
    db_param_uuid(params, stream);
    struct db_result *result = base_ask(sql, params);
    if (store_find(device->store, &query, arena, &rows) != STATUS_OK)
        rows.count = 0;
    for (size_t i = 0; i < rows.count; i++) {
        if (rows.rows[i].local)
            continue;
        for (int row = 0; row < db_rows(result); row++)
            if (uuid_equal(db_uuid(result, row, 0), rows.rows[i].id) &&
                !view_equal(db_text(result, row, 1), view_from_string(text_of(rows.rows[i].row))))
                finding("%s has \"%s\" of version %" PRIu64 " where the server has \"%.*s\"",
                        device->account, text_of(rows.rows[i].row), rows.rows[i].version,
                        (int)db_text(result, row, 1).size,
                        (const char *)db_text(result, row, 1).data);
        count(COUNT_CONTENT);
    }
    base_free(&result);
    arena_free(&arena);
}

static const char *name_of(const Lx__Row *row) {
    return row->person->name;
}

static const char *end_of(const Lx__Row *row) {
    static char text[32];
    snprintf(text, sizeof text, "%" PRId64,
             row->membership->has_until_ms ? row->membership->until_ms : 0);
    return text;
}

static void check_contents(const struct device *device, struct uuid stream) {
    check_content(device, stream, STORE_KIND_PERSON,
                  "select id, name from lx.person where stream = $1", name_of);
    check_content(device, stream, STORE_KIND_MEMBERSHIP,
                  "select id, coalesce(lx.unix_ms(until_at), 0)::text from lx.membership "
                  "where stream = $1",
                  end_of);
}

static void check_home(struct device *device) {
    struct arena *arena = arena_new(0);
    struct store_stream *streams;
    size_t n = 0;
    if (store_streams(device->store, arena, &n, &streams) != STATUS_OK)
        finding("%s: the streams cannot be read", device->account);
    for (size_t i = 0; i < n; i++) {
        check_replica(device, &streams[i]);
        check_contents(device, streams[i].stream);
    }
    trace("%s: %zu streams checked", device->account, n);
    standing_check(device);
    arena_free(&arena);
}

void oracle_run(void) {
    sim_heal();
    net_heal();
    for (unsigned i = 0; i < world_device_count; i++)
        world_devices[i].watching = false;
    for (unsigned i = 0; i < world_device_count; i++)
        if (!disk_is_off(world_devices[i].disk))
            disk_cut_after(world_devices[i].disk, 0);
    operator_opens(NULL);
    units_heal();
    bool quiet = become_quiet();
    check_streams();
    history_check();
    places_check();
    if (!quiet)
        return;
    units_check();
    check_figures();
    audit_check();
    for (unsigned i = 0; i < world_device_count; i++)
        if (world_devices[i].store != NULL && is_settled(&world_devices[i]))
            check_home(&world_devices[i]);
}
