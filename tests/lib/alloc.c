// See alloc.h.
#include "tests/lib/alloc.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
char *__real_strdup(const char *text);
void *__real_arena_alloc(struct arena *arena, size_t size);
void *__real_arena_array(struct arena *arena, size_t n, size_t size);
char *__real_arena_string(struct arena *arena, struct view text);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void *__wrap_arena_alloc(struct arena *arena, size_t size);
void *__wrap_arena_array(struct arena *arena, size_t n, size_t size);
char *__wrap_arena_string(struct arena *arena, struct view text);
char *__wrap_arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool armed, forever;
static uint64_t count, fail_at, failed;
static int spared;

static bool fails(void) {
    if (!armed || spared > 0)
        return false;
    count++;
    bool now = fail_at != 0 && (count == fail_at || (forever && count > fail_at));
    failed += now;
    return now;
}

void alloc_fail(uint64_t n, bool for_good) {
    armed = true;
    forever = for_good;
    count = failed = 0;
    fail_at = n;
}

uint64_t alloc_end(void) {
    armed = false;
    return count;
}

uint64_t alloc_failed(void) {
    return failed;
}

void alloc_spare(bool on) {
    spared += on ? 1 : -1;
}

void *__wrap_malloc(size_t size) {
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size) {
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t n, size_t size) {
    return fails() ? NULL : __real_reallocarray(old, n, size);
}

char *__wrap_strdup(const char *text) {
    return fails() ? NULL : __real_strdup(text);
}

int __wrap_asprintf(char **out, const char *format, ...) {
    va_list arguments;
    *out = NULL;
    if (fails())
        return -1;
    va_start(arguments, format);
    int size = vasprintf(out, format, arguments);
    va_end(arguments);
    return size;
}

void *__wrap_arena_alloc(struct arena *arena, size_t size) {
    return fails() ? NULL : __real_arena_alloc(arena, size);
}

void *__wrap_arena_array(struct arena *arena, size_t n, size_t size) {
    return fails() ? NULL : __real_arena_array(arena, n, size);
}

char *__wrap_arena_string(struct arena *arena, struct view text) {
    return fails() ? NULL : __real_arena_string(arena, text);
}

char *__wrap_arena_format(struct arena *arena, const char *format, ...) {
    va_list arguments;
    char *text = NULL;
    if (fails())
        return NULL;
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    char *copy =
        size < 0 ? NULL : __real_arena_string(arena, view_from((uint8_t *)text, (size_t)size));
    free(text);
    return copy;
}

// ---- SQLite ----

static sqlite3_mem_methods system_methods;

static void *sqlite_malloc(int size) {
    return fails() ? NULL : system_methods.xMalloc(size);
}

static void *sqlite_realloc(void *old, int size) {
    return fails() ? NULL : system_methods.xRealloc(old, size);
}

void alloc_init(void) {
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &system_methods) != SQLITE_OK)
        abort();
    if (!system_methods.xMalloc) { // not before SQLite has chosen its own
        (void)sqlite3_initialize();
        (void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &system_methods);
        (void)sqlite3_shutdown();
        (void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &system_methods);
    }
    sqlite3_mem_methods methods = system_methods;
    methods.xMalloc = sqlite_malloc;
    methods.xRealloc = sqlite_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK)
        abort();
}
