// The table-driven loader: one row of a table per key, one function per type.
// Owns nothing; values lie in the loader's arena.
#include <string.h>

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/text/utf8.h"
#include "common/text/yaml.h"

static void *at(void *object, size_t offset) {
    return (uint8_t *)object + offset;
}

// The target is an X *, an X ** or a char **: written as bytes, whatever its type.
static void store_pointer(void *object, size_t offset, const void *pointer) {
    memcpy(at(object, offset), &pointer, sizeof(pointer));
}

static const struct yaml_field *find_field(const struct yaml_field *fields, size_t n,
                                           struct view key) {
    for (size_t i = 0; i < n; i++) {
        if (view_equal(view_from_string(fields[i].name), key))
            return &fields[i];
    }
    return NULL;
}

enum status yaml_load_fields(struct yaml_loader *loader, const struct yaml_node *map,
                             const struct yaml_field *fields, size_t n_fields, void *object) {
    if (map->kind != YAML_KIND_MAP)
        return yaml_fail(loader, map, NULL, "\"key: value\" lines are expected here");
    for (size_t i = 0; i < map->n; i++) {
        struct view key = map->keys[i]->text;
        const struct yaml_field *field = find_field(fields, n_fields, key);
        if (field == NULL)
            return yaml_fail(loader, map->keys[i], NULL, "unknown key \"%.*s\"", (int)key.size,
                             (const char *)key.data);
        if (yaml_is_null(map->values[i]))
            return yaml_fail(loader, map->values[i], field->name, "no value");
        TRY(field->load(loader, map->values[i], field, object));
    }
    for (size_t i = 0; i < n_fields; i++) {
        if (fields[i].required && yaml_get(map, fields[i].name) == NULL)
            return yaml_fail(loader, map, fields[i].name, "is missing");
    }
    return STATUS_OK;
}

static enum status need_scalar(struct yaml_loader *loader, const struct yaml_node *node,
                               const struct yaml_field *field) {
    if (node->kind == YAML_KIND_SCALAR)
        return STATUS_OK;
    return yaml_fail(loader, node, field->name, "one value is expected, not a list or a map");
}

static void set_has(const struct yaml_field *field, void *object) {
    if (field->count != YAML_NONE)
        *(int *)at(object, field->count) = 1;
}

