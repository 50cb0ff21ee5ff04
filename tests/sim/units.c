// Units that move to another district or school, go into one another and close, as an operator's
// tool does it: a step at a time (server/ctl/unit_move.c). Anything may come between two steps, and
// a tool may be killed; then another one goes on, or takes the unit back.
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

#define MAX_TOOLS 4
#define MAX_MERGES 2 // a small city soon has nothing left
#define HEAL_BOUND_US (120 * SIM_SECOND)
#define CODE_SIZE 16

enum { MOVE_DONE = 1, MOVE_UNDER_WAY = 2 };
enum { IN_DONE = 1, IN_WAIT = 2, IN_CLASH = 4 };

// A tool that runs: its next call.
struct tool {
    bool runs;
    bool back;
    enum { STEP_BEGIN, STEP_IN, STEP_END } step;
    char unit[CODE_SIZE], to[CODE_SIZE];
    struct uuid move;
};

static struct tool tools[MAX_TOOLS];
static unsigned merges;
static unsigned stuck; // moves that can go neither way, as the heal found them

void units_begin(void) {
    memset(tools, 0, sizeof tools);
    merges = stuck = 0;
}

static void take_code(char *code, const struct db_result *result, int row, int column) {
    struct view text = db_text(result, row, column);
    snprintf(code, CODE_SIZE, "%.*s", (int)text.size, (const char *)text.data);
}

static struct uuid new_id(void) {
    struct uuid id;
    for (size_t i = 0; i < UUID_SIZE; i++)
        id.bytes[i] = (uint8_t)(sim_random() >> 32);
    return id;
}

// ---- the steps ----

// The verdict, -1: none. A move is said by its id, or begun under it.
static int ask(const char *sql, struct uuid *move, const char *unit, const char *to) {
    struct arena *arena = arena_new(0);
    struct db_params *params = db_params_new(arena);
    if (move != NULL)
        db_param_uuid(params, *move);
    if (unit != NULL)
        db_param_string(params, unit);
    if (to != NULL)
        db_param_string(params, to);
    struct db_result *result = base_ask(sql, params);
    int verdict = result != NULL ? (int)db_int8(result, 0, 0) : -1;
    if (verdict == MOVE_UNDER_WAY && unit != NULL)
        *move = db_uuid(result, 0, 1);
    base_free(&result);
    arena_free(&arena);
    return verdict;
}

static int begin(struct tool *tool) {
    struct uuid move = new_id();
    int verdict = ask("select verdict, move from lx.unit_move('sim', $1, $2, $3)", &move,
                      tool->unit, tool->to);
    trace("unit move %s --to %s: %d", tool->unit, tool->to, verdict);
    if (verdict == MOVE_DONE) {
        scope_unit_put(tool->unit, tool->to);
        count(COUNT_UNIT_WITHIN);
    }
    if (verdict == MOVE_UNDER_WAY && uuid_equal(move, tool->move))
        return verdict; // begun before
    if (verdict == MOVE_UNDER_WAY)
        count(COUNT_UNIT_OUT);
    tool->move = move;
    return verdict;
}

// A call that repeats a step does nothing and answers as the first one did: between them another
// tool may have moved the unit on.
static int bring_in(struct tool *tool) {
    bool was_in = ask("select count(*)::int4 from lx.unit_move m where m.id = $1 and m.taken_by is "
                      "not null",
                      &tool->move, NULL, NULL) != 0;
    int verdict = ask(tool->back ? "select verdict from lx.unit_move_in('sim', $1, true)"
                                 : "select verdict from lx.unit_move_in('sim', $1, false)",
                      &tool->move, NULL, NULL);
    trace("unit move %s %s: in %d", tool->unit, tool->back ? "--back" : tool->to, verdict);
    if (verdict == IN_DONE && !was_in && !tool->back)
        scope_unit_put(tool->unit, tool->to);
    if (verdict == IN_DONE && !was_in)
        count(tool->back ? COUNT_UNIT_BACK : COUNT_UNIT_IN);
    if (verdict == IN_CLASH)
        count(COUNT_UNIT_CLASH);
    return verdict;
}

