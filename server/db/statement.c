// The embedded statements of sql/queries by name.
#include <stdlib.h>
#include <string.h>

#include "embedded/sql_queries.h"
#include "server/db/internal.h"

static int compare_name(const void *key, const void *row) {
    return strcmp(key, ((const struct embedded_text *)row)->name);
}

int statement_find(const char *name) {
    const struct embedded_text *row =
        bsearch(name, sql_queries, sql_queries_count, sizeof sql_queries[0], compare_name);
    return row != NULL ? (int)(row - sql_queries) : -1;
}

const char *statement_name(int index) {
    return sql_queries[index].name;
}

const char *statement_text(int index) {
    return sql_queries[index].text;
}

int statement_count(void) {
    return (int)sql_queries_count;
}
