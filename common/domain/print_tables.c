// Prints proto/tables.md to stdout. Run after a change of common/domain's tables:
//   build-dev/common/domain/lx_print_tables > proto/tables.md
#include <stdio.h>

#include "common/domain/tables.h"

int main(void) {
    struct buf text = {0};
    if (tables_write(&text) != STATUS_OK)
        return 1;
    struct view view = buf_view(&text);
    bool written = fwrite(view.data, 1, view.size, stdout) == view.size && fflush(stdout) == 0;
    buf_free(&text);
    return written ? 0 : 1;
}