static enum status copy_text(struct yaml_loader *loader, const struct yaml_node *node,
                             const struct yaml_field *field, char **out_text) {
    TRY(need_scalar(loader, node, field));
    struct view text;
    TRY(utf8_normalize(node->text, loader->arena, &text));
    if (utf8_trim(text).size == 0)
        return yaml_fail(loader, node, field->name, "must not be empty");
    *out_text = arena_string(loader->arena, text);
    return *out_text == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status yaml_load_text(struct yaml_loader *loader, const struct yaml_node *node,
                           const struct yaml_field *field, void *object) {
    return copy_text(loader, node, field, at(object, field->offset));
}

enum status yaml_load_bool(struct yaml_loader *loader, const struct yaml_node *node,
                           const struct yaml_field *field, void *object) {
    TRY(need_scalar(loader, node, field));
    bool yes = view_equal(node->text, VIEW_LITERAL("true"));
    if (!node->plain || (!yes && !view_equal(node->text, VIEW_LITERAL("false"))))
        return yaml_fail(loader, node, field->name, "must be true or false");
    *(int *)at(object, field->offset) = yes ? 1 : 0;
    set_has(field, object);
    return STATUS_OK;
}

// 15 digits stay far below the end of int64_t.
#define MOST_DIGITS 15

// Digits from *offset on; at least one.
static enum status read_digits(struct view text, size_t *offset, int64_t *out_value) {
    size_t start = *offset;
    int64_t value = 0;
    while (*offset < text.size && text.data[*offset] >= '0' && text.data[*offset] <= '9') {
        if (*offset - start == MOST_DIGITS)
            return STATUS_INVALID;
        value = value * 10 + (text.data[(*offset)++] - '0');
    }
    *out_value = value;
    return *offset > start ? STATUS_OK : STATUS_INVALID;
}

enum status yaml_parse_hundredths(struct view text, int64_t *out_hundredths) {
    size_t offset = text.size > 0 && text.data[0] == '-' ? 1 : 0;
    int64_t sign = offset == 1 ? -1 : 1;
    int64_t whole;
    int64_t part = 0;
    TRY(read_digits(text, &offset, &whole));
    if (offset < text.size) {
        if (text.data[offset++] != '.')
            return STATUS_INVALID;
        size_t start = offset;
        TRY(read_digits(text, &offset, &part));
        if (offset != text.size || offset - start > 2)
            return STATUS_INVALID;
        part *= offset - start == 1 ? 10 : 1;
    }
    *out_hundredths = sign * (whole * 100 + part);
    return STATUS_OK;
}

static enum status read_integer(struct yaml_loader *loader, const struct yaml_node *node,
                                const struct yaml_field *field, int64_t *out_value) {
    TRY(need_scalar(loader, node, field));
    size_t offset = node->text.size > 0 && node->text.data[0] == '-' ? 1 : 0;
    bool negative = offset == 1;
    if (!node->plain || read_digits(node->text, &offset, out_value) != STATUS_OK ||
        offset != node->text.size)
        return yaml_fail(loader, node, field->name, "must be a whole number");
    if (negative)
        *out_value = -*out_value;
    return STATUS_OK;
}

enum status yaml_load_int64(struct yaml_loader *loader, const struct yaml_node *node,
                            const struct yaml_field *field, void *object) {
    TRY(read_integer(loader, node, field, at(object, field->offset)));
    set_has(field, object);
    return STATUS_OK;
}

enum status yaml_load_uint32(struct yaml_loader *loader, const struct yaml_node *node,
                             const struct yaml_field *field, void *object) {
    int64_t value = 0;
    TRY(read_integer(loader, node, field, &value));
    if (value < 0 || value > UINT32_MAX)
        return yaml_fail(loader, node, field->name, "must be between 0 and 4294967295");
    *(uint32_t *)at(object, field->offset) = (uint32_t)value;
    set_has(field, object);
    return STATUS_OK;
}

enum status yaml_load_hundredths(struct yaml_loader *loader, const struct yaml_node *node,
                                 const struct yaml_field *field, void *object) {
    TRY(need_scalar(loader, node, field));
    if (!node->plain || yaml_parse_hundredths(node->text, at(object, field->offset)) != STATUS_OK)
        return yaml_fail(loader, node, field->name,
                         "must be a number with at most two decimal places");
    set_has(field, object);
    return STATUS_OK;
}

enum status yaml_load_day(struct yaml_loader *loader, const struct yaml_node *node,
                          const struct yaml_field *field, void *object) {
    TRY(need_scalar(loader, node, field));
    int32_t day;
    if (clock_parse_day(node->text, &day) != STATUS_OK)
        return yaml_fail(loader, node, field->name, "must be a day, YYYY-MM-DD");
    return copy_text(loader, node, field, at(object, field->offset));
}

enum status yaml_load_choice(struct yaml_loader *loader, const struct yaml_node *node,
                             const struct yaml_field *field, void *object) {
    TRY(need_scalar(loader, node, field));
    for (const struct yaml_choice *choice = field->more; choice->name != NULL; choice++) {
        if (view_equal(view_from_string(choice->name), node->text)) {
            *(int *)at(object, field->offset) = choice->value;
            set_has(field, object);
            return STATUS_OK;
        }
    }
    const char *names = "";
    for (const struct yaml_choice *choice = field->more; choice->name != NULL; choice++) {
        names = arena_format(loader->arena, "%s%s%s", names, names[0] == '\0' ? "" : ", ",
                             choice->name);
        if (names == NULL)
            return STATUS_NO_MEMORY;
    }
    return yaml_fail(loader, node, field->name, "\"%.*s\" is none of: %s", (int)node->text.size,
                     (const char *)node->text.data, names);
}

static enum status need_list(struct yaml_loader *loader, const struct yaml_node *node,
                             const struct yaml_field *field) {
    if (node->kind == YAML_KIND_LIST)
        return STATUS_OK;
    return yaml_fail(loader, node, field->name, "a list is expected");
}

enum status yaml_load_texts(struct yaml_loader *loader, const struct yaml_node *node,
                            const struct yaml_field *field, void *object) {
    TRY(need_list(loader, node, field));
    char **texts = arena_array(loader->arena, node->n, sizeof(*texts));
    if (texts == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < node->n; i++)
        TRY(copy_text(loader, node->values[i], field, &texts[i]));
    store_pointer(object, field->offset, texts);
    if (field->count != YAML_NONE)
        *(size_t *)at(object, field->count) = node->n;
    return STATUS_OK;
}

static enum status load_one(struct yaml_loader *loader, const struct yaml_node *node,
                            const struct yaml_object *type, void **out_object) {
    void *object = arena_alloc(loader->arena, type->size);
    if (object == NULL)
        return STATUS_NO_MEMORY;
    if (type->init != NULL)
        memcpy(object, type->init, type->size);
    if (type->line != YAML_NONE)
        *(uint32_t *)at(object, type->line) = node->line;
    if (type->has_line != YAML_NONE)
        *(int *)at(object, type->has_line) = 1;
    *out_object = object;
    return yaml_load_fields(loader, node, type->fields, type->n_fields, object);
}

enum status yaml_load_object(struct yaml_loader *loader, const struct yaml_node *node,
                             const struct yaml_field *field, void *object) {
    void *loaded;
    TRY(load_one(loader, node, field->more, &loaded));
    store_pointer(object, field->offset, loaded);
    return STATUS_OK;
}

enum status yaml_load_objects(struct yaml_loader *loader, const struct yaml_node *node,
                              const struct yaml_field *field, void *object) {
    TRY(need_list(loader, node, field));
    void **objects = arena_array(loader->arena, node->n, sizeof(*objects));
    if (objects == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < node->n; i++)
        TRY(load_one(loader, node->values[i], field->more, &objects[i]));
    store_pointer(object, field->offset, objects);
    if (field->count != YAML_NONE)
        *(size_t *)at(object, field->count) = node->n;
    return STATUS_OK;
}

enum status yaml_load_node(struct yaml_loader *loader, const struct yaml_node *node,
                           const struct yaml_field *field, void *object) {
    (void)loader;
    store_pointer(object, field->offset, node);
    return STATUS_OK;
}