static int end(struct tool *tool) {
    int verdict = ask("select verdict from lx.unit_move_end($1)", &tool->move, NULL, NULL);
    trace("unit move %s: end %d", tool->unit, verdict);
    return verdict;
}

// One call; false: the tool ends.
static bool go_on(struct tool *tool) {
    switch (tool->step) {
    case STEP_BEGIN:
        tool->step = STEP_IN;
        return begin(tool) == MOVE_UNDER_WAY;
    case STEP_IN: {
        int verdict = bring_in(tool);
        if (verdict == IN_DONE)
            tool->step = STEP_END;
        return verdict == IN_DONE || verdict == IN_WAIT;
    }
    case STEP_END:
        (void)end(tool);
    }
    return false;
}

// ---- tools ----

static void work(void *user) {
    struct tool *tool = user;
    tool->runs = !sim_healed() && go_on(tool);
    if (tool->runs && sim_chance(1500)) {
        trace("the tool is killed");
        tool->runs = false;
    }
    if (tool->runs) {
        int64_t most_us = sim_below(3) == 0 ? 5 * SIM_SECOND : 150 * SIM_MS;
        sim_at(sim_now_us() + sim_between(10 * SIM_MS, most_us), work, tool);
    }
}

static struct tool *free_tool(void) {
    for (size_t i = 0; i < MAX_TOOLS; i++)
        if (!tools[i].runs)
            return &tools[i];
    return NULL;
}

static struct db_result *list_moves(void) {
    return base_ask("select unit_code, to_code, move, arrived from lx.unit_moves() order by 1",
                    NULL);
}

static struct tool read_move(const struct db_result *result, int row) {
    struct tool tool = {.runs = true, .move = db_uuid(result, row, 2)};
    take_code(tool.unit, result, row, 0);
    take_code(tool.to, result, row, 1);
    tool.step = db_bool(result, row, 3) ? STEP_END : STEP_IN;
    return tool;
}

// The same command again, or --back. False: nothing is under way.
static bool take_up(struct tool *tool) {
    struct db_result *result = list_moves();
    bool any = result != NULL && db_rows(result) > 0;
    if (any) {
        *tool = read_move(result, (int)sim_below((uint32_t)db_rows(result)));
        tool->back = tool->step == STEP_IN && sim_below(3) == 0;
        if (!tool->back)
            tool->step = STEP_BEGIN;
        work(tool);
    }
    base_free(&result);
    return any;
}

// Two units of which the first can go where the second is; false: there are none.
static bool choose(const char *sql, char *first, char *second) {
    struct db_result *result = base_ask(sql, NULL);
    bool any = result != NULL && db_rows(result) > 0;
    if (any) {
        int row = (int)sim_below((uint32_t)db_rows(result));
        take_code(first, result, row, 0);
        take_code(second, result, row, 1);
    }
    base_free(&result);
    return any;
}

static void set_out(struct tool *tool) {
    *tool = (struct tool){.runs = true};
    if (choose(sim_below(3) > 0
                   ? "select u.code, t.code from lx.unit u join lx.unit t on t.level = 2 and t.id "
                     "<> u.parent where u.level = 3 order by 1, 2"
                   : "select u.code, t.code from lx.unit u join lx.unit t on t.level = 3 and t.id "
                     "<> u.parent where u.level = 4 order by 1, 2",
               tool->unit, tool->to))
        work(tool);
}

// ---- units that end ----

static void merge(void) {
    char unit[CODE_SIZE], into[CODE_SIZE];
    struct uuid id = new_id();
    if (merges == MAX_MERGES ||
        !choose("select u.code, t.code from lx.unit u join lx.unit t on t.level = u.level and "
                "t.district = u.district and t.id <> u.id where u.level >= 3 order by 1, 2",
                unit, into))
        return;
    int verdict = ask("select verdict from lx.unit_merge('sim', $1, $2, $3)", &id, unit, into);
    trace("unit merge %s --into %s: %d", unit, into, verdict);
    if (verdict != 1)
        return;
    merges++;
    count(COUNT_UNIT_MERGE);
    scope_children_put(unit, into);
}

