// The text of a file that a person imports: UTF-8 whatever it came in, or the reason why not.
// Used by evidence and roster files. Owns nothing.
#pragma once

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/base/view.h"
#include "proto/wire.pb-c.h"

// out_text borrows from `bytes` or the arena; *out_charset is a constant name. STATUS_INVALID: the
// bytes are no text, *out_reason says at which offset; else *out_reason is left alone.
enum status import_text(struct view bytes, struct arena *arena, struct view *out_text,
                        const char **out_charset, Lx__Reason **out_reason) MUST_USE;
