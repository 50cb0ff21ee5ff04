// YAML: the tree with its lines, the table-driven loader, and errors that name file, line and
// field.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "common/text/yaml.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum colour { RED = 1, GREEN = 2 };

struct leaf {
    char *name;
    uint32_t line;
    int has_line;
    int has_points;
    int64_t points;
};

struct tree {
    char *title;
    int has_colour;
    enum colour colour;
    int yes;
    uint32_t count;
    int64_t big;
    char *day;
    size_t n_tags;
    char **tags;
    struct leaf *first;
    size_t n_leaves;
    struct leaf **leaves;
    const struct yaml_node *raw;
};

static const struct yaml_field leaf_fields[] = {
    {.name = "name", .load = yaml_load_text, .required = true, YAML_PLAIN(struct leaf, name)},
    {.name = "points", .load = yaml_load_hundredths, YAML_OPTIONAL(struct leaf, points)},
};
static const struct yaml_object leaf_object = {.size = sizeof(struct leaf),
                                               .fields = leaf_fields,
                                               .n_fields = COUNT(leaf_fields),
                                               .line = offsetof(struct leaf, line),
                                               .has_line = offsetof(struct leaf, has_line)};
static const struct yaml_choice colours[] = {{"red", RED}, {"green", GREEN}, {NULL, 0}};
static const struct yaml_field tree_fields[] = {
    {.name = "title", .load = yaml_load_text, .required = true, YAML_PLAIN(struct tree, title)},
    {.name = "colour",
     .load = yaml_load_choice,
     .more = colours,
     YAML_OPTIONAL(struct tree, colour)},
    {.name = "yes", .load = yaml_load_bool, YAML_PLAIN(struct tree, yes)},
    {.name = "count", .load = yaml_load_uint32, YAML_PLAIN(struct tree, count)},
    {.name = "big", .load = yaml_load_int64, YAML_PLAIN(struct tree, big)},
    {.name = "day", .load = yaml_load_day, YAML_PLAIN(struct tree, day)},
    {.name = "tags", .load = yaml_load_texts, YAML_REPEATED(struct tree, tags)},
    {.name = "first",
     .load = yaml_load_object,
     .more = &leaf_object,
     YAML_PLAIN(struct tree, first)},
    {.name = "leaves",
     .load = yaml_load_objects,
     .more = &leaf_object,
     YAML_REPEATED(struct tree, leaves)},
    {.name = "raw", .load = yaml_load_node, YAML_PLAIN(struct tree, raw)},
};

static enum status load_tree(const char *text, struct arena *arena, struct tree *tree,
                             const char **out_error) {
    struct yaml_loader loader;
    const struct yaml_node *root;
    enum status status = yaml_open(view_from_string(text), "x.yaml", arena, NULL, &loader, &root);
    if (status == STATUS_OK)
        status = yaml_load_fields(&loader, root, tree_fields, COUNT(tree_fields), tree);
    *out_error = loader.error;
    return status;
}

static void test_everything_loads(void **state) {
    (void)state;
    struct arena *arena = arena_new(0);
    struct tree tree = {0};
    const char *error;
    const char *text = "# a comment\n"
                       "title: 标题 # with a comment\n"
                       "colour: green\n"
                       "yes: true\n"
                       "count: 4294967295\n"
                       "big: -900000000000000\n"
                       "day: 2021-02-28\n"
                       "tags: [a, \"1.10\", 中]\n"
                       "first: {name: f}\n"
                       "leaves:\n"
                       "  - name: one\n"
                       "    points: 2.5\n"
                       "  - {name: two, points: -0.05}\n"
                       "raw: {k: 1.10}\n";
    assert_int_equal(load_tree(text, arena, &tree, &error), STATUS_OK);
    assert_null(error);
    assert_string_equal(tree.title, "标题");
    assert_true(tree.has_colour && tree.colour == GREEN && tree.yes);
    assert_int_equal(tree.count, 4294967295u);
    assert_true(tree.big == -INT64_C(900000000000000));
    assert_string_equal(tree.day, "2021-02-28");
    assert_int_equal(tree.n_tags, 3);
    assert_string_equal(tree.tags[1], "1.10");
    assert_string_equal(tree.first->name, "f");
    assert_false(tree.first->has_points);
    assert_int_equal(tree.n_leaves, 2);
    assert_true(tree.leaves[0]->points == 250 && tree.leaves[0]->has_points);
    assert_true(tree.leaves[1]->points == -5);
    assert_true(tree.leaves[0]->line == 11 && tree.leaves[1]->line == 13);
    assert_true(view_equal(yaml_get(tree.raw, "k")->text, VIEW_LITERAL("1.10")));
    arena_free(&arena);
}

