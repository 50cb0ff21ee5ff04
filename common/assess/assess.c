// One subject from evidence to standing: rules in order, sections, state, summary, roll-up rows,
// receipt.
#include "common/assess/assess.h"

#include <string.h>

#include "common/assess/assessment.h"
#include "common/base/clock.h"
#include "common/wire/unpack.h"

#define SET(message, field, number)                                                                \
    do {                                                                                           \
        (message)->has_##field = 1;                                                                \
        (message)->field = (number);                                                               \
    } while (0)

static const Lx__Role roles[SUBJECT_KIND_COUNT] = {
    [SUBJECT_KIND_TEACHER] = LX__ROLE__TEACHER,
    [SUBJECT_KIND_WORKSHOP] = LX__ROLE__HEAD,
    [SUBJECT_KIND_SCHOOL] = LX__ROLE__SCHOOL_ADMIN,
    [SUBJECT_KIND_CLUSTER] = LX__ROLE__SCHOOL_ADMIN,
    [SUBJECT_KIND_DISTRICT] = LX__ROLE__DISTRICT_ADMIN,
};

Lx__Role assess_role_of(enum subject_kind kind) {
    return roles[kind];
}

static const char *const value_names[CONTRIBUTION_VALUES] = {
    "subjects", "passed", "open",   "failed",       "exempt",       "done",    "started",
    "late",     "missed", "points", "online_hours", "school_hours", "credits", "waiting",
};

const char *contribution_value_name(enum contribution_value value) {
    return value_names[value];
}

static ProtobufCBinaryData bytes_of(const struct uuid *id) {
    return (ProtobufCBinaryData){UUID_SIZE, (uint8_t *)(uintptr_t)id->bytes};
}

enum status line_add_evidence(struct assessment *assessment, Lx__ReceiptLine *line,
                              const char *item, const struct fact *fact, const struct fact *by,
                              const int64_t *quantity, const int64_t *of) {
    if (line == NULL)
        return STATUS_OK;
    if (line->evidence == NULL)
        line->evidence =
            arena_array(assessment->arena, ASSESS_EVIDENCE_MAX, sizeof(*line->evidence));
    if (line->n_evidence == ASSESS_EVIDENCE_MAX) {
        SET(line, more, line->more + 1);
        return STATUS_OK;
    }
    Lx__Evidence *evidence = arena_alloc(assessment->arena, sizeof(*evidence));
    if (line->evidence == NULL || evidence == NULL)
        return STATUS_NO_MEMORY;
    lx__evidence__init(evidence);
    evidence->item = (char *)(uintptr_t)item; // protobuf-c's strings are not const
    if (fact != NULL)
        SET(evidence, fact, bytes_of(&fact->id));
    else if (by != NULL && !uuid_is_nil(by->of)) // the thing lies with another subject: a case
        SET(evidence, fact, bytes_of(&by->of));
    if (by != NULL)
        SET(evidence, by, bytes_of(&by->id));
    if (quantity != NULL)
        SET(evidence, quantity, *quantity);
    if (of != NULL)
        SET(evidence, of, *of);
    line->evidence[line->n_evidence++] = evidence;
    return STATUS_OK;
}

enum status line_add_hits(struct assessment *assessment, Lx__ReceiptLine *line,
                          const struct hits *hits) {
    for (size_t i = 0; i < hits->n; i++) {
        const struct hit *hit = &hits->list[i];
        const char *item = hit->item[0] != '\0' ? hit->item : NULL;
        TRY(line_add_evidence(assessment, line, item, hit->fact, hit->by, NULL, NULL));
    }
    return STATUS_OK;
}

static bool asked(const struct assess_input *input, const struct rule *rule) {
    return rule_is_for(rule, input->kind) && (!rule->source->lead_only || input->lead_school);
}

static enum status score_rules(struct assessment *assessment) {
    const struct scheme *scheme = assessment->input->scheme;
    assessment->lines =
        arena_array(assessment->arena, scheme->n_rules + 1, sizeof(*assessment->lines));
    if (assessment->lines == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < scheme->n_rules; i++) {
        const struct rule *rule = &scheme->rules[scheme->order[i]];
        if (!asked(assessment->input, rule))
            continue;
        Lx__ReceiptLine *line = arena_alloc(assessment->arena, sizeof(*line));
        if (line == NULL)
            return STATUS_NO_MEMORY;
        lx__receipt_line__init(line);
        assessment->lines[rule->index] = line;
        TRY(score_rule(assessment, rule, line));
    }
    return STATUS_OK;
}

// ---- points ----

// Sum of one section (-1: rules without one).
static int64_t section_sum(const struct assessment *assessment, int section, bool *out_any) {
    int64_t sum = 0;
    const struct scheme *scheme = assessment->input->scheme;
    for (size_t i = 0; i < scheme->n_rules; i++) {
        if (assessment->lines[i] == NULL || scheme->rules[i].section != section)
            continue;
        *out_any = true;
        sum += assessment->lines[i]->points;
    }
    return sum;
}

