// One table per message says which keys a scheme file may have. The order here is the order of the
// documentation.
#include "common/assess/scheme_yaml.h"

#include <string.h>

#include "common/assess/measures.h"
#include "common/base/clock.h"
#include "common/domain/fact_kind.h"
#include "common/domain/role.h"
#include "common/text/yaml.h"
#include "common/wire/unpack.h"

// ---- loaders for what only schemes have ----

// int32_t: a day as YYYY-MM-DD.
static enum status load_day(struct yaml_loader *loader, const struct yaml_node *node,
                            const struct yaml_field *field, void *object) {
    int32_t day;
    if (node->kind != YAML_KIND_SCALAR || clock_parse_day(node->text, &day) != STATUS_OK)
        return yaml_fail(loader, node, field->name, "must be a day, YYYY-MM-DD");
    memcpy((uint8_t *)object + field->offset, &day, sizeof(day));
    *(int *)((uint8_t *)object + field->count) = 1;
    return STATUS_OK;
}

static bool two_digits(const uint8_t *text, uint32_t *out_value) {
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return false;
    *out_value = (uint32_t)(text[0] - '0') * 10 + (uint32_t)(text[1] - '0');
    return true;
}

// uint32_t: HH:MM as minutes since midnight.
static enum status load_time(struct yaml_loader *loader, const struct yaml_node *node,
                             const struct yaml_field *field, void *object) {
    uint32_t hour = 0;
    uint32_t minute = 0;
    bool good = node->kind == YAML_KIND_SCALAR && node->text.size == 5 &&
                node->text.data[2] == ':' && two_digits(node->text.data, &hour) &&
                two_digits(node->text.data + 3, &minute) && hour < 24 && minute < 60;
    if (!good)
        return yaml_fail(loader, node, field->name, "must be a time, HH:MM");
    uint32_t value = hour * 60 + minute;
    memcpy((uint8_t *)object + field->offset, &value, sizeof(value));
    *(int *)((uint8_t *)object + field->count) = 1;
    return STATUS_OK;
}

typedef bool (*name_fn)(struct view name, int *out_value);

// int, or int * repeated: an enum whose names come from a table elsewhere; more = name_fn in a
// struct.
struct names {
    name_fn find;
    const char *what;
};

static enum status read_name(struct yaml_loader *loader, const struct yaml_node *node,
                             const struct yaml_field *field, int *out_value) {
    const struct names *names = field->more;
    if (node->kind != YAML_KIND_SCALAR)
        return yaml_fail(loader, node, field->name, "one value is expected");
    if (!names->find(node->text, out_value))
        return yaml_fail(loader, node, field->name, "\"%.*s\" is not a known %s",
                         (int)node->text.size, (const char *)node->text.data, names->what);
    return STATUS_OK;
}

static enum status load_name(struct yaml_loader *loader, const struct yaml_node *node,
                             const struct yaml_field *field, void *object) {
    int value;
    TRY(read_name(loader, node, field, &value));
    memcpy((uint8_t *)object + field->offset, &value, sizeof(value));
    *(int *)((uint8_t *)object + field->count) = 1;
    return STATUS_OK;
}

static enum status load_names(struct yaml_loader *loader, const struct yaml_node *node,
                              const struct yaml_field *field, void *object) {
    if (node->kind != YAML_KIND_LIST)
        return yaml_fail(loader, node, field->name, "a list is expected");
    int *values = arena_array(loader->arena, node->n + 1, sizeof(*values));
    if (values == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < node->n; i++)
        TRY(read_name(loader, node->values[i], field, &values[i]));
    memcpy((uint8_t *)object + field->offset, &values, sizeof(values));
    *(size_t *)((uint8_t *)object + field->count) = node->n;
    return STATUS_OK;
}

static bool find_fact_kind(struct view name, int *out_value) {
    size_t n;
    const struct fact_kind_info *table = fact_kind_table(&n);
    for (size_t i = 0; i < n; i++) {
        if (view_equal(view_from_string(table[i].name), name)) {
            *out_value = (int)table[i].kind;
            return true;
        }
    }
    return false;
}

