// See histogram.h.
#include "histogram.h"

static unsigned class_of(uint64_t value) {
    if (value < HISTOGRAM_PARTS)
        return (unsigned)value;
    unsigned power = 63 - (unsigned)__builtin_clzll(value); // >= 6
    return (power - 5) * HISTOGRAM_PARTS +
           (unsigned)((value >> (power - 6)) & (HISTOGRAM_PARTS - 1));
}

static int64_t upper_end(unsigned number) {
    if (number < HISTOGRAM_PARTS)
        return number;
    unsigned power = number / HISTOGRAM_PARTS + 5;
    uint64_t part = HISTOGRAM_PARTS + number % HISTOGRAM_PARTS;
    return (int64_t)(((part + 1) << (power - 6)) - 1);
}

void histogram_add(struct histogram *histogram, int64_t value_ns) {
    if (value_ns < 0)
        value_ns = 0;
    histogram->count++;
    histogram->classes[class_of((uint64_t)value_ns)]++;
    if (value_ns > histogram->max_ns)
        histogram->max_ns = value_ns;
}

int64_t histogram_at(const struct histogram *histogram, double share) {
    uint64_t wanted = (uint64_t)(share * (double)histogram->count);
    uint64_t seen = 0;
    if (histogram->count == 0)
        return 0;
    for (unsigned i = 0; i < HISTOGRAM_CLASSES; i++) {
        seen += histogram->classes[i];
        if (seen > wanted || seen == histogram->count) {
            int64_t end = upper_end(i);
            return end < histogram->max_ns ? end : histogram->max_ns;
        }
    }
    return histogram->max_ns;
}
