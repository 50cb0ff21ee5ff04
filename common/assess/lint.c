// Each check reads the scheme and reports what a person should know. A table runs them in order.
#include "common/assess/lint.h"

#include <string.h>

#include "common/assess/measures.h"

#define FINDINGS_MAX 400

struct linter {
    const struct scheme *scheme;
    struct arena *arena;
    struct finding *findings;
    size_t n;
};

// zh and en are already formatted in the arena; NULL: memory is out.
static enum status report(struct linter *linter, const char *code, unsigned line, const char *where,
                          const char *zh, const char *en) {
    if (zh == NULL || en == NULL)
        return STATUS_NO_MEMORY;
    if (linter->n < FINDINGS_MAX)
        linter->findings[linter->n++] = (struct finding){code, line, where, zh, en};
    return STATUS_OK;
}

static bool scores_passes(const struct scheme *scheme) {
    for (size_t i = 0; i < scheme->n_rules; i++) {
        const Lx__Amount *amount = scheme->rules[i].amount;
        if (amount != NULL && amount->kind == LX__AMOUNT_KIND__AMOUNT_PASSED)
            return true;
    }
    return false;
}

static enum status check_pass_mark(struct linter *l) {
    const struct scheme *scheme = l->scheme;
    for (unsigned kind = 1; kind < SUBJECT_KIND_COUNT; kind++) {
        const Lx__Rubric *rubric = scheme->rubrics[kind];
        if (rubric == NULL || rubric->n_assumed == 0)
            continue;
        bool scored = kind == SUBJECT_KIND_TEACHER && scores_passes(scheme);
        long long total = (long long)rubric->total / 100;
        long long percent = (long long)rubric->pass_percent / 100;
        TRY(report(
            l, "pass-mark-assumed", rubric->line, rubric->label != NULL ? rubric->label->zh : "",
            arena_format(l->arena, "总分合计%lld分，原文没有给出合格线，按%lld%%计%s", total,
                         percent, scored ? "；而合格率计入学校得分" : ""),
            arena_format(l->arena,
                         "the total is %lld and the source names no pass mark: %lld%% is "
                         "assumed%s",
                         total, percent, scored ? "; yet the pass rate scores the school" : "")));
    }
    return STATUS_OK;
}

static int64_t gate_bound(const struct scheme *scheme, Lx__AmountKind kind) {
    for (size_t i = 0; i < scheme->n_rules; i++) {
        const struct rule *rule = &scheme->rules[i];
        if (rule->source->measure == LX__MEASURE__MEASURE_GATE && rule->amount != NULL &&
            rule->amount->kind == kind)
            return rule->source->bound;
    }
    return 0;
}

static enum status check_online_hours(struct linter *l) {
    int64_t hours = gate_bound(l->scheme, LX__AMOUNT_KIND__AMOUNT_ONLINE_HOURS);
    for (size_t i = 0; hours > 0 && i < l->scheme->n_rules; i++) {
        const Lx__Rule *rule = l->scheme->rules[i].source;
        if (rule->measure != LX__MEASURE__MEASURE_PROPORTIONAL || rule->amount == NULL ||
            rule->amount->kind != LX__AMOUNT_KIND__AMOUNT_MINUTES || hours * 60 == rule->full_at)
            continue;
        long long h = (long long)hours / 100;
        long long m = (long long)rule->full_at / 100;
        TRY(report(l, "hours-beside-minutes", rule->line, rule->code,
                   arena_format(l->arena, "要求%lld学时在线研修，而%lld分钟（%lld小时）即得满分", h,
                                m, m / 60),
                   arena_format(l->arena,
                                "%lld online hours stand beside %lld minutes (%lld clock hours)", h,
                                m, m / 60)));
    }
    return STATUS_OK;
}