static bool find_role(struct view name, int *out_value) {
    size_t n;
    const struct role_info *table = role_table(&n);
    for (size_t i = 0; i < n; i++) {
        if (view_equal(view_from_string(table[i].name), name)) {
            *out_value = (int)table[i].role;
            return true;
        }
    }
    return false;
}

static bool find_measure(struct view name, int *out_value) {
    size_t n;
    const struct measure_info *table = measure_table(&n);
    for (size_t i = 0; i < n; i++) {
        if (view_equal(view_from_string(table[i].name), name)) {
            *out_value = (int)table[i].measure;
            return true;
        }
    }
    return false;
}

static bool find_amount(struct view name, int *out_value) {
    size_t n;
    const struct amount_info *table = amount_table(&n);
    for (size_t i = 0; i < n; i++) {
        if (view_equal(view_from_string(table[i].name), name)) {
            *out_value = (int)table[i].kind;
            return true;
        }
    }
    return false;
}

static bool find_subject(struct view name, int *out_value) {
    static const char *const kinds[SUBJECT_KIND_COUNT] = {"",       "teacher", "workshop",
                                                          "school", "cluster", "district"};
    for (int i = 1; i < SUBJECT_KIND_COUNT; i++) {
        if (view_equal(view_from_string(kinds[i]), name)) {
            *out_value = i;
            return true;
        }
    }
    return false;
}

static const struct names fact_kind_names = {find_fact_kind, "kind of fact"};
static const struct names role_names = {find_role, "role"};
static const struct names measure_names = {find_measure, "measure"};
static const struct names amount_names = {find_amount, "amount"};
static const struct names subject_names = {find_subject, "kind of subject"};

static const struct yaml_choice compares[] = {
    {"at_least", LX__COMPARE__AT_LEAST}, {"at_most", LX__COMPARE__AT_MOST}, {NULL, 0}};
static const struct yaml_choice accepts[] = {{"review", LX__ACCEPT_BY__ACCEPT_REVIEW},
                                             {"submission", LX__ACCEPT_BY__ACCEPT_SUBMISSION},
                                             {NULL, 0}};