static enum status add_section(struct assessment *assessment, int section, Lx__Receipt *receipt) {
    const Lx__Section *source = assessment->input->scheme->source->sections[section];
    bool any = false;
    int64_t sum = section_sum(assessment, section, &any);
    if (!any)
        return STATUS_OK;
    Lx__ReceiptSection *message = arena_alloc(assessment->arena, sizeof(*message));
    if (message == NULL)
        return STATUS_NO_MEMORY;
    lx__receipt_section__init(message);
    int64_t points = source->has_cap && sum > source->cap ? source->cap : sum;
    message->section = source->code;
    if (sum != points)
        SET(message, uncapped, sum);
    if (source->has_cap)
        SET(message, cap, source->cap);
    SET(message, points, points);
    receipt->sections[receipt->n_sections++] = message;
    receipt->points += points;
    return STATUS_OK;
}

static enum status add_points(struct assessment *assessment, Lx__Receipt *receipt) {
    const struct scheme *scheme = assessment->input->scheme;
    size_t n = scheme->source->n_sections;
    bool any;
    receipt->sections = arena_array(assessment->arena, n + 1, sizeof(*receipt->sections));
    if (receipt->sections == NULL)
        return STATUS_NO_MEMORY;
    SET(receipt, points, section_sum(assessment, -1, &any));
    for (size_t i = 0; i < n; i++)
        TRY(add_section(assessment, (int)i, receipt));
    const Lx__Rubric *rubric = scheme->rubrics[assessment->input->kind];
    int64_t total = rubric != NULL ? rubric->total : 0;
    int64_t percent = rubric != NULL ? rubric->pass_percent : 0;
    SET(receipt, total, total);
    SET(receipt, pass_points, (total * percent + 9999) / 10000);
    return STATUS_OK;
}

// ---- state ----

static bool home_now(const struct assessment *assessment) {
    const struct assess_input *input = assessment->input;
    for (size_t i = 0; i < input->n_homes; i++) {
        if (input->homes[i].from_ms < assessment->until_ms &&
            input->homes[i].until_ms >= assessment->until_ms)
            return true;
    }
    return false;
}

// Is a person asked to take part on as_of? Units always are.
static bool is_obliged(const struct assessment *assessment) {
    const struct assess_input *input = assessment->input;
    if (input->kind != SUBJECT_KIND_TEACHER)
        return true;
    const struct {
        const char *name;
        bool holds;
    } attributes[] = {{"certificate", input->certificate},
                      {"in_post", input->in_post},
                      {"established", input->established}};
    const Lx__Obliged *obliged = input->scheme->source->obliged;
    for (size_t i = 0; obliged != NULL && i < obliged->n_attributes; i++) {
        for (size_t k = 0; k < sizeof(attributes) / sizeof(attributes[0]); k++) {
            if (!attributes[k].holds && strcmp(attributes[k].name, obliged->attributes[i]) == 0)
                return false;
        }
    }
    return home_now(assessment);
}

static Lx__StandingState state_of(const struct assessment *assessment, const Lx__Receipt *receipt) {
    const struct scheme *scheme = assessment->input->scheme;
    bool gates_met = true;
    for (size_t i = 0; i < scheme->n_rules; i++) {
        const Lx__ReceiptLine *line = assessment->lines[i];
        if (line == NULL || scheme->rules[i].source->measure != LX__MEASURE__MEASURE_GATE)
            continue;
        if (line->state == LX__LINE_STATE__LINE_MISSED)
            return LX__STANDING_STATE__FAILED;
        gates_met = gates_met && line->state == LX__LINE_STATE__LINE_DONE;
    }
    if (scheme->rubrics[assessment->input->kind] == NULL)
        return LX__STANDING_STATE__OPEN; // nothing to pass
    if (gates_met && receipt->points >= receipt->pass_points)
        return LX__STANDING_STATE__PASSED;
    return assessment_ended(assessment, scheme->whole) ? LX__STANDING_STATE__FAILED
                                                       : LX__STANDING_STATE__OPEN;
}

// ---- summary ----

static enum status collect_offered(struct assessment *assessment, struct summary *summary) {
    const struct scheme *scheme = assessment->input->scheme;
    struct fact_range range = evidence_of_kind(&assessment->evidence, LX__FACT_KIND__SUBMITTED);
    struct offered *offered = arena_array(assessment->arena, range.n + 1, sizeof(*offered));
    if (offered == NULL)
        return STATUS_NO_MEMORY;
    summary->offered = offered;
    for (size_t i = 0; i < range.n; i++) {
        const struct fact *fact = range.facts[i];
        const struct rule *rule = scheme_rule(scheme, fact->item);
        if (rule != NULL && rule->offered && rule_is_for(rule, assessment->input->kind) &&
            fact->occurred_at_ms >= rule->window.from_ms &&
            fact->occurred_at_ms < rule->window.until_ms)
            offered[summary->n_offered++] = (struct offered){rule, fact->id};
    }
    return STATUS_OK;
}

