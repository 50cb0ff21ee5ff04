// Words for receipts: tables of states and cuts in both languages, names from the scheme.
#include "common/assess/receipt.h"

#include <string.h>

#include "common/assess/measures.h"
#include "common/base/buf.h"
#include "common/base/uuid.h"
#include "common/wire/unpack.h"

struct word {
    int value;
    const char *zh;
    const char *en;
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct word states[] = {
    {LX__LINE_STATE__LINE_NOTHING, "未开始", "not started"},
    {LX__LINE_STATE__LINE_STARTED, "进行中", "under way"},
    {LX__LINE_STATE__LINE_DONE, "已完成", "done"},
    {LX__LINE_STATE__LINE_WAITING, "待审核", "waits for review"},
    {LX__LINE_STATE__LINE_CLOSED, "未开放", "not open yet"},
    {LX__LINE_STATE__LINE_DUE, "待完成", "due"},
    {LX__LINE_STATE__LINE_LATE, "逾期完成", "done late"},
    {LX__LINE_STATE__LINE_MISSED, "未按期完成", "missed"},
    {LX__LINE_STATE__LINE_EMPTY, "—", "—"},
};

static const struct word cuts[] = {
    {LX__CUT_REASON__CUT_OVERLAP, "与其他课程同时观看",
     "watched at the same time as another course"},
    {LX__CUT_REASON__CUT_COURSE, "超过课程时长", "longer than the course"},
    {LX__CUT_REASON__CUT_DAY, "超过每日上限", "over the day's limit"},
    {LX__CUT_REASON__CUT_RANGE, "不在学校选定范围内", "not in the school's range"},
    {LX__CUT_REASON__CUT_STAGE, "不在阶段时间内", "outside the stage"},
    {LX__CUT_REASON__CUT_OTHER, "不属于本项目课程", "not a course of this programme"},
};

static const struct word subjects[] = {
    {SUBJECT_KIND_TEACHER, "教师学员", "teacher"}, {SUBJECT_KIND_WORKSHOP, "工作坊", "workshop"},
    {SUBJECT_KIND_SCHOOL, "学校", "school"},       {SUBJECT_KIND_CLUSTER, "片区", "cluster"},
    {SUBJECT_KIND_DISTRICT, "区县", "district"},
};

static const struct word standings[] = {
    {LX__STANDING_STATE__OPEN, "进行中", "open"},
    {LX__STANDING_STATE__PASSED, "合格", "passed"},
    {LX__STANDING_STATE__FAILED, "不合格", "failed"},
    {LX__STANDING_STATE__EXEMPT, "不参评", "exempt"},
};

static const char *find_word(const struct word *words, size_t n, int value,
                             enum language language) {
    for (size_t i = 0; i < n; i++) {
        if (words[i].value == value)
            return language == LANGUAGE_ZH ? words[i].zh : words[i].en;
    }
    return "";
}

enum status receipt_unpack(struct view bytes, struct arena *arena, Lx__Receipt **out_receipt) {
    struct scan_fault fault;
    const ProtobufCMessage *message;
    enum status status = unpack_message(&lx__receipt__descriptor, bytes, &SCAN_LIMITS_REPLY, arena,
                                        &message, &fault);
    if (status != STATUS_OK)
        return status == STATUS_NO_MEMORY ? status : STATUS_CORRUPT;
    *out_receipt = (Lx__Receipt *)(uintptr_t)message; // ours: it lies in our arena
    return STATUS_OK;
}

const char *text_in(const Lx__Text *text, enum language language) {
    if (text == NULL)
        return "";
    const char *first = language == LANGUAGE_ZH ? text->zh : text->en;
    const char *second = language == LANGUAGE_ZH ? text->en : text->zh;
    if (first != NULL && first[0] != '\0')
        return first;
    return second != NULL ? second : "";
}

const char *receipt_rule_label(const struct scheme *scheme, const Lx__ReceiptLine *line,
                               enum language language) {
    const struct rule *rule = scheme_rule(scheme, line->rule);
    return rule == NULL ? "" : text_in(rule->source->label, language);
}

const char *receipt_rule_sentence(const struct scheme *scheme, const Lx__ReceiptLine *line) {
    const struct rule *rule = scheme_rule(scheme, line->rule);
    return rule == NULL || rule->source->sentence == NULL ? "" : rule->source->sentence;
}

const char *receipt_assumption_reason(const struct scheme *scheme, const char *code) {
    for (size_t i = 0; i < scheme->source->n_assumptions; i++) {
        if (strcmp(scheme->source->assumptions[i]->code, code) == 0)
            return scheme->source->assumptions[i]->reason;
    }
    return "";
}

const char *receipt_line_state_text(Lx__LineState state, enum language language) {
    return find_word(states, COUNT_OF(states), (int)state, language);
}

const char *receipt_cut_text(Lx__CutReason reason, enum language language) {
    return find_word(cuts, COUNT_OF(cuts), (int)reason, language);
}

const char *measure_text(Lx__Measure measure, enum language language) {
    const struct measure_info *info = measure_find(measure);
    if (info == NULL)
        return "";
    return language == LANGUAGE_ZH ? info->zh : info->en;
}

const char *subject_kind_text(enum subject_kind kind, enum language language) {
    return find_word(subjects, COUNT_OF(subjects), (int)kind, language);
}

const char *receipt_item_text(const struct scheme *scheme, const char *item,
                              enum language language) {
    static const struct word hours[] = {{0, "在线学时记录", "online hours recorded"},
                                        {1, "校本实践学时", "school-based practice"}};
    if (item == NULL)
        return "";
    const struct course *course = scheme_course(scheme, item);
    if (course != NULL)
        return text_in(course->source->topic, language);
    const Lx__AbilityPoint *point = scheme_point(scheme, item);
    if (point != NULL)
        return text_in(point->label, language);
    const struct rule *rule = scheme_rule(scheme, item);
    if (rule != NULL)
        return text_in(rule->source->label, language);
    if (strcmp(item, "online") == 0 || strcmp(item, "school") == 0)
        return find_word(hours, 2, item[0] == 's', language);
    return item;
}

const char *receipt_amount_text(const Lx__Amount *amount, enum language language) {
    const struct amount_info *info = amount == NULL ? NULL : amount_find(amount->kind);
    if (info == NULL)
        return "";
    return language == LANGUAGE_ZH ? info->zh : info->en;
}

// ---- the whole as text ----

// Hundredths without needless zeros: 51, 29.95, 0.05.
static enum status put_hundredths(struct buf *buf, int64_t value) {
    long long whole = (long long)(value / 100);
    int part = (int)(value % 100);
    if (part == 0)
        return buf_format(buf, "%lld", whole);
    return buf_format(buf, part % 10 == 0 ? "%lld.%d" : "%lld.%02d", whole,
                      part % 10 == 0 ? part / 10 : part);
}

static const char *choose(enum language language, const char *zh, const char *en) {
    return language == LANGUAGE_ZH ? zh : en;
}

static enum status put_seconds(struct buf *buf, int64_t seconds) {
    return buf_format(buf, "%lld:%02d:%02d", (long long)(seconds / 3600), (int)(seconds / 60 % 60),
                      (int)(seconds % 60));
}

// The fact's name, else its id; text_id is where the id is written.
static const char *fact_text(const struct receipt_words *words, ProtobufCBinaryData id,
                             char text_id[UUID_TEXT_SIZE]) {
    struct uuid uuid;
    if (uuid_from_bytes(view_from(id.data, id.len), &uuid) != STATUS_OK)
        return "?";
    const char *name = words->name_fact != NULL ? words->name_fact(words->user, uuid) : NULL;
    uuid_format(uuid, text_id);
    return name != NULL ? name : text_id;
}

static enum status put_evidence(struct buf *buf, const struct scheme *scheme,
                                const Lx__Evidence *evidence, const struct receipt_words *words) {
    char id[UUID_TEXT_SIZE];
    const char *what = evidence->item != NULL
                           ? receipt_item_text(scheme, evidence->item, words->language)
                           : fact_text(words, evidence->fact, id);
    TRY(buf_format(buf, "      - %s", what));
    if (evidence->has_of) {
        TRY(buf_append_string(buf, "  "));
        TRY(put_seconds(buf, evidence->quantity));
        TRY(buf_append_string(buf, " / "));
        TRY(put_seconds(buf, evidence->of));
    } else if (evidence->has_quantity) {
        TRY(buf_append_string(buf, "  "));
        TRY(put_hundredths(buf, evidence->quantity));
    }
    return buf_append_string(buf, "\n");
}

// The sentence of the source, and the assumptions the reading rests on.
static enum status put_origin(struct buf *buf, const struct rule *rule, enum language language) {
    if (rule == NULL)
        return STATUS_OK;
    if (rule->source->sentence != NULL)
        TRY(buf_format(buf, "      「%s」\n", rule->source->sentence));
    if (rule->source->n_assumed == 0)
        return STATUS_OK;
    TRY(buf_format(buf, "      %s", choose(language, "按假定：", "assumed:")));
    for (size_t i = 0; i < rule->source->n_assumed; i++)
        TRY(buf_format(buf, " %s", rule->source->assumed[i]));
    return buf_append_string(buf, "\n");
}

static enum status put_details(struct buf *buf, const struct scheme *scheme,
                               const Lx__ReceiptLine *line, const struct receipt_words *words) {
    enum language language = words->language;
    const struct rule *before = scheme_rule(scheme, line->blocked_by);
    if (before != NULL)
        TRY(buf_format(buf, "      %s %s\n", choose(language, "须先完成：", "needs first:"),
                       text_in(before->source->label, language)));
    if (line->unmet != NULL) {
        TRY(buf_format(buf, "      %s %s ", choose(language, "条件未满足：", "not met:"),
                       receipt_amount_text(line->unmet->amount, language)));
        TRY(put_hundredths(buf, line->unmet_amount));
        TRY(buf_append_string(buf, " / "));
        TRY(put_hundredths(buf, line->unmet->bound));
        TRY(buf_append_string(buf, "\n"));
    }
    for (size_t i = 0; i < line->n_evidence; i++)
        TRY(put_evidence(buf, scheme, line->evidence[i], words));
    for (size_t i = 0; i < line->n_cuts; i++) {
        TRY(buf_format(buf, "      %s ", choose(language, "不计入：", "does not count:")));
        TRY(put_seconds(buf, line->cuts[i]->quantity));
        TRY(buf_format(buf, "  %s\n", receipt_cut_text(line->cuts[i]->reason, language)));
    }
    return put_origin(buf, scheme_rule(scheme, line->rule), language);
}

// What there is of what, e.g. "school-based hours 8 / 30" or "passed 51 / 64".
static enum status put_amount(struct buf *buf, const struct rule *rule, const Lx__ReceiptLine *line,
                              enum language language) {
    TRY(buf_format(buf, "  %s ", receipt_amount_text(rule->amount, language)));
    TRY(put_hundredths(buf, line->amount));
    if (!line->has_per && !line->has_bound)
        return STATUS_OK;
    TRY(buf_append_string(buf, " / "));
    return put_hundredths(buf, line->has_per ? line->per : line->bound);
}

static enum status put_line(struct buf *buf, const struct scheme *scheme,
                            const Lx__ReceiptLine *line, const struct receipt_words *words) {
    enum language language = words->language;
    const struct rule *rule = scheme_rule(scheme, line->rule);
    TRY(buf_format(buf, "  %s  %s  %s", line->rule != NULL ? line->rule : "?",
                   receipt_rule_label(scheme, line, language),
                   receipt_line_state_text(line->state, language)));
    if (rule != NULL && rule->cap > 0) {
        TRY(buf_append_string(buf, "  "));
        TRY(put_hundredths(buf, line->points));
        TRY(buf_append_string(buf, " / "));
        TRY(put_hundredths(buf, rule->cap));
    }
    if (rule != NULL && line->has_amount && (rule->cap == 0 || line->has_per))
        TRY(put_amount(buf, rule, line, language));
    TRY(buf_append_string(buf, "\n"));
    return put_details(buf, scheme, line, words);
}

static enum status put_receipt(struct buf *buf, const struct scheme *scheme,
                               const Lx__Receipt *receipt, const struct receipt_words *words) {
    enum language language = words->language;
    TRY(buf_format(buf, "%s  v%u  %s\n", text_in(scheme->source->label, language),
                   receipt->scheme_version, receipt->as_of != NULL ? receipt->as_of : ""));
    TRY(buf_format(buf, "%s  ",
                   find_word(standings, COUNT_OF(standings), (int)receipt->state, language)));
    TRY(put_hundredths(buf, receipt->points));
    TRY(buf_append_string(buf, " / "));
    TRY(put_hundredths(buf, receipt->total));
    TRY(buf_format(buf, "  %s ", choose(language, "合格线", "pass mark")));
    TRY(put_hundredths(buf, receipt->pass_points));
    TRY(buf_append_string(buf, "\n"));
    for (size_t i = 0; i < receipt->n_lines; i++)
        TRY(put_line(buf, scheme, receipt->lines[i], words));
    return STATUS_OK;
}

char *receipt_format(const struct scheme *scheme, const Lx__Receipt *receipt,
                     const struct receipt_words *words, struct arena *arena) {
    struct buf buf = {0};
    char *text = NULL;
    if (put_receipt(&buf, scheme, receipt, words) == STATUS_OK)
        text = arena_string(arena, buf_view(&buf));
    buf_free(&buf);
    return text;
}