static void close_one(void) {
    char unit[CODE_SIZE], parent[CODE_SIZE];
    if (!choose("select u.code, p.code from lx.unit u join lx.unit p on p.id = u.parent where "
                "u.level >= 3 and u.closed_at is null and (u.level = 4 or not exists (select from "
                "lx.unit w where w.parent = u.id and w.closed_at is null)) order by 1",
                unit, parent))
        return;
    int verdict = ask("select verdict from lx.unit_close('sim', $1)", NULL, unit, NULL);
    trace("unit close %s: %d", unit, verdict);
    if (verdict == 1)
        count(COUNT_UNIT_CLOSE);
}

void units_happen(void) {
    struct tool *tool = free_tool();
    switch (sim_below(8)) {
    case 0:
        merge();
        break;
    case 1:
        close_one();
        break;
    case 2:
    case 3:
    case 4:
        if (tool != NULL && !take_up(tool))
            set_out(tool);
        break;
    default:
        if (tool != NULL)
            set_out(tool);
    }
}

// ---- the heal ----

// Where it was going, or back; false: neither way is free.
static bool bring_anywhere(struct tool *move) {
    int verdict = IN_DONE;
    if (move->step == STEP_IN)
        verdict = bring_in(move);
    if (verdict == IN_CLASH) {
        move->back = true;
        verdict = bring_in(move);
    }
    if (verdict == IN_DONE)
        (void)end(move);
    return verdict != IN_CLASH;
}

// How many are not over yet but could be.
static int carry_on(void) {
    struct db_result *result = list_moves();
    int open = 0;
    stuck = 0;
    for (int row = 0; result != NULL && row < db_rows(result); row++) {
        struct tool move = read_move(result, row);
        if (bring_anywhere(&move))
            open++;
        else
            stuck++;
    }
    base_free(&result);
    return open;
}

static bool never(void *user) {
    (void)user;
    return false;
}

static void tick(void *user) {
    (void)user;
}

void units_heal(void) {
    int64_t until_us = sim_now_us() + HEAL_BOUND_US;
    while (carry_on() > 0) {
        if (sim_now_us() > until_us) {
            finding("a unit does not arrive within %d s", HEAL_BOUND_US / SIM_SECOND);
            return;
        }
        int64_t next_us = sim_now_us() + 200 * SIM_MS;
        sim_at(next_us, tick, NULL); // time goes by what happens, and nothing else may for a while
        (void)sim_run(next_us, never, NULL);
    }
    for (unsigned i = 0; i < stuck; i++)
        count(COUNT_UNIT_STUCK);
}

bool units_are_stuck(void) {
    return stuck > 0;
}

// ---- checks ----

// A unit's rows lie in its district and nowhere else, nobody is under way who could have arrived,
// and every unit's path is its parent's and its own.
void units_check(void) {
    struct db_result *result = base_ask(
        "select r.what, u.code from (select 'fact' as what, district, stream from lx.fact"
        " union all select 'person', district, stream from lx.person"
        " union all select 'membership', district, stream from lx.membership"
        " union all select 'standing', district, stream from lx.standing"
        " union all select 'tombstone', district, stream from lx.left_stream"
        " union all select 'head', district, stream from lx.head where not moving) r"
        " join lx.unit u on u.id = r.stream where u.district <> r.district"
        " union all select 'unit', u.code from lx.unit u left join lx.unit p on p.id = u.parent"
        " where u.path is distinct from coalesce(p.path, '{}') || u.id or"
        " (u.level > 2 and u.district <> p.district)"
        " union all select 'figures', g.subject::text from lx.standing_gone g order by 1, 2",
        NULL);
    for (int row = 0; result != NULL && row < db_rows(result); row++)
        finding("misplaced: a %.*s of %.*s", (int)db_text(result, row, 0).size,
                (const char *)db_text(result, row, 0).data, (int)db_text(result, row, 1).size,
                (const char *)db_text(result, row, 1).data);
    base_free(&result);
    int64_t open = base_number("select count(*) from lx.unit_moves()");
    if (open != (int64_t)stuck)
        finding("%d units are under way, %u cannot arrive", (int)open, stuck);
}
