// What a deliverable must bring along: the template's fields, the recording's length and size, its
// authors and ability points, as the indicator's constraint says.
#include <string.h>

#include "common/assess/judge_internal.h"

#define TITLE_CAP 200         // characters
#define VALUE_CAP_BYTES 20000 // of one template field, as in the contract
#define KEY_CAP 64            // characters
#define ENTRIES_CAP 200       // fields, authors or points of one submission
#define FILE_NAME_CAP_BYTES 255
#define FILE_HASH_BYTES 32
#define SECONDS_A_MINUTE 60

static bool same_text(const char *a, const char *b) {
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static const char *field_path(struct judging *judging, const char *list, size_t index,
                              const char *rest) {
    const char *path = arena_format(judging->arena, "submission.%s[%zu]%s", list, index, rest);
    if (path == NULL)
        judging->no_memory = true;
    return path != NULL ? path : "submission";
}

static bool check_count(struct judging *judging, size_t count, const char *field) {
    return count <= ENTRIES_CAP || judge_refuse(judging, REASON_TOO_MANY_ENTRIES, field,
                                                judge_number(judging, ENTRIES_CAP), NULL);
}

static const Lx__TemplateFieldRule *find_field(const Lx__Template *template, const char *key) {
    for (size_t i = 0; i < template->n_fields; i++)
        if (same_text(template->fields[i]->key, key))
            return template->fields[i];
    return NULL;
}

static bool check_choice(struct judging *judging, const Lx__TemplateFieldRule *rule,
                         const Lx__TemplateField *field, const char *path) {
    for (size_t i = 0; i < rule->n_choices; i++)
        if (same_text(rule->choices[i], field->value))
            return true;
    return rule->n_choices == 0 || field->value == NULL || field->value[0] == '\0' ||
           judge_refuse(judging, REASON_TEMPLATE_CHOICE_UNKNOWN, path, field->key, NULL);
}

static bool check_field(struct judging *judging, const Lx__Template *template, size_t index) {
    const Lx__Submission *submission = judging->operation->submission;
    const Lx__TemplateField *field = submission->fields[index];
    const char *key_path = field_path(judging, "fields", index, ".key");
    const char *value_path = field_path(judging, "fields", index, ".value");
    if (field->key == NULL)
        return judge_refuse(judging, REASON_FIELD_MISSING, key_path, NULL);
    if (!judge_name(judging, field->key, KEY_CAP, key_path))
        return false;
    for (size_t i = 0; i < index; i++)
        if (same_text(submission->fields[i]->key, field->key))
            return judge_refuse(judging, REASON_TEMPLATE_FIELD_REPEATED, key_path, field->key,
                                NULL);
    if (field->value != NULL && strlen(field->value) > VALUE_CAP_BYTES)
        return judge_refuse(judging, REASON_TEMPLATE_VALUE_LONG, value_path, field->key,
                            judge_number(judging, VALUE_CAP_BYTES), NULL);
    if (field->value != NULL &&
        !judge_text(judging, field->value, JUDGE_TEXT_LONG, VALUE_CAP_BYTES, value_path))
        return false;
    if (template == NULL)
        return true; // free text under free keys
    const Lx__TemplateFieldRule *rule = find_field(template, field->key);
    if (rule == NULL)
        return judge_refuse(judging, REASON_TEMPLATE_FIELD_UNKNOWN, key_path, field->key, NULL);
    return check_choice(judging, rule, field, value_path);
}

static bool is_filled(const Lx__Submission *submission, const char *key) {
    for (size_t i = 0; i < submission->n_fields; i++)
        if (same_text(submission->fields[i]->key, key))
            return submission->fields[i]->value != NULL && submission->fields[i]->value[0] != '\0';
    return false;
}

static bool check_template(struct judging *judging, const Lx__Constraint *constraint) {
    const Lx__Submission *submission = judging->operation->submission;
    const Lx__Template *template = constraint != NULL && constraint->template_ != NULL
                                       ? scheme_template(judging->scheme, constraint->template_)
                                       : NULL;
    if (!check_count(judging, submission->n_fields, "submission.fields"))
        return false;
    for (size_t i = 0; i < submission->n_fields; i++)
        if (!check_field(judging, template, i))
            return false;
    for (size_t i = 0; template != NULL && i < template->n_fields; i++)
        if (template->fields[i]->needed && !is_filled(submission, template->fields[i]->key))
            return judge_refuse(judging, REASON_TEMPLATE_FIELD_MISSING, "submission.fields",
                                template->fields[i]->key, NULL);
    return true;
}

static bool check_recording(struct judging *judging, const Lx__Constraint *constraint) {
    const Lx__Submission *submission = judging->operation->submission;
    if (constraint == NULL)
        return true;
    bool timed = constraint->has_duration_min_s || constraint->has_duration_max_s;
    if (timed && !submission->has_duration_s)
        return judge_refuse(judging, REASON_RECORDING_MISSING, "submission.duration_s", NULL);
    if (constraint->has_size_max_bytes && timed && !submission->has_size_bytes)
        return judge_refuse(judging, REASON_RECORDING_MISSING, "submission.size_bytes", NULL);
    if ((constraint->has_duration_min_s && submission->duration_s < constraint->duration_min_s) ||
        (constraint->has_duration_max_s && submission->duration_s > constraint->duration_max_s))
        return judge_refuse(judging, REASON_RECORDING_DURATION, "submission.duration_s",
                            judge_number(judging, constraint->duration_min_s / SECONDS_A_MINUTE),
                            judge_number(judging, constraint->duration_max_s / SECONDS_A_MINUTE),
                            NULL);
    if (constraint->has_size_max_bytes && submission->has_size_bytes &&
        submission->size_bytes > constraint->size_max_bytes)
        return judge_refuse(judging, REASON_RECORDING_SIZE, "submission.size_bytes",
                            judge_number(judging, (int64_t)constraint->size_max_bytes), NULL);
    return true;
}

// The context lists the workshop's people, guests included; never somebody of another school.
static bool is_colleague(const struct judging *judging, const struct judge_subject *author) {
    const struct judge_context *context = judging->context;
    if (author == NULL || author->kind != FACT_SUBJECT_TEACHER)
        return false;
    const struct judge_unit *school =
        judge_unit_above(context, author->home, LX__UNIT_LEVEL__SCHOOL);
    return school != NULL &&
           school == judge_unit_above(context, judging->subject->home, LX__UNIT_LEVEL__SCHOOL);
}

// A workshop's authors are its people; those of a school lie in many streams, so only their form is
// judged.
static bool check_author(struct judging *judging, size_t index) {
    const Lx__Submission *submission = judging->operation->submission;
    const char *path = field_path(judging, "authors", index, "");
    struct uuid id;
    if (!judge_id(judging, true, submission->authors[index], path, &id))
        return false;
    for (size_t i = 0; i < index; i++)
        if (memcmp(submission->authors[i].data, submission->authors[index].data, UUID_SIZE) == 0)
            return judge_refuse(judging, REASON_AUTHOR_REPEATED, path, NULL);
    const struct judge_subject *author = judge_find_subject(judging->context, id);
    if (judging->subject->kind == FACT_SUBJECT_WORKSHOP && !is_colleague(judging, author))
        return judge_refuse(judging, REASON_AUTHOR_UNKNOWN, path, NULL);
    return true;
}

static bool check_authors(struct judging *judging, const Lx__Constraint *constraint) {
    const Lx__Submission *submission = judging->operation->submission;
    if (!check_count(judging, submission->n_authors, "submission.authors"))
        return false;
    for (size_t i = 0; i < submission->n_authors; i++)
        if (!check_author(judging, i))
            return false;
    if (constraint != NULL && submission->n_authors < constraint->authors_min)
        return judge_refuse(judging, REASON_AUTHORS_MISSING, "submission.authors",
                            judge_number(judging, constraint->authors_min), NULL);
    return true;
}

static bool check_points(struct judging *judging, const Lx__Constraint *constraint) {
    const Lx__Submission *submission = judging->operation->submission;
    if (!check_count(judging, submission->n_points, "submission.points"))
        return false;
    for (size_t i = 0; i < submission->n_points; i++) {
        const char *path = field_path(judging, "points", i, "");
        const char *point = submission->points[i];
        if (!judge_name(judging, point, KEY_CAP, path))
            return false;
        if (scheme_point(judging->scheme, point) == NULL)
            return judge_refuse(judging, REASON_POINT_UNKNOWN, path, point, NULL);
        for (size_t j = 0; j < i; j++)
            if (same_text(submission->points[j], point))
                return judge_refuse(judging, REASON_POINT_REPEATED, path, point, NULL);
    }
    if (constraint != NULL && submission->n_points < constraint->points_min)
        return judge_refuse(judging, REASON_POINTS_MISSING, "submission.points",
                            judge_number(judging, constraint->points_min), NULL);
    return true;
}

// The kind of activity of a briefing, when it is given, is one of those that the indicator allows.
static bool check_form(struct judging *judging, const Lx__Constraint *constraint) {
    const char *form = judging->fact->form;
    if (constraint == NULL || constraint->n_forms == 0 || form == NULL)
        return true;
    for (size_t i = 0; i < constraint->n_forms; i++)
        if (same_text(constraint->forms[i], form))
            return true;
    return judge_refuse(judging, REASON_FORM_UNKNOWN, "fact.form", form, NULL);
}

static bool check_file(struct judging *judging) {
    const Lx__Submission *submission = judging->operation->submission;
    const char *name = submission->file_name;
    if (submission->has_file_sha256 && submission->file_sha256.len != FILE_HASH_BYTES)
        return judge_refuse(judging, REASON_FILE_HASH_SIZE, "submission.file_sha256", NULL);
    if (name == NULL)
        return true;
    if (!judge_text(judging, name, JUDGE_TEXT_LINE, FILE_NAME_CAP_BYTES, "submission.file_name"))
        return false;
    if (name[0] == '\0' || strlen(name) > FILE_NAME_CAP_BYTES || strpbrk(name, "/\\") != NULL ||
        same_text(name, ".") || same_text(name, ".."))
        return judge_refuse(judging, REASON_FILE_NAME, "submission.file_name", NULL);
    return true;
}

bool judge_submission(struct judging *judging) {
    const Lx__Submission *submission = judging->operation->submission;
    if (submission == NULL)
        return true; // the table of fact kinds has asked for it where it must be
    const Lx__Constraint *constraint =
        judging->rule != NULL ? judging->rule->source->constraint : NULL;
    if (submission->title != NULL &&
        !judge_text(judging, submission->title, JUDGE_TEXT_LINE, TITLE_CAP, "submission.title"))
        return false;
    return check_form(judging, constraint) && check_template(judging, constraint) &&
           check_recording(judging, constraint) && check_authors(judging, constraint) &&
           check_points(judging, constraint) && check_file(judging);
}