// Hours of a person, whether obliged or not: the offices need them too.
static enum status collect_hours(struct assessment *assessment, struct summary *summary) {
    const struct scheme *scheme = assessment->input->scheme;
    const struct watch *watch;
    enum status status;
    int64_t *watched_s =
        arena_array(assessment->arena, scheme->source->n_groups + 1, sizeof(*watched_s));
    if (watched_s == NULL)
        return STATUS_NO_MEMORY;
    summary->watched_s = watched_s;
    TRY(assessment_watch(assessment, scheme->hours_groups, scheme->hours, &watch));
    summary->online_s = watch->counted_s;
    TRY(assessment_watch(assessment, UINT64_MAX, scheme->hours, &watch));
    for (size_t i = 0; i < watch->n_courses; i++) {
        if (watch->courses[i].course != NULL)
            watched_s[watch->courses[i].course->group] += watch->courses[i].inside_s;
    }
    TRY(amount_school_hours(assessment, scheme->hours, NULL, &summary->school_hours));
    summary->credits = amount_credits(assessment, scheme->whole, NULL, &status);
    return status;
}

static enum status fill_summary(struct assessment *assessment, const Lx__Receipt *receipt,
                                struct summary *out_summary) {
    const struct assess_input *input = assessment->input;
    *out_summary = (struct summary){
        .kind = input->kind,
        .subject = input->subject,
        .state = receipt->state,
        .obliged = is_obliged(assessment),
        .points = receipt->points,
    };
    TRY(collect_offered(assessment, out_summary));
    return input->kind == SUBJECT_KIND_TEACHER ? collect_hours(assessment, out_summary) : STATUS_OK;
}

// ---- receipt ----

static enum status pack_receipt(struct assessment *assessment, Lx__Receipt *receipt,
                                const struct summary *summary, struct view *out_bytes) {
    const struct scheme *scheme = assessment->input->scheme;
    receipt->lines = arena_array(assessment->arena, scheme->n_rules + 1, sizeof(*receipt->lines));
    char *day = arena_alloc(assessment->arena, 11);
    if (receipt->lines == NULL || day == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < scheme->n_rules; i++) {
        if (assessment->lines[i] != NULL)
            receipt->lines[receipt->n_lines++] = assessment->lines[i];
    }
    clock_format_day(assessment->input->as_of, day);
    receipt->as_of = day;
    receipt->scheme = scheme->source->code;
    SET(receipt, scheme_version, scheme->version);
    SET(receipt, kind, (Lx__SubjectKind)assessment->input->kind);
    SET(receipt, subject, bytes_of(&assessment->input->subject));
    TRY(summary_message(scheme, summary, assessment->arena, &receipt->summary));
    return unpack_pack(&receipt->base, assessment->arena, out_bytes);
}

static enum status fill_lines(const struct assessment *assessment, struct standing *standing) {
    const struct scheme *scheme = assessment->input->scheme;
    struct line *lines = arena_array(assessment->arena, scheme->n_rules + 1, sizeof(*lines));
    if (lines == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < scheme->n_rules; i++) {
        const Lx__ReceiptLine *line = assessment->lines[i];
        if (line != NULL)
            lines[standing->n_lines++] =
                (struct line){&scheme->rules[i], line->state, line->points};
    }
    standing->lines = lines;
    return STATUS_OK;
}

enum status assess(const struct assess_input *input, struct arena *arena,
                   struct standing *out_standing) {
    struct assessment *assessment = arena_alloc(arena, sizeof(*assessment));
    if (assessment == NULL)
        return STATUS_NO_MEMORY;
    assessment->input = input;
    assessment->arena = arena;
    assessment->until_ms = clock_day_start_ms(input->as_of + 1);
    Lx__Receipt receipt = LX__RECEIPT__INIT;
    TRY(evidence_open(input->facts, input->n_facts, input->scheme->number, assessment->until_ms,
                      arena, &assessment->evidence));
    TRY(score_rules(assessment));
    TRY(add_points(assessment, &receipt));
    SET(&receipt, state,
        is_obliged(assessment) ? state_of(assessment, &receipt) : LX__STANDING_STATE__EXEMPT);
    *out_standing = (struct standing){.kind = input->kind,
                                      .subject = input->subject,
                                      .state = receipt.state,
                                      .points = receipt.points,
                                      .total = receipt.total};
    TRY(fill_summary(assessment, &receipt, &out_standing->summary));
    TRY(fill_lines(assessment, out_standing));
    TRY(contribute(input->scheme, out_standing, arena));
    return pack_receipt(assessment, &receipt, &out_standing->summary, &out_standing->receipt);
}
