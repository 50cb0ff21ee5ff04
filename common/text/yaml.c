// Turns libyaml's document into a tree of our own in the caller's arena, and refuses what a
// configuration file has no use for. Owns libyaml's parser and document during a call.
#include "common/text/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "common/base/arena.h"
#include "common/text/utf8.h"

static const struct yaml_limits default_limits = {
    .bytes = 1024 * 1024, .depth = 32, .nodes = 100000};

// Flow brackets open at once in the raw text. libyaml's scanner takes time by the square of it, so
// it is bounded before libyaml sees the text; far above any `depth`, since brackets in quotes
// count.
#define MOST_OPEN_BRACKETS 1000

static enum status set_error(struct yaml_loader *loader, unsigned line, unsigned column,
                             const char *field, const char *message) {
    if (loader->error != NULL)
        return STATUS_INVALID;
    loader->error = arena_format(loader->arena, "%s:%u:%u: %s%s%s", loader->file, line, column,
                                 field == NULL ? "" : field, field == NULL ? "" : ": ", message);
    if (loader->error == NULL)
        loader->error = "out of memory";
    return STATUS_INVALID;
}

enum status yaml_fail(struct yaml_loader *loader, const struct yaml_node *node, const char *field,
                      const char *format, ...) {
    char message[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return set_error(loader, node->line, node->column, field, message);
}

// One conversion of a document.
struct builder {
    struct yaml_loader *loader;
    struct yaml_limits limits;
    yaml_document_t *document;
    bool *seen; // by libyaml's node number: a second visit is an alias
};

static enum status build(struct builder *builder, int number, size_t depth,
                         struct yaml_node **out_node);

static enum status build_list(struct builder *builder, const yaml_node_t *from, size_t depth,
                              struct yaml_node *node) {
    const yaml_node_item_t *start = from->data.sequence.items.start;
    node->kind = YAML_KIND_LIST;
    node->n = (size_t)(from->data.sequence.items.top - start);
    struct yaml_node **values = arena_array(builder->loader->arena, node->n, sizeof(*values));
    if (values == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < node->n; i++)
        TRY(build(builder, start[i], depth + 1, &values[i]));
    node->values = values;
    return STATUS_OK;
}

// Keys are few where people write them; the square of their number is bounded by `nodes` all the
// same.
static enum status check_key(struct builder *builder, struct yaml_node *const *keys, size_t i) {
    struct yaml_loader *loader = builder->loader;
    if (keys[i]->kind != YAML_KIND_SCALAR)
        return yaml_fail(loader, keys[i], NULL, "a key must be a plain word");
    for (size_t before = 0; before < i; before++) {
        if (view_equal(keys[before]->text, keys[i]->text))
            return yaml_fail(loader, keys[i], NULL, "the key \"%.*s\" is there twice (line %u)",
                             (int)keys[i]->text.size, (const char *)keys[i]->text.data,
                             keys[before]->line);
    }
    return STATUS_OK;
}

// More keys than this in one map are no table of ours, and would cost the square in check_key.
#define MOST_KEYS 2000

static enum status build_map(struct builder *builder, const yaml_node_t *from, size_t depth,
                             struct yaml_node *node) {
    const yaml_node_pair_t *start = from->data.mapping.pairs.start;
    struct arena *arena = builder->loader->arena;
    node->kind = YAML_KIND_MAP;
    node->n = (size_t)(from->data.mapping.pairs.top - start);
    if (node->n > MOST_KEYS)
        return yaml_fail(builder->loader, node, NULL, "more than %d keys", MOST_KEYS);
    struct yaml_node **keys = arena_array(arena, node->n, sizeof(*keys));
    struct yaml_node **values = arena_array(arena, node->n, sizeof(*values));
    if (keys == NULL || values == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < node->n; i++) {
        TRY(build(builder, start[i].key, depth + 1, &keys[i]));
        TRY(check_key(builder, keys, i));
        TRY(build(builder, start[i].value, depth + 1, &values[i]));
    }
    node->keys = keys;
    node->values = values;
    return STATUS_OK;
}

static enum status build_scalar(struct builder *builder, const yaml_node_t *from,
                                struct yaml_node *node) {
    struct view text = view_from(from->data.scalar.value, from->data.scalar.length);
    enum utf8_flaw flaw = utf8_check_text(text, NULL); // "\0" and "\u202e" are written as escapes
    if (flaw != UTF8_FLAW_NONE)
        return yaml_fail(builder->loader, node, NULL, "the text holds %s", utf8_flaw_text(flaw));
    const char *copy = arena_string(builder->loader->arena, text);
    if (copy == NULL)
        return STATUS_NO_MEMORY;
    node->kind = YAML_KIND_SCALAR;
    node->plain = from->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = view_from(copy, text.size);
    return STATUS_OK;
}

static bool has_plain_tag(const yaml_node_t *from) {
    static const char *const plain[] = {YAML_STR_TAG, YAML_SEQ_TAG, YAML_MAP_TAG};
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (from->tag == NULL || strcmp((const char *)from->tag, plain[i]) == 0)
            return true;
    }
    return false;
}

