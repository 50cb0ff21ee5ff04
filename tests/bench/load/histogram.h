// Latencies in logarithmic classes: every value from 1 ns to hours within 1.6% of the truth, so
// that runs can be added and a p99.9 needs no list of all values.
#pragma once

#include <stdint.h>

#define HISTOGRAM_PARTS 64 // classes of each power of two
#define HISTOGRAM_CLASSES ((64 - 5) * HISTOGRAM_PARTS)

struct histogram {
    uint64_t count;
    int64_t max_ns;
    uint32_t classes[HISTOGRAM_CLASSES];
};

void histogram_add(struct histogram *histogram, int64_t value_ns);
// The upper end of the class that holds the given share (0..1) of all values; 0 when empty.
int64_t histogram_at(const struct histogram *histogram, double share);
