// The encoding of a file that a person hands us: byte order mark, else strict UTF-8, else GB18030.
// Owns nothing; the text lies in the caller's arena or is the input itself. Called by the
// importers.
#pragma once

#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/base/view.h"

enum charset {
    CHARSET_UTF8,
    CHARSET_UTF16LE, // only with a byte order mark: a spreadsheet's "Unicode text"
    CHARSET_UTF16BE,
    CHARSET_GB18030,
};

struct charset_error {
    size_t offset;        // byte of the input where reading stopped
    enum charset charset; // that it was read as
};

const char *charset_name(enum charset charset); // "UTF-8", "GB18030", ...

// The whole input as strict UTF-8 without byte order mark. STATUS_INVALID: no charset fits,
// *out_error says where (out_error and out_charset may be NULL). STATUS_NO_MEMORY: the arena is
// full.
enum status charset_to_utf8(struct view bytes, struct arena *arena, struct view *out_text,
                            enum charset *out_charset, struct charset_error *out_error) MUST_USE;
