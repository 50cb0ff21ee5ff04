// Inside of the scheme compiler: what its parts share. Only scheme_compile.c, scheme_catalogue.c
// and scheme_rules.c include it.
#pragma once

#include "common/assess/measures.h"
#include "common/assess/scheme.h"

#define COMPILE_CODE_MAX 48              // an item of a fact has 64 bytes
#define COMPILE_POINTS_MAX 100000000     // a million points: products stay far from 2^63
#define COMPILE_RULES_MAX 512            // the largest programme has about 60
#define COMPILE_LIST_MAX 2048            // lists are compared pairwise
#define COMPILE_DAY_MAX 84000            // about the year 2200
#define COMPILE_FULL_AT_MAX 100000000000 // a billion

struct compiler {
    const Lx__Scheme *source;   // borrows
    struct scheme *scheme;      // being filled
    struct arena *arena;        // borrows
    struct scheme_error *error; // borrows
};

// Where something comes from, gathered from any message that has these fields.
struct compile_origin {
    const char *sentence;
    char *const *assumed;
    size_t n_assumed;
    unsigned line;
};
#define COMPILE_ORIGIN(message)                                                                    \
    { (message)->sentence, (message)->assumed, (message)->n_assumed, (message)->line }

// Fills the error; returns STATUS_INVALID.
enum status compile_fail(struct compiler *compiler, unsigned line, const char *field,
                         const char *format, ...) MUST_USE __attribute__((format(printf, 4, 5)));
bool compile_is_code(const char *code);
bool compile_in(const char *code, char *const *list, size_t n);
// In an array of messages that start with code and label.
bool compile_has_code(const void *entries, size_t n, const char *code);
int compile_index_of(const void *entries, size_t n, const char *code);
enum status compile_check_origin(struct compiler *compiler, const struct compile_origin *origin,
                                 const char *list, const char *code) MUST_USE;
enum status compile_stage_window(struct compiler *compiler, char *const *codes, size_t n,
                                 const char *field, unsigned line,
                                 struct window *out_window) MUST_USE;
struct window compile_window(const struct stage *stages, size_t n);
// Courses, ability points, sessions, collections, templates.
enum status compile_catalogue(struct compiler *compiler) MUST_USE;
enum status compile_rules(struct compiler *compiler) MUST_USE;
