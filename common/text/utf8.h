// Text as people write it: strict UTF-8, what may stand in names, one normal form, width on a
// terminal. Owns nothing; results lie in the caller's arena. Called by every parser of input.
#pragma once

#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/base/view.h"

// What is wrong with a text.
enum utf8_flaw {
    UTF8_FLAW_NONE = 0,
    UTF8_FLAW_ENCODING, // not UTF-8: overlong, surrogate, above U+10FFFF, cut off
    UTF8_FLAW_NUL,
    UTF8_FLAW_CONTROL, // C0, DEL, C1, line and paragraph separators, byte order mark,
                       // non-characters
    UTF8_FLAW_BIDI,    // changes the direction of the text around it
};

// Strict UTF-8, nothing else. *out_offset: first byte of the first wrong sequence (text.size when
// none); may be NULL.
enum utf8_flaw utf8_check(struct view text, size_t *out_offset);
// A name, a code, a title: one line.
enum utf8_flaw utf8_check_name(struct view text, size_t *out_offset);
// Longer text: tab, line feed and carriage return are allowed, too.
enum utf8_flaw utf8_check_text(struct view text, size_t *out_offset);
// "not valid UTF-8", "a NUL character", ...
const char *utf8_flaw_text(enum utf8_flaw flaw);

// The NFC form. `text` must be valid UTF-8 (else STATUS_INVALID). May give `text` itself back.
enum status utf8_normalize(struct view text, struct arena *arena, struct view *out_text) MUST_USE;
// Without white space at both ends: ASCII, no-break space, the ideographic space U+3000 and U+FEFF.
struct view utf8_trim(struct view text);
size_t utf8_count(struct view text); // code points; a wrong byte counts as one
// Columns on a terminal: a Chinese character takes 2, a combining mark or a wrong byte 0.
size_t utf8_width(struct view text);
// The longest prefix (in whole characters) of at most `width` columns, in bytes.
size_t utf8_prefix_of_width(struct view text, size_t width);
