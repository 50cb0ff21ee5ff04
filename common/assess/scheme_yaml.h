// Reads a scheme file (YAML) into the canonical message. Errors name file, line and field.
// Used by `lianxiaoctl scheme load|check`, tests and the fuzzer.
#pragma once

#include <stddef.h>

#include "common/assess/scheme.h"
#include "common/base/arena.h"

// `file` names the text in messages. On STATUS_INVALID *out_error is "file:line[:column]: field:
// message" in the arena. out_scheme lives in the arena; it is complete and well-formed, not yet
// checked (scheme_compile).
enum status scheme_yaml_read(struct view text, const char *file, struct arena *arena,
                             Lx__Scheme **out_scheme, const char **out_error) MUST_USE;
// Reads and compiles.
enum status scheme_yaml_compile(struct view text, const char *file, struct arena *arena,
                                const struct scheme **out_scheme, const char **out_error) MUST_USE;
// Canonical bytes in the arena.
enum status scheme_pack(const Lx__Scheme *scheme, struct arena *arena,
                        struct view *out_bytes) MUST_USE;
// "file:line: field: message" in the arena; NULL when memory is out.
char *scheme_error_format(const struct scheme_error *error, const char *file,
                          struct arena *arena) MUST_USE;
