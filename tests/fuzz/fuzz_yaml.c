// libFuzzer: any bytes as a YAML file. A failure carries a message, a success a tree within its
// caps.
#include <stdlib.h>

#include "common/text/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
    if (!holds)
        abort();
}

static void walk(const struct yaml_node *node, size_t depth) {
    check(depth <= 8 && node->line > 0 && node->column > 0);
    for (size_t i = 0; i < node->n; i++)
        walk(node->values[i], depth + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct yaml_limits limits = {.bytes = 65536, .depth = 8, .nodes = 1000};
    struct arena *arena = arena_new(0);
    check(arena != NULL);
    struct yaml_loader loader;
    const struct yaml_node *root;
    enum status status = yaml_open(view_from(data, size), "f", arena, &limits, &loader, &root);
    check((status == STATUS_OK) == (loader.error == NULL));
    if (status == STATUS_OK)
        walk(root, 0);
    arena_free(&arena);
    return 0;
}