static void test_errors_say_where(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"", "x.yaml:1:1: the file is empty"},
        {"- a\n", "x.yaml:1:1: \"key: value\" lines are expected here"},
        {"title: a\nfoo: 1\n", "x.yaml:2:1: unknown key \"foo\""},
        {"yes: true\n", "x.yaml:1:1: title: is missing"},
        {"title:\n", "x.yaml:1:7: title: no value"},
        {"title: \"\"\n", "x.yaml:1:8: title: must not be empty"},
        {"title: [a]\n", "x.yaml:1:8: title: one value is expected, not a list or a map"},
        {"title: a\ncolour: blue\n", "x.yaml:2:9: colour: \"blue\" is none of: red, green"},
        {"title: a\nyes: yes\n", "x.yaml:2:6: yes: must be true or false"},
        {"title: a\ncount: -1\n", "x.yaml:2:8: count: must be between 0 and 4294967295"},
        {"title: a\ncount: 1e3\n", "x.yaml:2:8: count: must be a whole number"},
        {"title: a\nday: 2021-02-29\n", "x.yaml:2:6: day: must be a day, YYYY-MM-DD"},
        {"title: a\ntags: b\n", "x.yaml:2:7: tags: a list is expected"},
        {"title: a\nleaves:\n  - name: x\n    points: 1.234\n",
         "x.yaml:4:13: points: must be a number with at most two decimal places"},
        {"title: a\nleaves:\n  - points: 1\n", "x.yaml:3:5: name: is missing"},
        {"title: a\ntitle: b\n", "x.yaml:2:1: the key \"title\" is there twice (line 1)"},
        {"title: &x a\ntags: [*x]\n", "x.yaml:1:8: aliases (*name) are not allowed"},
        {"title: !foo a\n", "x.yaml:1:8: tags (!name) are not allowed"},
        {"title: a\n---\ntitle: b\n", "x.yaml:2:1: a second document in the file"},
        {"title: \"\\0\"\n", "x.yaml:1:8: the text holds a NUL character"},
        {"title: a\n\xff\n", "x.yaml:2:1: not valid UTF-8"},
        {"title: 'a\n", "x.yaml:2:1: found unexpected end of stream"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena *arena = arena_new(0);
        struct tree tree = {0};
        const char *error;
        assert_int_equal(load_tree(cases[i].text, arena, &tree, &error), STATUS_INVALID);
        assert_string_equal(error, cases[i].error);
        arena_free(&arena);
    }
}

static void test_caps(void **state) {
    (void)state;
    struct arena *arena = arena_new(0);
    struct yaml_loader loader;
    const struct yaml_node *root;
    char deep[3000];
    memset(deep, '[', sizeof(deep));
    assert_int_equal(yaml_open(view_from(deep, 2999), "x", arena, NULL, &loader, &root),
                     STATUS_INVALID);
    assert_string_equal(loader.error, "x:1:1: too many open brackets");
    memset(deep, '[', 40);
    memset(deep + 40, ']', 40);
    assert_int_equal(yaml_open(view_from(deep, 80), "x", arena, NULL, &loader, &root),
                     STATUS_INVALID);
    assert_string_equal(loader.error, "x:1:34: nested deeper than 32 levels");
    const struct yaml_limits small = {.bytes = 10, .nodes = 3};
    assert_int_equal(yaml_open(VIEW_LITERAL("[1,2,3]"), "x", arena, &small, &loader, &root),
                     STATUS_INVALID);
    assert_string_equal(loader.error, "x:1:1: the file has too many values");
    assert_int_equal(yaml_open(VIEW_LITERAL("[1,2,3,4,5]"), "x", arena, &small, &loader, &root),
                     STATUS_INVALID);
    assert_string_equal(loader.error, "x:1:1: the file is too large");
    arena_free(&arena);
}

static void test_hundredths(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } right[] = {{"0", 0}, {"90", 9000}, {"2.5", 250}, {"0.05", 5}, {"-1.20", -120}, {"007", 700}};
    for (size_t i = 0; i < COUNT(right); i++) {
        int64_t value;
        assert_int_equal(yaml_parse_hundredths(view_from_string(right[i].text), &value), STATUS_OK);
        assert_true(value == right[i].value);
    }
    static const char *const wrong[] = {"",    "-",   ".5",  "5.",   "1.234", "1e3",
                                        "NaN", "inf", "1,5", "+1.0", " 1",    "9999999999999999"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        int64_t value;
        assert_int_equal(yaml_parse_hundredths(view_from_string(wrong[i]), &value), STATUS_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_loads),
        cmocka_unit_test(test_errors_say_where),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_hundredths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
