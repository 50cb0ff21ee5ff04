// See account.h.
#include "common/domain/account.h"

#include <stddef.h>
#include <string.h>

bool account_name_is_valid(const char *name) {
    size_t size = name != NULL ? strlen(name) : 0;
    return size >= 3 && size <= 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == size;
}