static enum status check_school_hours(struct linter *l) {
    int64_t hours = gate_bound(l->scheme, LX__AMOUNT_KIND__AMOUNT_SCHOOL_HOURS);
    for (size_t i = 0; hours > 0 && i < l->scheme->n_rules; i++) {
        const Lx__Rule *rule = l->scheme->rules[i].source;
        for (size_t k = 0; k < rule->n_conditions; k++) {
            const Lx__Condition *condition = rule->conditions[k];
            if (rule->measure == LX__MEASURE__MEASURE_GATE ||
                condition->amount->kind != LX__AMOUNT_KIND__AMOUNT_SCHOOL_HOURS ||
                condition->bound == hours)
                continue;
            long long h = (long long)hours / 100;
            long long c = (long long)condition->bound / 100;
            TRY(report(l, "school-hours-twice", rule->line, rule->code,
                       arena_format(l->arena, "要求%lld学时校本研修，而本项只要求%lld学时", h, c),
                       arena_format(l->arena,
                                    "%lld school-based hours stand beside \"at least %lld\"", h,
                                    c)));
        }
    }
    return STATUS_OK;
}

static unsigned count_in(const char *text, const char *part) {
    unsigned n = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        n++;
    return n;
}

static enum status check_bands(struct linter *l) {
    for (size_t i = 0; i < l->scheme->n_rules; i++) {
        const Lx__Rule *rule = l->scheme->rules[i].source;
        bool shared = false;
        for (size_t k = 0; k < rule->n_tiers && rule->sentence != NULL; k++) {
            char *edge = arena_format(l->arena, "%lld%%", (long long)rule->tiers[k]->bound / 100);
            if (edge == NULL)
                return STATUS_NO_MEMORY;
            shared = shared || count_in(rule->sentence, edge) > 1;
        }
        if (shared)
            TRY(report(l, "bands-share-edges", rule->line, rule->code,
                       "各档次的端点重复，按下限归入本档计算",
                       "the bands share their end points: a lower bound belongs to its band"));
    }
    return STATUS_OK;
}

static enum status check_stages(struct linter *l) {
    for (size_t i = 0; i < l->scheme->n_stages; i++) {
        for (size_t k = i + 1; k < l->scheme->n_stages; k++) {
            const Lx__Stage *a = l->scheme->stages[i].source;
            const Lx__Stage *b = l->scheme->stages[k].source;
            if (a->inside != NULL || b->inside != NULL || a->last_day < b->first_day ||
                b->last_day < a->first_day)
                continue;
            TRY(report(l, "stages-overlap", b->line, b->code,
                       arena_format(l->arena, "阶段“%s”与“%s”时间重叠", a->label->zh, b->label->zh),
                       arena_format(l->arena, "the stages \"%s\" and \"%s\" overlap", a->label->en,
                                    b->label->en)));
        }
    }
    return STATUS_OK;
}

static enum status check_platforms(struct linter *l) {
    const char *home = l->scheme->source->platform;
    for (size_t i = 0; home != NULL && i < l->scheme->n_rules; i++) {
        const Lx__Rule *rule = l->scheme->rules[i].source;
        if (rule->platform == NULL || strcmp(rule->platform, home) == 0)
            continue;
        TRY(report(
            l, "two-platforms", rule->line, rule->code,
            arena_format(l->arena, "培训在%s，本项在%s：数据须从外部导入", home, rule->platform),
            arena_format(l->arena, "training is on %s, this is on %s: it comes in from outside",
                         home, rule->platform)));
    }
    return STATUS_OK;
}

static enum status check_duties_in_rubrics(struct linter *l) {
    for (size_t i = 0; i < l->scheme->n_rules; i++) {
        const struct rule *rule = &l->scheme->rules[i];
        if (rule->source->measure == LX__MEASURE__MEASURE_DUTY && rule->section >= 0)
            TRY(report(l, "duty-without-points", rule->source->line, rule->source->code,
                       "列入考核细则但没有分值，作为任务处理",
                       "it stands in the rubric without points: treated as a duty"));
    }
    return STATUS_OK;
}

