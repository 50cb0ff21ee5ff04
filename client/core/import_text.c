// Charset of imported files; see import_text.h.
#include "client/core/import_text.h"

#include <stdio.h>

#include "common/text/charset.h"
#include "common/wire/reason.h"

enum status import_text(struct view bytes, struct arena *arena, struct view *out_text,
                        const char **out_charset, Lx__Reason **out_reason) {
    struct charset_error error;
    enum charset charset = CHARSET_UTF8;
    char offset[24];
    enum status status = charset_to_utf8(bytes, arena, out_text, &charset, &error);
    if (status == STATUS_OK)
        *out_charset = charset_name(charset);
    if (status != STATUS_INVALID)
        return status;
    snprintf(offset, sizeof offset, "%zu", error.offset);
    const char *values[] = {charset_name(error.charset), offset};
    *out_reason = reason_new_v(arena, REASON_FILE_CHARSET, NULL, values, 2);
    return *out_reason == NULL ? STATUS_NO_MEMORY : STATUS_INVALID;
}