static enum status build(struct builder *builder, int number, size_t depth,
                         struct yaml_node **out_node) {
    const yaml_node_t *from = yaml_document_get_node(builder->document, number);
    struct yaml_node *node = arena_alloc(builder->loader->arena, sizeof(*node));
    if (from == NULL || node == NULL)
        return STATUS_NO_MEMORY;
    node->line = (unsigned)from->start_mark.line + 1;
    node->column = (unsigned)from->start_mark.column + 1;
    *out_node = node;
    if (builder->seen[number])
        return yaml_fail(builder->loader, node, NULL, "aliases (*name) are not allowed");
    builder->seen[number] = true;
    if (depth > builder->limits.depth)
        return yaml_fail(builder->loader, node, NULL, "nested deeper than %zu levels",
                         builder->limits.depth);
    if (!has_plain_tag(from))
        return yaml_fail(builder->loader, node, NULL, "tags (!name) are not allowed");
    if (from->type == YAML_SEQUENCE_NODE)
        return build_list(builder, from, depth, node);
    if (from->type == YAML_MAPPING_NODE)
        return build_map(builder, from, depth, node);
    return build_scalar(builder, from, node);
}

static enum status build_document(struct yaml_loader *loader, const struct yaml_limits *limits,
                                  yaml_document_t *document, struct yaml_node **out_root) {
    size_t n = (size_t)(document->nodes.top - document->nodes.start);
    if (n == 0)
        return set_error(loader, 1, 1, NULL, "the file is empty");
    if (n > limits->nodes)
        return set_error(loader, 1, 1, NULL, "the file has too many values");
    struct builder builder = {.loader = loader, .limits = *limits, .document = document};
    builder.seen = arena_array(loader->arena, n + 1, sizeof(*builder.seen)); // numbers start at 1
    if (builder.seen == NULL)
        return STATUS_NO_MEMORY;
    return build(&builder, 1, 0, out_root);
}

static enum status parser_error(struct yaml_loader *loader, const yaml_parser_t *parser) {
    if (parser->error == YAML_MEMORY_ERROR)
        return STATUS_NO_MEMORY;
    const char *problem = parser->problem == NULL ? "not valid YAML" : parser->problem;
    const yaml_mark_t *mark = &parser->problem_mark;
    return set_error(loader, (unsigned)mark->line + 1, (unsigned)mark->column + 1, NULL, problem);
}

static enum status load(struct yaml_loader *loader, const struct yaml_limits *limits,
                        yaml_parser_t *parser, struct yaml_node **out_root) {
    yaml_document_t document;
    if (!yaml_parser_load(parser, &document))
        return parser_error(loader, parser);
    enum status status = build_document(loader, limits, &document, out_root);
    yaml_document_delete(&document);
    if (status != STATUS_OK)
        return status;
    if (!yaml_parser_load(parser, &document))
        return parser_error(loader, parser);
    unsigned line = (unsigned)document.start_mark.line + 1;
    bool more = document.nodes.top != document.nodes.start;
    yaml_document_delete(&document);
    return more ? set_error(loader, line, 1, NULL, "a second document in the file") : STATUS_OK;
}

// Line of the byte at `offset`, from 1.
static unsigned line_of(struct view text, size_t offset) {
    unsigned line = 1;
    for (size_t i = 0; i < offset && i < text.size; i++)
        line += text.data[i] == '\n' ? 1 : 0;
    return line;
}

static enum status check_text(struct yaml_loader *loader, const struct yaml_limits *limits,
                              struct view text) {
    if (text.size > limits->bytes)
        return set_error(loader, 1, 1, NULL, "the file is too large");
    size_t offset;
    enum utf8_flaw flaw = utf8_check(text, &offset);
    if (flaw != UTF8_FLAW_NONE)
        return set_error(loader, line_of(text, offset), 1, NULL, utf8_flaw_text(flaw));
    size_t open = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '[' || text.data[i] == '{')
            open++;
        else if ((text.data[i] == ']' || text.data[i] == '}') && open > 0)
            open--;
        if (open > MOST_OPEN_BRACKETS)
            return set_error(loader, line_of(text, i), 1, NULL, "too many open brackets");
    }
    return STATUS_OK;
}

enum status yaml_open(struct view text, const char *file, struct arena *arena,
                      const struct yaml_limits *limits, struct yaml_loader *out_loader,
                      const struct yaml_node **out_root) {
    struct yaml_limits used = limits == NULL ? default_limits : *limits;
    used.bytes = used.bytes == 0 ? default_limits.bytes : used.bytes;
    used.depth = used.depth == 0 ? default_limits.depth : used.depth;
    used.nodes = used.nodes == 0 ? default_limits.nodes : used.nodes;
    *out_loader = (struct yaml_loader){.file = file, .arena = arena};
    TRY(check_text(out_loader, &used, text));
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return STATUS_NO_MEMORY;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    const unsigned char *bytes = text.size == 0 ? (const unsigned char *)"" : text.data;
    yaml_parser_set_input_string(&parser, bytes, text.size);
    struct yaml_node *root = NULL;
    enum status status = load(out_loader, &used, &parser, &root);
    yaml_parser_delete(&parser);
    *out_root = root;
    return status;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key) {
    if (map == NULL || map->kind != YAML_KIND_MAP)
        return NULL;
    struct view wanted = view_from_string(key);
    for (size_t i = 0; i < map->n; i++) {
        if (view_equal(map->keys[i]->text, wanted))
            return map->values[i];
    }
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node) {
    if (node == NULL)
        return true;
    if (node->kind != YAML_KIND_SCALAR || !node->plain)
        return false;
    return node->text.size == 0 || view_equal(node->text, VIEW_LITERAL("~")) ||
           view_equal(node->text, VIEW_LITERAL("null"));
}