static bool named(const char *code, char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(code, list[i]) == 0)
            return true;
    }
    return false;
}

static enum status check_clash(struct linter *l, const Lx__Session *a, const Lx__Session *b) {
    bool overlap =
        a->day == b->day && a->from_minute < b->until_minute && b->from_minute < a->until_minute;
    for (size_t i = 0; overlap && i < a->n_wants; i++) {
        if (!named(a->wants[i], b->audiences, b->n_audiences))
            continue;
        return report(l, "session-clash", a->line, a->theme != NULL ? a->theme : "",
                      arena_format(l->arena, "第%u天：本场需要的人同时在“%s”", a->day,
                                   b->theme != NULL ? b->theme : ""),
                      arena_format(l->arena,
                                   "day %u: the people this session asks for sit in \"%s\" at "
                                   "the same time",
                                   a->day, b->theme != NULL ? b->theme : ""));
    }
    return STATUS_OK;
}

static enum status check_sessions(struct linter *l) {
    const Lx__Scheme *source = l->scheme->source;
    for (size_t i = 0; i < source->n_sessions; i++) {
        for (size_t k = 0; k < source->n_sessions; k++) {
            if (i != k)
                TRY(check_clash(l, source->sessions[i], source->sessions[k]));
        }
    }
    return STATUS_OK;
}

static enum status check_reach(struct linter *l) {
    for (size_t i = 0; i < l->scheme->n_rules; i++) {
        const struct rule *rule = &l->scheme->rules[i];
        if (rule->amount == NULL || rule->amount->kind != LX__AMOUNT_KIND__AMOUNT_CASES ||
            rule->source->bound <= 0)
            continue;
        long long size = 10000 / (long long)rule->source->bound;
        TRY(report(l, "share-may-be-out-of-reach", rule->source->line, rule->source->code,
                   arena_format(l->arena,
                                "每个工作坊至多一份：工作坊平均超过%lld人的学校无法达到该比例",
                                size),
                   arena_format(l->arena,
                                "a workshop brings at most one: a school whose workshops average "
                                "more than %lld people cannot reach it",
                                size)));
    }
    return STATUS_OK;
}

static enum status check_misprints(struct linter *l) {
    for (size_t i = 0; i < l->scheme->source->n_points; i++) {
        const Lx__AbilityPoint *point = l->scheme->source->points[i];
        if (point->printed == NULL)
            continue;
        TRY(report(
            l, "misprinted-name", point->line, point->code,
            arena_format(l->arena, "原文印作“%s”，按“%s”处理", point->printed, point->label->zh),
            arena_format(l->arena, "the source prints \"%s\", taken as \"%s\"", point->printed,
                         point->label->zh)));
    }
    return STATUS_OK;
}

static bool has_dimension(const Lx__Scheme *source, const char *group, const char *dimension) {
    for (size_t i = 0; i < source->n_courses; i++) {
        const Lx__Course *course = source->courses[i];
        if (strcmp(course->group, group) == 0 && course->dimension != NULL &&
            strcmp(course->dimension, dimension) == 0)
            return true;
    }
    return false;
}

static enum status check_dimensions(struct linter *l) {
    const Lx__Scheme *source = l->scheme->source;
    for (size_t i = 0; i < source->n_groups; i++) {
        const Lx__CourseGroup *group = source->groups[i];
        size_t missing = 0;
        for (size_t k = 0; k < group->n_printed_dimensions; k++)
            missing += has_dimension(source, group->code, group->printed_dimensions[k]) ? 0 : 1;
        if (missing == 0)
            continue;
        TRY(report(l, "dimension-names-differ", group->line, group->code,
                   arena_format(l->arena, "正文列出的%zu个维度名称中有%zu个与附件不同",
                                group->n_printed_dimensions, missing),
                   arena_format(l->arena,
                                "%zu of the %zu dimensions that the body names are not those of "
                                "the annex",
                                missing, group->n_printed_dimensions)));
    }
    return STATUS_OK;
}

