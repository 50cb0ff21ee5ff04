// Views: borrowed bytes with a length.
// Owns nothing; used by every parser and every reader of messages.
#include "common/base/view.h"

#include <string.h>

struct view view_from(const void *data, size_t size) {
    return (struct view){data, size};
}

struct view view_from_string(const char *string) {
    if (string == NULL)
        return (struct view){NULL, 0};
    return (struct view){(const uint8_t *)string, strlen(string)};
}

bool view_equal(struct view a, struct view b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int view_compare(struct view a, struct view b) {
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}
