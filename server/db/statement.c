// The embedded statements of sql/queries by name.
#include <stdlib.h>
#include <string.h>

#include "embedded/sql_queries.h"
#include "server/db/internal.h"

static const struct embedded_text *table = sql_queries; // sorted by name
static size_t table_count;

// sql_queries_count is no constant expression, so it can't initialise table_count.
static size_t count(void) {
    return table == sql_queries ? sql_queries_count : table_count;
}

void statement_use(const struct embedded_text *texts, size_t n) {
    table = texts;
    table_count = n;
}

static int compare_name(const void *key, const void *row) {
    return strcmp(key, ((const struct embedded_text *)row)->name);
}

int statement_find(const char *name) {
    const struct embedded_text *row = bsearch(name, table, count(), sizeof table[0], compare_name);
    return row != NULL ? (int)(row - table) : -1;
}

const char *statement_name(int index) {
    return table[index].name;
}

const char *statement_text(int index) {
    return table[index].text;
}

int statement_count(void) {
    return (int)count();
}