static enum status check_sizes(struct linter *l) {
    for (size_t i = 0; i < l->scheme->n_rules; i++) {
        const Lx__Rule *rule = l->scheme->rules[i].source;
        const char *printed = rule->constraint != NULL ? rule->constraint->size_printed : NULL;
        size_t length = printed != NULL ? strlen(printed) : 0;
        if (length == 0 || printed[length - 1] == 'B' || printed[length - 1] == 'b')
            continue;
        TRY(report(l, "size-without-unit", rule->line, rule->code,
                   arena_format(l->arena, "“%s”没有写明单位，按%llu字节处理", printed,
                                (unsigned long long)rule->constraint->size_max_bytes),
                   arena_format(l->arena, "\"%s\" has no unit: taken as %llu bytes", printed,
                                (unsigned long long)rule->constraint->size_max_bytes)));
    }
    return STATUS_OK;
}

static enum status check_topics(struct linter *l) {
    const Lx__Scheme *source = l->scheme->source;
    for (size_t i = 0; i < source->n_courses; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(source->courses[i]->code, source->courses[k]->code) != 0)
                continue;
            const char *topic = source->courses[i]->topic->zh;
            TRY(report(l, "topic-listed-twice", source->courses[i]->line, source->courses[i]->code,
                       arena_format(l->arena, "“%s”列出两次，按一门课程计算", topic),
                       arena_format(l->arena, "\"%s\" is listed twice and counts once", topic)));
        }
    }
    return STATUS_OK;
}

// Points of a teacher that wait for the head of his workshop, who earns nothing for giving them.
static enum status check_waiting(struct linter *l) {
    const Lx__Rubric *rubric = l->scheme->rubrics[SUBJECT_KIND_TEACHER];
    for (size_t i = 0; rubric != NULL && i < l->scheme->n_rules; i++) {
        const struct rule *rule = &l->scheme->rules[i];
        if (!rule_is_graded(rule) || !rule_is_for(rule, SUBJECT_KIND_TEACHER) ||
            rule_reviewer_rank(rule, LX__ROLE__HEAD) != 0)
            continue;
        long long cap = (long long)rule->cap / 100;
        long long total = (long long)rubric->total / 100;
        TRY(report(l, "waits-for-head", rule->source->line, rule->source->code,
                   arena_format(l->arena, "%lld分中的%lld分取决于坊主评定，而评定不给坊主计分",
                                total, cap),
                   arena_format(l->arena,
                                "%lld of %lld points wait for a head, who earns nothing for "
                                "grading",
                                cap, total)));
    }
    return STATUS_OK;
}

static enum status check_lengths(struct linter *l) {
    size_t n = 0;
    for (size_t i = 0; i < l->scheme->n_courses; i++)
        n += l->scheme->courses[i].length_s == 0 ? 1 : 0;
    if (n == 0)
        return STATUS_OK;
    return report(
        l, "course-without-length", l->scheme->source->courses[0]->line, "courses",
        arena_format(l->arena, "%zu门课程没有时长：观看时间不受课程时长限制", n),
        arena_format(l->arena, "%zu courses have no length: watching is not limited by it", n));
}

static enum status (*const checks[])(struct linter *) = {
    check_pass_mark, check_online_hours, check_school_hours,      check_bands,
    check_stages,    check_platforms,    check_duties_in_rubrics, check_sessions,
    check_reach,     check_misprints,    check_dimensions,        check_sizes,
    check_topics,    check_waiting,      check_lengths,
};

enum status scheme_lint(const struct scheme *scheme, struct arena *arena,
                        const struct finding **out_findings, size_t *out_n) {
    struct linter linter = {scheme, arena, NULL, 0};
    linter.findings = arena_array(arena, FINDINGS_MAX, sizeof(*linter.findings));
    if (linter.findings == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        TRY(checks[i](&linter));
    *out_findings = linter.findings;
    *out_n = linter.n;
    return STATUS_OK;
}
