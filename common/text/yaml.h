// YAML files (schemes, configuration) as a tree that keeps line and column, and a loader driven by
// tables. Scalars stay text until a field's loader reads them: 1.10 is never a binary fraction.
// Refused: aliases, tags, several documents, repeated and unknown keys.
// Everything lies in the caller's arena. Called by common/assess (schemes).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/base/view.h"

enum yaml_kind { YAML_KIND_SCALAR, YAML_KIND_LIST, YAML_KIND_MAP };

struct yaml_node {
    enum yaml_kind kind;
    bool plain;    // scalar without quotes: only these may be null, numbers, booleans
    unsigned line; // from 1
    unsigned column;
    struct view text;                // scalar
    size_t n;                        // list, map: entries
    struct yaml_node *const *keys;   // map: scalars
    struct yaml_node *const *values; // list, map
};

struct yaml_limits { // 0: the default
    size_t bytes;    // 1 MiB
    size_t depth;    // 32
    size_t nodes;    // 100,000
};

// The state of one reading: where messages go. Filled by yaml_open; the caller may read `error`.
struct yaml_loader {
    const char *file;    // borrows: name for messages
    struct arena *arena; // borrows
    const char *error;   // in the arena: "file:line:column: field: message", NULL while all is well
};

// Parses text (strict UTF-8). On failure loader->error is set. The root may be any kind of node.
enum status yaml_open(struct view text, const char *file, struct arena *arena,
                      const struct yaml_limits *limits, struct yaml_loader *out_loader,
                      const struct yaml_node **out_root) MUST_USE;

// Sets loader->error (the first one stays) and returns STATUS_INVALID. field may be NULL.
enum status yaml_fail(struct yaml_loader *loader, const struct yaml_node *node, const char *field,
                      const char *format, ...) MUST_USE __attribute__((format(printf, 4, 5)));

// The value of a key, NULL when the map lacks it (or `map` is no map).
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
bool yaml_is_null(const struct yaml_node *node); // absent, empty, ~ or null

// ---- table-driven loading into a C struct (protobuf-c messages, too) ----

struct yaml_field;
// Reads `node` into `object` as `field` says; on failure yaml_fail.
typedef enum status (*yaml_load_fn)(struct yaml_loader *loader, const struct yaml_node *node,
                                    const struct yaml_field *field, void *object);

#define YAML_NONE ((size_t)-1)

struct yaml_field {
    const char *name; // key in the file
    yaml_load_fn load;
    bool required;
    size_t offset; // of the value in the object
    size_t count;  // offset of the size_t count of a repeated field, of the has_ flag (int) of an
                   // optional scalar; YAML_NONE: neither
    const void *more; // what `load` says
};

// `.offset`/`.count` for a protobuf-c message: optional scalar, repeated field, plain pointer.
#define YAML_OPTIONAL(type, field)                                                                 \
    .offset = offsetof(type, field), .count = offsetof(type, has_##field)
#define YAML_REPEATED(type, field)                                                                 \
    .offset = offsetof(type, field), .count = offsetof(type, n_##field)
#define YAML_PLAIN(type, field) .offset = offsetof(type, field), .count = YAML_NONE

// Loads a map by a table: unknown keys and missing required fields are errors.
enum status yaml_load_fields(struct yaml_loader *loader, const struct yaml_node *map,
                             const struct yaml_field *fields, size_t n_fields,
                             void *object) MUST_USE;

// Loaders for the table. Target type behind the name.
enum status yaml_load_text(struct yaml_loader *, const struct yaml_node *,
                           const struct yaml_field *,
                           void *); // char *: NFC, at least one character, see utf8_check_text
enum status yaml_load_bool(struct yaml_loader *, const struct yaml_node *,
                           const struct yaml_field *,
                           void *); // int (protobuf_c_boolean): true or false
enum status yaml_load_uint32(struct yaml_loader *, const struct yaml_node *,
                             const struct yaml_field *, void *); // uint32_t
enum status yaml_load_int64(struct yaml_loader *, const struct yaml_node *,
                            const struct yaml_field *, void *); // int64_t
enum status yaml_load_hundredths(struct yaml_loader *, const struct yaml_node *,
                                 const struct yaml_field *, void *); // int64_t: "2.5" is 250
enum status yaml_load_day(struct yaml_loader *, const struct yaml_node *, const struct yaml_field *,
                          void *); // char *: YYYY-MM-DD, a real day
// int: an enum; more = struct yaml_choice[], ended by a NULL name.
enum status yaml_load_choice(struct yaml_loader *, const struct yaml_node *,
                             const struct yaml_field *, void *);
enum status yaml_load_texts(struct yaml_loader *, const struct yaml_node *,
                            const struct yaml_field *, void *); // char **, repeated
// X *: more = struct yaml_object.
enum status yaml_load_object(struct yaml_loader *, const struct yaml_node *,
                             const struct yaml_field *, void *);
// X **, repeated: more = struct yaml_object.
enum status yaml_load_objects(struct yaml_loader *, const struct yaml_node *,
                              const struct yaml_field *, void *);
// const struct yaml_node *: as it is, for what no table can say.
enum status yaml_load_node(struct yaml_loader *, const struct yaml_node *,
                           const struct yaml_field *, void *);

struct yaml_choice {
    const char *name;
    int value;
};

struct yaml_object {
    size_t size;      // sizeof the struct
    const void *init; // the struct starts as a copy of it (a static LX__X__INIT); NULL: zeros
    const struct yaml_field *fields;
    size_t n_fields;
    size_t line;     // offset of a uint32_t that gets the line (with has_ flag in `has_line`), or
                     // YAML_NONE
    size_t has_line; // YAML_NONE: no flag
};

// Decimal text with at most two places as hundredths: "90", "2.5", "-0.25". STATUS_INVALID
// otherwise, also for exponents, more places and more than 15 digits.
enum status yaml_parse_hundredths(struct view text, int64_t *out_hundredths) MUST_USE;