// ---- the tables ----

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(type, field)                                                                          \
    { .name = #field, .load = yaml_load_text, YAML_PLAIN(type, field) }
#define NEEDED_TEXT(type, field)                                                                   \
    { .name = #field, .load = yaml_load_text, .required = true, YAML_PLAIN(type, field) }
#define TEXTS(type, field)                                                                         \
    { .name = #field, .load = yaml_load_texts, YAML_REPEATED(type, field) }
#define NUMBER(type, field)                                                                        \
    { .name = #field, .load = yaml_load_uint32, YAML_OPTIONAL(type, field) }
#define DECIMAL(type, field)                                                                       \
    { .name = #field, .load = yaml_load_hundredths, YAML_OPTIONAL(type, field) }
#define FLAG(type, field)                                                                          \
    { .name = #field, .load = yaml_load_bool, YAML_OPTIONAL(type, field) }
#define NAME(type, field, names)                                                                   \
    { .name = #field, .load = load_name, YAML_OPTIONAL(type, field), .more = &(names) }
#define NAMES(type, field, names)                                                                  \
    { .name = #field, .load = load_names, YAML_REPEATED(type, field), .more = &(names) }
#define CHOICE(type, field, choices)                                                               \
    { .name = #field, .load = yaml_load_choice, YAML_OPTIONAL(type, field), .more = (choices) }
#define OBJECT(type, field, object)                                                                \
    { .name = #field, .load = yaml_load_object, YAML_PLAIN(type, field), .more = &(object) }
#define OBJECTS(type, field, object)                                                               \
    { .name = #field, .load = yaml_load_objects, YAML_REPEATED(type, field), .more = &(object) }
#define ORIGIN(type) TEXT(type, sentence), TEXTS(type, assumed)

#define OBJECT_TYPE(name, type, initial)                                                           \
    static const type name##_init = initial;                                                       \
    static const struct yaml_object name = {                                                       \
        sizeof(type), &name##_init, name##_fields, COUNT_OF(name##_fields), YAML_NONE, YAML_NONE}
#define LINED_TYPE(name, type, initial)                                                            \
    static const type name##_init = initial;                                                       \
    static const struct yaml_object name = {sizeof(type),         &name##_init,                    \
                                            name##_fields,        COUNT_OF(name##_fields),         \
                                            offsetof(type, line), offsetof(type, has_line)}

static const struct yaml_field text_fields[] = {NEEDED_TEXT(Lx__Text, zh),
                                                NEEDED_TEXT(Lx__Text, en)};
OBJECT_TYPE(text, Lx__Text, LX__TEXT__INIT);

static const struct yaml_field assumption_fields[] = {NEEDED_TEXT(Lx__Assumption, code),
                                                      NEEDED_TEXT(Lx__Assumption, reason)};
LINED_TYPE(assumption, Lx__Assumption, LX__ASSUMPTION__INIT);

static const struct yaml_field stage_fields[] = {
    NEEDED_TEXT(Lx__Stage, code),
    OBJECT(Lx__Stage, label, text),
    {.name = "first_day", .load = load_day, .required = true, YAML_OPTIONAL(Lx__Stage, first_day)},
    {.name = "last_day", .load = load_day, .required = true, YAML_OPTIONAL(Lx__Stage, last_day)},
    TEXT(Lx__Stage, inside),
    ORIGIN(Lx__Stage),
};
LINED_TYPE(stage, Lx__Stage, LX__STAGE__INIT);

static const struct yaml_field section_fields[] = {
    NEEDED_TEXT(Lx__Section, code),
    OBJECT(Lx__Section, label, text),
    NAME(Lx__Section, subject, subject_names),
    DECIMAL(Lx__Section, cap),
};
LINED_TYPE(section, Lx__Section, LX__SECTION__INIT);

static const struct yaml_field obliged_fields[] = {
    TEXT(Lx__Obliged, code),
    OBJECT(Lx__Obliged, label, text),
    TEXTS(Lx__Obliged, attributes),
    ORIGIN(Lx__Obliged),
};
LINED_TYPE(obliged, Lx__Obliged, LX__OBLIGED__INIT);

static const struct yaml_field hours_fields[] = {
    NUMBER(Lx__Hours, minutes_per_hour),
    NUMBER(Lx__Hours, daily_limit_s),
    TEXTS(Lx__Hours, groups),
    TEXTS(Lx__Hours, stages),
    ORIGIN(Lx__Hours),
};
LINED_TYPE(hours, Lx__Hours, LX__HOURS__INIT);

static const struct yaml_field rubric_fields[] = {
    NAME(Lx__Rubric, subject, subject_names),
    OBJECT(Lx__Rubric, label, text),
    DECIMAL(Lx__Rubric, total),
    DECIMAL(Lx__Rubric, pass_percent),
    ORIGIN(Lx__Rubric),
};
LINED_TYPE(rubric, Lx__Rubric, LX__RUBRIC__INIT);

static const struct yaml_field named_fields[] = {NEEDED_TEXT(Lx__NamedText, code),
                                                 OBJECT(Lx__NamedText, label, text)};
OBJECT_TYPE(named, Lx__NamedText, LX__NAMED_TEXT__INIT);

static const struct yaml_field group_fields[] = {
    NEEDED_TEXT(Lx__CourseGroup, code), OBJECT(Lx__CourseGroup, label, text),
    FLAG(Lx__CourseGroup, chosen),      TEXTS(Lx__CourseGroup, printed_dimensions),
    TEXT(Lx__CourseGroup, body),
};
LINED_TYPE(group, Lx__CourseGroup, LX__COURSE_GROUP__INIT);

static const struct yaml_field course_fields[] = {
    NEEDED_TEXT(Lx__Course, code),   TEXT(Lx__Course, group), TEXT(Lx__Course, dimension),
    OBJECT(Lx__Course, topic, text), TEXT(Lx__Course, form),  NUMBER(Lx__Course, length_s),
    TEXT(Lx__Course, point),
};
LINED_TYPE(course, Lx__Course, LX__COURSE__INIT);

static const struct yaml_field point_fields[] = {
    NEEDED_TEXT(Lx__AbilityPoint, code), OBJECT(Lx__AbilityPoint, label, text),
    TEXT(Lx__AbilityPoint, dimension),   TEXT(Lx__AbilityPoint, environment),
    TEXT(Lx__AbilityPoint, printed),     ORIGIN(Lx__AbilityPoint),
};
LINED_TYPE(point, Lx__AbilityPoint, LX__ABILITY_POINT__INIT);

static const struct yaml_field template_field_fields[] = {
    NEEDED_TEXT(Lx__TemplateFieldRule, key),
    OBJECT(Lx__TemplateFieldRule, label, text),
    FLAG(Lx__TemplateFieldRule, needed),
    TEXTS(Lx__TemplateFieldRule, choices),
};
OBJECT_TYPE(template_field, Lx__TemplateFieldRule, LX__TEMPLATE_FIELD_RULE__INIT);

static const struct yaml_field template_fields[] = {
    NEEDED_TEXT(Lx__Template, code),
    OBJECT(Lx__Template, label, text),
    OBJECTS(Lx__Template, fields, template_field),
    ORIGIN(Lx__Template),
};
LINED_TYPE(template, Lx__Template, LX__TEMPLATE__INIT);

static const struct yaml_field constraint_fields[] = {
    {.name = "template", .load = yaml_load_text, YAML_PLAIN(Lx__Constraint, template_)},
    NUMBER(Lx__Constraint, duration_min_s),
    NUMBER(Lx__Constraint, duration_max_s),
    {.name = "size_max_bytes",
     .load = yaml_load_int64,
     YAML_OPTIONAL(Lx__Constraint, size_max_bytes)},
    TEXT(Lx__Constraint, size_printed),
    NUMBER(Lx__Constraint, authors_min),
    NUMBER(Lx__Constraint, points_min),
    TEXTS(Lx__Constraint, forms),
};
OBJECT_TYPE(constraint, Lx__Constraint, LX__CONSTRAINT__INIT);

static const struct yaml_field amount_fields[] = {
    NAME(Lx__Amount, kind, amount_names),
    NAMES(Lx__Amount, kinds, fact_kind_names),
    TEXTS(Lx__Amount, items),
    TEXTS(Lx__Amount, forms),
    TEXTS(Lx__Amount, groups),
    DECIMAL(Lx__Amount, value),
};
OBJECT_TYPE(amount, Lx__Amount, LX__AMOUNT__INIT);

static const struct yaml_field condition_fields[] = {
    OBJECT(Lx__Condition, amount, amount),
    CHOICE(Lx__Condition, compare, compares),
    DECIMAL(Lx__Condition, bound),
};
OBJECT_TYPE(condition, Lx__Condition, LX__CONDITION__INIT);

static const struct yaml_field tier_fields[] = {DECIMAL(Lx__Tier, bound),
                                                DECIMAL(Lx__Tier, points)};
OBJECT_TYPE(tier, Lx__Tier, LX__TIER__INIT);

static const struct yaml_field rule_fields[] = {
    NEEDED_TEXT(Lx__Rule, code),
    OBJECT(Lx__Rule, label, text),
    NAMES(Lx__Rule, subjects, subject_names),
    NAME(Lx__Rule, measure, measure_names),
    TEXT(Lx__Rule, section),
    TEXTS(Lx__Rule, stages),
    DECIMAL(Lx__Rule, points),
    DECIMAL(Lx__Rule, cap),
    FLAG(Lx__Rule, deliverable),
    OBJECT(Lx__Rule, amount, amount),
    OBJECT(Lx__Rule, per, amount),
    CHOICE(Lx__Rule, compare, compares),
    DECIMAL(Lx__Rule, bound),
    DECIMAL(Lx__Rule, full_at),
    OBJECTS(Lx__Rule, tiers, tier),
    NUMBER(Lx__Rule, min),
    OBJECTS(Lx__Rule, conditions, condition),
    TEXTS(Lx__Rule, opens_after),
    TEXT(Lx__Rule, counts_from),
    TEXTS(Lx__Rule, set),
    TEXTS(Lx__Rule, not_scored),
    NUMBER(Lx__Rule, dimensions),
    TEXT(Lx__Rule, within),
    CHOICE(Lx__Rule, accept, accepts),
    NAMES(Lx__Rule, by, role_names),
    NAMES(Lx__Rule, review, role_names),
    NAME(Lx__Rule, on_behalf, role_names),
    OBJECT(Lx__Rule, constraint, constraint),
    TEXT(Lx__Rule, platform),
    FLAG(Lx__Rule, lead_only),
    ORIGIN(Lx__Rule),
};
LINED_TYPE(rule, Lx__Rule, LX__RULE__INIT);

static const struct yaml_field session_fields[] = {
    NUMBER(Lx__Session, day),
    {.name = "from", .load = load_time, .required = true, YAML_OPTIONAL(Lx__Session, from_minute)},
    {.name = "until",
     .load = load_time,
     .required = true,
     YAML_OPTIONAL(Lx__Session, until_minute)},
    TEXTS(Lx__Session, audiences),
    TEXTS(Lx__Session, wants),
    TEXT(Lx__Session, module),
    TEXT(Lx__Session, theme),
    TEXT(Lx__Session, form),
    TEXT(Lx__Session, speaker),
    TEXT(Lx__Session, stage),
};
LINED_TYPE(session, Lx__Session, LX__SESSION__INIT);

static const struct yaml_field collection_fields[] = {
    NEEDED_TEXT(Lx__Collection, code),
    OBJECT(Lx__Collection, label, text),
    TEXT(Lx__Collection, form),
    TEXTS(Lx__Collection, from),
    NUMBER(Lx__Collection, points_min),
    TEXT(Lx__Collection, stage),
    ORIGIN(Lx__Collection),
};
LINED_TYPE(collection, Lx__Collection, LX__COLLECTION__INIT);

static const struct yaml_field scheme_fields[] = {
    NEEDED_TEXT(Lx__Scheme, code),
    NUMBER(Lx__Scheme, number),
    NUMBER(Lx__Scheme, version),
    OBJECT(Lx__Scheme, label, text),
    TEXT(Lx__Scheme, source),
    TEXT(Lx__Scheme, platform),
    CHOICE(Lx__Scheme, accept, accepts),
    OBJECT(Lx__Scheme, hours, hours),
    OBJECT(Lx__Scheme, obliged, obliged),
    OBJECTS(Lx__Scheme, assumptions, assumption),
    OBJECTS(Lx__Scheme, stages, stage),
    OBJECTS(Lx__Scheme, sections, section),
    OBJECTS(Lx__Scheme, rubrics, rubric),
    OBJECTS(Lx__Scheme, dimensions, named),
    OBJECTS(Lx__Scheme, environments, named),
    OBJECTS(Lx__Scheme, forms, named),
    OBJECTS(Lx__Scheme, audiences, named),
    OBJECTS(Lx__Scheme, groups, group),
    OBJECTS(Lx__Scheme, courses, course),
    OBJECTS(Lx__Scheme, points, point),
    OBJECTS(Lx__Scheme, templates, template),
    OBJECTS(Lx__Scheme, rules, rule),
    OBJECTS(Lx__Scheme, sessions, session),
    OBJECTS(Lx__Scheme, collections, collection),
};

enum status scheme_yaml_read(struct view source, const char *file, struct arena *arena,
                             Lx__Scheme **out_scheme, const char **out_error) {
    struct yaml_loader loader;
    const struct yaml_node *root;
    Lx__Scheme *scheme = arena_alloc(arena, sizeof(*scheme));
    *out_error = NULL;
    if (scheme == NULL)
        return STATUS_NO_MEMORY;
    lx__scheme__init(scheme);
    enum status status = yaml_open(source, file, arena, NULL, &loader, &root);
    if (status == STATUS_OK)
        status = yaml_load_fields(&loader, root, scheme_fields, COUNT_OF(scheme_fields), scheme);
    if (status != STATUS_OK) {
        *out_error = loader.error;
        return status;
    }
    *out_scheme = scheme;
    return STATUS_OK;
}

enum status scheme_yaml_compile(struct view source, const char *file, struct arena *arena,
                                const struct scheme **out_scheme, const char **out_error) {
    Lx__Scheme *message;
    struct scheme_error error;
    TRY(scheme_yaml_read(source, file, arena, &message, out_error));
    enum status status = scheme_compile(message, arena, out_scheme, &error);
    if (status == STATUS_INVALID)
        *out_error = scheme_error_format(&error, file, arena);
    return status;
}
