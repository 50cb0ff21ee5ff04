// A client's whole session as a piece of alloc_failure.c, in a file of its own: the client's and
// the judge's tests both have a `struct home`.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

void session_prepare(size_t variant);
enum status session_act(uint64_t *out_result) MUST_USE;
void session_clean(void);
