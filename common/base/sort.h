// qsort for lists that mostly are in order already, as what comes by time or out of an index does:
// one pass over a list that is in order, qsort for every other.
#pragma once

#include <stddef.h>

// `compare` as for qsort. Not stable.
void sort_list(void *list, size_t n, size_t size, int (*compare)(const void *a, const void *b));
